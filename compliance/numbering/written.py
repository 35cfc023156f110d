"""What people and programs write where a phone number is asked for: taken apart, and doubted. Pure."""

from __future__ import annotations

import re
from typing import Final

MOST_TACKED_ON: Final = 3
"""Digits behind a last dot, slash or dash that may be no part of the number: a decimal, an extension, a second try."""

UNSEEN: Final = r"\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff\ufff9-\ufffb"
"""Characters that take no room and come along when a number is copied: directions, joiners, marks of byte order."""

_UNSEEN: Final = re.compile(f"[{UNSEEN}]")
_QUOTED_FORMULA: Final = re.compile(r'="([^"]*)"')
_SCHEME: Final = re.compile(r"(?:tel|callto|sip|电话|手机)\s*[:：]\s*(?=[\d+＋(])", re.IGNORECASE)
MARKS: Final = "'’‘`´＇"
"""Apostrophes, with which a spreadsheet marks text."""

_SHORTENED: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+")
_WHOLE_DECIMAL: Final = re.compile(r"([+＋]?\d{7,})[.,]0+")
_DECIMAL: Final = re.compile(r"[+＋]?\d{7,},\d+|[+＋]?\d{10,}\.\d+")
_TACKED_ON: Final = re.compile(rf"(.*\d)\s*[.·/／‐-―－-]\s*\d{{1,{MOST_TACKED_ON}}}", re.DOTALL)

_SHORTENED_ID: Final = re.compile(r"[+-]?\d[.,]\d+[eE][+-]?\d{1,3}|[+-]?\d[eE][+-]\d{2,3}")
_DECIMAL_ID: Final = re.compile(r"\d{5,}\.0+")

LONGEST_WHOLE: Final = len("+1E+123")
"""Longest shortened id without a point or comma."""

SHORTENED: Final = (
    "a spreadsheet shortened it (like 1.38E+10) and its digits are lost: make the column text, export again"
)
DECIMAL: Final = "a spreadsheet made a decimal of it: make the column text, export again"
TACKED_ON: Final = (
    "something is tacked on with a dot, slash or dash, which may make it another number: leave it out, or write the "
    "number without them"
)


def bare(raw: str) -> str:
    """The text without what is no part of a number and cannot be seen, or marks it as text: characters without room, an
    apostrophe before it, `="..."` around it, `tel:` before it; blanks at the ends."""
    if raw.isascii() and raw.isdecimal():
        return raw
    text = _UNSEEN.sub("", raw).strip()
    quoted = _QUOTED_FORMULA.fullmatch(text)
    text = (quoted[1] if quoted else text).strip().lstrip(MARKS).strip()
    return _SCHEME.sub("", text, count=1) if _SCHEME.match(text) else text


def spoilt(text: str) -> str | None:
    """Why a bare text is a number that a spreadsheet has spoilt; None: it is not known for one."""
    if _SHORTENED.fullmatch(text):
        return SHORTENED
    return DECIMAL if _DECIMAL.fullmatch(text) else None


def whole(text: str) -> str:
    """A bare text without the `.0` that a spreadsheet puts behind a whole number."""
    decimal = _WHOLE_DECIMAL.fullmatch(text)
    return decimal[1] if decimal else text


def without_tail(text: str) -> str | None:
    """A bare text without the few digits behind its last dot, slash or dash; None: there are none. Where that is a
    number, too, nobody can say which of the two is meant."""
    tail = _TACKED_ON.fullmatch(text)
    return tail[1] if tail else None


def spoilt_id(text: str) -> str | None:
    """Why an id is one that a spreadsheet has spoilt, so that several people may have the same; None: it is not known
    for one."""
    if text.isalnum() or (len(text) > LONGEST_WHOLE and "." not in text and "," not in text):
        return None  # neither form is like that, and most ids are
    if _SHORTENED_ID.fullmatch(text):
        return SHORTENED
    return DECIMAL if _DECIMAL_ID.fullmatch(text) else None
