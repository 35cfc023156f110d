"""How simulated shifts went, drawn for a terminal out of blocks and glyphs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.text import Text

from dialer.operating.figures import ACCENT, BAD, GOOD, QUIET, percent
from dialer.operating.glossary import AGENT_GLYPHS, agent_state_word

if TYPE_CHECKING:
    from dialer.sim.study.summary import PolicySummary, Series

EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
LABEL: Final = 6
STRIP_ROWS: Final = 4
AGENT_ROWS: Final = 8
WIDEST: Final = 140
GAP: Final = 3


def charts(summaries: Sequence[PolicySummary], cap: float, width: int) -> RenderableType:
    """Utilisation beside abandonment for each policy, then agents by state and lines for the first."""
    width = min(width, WIDEST)
    first = summaries[0]
    parts: list[RenderableType] = [*_by_policy(summaries, cap, width), Text()]
    parts += _agents(first.series, first.policy, width)
    parts += [Text(), *_lines(first.series, first.policy, width)]
    return Group(*parts)


def _by_policy(summaries: Sequence[PolicySummary], cap: float, width: int) -> list[Text]:
    half = (width - GAP) // 2
    columns = half - LABEL
    known = [value for summary in summaries for value in summary.series.utilisation if value is not None]
    low = min(int(10 * min(known, default=0.0)) / 10, 0.8)
    rows = STRIP_ROWS if len(summaries) <= 4 else 2
    title = Text("utilisation", "bold")
    title.append(" " * max(1, half + GAP - len("utilisation")))
    title.append("abandon rate of the shift so far", "bold")
    texts = [title]
    for summary in summaries:
        texts.append(Text(summary.policy, ACCENT))
        busy = resampled([value or 0.0 for value in summary.series.utilisation], columns)
        lost = resampled(summary.series.abandon_rate, columns)
        left = strip(busy, rows, low, 1.0, [GOOD] * columns)
        right = strip(lost, rows, 0.0, 2 * cap, [BAD if value > cap else ACCENT for value in lost])
        for row in range(rows):
            line = Text(_label(percent(1.0, 0) if row == 0 else percent(low, 0) if row == rows - 1 else ""), QUIET)
            line.append_text(left[row])
            line.append(" " * GAP)
            line.append(_label("cap" if row == rows // 2 else percent(2 * cap, 0) if row == 0 else ""), QUIET)
            line.append_text(right[row])
            texts.append(line)
    axis = hours_axis(summaries[0].series, columns)
    texts.append(Text.assemble((" " * LABEL + axis.ljust(columns) + " " * (GAP + LABEL) + axis, QUIET)))
    return texts


def _agents(series: Series, policy: str, width: int) -> list[Text]:
    columns = min(width - LABEL, 2 * len(series.lines))
    states = ("talking", "wrapup", "ready", "paused")
    values = {state: resampled(getattr(series, state), columns) for state in states}
    most = max(sum(values[state][place] for state in states) for place in range(columns))
    stacks = [_stack([values[state][place] for state in states], most) for place in range(columns)]
    words = "  ".join(f"{AGENT_GLYPHS[state][0]} {agent_state_word(state)}" for state in states)
    texts = [Text.assemble(("agents by state", "bold"), f" ({policy})  {words}")]
    for row in reversed(range(AGENT_ROWS)):
        mark = f"{most:.0f}" if row == AGENT_ROWS - 1 else "0" if row == 0 else ""
        line = Text(_label(mark), QUIET)
        for stack in stacks:
            if row < len(stack):
                glyph, style = AGENT_GLYPHS[states[stack[row]]]
                line.append(glyph, style)
            else:
                line.append(" ")
        texts.append(line)
    texts.append(Text(" " * LABEL + hours_axis(series, columns), QUIET))
    return texts


def _stack(counts: Sequence[float], most: float) -> list[int]:
    """Which state each row of a column shows, from below. The borders are rounded, so that nothing drifts upwards."""
    rows: list[int] = []
    total = 0.0
    for place, count in enumerate(counts):
        total += count
        border = round(total / most * AGENT_ROWS) if most else 0
        rows += [place] * (border - len(rows))
    return rows


def _lines(series: Series, policy: str, width: int) -> list[Text]:
    columns = min(width - LABEL, 2 * len(series.lines))
    values = resampled(series.lines, columns)
    most = max(values, default=0.0) or 1.0
    texts = [Text.assemble(("lines in use", "bold"), f" ({policy})")]
    for row, drawn in enumerate(strip(values, STRIP_ROWS, 0.0, most, [ACCENT] * columns)):
        mark = f"{most:.0f}" if row == 0 else "0" if row == STRIP_ROWS - 1 else ""
        texts.append(Text(_label(mark), QUIET).append_text(drawn))
    texts.append(Text(" " * LABEL + hours_axis(series, columns), QUIET))
    return texts


def _label(text: str) -> str:
    return f"{text:>{LABEL - 1}} "


def resampled(values: Sequence[float], columns: int) -> list[float]:
    """As many values as there are columns: means of those that share one, repeats where there are too few."""
    means = []
    for column in range(columns):
        begin = column * len(values) // columns
        end = max(begin + 1, (column + 1) * len(values) // columns)
        part = values[begin:end]
        means.append(sum(part) / len(part))
    return means


def strip(values: Sequence[float], rows: int, low: float, high: float, styles: Sequence[str]) -> list[Text]:
    """Columns as high as their values between `low` and `high`, in rows of text from above; what is beyond is cut."""
    eighths = [round(8 * rows * min(max((value - low) / (high - low), 0.0), 1.0)) for value in values]
    texts = []
    for row in reversed(range(rows)):
        line = Text()
        for height, style in zip(eighths, styles, strict=True):
            line.append(EIGHTHS[min(max(height - 8 * row, 0), 8)], style)
        texts.append(line)
    return texts


def hours_axis(series: Series, columns: int) -> str:
    """Hours under a chart, as close as they are readable."""
    hours = series.slot_min * len(series.lines) / 60
    step = next((s for s in (0.25, 0.5, 1, 2, 3, 4, 6, 8, 12) if columns * s / hours >= 8), 24)
    cells = [" "] * columns
    place = 0.0
    while place < hours - 1e-9:
        text = f"{place:g} h"
        at = int(place / hours * columns)
        if at + len(text) <= columns:
            cells[at : at + len(text)] = text
        place += step
    return "".join(cells).rstrip()
