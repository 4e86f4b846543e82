"""COMET through its own program `comet-score`, where it is installed.

Its package wants older versions of numpy, transformers and huggingface-hub than ours, so it lives in an environment
of its own (docs/compare.md says how) and is reached by its program and files.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from translate.comparison import Comet, CompareError

MODEL = "Unbabel/wmt22-comet-da"
PROGRAM = "comet-score"
INSTALL = "uv tool install unbabel-comet --with 'setuptools<81'"
"""It imports pkg_resources, which later setuptools lack."""


def score_comet(
    sources: Sequence[str], references: Sequence[str], systems: Mapping[str, Sequence[str]], *, insist: bool = False
) -> Comet:
    """Each system's score, or the reason for none. With `insist` the model may be downloaded, and a failure is raised.

    Raises CompareError.
    """
    reason, found = _run(sources, references, systems, offline=not insist)
    if reason and insist:
        raise CompareError(f"COMET cannot be computed: {reason}", "leave --comet out, or see docs/compare.md")
    means = {key: sum(rows) / len(rows) for key, rows in found.items()}
    return Comet(MODEL, means, found, reason)


def _run(
    sources: Sequence[str], references: Sequence[str], systems: Mapping[str, Sequence[str]], *, offline: bool
) -> tuple[str, dict[str, tuple[float, ...]]]:
    program = shutil.which(PROGRAM)
    if program is None:
        return f"no program {PROGRAM} ({INSTALL})", {}
    if not any(sources):
        return "it needs the sources (--source)", {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = {"sources": sources, "references": references, **systems}
        for stem, lines in texts.items():
            (folder / stem).write_text("".join(f"{' '.join(line.split())}\n" for line in lines), encoding="utf-8")
        command = [program, "-s", "sources", "-r", "references", "-t", *systems, "--model", MODEL, "--quiet"]
        environment = os.environ | ({"HF_HUB_OFFLINE": "1"} if offline else {})
        done = subprocess.run(
            [*command, "--only_system", "--gpus", "0", "--to_json", "scores.json"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return _explain(done.stderr, offline=offline), {}
        return _read_scores(folder / "scores.json", list(systems), len(sources))


def _explain(trace: str, *, offline: bool) -> str:
    """Why it failed, from the last line of its traceback; two that say something else than they mean, in our words."""
    last = next((line.strip() for line in reversed(trace.splitlines()) if line.strip()), "no message")
    if "not supported by COMET" in last:  # what it says of a model that it could not get
        return f"its model {MODEL} is not on this machine" + (" (--comet fetches it)" if offline else " nor to be had")
    if "pkg_resources" in last:
        return f"{PROGRAM} lacks pkg_resources ({INSTALL})"
    return f"{PROGRAM} failed: {last}"


def _read_scores(path: Path, keys: Sequence[str], rows: int) -> tuple[str, dict[str, tuple[float, ...]]]:
    """Its JSON: file name → a list of {"src", "mt", "ref", "COMET"}; scores of about 0 to 1."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        scores = {key: tuple(100 * float(row["COMET"]) for row in found[key]) for key in keys}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{PROGRAM} wrote nothing that can be read ({error})", {}
    if any(len(values) != rows for values in scores.values()):
        return f"{PROGRAM} scored another number of rows", {}
    return "", scores
