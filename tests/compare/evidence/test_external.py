"""Figures from elsewhere: `--metric NAME=FILE`, once a run, with the intervals and tests of our own metrics."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.helpers.command import Command
from tests.helpers.runs import make_lines, make_rows, write_lines, write_rows
from translate.compare.comparison import Question, compare
from translate.compare.evidence.external import parse_metrics
from translate.compare.evidence.verdicts import judge
from translate.records import InputError


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """Two runs of two documents of 30 rows."""
    _, one, two, _ = make_lines(60)
    folders = []
    for name, lines in (("one", one), ("two", two)):
        pairs = [(f"Satz {n}", line) for n, line in enumerate(lines)]
        folders.append(write_rows(tmp_path / name, [*make_rows(pairs[:30], "a.txt"), *make_rows(pairs[30:], "b.txt")]))
    return folders[0], folders[1]


def write_figures(path: Path, mean: float, seed: int) -> Path:
    """A number a row."""
    draw = random.Random(seed)
    return write_lines(path, [f"{draw.gauss(mean, 0.05):.4f}" for _ in range(60)])


def test_a_clear_difference_and_its_sign(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """Higher is better, unless the metric counts errors; mean, interval and p as they must be."""
    files = write_figures(tmp_path / "one.comet", 0.7, 1), write_figures(tmp_path / "two.comet", 0.8, 2)
    comparison = compare(Question(runs, figures={"comet": files, "MetricX": files}))
    assert comparison.evaluation
    mean = [sum(map(float, f.read_text().split())) / 60 for f in files]
    assert [q.score for q in comparison.evaluation.qualities if q.metric == "comet"] == pytest.approx(mean)
    test = comparison.evaluation.tests[0]
    assert test.difference == pytest.approx(mean[1] - mean[0])
    assert test.interval.low < test.difference < test.interval.high
    assert test.p_bootstrap < 0.01
    assert test.p_randomization < 0.01
    assert comparison.evaluation.buckets
    assert comparison.evaluation.lower == ("ter", "MetricX")
    assert judge(compare(Question(runs, figures={"comet": files})))[0].startswith("B is better than A: comet +0.08")
    assert judge(compare(Question(runs, figures={"MetricX": files})))[0].startswith("A is better than B")
    assert judge(comparison)[0].startswith("A and B: the metrics disagree")


def test_json_lines_in_any_order(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """With document and sentence; as `score` or `prediction`."""
    lines = [json.dumps({"doc": doc, "sentence": n, "score": n}) for doc in ("b.txt", "a.txt") for n in range(30)]
    one = write_lines(tmp_path / "one.jsonl", lines)
    two = write_lines(tmp_path / "two.jsonl", [json.dumps({"prediction": 2}) for _ in range(60)])
    comparison = compare(Question(runs, figures={"x": (one, two)}))
    assert [row.cells[0].quality["x"] for row in comparison.rows[:3] if row.cells[0]] == [0, 1, 2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1\n" * 59, "has 59 numbers, which does not fit the 60 rows"),
        ("1\n" * 61, "has 61 numbers"),
        ("1\n" * 59 + "one\n", "a line that is no figure: 'one'"),
        ("1\n" * 59 + "nan\n", "no figure: 'nan'"),
        ("1\n" * 59 + "true\n", "no figure"),
        ("{}\n" * 60, "no figure"),
        ('{"doc": "c.txt", "sentence": 0, "score": 1}\n' * 60, "'c.txt', sentence 0"),
        ('{"mark": "better", "first": "A"}\n', "cannot read the marks"),
        (
            '{"mark": "error", "system": "A", "severity": "grave", "doc": "a.txt", "systems": {"A": "one"}, "sentences": {"A": [0]}}\n',
            "cannot read the marks",
        ),
        (
            '{"mark": "better", "doc": "a.txt", "systems": {"A": "three"}, "sentences": {"A": [0]}}\n',
            "marks of 'three'",
        ),
    ],
)
def test_files_that_do_not_fit(runs: tuple[Path, Path], tmp_path: Path, content: str, words: str) -> None:
    """One line that names the file and what is wrong."""
    (tmp_path / "bad").write_text(content, encoding="utf-8")
    good = write_figures(tmp_path / "good", 0.5, 3)
    files = (tmp_path / "bad",) if "mark" in content else (tmp_path / "bad", good)
    with pytest.raises(InputError, match="bad") as caught:
        compare(Question(runs, figures={"x": files}))
    assert words in caught.value.message


def test_wrong_arguments(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """A form, a name, a number of files."""
    for text in ("comet", "=x", "comet=", "bleu=x"):
        with pytest.raises(InputError, match="--metric"):
            parse_metrics([text])
    with pytest.raises(InputError, match="1 files for the metric 'x', and 2 runs"):
        compare(Question(runs, figures={"x": (write_figures(tmp_path / "f", 0.5, 1),)}))


def test_as_a_user_gives_them(translate: Command, runs: tuple[Path, Path], tmp_path: Path) -> None:
    """Beside BLEU, in text, JSON and page; and as a demand."""
    write_figures(tmp_path / "one.comet", 0.7, 1)
    write_figures(tmp_path / "two.comet", 0.8, 2)
    arguments = ("compare", "one", "two", "--metric", "comet=one.comet", "--metric", "comet=two.comet")
    done = translate(*arguments, "--html", "c.html", "--json", "c.json", "--fail-under", "comet=0.75")
    assert done.returncode == 4
    assert "comet of A is" in done.stderr
    assert done.stdout.startswith("B is better than A: comet +0.08")
    assert "chrF++" not in done.stdout
    assert json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["pairs"][0]["verdict"].startswith(
        "B is better"
    )
    assert "comet" in (tmp_path / "c.html").read_text(encoding="utf-8")


def test_merged_sentences_have_the_mean(tmp_path: Path) -> None:
    """Where one run has two sentences for one of the other."""
    one = write_rows(tmp_path / "one", make_rows([("Eins.", "One."), ("Zwei.", "Two.")]))
    (row,) = make_rows([("Eins. Zwei.", "One. Two.")])
    two = write_rows(tmp_path / "two", [row])
    files = write_lines(tmp_path / "1", ["1", "3"]), write_lines(tmp_path / "2", ["5"])
    comparison = compare(Question((one, two), figures={"x": files}))
    assert [cell.quality["x"] for cell in comparison.rows[0].cells if cell] == [2, 5]
