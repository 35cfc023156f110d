"""The board's tables on narrow terminals."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from rich.text import Text

from dialer.cli.live.line_table import shortened


@pytest.mark.parametrize("text", ["spring-sale-for-old-customers-06", "王芳王芳王芳王芳王芳", "a王b芳c李d娜e刘f洋"])
@pytest.mark.parametrize("width", [3, 8, 11, 14])
def test_a_name_keeps_its_ends(text: str, width: int) -> None:
    """It is as wide as there is room, and no wider; wide characters are not cut in two."""
    short = shortened(Text(text, "bold"), width)

    assert cell_len(short.plain) <= width
    assert cell_len(short.plain) >= width - 2
    assert short.style == "bold"
    first, last = short.plain.split("…")
    assert text.startswith(first)
    assert text.endswith(last)
