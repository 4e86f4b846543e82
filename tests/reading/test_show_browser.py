"""The page of `translate show --html` in a real browser, from disk. Skipped only where there is none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.browser import PageReader, needs_browser, open_browser
from tests.helpers.runs import write_rows
from translate.exchange.corrections import take_in
from translate.human.corrections import Corrections, Place
from translate.reading.articles import open_run
from translate.reading.page import write_reading_page
from translate.records import Flag, Origin, Row
from translate.run.rows import parse_row

pytestmark = needs_browser
EVIL = "<img src=x onerror='document.title=\"caught\"'></script><script>document.title='caught'</script><!--"
MANY = 50_000


def make_article(name: str, paragraphs: int) -> list[Row]:
    """Two sentences a paragraph; each tenth is flagged."""
    rows, start = [], 0
    for number in range(paragraphs * 2):
        source, target = f"Satz {number} von {name}.", f"Sentence {number} of {name}."
        flags = (Flag.NUMBER_MISMATCH,) if number % 10 == 3 else ()
        rows.append(Row(name, number // 2, number, start, start + len(source), source, target, -0.5, flags))
        start += len(source) + 1
    return rows


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two articles; the second one's beginning is hostile, its second sentence a person's."""
    first, second = make_article("a.txt", 30), make_article("data/b & ü.txt", 60)
    second[0] = Row(
        second[0].doc, 0, 0, 0, second[0].end, f"Satz {EVIL}", f"Sentence {EVIL}", None, (Flag.PASSTHROUGH,)
    )
    second[1] = Row(second[1].doc, 0, 1, 2, 3, "Zwei.", "Two.", None, (), Origin.HUMAN)
    return write_rows(tmp_path_factory.mktemp("run") / "out" / "m", [*first, *second])


@pytest.fixture(scope="module")
def page(run: Path) -> Path:
    """The page of that run."""
    path = run.parent.parent / "read.html"
    write_reading_page(open_run(run), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser puts what is downloaded."""
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="module")
def driver(folder: Path) -> Iterator[Any]:
    """One browser for all tests."""
    with open_browser(folder) as browser:
        yield browser


class Reader(PageReader):
    """What a reader does with this page, and what they see."""

    def text(self, selector: str) -> str:
        return str(self.js(f"return document.querySelector({json.dumps(selector)})?.textContent ?? ''"))

    def texts(self, selector: str) -> list[str]:
        return [
            str(t) for t in self.js(f"return [...document.querySelectorAll('{selector}')].map((e) => e.textContent)")
        ]

    def click(self, selector: str, containing: str = "") -> None:
        self.js(
            f"[...document.querySelectorAll('{selector}')].find((e) => e.textContent.includes({json.dumps(containing)})).click()"
        )

    def active(self) -> str:
        """The English sentence that has the keyboard, without the number before it."""
        return str(
            self.js(
                "const e = document.activeElement.closest('.target .sentence');"
                "return e ? [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data).join('') : ''"
            )
        )

    def is_seen(self) -> bool:
        """Whether the active sentence is on the screen, below what stays at its top."""
        return bool(
            self.js(
                "const r = document.activeElement.getBoundingClientRect(); const h = document.querySelector('header');"
                "const top = getComputedStyle(h).position === 'sticky' ? h.offsetHeight : 0;"
                "return r.top >= top - 1 && r.bottom <= innerHeight"
            )
        )

    def hash(self) -> str:
        return str(self.js("return decodeURIComponent(location.hash.replaceAll('+', ' '))"))


@pytest.fixture
def reader(driver: Any, page: Path) -> Reader:
    """Somebody who has just opened the page at a desk, with nothing left in the browser from before."""
    reader = Reader(driver, page)
    reader.js("localStorage.clear()")
    return Reader(driver, page)


def test_hostile_text_is_shown_as_text(reader: Reader) -> None:
    """No element, no script, no request, no message in the console."""
    reader.set("search", "onerror", "input")
    reader.wait(lambda: reader.text("#count") == "1 sentence found")
    assert EVIL in reader.text(".target .sentence")
    assert reader.driver.title.startswith("m: /")
    assert reader.js("return document.querySelectorAll('img, #chunks script').length") == 0
    reader.check_quiet()


def test_articles_paragraphs_and_doubts(reader: Reader) -> None:
    """A list of articles with counts; sentences side by side; what a flag means stands below."""
    assert [text.replace("\n", "") for text in reader.texts("#list button")] == [
        "All articles180 sentences",
        "a.txt60 sentences, 6 with flags",
        "data/b & ü.txt120 sentences, 12 with flags",
    ]
    assert reader.text(".source") == "Satz 0 von a.txt. Satz 1 von a.txt."
    assert reader.text(".target") == "Sentence 0 of a.txt. Sentence 1 of a.txt."
    assert reader.text(".doubts li") == f"4 number-mismatch {Flag.NUMBER_MISMATCH.meaning}"
    reader.click("#list button", "b & ü")
    assert reader.texts("h2.article") == ["data/b & ü.txt"]
    assert "2 corrected by a person" in reader.texts(".doubts li")[0]
    reader.check_quiet()


def test_filters_are_in_the_address(reader: Reader, driver: Any, page: Path) -> None:
    """Flag, search and article narrow what is shown; the address brings all of them back."""
    reader.set(
        "flag",
        reader.js("return [...document.querySelector('#flag').options].find((o) => o.text.startsWith('number')).value"),
    )
    assert reader.text("#count") == "18 sentences found"
    reader.click("#list button", "b & ü")
    assert reader.text("#count") == "12 sentences found"
    reader.set("search", "Sentence 13", "input")
    reader.wait(lambda: reader.text("#count") == "1 sentence found")
    assert reader.hash() == "#article=data/b & ü.txt&show=number-mismatch&search=sentence 13"
    fragment = reader.js("return location.hash")
    again = Reader(driver, page, fragment)
    assert again.text("#count") == "1 sentence found"
    assert again.js("return document.querySelector('#search').value") == "sentence 13"
    again.click("#reset")
    assert again.text("#count") == "180 sentences"
    assert again.hash() == ""
    again.set("search", "nothing like it", "input")
    again.wait(lambda: again.js("return !document.querySelector('#none').hidden"))
    reader.check_quiet()


def test_keys_move(reader: Reader) -> None:
    """Sentence by sentence, flag by flag, article by article; a link leads back to a sentence."""
    reader.press("j", "j")
    assert reader.active() == "Sentence 1 of a.txt."
    reader.press("k", "n")
    assert reader.active() == "Sentence 3 of a.txt."
    reader.press("n", "n", "n", "n", "n", "n")
    assert reader.active() == "Sentence 3 of data/b & ü.txt."
    assert reader.is_seen()
    reader.press("p")
    assert reader.active() == "Sentence 53 of a.txt."
    reader.press("]", "[")
    assert reader.active() == "Sentence 0 of a.txt."
    reader.press("]", "n")
    assert reader.hash() == "#sentence=data/b & ü.txt:4"
    reader.press("/")
    assert reader.js("return document.activeElement.id") == "search"
    reader.press("n")
    assert reader.js("return document.querySelector('#search').value") == "n"
    reader.check_quiet()


def test_a_link_opens_at_its_sentence(driver: Any, page: Path) -> None:
    """Far down in the second article."""
    reader = Reader(driver, page, "#sentence=data%2Fb+%26+%C3%BC.txt%3A110")
    assert reader.active() == "Sentence 109 of data/b & ü.txt."
    assert reader.is_seen()


def test_edits_come_back_into_the_run(reader: Reader, driver: Any, page: Path, run: Path, folder: Path) -> None:
    """Typed, undone, kept over a reload, downloaded as rows, and read by `translate corrections`."""
    from selenium.webdriver.common.keys import Keys

    reader.press("j", "e")
    reader.js("document.activeElement.select()")
    reader.press("A\nB")  # Enter keeps the edit
    assert reader.text("#save") == "Download 1 correction"
    reader.press("j", "e")
    reader.press("nothing", Keys.ESCAPE)
    assert reader.text("#save") == "Download 1 correction"
    reader.press("j", "e")
    reader.js("document.activeElement.select()")
    reader.press("Third <b>", Keys.ENTER)
    assert reader.text("#save") == "Download 2 corrections"
    reader = Reader(driver, page)
    assert reader.text("#save") == "Download 2 corrections"
    assert reader.text(".target .sentence.theirs").endswith("A")
    assert "it was: Sentence 0 of a.txt." in reader.text(".doubts li")
    reader.set("flag", "edited")
    assert reader.text("#count") == "2 sentences found"
    reader.click("#save")
    file = folder / "corrections.jsonl"
    reader.wait(file.exists)
    reader.wait(lambda: file.read_text().count("\n") == 2)
    rows = [parse_row(line) for line in file.read_text().splitlines()]
    assert [(row.doc, row.sentence, row.target, row.origin) for row in rows] == [
        ("a.txt", 0, "A", Origin.HUMAN),
        ("a.txt", 2, "Third <b>", Origin.HUMAN),
    ]
    assert "translate corrections corrections.jsonl --output" in reader.text("#notice")
    assert take_in(file, run).corrected == 2
    with Corrections(run.parent / "corrections.sqlite") as corrections:
        assert corrections.find("Satz 2 von a.txt.", Place("a.txt", 0)) == "Third <b>"
    reader.click(".doubts button")
    assert reader.text("#save") == "Download 1 correction"
    reader.check_quiet()


def test_dark_light_phone_and_print(reader: Reader, driver: Any, page: Path) -> None:
    """Follows the system until told otherwise; as wide as a phone; a printout has the texts and no tools."""
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    background = "return getComputedStyle(document.body).backgroundColor"
    reader.wait(lambda: reader.js(background) == "rgb(20, 24, 29)")
    reader.click("#theme")
    assert reader.js(background) == "rgb(255, 255, 255)"
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    assert reader.js("return getComputedStyle(document.querySelector('#tools')).display") == "none"
    reader.js("dispatchEvent(new Event('beforeprint'))")
    assert len(reader.texts(".target .sentence")) == 180
    reader.js("dispatchEvent(new Event('afterprint'))")
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    phone = Reader(driver, page, "#sentence=a.txt%3A20", width=390)
    assert phone.js("return document.documentElement.scrollWidth") == 390
    assert phone.is_seen()
    assert phone.js("return getComputedStyle(document.querySelector('.paragraph')).display") == "block"
    phone.check_quiet()


def test_fifty_thousand_rows(driver: Any, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    """In articles of all sizes: few exist at a time, the first within seconds; search, filter and keys answer."""
    rows = make_article("long.txt", MANY // 4)
    for number in range(100):
        rows += make_article(f"{number}.txt", MANY // 400)
    run = write_rows(tmp_path / "out" / "m", rows)
    write_reading_page(open_run(run), tmp_path / "many.html")
    reader = Reader(driver, tmp_path / "many.html")
    milliseconds = reader.js("return performance.getEntriesByName('first-row')[0].startTime")
    record_property("first_row_milliseconds", round(milliseconds))
    assert milliseconds < 15_000  # about one second on an idle machine
    assert reader.text("#count") == "50,000 sentences"
    reader.wait(lambda: 0 < len(reader.texts(".sentence")) < 3000)
    began = time.monotonic()
    reader.set("search", "sentence 24999 of", "input")
    reader.wait(lambda: reader.text("#count") == "1 sentence found")
    reader.set("search", "", "input")
    reader.wait(lambda: reader.text("#count") == "50,000 sentences")
    assert time.monotonic() - began < 10
    reader.js("location.hash = 'sentence=long.txt:24990'")
    reader.wait(lambda: reader.active() == "Sentence 24989 of long.txt.")
    assert reader.is_seen()
    began = time.monotonic()
    reader.press(*"n" * 10)
    assert time.monotonic() - began < 10
    assert reader.is_seen()
    reader.js("scrollTo(0, document.documentElement.scrollHeight / 3)")
    reader.wait(lambda: len(reader.texts(".sentence")) < 4000)
    reader.check_quiet()
