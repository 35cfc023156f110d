"""What is wrong with a host, in words. Pure."""

from __future__ import annotations

from typing import Final

from dialer.core.board import Board
from dialer.language.translation import _
from dialer.operating.figures import duration

SILENT_AFTER_S: Final = 5.0
"""A host that publishes twice a second and was not heard for this long is shown as silent."""


def alarms_of(board: Board, now: float, several: bool) -> list[str]:
    """What is wrong with a host, by its name where there are several."""
    alarms = list(board.problems)
    silent_s = now - board.at
    if silent_s > SILENT_AFTER_S:
        text = _(
            "not heard of for {time}: what follows is old; see to the daemon and its network", time=duration(silent_s)
        )
        alarms.insert(0, text)
    if not board.redis_healthy and not any("Redis" in problem for problem in alarms):
        alarms.append(_("Redis does not answer: no new calls are started, those in progress go on; see to the server"))
    return [_("{host}: {problem}", host=board.host, problem=text) for text in alarms] if several else alarms
