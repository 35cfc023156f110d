"""An agent's standing leg: the call to the phone that stays on the line. Pure; part of the agent.

1. While it is not up the agent is given no call: whoever would be ready is paused, in words, and ready when it is up.
2. A leg that is lost is dialled again, by `REDIAL_S`, for an agent who works or waits for it. One who has paused is
   left alone; `ready` has the phone rung at once.
3. A leg that does not last counts as one more try.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from dialer.language.phrases import phrase
from dialer.language.terms import term
from sip.causes import Cause
from sip.messages import Ended

REDIAL_S: Final = (0.5, 3.0, 10.0, 30.0)
"""How long after each loss the phone is rung again; then no more by itself."""

STEADY_S: Final = 60.0
"""A leg that was up for this long begins to count anew."""

RING_S: Final = 30.0
"""How long an agent has to pick up."""

_MARK: Final = "standing:"
_RINGS: Final = phrase("phone is rung; pick it up")

_WORDS: Final[dict[Cause, str]] = {
    Cause.NORMAL: phrase("phone was hung up"),
    Cause.BUSY: phrase("phone is busy"),
    Cause.NO_ANSWER: phrase("nobody picked up the phone"),
    Cause.CANCELLED: phrase("nobody picked up the phone"),
    Cause.DECLINED: phrase("phone declined"),
    Cause.UNREACHABLE: phrase("phone cannot be reached"),
    Cause.MEDIA_TIMEOUT: phrase("phone fell silent"),
    Cause.SESSION_EXPIRED: phrase("phone is gone"),
    Cause.WORKER_LOST: phrase("line to the phone broke"),
}


class LegState(StrEnum):
    """How a standing leg is."""

    DIALLING = "dialling"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class StandingLeg:
    """`call` is how workers know it, `since` when its state began. `tries` were made since it last was steady. `why`
    says in words why it is not up. `ready_then`: its agent is ready as soon as it is."""

    call: str
    state: LegState
    since: float
    tries: int = 1
    why: str = _RINGS
    ready_then: bool = False

    @property
    def is_up(self) -> bool:
        """Whether talks may come."""
        return self.state is LegState.UP

    @property
    def is_coming(self) -> bool:
        """Whether it is rung, or will be by itself."""
        return self.state is LegState.DIALLING or self.redial_after_s is not None

    @property
    def redial_after_s(self) -> float | None:
        """When the phone is rung again by itself, from `since`; None: it is not."""
        return REDIAL_S[self.tries - 1] if self.state is LegState.DOWN and self.tries <= len(REDIAL_S) else None


def call_of(agent: str, number: int) -> str:
    """What workers call the standing leg of an agent that is dialled as the `number`th of this run."""
    return f"{_MARK}{number}:{agent}"


def agent_of(call: str) -> str | None:
    """The agent whose standing leg a call is; None: it is no standing leg."""
    return call.removeprefix(_MARK).partition(":")[2] if call.startswith(_MARK) else None


def dialled(before: StandingLeg | None, call: str, now: float) -> StandingLeg:
    """The leg that takes the place of one that is down, or the first."""
    if before is None:
        return StandingLeg(call, LegState.DIALLING, now)
    return replace(before, call=call, state=LegState.DIALLING, since=now, tries=before.tries + 1, why=_RINGS)


def up(leg: StandingLeg, now: float) -> StandingLeg:
    """The phone has answered."""
    return replace(leg, state=LegState.UP, since=now, why="")


def down(leg: StandingLeg, end: Ended, now: float) -> StandingLeg:
    """The leg has ended, or never came up."""
    is_steady = leg.is_up and now - leg.since >= STEADY_S
    tries = 1 if is_steady else leg.tries
    lost = replace(leg, state=LegState.DOWN, since=now, tries=tries, why=_words(leg, end))
    if lost.is_coming:
        return replace(lost, why=phrase("{why}; it is rung again", why=lost.why))
    return replace(lost, why=phrase("{why}; say ready to have it rung again", why=lost.why), ready_then=False)


def _words(leg: StandingLeg, end: Ended) -> str:
    if end.cause is Cause.NOT_SENT:
        return phrase("phone was not rung: {reason}", reason=end.reason)
    if end.cause is Cause.NORMAL and not leg.is_up:
        return phrase("phone hung up at once")
    return _WORDS.get(end.cause) or phrase(
        "phone refused ({cause}, {sip_code})", cause=term(end.cause), sip_code=end.sip_code
    )
