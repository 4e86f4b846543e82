"""Text as XML holds it, with the characters that it cannot hold."""

from __future__ import annotations

import re
from collections.abc import Callable

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 document may have, not even as a reference (https://www.w3.org/TR/xml/#charsets)."""
TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
"""A carriage return that is not written so would be read as a line end."""
ATTRIBUTE = {**TEXT, '"': "&quot;", "\t": "&#9;", "\n": "&#10;"}


def escape_text(text: str, control: Callable[[int], str] = lambda _: "\ufffd") -> str:
    """The text between two tags; `control` says what stands for a character that XML has not."""
    escaped = "".join(TEXT.get(character, character) for character in text) if _needs_care(text) else text
    return ILLEGAL.sub(lambda found: control(ord(found[0])), escaped)


def escape_attribute(text: str) -> str:
    """The text within double quotes."""
    return ILLEGAL.sub("\ufffd", "".join(ATTRIBUTE.get(character, character) for character in text))


def _needs_care(text: str) -> bool:
    return any(character in text for character in TEXT)
