"""Text, JSON and the page's source; that text from files never becomes markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.helpers.command import Command
from tests.helpers.runs import make_lines, make_rows, write_lines, write_rows
from translate.compare.comparison import Question, compare
from translate.compare.findings import Comparison
from translate.compare.page import write_page
from translate.compare.report import format_text, write_json

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u2028 & \"quotes\" 'and' 🙂"
PAIRS = [("Er hat 3 Hunde. " + EVIL, "He has 3 dogs. " + EVIL), ("Es regnet.", "It rains.")]
CHANGED = [(PAIRS[0][0], "He has 4 dogs. 🙂🙂 cats " + EVIL), PAIRS[1]]


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Two runs whose texts and document name are hostile."""
    folder = tmp_path_factory.mktemp("runs")
    name = "<b>a.txt"
    one, two = (
        write_rows(folder / run, make_rows(pairs, name), {"model": f"<i>{run}"})
        for run, pairs in (("<u>one", PAIRS), ("two", CHANGED))
    )
    return compare(Question((one, two), one / "<b>a.jsonl", metrics=("bleu", "chrf++")))


def test_text_shows_figures_and_marks_the_words(comparison: Comparison) -> None:
    """A table and the rows most worth reading."""
    text = "\n".join(format_text(comparison, width=200))
    assert re.search(r"^identical +1 \(50\.0 %\)$", text, re.MULTILINE)
    assert re.search(r"^rows: number +1$", text, re.MULTILINE)
    assert "BLEU: nrefs:1|bs:1000|seed:12345|case:mixed" in text
    assert "most worth reading, 1 of 1 changed rows" in text
    assert "He has [-3-] dogs." in text
    assert "He has {+4+} dogs." in text


def test_text_cannot_command_the_terminal(tmp_path: Path) -> None:
    """Escape characters of a file are shown as codes."""
    one = write_rows(tmp_path / "one", make_rows([("Eins", "\x1b[31mOne\x07")]))
    two = write_rows(tmp_path / "two", make_rows([("Eins", "1")]))
    text = "\n".join(format_text(compare(Question((one, two)))))
    assert "\x1b" not in text
    assert "\\x1b[31mOne\\x07" in text.replace("[-", "").replace("-]", "")


def test_json_holds_everything(comparison: Comparison, tmp_path: Path) -> None:
    """And reads as JSON, with the texts unchanged."""
    write_json(comparison, tmp_path / "c.json")
    found = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    assert list(found) == ["systems", "notices", "pairs", "evaluation", "rows"]
    assert [system["signature"] for system in found["systems"]] == ["model:<i><u>one", "model:<i>two"]
    assert found["pairs"][0]["share_identical"] == 0.5
    assert found["pairs"][0]["changes"] == {"identical": 1, "number": 1}
    row = found["rows"][0]
    assert (row["doc"], row["source"]) == ("<b>a.txt", PAIRS[0][0])
    first, second = (cell["text"] for cell in row["cells"])
    assert next(first[a:b] for a, b in row["differences"][0]["removed"]) == "3"
    assert next(second[a:b] for a, b in row["differences"][0]["added"]) == "4"
    assert {test["metric"] for test in found["evaluation"]["tests"]} == {"bleu", "chrf++"}


class Elements(HTMLParser):
    """The elements of a page, and what its scripts hold."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [f"{name}={value}" for name, value in attributes if name in ("src", "href", "srcset", "action")]
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script":
            self.scripts[-1] += data


def test_text_never_becomes_markup_and_nothing_is_loaded(comparison: Comparison, tmp_path: Path) -> None:
    """Two scripts, the page's own; no picture; no link that leaves the page."""
    write_page(comparison, tmp_path / "c.html")
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    elements = Elements()
    elements.feed(page)
    assert elements.tags.count("script") == 2
    assert not {"img", "i", "u", "b", "link", "iframe"} & set(elements.tags)
    assert elements.links == ["href=#list"]
    assert "@import" not in page
    assert not re.search(r"url\(", page)
    assert [address for address in re.findall(r"https?://[^\s\"'<]+", page) if "www.w3.org" not in address] == []
    data = json.loads(elements.scripts[0])
    assert data["rows"][0][1] == PAIRS[0][0]
    assert "<i>" not in page


def test_spans_count_as_javascript_does(comparison: Comparison, tmp_path: Path) -> None:
    """A character beyond the basic plane is two units."""
    write_page(comparison, tmp_path / "c.html")
    elements = Elements()
    elements.feed((tmp_path / "c.html").read_text(encoding="utf-8"))
    row = json.loads(elements.scripts[0])["rows"][0]
    text = row[3][1][0].encode("utf-16-le")
    spans = row[4][0][5]
    marked = [text[2 * a : 2 * b].decode("utf-16-le") for a, b in zip(spans[::2], spans[1::2], strict=True)]
    assert marked == ["4", "🙂🙂 cats"]


def test_the_page_is_the_same_each_time(comparison: Comparison, tmp_path: Path) -> None:
    """No date, no random id: a page under version control changes only with its figures."""
    for name in ("one.html", "two.html"):
        write_page(comparison, tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_files_are_written_and_text_printed_by_the_command(translate: Command, tmp_path: Path) -> None:
    """All three forms at once, for three systems."""
    for name, lines in zip(("ref.en", "a.en", "b.en", "c.en"), make_lines(12), strict=True):
        write_lines(tmp_path / name, lines)
    done = translate(
        "compare", "a.en", "b.en", "c.en", "-r", "ref.en", "--metrics", "bleu", "--json", "c.json", "--html", "c.html"
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^ +A → B +A → C +B → C$", done.stdout, re.MULTILINE)
    assert len(json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["pairs"]) == 3
    assert (tmp_path / "c.html").stat().st_size > 10_000
