"""German paragraphs → sentence spans.

A candidate is white space after a sentence mark. These see it in turn, the first to speak wins:

1. `_goes_on`, our repairs that join, and `_in_bracket`: no sentence ends inside a short bracket;
2. `_ends`, our repairs that cut;
3. the exceptions among LanguageTool's German SRX rules, which come with the package choppa-srx.

Our repairs are general rules of German spelling that LanguageTool's rules lack or get wrong; `benchmarks/segmentation.py`
measures what they gain. A candidate on which nobody speaks is an end.
Only a window of bounded size around a candidate is ever looked at, so the time is linear in the length of any text.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from translate.records import Paragraph, Sentence

Span = tuple[int, int]

_WINDOW = 200
"""Code points seen on either side of a candidate: enough for most brackets and for every rule of LanguageTool's."""

_NEAR = 40
"""Code points that our own rules see on either side: they are about the last and the next two words."""

_CANDIDATE = re.compile(r"""[.!?…](?:["'”“’‘»«›‹)\]}¹²³]|\[\d{1,3}\]){0,4}(\s+)""")
"""A sentence mark, marks that close something, footnote signs; then the white space (group 1)."""

_LONE_MARK = re.compile(r"""(["'”“’‘»«›‹]{1,2})(\s+|\Z)""")
_PARTNER = {"»": "«", "«": "»", "›": "‹", "‹": "›", "“": "„", "”": "“", "‘": "‚", "’": "‘"}

_STARTERS = frozenset(
    """
    Der Die Das Den Dem Des Dies Diese Dieser Dieses Diesem Diesen Ein Eine Einer Eines Einem Einen Kein Keine Keiner
    Keinen Ich Du Er Es Wir Ihr Sie Man Mir Mich Uns Ihm Ihn Ihnen Ihre Ihren Ihrem Ihrer Sein Seine Seinen Seinem
    Seiner Mein Meine Meinen Unser Unsere Jeder Jede Jedes Alle Alles Viele Einige Wer Was Wo Wie Wann Warum Wieso
    Weshalb Woher Wohin Welche Welcher Welches Und Oder Aber Denn Sondern Doch Jedoch Dass Daß Ob Wenn Weil Da Als
    Obwohl Während Nachdem Bevor Bis Damit Sodass Sobald Solange Falls Indem In Im An Am Auf Aus Bei Beim Mit Nach Seit
    Vom Zum Zur Für Durch Gegen Ohne Um Über Unter Vor Zwischen Neben Hinter Trotz Wegen Laut Auch Nur Noch Schon So
    Hier Dort Dann Nun Jetzt Heute Gestern Morgen Nicht Nie Immer Ja Nein Also Deshalb Daher Darum Dabei Dazu Danach
    Dafür Dagegen Daraus Darauf Daran Dadurch Davon Davor Trotzdem Allerdings Außerdem Zudem Sonst Bereits Bisher Etwa
    Mehr Sogar Insgesamt Schließlich Zunächst Später Zuletzt Vielleicht Natürlich Leider Selbst Somit
    """.split()
)
"""Function words that German writes with a capital only where a sentence starts (or the polite Sie, Ihr)."""

_LEADING = frozenset(
    """
    Dr Prof Hr Hrn Fr Frl St Sr Hl Nr Nrn vgl Vgl bzw Bzw ca Ca lt Lt sog Sog inkl Inkl exkl einschl zzgl abzgl bes insb
    insbes bspw Bspw evtl Evtl ggf Ggf ggfs gem betr bzgl wg resp Hrsg hrsg Dipl Mag Ing Abb Abs Kap Bd Gebr Mr Mrs Ms
    vs rd mind etw jmd jmdn jmdm
    """.split()
)
"""Abbreviations that want something after them whatever it is: "bzw. Sie", "vgl. Die Zeit", "Hrn. Meier"."""

_SOFT = frozenset(
    """
    Abschn Adr amtl Angekl Aufl Ausg brit chr dergl Dtzd eidg entspr erw Fn Forts Gde gegr gest gez Hbf hl Hptm Hs jd
    jdm jdn jds Jgg Jhrg Joh jun Kard Kpt Ldkr Lkr Lfg luth masch Mitgl Msgr Nachf nat niederl Obb Oberstlt oec op
    österr Orig Pfr Pkt poln Rdnr Rgt röm russ Rz schwed schweiz Sekr Slg soz spez südd Tab techn theol türk übers ungar
    ungef Univ Verf Verl Verw Vors wiss Wwe zahlr Zahlr Ziff zit Zs Ztschr Capt Col Gov Lt Maj Rep Rev Sgt
    """.split()
)
"""Abbreviations that LanguageTool lacks. They may end a sentence, but only before a starter."""

_COUNTED = frozenset("Armee Aufl Auflage Division Halbzeit Jahrgang Jg Mal Minute Symphonie Weltkrieg Woche".split())
"""What ordinals are often followed by without an article, and LanguageTool lacks: "in 2. Auflage", "14. Minute:"."""

_ENUMERATOR = re.compile(r"[(\[]?(?:(?:\d{1,3}\.){1,6}|[IVX]{1,5}\.|[A-Za-z]\.)[)\]]?")
"""Alone it is no sentence: "8. Der Mann", "A. Zweck", "12.3. Aufbau"."""

_LIST_NUMBER = re.compile(r"(?:[:;]|(?<![\d\s])\s[–-])\s\d{1,2}\.\Z")
"""A list within a line: "Ergebnis: 1. Huber – 2. Peier"; not the score "3 - 1."."""

_ORDINAL = re.compile(
    r"(?:\A|\W)(?:(?i:am|beim|fürs|im|in|ins|vom|zum|zur|d(?:as|em|en|er|es|ie)|dies\w{1,2}|jede\w?|[kmds]?ein\w{0,2}"
    r"|ihr\w{0,2}|unser\w{0,2})|\d{1,3}\.\s(?:und|oder|bis|sowie|[/–-]))\s(?:\d{1,3}|[IVXL]{1,6})\.\Z"
)
"""What makes a number an ordinal is before it: "Zum 60. Mal", "im II. Weltkrieg", "der 57. und 9. Armee"."""

_NUMBER_COMES = re.compile(r"(?:\b\d{1,2}\.\s\d{1,2}|[Ss]tr)\.\Z")  # "3. 4. 2015", "Hauptstr. 5"
_COUNT = re.compile(r"\b\d{1,3}\.\Z")
_LAST_WORD = re.compile(r"(\w+)\.\Z")
_PARTED = re.compile(r"\b\w{1,2}\.\s?\w{1,2}\.\Z")  # "z. B.", "d. h.", "J. S."
_PARTED_CLOSING = re.compile(r"\b(?:u\.\s?s\.\s?w|[uo]\.\s?[äÄ]|u\.\s?a\.\s?m|[ae]\.\s?[DMV]|[nv]\.\s?Chr)\.\Z")
_QUOTATION_MARKS = frozenset("\"'”“’‘»«›‹")
_WHOLE_BRACKET = re.compile(r"""[.!?…]["”“«»’‘]?[)\]]\Z""")
_LOWER_CONJUNCTION = re.compile(r"(?:und|oder|sondern|um)\b")
_NEXT_WORD = re.compile(r"""["'„“‚‘»«›‹(\[–-]{0,2}\s?(\w+)""")
_WORD = re.compile(r"\w")


def split_sentences(paragraphs: Iterable[Paragraph]) -> Iterator[Sentence]:
    """Yield the sentences of one document, numbered through it; `start` and `end` count from its start."""
    number = 0
    for paragraph in paragraphs:
        for start, end in split_paragraph(paragraph.text):
            offset = paragraph.start
            yield Sentence(paragraph.number, number, offset + start, offset + end, paragraph.text[start:end])
            number += 1


def split_paragraph(text: str) -> list[Span]:
    """Find the spans of the sentences of one line, in code points; between and around them is white space only."""
    stop = len(text.rstrip())
    start = len(text) - len(text.lstrip())
    if start >= stop:
        return []
    spans: list[Span] = []
    wordy, seen = False, start
    for end, following in _candidates(text):
        if following >= stop:
            break
        # Signs without a letter or digit, as "(…)", are no sentence: they stay with what follows.
        wordy = wordy or _WORD.search(text, seen, end) is not None
        seen = end
        if wordy and _is_end(text, start, end, following):
            spans.append((start, end))
            start, wordy = following, False
    if spans and not wordy and _WORD.search(text, max(seen, start), stop) is None:
        start = spans.pop()[0]  # … and at the end with what goes before: "widerspiegeln. »"
    spans.append((start, stop))
    return spans


def _candidates(text: str) -> Iterator[Span]:
    """Yield (end of a possible sentence, start of what follows it)."""
    for match in _CANDIDATE.finditer(text):
        lone = _LONE_MARK.match(text, match.end())
        if lone and _closes(text, match.end()):
            yield lone.end(1), lone.end()
        else:
            yield match.start(1), match.end()


def _closes(text: str, at: int) -> bool:
    """Say whether the quotation mark at `at`, with white space on both sides, closes a quotation."""
    mark = text[at]
    before, after = text[max(0, at - _WINDOW) : at], text[at + 1 : at + _WINDOW]
    partner = _PARTNER.get(mark)
    if partner is None:
        return before.count(mark) % 2 == 1
    if before.count(partner) > before.count(mark):
        return True
    return mark not in "«‹" and partner not in after


class _Candidate(NamedTuple):
    """A place where a sentence may end, as the repairs see it."""

    first: str
    """The first character of the sentence so far."""
    left: str
    """The end of the sentence so far."""
    right: str
    """What follows the white space; never empty."""
    last_word: str
    """The word before the full stop that ends `left`, if one does."""
    next_word: str
    """The first word of `right`, behind quotation marks and brackets."""


def _is_end(text: str, start: int, end: int, following: int) -> bool:
    """Judge one candidate: `text[start:end]` is the sentence so far, `following` where the next would start."""
    left, right = text[max(start, end - _NEAR) : end], text[following : following + _NEAR]
    last, following_word = _LAST_WORD.search(left), _NEXT_WORD.match(right)
    candidate = _Candidate(
        text[start], left, right, last[1] if last else "", following_word[1] if following_word else ""
    )
    if _goes_on(candidate) or _in_bracket(text, end):
        return False
    if _ends(candidate):
        return True
    low = max(0, following - _WINDOW)
    return _match_exception()(text[low : following + _WINDOW], following - low) is None


def _goes_on(place: _Candidate) -> bool:
    """Join what LanguageTool's rules would cut."""
    left, right = place.left, place.right
    if place.last_word in _LEADING or _ENUMERATOR.fullmatch(left) or _LIST_NUMBER.search(left):
        return True
    if right[0].islower() and left[-1] in _QUOTATION_MARKS:
        return True  # „Wirklich?“ fragte sie.
    if left[-1] in "!?" and _LOWER_CONJUNCTION.match(right):
        return True  # Ist es Kunst? und wenn ja, welche?
    if right[0].isdecimal() and _NUMBER_COMES.search(left):
        return True
    if place.next_word in _COUNTED and _COUNT.search(left):
        return True
    return place.next_word not in _STARTERS and (place.last_word in _SOFT or _ORDINAL.search(left) is not None)


def _ends(place: _Candidate) -> bool:
    """Cut what LanguageTool's rules would join."""
    if place.next_word in _STARTERS:
        # "Serie A. Bei", "usw. Die", "Min. Und", "gehen ? Die", "Gut!) Das": only a new sentence explains the capital.
        return not _PARTED.search(place.left) or _PARTED_CLOSING.search(place.left) is not None
    if place.first in "([" and _WHOLE_BRACKET.search(place.left):
        return True  # the bracket is a sentence of its own: "(Er lachte.) Anna ging."
    return place.last_word == "Art" and place.right[0].isupper()  # "seiner Art. Shakespeares Werk", not "Art. 5"


def _in_bracket(text: str, at: int) -> bool:
    """Say whether `at` lies in a bracket that opens and closes within the window."""
    before, after = text[max(0, at - _WINDOW) : at], text[at : at + _WINDOW]
    for opening, closing in ("()", "[]", "{}"):
        if before.rfind(opening) > before.rfind(closing):
            close, reopen = after.find(closing), after.find(opening)
            if close >= 0 and not 0 <= reopen < close:
                return True
    return False


@functools.cache
def _match_exception() -> Callable[[str, int], object | None]:
    """Compile LanguageTool's "no break here" rules for German into one pattern; return its `match(text, position)`.

    Left out are the rules for brackets, whose nested repetitions cost up to 20 ms a candidate.
    """
    from choppa import DEFAULT_SRX_RULESET, SrxDocument  # here, for it takes 0.4 s

    document = SrxDocument(ruleset=DEFAULT_SRX_RULESET)
    rules = [rule for part in document.get_language_rule_list("de") for rule in part.rules if not rule.is_break]
    exceptions = [
        f"(?:(?<={rule.before_pattern})(?={rule.after_pattern}))"
        for rule in rules
        if not rule.before_pattern.startswith((r"\([^", r"\[[^", r"\{[^"))
    ]
    match: Callable[[str, int], object | None] = document.compile("|".join(exceptions)).match
    return match
