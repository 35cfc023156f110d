"""One campaign on the board: as a card, or as a line of a table where there are many. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dialer.cli.base.figures import (
    ACCENT,
    BAD,
    EMPTY,
    GOOD,
    QUIET,
    WARN,
    agent_strip,
    agent_words,
    bar,
    count,
    flowed,
    milliseconds,
    percent,
    stacked,
)
from dialer.cli.live.host_totals import answer_rate
from dialer.core.board import CampaignRow, Delay, WindowRow

LABEL: Final = 10
"""Columns that the labels take."""

STATE_STYLES: Final[Mapping[str, str]] = {"running": GOOD, "paused": WARN, "draining": WARN, "starting": WARN}

CALL_STYLES: Final[Mapping[str, tuple[str, str]]] = {
    "dialling": (QUIET, "dialling"),
    "ringing": (ACCENT, "ringing"),
    "cancelling": (QUIET, "cancelling"),
    "waiting": (BAD, "waiting for an agent"),
    "connecting": (WARN, "connecting"),
    "talking": (GOOD, "talking"),
    "message": (BAD, "message"),
    "hanging_up": (QUIET, "hanging up"),
}

END_STYLES: Final[Mapping[str, str]] = {
    "connected": GOOD,
    "abandoned": BAD,
    "hung_up": "magenta",
    "busy": ACCENT,
    "unreachable": WARN,
}


def state_text(state: str) -> Text:
    """A state with a dot in its colour."""
    style = STATE_STYLES.get(state, QUIET)
    return Text.assemble(("● ", style), (state, style))


def lines(rows: Sequence[tuple[str, Text]]) -> Table:
    """Labelled lines; what is too long is wrapped under itself."""
    grid = Table.grid(padding=0, pad_edge=False)
    grid.add_column(width=LABEL, no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in rows:
        grid.add_row(Text(f" {label}", QUIET), value)
    return grid


def card(row: CampaignRow, width: int) -> RenderableType:
    """Everything about one campaign, in `width` columns. Its last line is the pacer's, which changes its length."""
    room = width - LABEL - 1
    rows = [("agents", _agents(row, room)), ("lines", _lines(row, room)), ("rates", _rates(row, room))]
    rows.append(("windows", _windows(row, room)))
    if row.hand_over.samples or row.answer_to_agent.samples:
        rows.append(("delay", _delays(row, room)))
    if row.dispositions:
        rows.append(("ends", _ends(row, room)))
    if row.refusals:
        rows.append(("refused", _by_size(row.refusals, room)))
    rows.append(("leads", _leads(row, room)))
    rows.append(("pacing", _sentence(row, room)))
    return Group(_title(row, width), lines(rows))


def _title(row: CampaignRow, width: int) -> Text:
    title = Text.assemble((f" {row.name} ", "bold"), " ", state_text(row.state), f"  {row.mode} ")
    title.append(EMPTY * max(width - title.cell_len - 1, 0), QUIET)
    return title


def _agents(row: CampaignRow, room: int) -> Text:
    if not sum(row.agents.values()):
        # The row counts an agent for one campaign at a time, so "nobody is logged in" may well be untrue.
        running = row.state == "running"
        return Text("none works for it now" if running else f"none while {row.state}", WARN if running else QUIET)
    words = agent_words(row.agents)
    beside = room - words.cell_len - 3
    return flowed([agent_strip(row.agents, beside if sum(row.agents.values()) <= beside else room - 12), words], room)


def _lines(row: CampaignRow, room: int) -> Text:
    total = sum(row.calls.values())
    if not total:
        return Text("none in use", QUIET)
    parts = [Text.assemble((count(total), "bold"), " in use")]
    parts += [
        Text.assemble((str(row.calls[state]), style), f" {word}")
        for state, (style, word) in CALL_STYLES.items()
        if row.calls.get(state)
    ]
    return flowed(parts, room, "  ")


def abandon_style(window: WindowRow) -> str:
    """Green, yellow from 70 % of the cap on, red from the cap on."""
    return BAD if window.used >= 1 else WARN if window.used >= 0.7 else GOOD


def _rates(row: CampaignRow, room: int) -> Text:
    """Answers, and the first counting window."""
    rate, window = answer_rate(row), row.capped[0]
    style = abandon_style(window)
    text = Text.assemble(
        "answered ",
        (percent(rate) if rate is not None else "–", "bold"),
        "   abandoned ",
        (percent(window.rate, 2), f"bold {style}"),
        f" of {100 * window.cap:.4g} % ",
    )
    counted = Text(f" {count(window.abandoned)} of {count(window.answered)} {window.name}", QUIET)
    spare = room - text.cell_len - counted.cell_len
    return Text.assemble(text, bar(window.used, min(max(spare, 6), 30), style), counted)


def _windows(row: CampaignRow, room: int) -> Text:
    """How many calls may be abandoned yet in each counting window."""
    first, *others = row.capped
    parts = [Text.assemble(f"{first.name} ", (_left(first), abandon_style(first)))]
    parts += [window_text(window) for window in others]
    return flowed([*parts, machines_text(first)] if first.machines else parts, room)


def window_text(window: WindowRow) -> Text:
    """`30 days to 12 Dec 1.24 % of 3 %, 17 left`."""
    return Text.assemble(
        f"{window.name} ",
        (percent(window.rate, 2), f"bold {abandon_style(window)}"),
        f" of {100 * window.cap:.4g} %",
        (f", {_left(window)}", QUIET),
    )


def machines_text(window: WindowRow) -> Text:
    """The abandoned calls of a window if the machines among them, as an estimate, are left out."""
    abandoned, found = f"{window.without_machines:.1f}", count(window.machines)
    return Text(f"about {abandoned} abandoned without machines ({found} found by agents)", QUIET)


def _left(window: WindowRow) -> str:
    return "none left" if not window.left else f"{count(window.left)} left"


def _delays(row: CampaignRow, room: int) -> Text:
    parts = []
    for name, delay in (("hand-over", row.hand_over), ("answer to agent", row.answer_to_agent)):
        if delay.samples:
            parts.append(_delay(name, delay))
    return flowed(parts, room)


def _delay(name: str, delay: Delay) -> Text:
    return Text.assemble(
        f"{name} ",
        ("p50 ", QUIET),
        milliseconds(delay.p50_ms),
        ("  p99 ", QUIET),
        milliseconds(delay.p99_ms),
    )


def _ends(row: CampaignRow, room: int) -> Text:
    by_size = sorted(row.dispositions.items(), key=lambda item: (-item[1], item[0]))
    styled = [(number, END_STYLES.get(kind, QUIET)) for kind, number in by_size]
    legend = [
        Text.assemble(("▪ ", END_STYLES.get(kind, QUIET)), f"{kind.replace('_', ' ')} ", (count(number), "bold"))
        for kind, number in by_size
        if number
    ]
    return Text("\n").join([stacked(styled, room), flowed(legend, room, "  ")])


def _by_size(counts: Mapping[str, int], room: int) -> Text:
    by_size = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return flowed(
        [Text.assemble(f"{name.replace('_', ' ')} ", (count(number), "bold")) for name, number in by_size], room, "  "
    )


def _leads(row: CampaignRow, room: int) -> Text:
    parts = ((row.due, "due now"), (row.waiting, "due later"), (row.leads_held, "held here"))
    shown = [Text.assemble((count(number), "bold"), f" {word}") for number, word in parts]
    shown.append(Text(f"{count(row.attempts)} attempts", QUIET))
    if row.next and not row.due:
        shown.append(Text(row.next, GOOD if row.finished else WARN))
    return flowed(shown, room, "  ")


def _sentence(row: CampaignRow, room: int) -> Text:
    # A blank line is kept for a long sentence, or everything below would jump once a second.
    text = Text(row.problem, f"bold {BAD}") if row.problem else Text(row.sentence or "–", "" if row.sentence else QUIET)
    if room < 120 and text.cell_len <= room:
        text.append("\n")
    return text


def overview(rows: Sequence[CampaignRow], width: int | None) -> Table:
    """One line for each campaign, for when their cards do not fit; with the pacer's sentence where a width is given."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET, width=width)
    table.add_column(" campaign", no_wrap=True, max_width=24)
    table.add_column("state", no_wrap=True)
    for name in ("agents", "lines", "due", "answered", "abandoned"):
        table.add_column(name, justify="right", no_wrap=True)
    if width is not None:
        table.add_column("pacing", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        rate = answer_rate(row)
        present = sum(row.agents.values()) - row.agents.get("paused", 0)
        cells = [
            Text(f" {row.name}", "bold"),
            Text.assemble(("! ", f"bold {BAD}"), (row.state, BAD)) if row.problem else state_text(row.state),
            Text(str(present)),
            Text(str(sum(row.calls.values()))),
            Text(count(row.due)),
            Text(percent(rate) if rate is not None else "–"),
            Text(percent(row.capped[0].rate, 2), abandon_style(max(row.capped, key=lambda window: window.used))),
        ]
        if width is not None:
            said = (row.problem or row.sentence).replace("\n", "; ")
            cells.append(Text(said, BAD if row.problem else ""))
        table.add_row(*cells)
    return table
