"""The page of `translate compare --html` in a real browser, from disk. Skipped only where there is none."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.browser import PageReader, needs_browser, open_browser
from tests.helpers.runs import make_lines, make_rows, write_lines, write_rows
from translate.compare.comparison import Question, compare
from translate.compare.findings import Comparison
from translate.compare.page import write_page
from translate.records import Flag

pytestmark = needs_browser

MANY = 50_000
EVIL = "<img src=x onerror='document.title=\"caught\"'></script><script>document.title='caught'</script>"


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """Two documents of 60 rows, two systems, a reference; row 7 is hostile, row 8 has a flag in B, row 9 is identical."""
    folder = tmp_path_factory.mktemp("runs")
    reference, one, two, _ = make_lines(120)
    sources = [f"Satz {n} von vielen" for n in range(120)]
    two[6], two[8], sources[6] = f"Number 77 {EVIL}", one[8], f"Satz {EVIL}"
    sources[7] = "Satz 7 ist länger als alle anderen"
    runs = []
    for name, lines in (("one", one), ("two", two)):
        rows = [
            *make_rows(list(zip(sources[:60], lines[:60], strict=True)), "a.txt"),
            *make_rows(list(zip(sources[60:], lines[60:], strict=True)), "b.txt"),
        ]
        if name == "two":
            rows[7] = dataclasses.replace(rows[7], flags=(Flag.LOOP,))
        runs.append(write_rows(folder / name, rows))
    references = folder / "references"
    references.mkdir()
    write_lines(references / "a.txt", reference[:60])
    write_lines(references / "b.txt", reference[60:])
    return compare(Question(tuple(runs), references, metrics=("bleu", "chrf++")))


@pytest.fixture(scope="module")
def page(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of that comparison."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(comparison, path)
    return path


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests."""
    with open_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


class Reader(PageReader):
    """What a reader does with this page, and what they see."""

    def choose(self, name: str, beginning: str) -> None:
        """The option of a menu whose text begins so."""
        values = self.js(f"return [...document.getElementById('{name}').options].map((o) => [o.text, o.value])")
        self.set(name, next(value for text, value in values if text.startswith(beginning)))

    def count(self) -> str:
        return str(self.js("return document.getElementById('count').textContent"))

    def numbers(self) -> list[int]:
        """The rows that exist in the page at the moment."""
        return [
            int(n)
            for n in self.js("return [...document.querySelectorAll('#window .row')].map((r) => r.dataset.number)")
        ]

    def active(self) -> int:
        return int(self.js("return document.querySelector('.row.active').dataset.number"))

    def is_seen(self, number: int) -> bool:
        """Whether the top of a row is on the screen, below the head."""
        return bool(
            self.js(
                f"const r = document.querySelector('[data-number=\"{number}\"]')?.getBoundingClientRect();"
                "return r && r.top >= document.getElementById('head').offsetHeight - 1 && r.top < innerHeight"
            )
        )


@pytest.fixture
def reader(driver: Any, page: Path) -> Reader:
    """Somebody who has just opened the page at a desk, and gone to the rows."""
    reader = Reader(driver, page)
    reader.js("document.getElementById('rows-title').scrollIntoView()")
    reader.wait(lambda: len(reader.numbers()) > 5)
    return reader


def test_hostile_text_is_shown_as_text_and_nothing_else_happens(reader: Reader) -> None:
    """No element, no script, no request, no message in the console."""
    reader.set("search", "onerror", "input")
    reader.wait(lambda: reader.count() == "1 of 120 rows")
    assert reader.numbers() == [7]
    assert EVIL in reader.js("return document.querySelector('[data-number=\"7\"]').textContent")
    assert reader.driver.title == "one · two"
    assert reader.js("return document.querySelectorAll('main img').length") == 0
    reader.check_quiet()


def test_differences_have_a_form_beside_the_colour(reader: Reader) -> None:
    """Elements of meaning, a line through or under, and words for who listens."""
    reader.set("search", "number 77", "input")
    reader.wait(lambda: reader.count() == "1 of 120 rows")
    styles = (
        "return ['del', 'ins'].map((t) => getComputedStyle(document.querySelector(`#window ${t}`)).textDecorationLine)"
    )
    assert reader.js(styles) == ["line-through", "underline"]
    said = reader.js("return ['del', 'ins'].map((t) => document.querySelector(`#window ${t}`).textContent)")
    assert said[0].startswith(" [removed: ")
    assert said[1].startswith(" [added: Number 77")
    assert reader.js("return document.getElementById('list').getAttribute('aria-rowcount')") == "2"


def test_filters_narrow_the_rows(reader: Reader, comparison: Comparison) -> None:
    """By class, flag, document and length, alone and together; Show all undoes them."""
    reader.choose("change", "identical")
    identical = comparison.pairs[0].identical
    assert reader.count() == f"{identical} of 120 rows"
    reader.choose("change", "all")
    reader.choose("flag", "loop")
    assert reader.numbers() == [8]
    reader.choose("flag", "all")
    reader.choose("doc", "b.txt")
    assert reader.count() == "60 of 120 rows"
    reader.choose("doc", "a.txt")
    reader.set("most", "4", "input")
    reader.wait(lambda: reader.count() == "59 of 120 rows")  # all but row 8 have four words
    reader.js("document.getElementById('reset').click()")
    reader.wait(lambda: reader.count() == "120 rows")
    reader.check_quiet()


def test_every_column_sorts_both_ways(reader: Reader, comparison: Comparison) -> None:
    """By the menu and by the head of a column; the first rows are those that the figures say."""
    rows = comparison.rows
    edits = [found.edits for row in rows if (found := row.differences["A", "B"])]
    reader.choose("sort", "Edits")
    assert edits[reader.numbers()[0] - 1] == max(edits)
    reader.js("document.getElementById('direction').click()")
    assert edits[reader.numbers()[0] - 1] == min(edits)
    reader.js("document.querySelector('#head [data-sort=number]').click()")
    assert reader.numbers()[:3] == [1, 2, 3]
    reader.js("document.querySelector('#head [data-sort=number]').click()")
    assert reader.numbers()[:3] == [120, 119, 118]
    quality = [row.cells[1].quality["chrf++"] for row in rows if row.cells[1]]
    reader.js("document.querySelector('#head [data-sort=quality-1]').click()")
    assert quality[reader.numbers()[0] - 1] == max(quality)
    for key in reader.js("return [...document.getElementById('sort').options].map((o) => o.value)"):
        reader.set("sort", key)
        assert reader.count() == "120 rows"
    reader.check_quiet()


def test_keys_move_search_and_copy(reader: Reader) -> None:
    """j, k, End, Home, n over identical rows, g to a number, / to the search, c for a link."""
    from selenium.webdriver.common.keys import Keys

    reader.js("document.querySelector('#head [data-sort=number]').click()")
    reader.press("j")
    assert reader.active() == 1
    assert reader.is_seen(1)
    reader.press("j", "j", "k")
    assert reader.active() == 2
    assert reader.js("return document.activeElement.dataset.number") == "2"
    reader.press(Keys.END)
    assert reader.active() == 120
    assert reader.is_seen(120)
    reader.press(Keys.HOME)
    assert reader.active() == 1
    reader.press("g", "8", Keys.ENTER)
    reader.wait(lambda: reader.active() == 8)
    assert reader.is_seen(8)
    reader.press("n")
    assert reader.active() == 10  # 9 is identical
    reader.press("c")
    reader.wait(lambda: reader.js("return location.hash") == "#sort=number&row=10")
    reader.wait(lambda: "copied" in reader.js("return document.getElementById('said').textContent"))
    reader.press("/", "winter")
    reader.wait(lambda: " of 120" in reader.count())
    assert reader.js("return document.activeElement.id") == "search"
    reader.check_quiet()


def test_a_permalink_opens_at_its_row(driver: Any, page: Path) -> None:
    """From outside, and when the filters hide the row."""
    reader = Reader(driver, page, "#row=111")
    assert reader.active() == 111
    assert reader.is_seen(111)
    reader.choose("doc", "b.txt")
    reader.js("location.hash = 'row=3'")
    reader.wait(lambda: reader.active() == 3)
    assert reader.is_seen(3)
    assert reader.count() == "120 rows"


def test_dark_light_and_print(reader: Reader) -> None:
    """Follows the system until told otherwise; a printout has the rows and no tools."""
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    background = "return getComputedStyle(document.body).backgroundColor"
    reader.wait(lambda: reader.js(background) == "rgb(20, 24, 29)")
    reader.js("document.getElementById('theme').click()")
    assert reader.js(background) == "rgb(255, 255, 255)"
    reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    assert reader.js("return getComputedStyle(document.getElementById('tools')).display") == "none"
    reader.js("dispatchEvent(new Event('beforeprint'))")
    assert len(reader.numbers()) == 120
    reader.js("dispatchEvent(new Event('afterprint'))")
    reader.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    reader.check_quiet()


def test_nothing_overflows_on_a_phone(driver: Any, page: Path) -> None:
    """The page is as wide as the screen; a column stands under the other, each with its name."""
    reader = Reader(driver, page, "#row=20", width=390)
    assert reader.js("return document.documentElement.scrollWidth") == 390
    assert reader.is_seen(20)
    assert reader.js("return getComputedStyle(document.querySelector('.text .label')).display") == "block"
    assert reader.js("return document.querySelector('.row').getBoundingClientRect().right") <= 390


def test_the_address_tells_what_is_shown(driver: Any, page: Path) -> None:
    """Filters and order come back from it, and go into it; going back to the bare page shows all."""
    reader = Reader(driver, page, "#q=winter&change=wording&doc=b.txt&sort=edits")
    first = reader.numbers()
    assert 0 < len(first) < 60
    values = reader.js(
        "return ['search', 'doc', 'sort', 'direction'].map((i) => document.getElementById(i).value || document.getElementById(i).textContent)"
    )
    assert values == ["winter", "1", "edits", "↑ rising"]
    reader.js("document.getElementById('reset').click()")
    assert reader.count() == "120 rows"
    assert reader.js("return location.hash") == ""
    assert reader.js("return document.getElementById('sort').value") == "disagreement"
    reader.choose("flag", "loop")
    assert reader.js("return location.hash") == "#flag=loop"
    reader.js("location.hash = 'q=winter&change=wording&doc=b.txt&sort=edits'")
    reader.wait(lambda: reader.numbers() == first)
    reader.js("location.hash = 'doc=nowhere&sort=beauty&pair=9&from=x'")  # what is not there is left out
    reader.wait(lambda: reader.count() == "120 rows")
    reader.js("document.querySelector('a[href=\"#doc=b.txt\"]').click()")  # a document of the table
    reader.wait(lambda: reader.count() == "60 of 120 rows")
    reader.check_quiet()


def test_zero_hits_say_so(reader: Reader) -> None:
    """And offer the way back."""
    reader.set("search", "nothing has this", "input")
    reader.wait(lambda: reader.count() == "0 of 120 rows")
    assert "No row matches" in reader.js("return document.getElementById('none').innerText")
    reader.js("document.getElementById('none-reset').click()")
    assert reader.count() == "120 rows"
    assert reader.js("return document.getElementById('none').offsetHeight") == 0


def test_the_tools_stay(reader: Reader) -> None:
    """Wherever in the list one is, the search is on the screen and the heads stand below it."""
    from selenium.webdriver.common.keys import Keys

    reader.press("j", Keys.END)
    boxes = reader.js(
        "return ['tools', 'head'].map((i) => { const r = document.getElementById(i).getBoundingClientRect(); return [r.top, r.bottom]; })"
    )
    assert boxes[0][0] == pytest.approx(0, abs=1)
    assert boxes[1][0] == pytest.approx(boxes[0][1], abs=1)
    top = reader.js(
        "return document.querySelector('[data-number=\"' + document.querySelector('.row.active').dataset.number + '\"]').getBoundingClientRect().top"
    )
    assert top >= boxes[1][1] - 1


def test_marks_are_kept_exported_and_read_back(driver: Any, page: Path, comparison: Comparison, tmp_path: Path) -> None:
    """Which of two is better by key and button, an error by selecting it; still there after a reload; as lines for --metric."""
    reader = Reader(driver, page, "#row=5")
    reader.press("b")
    reader.js('document.querySelector(\'[data-number="5"] [data-system="1"] .words\').scrollIntoView()')
    reader.js(
        'const words = document.querySelector(\'[data-number="5"] [data-system="0"] .words\');'
        "const range = document.createRange(); range.selectNodeContents(words);"
        "getSelection().removeAllRanges(); getSelection().addRange(range)"
    )
    reader.wait(lambda: not reader.js("return document.getElementById('errors').hidden"))
    reader.js("document.querySelector('#errors [data-severity=major]').click()")
    reader.js("document.querySelector('[data-number=\"5\"] .better').scrollIntoView()")
    reader.press("j")
    number = reader.active()
    reader.press("e", "e", "a")
    again = Reader(driver, page, "#marked=yes&sort=number")
    again.wait(lambda: again.count() == "2 of 120 rows")
    pressed = again.js("return [...document.querySelectorAll('.better [aria-pressed=true]')].map((b) => b.textContent)")
    assert sorted(pressed) == ["A", "B"]
    assert again.js("return document.querySelector('.errors').innerText").startswith("major")
    text = again.js("return [...document.querySelectorAll('#export')].map((b) => b.textContent)[0]")
    assert text == "Export 2 marked"
    again.js(
        "URL.createObjectURL = (blob) => { blob.text().then((t) => { window.exported = t; }); return 'about:blank#'; }"
    )
    again.js("HTMLAnchorElement.prototype.click = () => {}; document.getElementById('export').click()")
    again.wait(lambda: bool(again.js("return window.exported")))
    marks = tmp_path / "marks.jsonl"
    marks.write_text(again.js("return window.exported"), encoding="utf-8")
    again.js("localStorage.clear()")
    runs = tuple(Path(system.path) for system in comparison.systems)
    marked = compare(Question(runs, figures={"human": (marks,)}))
    assert marked.evaluation
    assert marked.evaluation.metrics == ("human", "human errors")
    assert marked.evaluation.lower == ("ter", "human errors")
    assert [row.number for row in marked.rows if row.cells[0] and row.cells[0].quality] == sorted({5, number})
    row = marked.rows[4]
    assert row.cells[0] is not None
    assert row.cells[1] is not None
    assert row.cells[0].quality == {"human": 0.0, "human errors": 5.0}
    assert row.cells[1].quality == {"human": 1.0, "human errors": 0.0}


@pytest.mark.parametrize(("width", "systems"), [(1440, 4), (768, 3), (390, 2)])
def test_nothing_is_cut(driver: Any, tmp_path: Path, width: int, systems: int) -> None:
    """Four systems on a desk, two on a phone: the page is as wide as the screen, and every table shows all its columns."""
    reference, *lines = make_lines(60)
    runs = [write_lines(tmp_path / f"system {n}.en", (lines * 2)[n]) for n in range(systems)]
    comparison = compare(Question(tuple(runs), write_lines(tmp_path / "ref.en", reference)))
    write_page(comparison, tmp_path / "page.html")
    reader = Reader(driver, tmp_path / "page.html", width=width)
    assert reader.js("return document.documentElement.scrollWidth") <= width
    reader.js("for (const d of document.querySelectorAll('details')) d.open = true")
    cut = "return [...document.querySelectorAll('.scroll')].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.getAttribute('aria-label'))"
    assert reader.js(cut) == []
    # letters of the plots: their drawn height in pixels of the screen
    letters = "return [...document.querySelectorAll('figure svg')].flatMap((s) => [...s.querySelectorAll('text')].map((t) => t.getBoundingClientRect().height)).filter((h) => h)"
    assert min(reader.js(letters)) >= 9
    reader.check_quiet()


def test_fifty_thousand_rows_open_at_once(
    driver: Any, comparison: Comparison, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Few rows exist at a time, the first within seconds, and search, sort and jump answer."""
    from selenium.webdriver.common.keys import Keys

    rows = tuple(dataclasses.replace(comparison.rows[n % 120], number=n + 1) for n in range(MANY))
    write_page(dataclasses.replace(comparison, rows=rows), tmp_path / "many.html")
    reader = Reader(driver, tmp_path / "many.html")
    milliseconds = reader.js("return performance.getEntriesByName('first-row')[0].startTime")
    record_property("first_row_milliseconds", round(milliseconds))
    assert milliseconds < 15_000  # about one second on an idle machine
    assert reader.count() == "50,000 rows"
    assert len(reader.numbers()) < 60
    for act, limit in (
        ("document.querySelector('#head [data-sort=number]').click()", 5),
        ("document.querySelector('#head [data-sort=text-0]').click()", 10),
        ("document.querySelector('#head [data-sort=number]').click()", 5),
    ):
        began = time.monotonic()
        reader.js(act)
        assert time.monotonic() - began < limit
    reader.press("j", Keys.END)
    assert reader.active() == MANY
    assert reader.is_seen(MANY)
    reader.js("scrollTo(0, document.documentElement.scrollHeight / 2)")
    reader.wait(lambda: any(abs(n - MANY / 2) < 3000 for n in reader.numbers()))
    assert len(reader.numbers()) < 60
    began = time.monotonic()
    reader.set("search", "number 77", "input")
    reader.wait(lambda: reader.count() == f"{MANY // 120 + 1} of 50,000 rows")
    assert time.monotonic() - began < 8
    reader.check_quiet()
