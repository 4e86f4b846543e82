"""Sentences → the spans in them that have to come out as they went in: addresses, placeholders, tags, codes, account numbers.

A kind is searched only where its signs are in the text, so that ordinary text costs next to nothing. Of two kinds that
claim one stretch the first in KINDS has it. Patterns begin at the edge of a word and give little back (possessive
repetitions, bounded ones), so that the time is linear in the length of any text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from translate.protect.codes import find_code, has_iban_length, is_formula, is_phone, is_version, is_versioned
from translate.protect.endings import DOMAINS, FILES

Range = tuple[int, int]
Judge = Callable[[re.Match[str]], Range | None]

SIGNS = {
    "0": re.compile(r"\d"),
    ".": re.compile(r"\.\w"),
    "c": re.compile(r"[a-z][A-Z]"),
    "(": re.compile(r"\w\("),
    "-": re.compile(r"--\w|(?:^|\s)-[A-Za-z](?!\w)|[0-9a-fA-F]{4}-[0-9a-fA-F]"),
    "B": re.compile(r"\bBIC\b"),
    "₀": re.compile(r"[₀-₉]"),
}
"""Signs that are more than one character. Any other is itself."""

ATTRIBUTES = r"""(?:\s++[\w:@.-]++(?:\s*+=\s*+(?:"[^"<>]{0,1000}"|'[^'<>]{0,1000}'|[^\s"'<>=]++))?+)*+"""
URL_END = r"[^\s<>\"„“”«»|{}\\^`]"
SEGMENT = r"\.?[\w@%+~#-]++(?:\.[\w@%+~#-]++)*+"
NOT_IN_NAME = r"[^\s\\/:*?\"<>|,;)„“]"
ROOTS = "etc usr var tmp home opt bin sbin dev proc root mnt srv lib lib64 sys boot media run Users Library Applications Volumes"
DOTFILES = frozenset(
    "gitignore gitattributes env htaccess htpasswd bashrc bash_profile zshrc vimrc npmrc dockerignore editorconfig ssh git".split()
)
CLOSERS = ".,;:!?…'’\"“”»«*"
PAIRS = {")": "(", "]": "["}
GENDERED = re.compile(r"_?[Ii]n(?:nen)?\Z|_[rnems]{1,2}\Z")
DASHED = re.compile(r"[\w.!?]--(?!\w)")
FILLING = frozenset(
    """
    ich du er sie es wir ihr man wenn weil dass ob und oder die der das den dem des ein eine einen einem in im an am auf aus bei mit
    nach von vom zu zum zur für durch über unter vor bitte datei dateien dokument anhang ordner bild foto haben hat ist sind war wird
    kann können soll sollen muss müssen öffnen speichern löschen namens genannt nicht auch
    """.split()
)
"""Words that are no part of a file's name with blanks."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of span."""

    name: str
    signs: str
    """Without any of them in the text there is no such span; see SIGNS."""
    pattern: re.Pattern[str]
    judge: Judge
    """What of a match is the span; None if it is none."""


def _whole(match: re.Match[str]) -> Range | None:
    return match.span()


def _trimmed(match: re.Match[str]) -> Range | None:
    """Without the punctuation that belongs to the sentence, and a bracket that was opened before."""
    start, end, text = match.start(), match.end(), match.string
    while end > start:
        last = text[end - 1]
        opened = PAIRS.get(last)
        if last not in CLOSERS and (opened is None or text.count(opened, start, end) >= text.count(last, start, end)):
            break
        end -= 1
    return (start, end) if end - start > 1 else None


def _url(match: re.Match[str]) -> Range | None:
    found = _trimmed(match)
    return None if found is None or match.string[slice(*found)].endswith("://") else found


def _host(match: re.Match[str]) -> Range | None:
    """An address without www. and https:// is told from words by its last part."""
    host = match["host"]
    return _url(match) if host is None or host.rpartition(".")[2] in DOMAINS else None


def _path(match: re.Match[str]) -> Range | None:
    """A path that begins with no sign ends with a file's name or a second slash: `und/oder` is none."""
    relative = match["relative"]
    if (
        relative is not None
        and not FILES.fullmatch(relative.rpartition(".")[2])
        and not (relative.endswith("/") and relative.count("/") > 1)
    ):
        return None
    return _trimmed(match)


def _iban(match: re.Match[str]) -> Range | None:
    length = has_iban_length(match[0])
    return (match.start(), match.start() + length) if length else None


def _phone(match: re.Match[str]) -> Range | None:
    return match.span() if is_phone(match[0]) else None


def _isbn(match: re.Match[str]) -> Range | None:
    return match.span() if sum(map(str.isalnum, match[0])) in (8, 10, 13) else None


def _handle(match: re.Match[str]) -> Range | None:
    return match.start(), match.end() - len(match[0]) + len(match[0].rstrip(".-"))


def _file(match: re.Match[str]) -> Range | None:
    """A file's name, with the words before it where a count in brackets tells that it has blanks: `bericht final (2).docx`."""
    start, end, text = match.start(), match.end(), match.string
    name, dotted, ending = match["name"], match["dot"], match["ending"]
    if name is not None and not _is_file(name):
        return None
    if dotted is not None and dotted not in DOTFILES and not FILES.fullmatch(dotted):
        return None
    if ending is not None:
        if not FILES.fullmatch(ending):
            return None
        for _ in range(3):
            word = re.search(r"(?:^|(?<=\s))([\w.-]+) \Z", text[max(0, start - 60) : start])
            if word is None or word[1].lower() in FILLING:
                break
            start -= len(word[0])
    return start, end


def _is_file(name: str) -> bool:
    """`a.pdf`, `libfoo.so.1`; not `z.B`, `Ende.So`."""
    stem, _, ending = name.rpartition(".")
    if ending.isdigit():
        return re.fullmatch(r".+\.so(?:\.\d+)*", stem) is not None
    return (
        FILES.fullmatch(ending) is not None
        and (len(ending) > 1 or len(stem) > 1)
        and (ending.islower() or ending.isupper() or not ending.isalpha())
    )


def _name(match: re.Match[str]) -> Range | None:
    return None if GENDERED.search(match[0]) else match.span()


def _option(match: re.Match[str]) -> Range | None:
    """Not where the two hyphens are dashes: `--das ist es--`."""
    return None if match[0].startswith("--") and DASHED.search(match.string) else _trimmed(match)


def _named_version(match: re.Match[str]) -> Range | None:
    return match.span() if is_versioned(match[1], match[2], match.string[match.end() : match.end() + 8]) else None


def _version(match: re.Match[str]) -> Range | None:
    return match.span() if is_version(match[0], match.string[max(0, match.start() - 14) : match.start()]) else None


def _product(match: re.Match[str]) -> Range | None:
    found = find_code(match[0])
    return (match.start() + found[0], match.start() + found[1]) if found else None


def _formula(match: re.Match[str]) -> Range | None:
    text = match[0].rstrip("(")
    text = text[:-1] if text.endswith(")") and "(" not in text else text
    return (match.start(), match.start() + len(text)) if is_formula(text) else None


def _kind(name: str, signs: str, pattern: str, judge: Judge = _whole) -> Kind:
    return Kind(name, signs, re.compile(pattern), judge)


KINDS = (
    _kind("code", "`", r"```[^`]{1,2000}```|``[^`]{1,500}``|`[^`\n]{1,500}`"),
    _kind(
        "tag",
        "<",
        r"<!--[^<>]{0,1000}-->|<!\w[^<>]{0,300}>|<%[^<>]{1,200}%>|<\?[^<>]{1,200}\?>|<<[^<>\s]{1,60}>>"
        rf"|</?(?:[A-Za-z][\w:.-]*+|\d{{1,4}}+){ATTRIBUTES}\s*+/?>",
    ),
    _kind("tag", "&", r"&(?:[A-Za-z]\w{1,30}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});"),
    _kind(
        "brace",
        "{",
        r"(?:\$|%|#|@)?\{\{[^{}]{1,200}\}\}|\{%[^{}]{1,200}%\}"
        r"|\{\s*+\w++\s*+,\s*+(?:plural|select|selectordinal|number|date|time)\b(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,200}\}){0,400}\}){0,400}\}"
        r"|(?:\$|%|#|@)?\{\s?[^\s{}]{1,100}(?:\s?[|:,]\s?[^{}]{0,60})?\s?\}|\{\"[^{}]{1,300}\}|\{\}",
    ),
    _kind(
        "printf",
        "%",
        r"(?<![\w%])%(?:\d{1,2}\$)?[#0+-]{0,3}(?:\d{1,3}|\*)?(?:\.(?:\d{1,3}|\*))?(?:hh|h|ll|l|L|q|z|j|t)?[sdiufFeEgGxXoaAcCpSn@](?!\w)",
    ),
    _kind("brace", "[", r"\[\[[^\[\]]{1,200}\]\]|\[%[^\[\]]{1,200}%\]|\[[A-Za-z]+_\w{1,60}\]"),
    _kind("brace", "$", r"\$\([\w.]{1,60}\)|(?<![\w$])\$[A-Za-z_]\w{0,60}"),
    _kind("brace", "%", r"%\(\w{1,60}\)[#0+-]?\d{0,3}(?:\.\d{1,3})?[a-zA-Z]|(?<![\w%])%[A-Za-z_]\w{1,39}%(?![\w\\])"),
    _kind("brace", "#", r"(?<![\w#])#[A-Za-z]\w{0,60}#(?!\w)"),
    _kind("brace", "_", r"(?<!\w)__[A-Za-z](?:\w(?!__\b)){0,60}\w?__(?!\w)"),
    _kind("brace", "@", r"(?<!\w)@@\w{1,60}@@(?!\w)"),
    _kind(
        "email",
        "@",
        r"(?:mailto:)?(?<![\w.+%@-])[\w.+%-]++(?:'[\w.+%-]++)?+(?<=[\w+-])@[\w-]++(?:\.[\w-]++)*+",
        _trimmed,
    ),
    _kind(
        "url",
        ":",
        rf"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{{1,20}}+://{URL_END}++"
        rf"|(?<!\w)(?:mailto|tel|sms|doi|urn|magnet):(?!\s){URL_END}{{3,}}+|(?<![\w.-])localhost:\d{{2,5}}(?:/{URL_END}*+)?",
        _url,
    ),
    _kind(
        "url",
        ".",
        rf"(?<![\w.-])(?i:www\d?\.){URL_END}++|(?<!\w)10\.\d{{4,9}}/{URL_END}++"
        rf"|(?<![\w.@/\\-])(?P<host>\w[\w-]*+(?:\.[\w-]++)++)(?::\d{{2,5}})?(?:[/?#]{URL_END}*+)?",
        _host,
    ),
    _kind(
        "path",
        "\\",
        rf"(?<![\w/])[A-Za-z]:\\(?:(?:{NOT_IN_NAME}++(?: {NOT_IN_NAME}++){{0,4}}\\)*+{NOT_IN_NAME}*+)"
        rf"|(?<![\w\\])\\\\[\w.$-]++(?:\\{NOT_IN_NAME}++)++\\?|(?<!\w)%\w{{2,40}}%(?:\\{NOT_IN_NAME}++)++\\?"
        r"|(?<![\w\\])(?:[\w.-]++\\){2,}+[\w.-]*+",
        _trimmed,
    ),
    _kind(
        "path",
        "/",
        rf"(?<![\w/.\\])(?:~|\.\.?)?(?:/{SEGMENT}){{2,}}+/?|(?<![\w/.\\])(?:~|\.\.?)/(?:{SEGMENT})?+/?|(?<![\w/])[A-Z]:/{SEGMENT}(?:/{SEGMENT})*+"
        rf"|(?<![\w/.\\])/(?:{'|'.join(ROOTS.split())})\b/?"
        r"|(?<![\w/.\\@-])(?P<relative>(?:\w[\w.@+-]*+/)++(?:\w[\w@+-]*+(?:\.[\w@+-]++)*+)?)(?![\w/])",
        _path,
    ),
    _kind(
        "ip",
        "0:",
        r"(?<![\w.:])(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2}|:\d{1,5})?(?![\w:]|\.\d)"
        r"|(?<![\w:])(?=[0-9a-fA-F:]{0,39}::)(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?:/\d{1,3})?(?![\w:])"
        r"|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}(?![\w:])|(?<![\w:-])(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}(?![\w:-])",
    ),
    _kind("iban", "0", r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}", _iban),
    _kind(
        "isbn",
        "0",
        r"(?<![\w-])(?:97[89][- ]?)?(?:\d{1,7}[- ]){2,3}[\dXx](?!\w|-\d)|(?<![\w-])97[89]\d{10}(?!\w)|(?<=ISSN )\d{4}-\d{3}[\dXx](?![\w-])",
        _isbn,
    ),
    _kind(
        "phone",
        "0",
        r"(?<![\w.,/-])(?:\+\d{1,3}|\((?:\+\d{1,3}|0\d{1,5})\)|0\d{1,5})(?:[ /-]{0,2}\(\d{1,5}\))?(?:(?: ?[/–-] ?| )?\d{1,9}){1,7}(?![\w/]|[.,:]\d)",
        _phone,
    ),
    _kind("tracking", "-", r"(?<![\w-])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\w-])"),
    _kind("iban", "B", r"(?<=BIC )[A-Z0-9]{8}(?:[A-Z0-9]{3})?(?!\w)|(?<=BIC: )[A-Z0-9]{8}(?:[A-Z0-9]{3})?(?!\w)"),
    _kind("plate", "0", r"(?<![\w-])[A-ZÄÖÜ]{1,3}-[A-ZÄÖÜ]{1,2} \d{1,4}[EH]?(?!\w|[.,]\d)"),
    _kind("tracking", "0", r"(?<![\w.,])(?:\d{8,}+|\d{4}(?: \d{4}){2,5}(?: \d{1,4})?)(?!\w|[.,]\d)"),
    _kind("handle", "@", r"(?<![\w@.])@\w[\w.-]*+(?:@[\w.-]++)?", _handle),
    _kind("hashtag", "#", r"(?<![\w#&])#\w++"),
    _kind(
        "file",
        ".",
        r"(?<![\w.@/\\-])(?P<name>\w[\w@+~-]*+(?:\.[\w@+~-]++)++)|(?<![\w.…])\.(?P<dot>\w++)(?![\w.])"
        r"|(?<![\w.])\*\.\w{1,5}(?!\w)|\(\d{1,3}\)\.(?P<ending>\w{1,9})(?!\w)",
        _file,
    ),
    _kind("code", "-", r"(?<![\w-])--[A-Za-z][\w-]++(?:=[^\s,;)]++)?|(?<!\S)-[A-Za-z](?=[\s,.;)]|$)", _option),
    _kind(
        "code",
        "(",
        r"(?<![\w.])(?:(?:[A-Za-z_]\w*+(?:\.|::|->))++[A-Za-z_]\w*+|[a-z_]\w*+)\((?:|[\w.,=\"'\[\] -]{0,60}[.,=\"'\[\]_0-9][\w.,=\"'\[\] -]{0,60})\)",
    ),
    _kind("code", "_", r"(?<!\w)_{0,2}[A-Za-z][A-Za-z0-9]*+(?:_[A-Za-z0-9]++)++(?!\w)", _name),
    _kind(
        "version",
        "0",
        r"(?<![\w.-])([A-Za-z][A-Za-z.+#]*+) (\d{1,4}(?:\.\d{1,3}){0,3}[a-z]?)(?!\w|[.,:/-]\d)",
        _named_version,
    ),
    _kind("code", "c", r"(?<![\w-])[a-z]++[A-Z][A-Za-z0-9]*+(?:\.[a-zA-Z_]\w++)*+(?![\wäöüß])", _name),
    _kind(
        "version", "0", r"(?<![\w.,:-])[vV]?\d{1,4}(?:\.\d{1,4}){1,4}(?:[-.]?[a-z]{1,6}\d{0,3})?(?!\w|[,:]\d)", _version
    ),
    _kind("formula", "0c₀", r"(?<!\w)[A-Z][A-Za-z0-9()₀-₉⁰¹²³⁴-⁹⁺⁻]*+", _formula),
    _kind("product", "0", r"(?<![\w.])(?=[\w./#+-]{0,40}\d)\w++(?:[-./#+]\w++)*+", _product),
)
"""In order of preference."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a text that is not translated: `text[start:end]`."""

    start: int
    end: int
    kind: str


def find_spans(text: str) -> list[Span]:
    """The spans of a text, in order, none within another."""
    taken: list[Span] = []
    covered = bytearray()
    seen: dict[str, bool] = {}
    for kind in KINDS:
        if not any(_has_sign(sign, text, seen) for sign in kind.signs):
            continue
        for match in kind.pattern.finditer(text):
            found = kind.judge(match)
            if found is not None and covered.find(1, *found) < 0:
                covered = covered or bytearray(len(text))
                covered[found[0] : found[1]] = b"\1" * (found[1] - found[0])
                taken.append(Span(*found, kind.name))
    return sorted(taken, key=lambda span: span.start) if taken else taken


def _has_sign(sign: str, text: str, seen: dict[str, bool]) -> bool:
    if sign not in seen:
        seen[sign] = SIGNS[sign].search(text) is not None if sign in SIGNS else sign in text
    return seen[sign]
