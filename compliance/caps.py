"""How often one number may be called: frequency caps over rolling windows.

This module is the definition. The store repeats it atomically in Lua; the tests hold the two against each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from compliance.face import Refusal, Rule

DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` attempts in any rolling window of `window_s` seconds; when the last of them is spent the number
    rests `rest_s` seconds from that attempt. `verdict` says exactly what that means."""

    limit: int
    window_s: float
    rest_s: float = 0.0

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"a cap allows at least 1 attempt, got {self.limit}")
        if not (math.isfinite(self.window_s) and self.window_s > 0):
            raise ValueError(f"a cap's window must be more than 0 s, got {self.window_s}")
        if not (math.isfinite(self.rest_s) and self.rest_s >= 0):
            raise ValueError(f"a cap's rest must be 0 s or more, got {self.rest_s}")

    def __str__(self) -> str:
        rest = f", then {self.rest_s / DAY_S:g} days of rest" if self.rest_s else ""
        return f"{self.limit} attempts in {self.window_s / DAY_S:g} days{rest}"


DEFAULT_CAPS: Final = (Cap(limit=2, window_s=30 * DAY_S, rest_s=90 * DAY_S),)
"""Twice a month, then three months of rest, over all campaigns: the usual rule of a Chinese outbound desk
(每月2次，三个月内不得再次呼叫), not a law."""


def verdict(attempts: Sequence[float], caps: Sequence[Cap], now: float) -> Refusal | None:
    """May the number be attempted at `now`? None: yes.

    `attempts` are the times of all attempts to the number, over all campaigns, in seconds since the epoch, in any
    order. Sort them ascending as t[0] .. t[n-1]. For each cap, with L = limit, W = window_s, R = rest_s:

    1. Window: t[i] counts while t[i] + W > now; an attempt exactly W old no longer counts. If n >= L and
       t[n-L] + W > now, at least L count, and the window frees at t[n-L] + W.
    2. Rest: attempt i spent the cap if i >= L-1 and t[i-L+1] + W > t[i], that is if it was at least the L-th in the
       window that ended with it. The number rests until t[i] + R for the latest such i; at exactly t[i] + R the rest
       is over.

    The cap refuses until the later of the two, if that is later than `now`. With several caps the number is refused
    until the latest of theirs. Attempts in the future (a clock was set back) count like any other: 1 and 2 hold as
    they stand.
    """
    times = sorted(attempts)
    if not all(map(math.isfinite, (*times, now))):
        raise ValueError("times of attempts must be finite numbers of seconds")
    worst: tuple[float, Cap] | None = None
    for cap in caps:
        until = _refused_until(times, cap)
        if until > now and (worst is None or until > worst[0]):
            worst = until, cap
    if worst is None:
        return None
    until, cap = worst
    return Refusal(Rule.CAP, f"called often enough: {cap}", until)


def _refused_until(times: list[float], cap: Cap) -> float:
    """When a cap stops refusing, given ascending `times`; minus infinity where it never refused."""
    if len(times) < cap.limit:
        return -math.inf
    window_frees = times[-cap.limit] + cap.window_s
    for last in range(len(times) - 1, cap.limit - 2, -1):
        if times[last - cap.limit + 1] + cap.window_s > times[last]:
            return max(window_frees, times[last] + cap.rest_s)
    return window_frees
