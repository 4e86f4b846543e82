"""The engine in C with the compiler's checks of memory and arithmetic in it, on models that nobody would make.

    python -m tests.reliability.sanitized [--seconds 60] [--variants 1] [--keep RESULTS.json]

Compiles the kernels with -fsanitize=address,undefined for this processor and for the plainest of its kind, and translates
with one random model after the other: sizes, weights (also such as are not finite), rules, sources. A report of a sanitizer ends
the process, so that one is enough. Rows have to keep to the vocabulary and to their limits and, where all numbers are finite, to be the same
in other company. With --keep it goes on where an earlier call ended, and the counts add up.
"""

from __future__ import annotations

import argparse
import ctypes
import dataclasses
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
CHECKS = ("-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
WIDTHS = (32, 64, 96, 128, 160, 256)
VALUES = (float("nan"), float("inf"), float("-inf"), 1e38, -3e38, 1e-44, 0.0)
PLAIN = "x86-64"
MODELS = 25
"""Between two looks at the clock."""


def compile_kernels(name: str, folder: Path) -> Path:
    """A variant of the kernels, with the checks in it. Raises CalledProcessError."""
    from translate.engines.native.variants import FLAGS, VARIANTS

    variant = next(found for found in VARIANTS if found.name == name)
    library = folder / f"{name}.so"
    flags = [flag for flag in (*FLAGS, *variant.flags) if not flag.startswith("-O") and flag != "-funroll-loops"]
    source = ROOT / "translate" / "engines" / "native" / "c" / "engine.c"
    subprocess.run(["gcc", *CHECKS, *flags, "-o", str(library), str(source), "-lm"], check=True)
    return library


def preloaded() -> dict[str, str]:
    """The environment of a process that opens such a library."""
    asked = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    options = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    return {**os.environ, **options, "LD_PRELOAD": asked.stdout.strip(), "OPENBLAS_NUM_THREADS": "1"}


def variants_here() -> list[str]:
    """The fastest variant that this machine can run, and the plainest."""
    from translate.engines.native.variants import variants_for
    from translate.machine import processor_flags

    able = [found.name for found in variants_for(platform.machine()) if set(found.needs) <= processor_flags()]
    return list(dict.fromkeys((able[0], able[-1]))) if able else []


def make_weights(chance: random.Random, numbers: np.random.Generator, wild: bool, *shape: int) -> Any:
    """Random ones; in a wild model now and then all of one kind."""
    weights = numbers.standard_normal(shape, dtype=np.float32) / np.float32(max(1, shape[-1]) ** 0.5)
    if wild and chance.random() < 0.1:
        weights[...] *= np.float32(chance.choice((0, 1e-30, 50, 1e4, 1e18, 1e38)))
    return weights


def make_model(seed: int) -> tuple[Any, bool]:
    """A random model, fused, and whether it is tame: such that every number in it stays finite."""
    from translate.engines.native.checkpoint import Fused, FusedLayer
    from translate.model.config import ModelConfig, Stack

    chance, numbers = random.Random(seed), np.random.default_rng(seed)
    d = chance.choice(WIDTHS)
    able = [heads for heads in range(1, d + 1) if d % heads == 0 and d // heads % 16 == 0 and d // heads <= 128]
    stacks = [Stack(chance.randint(1, 3), chance.choice(able), chance.choice(WIDTHS)) for _ in range(2)]
    sources, targets, positions = chance.randint(2, 400), chance.randint(2, 400), chance.randint(8, 90)
    config = ModelConfig(
        d_model=d,
        encoder=stacks[0],
        decoder=stacks[1],
        vocab_size=sources,
        target_vocab_size=targets,
        max_position_embeddings=positions,
        activation_function=chance.choice(("swish", "relu", "silu")),
        scale_embedding=False,
        share_encoder_decoder_embeddings=False,
        tie_word_embeddings=False,
        pad_token_id=0,
        decoder_start_token_id=0,
        eos_token_ids=(0,),
    )
    made: list[Any] = []
    wild = chance.random() < 0.5

    def weights(*shape: int) -> Any:
        made.append(make_weights(chance, numbers, wild, *shape))
        return made[-1]

    def pair(width: int, *inputs: int) -> tuple[Any, Any]:
        return weights(width, *inputs), weights(width)

    def layer(inner: int, *, cross: bool) -> FusedLayer:
        return FusedLayer(
            qkv=pair(3 * d, d),
            out=pair(d, d),
            norm=pair(d),
            cross_query=pair(d, d) if cross else None,
            cross_out=pair(d, d) if cross else None,
            cross_norm=pair(d) if cross else None,
            up=pair(inner, d),
            down=pair(d, inner),
            final_norm=pair(d),
        )

    fused = Fused(
        config,
        weights(sources, d),
        weights(targets, d),
        weights(positions, d),
        weights(positions, d),
        tuple(layer(stacks[0].ffn_dim, cross=False) for _ in range(stacks[0].layers)),
        tuple(layer(stacks[1].ffn_dim, cross=True) for _ in range(stacks[1].layers)),
        pair(2 * d * stacks[1].layers, d),
        pair(chance.choice((targets, targets, chance.randint(1, targets))), d),
    )
    if wild and chance.random() < 0.7:
        for _ in range(chance.choice((1, 1, 5, 50))):
            spoilt = chance.choice(made)
            spoilt.reshape(-1)[chance.randrange(spoilt.size)] = chance.choice(VALUES)
    return fused, all(np.abs(array).max() < 100 for array in made)


def make_rules(chance: random.Random, fused: Any, kernels: Any) -> Any:
    """What a search follows, within what it may."""
    from translate.engines.native.rules import Rules

    ends = len(fused.logits[1])
    return Rules(
        beams=chance.choice((1, 1, 2, 4, 6, chance.randint(1, int(kernels.most_beams)))),
        length_penalty=chance.choice((0.0, 1.0, 0.6, 10.0, chance.uniform(-10, 10))),
        early_stopping=chance.choice((False, True, "never")),
        renormalize=chance.random() < 0.3,
        start=chance.randrange(len(fused.target_tokens)),
        end=chance.randrange(ends),
        barred=tuple(chance.sample(range(ends), min(chance.choice((0, 0, 1, 5, ends - 1)), ends - 1))),
        ngram=chance.choice((0, 0, 1, 2, 4, 100)),
    )


def translate(model: Any, rules: Any, jobs: Sequence[Any], slots: int, tokens: int) -> dict[int, tuple[int, ...]]:
    """Number → target, of all jobs, with so many slots."""
    from translate.engines.native.compiled import CompiledLoop
    from translate.engines.native.rules import Tasks

    longest = max(job.limit for job in jobs)
    loop = CompiledLoop(
        model, rules, Tasks(sorted(jobs, key=lambda job: -len(job.request.source))), slots, tokens, longest
    )
    found = {hypothesis.number: hypothesis.target for some in loop.run() for hypothesis in some}
    for job in jobs:
        target = found[job.request.number]
        assert len(target) <= job.limit, (len(target), job.limit)
        assert all(0 <= token < model.sizes.logits for token in target), target
    return found


def try_model(library: ctypes.CDLL, seed: int) -> Counter[str]:
    """One model: what was done."""
    from translate.engines.native.compiled import CompiledModel, read_kernels
    from translate.engines.native.rules import Task
    from translate.records import Request

    chance = random.Random(-seed)
    fused, tame = make_model(seed)
    dtype = chance.choice(("float32", "bfloat16", "int8"))
    model = CompiledModel(library, fused, dtype)
    done = Counter({"models": 1, "tame": int(tame), dtype: 1})
    rules = make_rules(chance, fused, read_kernels(library))
    positions, vocabulary = model.sizes.positions, model.sizes.source_vocabulary
    jobs = []
    for number in range(chance.choice((1, 3, 20))):
        length = chance.choice((1, 2, chance.randint(1, positions), positions))
        source = tuple(chance.randrange(vocabulary) for _ in range(length))
        jobs.append(Task(Request(number, source), chance.randint(1, positions - 1)))
    found = translate(model, rules, jobs, chance.randint(1, 20), chance.choice((1, 50, 4000)))
    done["rows"] = len(jobs)
    if tame:
        again = translate(model, rules, jobs, chance.randint(1, 20), chance.choice((1, 50, 4000)))
        assert again == found, "other rows in other company"
        done["rows"] += len(jobs)
    done += try_borders(model, rules, chance)
    return done


def try_borders(model: Any, rules: Any, chance: random.Random) -> Counter[str]:
    """Numbers out of bounds are refused, whoever gives them: the library does not rely on its caller."""
    from translate.engines.native.compiled import CompiledLoop
    from translate.engines.native.rules import Task, Tasks
    from translate.records import Request

    worst = chance.choice((-(2**63), -(2**31), -1, 0, 10**6, 2**31, 2**62))
    field = chance.choice(("beams", "start", "end", "ngram", "slots", "positions", "limit", "length_penalty"))
    task = Task(Request(0, (0,)), worst if field == "limit" else 1)
    slots, positions = worst if field == "slots" else 2, worst if field == "positions" else 2
    if slots > 2 or (field in ("start", "end", "ngram") and 0 <= worst <= 1):
        return Counter()  # so many slots may be had, and these are within bounds
    changed = dataclasses.replace(rules, **{field: worst}) if hasattr(rules, field) else rules
    try:
        loop = CompiledLoop(model, changed, Tasks([task]), slots, 100, positions)
        list(loop.run())
    except (ValueError, OverflowError):
        return Counter({"refused": 1})
    assert field in ("ngram", "length_penalty"), f"{field} {worst} was taken"
    return Counter({"taken": 1})


def work(library: Path, first: int, seconds: float) -> None:
    """In a process of its own: models from that seed on, telling after each few what was done."""
    from translate.engines.native.compiled import declare

    opened = declare(ctypes.CDLL(str(library)))
    ends, seed = time.monotonic() + seconds, first
    while time.monotonic() < ends:
        done: Counter[str] = Counter()
        for _ in range(MODELS):
            print(json.dumps({"seed": seed}), flush=True)
            done += try_model(opened, seed)
            seed += 1
        print(json.dumps({"next": seed, **done}), flush=True)


def fuzz(name: str, folder: Path, first: int, seconds: float) -> tuple[Counter[str], str]:
    """What was done with a variant in so many seconds, and the first report; empty if there was none."""
    line = [sys.executable, "-m", "tests.reliability.sanitized", "--work", str(compile_kernels(name, folder))]
    done = subprocess.run(
        [*line, "--from", str(first), "--seconds", str(seconds)],
        cwd=ROOT,
        env=preloaded(),
        capture_output=True,
        text=True,
    )
    told = [json.loads(text) for text in done.stdout.splitlines()]
    total: Counter[str] = Counter()
    for each in told:
        if "next" in each:
            total += Counter({key: value for key, value in each.items() if key != "next"})
            total["next"] = each["next"]
    last = next((each["seed"] for each in reversed(told) if "seed" in each), first)
    return total, f"{name}, seed {last}, status {done.returncode}: {done.stderr[-3000:]}" if done.returncode else ""


def main() -> None:
    """Options; a line a variant."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.sanitized", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all variants together, without compiling")
    parser.add_argument("--variants", type=int, default=2, help="1: only the fastest that this machine can run")
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first model")
    parser.add_argument("--keep", type=Path, help="go on with what this file says, and put the sums there")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.first, options.seconds)
        return
    kept: dict[str, dict[str, int]] = (
        json.loads(options.keep.read_text()) if options.keep and options.keep.exists() else {}
    )
    names = variants_here()[: options.variants]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            before = Counter(kept.get(name, {}))
            found, report = fuzz(name, Path(folder), before["next"] or options.first, options.seconds / len(names))
            following = found.pop("next", 0) or before["next"]
            kept[name] = {**(before + found), "next": following}
            print(f"{name}: {dict(found)}", report or "no report", flush=True)
            failed = failed or bool(report)
            if options.keep:
                options.keep.write_text(json.dumps(kept, indent=1))
    sys.exit(failed)


if __name__ == "__main__":
    main()
