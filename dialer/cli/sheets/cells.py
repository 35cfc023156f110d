"""Cells as spreadsheets write them."""

from __future__ import annotations

import re
from typing import Final

from compliance.numbering.written import MARKS, UNSEEN, bare, spoilt
from compliance.numbers import BadNumber, parse
from dialer.drawing.cells import FORMULA_BEGINS

MOST_DIGITS_OF_ONE: Final = 15

_AT_THE_ENDS: Final = re.compile(f"^[{UNSEEN}\\s]+|[{UNSEEN}\\s]+$")
_UNSEEN: Final = re.compile(f"[{UNSEEN}]")
_QUOTED_FORMULA: Final = re.compile(r'="((?:[^"]|"")*)"')
_BETWEEN_NUMBERS: Final = re.compile(r"[;|,、；，\n\r]")
_PERHAPS_BETWEEN: Final = (re.compile(r"\s*[/／]\s*"), re.compile(r"\s*(?:或|和|及|or)\s*"), re.compile(r"\s+"))


def without_mark(cell: str) -> str:
    """A cell without what marks it as text in a spreadsheet, and what cannot be seen around it."""
    if cell.isalnum() or (cell[:1].isalnum() and cell[-1:].isalnum()):
        return cell  # whatever marks or cannot be seen is at an end, and neither letter nor digit
    cell = _AT_THE_ENDS.sub("", cell)
    if cell.startswith('="') and (quoted := _QUOTED_FORMULA.fullmatch(cell)):
        return quoted[1].replace('""', '"').strip()
    rest = cell[1:].strip()
    marked = cell.startswith(tuple(MARKS)) and (rest.startswith(FORMULA_BEGINS) or rest[:1].isdecimal())
    return rest if marked else cell


def seen(cell: str) -> str:
    """A cell without the characters that cannot be seen."""
    return cell if cell.isascii() else _UNSEEN.sub("", cell)


def numbers_in(cell: str, region: str) -> list[str]:
    """The phone numbers in one cell, as they are written: several with a comma, semicolon, line or the like between
    them; with a slash, a blank or `或` if each part is a number by itself and all together are too long for one."""
    if cell.isdecimal() or len(cell) <= MOST_DIGITS_OF_ONE or spoilt(bare(cell)):
        return [cell]
    parts = [part.strip() for part in _BETWEEN_NUMBERS.split(cell) if bare(part)]
    return [number for part in parts for number in _apart(part, region)]


def _apart(text: str, region: str) -> list[str]:
    if sum(char.isdecimal() for char in text) <= MOST_DIGITS_OF_ONE:
        return [text]
    for between in _PERHAPS_BETWEEN:
        parts = [part for part in between.split(text) if part]
        if len(parts) > 1 and all(_is_number(part, region) for part in parts):
            return parts
    return [text]


def _is_number(text: str, region: str) -> bool:
    try:
        parse(text, region)
    except BadNumber:
        return False
    return True
