"""Model folders that are damaged, mixed up, or want to run code: a named error in bounded time, or the very rows of the
sound model. No code from a folder ever runs.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.helpers.command import environment
from tests.reliability.attack import ECHO, SMALL, Attack, Size, Tally, check, complain, run, thin
from translate.model.catalog import BUNDLED

TINY = BUNDLED / "tiny-de-en"
ENGINES = ("transformers", "native", "ctranslate2")
SECONDS = 60
"""For one model, loading and four sentences, on a busy machine."""
TEXT = "Das ist ein Haus. Ich habe heute zwei Bücher gekauft.\n"

WORKER = """
import json, sys, time, traceback
from pathlib import Path
from translate.model import catalog
from translate.run.pipeline import run
from translate.run.plan import Job
from translate.run.rows import read_rows
from translate.records import Settings, TranslateError
for name, engine in (line.split() for line in sys.stdin):
    started, told = time.perf_counter(), {"name": name}
    print(json.dumps({"began": name}), flush=True)
    catalog.BUNDLED = Path(name) if "bundled" in name else catalog.PACKAGE / "model" / "bundled"
    settings = Settings(engine=engine, device="cpu", dtype="float32", beams=1)
    output = Path("results", name.replace("/", "-"))
    model = "tiny-de-en" if "bundled" in name else f"./{name}"
    try:
        for _ in run(Job(("a.txt",), output=output, model=model, settings=settings)):
            pass
        rows = read_rows(next(output.glob("*/a.jsonl")))
        told["rows"] = [[row.source, row.target, round(row.score or 0, 2), list(row.flags)] for row in rows]
    except TranslateError as error:
        told |= {"error": error.message, "hint": error.hint}
    except BaseException:
        told["traceback"] = traceback.format_exc()
    print(json.dumps(told | {"seconds": time.perf_counter() - started}), flush=True)
"""
"""Translates with one model after the other, so that torch is imported once; tells what came of each."""


class Payload:
    """A pickle of it runs code: it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return os.system, (f"touch '{self._mark}'",)


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family."""
    yield partial(damage_weights, folder / "weights", size.damages)
    yield partial(change_files, folder / "files", size)
    yield partial(run_code, folder / "code", size)
    yield partial(swap_while_resuming, folder / "swapped")
    yield partial(write_garbage, folder / "models", size)


def copy_model(place: Path, **changed: bytes) -> Path:
    """The bundled model with some files as given (`vocab_json=…`); the others are links to its own."""
    place.mkdir(parents=True)
    for path in TINY.iterdir():
        if path.name.replace(".", "_") not in changed:
            shutil.copy(path, place)
    for name, data in changed.items():
        stem, _, ending = name.rpartition("_")
        (place / f"{stem}.{ending}").write_bytes(data)
    return place


def translate_with(folder: Path, models: Iterable[tuple[Path, str]]) -> Iterator[dict[str, Any]]:
    """What came of each model and engine, in order; a process that dies has killed itself on the one it began."""
    left = [(str(path.relative_to(folder)), engine) for path, engine in models]
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    while left:
        lines = "".join(f"{name} {engine}\n" for name, engine in left)
        bound = SECONDS * (1 + len(left))
        done = subprocess.run(
            [sys.executable, "-c", WORKER],
            cwd=folder,
            env=environment(XDG_CACHE_HOME=str(folder / "cache")),
            input=lines.encode(),
            capture_output=True,
            timeout=bound,
        )
        told = [json.loads(line) for line in done.stdout.decode().splitlines()]
        results = [result for result in told if "began" not in result]
        yield from results
        left = left[len(results) :]
        if left and done.returncode:
            yield {"name": left[0][0], "traceback": f"died with {done.returncode}: {done.stderr.decode()[-300:]}"}
            left = left[1:]


def judge(tally: Tally, result: dict[str, Any], sound: list[Any] | None) -> None:
    """An error with a hint in time, or the rows of the sound model."""
    if "traceback" in result or result["seconds"] > SECONDS:
        tally.add(f"{result['name']}: {result.get('traceback', 'too slow')[-600:]}")
    elif "error" in result:
        tally.add("" if result["hint"] else f"{result['name']}: no hint with {result['error']}")
    else:
        wrong = sum(ours not in (sound or []) for ours in result["rows"])
        tally.add(f"{result['name']}: used as if it were sound" if wrong else "", wrong=wrong)


def damage_weights(folder: Path, tries: int) -> Tally:
    """The bundled model's weights and pieces: cut, bytes changed at random, stretches of zeros."""
    tally = Tally("bundled model cut, or bytes of it changed")
    models = []
    chance = random.Random(3)
    for number in range(tries * len(ENGINES)):
        file = ("model.safetensors", "source.spm", "target.spm", "vocab.json")[chance.randrange(4) if number > 5 else 0]
        data = bytearray((TINY / file).read_bytes())
        kind = number % 3
        place = chance.randrange(len(data))
        if kind == 0:
            del data[place:]
        elif kind == 1:
            data[place] ^= 1 << chance.randrange(8)
        else:
            data[place : place + 4096] = bytes(len(data[place : place + 4096]))
        holder = folder / f"bundled-{number}"
        copy_model(holder / "tiny-de-en", **{file.replace(".", "_"): bytes(data)})
        models.append((holder, ENGINES[number % len(ENGINES)]))
    for result in translate_with(folder, models):
        judge(tally, result, None)
    return tally


def make_vocabularies() -> Iterator[tuple[str, bytes]]:
    """Wrong ones."""
    ids: dict[str, int] = json.loads((TINY / "vocab.json").read_text(encoding="utf-8"))
    yield "too-large", json.dumps(ids | {f"more{i}": len(ids) + i for i in range(1000)}).encode()
    yield "beyond", json.dumps({piece: number * 1000 for piece, number in ids.items()}).encode()
    yield "negative", json.dumps({piece: number if number < 9 else -number for piece, number in ids.items()}).encode()
    yield "one-id", json.dumps(dict.fromkeys(ids, 5)).encode()
    yield "strings", json.dumps({piece: str(number) for piece, number in ids.items()}).encode()
    yield "fractions", json.dumps({piece: number + 0.5 for piece, number in ids.items()}).encode()
    yield "half", json.dumps(dict(list(ids.items())[: len(ids) // 2])).encode()
    yield "no-end", json.dumps({piece: number for piece, number in ids.items() if piece != "</s>"}).encode()
    yield "list", json.dumps(list(ids)).encode()
    yield "nested", b"[" * 200_000
    yield "empty", b""
    yield "bytes", bytes(range(256)) * 20


def make_configurations() -> Iterator[tuple[str, bytes]]:
    """Wrong ones; some would have another library fetch or run something."""
    config: dict[str, Any] = json.loads((TINY / "config.json").read_text(encoding="utf-8"))
    changed: dict[str, dict[str, Any]] = {
        "wider": {"d_model": 512},
        "more-layers": {"encoder_layers": 7},
        "fewer-layers": {"decoder_layers": 1},
        "larger-vocabulary": {"vocab_size": 60_000, "decoder_vocab_size": 60_000},
        "giant": {"vocab_size": 10**12, "decoder_vocab_size": 10**12},
        "heads": {"encoder_attention_heads": 7},
        "no-positions": {"max_position_embeddings": 0},
        "text-for-number": {"d_model": "many"},
        "start-beyond": {"decoder_start_token_id": 99_999},
        "activation": {"activation_function": "no_such"},
        "quantized": {"quantization_config": {"quant_method": "gptq", "bits": 4}},
        "automatic": {"auto_map": {"AutoModelForSeq2SeqLM": "modeling.Model", "AutoConfig": "modeling.Config"}},
    }
    for name, changes in changed.items():
        yield name, json.dumps(config | changes).encode()
    for name, data in {
        "list": b'["marian"]',
        "nested": b"[" * 200_000,
        "empty": b"",
        "html": b"<html>Log in</html>",
    }.items():
        yield name, data


def change_files(folder: Path, size: Size) -> Tally:
    """Wrong vocabularies, pieces of the other side, configurations that do not fit, weights that are something else."""
    tally = Tally("files of a model folder wrong, swapped, cut or empty")
    other = b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "
    changes: dict[str, dict[str, bytes]] = {
        **{f"vocab-{name}": {"vocab_json": data} for name, data in make_vocabularies()},
        **{f"config-{name}": {"config_json": data} for name, data in make_configurations()},
        "generation-list": {"generation_config_json": b"[]"},
        "generation-wrong": {
            "generation_config_json": b'{"eos_token_id": "x", "num_beams": "many", "bad_words_ids": 3}'
        },
        "generation-html": {"generation_config_json": b"<html>"},
        "spm-empty": {"source_spm": b""},
        "spm-garbage": {"target_spm": b"\xff" * 5000},
        "weights-empty": {"model_safetensors": b""},
        "weights-none-inside": {"model_safetensors": other},
        "weights-header-lies": {"model_safetensors": b"\xff" * 8 + b"{}"},
        "weights-html": {"model_safetensors": b"<html>Please log in</html>" * 100},
        "weights-pointer": {
            "model_safetensors": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 21932114\n"
        },
    }
    engines = ENGINES if size.every == 1 else ENGINES[:1]
    models = [
        (copy_model(folder / f"{engine}-{name}", **changed), engine)
        for name, changed in thin(changes.items(), size)
        for engine in engines
    ]
    sound = [(copy_model(folder / f"{engine}-sound"), engine) for engine in engines]
    results = list(translate_with(folder, [*sound, *models]))
    for result in results[len(sound) :]:
        engine = result["name"].split("-")[0]
        judge(tally, result, next(r["rows"] for r in results if r["name"] == f"{engine}-sound"))
    return tally


def run_code(folder: Path, size: Size) -> Tally:
    """Pickles and modules that leave a mark when they run, wherever a library might look for them."""
    tally = Tally("code in a model folder")
    folder.mkdir(parents=True)
    mark = folder / "it-ran"
    payload = pickle.dumps({"model.shared.weight": Payload(mark)})
    module = (
        f"import os\nos.system(\"touch '{mark}'\")\nclass Model: pass\nConfig = Tokenizer = generate = Model\n".encode()
    )
    code = {"modeling_py": module, "generate_py": module, "tokenization_py": module, "configuration_py": module}
    modules = {**code, "sitecustomize_py": module, "__init___py": module, "conftest_py": module}
    config = json.loads((TINY / "config.json").read_text())
    mapped = {
        "auto_map": {
            "AutoConfig": "modeling.Config",
            "AutoModelForSeq2SeqLM": "modeling.Model",
            "AutoTokenizer": "modeling.Tokenizer",
        }
    }
    attacks: dict[str, dict[str, bytes]] = {
        "pickle": {"pytorch_model_bin": payload},
        "pickle-beside": {"pytorch_model_bin": payload, "training_args_bin": payload, "optimizer_pt": payload},
        "modules": modules,
        "mapped": {**modules, "config_json": json.dumps(config | mapped).encode()},
        "generates": {
            **modules,
            "generation_config_json": json.dumps({"custom_generate": ".", "trust_remote_code": True}).encode(),
        },
        "adapter": {
            **modules,
            "adapter_config_json": json.dumps({"base_model_name_or_path": "modeling", "auto_mapping": mapped}).encode(),
        },
        "trusting": {**modules, "config_json": json.dumps(config | mapped | {"trust_remote_code": True}).encode()},
    }
    models = []
    for name, files in attacks.items():
        for engine in ENGINES if size.every == 1 else ENGINES[:1]:
            place = copy_model(folder / f"{engine}-{name}", **files)
            if name == "pickle":
                (place / "model.safetensors").unlink()
            (place / "custom_generate").mkdir()
            (place / "custom_generate" / "generate.py").write_bytes(module)
            models.append((place, engine))
    for result in translate_with(folder, models):
        problem = result.get("traceback", "")[-500:] or ("its code ran" if mark.exists() else "")
        tally.add(f"{result['name']}: {problem}" if problem else "")
        mark.unlink(missing_ok=True)
    return tally


def swap_while_resuming(folder: Path) -> Tally:
    """A run was begun with a model whose files then change: the folder is refused, naming what differs.

    Files that fit together make a model, however bad. Nothing but its fingerprint tells it from the one that was meant.
    """
    tally = Tally("model files changed between two runs into one folder")
    config = json.loads((TINY / "config.json").read_text())
    generation = json.loads((TINY / "generation_config.json").read_text())
    ids = json.loads((TINY / "vocab.json").read_text(encoding="utf-8"))
    weights = bytearray((TINY / "model.safetensors").read_bytes())
    weights[-2] ^= 1
    for number, (file, data) in enumerate(
        {
            "config.json": json.dumps(config | {"activation_function": "relu"}).encode(),
            "generation_config.json": json.dumps(generation | {"bad_words_ids": [[5], [6]]}).encode(),
            "model.safetensors": bytes(weights),
            "vocab.json": json.dumps(dict(zip(ids, reversed(ids.values()), strict=True))).encode(),
            "target.spm": (TINY / "target.spm").read_bytes() + b"\x12\x00",
        }.items()
    ):
        home = folder / str(number)
        copy_model(home / "model")
        (home / "a.txt").write_text(TEXT, encoding="utf-8")
        arguments = ("a.txt", "--engine", "echo", "--model", "./model", "-q")
        problem = complain(run(arguments, home), 0)
        (home / "model" / file).write_bytes(data)
        tally.add(problem or complain(run(arguments, home), 1))
    return tally


def write_garbage(folder: Path, size: Size) -> Tally:
    """A models.txt that is none."""
    tally = Tally("models.txt with garbage")
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    chance = random.Random(1)
    lines = [
        "\0",
        "a/b@",
        "@",
        "/",
        "//",
        "../..",
        "/dev/zero",
        "a/../b",
        "tiny-de-en bundled bundled",
        "nix bundled",
        ". bundled",
    ]
    lines += [
        "a" * 1_000_000,
        "x/" + "y" * 5000,
        "x/y@" + "z" * 5000,
        "\ufeff\ufeff",
        "http://127.0.0.1:9/x",
        "{}",
        "[[",
        "x/y\x1b[2J",
    ]
    lines += ["../tiny-de-en bundled", "CON", "~/x", "$HOME", "x/y@../../z", "x/..", "--/--", "\ud7ff/\u2028"]
    for text in thin([*(line.encode() for line in lines), bytes(1000), chance.randbytes(2000), b"\n" * 100_000], size):
        (folder / "models.txt").write_bytes(text)
        done = run(("a.txt", *ECHO[:2]), folder, seconds=60)
        tally.add(complain(done, 1) and f"{text[:40]!r}: {complain(done, 1)}")
    return tally


def test_no_model_is_trusted(tmp_path: Path) -> None:
    """Named errors or sound rows; none of their code runs."""
    check(attacks(SMALL, tmp_path), at_once=2)
