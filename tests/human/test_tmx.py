"""Translation memories as other programs write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from translate.human.tmx import read_tmx
from translate.records import InputError

HEAD = '<?xml version="1.0" encoding="UTF-8"?><tmx version="1.4"><header creationtool="x" creationtoolversion="1" segtype="sentence" o-tmf="x" adminlang="en" srclang="de" datatype="plaintext"/><body>'


def write(path: Path, body: str, head: str = HEAD) -> Path:
    """A file of these units."""
    path.write_text(f"{head}{body}</body></tmx>", encoding="utf-8")
    return path


def test_languages_tags_and_order_as_they_come(tmp_path: Path) -> None:
    """English first, regions, the attribute of version 1.1, codes within sentences, a third language."""
    body = (
        '<tu><tuv xml:lang="EN-US"><seg> Good <bpt i="1">&lt;b&gt;</bpt>day<ept i="1">&lt;/b&gt;</ept>. </seg></tuv>'
        '<tuv xml:lang="fr"><seg>Bonjour.</seg></tuv><tuv xml:lang="de-AT"><seg>Guten <hi>Tag</hi>.</seg></tuv></tu>'
        '<tu><prop type="x-doc">a.txt</prop><prop type="x-sentence">3</prop><tuv lang="de"><seg>Ja.</seg></tuv>'
        '<tuv lang="en"><seg>Yes.<ph type="x-control">000B</ph></seg></tuv></tu><tu><tuv xml:lang="de"><seg>Nein.</seg></tuv></tu>'
    )
    first, second = read_tmx(write(tmp_path / "a.tmx", body))
    assert (first.source, first.target, first.document, first.where) == ("Guten Tag.", "Good day.", None, "unit 1")
    assert (second.source, second.target, second.document, second.sentence) == ("Ja.", "Yes.", "a.txt", 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no element found"),
        ("<tmx><body>", "no element found"),
        ("<html></html>", "begins with <html>, not with <tmx>"),
        (f'{HEAD}<tu><tuv xml:lang="fr"><seg>x</seg></tuv></tu></body></tmx>', "its languages: fr"),
        ("plain text", "syntax error"),
        ("\x00\x01", "not well-formed"),
        (
            '<!DOCTYPE tmx [<!ENTITY a "aaaaaaaaaa">'
            + "".join(f'<!ENTITY {x} "{f"&{y};" * 10}">' for x, y in zip("bcdefghij", "abcdefghi", strict=True))
            + "]><tmx>&j;</tmx>",
            "amplification",
        ),
    ],
)
def test_what_is_no_memory_is_named(text: str, message: str, tmp_path: Path) -> None:
    """Damaged, of another kind, without German, or built to fill the machine's memory."""
    (tmp_path / "a.tmx").write_text(text)
    with pytest.raises(InputError, match=r"a\.tmx") as caught:
        list(read_tmx(tmp_path / "a.tmx"))
    assert message in caught.value.message
    assert caught.value.hint
