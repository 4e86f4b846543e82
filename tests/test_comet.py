"""COMET's program is asked where it is, and its absence or failure is said.

The program here is a stand-in with the options, the file and the last line of a failure of unbabel-comet 2.2.7.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from translate.comet import score_comet
from translate.comparison import CompareError

PROGRAM = """#!{python}
import json, os, sys
if os.environ.get("BROKEN"):
    sys.exit("Traceback (most recent call last):\\n  …\\n" + os.environ["BROKEN"])
a = sys.argv
names = a[a.index("-t") + 1 : a.index("--model")]
lines = [open(n, encoding="utf-8").read().split("\\n")[:-1] for n in ("sources", "references", *names)]
assert len({{len(part) for part in lines}}) == 1, lines
def row(s, m, r):
    return {{"src": s, "mt": m, "ref": r, "COMET": 0.5 + 0.1 * (m == r)}}
scores = {{n: [row(s, m, r) for s, m, r in zip(lines[0], l, lines[1])] for n, l in zip(names, lines[2:])}}
json.dump(scores, open(a[a.index("--to_json") + 1], "w"), ensure_ascii=False, indent=4)
for n, l in scores.items():
    print("%s\\tscore: %.4f" % (n, sum(r["COMET"] for r in l) / len(l)))
assert (os.environ.get("HF_HUB_OFFLINE") == "1") or os.environ.get("MAY_LOAD")
"""

FAILURES = {
    "KeyError: \"Model 'Unbabel/wmt22-comet-da' not supported by COMET.\"": "its model Unbabel/wmt22-comet-da is not on "
    "this machine (--comet fetches it)",
    "ModuleNotFoundError: No module named 'pkg_resources'": "comet-score lacks pkg_resources "
    "(uv tool install unbabel-comet --with 'setuptools<81')",
    "OSError: disk": "comet-score failed: OSError: disk",
}
TEXTS = (["Eins\nzwei", "Drei"], ["One two", "Three"], {"A": ["One two", "Tree"], "B": ["One two", "Three"]})


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A comet-score on the path, and nothing else."""
    path = tmp_path / "comet-score"
    path.write_text(PROGRAM.format(python=sys.executable), encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return path


@pytest.mark.usefixtures("program")
def test_scores_are_read_by_system_and_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line break in a text does not shift the lines."""
    found = score_comet(*TEXTS)
    assert found.reason == ""
    assert list(found.rows["A"]) == pytest.approx([60, 50])
    assert found.scores == {"A": pytest.approx(55), "B": pytest.approx(60)}
    monkeypatch.setenv("MAY_LOAD", "1")
    assert not score_comet(*TEXTS, insist=True).reason


def test_absence_and_failure_are_reasons_or_errors(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors only for who insists."""
    for last, reason in FAILURES.items():
        monkeypatch.setenv("BROKEN", last)
        assert score_comet(*TEXTS).reason == reason
    monkeypatch.setenv("BROKEN", next(iter(FAILURES)))
    with pytest.raises(CompareError, match="is not on this machine nor to be had"):
        score_comet(*TEXTS, insist=True)
    assert "sources" in score_comet(["", ""], *TEXTS[1:]).reason
    program.unlink()
    assert "no program comet-score" in score_comet(*TEXTS).reason
    with pytest.raises(CompareError, match="COMET cannot be computed: no program"):
        score_comet(*TEXTS, insist=True)
