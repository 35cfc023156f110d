"""What is wrong with a host, in words. Pure."""

from __future__ import annotations

from typing import Final

from dialer.core.board import Board
from dialer.operating.figures import duration

SILENT_AFTER_S: Final = 5.0
"""A host that publishes once a second and was not heard for this long is shown as silent."""


def alarms_of(board: Board, now: float, several: bool) -> list[str]:
    """What is wrong with a host, by its name where there are several."""
    alarms = list(board.problems)
    silent_s = now - board.at
    if silent_s > SILENT_AFTER_S:
        alarms.insert(
            0, f"not heard of for {duration(silent_s)}: what follows is old; see to the daemon and its network"
        )
    if not board.redis_healthy and not any("Redis" in problem for problem in alarms):
        alarms.append("Redis does not answer: no new calls are started, those in progress go on; see to the server")
    return [f"{board.host}: {text}" for text in alarms] if several else alarms
