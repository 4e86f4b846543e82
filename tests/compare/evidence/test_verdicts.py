"""One sentence for each pair: which is better, or that nothing shows it; and what changed."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.runs import SIGNATURE, make_lines, make_rows, write_lines, write_rows
from translate.compare.comparison import Question, compare, find_settings
from translate.compare.evidence.verdicts import judge
from translate.compare.report import format_text
from translate.pages.tables import columns
from translate.records import Flag


def compare_lines(folder: Path, *numbers: int) -> list[str]:
    """The verdicts on some of the systems of `make_lines`, of 10, 25 and 11 percent of damage."""
    reference, *systems = make_lines(200)
    runs = [write_lines(folder / f"{n}.en", systems[n]) for n in numbers]
    return judge(compare(Question(tuple(runs), write_lines(folder / "ref.en", reference))))


def test_better_worse_and_neither(tmp_path: Path) -> None:
    """Metric by metric with interval and p, TER the other way round."""
    (verdict,) = compare_lines(tmp_path, 0, 1)
    assert verdict.startswith("A is better than B: BLEU -")
    assert "TER +" in verdict
    assert ", p < 0.001; " in verdict
    assert "% of rows differ (" in verdict
    (verdict,) = compare_lines(tmp_path, 1, 0)
    assert verdict.startswith("B is better than A: BLEU +")
    (verdict,) = compare_lines(tmp_path, 0, 2)
    assert verdict.startswith("A and B: neither is shown to be better: BLEU ")


def test_hardly_any_change_is_no_verdict(tmp_path: Path) -> None:
    """Nine rows that differ say nothing, whatever p is."""
    reference, one, *_ = make_lines(200)
    other = ["nothing at all" if n < 9 else line for n, line in enumerate(one)]
    runs = write_lines(tmp_path / "one.en", one), write_lines(tmp_path / "two.en", other)
    (verdict,) = judge(compare(Question(runs, write_lines(tmp_path / "ref.en", reference))))
    assert "neither is shown" in verdict


def test_without_a_reference(tmp_path: Path) -> None:
    """What changed, and which way the flags went."""
    pairs = [("Er hat 3 Hunde.", "He has 3 dogs."), ("Es regnet.", "It rains."), ("Gut.", "Good.")]
    changed = [("Er hat 3 Hunde.", "He has 4 dogs."), *pairs[1:]]
    one = write_rows(tmp_path / "one", make_rows(pairs, flags=[Flag.LOOP]))
    two = write_rows(tmp_path / "two", make_rows(changed))
    assert judge(compare(Question((one, two)))) == [
        "A → B: 33 % of rows differ (1 of 3), 1 number changed; flags: 3 gone, 0 new."
    ]
    assert judge(compare(Question((one, one))))[0] == "A → B: all 3 rows are identical."


def test_a_dtype_brings_its_kernels() -> None:
    """One cause, told with what it brings; kernels alone, as on another machine, are a cause of their own."""
    kernels = SIGNATURE | {"kernels": "compiled"}
    int8 = kernels | {"dtype": "int8", "kernels": "compiled-127"}
    assert list(find_settings(kernels, int8)) == ["dtype float32 → int8, with it kernels compiled → compiled-127"]
    assert list(find_settings(kernels, kernels | {"kernels": "other"})) == ["kernels compiled → other"]
    assert len(list(find_settings(kernels, int8 | {"beams": "4"}))) == 2


def test_only_the_dtype_is_no_warning(tmp_path: Path) -> None:
    """As a run with `--dtype int8` beside one in float32 has them."""
    rows = make_rows([("Eins", "One")])
    one = write_rows(tmp_path / "one", rows, SIGNATURE | {"kernels": "compiled"})
    two = write_rows(tmp_path / "two", rows, SIGNATURE | {"dtype": "int8", "kernels": "compiled-127"})
    assert compare(Question((one, two))).notices == ()


def test_text_fits_a_narrow_terminal(tmp_path: Path) -> None:
    """Four systems with scores at 60 columns: no line is wider, and no figure is lost."""
    reference, *systems = make_lines(40)
    runs = [write_lines(tmp_path / f"a long name of a system {n}.en", (systems * 2)[n]) for n in range(4)]
    comparison = compare(Question(tuple(runs), write_lines(tmp_path / "ref.en", reference)))
    lines = list(format_text(comparison, rows=3, width=60))
    assert max(map(columns, lines)) <= 60
    text = "\n".join(lines)
    assert (
        all(f"{test.first} → {test.second}" in text for test in comparison.evaluation.tests)
        if comparison.evaluation
        else False
    )
