"""The package as others import it."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import translate
from tests.helpers.command import ROOT
from tests.helpers.texts import outputs, write_texts
from translate import Settings, TranslateError, Translator, library, read_rows, translate_files
from translate.run.pipeline import run
from translate.run.plan import Job


def test_the_examples_run() -> None:
    """Every docstring of the public names has one that does."""
    for public in (Translator, translate_files, read_rows):
        assert ">>>" in (public.__doc__ or "")
    result = doctest.testmod(library, optionflags=doctest.ELLIPSIS)
    assert result.attempted >= 10
    assert result.failed == 0


def test_importing_costs_nothing_and_changes_nothing() -> None:
    """No module beside the package's own, nothing in the environment, no signal handler."""
    code = (
        "import os, signal, sys; before = dict(os.environ), signal.getsignal(signal.SIGINT), set(sys.modules)\n"
        "import translate\n"
        "print(sorted(name for name in set(sys.modules) - before[2] if name.startswith('translate')))\n"
        "from translate import Translator, read_rows, translate_files\n"
        "print((dict(os.environ), signal.getsignal(signal.SIGINT)) == before[:2], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['translate']", "True False"]
    assert done.stderr == ""


def test_public_names_are_there_and_no_others() -> None:
    """`from translate import *` gives what the documentation names; the package is typed."""
    assert all(getattr(translate, name) is not None for name in translate.__all__)
    assert dir(translate) == sorted(translate.__all__)
    with pytest.raises(AttributeError, match="no attribute 'translator'"):
        translate.__getattr__("translator")
    assert (Path(translate.__file__).parent / "py.typed").is_file()


@pytest.fixture
def echo() -> Iterator[Translator]:
    with Translator("tiny-de-en", engine="echo") as translator:
        yield translator


TEXTS = ["Das Haus ist alt. Es regnet.", "", " \n", "12,5\n\nDie Sonne scheint.\r\n", "Das Haus ist alt."]


def test_a_text_is_a_document(echo: Translator) -> None:
    """Its sentences are translated one by one, its white space stays; a text without words is as it was."""
    found = list(echo.translate(TEXTS))
    assert [text.source for text in found] == TEXTS
    assert [text.target for text in found] == [
        "alt. ist Haus Das regnet. Es",
        "",
        " \n",
        "12,5\n\nscheint. Sonne Die\r\n",
        "alt. ist Haus Das",
    ]
    assert [text.score for text in found] == [0.0, None, None, 0.0, 0.0]
    assert [len(text.rows) for text in found] == [2, 0, 0, 2, 1]
    assert found[3].flags == ("passthrough",)
    assert [(row.start, row.end) for row in found[0].rows] == [(0, 17), (18, 28)]


def test_texts_are_read_as_they_are_needed(echo: Translator) -> None:
    """The first translations come after a few texts, and no more than a window is read ahead."""
    read = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for read in range(1, 5001):
            yield f"Satz {read} ist kurz."

    stream = echo.translate(texts())
    assert next(stream).target == "kurz. ist 1 Satz"
    assert read <= 16
    furthest = max(read - given for given, _ in enumerate(stream, 2))
    assert read == 5000
    assert furthest <= library.LARGEST_WINDOW


def test_order_is_kept_and_the_memory_goes_on(tmp_path: Path) -> None:
    """The file that keeps the sentences may be used again, and gives the same."""
    texts = [f"Haus {i} steht {'sehr ' * (i % 5)}lange leer." for i in range(300)]
    found = []
    for _ in range(2):
        with Translator("tiny-de-en", engine="echo", memory=tmp_path / "memory.sqlite") as translator:
            found.append(list(translator.translate(texts)))
    assert found[0] == found[1]
    assert [text.source for text in found[0]] == texts
    with pytest.raises(ValueError, match="closed"):
        next(translator.translate(["Ja gut."]))


def test_mistakes_are_exceptions() -> None:
    """With what is wrong and what to do; one text alone would be taken for its letters."""
    with pytest.raises(TranslateError) as caught:
        Translator("no-such-model-anywhere")
    assert caught.value.hint
    with pytest.raises(TranslateError, match="unknown engine 'fast'"):
        Translator("tiny-de-en", engine="fast")
    with Translator("tiny-de-en", engine="echo") as translator, pytest.raises(TypeError, match=r"give \[text\]"):
        translator.translate("Ja gut.")


def test_files_are_translated_as_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same rows, told in the result; a file that cannot be read is among them, and read_rows reads a run's folder."""
    monkeypatch.chdir(tmp_path)
    write_texts(tmp_path / "data", documents=3, sentences=20)
    list(run(Job(("data",), Path("one"), "tiny-de-en", settings=Settings(engine="echo"))))
    seen: list[object] = []
    result = translate_files(
        ["data", Path("nothing.txt")],
        tmp_path / "two",
        model="tiny-de-en",
        settings=Settings(engine="echo"),
        on_event=seen.append,
    )
    assert outputs(tmp_path / "one") == outputs(tmp_path / "two")
    assert [done.name for done in result.done] == ["data/0.txt", "data/1.txt", "data/2.txt"]
    assert [failure.name for failure in result.failed] == ["nothing.txt"]
    assert result.summary.failed == 1
    assert result.summary in seen
    assert sum(1 for _ in read_rows("two/tiny-de-en")) == result.summary.sentences
    assert sum(1 for _ in read_rows("two/tiny-de-en/data/1.jsonl")) == 21
    assert os.listdir("two") == ["tiny-de-en"]
    with pytest.raises(ValueError, match="standard input"):
        translate_files(["-"])
