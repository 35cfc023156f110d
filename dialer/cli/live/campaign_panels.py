"""One campaign on the board: as a card, or as a line of a table where there are many. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dialer.cli.base.figures import (
    EMPTY,
    agent_strip,
    agent_words,
    bar,
    by_size,
    figure_text,
    flowed,
    labelled,
    stacked,
    state_text,
)
from dialer.core.board import CampaignRow, Delay, WindowRow
from dialer.language.translation import _, _n, translated, word
from dialer.operating.figures import ACCENT, BAD, GOOD, QUIET, WARN, count
from dialer.operating.glossary import (
    ABANDONED,
    ANSWER_TO_AGENT,
    ANSWERED,
    DUE,
    HAND_OVER,
    LINES,
    PRESENT,
    Figure,
    place_word,
    rule_word,
)
from dialer.operating.host_totals import answer_rate, overdue_words, present, tightest

LABEL: Final = 10
"""Columns that the labels take."""

CALL_STYLES: Final[Mapping[str, tuple[str, str]]] = {
    "dialling": (QUIET, "dialling"),
    "ringing": (ACCENT, "ringing"),
    "cancelling": (QUIET, "cancelling"),
    "waiting": (BAD, "waiting for an agent"),
    "connecting": (WARN, "connecting"),
    "script": (GOOD, "script"),
    "talking": (GOOD, "talking"),
    "survey": (GOOD, "survey"),
    "message": (BAD, "message"),
    "hanging_up": (QUIET, "hanging up"),
}
"""State of a call -> style, word in English."""

END_STYLES: Final[Mapping[str, str]] = {
    "connected": GOOD,
    "script_done": GOOD,
    "script_left": WARN,
    "abandoned": BAD,
    "hung_up": "magenta",
    "busy": ACCENT,
    "unreachable": WARN,
}


def card(row: CampaignRow, width: int) -> RenderableType:
    """Everything about one campaign, in `width` columns. Its last line is the pacer's, which changes its length."""
    room = width - LABEL - 1
    lines = [
        ("agents", _agents(row, room)),
        ("lines", _lines(row, room)),
        ("rates", _rates(row, room)),
        ("windows", _windows(row, room)),
        ("delay", delays(row.hand_over, row.answer_to_agent, room)),
        ("ends", _ends(row, room)),
        ("callers", flowed(by_size(row.callers), room, "  ")),
        ("refused", flowed(by_size(row.refusals, rule_word), room, "  ")),
        ("leads", _leads(row, room)),
        ("held", Text(row.problem, f"bold {BAD}")) if row.problem else ("pacing", _sentence(row, room)),
    ]
    return Group(_title(row, width), labelled([(label, text) for label, text in lines if text.plain], LABEL))


def _title(row: CampaignRow, width: int) -> Text:
    title = Text.assemble((f" {row.name} ", "bold"), " ", state_text(row.state, row.problem), f"  {word(row.mode)} ")
    title.append(EMPTY * max(width - title.cell_len - 1, 0), QUIET)
    return title


def _agents(row: CampaignRow, room: int) -> Text:
    if not sum(row.agents.values()):
        # The row counts an agent for one campaign at a time, so "nobody is logged in" may well be untrue.
        dials = row.state == "running" and not row.problem
        return Text(_("none works for it now"), WARN if dials else QUIET)
    words = agent_words(row.agents)
    beside = room - words.cell_len - 3
    return flowed([agent_strip(row.agents, beside if sum(row.agents.values()) <= beside else room - 12), words], room)


def _lines(row: CampaignRow, room: int) -> Text:
    total = sum(row.calls.values())
    if not total:
        return Text(_("none in use"), QUIET)
    parts = [Text.assemble((count(total), "bold"), _(" in use"))]
    parts += [
        Text.assemble((str(row.calls[state]), style), f" {word(name)}")
        for state, (style, name) in CALL_STYLES.items()
        if row.calls.get(state)
    ]
    return flowed(parts, room, "  ")


def abandon_style(window: WindowRow) -> str:
    """Green, yellow from 70 % of the cap on, red from the cap on; no colour while nothing was counted."""
    if not window.answered:
        return QUIET
    return BAD if window.used >= 1 else WARN if window.used >= 0.7 else GOOD


def _rates(row: CampaignRow, room: int) -> Text:
    """Answers, and the first counting window."""
    rate, window = answer_rate(row), row.capped[0]
    style = abandon_style(window)
    abandoned = figure_text(ABANDONED, window.rate if window.answered else None, f"bold {style}")
    text = Text.assemble(figure_text(ANSWERED, rate), "   ", abandoned, _(" of {cap} ", cap=cap_words(window.cap)))
    counts = _(
        " {abandoned:,} of {answered:,} {window}",
        abandoned=window.abandoned,
        answered=window.answered,
        window=translated(window.name),
    )
    spare = room - text.cell_len - cell_len(counts)
    return Text.assemble(text, bar(window.used, min(max(spare, 6), 30), style), (counts, QUIET))


def _windows(row: CampaignRow, room: int) -> Text:
    """How many calls may be abandoned yet in each counting window."""
    first, *others = row.capped
    parts = [Text.assemble(f"{translated(first.name)} ", _left(first)), *map(window_text, others)]
    return flowed([*parts, machines_text(first)] if first.machines else parts, room)


def cap_words(cap: float) -> str:
    """`3 %`."""
    return _("{percent} %", percent=f"{100 * cap:.4g}")


def window_text(window: WindowRow) -> Text:
    """`30 days to 12 Dec 1.24 % of 3 %, 17 left`."""
    rate = ABANDONED.written(window.rate if window.answered else None)
    style = f"bold {abandon_style(window)}"
    of_cap = _(" of {cap}, ", cap=cap_words(window.cap))
    return Text.assemble(f"{translated(window.name)} ", (rate, style), of_cap, _left(window))


def machines_text(window: WindowRow) -> Text:
    """The abandoned calls of a window if the machines among them, as an estimate, are left out."""
    text = _(
        "about {abandoned:.1f} abandoned without machines ({machines:,} found by agents)",
        abandoned=window.without_machines,
        machines=window.machines,
    )
    return Text(text, QUIET)


def _left(window: WindowRow) -> Text:
    """What may be abandoned yet. With so few answers that one abandoned call would break the cap there is no room, and
    nothing is wrong either."""
    if not window.answered:
        return Text(_("no live answer yet"), QUIET)
    none = _("none left") if window.abandoned else _("none may be abandoned yet")
    return Text(
        _("{calls:,} left", calls=window.left) if window.left else none,
        abandon_style(window) if window.left else WARN if window.used < 1 else BAD,
    )


def delays(hand_over: Delay, answer_to_agent: Delay, room: int) -> Text:
    """Median and 99th percentile of both delays, as far as there are samples."""
    known = ((HAND_OVER, hand_over), (ANSWER_TO_AGENT, answer_to_agent))
    return flowed([_delay(figure, delay) for figure, delay in known if delay.samples], room)


def _delay(figure: Figure, delay: Delay) -> Text:
    p50, p99 = figure.written(delay.p50_ms), figure.written(delay.p99_ms)
    return Text.assemble(f"{figure.name} ", ("p50 ", QUIET), p50, ("  p99 ", QUIET), p99)


def _ends(row: CampaignRow, room: int) -> Text:
    if not row.dispositions:
        return Text()
    ordered = sorted(row.dispositions.items(), key=lambda item: (-item[1], item[0]))
    styled = [(number, END_STYLES.get(kind, QUIET)) for kind, number in ordered]
    legend = [
        Text.assemble(("▪ ", END_STYLES.get(kind, QUIET)), f"{word(kind)} ", (count(number), "bold"))
        for kind, number in ordered
        if number
    ]
    return Text("\n").join([stacked(styled, room), flowed(legend, room, "  ")])


def _leads(row: CampaignRow, room: int) -> Text:
    parts = ((row.due, "due"), (row.waiting, "waiting"), (row.leads_held, "leased"))
    shown = [Text.assemble((count(number), "bold"), f" {place_word(place)}") for number, place in parts]
    shown.append(Text(_n("{number:,} attempt", "{number:,} attempts", row.attempts), QUIET))
    if row.overdue:
        shown.append(Text(overdue_words(row.overdue), f"bold {WARN}"))
    if row.next and not row.due:
        shown.append(Text(row.next, GOOD if row.finished else WARN))
    return flowed(shown, room, "  ")


def _sentence(row: CampaignRow, room: int) -> Text:
    # A blank line is kept for a long sentence, or everything below would jump once a second.
    text = Text(row.sentence or "–", "" if row.sentence else QUIET)
    if room < 120 and text.cell_len <= room:
        text.append("\n")
    return text


def abandoned_text(row: CampaignRow) -> Text:
    """The rate of the first counting window, in the colour of the tightest."""
    rate = row.capped[0].rate if row.capped[0].answered else None
    return Text(ABANDONED.written(rate), abandon_style(tightest(row)))


def overview(rows: Sequence[CampaignRow], width: int | None) -> Table:
    """One line for each campaign, for when their cards do not fit; with the pacer's sentence where a width is given."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET, width=width)
    table.add_column(f" {word('campaign')}", no_wrap=True, max_width=24)
    table.add_column(word("state"), no_wrap=True)
    for figure in (PRESENT, LINES, DUE, ANSWERED, ABANDONED):
        table.add_column(figure.name, justify="right", no_wrap=True)
    if width is not None:
        table.add_column(word("pacing"), no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        cells = [
            Text(f" {row.name}", "bold"),
            state_text(row.state, row.problem),
            Text(PRESENT.written(present(row))),
            Text(LINES.written(sum(row.calls.values()))),
            Text(DUE.written(row.due)),
            Text(ANSWERED.written(answer_rate(row))),
            abandoned_text(row),
        ]
        if width is not None:
            cells.append(Text("" if row.problem else row.sentence.replace("\n", "; ")))
        table.add_row(*cells)
    return table
