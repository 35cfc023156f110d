"""How many calls a trunk may take now: its channels, its calls per second, and whether it works at all."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

WINDOW_S: Final = 1.0
FAULTS_TO_OPEN: Final = 5
"""So many certain faults in a row, with no sign of life between them, open the breaker."""

SHARE_OF: Final = 40
FAULTS_OF_SHARE: Final = 20
SHARE_WITHIN_S: Final = 600.0
"""Faults that may be bad luck open it where they are half of the newest calls: 20 of 40, within ten minutes. At 5 %
congestion that comes by chance once in 10^16 calls, at 20 % once in 10^5."""

MUTE_ANSWERS_TO_OPEN: Final = 3
"""Answers without usable media in a row that open it: each of them was a person who heard nothing."""

FIRST_REST_S: Final = 10.0
LONGEST_REST_S: Final = 300.0
LONGEST_RETRY_AFTER_S: Final = 300.0
"""A trunk's own word on how long it is to be left alone counts up to here."""


class RestCause(StrEnum):
    """Why the breaker opened."""

    IN_A_ROW = "in_a_row"
    SHARE = "share"
    NO_MEDIA = "no_media"


@dataclass(frozen=True, slots=True)
class TrunkLimits:
    """A trunk as the settings have it, in the order of the settings.

    Trunks of a higher `priority` go first; those of one priority share calls by `weight`, and those with weight 0 come
    after them in their order. `prefixes` are the beginnings of the numbers that it serves, `caller_ids` the numbers
    that its carrier lets us show; none: any.
    """

    name: str
    max_cps: float
    max_calls: int
    priority: int = 5
    weight: int = 0
    prefixes: tuple[str, ...] = ()
    caller_ids: tuple[str, ...] = ()


@dataclass(slots=True)
class TrunkLoad:
    """One trunk's limits and what uses them. `starts` holds the start times of the last second, oldest first.

    The breaker opens after `FAULTS_TO_OPEN` certain faults in a row, or where faults are half of the newest calls
    (`recent`: when, and whether it was one). The trunk rests, then one call probes it; each failed probe doubles the
    rest, any other outcome of a probe ends it. While the breaker is open, what becomes of calls that started before it
    opened is old news and changes nothing.

    `asked_until` is how long the trunk itself asked to be left alone (Retry-After). `obstacles` are reasons from
    outside, in words, by who says so: while there is one no call starts. `credit` is its turn among those of its
    priority (see `trunk_selection`).
    """

    limits: TrunkLimits
    calls: int = 0
    starts: deque[float] = field(default_factory=deque)
    faults: int = 0
    recent: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=SHARE_OF))
    mute_answers: int = 0
    rests_until: float = float("-inf")
    opened_at: float = float("-inf")
    cause: RestCause = RestCause.IN_A_ROW
    asked_until: float = float("-inf")
    obstacles: dict[str, str] = field(default_factory=dict)
    credit: int = 0

    @property
    def name(self) -> str:
        """The trunk's name."""
        return self.limits.name

    @property
    def is_open(self) -> bool:
        """Whether the breaker keeps calls away, but for probes."""
        return self.faults >= FAULTS_TO_OPEN

    def rests(self, now: float) -> bool:
        """Whether it takes no call at all now, however few are on it."""
        return bool(self.obstacles) or now < self.rests_until or now < self.asked_until

    def room(self, now: float) -> int:
        """How many calls may start at this instant. A limit below one call a second spaces the calls out."""
        if self.rests(now):
            return 0
        self._let_go(now)
        per_window = max(1, int(self.limits.max_cps))
        room = max(0, min(per_window - len(self.starts), self.limits.max_calls - self.calls))
        return min(room, 1) if self.is_open else room

    def started_lately(self, now: float) -> int:
        """How many calls started within the last second."""
        self._let_go(now)
        return len(self.starts) if self.limits.max_cps >= 1 else sum([start > now - WINDOW_S for start in self.starts])

    def _let_go(self, now: float) -> None:
        """Forget the starts that no limit looks back to."""
        oldest = now - (WINDOW_S if self.limits.max_cps >= 1 else WINDOW_S / self.limits.max_cps)
        while self.starts and self.starts[0] <= oldest:
            self.starts.popleft()

    def start(self, now: float) -> None:
        """A call takes a channel and a place in the window."""
        self.starts.append(now)
        self.calls += 1
        if self.is_open:
            self._rest(now)  # one probe a rest

    def take(self) -> None:
        """A call from outside takes a channel."""
        self.calls += 1

    def end(self) -> None:
        """A call gives its channel back; its place in the window stays taken."""
        self.calls -= 1

    def failed(self, now: float, started_at: float) -> None:
        """A call that started at `started_at` ended with a fault that the next one would meet as well."""
        if self.is_open and started_at < self.opened_at:
            return
        self.recent.append((now, True))
        if not self.is_open and self._half_failed(now):
            self._open(now, RestCause.SHARE)
            return
        if self.faults == FAULTS_TO_OPEN - 1:
            self.opened_at, self.cause = now, RestCause.IN_A_ROW
        self.faults += 1
        if self.is_open:
            self._rest(now)

    def refused(self, now: float, started_at: float) -> None:
        """A call that started at `started_at` was refused on its way, before any phone rang; it may be bad luck."""
        if self.is_open:
            self.failed(now, started_at)
            return
        self.recent.append((now, True))
        if self._half_failed(now):
            self._open(now, RestCause.SHARE)

    def answered_mute(self, now: float, started_at: float) -> None:
        """A call that started at `started_at` was answered, and nothing could be heard or said."""
        self.mute_answers += 1
        if self.is_open:
            self.failed(now, started_at)
        elif self.mute_answers >= MUTE_ANSWERS_TO_OPEN:
            self._open(now, RestCause.NO_MEDIA)

    def worked(self, now: float, started_at: float) -> None:
        """The far end said something sensible about a call that started at `started_at`."""
        if self.is_open:
            if started_at < self.opened_at:
                return
            if self.cause is RestCause.NO_MEDIA and self.mute_answers:
                return  # a busy line says nothing about media
            self.recent.clear()
        self.recent.append((now, False))
        self.faults = 0
        self.rests_until = float("-inf")

    def heard(self) -> None:
        """An answered call had media."""
        self.mute_answers = 0

    def leave_alone(self, now: float, for_s: float) -> None:
        """The trunk asked for a pause."""
        self.asked_until = max(self.asked_until, now + min(for_s, LONGEST_RETRY_AFTER_S))

    def _half_failed(self, now: float) -> bool:
        while self.recent and self.recent[0][0] <= now - SHARE_WITHIN_S:
            self.recent.popleft()
        return sum([bad for _, bad in self.recent]) >= FAULTS_OF_SHARE

    def _open(self, now: float, cause: RestCause) -> None:
        self.faults, self.opened_at, self.cause = FAULTS_TO_OPEN, now, cause
        self._rest(now)

    def _rest(self, now: float) -> None:
        doublings = min(self.faults - FAULTS_TO_OPEN, 10)
        self.rests_until = now + min(FIRST_REST_S * 2**doublings, LONGEST_REST_S)
