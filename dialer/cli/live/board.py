"""The live board: what the hosts show of themselves, drawn for a terminal. Pure.

`render` is all that callers need: `dialer status` prints its result once, `dialer watch` and the demo once a second.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from dialer.cli.base.figures import bar, figure_text, flowed, labelled, state_text
from dialer.cli.live.campaign_panels import LABEL, card, overview
from dialer.core.board import Board, CampaignRow, TrunkRow
from dialer.core.call_quality import SHORT_SHARE_LIMIT
from dialer.language.phrases import listed, phrase
from dialer.language.terms import term
from dialer.language.translation import _, _n
from dialer.operating.alarms import alarms_of
from dialer.operating.figures import ACCENT, BAD, GOOD, QUIET, WARN, count, duration, percent
from dialer.operating.glossary import UTILISATION
from dialer.operating.host_totals import FOLDED, campaigns, overdue_words, rank

MIN_WIDTH: Final = 60
MIN_LINES: Final = 4
"""Campaigns that are listed however low the terminal is."""

SENTENCES_FROM: Final = 110
"""Columns from which on a table of campaigns has room for the pacers' sentences."""


def render(
    boards: Sequence[Board], now: float, width: int, height: int | None = None, *, notice: str = ""
) -> RenderableType:
    """The board of one or several hosts.

    `now` is seconds since the epoch, `width` the terminal's columns. Alarms come first, each once. Where `height`
    (lines) is given and the campaigns' cards do not fit, each campaign that is not at rest becomes one line, and the
    cards of the busiest follow as far as they fit; what does not fit is counted. `notice` is an alarm of the screen
    itself.
    """
    width = max(width, MIN_WIDTH)
    rows = sorted(campaigns(boards), key=rank)
    alarms = [notice] * bool(notice) + [text for board in boards for text in alarms_of(board, now, len(boards) > 1)]
    top: list[RenderableType] = [alarm(text, width) for text in dict.fromkeys(alarms)]
    if not boards:
        return Group(*top, no_daemon_line())
    overdue = sum(row.overdue for row in rows)
    top += [overdue_line(overdue)] if overdue else []
    for board in boards:
        top += [host_panel(board, now, width), Text()]
    if not rows:
        return Group(*top, Text(_(" No campaign yet. Make one with: dialer campaign create NAME"), QUIET))
    cards = Group(*top, *(card(row, width) for row in rows))
    if height is None or _height(cards, width) <= height:
        return cards
    active = [row for row in rows if rank(row)[0] < FOLDED]
    folded = [_folded(rows[len(active) :], width)] if len(active) < len(rows) else []
    return Group(*top, *_lines_and_cards(active, folded, width, height - _height(Group(*top), width)))


def _folded(rows: Sequence[CampaignRow], width: int) -> Text:
    """`12 campaigns at rest: 10 stopped, 2 finished`, and their names as far as they fit."""
    states = Counter("finished" if row.finished and row.state == "running" else row.state for row in rows)
    parts = [phrase("{number} {state}", number=number, state=term(state)) for state, number in states.most_common()]
    resting = _n(
        " {number} campaign at rest: {counts}", " {number} campaigns at rest: {counts}", len(rows), counts=listed(parts)
    )
    text = Text(resting, QUIET)
    names = Text(f"  ({', '.join(row.name for row in rows)})", QUIET)
    names.truncate(max(width - text.cell_len, 8), overflow="ellipsis")
    return text.append_text(names)


def _lines_and_cards(rows: Sequence[CampaignRow], folded: list[Text], width: int, height: int) -> list[RenderableType]:
    """A line for each campaign and the cards of the first ones, in `height` lines; what is hidden is counted."""
    wide = width >= SENTENCES_FROM
    held = [
        alarm(_("{name} is held: {problem} (dialer campaign show {name})", name=row.name, problem=row.problem), width)
        for row in rows
        if row.problem
    ]
    room = max(height - 1 - len(folded) - _height(Group(*held), width), MIN_LINES)
    fitting = rows if len(rows) <= room else rows[: room - 1]
    shown: list[RenderableType] = [overview(fitting, width if wide else None)]
    if len(fitting) < len(rows):
        hidden = rows[len(fitting) :]
        alarms = sum(bool(row.problem) for row in hidden)
        if alarms:
            text = _n(
                " {number} campaign more, {held} of them held: dialer campaign list, or a higher terminal",
                " {number} campaigns more, {held} of them held: dialer campaign list, or a higher terminal",
                len(hidden),
                held=alarms,
            )
        else:
            text = _n(
                " {number} campaign more: dialer campaign list, or a higher terminal",
                " {number} campaigns more: dialer campaign list, or a higher terminal",
                len(hidden),
            )
        shown.append(Text(text, f"bold {WARN}"))
    shown += [*folded, *held]
    left = height - _height(Group(*shown), width) - 1
    panels: list[RenderableType] = []
    for panel in (card(row, width) for row in rows if not row.problem):
        needed = _height(panel, width)
        if needed <= left:
            panels.append(panel)
            left -= needed
    return [*shown, *([Text(), *panels] if panels else [])]


def _height(renderable: RenderableType, width: int) -> int:
    console = Console(width=width, height=1000, force_terminal=False)
    return len(console.render_lines(renderable, pad=False))


def alarm(text: str, width: int) -> RenderableType:
    """An alarm, wrapped under itself."""
    grid = Table.grid(padding=0, pad_edge=False)
    grid.add_column(width=3, no_wrap=True)
    grid.add_column(overflow="fold", max_width=width - 3)
    grid.add_row(Text(" ! ", f"bold {BAD}"), Text(text, f"bold {BAD}"))
    return grid


def overdue_line(overdue: int) -> Text:
    """What was promised and is late, over all campaigns."""
    return Text(_(" {overdue}: dialer callbacks list --overdue", overdue=overdue_words(overdue)), f"bold {WARN}")


def no_daemon_line() -> Text:
    """Nobody is there."""
    return Text(_(" No daemon is alive. Start one with: dialer run"), f"bold {WARN}")


def host_panel(board: Board, now: float, width: int) -> RenderableType:
    room = width - LABEL - 1
    rows = [("lines", _lines(board, room)), ("agents", _agents(board, room))]
    if board.trunks:
        rows.append(("trunks", flowed([_trunk(trunk) for trunk in board.trunks], room)))
    return Group(title(board, now), labelled(rows, LABEL))


def title(board: Board, now: float) -> Text:
    up, clock = duration(now - board.started_at), time.strftime("%H:%M:%S", time.localtime(board.at))
    return Text.assemble(
        (f" {board.host}", "bold"),
        "  ",
        state_text(board.state),
        (_("  up {time}   version {version}   {clock}", time=up, version=board.version, clock=clock), QUIET),
    )


def host_line(board: Board) -> Text:
    """A host in one line."""
    line = Text.assemble((f" {board.host}", "bold"), "  ", state_text(board.state))
    line.append("  ")
    line.append(_("{used:,} of {total:,} lines  ", used=board.lines_used, total=board.lines_total))
    line.append(_n("{number:,} agent", "{number:,} agents", len(board.agents)))
    if board.agent_s:
        line.append("  ").append_text(figure_text(UTILISATION, board.utilisation))
    return line.append(time.strftime("  %H:%M:%S", time.localtime(board.at)), QUIET)


def _lines(board: Board, room: int) -> Text:
    used = board.lines_used / board.lines_total if board.lines_total else 0.0
    style = BAD if used >= 1 else WARN if used >= 0.9 else GOOD
    gauge = Text.assemble(
        bar(used, 20 if room < 90 else 40, style),
        (f" {count(board.lines_used)}", "bold"),
        _(" of {lines:,} in use", lines=board.lines_total),
    )
    workers = Text(_n("{number:,} worker", "{number:,} workers", board.workers))
    if board.worker_restarts:
        workers.append(_(" ({workers:,} restarted)", workers=board.worker_restarts), WARN)
    redis = Text.assemble("redis ", (_("ok"), GOOD) if board.redis_healthy else (_("away"), f"bold {BAD}"))
    parts = [gauge, workers, redis]
    if board.spooled:
        parts.append(Text(_("events waiting on disk: {events:,}", events=board.spooled), WARN))
    if board.pacing_late:
        parts.append(Text(_("late pacing decisions: {decisions:,}", decisions=board.pacing_late), WARN))
    if board.anomalies:
        parts.append(Text(_("anomalies: {anomalies:,}", anomalies=board.anomalies), WARN))
    return flowed(parts, room)


def _agents(board: Board, room: int) -> Text:
    if not board.agents:
        return Text(_("nobody is logged in"), WARN)
    parts = [Text.assemble((count(len(board.agents)), "bold"), _(" logged in"))]
    if board.agent_s:
        parts.append(figure_text(UTILISATION, board.utilisation).append(_(" since the start")))
    return flowed(parts, room)


def _trunk(trunk: TrunkRow) -> Text:
    text = Text.assemble(
        f"{trunk.name} ",
        (f"{count(trunk.calls)}", "bold"),
        _(" of {calls:,}", calls=trunk.max_calls),
        (
            _("  {starts} of {most:g} cps", starts=trunk.starts_last_second, most=trunk.max_cps),
            ACCENT if trunk.starts_last_second else QUIET,
        ),
    )
    figures = trunk.quality
    if figures.attempts:
        text.append(_("  asr {percent}", percent=percent(figures.answer_seizure_ratio, 0)), QUIET)
        text.append(
            _("  short {percent}", percent=percent(figures.short_share, 0)),
            BAD if figures.short_share > SHORT_SHARE_LIMIT else QUIET,
        )
        text.append(_("  pdd {seconds:.1f} s", seconds=figures.post_dial_p50_s), QUIET)
    if trunk.resting_s > 0:
        text.append(_("  rests {time}", time=duration(trunk.resting_s)), BAD)
    elif trunk.why:
        text.append(_("  rests"), BAD)
    return text
