"""Small drawings out of characters: bars, strips of glyphs, and figures as people read them. Pure.

Only the sixteen colours of the terminal's own theme are used, so that a board reads on a light and on a dark
background; nothing is said by colour alone. No line has a right edge, because some terminals draw these glyphs wide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from dialer.language.translation import _, word
from dialer.operating.figures import ACCENT, QUIET, count
from dialer.operating.glossary import AGENT_GLYPHS, CAMPAIGN_STATES, HELD, Figure, agent_state_word

FILLED: Final = "━"
SEAM: Final = "╸"
EMPTY: Final = "─"
COLUMNS: Final = "▁▂▃▄▅▆▇█"


def bar(share: float, width: int, style: str) -> Text:
    """A bar of `width` characters, `share` (0 to 1) of it filled; anything above 0 shows."""
    share = min(max(share, 0.0), 1.0)
    filled = max(round(share * width), 1 if share > 0 else 0)
    return Text.assemble((FILLED * filled, style), (EMPTY * (width - filled), QUIET))


def stacked(parts: Sequence[tuple[int, str]], width: int) -> Text:
    """One bar of `width` characters shared out by the counts of (count, style); every count above 0 shows.

    A seam ends each part, so that parts are told apart without colours. Parts that no longer fit at one character each
    are left out from the end.
    """
    parts = [part for part in parts if part[0] > 0][:width]
    total = sum(count for count, _ in parts)
    if not total:
        return Text(EMPTY * width, QUIET)
    text, left, spare = Text(), total, width
    for place, (number, style) in enumerate(parts):
        kept_for_others = len(parts) - place - 1
        length = min(max(round(spare * number / left), 1), spare - kept_for_others)
        text.append(FILLED * (length - 1) + SEAM, style)
        left, spare = left - number, spare - length
    return text


def sparkline(counts: Sequence[float], style: str = ACCENT) -> Text:
    """A column of one character for each count, as high as its share of the greatest; a dot for nothing."""
    highest = max(counts, default=0)
    columns = [
        "·" if count <= 0 else COLUMNS[min(int(count / highest * len(COLUMNS)), len(COLUMNS) - 1)] for count in counts
    ]
    return Text("".join(columns), style if highest else QUIET)


def agent_strip(agents: Mapping[str, int], width: int) -> Text:
    """One glyph for each agent, or for every 2, 5, 10 ... agents where they do not fit into `width`."""
    shown = {state: agents.get(state, 0) for state in AGENT_GLYPHS}
    scale = next(scale for scale in _scales() if sum(-(-count // scale) for count in shown.values()) <= width)
    text = Text()
    for state, (glyph, style) in AGENT_GLYPHS.items():
        text.append(glyph * -(-shown[state] // scale), style)
    if scale > 1:
        text.append(_(" one for {scale}", scale=scale), QUIET)
    return text


def _scales() -> Sequence[int]:
    return tuple(step * 10**power for power in range(6) for step in (1, 2, 5))


def agent_words(agents: Mapping[str, int]) -> Text:
    """`8 talking  2 ready`, the states that have somebody."""
    ordered = [*AGENT_GLYPHS, *(state for state in agents if state not in AGENT_GLYPHS)]
    parts = [
        Text.assemble((str(agents[state]), AGENT_GLYPHS.get(state, ("", QUIET))[1]), f" {agent_state_word(state)}")
        for state in ordered
        if agents.get(state)
    ]
    return joined(parts)


def joined(parts: Sequence[Text], gap: str = "  ") -> Text:
    """Parts side by side."""
    return Text(gap).join(parts)


def flowed(parts: Sequence[Text], width: int, gap: str = "   ") -> Text:
    """Parts side by side, in as many lines as it takes; no part is broken unless it is too long for a line."""
    lines: list[list[Text]] = [[]]
    used = 0
    for part in parts:
        if lines[-1] and used + len(gap) + part.cell_len > width:
            lines.append([])
            used = 0
        used += part.cell_len + (len(gap) if lines[-1] else 0)
        lines[-1].append(part)
    return Text("\n").join([joined(line, gap) for line in lines])


def labelled(rows: Iterable[tuple[str, RenderableType]], label_width: int) -> Table:
    """Labelled lines; what is too long is wrapped under itself."""
    grid = Table.grid(padding=0, pad_edge=False)
    grid.add_column(width=label_width, no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in rows:
        grid.add_row(Text(f" {word(label)}", QUIET), value)
    return grid


def by_size(counts: Mapping[str, int], named: Callable[[str], str] = word) -> list[Text]:
    """`no answer 60`, `busy 10`: what was counted, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Text.assemble(f"{named(name)} ", (count(number), "bold")) for name, number in ordered if number]


def state_text(state: str, problem: str = "") -> Text:
    """A state with a dot in its colour. A campaign with a problem is held, whatever its daemon makes of it."""
    shown = HELD if problem else state
    style = CAMPAIGN_STATES.get(shown, QUIET)
    return Text.assemble(("● ", style), (word(shown), style))


def agent_state_text(state: str) -> Text:
    """An agent's state with its sign, in its colour."""
    glyph, style = AGENT_GLYPHS.get(state, ("·", QUIET))
    return Text(f"{glyph} {agent_state_word(state)}", style)


def figure_text(figure: Figure, value: float | None, style: str = "bold") -> Text:
    """A figure's name and value; a dash where there is none."""
    return Text.assemble(f"{figure.name} ", (figure.written(value), style))
