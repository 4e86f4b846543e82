"""Documents that nobody would write, through reader, splitter, echo engine, memory and row writer: either rows that cover
the text, or a named error; never a traceback, never more than ten seconds, never a row whose span is not its source.
"""

from __future__ import annotations

import encodings
import functools
import io
import pkgutil
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.reliability.attack import FOLDER, SMALL, Attack, Size, Tally, check, judge_rows
from translate.records import Row, Settings, TranslateError
from translate.run import pipeline, plan
from translate.run.events import DocumentFailed, Event
from translate.run.plan import Job
from translate.run.rows import format_row
from translate.text.documents import check_encoding, open_document

PART = 2_000
"""Documents that are made from one seed."""
SECONDS = 10
"""Of processor time for one document, or for one of standard input."""

WORDS = (
    'Haus Der die und z. B. Dr. bzw. 3. 24.10. 1.000,5 GRÖSSE HEUTE ist „Ja“, »sagte« ‚sie‘ "nein" (nicht) [12] a I … ... ! ? '
    ". : ; – - – — https://a.de/x?y=1 a@b.de {name} %s %(x)d <b>fett</b> </p> <!-- --> &nbsp; &#x41; ﷽ السلام שלום 你好。 "
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 e\u0301 a\u0300\u0301\u0302\u0303\u0304\u0305 Z\u0351\u036b\u0343 \u202eRTL\u202c \u200b \u200d \u2060 \ufeff \u00ad \u00a0 "
    "\u2028 \u2029 \x85 \x0b \x0c \x1c \x1f \x00 \x1b[31m \ufffe \uffff \U0010ffff \ufffd ß ẞ ﬁ Ⅻ ½ ² ١٢٣ １２ ▁ ▁▁ </s> <unk> <pad> <s> "
    "' '' '''' „‚„‚ ((((( ))) ]]] \\ \\n \\u0041 \\ud800 / // \t"
).split(" ")
"""Pieces of German, and of what breaks programs that read it."""

PIECES = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n", " ", "  ", "\t", "\u3000", ". ", "? ", ".\n"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.integers(0, 10**12).map(str),
    st.builds(
        lambda sign, count: sign * count,
        st.sampled_from([*"aA.!?„“()-_'\"\u0301\u200b\u202e🙂 \n\0"]),
        st.integers(1, 400),
    ),
)
TEXTS = st.builds("".join, st.lists(PIECES, max_size=40))
TEXT_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "windows-1252", "iso-8859-15", "utf-7", "gb18030", "cp037")


@st.composite
def documents(draw: st.DrawFn) -> tuple[bytes, str]:
    """Bytes and the encoding that the user says they have: text, text that was damaged, or anything at all."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=300)), draw(st.sampled_from(ENCODINGS))
    encoding = draw(st.sampled_from(TEXT_ENCODINGS)) if kind < 4 else "utf-8"
    data = draw(TEXTS).encode(encoding, "replace")
    if kind in (1, 4) and data:  # cut, and one byte changed
        place = draw(st.integers(0, len(data) - 1))
        data = data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 : draw(st.integers(place, len(data)))]
    if kind == 5:
        data += draw(st.sampled_from([b"\xed\xa0\x80", b"\xed\xbf\xbf", b"+2AA-", b"\\ud800", b"\xff\xfe\x00\xd8"]))
        encoding = draw(st.sampled_from(ENCODINGS))
    return data, encoding


def find_encodings() -> Iterator[str]:
    """All of Python's that are for text."""
    for module in pkgutil.iter_modules(encodings.__path__):
        try:
            yield check_encoding(module.name)
        except TranslateError:
            continue


ENCODINGS = sorted(set(find_encodings()))


def attacks(size: Size, folder: Path) -> Iterator[Attack]:
    """The rows of this family."""
    part = min(PART, size.documents // 5)
    for number in range(size.documents // part):
        piped = number % 5 == 4
        attack, translate = (
            ("generated standard input", translate_input) if piped else ("generated documents", translate_file)
        )
        yield partial(fuzz, attack, folder / str(number), (number, part), translate)
    yield partial(translate_giants, folder / "giants", size)


def fuzz(
    attack: str, folder: Path, seeded: tuple[int, int], translate: Callable[[Path, bytes, str], list[Event]]
) -> Tally:
    """Documents, each translated on its own. Hypothesis makes them, the same in each run: (seed, how many)."""
    tally = Tally(attack)
    folder.mkdir(parents=True)

    @seed(seeded[0])
    @settings(
        max_examples=seeded[1],
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(documents())
    def attack_with(document: tuple[bytes, str]) -> None:
        judge(tally, folder, document, translate)

    with loaded_once(), inside(folder):
        attack_with()
    return tally


def judge(
    tally: Tally, folder: Path, document: tuple[bytes, str], translate: Callable[[Path, bytes, str], list[Event]]
) -> None:
    """Translate one document, and compare what came of it with the document."""
    data, encoding = document
    shutil.rmtree(folder / "out", ignore_errors=True)
    try:
        with bound(SECONDS):
            events = translate(folder / "a.txt", data, encoding)
        if any(isinstance(event, DocumentFailed) for event in events):
            tally.add()
            return
        rows = [format_row(event) for event in events if isinstance(event, Row)]
        lines = "".join(f"{row}\n" for row in rows).encode() or (folder / FOLDER / "a.jsonl").read_bytes()
        lost, wrong = judge_rows(decode(folder / "a.txt", data, encoding), lines)
        tally.add(f"{lost} lost, {wrong} wrong: {document!r}" if lost or wrong else "", lost=lost, wrong=wrong)
    except TranslateError as error:
        tally.add("" if error.message and error.hint else f"an error without a hint: {error.message}")
    except Exception as error:  # whatever it is, it is what the attack looks for
        tally.add(f"{type(error).__name__}: {str(error)[:200]}: {document!r}"[:700])


def decode(path: Path, data: bytes, encoding: str) -> str:
    """The text as Python's own decoder has it."""
    path.write_bytes(data)
    found = open_document(path, encoding).encoding
    with io.TextIOWrapper(io.BytesIO(data), encoding=found, newline="") as text:
        return text.read()


def translate_file(path: Path, data: bytes, encoding: str) -> list[Event]:
    """The events of a run on a file; its name is relative to the working folder."""
    path.write_bytes(data)
    return list(pipeline.run(make_job(path.name, encoding)))


def translate_input(_: Path, data: bytes, encoding: str) -> list[Event]:
    """The events of a run on standard input, rows among them; an empty list of rows is no rows file either."""
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(data)))
    with patch.object(sys, "stdin", stream):
        events = list(pipeline.run(make_job("-", encoding)))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "a.jsonl").touch()
    return events


def make_job(argument: str, encoding: str) -> Job:
    """With the echo engine and the memory."""
    return Job((argument,), model="tiny-de-en", settings=Settings(engine="echo"), encoding=encoding)


@contextmanager
def loaded_once() -> Iterator[None]:
    """The model's files are read once instead of twenty thousand times; nothing else is different."""
    with ExitStack() as stack:
        for module, name in ((pipeline, "resolve_model"), (pipeline, "load"), (plan, "package_versions")):
            stack.enter_context(patch.object(module, name, functools.cache(getattr(module, name))))
        yield


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """With that working folder."""
    with chdir(folder):
        yield


@contextmanager
def bound(seconds: float) -> Iterator[None]:
    """TimeoutError after so many seconds of this process's own time, whatever else the machine does; or six times as many
    on the clock.
    """

    def ring(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"more than {seconds:g} s")

    timers = {signal.ITIMER_PROF: (signal.SIGPROF, seconds), signal.ITIMER_REAL: (signal.SIGALRM, 6 * seconds)}
    before = {number: signal.signal(number, ring) for number, _ in timers.values()}
    for timer, (_, limit) in timers.items():
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def make_giants(size: Size) -> dict[str, str]:
    """What is large in one way only. Some are smaller by design: they are slow per character, and time has to stay linear."""
    million = size.megabytes * 1_000_000
    return {
        "letters without a blank": "a" * million,
        "syllables without a blank": "Donaudampfschiff" * (million // 16),
        "empty lines": "\n" * size.empty_lines + "Ende.",
        "empty lines, as Windows has them": "\r\n" * size.empty_lines,
        "lines of one letter": "a\n" * (size.empty_lines // 2),
        "one line of sentences": "Das Haus steht leer. " * (million // 210),
        "one sentence": "das Haus und " * (million // 130),
        "full stops": "." * (million // 10),
        "full stops and blanks": ". " * (million // 20),
        "opening brackets": "( " * (million // 20),
        "opening quotation marks": "„" * (million // 20) + "Ja.“",
        "abbreviations": "z. B. " * (million // 60),
        "numbers": "1. 2. 3. " * (million // 90),
        "a letter with marks": "a" + "\u0301" * (million // 10),
        "zero-width": "\u200b" * (million // 10),
        "emoji": "👩‍👩‍👧‍👦" * (million // 100),
        "capitals": "DIE GROSSE STADT " * (million // 170),
        "tags": "<b><i>" * (million // 60),
        "NULs": "\0" * (million // 10),
        "white space": " " * million + "Ende.",
        "digits": "7" * (million // 10),
        "right to left": "שלום " * (million // 50),
        "soft hyphens": "Haus\u00ad" * (million // 50),
    }


def translate_giants(folder: Path, size: Size) -> Tally:
    """Each alone, within the same bound."""
    tally = Tally(f"giants: {size.megabytes} MB without a blank, {size.empty_lines:,} empty lines …")
    folder.mkdir(parents=True)
    with loaded_once(), inside(folder):
        for name, text in make_giants(size).items():
            before = len(tally.complaints)
            judge(tally, folder, (text.encode(), "utf-8"), translate_file)
            if len(tally.complaints) > before:
                tally.complaints[-1] = f"{name}: {tally.complaints[-1][:200]}"
    return tally


def test_rows_cover_the_text_or_an_error_names_it(tmp_path: Path) -> None:
    """Whatever the text; within ten seconds."""
    check(attacks(SMALL, tmp_path))
