"""The live board: what the hosts show of themselves, drawn for a terminal. Pure.

`render` is all that callers need: `dialer status` prints its result once, `dialer watch` and the demo once a second.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.text import Text

from dialer.cli.base.figures import ACCENT, BAD, GOOD, QUIET, WARN, bar, count, duration, flowed, percent
from dialer.cli.live.campaign_panels import card, lines, overview, state_text
from dialer.cli.live.host_totals import campaigns
from dialer.core.board import Board, TrunkRow

SILENT_AFTER_S: Final = 5.0
"""A host that publishes once a second and was not heard for this long is shown as silent."""

MIN_WIDTH: Final = 60
SENTENCES_FROM: Final = 110
"""Columns from which on a table of campaigns has room for the pacers' sentences."""


def render(
    boards: Sequence[Board], now: float, width: int, height: int | None = None, *, notice: str = ""
) -> RenderableType:
    """The board of one or several hosts.

    `now` is seconds since the epoch, `width` the terminal's columns. Where `height` (lines) is given and the campaigns'
    cards do not fit, each campaign becomes one line, followed by the cards of the busiest as far as they fit.
    `notice` is an alarm of the screen itself, shown on top.
    """
    width = max(width, MIN_WIDTH)
    top: list[RenderableType] = [_alarm(notice)] if notice else []
    if not boards:
        top.append(Text(" No daemon is alive. Start one with: dialer run", f"bold {WARN}"))
        return Group(*top)
    for board in boards:
        top += [_host(board, now, width), Text()]
    rows = campaigns(boards)
    if not rows:
        return Group(*top, Text(" No campaign yet. Make one with: dialer campaign create NAME", QUIET))
    cards = {row.name: card(row, width) for row in rows}
    if height is None or _height(Group(*top, *cards.values()), width) <= height:
        return Group(*top, *cards.values())
    wide = width >= SENTENCES_FROM
    problems = [] if wide else [_alarm(f"{row.name}: {row.problem}") for row in rows if row.problem]
    shown: list[RenderableType] = [*top, overview(rows, width if wide else None), *problems, Text()]
    left = height - _height(Group(*shown), width)
    for row in sorted(rows, key=lambda row: -sum(row.calls.values())):
        needed = _height(cards[row.name], width)
        if needed <= left:
            shown.append(cards[row.name])
            left -= needed
    return Group(*shown)


def _height(renderable: RenderableType, width: int) -> int:
    console = Console(width=width, height=1000, force_terminal=False)
    return len(console.render_lines(renderable, pad=False))


def _alarm(text: str) -> Text:
    return Text(f" ! {text}", f"bold {BAD}")


def _host(board: Board, now: float, width: int) -> RenderableType:
    room = width - 11
    rows = [("lines", _lines(board, room)), ("agents", _agents(board, room))]
    if board.trunks:
        rows.append(("trunks", flowed([_trunk(trunk) for trunk in board.trunks], room)))
    return Group(_title(board, now), *(_alarm(text) for text in _alarms(board, now)), lines(rows))


def _title(board: Board, now: float) -> Text:
    clock = time.strftime("%H:%M:%S", time.localtime(board.at))
    return Text.assemble(
        (f" {board.host}", "bold"),
        "  ",
        state_text(board.state),
        (f"  up {duration(now - board.started_at)}   version {board.version}   {clock}", QUIET),
    )


def _alarms(board: Board, now: float) -> list[str]:
    found = list(board.problems)
    silent_s = now - board.at
    if silent_s > SILENT_AFTER_S:
        found.insert(0, f"not heard of for {duration(silent_s)}: what follows is old")
    if not board.redis_healthy:
        found.append("Redis does not answer: no new calls are started")
    return found


def _lines(board: Board, room: int) -> Text:
    used = board.lines_used / board.lines_total if board.lines_total else 0.0
    style = BAD if used >= 1 else WARN if used >= 0.9 else GOOD
    gauge = Text.assemble(
        bar(used, 20 if room < 90 else 40, style),
        (f" {count(board.lines_used)}", "bold"),
        f" of {count(board.lines_total)} in use",
    )
    workers = Text(f"{count(board.workers)} workers")
    if board.worker_restarts:
        workers.append(f" ({count(board.worker_restarts)} restarted)", WARN)
    redis = Text.assemble("redis ", ("ok", GOOD) if board.redis_healthy else ("away", f"bold {BAD}"))
    parts = [gauge, workers, redis]
    if board.spooled:
        parts.append(Text(f"events waiting on disk: {count(board.spooled)}", WARN))
    if board.pacing_late:
        parts.append(Text(f"late pacing decisions: {count(board.pacing_late)}", WARN))
    if board.anomalies:
        parts.append(Text(f"anomalies: {count(board.anomalies)}", WARN))
    return flowed(parts, room)


def _agents(board: Board, room: int) -> Text:
    if not board.agents:
        return Text("nobody is logged in", WARN)
    parts = [Text.assemble((count(len(board.agents)), "bold"), " logged in")]
    if board.agent_s:
        parts.append(Text.assemble("utilisation ", (percent(board.utilisation), "bold"), " since the start"))
    return flowed(parts, room)


def _trunk(trunk: TrunkRow) -> Text:
    text = Text.assemble(
        f"{trunk.name} ",
        (f"{count(trunk.calls)}", "bold"),
        f" of {count(trunk.max_calls)}",
        (f"  {trunk.starts_last_second} of {trunk.max_cps:g} cps", ACCENT if trunk.starts_last_second else QUIET),
    )
    if trunk.resting_s > 0:
        text.append(f"  resting {duration(trunk.resting_s)} after {trunk.faults} faults", BAD)
    return text
