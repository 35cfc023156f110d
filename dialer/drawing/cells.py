"""Cells as they may be written for a spreadsheet. Pure."""

from __future__ import annotations

from typing import Final

FORMULA_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet calculate a cell instead of showing it."""


def no_formula(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula. `without_mark` takes the apostrophe away again."""
    return f"'{cell}" if cell.startswith(FORMULA_BEGINS) else cell
