"""`translate compare` as a user runs it, and its figures against sacreBLEU's own command."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.command import SHARED, Command
from tests.helpers.runs import SIGNATURE, make_lines, make_rows, write_lines, write_rows
from translate.compare.comparison import Question, compare, find_settings
from translate.compare.findings import Comparison
from translate.records import Flag, InputError

TARGETS = [
    ("Der Hund bellt.", "The dog barks."),
    ("Er hat 3 Katzen.", "He has 3 cats."),
    ("Es regnet nicht.", "It does not rain."),
]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ref.en, one.en, two.en and three.en."""
    folder = tmp_path_factory.mktemp("lines")
    for name, text in zip(("ref.en", "one.en", "two.en", "three.en"), make_lines(120), strict=True):
        write_lines(folder / name, text)
    return folder


@pytest.fixture(scope="module")
def scored(lines: Path) -> Comparison:
    """The systems against the reference."""
    runs = tuple(lines / f"{name}.en" for name in ("one", "two", "three"))
    return compare(Question(runs, lines / "ref.en"))


def sacrebleu(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """What sacreBLEU's command prints as JSON, unrounded as far as it can."""
    command = [sys.executable, "-m", "sacrebleu", "ref.en", "-m", "bleu", "chrf", "ter", "--chrf-word-order", "2"]
    done = subprocess.run(
        [*command, "-w", "6", *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )
    found = json.loads(done.stdout)
    return found if isinstance(found, list) else [found]


METRIC_NAMES = {"bleu": "BLEU", "chrf++": "chrF2++", "ter": "TER"}


@pytest.mark.parametrize(("key", "name"), [("A", "one.en"), ("B", "two.en")])
def test_scores_intervals_and_signatures_are_those_of_sacrebleus_command(
    lines: Path, scored: Comparison, key: str, name: str
) -> None:
    """On the same files, with its own seed."""
    assert scored.evaluation
    theirs = {found["name"]: found for found in sacrebleu(lines, "-i", name, "--confidence")}
    for metric, their_name in METRIC_NAMES.items():
        mine = next(q for q in scored.evaluation.qualities if (q.system, q.metric) == (key, metric))
        their = theirs[their_name]
        assert mine.score == pytest.approx(their["score"], abs=2e-6)
        assert mine.interval.mean == pytest.approx(their["confidence_mean"], abs=1e-3)
        assert (mine.interval.high - mine.interval.low) / 2 == pytest.approx(their["confidence_var"], abs=1e-3)
        assert scored.evaluation.signatures[metric] == their["signature"]


@pytest.mark.parametrize(("test", "field"), [("bs", "p_bootstrap"), ("ar", "p_randomization")])
def test_significance_is_that_of_sacrebleus_paired_tests(
    lines: Path, scored: Comparison, test: str, field: str
) -> None:
    """The same p within Monte-Carlo error, of a clear difference and of one that is not."""
    assert scored.evaluation
    command = [sys.executable, "-m", "sacrebleu", "ref.en", "-m", "bleu", "chrf", "ter", "--chrf-word-order", "2"]
    command += ["-i", "one.en", "two.en", "three.en", f"--paired-{test}", "-f", "text"]
    done = subprocess.run(command, cwd=lines, capture_output=True, text=True, check=True, timeout=120)
    theirs = [list(map(float, re.findall(r"p = ([\d.]+)", line))) for line in done.stdout.splitlines()]
    mine = [[getattr(t, field) for t in scored.evaluation.tests if (t.first, t.second) == ("A", key)] for key in "BC"]
    assert len(mine[0]) == 3
    assert max(mine[1]) > 0.02
    assert [p for p in theirs if p] == [pytest.approx(p, abs=0.002) for p in mine]


def test_where_hardly_a_row_differs_significance_is_said_to_mean_nothing(lines: Path) -> None:
    """All trials tie with one changed row, and sacreBLEU's p, which leaves ties out, is the smallest there is."""
    changed = (lines / "one.en").read_text(encoding="utf-8").split("\n")[:-1]
    write_lines(lines / "nearly.en", [*changed[:-1], "the"])
    runs = lines / "one.en", lines / "nearly.en"
    comparison = compare(Question(runs, lines / "ref.en", metrics=("bleu",)))
    assert comparison.evaluation
    assert comparison.pairs[0].identical_in_words == "119 (99.2 %)"
    assert comparison.evaluation.tests[0].p_randomization < 0.001
    assert any("differ in 1 rows only" in notice for notice in comparison.notices)


def test_one_against_the_other_is_sacrebleu_with_the_first_as_reference(lines: Path, scored: Comparison) -> None:
    """BLEU and chrF without any reference."""
    command = [sys.executable, "-m", "sacrebleu", "one.en", "-i", "two.en", "-m", "bleu", "chrf", "-w", "6"]
    done = subprocess.run(command, cwd=lines, capture_output=True, text=True, check=True, timeout=60)
    theirs = {found["name"]: found for found in json.loads(done.stdout)}
    pair = scored.pairs[0]
    assert pair.bleu == pytest.approx(theirs["BLEU"]["score"], abs=2e-6)
    assert pair.chrf == pytest.approx(theirs["chrF2"]["score"], abs=2e-6)
    assert pair.signatures == {"bleu": theirs["BLEU"]["signature"], "chrf": theirs["chrF2"]["signature"]}


def test_buckets_hold_every_row_once_and_score_as_their_rows_alone(lines: Path, scored: Comparison) -> None:
    """Length buckets are a partition, and a bucket is what sacreBLEU says of its lines."""
    from sacrebleu.metrics import BLEU

    assert scored.evaluation
    buckets = [bucket for bucket in scored.evaluation.buckets if bucket.kind == "length"]
    assert sum(bucket.rows for bucket in buckets) == 120
    rows = [row for row in scored.rows if 10 <= row.words <= 19]
    texts = [cell.text for row in rows if (cell := row.cells[1])]
    bucket = next(bucket for bucket in buckets if bucket.name == "10–19")
    assert bucket.rows == len(rows)
    expected = BLEU().corpus_score(texts, [[row.reference or "" for row in rows]]).score
    assert bucket.scores["B"]["bleu"] == pytest.approx(expected)


def test_two_runs_without_reference(tmp_path: Path) -> None:
    """Identical rows, edits, lengths, flags won and lost, scores, settings."""
    one = write_rows(tmp_path / "one", make_rows(TARGETS, flags=[Flag.RETRIED]))
    changed = [*TARGETS[:2], (TARGETS[2][0], "It rains.")]
    two = write_rows(tmp_path / "two", make_rows(changed, flags=[Flag.SPLIT]), SIGNATURE | {"beams": "4"})
    (pair,) = compare(Question((one, two))).pairs
    assert (pair.rows, pair.identical, pair.only_first, pair.only_second) == (3, 2, 0, 0)
    assert pair.edits == 3  # does, not, rain → rains
    assert pair.tokens == 4 + 5 + 5
    assert pair.length_ratio == pytest.approx((14 + 14 + 9) / (14 + 14 + 17))
    assert {found.flag: (found.won, found.lost, found.both) for found in pair.flags} == {
        Flag.SPLIT: (3, 0, 0),
        Flag.RETRIED: (0, 3, 0),
    }
    assert pair.score_difference == pytest.approx(0)
    assert pair.settings == ("beams 1 → 4",)
    assert {change.value: count for change, count in pair.changes.items()} == {"identical": 2, "negation": 1}


def test_more_than_one_differing_setting_is_warned_of(tmp_path: Path) -> None:
    """The model with its weights is one cause; the model and the beams are two."""
    other = SIGNATURE | {"model": "two", "weights": "bbb"}
    assert list(find_settings(SIGNATURE, other)) == ["model one → two"]
    one, two = write_rows(tmp_path / "one", make_rows(TARGETS)), tmp_path / "two"
    assert not compare(Question((one, write_rows(two, make_rows(TARGETS), other)))).notices
    bfloat16 = SIGNATURE | {"dtype": "bfloat16", "batch": "2048-tokens"}  # float32 has no batch in its signature
    comparison = compare(Question((one, write_rows(tmp_path / "three", make_rows(TARGETS), bfloat16))))
    assert comparison.pairs[0].settings == ("dtype float32 → bfloat16", "batch (none) → 2048-tokens")
    assert not comparison.notices
    write_rows(two, make_rows(TARGETS), other | {"beams": "4"}, finished=False)
    notices = compare(Question((one, two))).notices
    assert any("2 settings (model one → two; beams 1 → 4)" in notice for notice in notices)
    assert any("not finished" in notice for notice in notices)


def test_rows_and_documents_without_partner_are_listed(tmp_path: Path) -> None:
    """A document that one run lacks, and a sentence that one run lacks."""
    one = write_rows(tmp_path / "one", [*make_rows(TARGETS), *make_rows(TARGETS[:1], "b.txt")])
    two = write_rows(tmp_path / "two", [*make_rows(TARGETS)[:2], *make_rows(TARGETS[:1], "c.txt")])
    comparison = compare(Question((one, two)))
    assert [(row.doc, [cell is not None for cell in row.cells]) for row in comparison.unpaired()] == [
        ("a.txt", [True, False]),
        ("b.txt", [True, False]),
        ("c.txt", [False, True]),
    ]
    assert any("B has no document 'b.txt'" in notice for notice in comparison.notices)
    assert any("3 of 5 rows have no partner" in notice for notice in comparison.notices)


def test_different_sources_are_said(tmp_path: Path) -> None:
    """The document was edited between the runs."""
    edited = [("Der alte Hund bellt.", "The dog barks."), *TARGETS[1:]]
    runs = write_rows(tmp_path / "one", make_rows(TARGETS)), write_rows(tmp_path / "two", make_rows(edited))
    comparison = compare(Question(runs))
    assert [row.is_paired for row in comparison.rows] == [True] * 3
    assert comparison.pairs[0].other_source == 1
    assert comparison.rows[0].cells[1] is not None
    assert comparison.rows[0].cells[1].source == "Der alte Hund bellt."
    assert any("different source texts in 1 rows" in notice for notice in comparison.notices)


def test_a_reference_by_the_line_joins_the_sentences_of_its_line(tmp_path: Path) -> None:
    """Also where the two runs cut it differently, in a folder of references, and with blank lines in the source."""
    text = "Es ist kalt. Es ist nass.\n\nEr geht.\n"

    def run(name: str, *parts: str) -> Path:
        rows = make_rows([(part, part.lower()) for part in parts], "in/a.txt")
        placed = [(row, text.index(row.source)) for row in rows]
        return write_rows(
            tmp_path / name,
            [
                type(row)(
                    row.doc,
                    text[:start].count("\n\n"),
                    row.sentence,
                    start,
                    start + len(row.source),
                    row.source,
                    row.target,
                    None,
                )
                for row, start in placed
            ],
        )

    runs = run("one", "Es ist kalt.", "Es ist nass.", "Er geht."), run("two", "Es ist kalt. Es ist nass.", "Er geht.")
    folder = tmp_path / "references"
    folder.mkdir()
    write_lines(folder / "a.en", ["It is cold. It is wet.", "", "He goes."])
    for reference in (folder / "a.en", folder):
        comparison = compare(Question(runs, reference))
        assert [row.reference for row in comparison.rows] == ["It is cold. It is wet.", "He goes."]
        assert comparison.rows[0].cells[0] is not None
        assert comparison.rows[0].cells[0].sentences == (0, 1)
    other = write_rows(tmp_path / "other", [*make_rows(TARGETS, "x.txt"), *make_rows(TARGETS, "y.txt")])
    with pytest.raises(InputError, match="no reference for any document"):
        compare(Question(runs, other))


def test_plain_lines_and_rows_of_one_text_are_compared(in_folder: Path) -> None:
    """With --source they have its spans; without, they belong to the paragraphs of the run's one document."""
    write_lines(in_folder / "a.txt", [source for source, _ in TARGETS])
    run = write_rows(in_folder / "out", make_rows(TARGETS))
    system = write_lines(in_folder / "system.en", [target for _, target in TARGETS])
    for source in (None, Path("a.txt")):
        (pair,) = compare(Question((run, system), source=source)).pairs
        assert (pair.rows, pair.identical) == (3, 3)
    write_lines(system, ["only one"])
    with pytest.raises(InputError, match=r"has 1 lines, but document 'a\.txt' has 3"):
        compare(Question((run, system)))


def test_a_blank_source_line_does_not_shift_the_lines(in_folder: Path) -> None:
    """A system that gave nothing for one line, and a source with one blank line."""
    write_lines(in_folder / "a.txt", ["Eins.", "", "Zwei."])
    write_lines(in_folder / "one.en", ["One.", "", "Two."])
    write_lines(in_folder / "two.en", ["", "", "Two."])
    comparison = compare(Question((Path("one.en"), Path("two.en")), source=Path("a.txt")))
    assert [[cell.text for cell in row.cells if cell] for row in comparison.rows] == [["One.", ""], ["Two.", "Two."]]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["one", "one"], 0, []),
        (["one", "two", "--fail-on-change"], 4, ["failed: A and B differ: 1 rows changed"]),
        (["one", "one/a.jsonl", "--fail-on-change"], 0, []),
        (["one", "two", "--fail-under", "identical=60"], 0, []),
        (["one", "two", "--fail-under", "identical=70"], 4, ["identical of A and B is 66.67, under 70"]),
        (["one", "two", "-r", "ref.en", "--fail-under", "bleu=99"], 4, ["bleu of B is", "under 99"]),
        (["one", "two", "-r", "ref.en", "--fail-under", "ter=10"], 4, ["ter of B is", "over 10"]),
        (["one", "two", "--fail-under", "bleu=1"], 1, ["needs a reference", "hint: give --reference"]),
        (["one", "two", "--fail-under", "beauty=1"], 1, ["cannot understand --fail-under 'beauty=1'"]),
        (["one", "two", "--metrics", "meteor"], 2, ["no list of bleu, chrf++, ter"]),
        (["one"], 1, ["one run alone cannot be compared"]),
        (["one", "absent"], 1, ["error: no file or folder 'absent'", "hint:"]),
        (["one", "empty"], 1, ["no rows (*.jsonl) in 'empty'"]),
        (["none.en", "none.en"], 1, ["nothing to compare: no run has a row", "hint:"]),
        (["one", "two", "--json", "/"], 1, ["'/' is a folder", "hint: name the file"]),
    ],
)
def test_exit_status_and_reason(
    translate: Command, tmp_path: Path, arguments: Sequence[str], status: int, words: Sequence[str]
) -> None:
    """4 with the reason for what a pipeline demands; 1 and 2 as everywhere."""
    write_rows(tmp_path / "one", make_rows(TARGETS))
    write_rows(tmp_path / "two", make_rows([*TARGETS[:2], (TARGETS[2][0], "It rains.")]))
    write_lines(tmp_path / "ref.en", [target for _, target in TARGETS])
    (tmp_path / "empty").mkdir()
    write_lines(tmp_path / "none.en", [])
    done = translate("compare", "-q", *arguments, PATH=str(tmp_path))
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the test set and systems in ../shared/eval")
def test_public_systems_score_as_sacrebleu_says(tmp_path: Path) -> None:
    """Real lines: the first 200 of two systems on wmt22."""
    from sacrebleu.metrics import BLEU, CHRF

    texts = {}
    for name in ("wmt22.de", "wmt22.en", "systems/wmt22.PROMT.en", "systems/wmt22.LT22.en"):
        text = (SHARED / "eval" / name).read_text(encoding="utf-8").split("\n")[:200]
        texts[write_lines(tmp_path / Path(name).name, text).name] = text
    runs = tmp_path / "wmt22.PROMT.en", tmp_path / "wmt22.LT22.en"
    question = Question(runs, tmp_path / "wmt22.en", tmp_path / "wmt22.de", metrics=("bleu", "chrf++"))
    evaluation = compare(question).evaluation
    assert evaluation
    for key, run in zip("AB", runs, strict=True):
        for name, metric in (("bleu", BLEU()), ("chrf++", CHRF(word_order=2))):
            assert evaluation.score(key, name) == pytest.approx(
                metric.corpus_score(texts[run.name], [texts["wmt22.en"]]).score
            )


def cut_run(folder: Path, count: int = 4) -> tuple[Path, Path, list[str]]:
    """Two runs of a text of 12 lines that was cut into documents of three, and the lines."""
    lines = [f"Zeile {n} hat Wörter." for n in range(12)]
    runs = []
    for name in ("one", "two"):
        rows = [
            row
            for k in range(count)
            for row in make_rows(
                [(t, f"Line {n} {name}.") for n, t in list(enumerate(lines))[3 * k : 3 * k + 3]], f"a{k}.txt"
            )
        ]
        runs.append(write_rows(folder / name, rows))
    return runs[0], runs[1], lines


def test_a_reference_of_a_text_that_was_cut_into_documents(tmp_path: Path) -> None:
    """One file of lines: by the order of the documents' names, and a note says so; or by the text that was cut, whatever the order."""
    one, two, lines = cut_run(tmp_path)
    reference = write_lines(tmp_path / "ref.en", [f"Line {n}." for n in range(12)])
    comparison = compare(Question((one, two), reference))
    assert [row.reference for row in comparison.rows] == [f"Line {n}." for n in range(12)]
    assert any("4 documents in the order of their names" in notice for notice in comparison.notices)
    mixed = [n for k in (2, 0, 3, 1) for n in range(3 * k, 3 * k + 3)]
    source = write_lines(tmp_path / "whole.de", [lines[n] for n in mixed] + ["", "Noch eine Zeile."])
    reference = write_lines(tmp_path / "ref.en", [f"Line {n}." for n in mixed] + ["", "One line more."])
    comparison = compare(Question((one, two), reference, source))
    assert [row.reference for row in comparison.rows] == [f"Line {n}." for n in range(12)]
    assert not comparison.notices


def test_lines_that_fit_no_documents_say_what_works(tmp_path: Path) -> None:
    """Another number of lines: the hint names --source; a source that is another text: what it lacks."""
    one, two, _ = cut_run(tmp_path)
    reference = write_lines(tmp_path / "ref.en", ["Line."] * 11)
    with pytest.raises(InputError, match="has 11 lines, but the paragraphs of all 4 documents") as caught:
        compare(Question((one, two), reference))
    assert "--source FILE" in (caught.value.hint or "")
    source = write_lines(tmp_path / "other.de", ["Etwas anderes."] * 11)
    with pytest.raises(InputError, match=r"has only 0 of the 12 paragraphs") as caught:
        compare(Question((one, two), reference, source))
    assert "before it was cut" in (caught.value.hint or "")


def test_plain_lines_beside_a_run_of_many_documents(tmp_path: Path) -> None:
    """Another system's output for the whole text is compared with the documents that it was cut into."""
    one, _, lines = cut_run(tmp_path)
    system = write_lines(tmp_path / "system.en", [f"Line {n} one." for n in range(12)])
    assert compare(Question((one, system))).pairs[0].identical == 12
    source = write_lines(tmp_path / "whole.de", lines)
    assert compare(Question((one, system), source=source)).pairs[0].identical == 12
