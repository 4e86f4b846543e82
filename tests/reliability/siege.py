"""A siege: attack after attack for as long as it is given, each by its number, so that it goes on where it ended.

    python -m tests.reliability.siege --keep RESULTS.json [--seconds 60] [--only documents --only models --only kills]

documents: texts that are made up (mixed, broken and odd characters, in many encodings), translated by the echo engine and judged by a
reader of rows of its own. models: folders with files that are changed, cut, swapped, and configurations of all kinds of
values, loaded and asked for four sentences, in processes that are watched: a named error or rows, within ten seconds.
kills: SIGKILL at a random moment of a run with the default command, in each number type of the engine native; the
same command then has to end with the bytes of an unbroken run. RESULTS.json holds how many of each were tried and survived, and the complaints.
"""

from __future__ import annotations

import argparse
import json
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.helpers.command import ROOT, command, environment
from tests.reliability.attack import compare_rows, judge_rows, row_files, run, write_real_texts
from tests.reliability.test_models import copy_model
from translate.model.catalog import BUNDLED

TINY = BUNDLED / "tiny-de-en"
AT_ONCE = 40
"""Documents a command, models a process."""
SECONDS = 10.0
"""For one model; on a busy machine by the processor's clock."""
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "windows-1252", "iso-8859-15", "utf-7")
ALPHABETS = (
    "abcdefg äöüß ABC .!?,;:",
    "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\r\n\t \u00a0\u200b\u200d\ufeff\u00ad",
    "0123456789.,:-–%€$§/()",
    "„“»«‚‘\"'…–—",
    "🙂👩‍👩‍👧 中文 العربية हिन्दी \u202e\u0301\u0300 \U0010ffff\ue000",
    "\0\x01\x07\x08\x1b[2J\x7f\x80\x9b",
    "<b>{x}&amp;</b>|\\`*_#",
)
WORDS = "Haus Das ist nicht die z. B. Dr. Nr. 3,5 am 12. Mai GmbH & Co. https://x.de/a?b=1 a@b.de usw. und so weiter".split()
NUMBERS: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    1,
    2,
    3,
    7,
    8,
    15,
    64,
    65,
    255,
    1024,
    65536,
    65537,
    10**6,
    2**31,
    2**63,
    10**30,
    0.5,
    1e308,
    "4",
    [],
    [1],
    {},
)

WORKER = """
import json, sys, time, traceback
from pathlib import Path
from translate.records import Settings, TranslateError
from translate.model.catalog import resolve_model
from translate.run.loading import load
from translate.run.translator import make_translator
for line in sys.stdin:
    name, settings = json.loads(line)
    print(json.dumps({"began": name}), flush=True)
    told, began = {"name": name}, time.process_time()
    try:
        loaded = load(resolve_model(name).model, Settings(**settings))
        texts = ["Das ist ein Haus.", "Ja.", "Ich habe heute zwei Bücher gekauft.", "x" * 300]
        done = {}
        for outcome in make_translator(loaded).translate([texts]):
            done |= outcome.translations
        told["rows"] = len(done)
        told["wrong"] = sorted(text for text in texts if text not in done or not isinstance(done[text].target, str))
    except TranslateError as error:
        told |= {"error": error.message, "hint": error.hint}
    except BaseException:
        told["traceback"] = traceback.format_exc()[-800:]
    print(json.dumps(told | {"seconds": time.process_time() - began}), flush=True)
"""

TITLES = {
    "documents": "documents that are made up, echo",
    "models": "model folders with something changed, native and auto",
    "kills": "SIGKILL at a random moment of the default command, native, its number types in turn",
}

Outcome = tuple[int, list[str]]
"""How many were tried, and what is wrong with those that did not survive."""


def make_text(chance: random.Random) -> str:
    """A document of words, odd characters, or both."""
    parts = []
    for _ in range(chance.randint(0, 25)):
        if chance.random() < 0.6:
            parts.append(" ".join(chance.choices(WORDS, k=chance.randint(1, 12))))
        else:
            parts.append("".join(chance.choices(chance.choice(ALPHABETS), k=chance.randint(1, 40))))
        parts.append(chance.choice((". ", "! ", "\n", "\r\n", "\r", "\n\n", " ", "", ".", "…\n")))
    return "".join(parts)


def attack_documents(number: int, folder: Path) -> Outcome:
    """A folder of them, in one encoding, through the command; one in ten has some bytes changed."""
    chance = random.Random(number)
    encoding = chance.choice(ENCODINGS)
    sources: dict[str, bytes] = {}
    (folder / "d").mkdir(parents=True)
    for one in range(AT_ONCE):
        data = make_text(chance).encode(encoding, errors="ignore")
        if chance.random() < 0.1 and data:
            changed = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            data = bytes(changed)
        sources[f"{one:03}"] = data
        (folder / "d" / f"{one:03}.txt").write_bytes(data)
    options = ("--engine", "echo", "--model", "tiny-de-en", "-q", "--text", "-e", encoding)
    done = run(("d", *options), folder, seconds=120)
    complaints = []
    if "Traceback" in done.stderr or done.returncode not in (0, 1):
        complaints.append(f"documents {number}: status {done.returncode}: {done.stderr[-600:]}")
    for name, data in sources.items():
        rows = folder / "out" / "tiny-de-en" / "d" / f"{name}.jsonl"
        text = read_as(data, encoding)
        if rows.exists():
            lost, wrong = judge_rows(text, rows.read_bytes()) if text is not None else (0, 1)
            if lost or wrong:
                complaints.append(f"documents {number}/{name} ({encoding}): {lost} lost, {wrong} wrong")
        elif text is not None or f"d/{name}" not in done.stderr:
            complaints.append(f"documents {number}/{name} ({encoding}): no rows: {done.stderr[-300:]}")
    return len(sources), complaints


def read_as(data: bytes, encoding: str) -> str | None:
    """What the document says, by Python's own reading of it; None if it is no text."""
    marks: tuple[tuple[bytes, str], ...] = (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe\0\0", "utf-32"),
        (b"\0\0\xfe\xff", "utf-32"),
    )
    marks += ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    found = next((name for mark, name in marks if data.startswith(mark)), encoding)
    try:
        text = data.decode(found)
        text.encode()
    except UnicodeError:
        return None
    return text


def spoil_model(chance: random.Random, place: Path) -> None:
    """Some change of a sound folder."""
    kind = chance.choice(("number", "number", "number", "bytes", "cut", "swap", "empty", "json", "header"))
    file = chance.choice(("config.json", "generation_config.json"))
    if kind == "number":
        changed = json.loads((TINY / file).read_text(encoding="utf-8"))
        for _ in range(chance.randint(1, 3)):
            changed[chance.choice([*changed, "max_length", "num_beams", "bad_words_ids", "early_stopping"])] = (
                chance.choice(NUMBERS)
            )
        data = json.dumps(changed).encode()
    elif kind == "json":
        data = chance.choice(
            (b"", b"[]", b"null", b"{", b"[" * 10_000, b'{"model_type": "marian"}', b"\xff", b'{"a":' * 5000)
        )
    else:
        file = chance.choice(("model.safetensors", "source.spm", "target.spm", "vocab.json"))
        whole = bytearray((TINY / file).read_bytes())
        if kind == "cut":
            del whole[chance.randrange(len(whole)) :]
        elif kind == "swap":
            whole = bytearray((TINY / chance.choice(("source.spm", "target.spm", "vocab.json"))).read_bytes())
        elif kind == "empty":
            whole.clear()
        else:
            within = 4096 if kind == "header" else len(whole)
            for _ in range(chance.choice((1, 8, 100))):
                whole[chance.randrange(min(within, len(whole)))] = chance.randrange(256)
        data = bytes(whole)
    copy_model(place, **{file.replace(".", "_"): data})
    (place / "canary.json").unlink(missing_ok=True)


def attack_models(number: int, folder: Path) -> Outcome:
    """Some folders, one after the other in one process; one that is silent for too long has hung."""
    chance = random.Random(number)
    folder.mkdir(parents=True)
    jobs: list[tuple[str, dict[str, Any]]] = []
    for one in range(AT_ONCE):
        spoil_model(chance, folder / str(one))
        engine = chance.choice(("native", "native", "auto"))
        dtype = chance.choice(("float32", "bfloat16", "int8"))
        jobs.append((f"./{one}", {"engine": engine, "dtype": dtype, "device": "cpu"}))
    complaints: list[str] = []
    left = list(jobs)
    while left:
        told, problem = watch(folder, left)
        complaints += [f"models {number}: {found}" for found in map(judge_model, told) if found]
        left = left[len(told) :]
        if problem and left:
            complaints.append(f"models {number}: {left[0]}: {problem}")
            left = left[1:]
    return len(jobs), complaints


def watch(folder: Path, jobs: list[tuple[str, dict[str, Any]]]) -> tuple[list[dict[str, Any]], str]:
    """What came of the models until all are done or one ends the process; and how that one did."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", WORKER],
        cwd=folder,
        env=environment(OMP_NUM_THREADS="1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("".join(json.dumps(job) + "\n" for job in jobs).encode())
    process.stdin.close()
    told: list[dict[str, Any]] = []
    problem = ""
    while True:
        if not select.select([process.stdout], [], [], SECONDS * 12)[0]:
            problem = "no answer"
            process.kill()
            break
        line = process.stdout.readline()
        if not line:
            break
        found = json.loads(line)
        if "began" not in found:
            told.append(found)
    status = process.wait()
    return told, problem or (f"died with {status}" if status else "")


def judge_model(found: dict[str, Any]) -> str:
    """What is wrong with what came of a model; empty if it is a named error or rows, in time."""
    if "traceback" in found:
        return f"{found['name']}: {found['traceback']}"
    if found["seconds"] > SECONDS:
        return f"{found['name']}: {found['seconds']:.0f} s"
    if "error" in found:
        return "" if found["hint"] else f"{found['name']}: no hint with {found['error']}"
    return f"{found['name']}: wrong {found['wrong']}" if found["wrong"] else ""


def attack_kills(number: int, folder: Path, whole: Path) -> Outcome:
    """One kill, in a number type; `whole` keeps unbroken runs, one a type, made when they are first wanted."""
    dtype = ("auto", "float32", "bfloat16", "int8")[number % 4]
    arguments = ("data", "--model", "tiny-de-en", "--dtype", dtype, "-q")
    if not (whole / dtype / "seconds").exists():
        shutil.rmtree(whole / dtype, ignore_errors=True)
        write_real_texts(whole / dtype, 400)
        began = time.perf_counter()
        done = run(arguments, whole / dtype)
        if done.returncode:
            return 1, [f"kills {number}: the unbroken run: {done.stderr[-300:]}"]
        (whole / dtype / "seconds").write_text(str(time.perf_counter() - began))
    longest = float((whole / dtype / "seconds").read_text())
    shutil.copytree(whole / dtype / "data", folder / "data")
    process = subprocess.Popen(command(*arguments), cwd=folder, env=environment(), stderr=subprocess.DEVNULL)
    time.sleep(random.Random(number).uniform(0.2, longest))
    process.kill()
    if process.wait() != -signal.SIGKILL:
        return 0, []  # it had ended by then
    done = run(arguments, folder)
    lost, wrong = compare_rows(row_files(whole / dtype / "out"), row_files(folder / "out"))
    if done.returncode or lost or wrong:
        return 1, [
            f"kills {number} ({dtype}): status {done.returncode}, {lost} lost, {wrong} wrong: {done.stderr[-300:]}"
        ]
    return 1, []


def besiege(results: dict[str, Any], seconds: float, wanted: list[str], keep: Callable[[], None]) -> None:
    """Turn by turn, until the time is over."""
    ends = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="siege-") as base:
        attacks: dict[str, Callable[[int, Path], Outcome]] = {
            "documents": attack_documents,
            "models": attack_models,
            "kills": partial(attack_kills, whole=Path(base) / "whole"),
        }
        for name in turns(wanted):
            if time.monotonic() >= ends:
                return
            row = results.setdefault(name, {"next": 0, "tries": 0, "survived": 0, "complaints": []})
            folder = Path(base) / f"{name}-{row['next']}"
            tries, complaints = attacks[name](row["next"], folder)
            shutil.rmtree(folder, ignore_errors=True)
            row["next"] += 1
            row["tries"] += tries
            row["survived"] += tries - len(complaints)
            row["complaints"] = (row["complaints"] + complaints)[:200]
            keep()


def render(results: dict[str, Any]) -> str:
    """The sums as a table in Markdown."""
    lines = ["| attack | tries | survived |", "|---|---:|---:|"]
    lines += [f"| {TITLES[name]} | {row['tries']:,} | {row['survived']:,} |" for name, row in results.items()]
    return "\n".join(lines)


def turns(names: list[str]) -> Iterator[str]:
    """One after the other, without end."""
    while True:
        yield from names


def main() -> None:
    """Options; the sums."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.siege", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--only", action="append", choices=("documents", "models", "kills"))
    parser.add_argument("--keep", type=Path, help="go on with what this file says, and put the sums there")
    parser.add_argument("--write", type=Path, help="a page whose block `siege` is written anew")
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(options.keep.read_text()) if options.keep and options.keep.exists() else {}

    def keep() -> None:
        if options.keep:
            options.keep.write_text(json.dumps(results, ensure_ascii=False, indent=1))

    besiege(results, options.seconds, options.only or ["documents", "models", "kills"], keep)
    if options.write:
        sys.path.append(str(ROOT / "benchmarks"))
        from pages import replace_block

        replace_block(options.write, "siege", render(results))
    for name, row in results.items():
        print(f"{name}: {row['survived']:,} of {row['tries']:,} survived", *row["complaints"][:5], sep="\n    ")
    sys.exit(any(row["survived"] < row["tries"] for row in results.values()))


if __name__ == "__main__":
    main()
