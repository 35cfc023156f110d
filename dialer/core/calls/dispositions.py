"""What the end of a call means: a total table over (state x cause).

Unanswered calls are judged by their cause, answered ones by how far they came. A lost worker is said as such in every
state, because nobody knows what the people on that line heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from dialer.core.calls.call import UNANSWERED, CallState
from dialer.core.model import Disposition
from pacing.api import AnswerKind
from sip.causes import Cause, Leg

BY_CAUSE: Final[dict[Cause, Disposition]] = {
    Cause.NORMAL: Disposition.UNREACHABLE,  # a BYE for a call that was never answered: nobody was reached
    Cause.BUSY: Disposition.BUSY,
    Cause.NO_ANSWER: Disposition.NO_ANSWER,
    Cause.UNREACHABLE: Disposition.UNREACHABLE,
    Cause.INVALID_NUMBER: Disposition.INVALID,
    Cause.DECLINED: Disposition.DECLINED,
    Cause.UNWANTED: Disposition.UNWANTED,
    Cause.BLOCKED: Disposition.BLOCKED,
    Cause.CONGESTION: Disposition.CONGESTION,
    Cause.ROUTE_ERROR: Disposition.ROUTE_ERROR,
    Cause.AUTH_ERROR: Disposition.AUTH_ERROR,
    Cause.MEDIA_ERROR: Disposition.MEDIA_ERROR,
    Cause.REDIRECTED: Disposition.REDIRECTED,
    Cause.CANCELLED: Disposition.NO_ANSWER,
    Cause.TRUNK_UNREACHABLE: Disposition.TRUNK_UNREACHABLE,
    Cause.PROTOCOL_ERROR: Disposition.ROUTE_ERROR,
    Cause.MEDIA_TIMEOUT: Disposition.UNREACHABLE,
    Cause.SESSION_EXPIRED: Disposition.UNREACHABLE,
    Cause.TALK_LIMIT: Disposition.UNREACHABLE,
    Cause.OPERATOR: Disposition.NO_ANSWER,
    Cause.AGENT: Disposition.NO_ANSWER,
    Cause.MACHINE: Disposition.MACHINE,
    Cause.NOT_SENT: Disposition.NOT_SENT,
    Cause.WORKER_LOST: Disposition.WORKER_LOST,
}

BY_STATE: Final[dict[CallState, Disposition]] = {
    CallState.WAITING: Disposition.HUNG_UP,
    CallState.CONNECTING: Disposition.HUNG_UP,
    CallState.TALKING: Disposition.CONNECTED,
    CallState.MESSAGE: Disposition.ABANDONED,
    CallState.HANGING_UP: Disposition.ABANDONED,
}

AWAITING_AGENT: Final = frozenset({CallState.WAITING, CallState.CONNECTING})

ANSWERED: Final = frozenset(BY_STATE.values()) | {Disposition.MACHINE}
"""Ends of calls that somebody, or a machine, answered."""


def _entry(state: CallState, cause: Cause) -> Disposition:
    if cause is Cause.WORKER_LOST:
        return Disposition.WORKER_LOST
    if cause is Cause.MACHINE:
        return Disposition.MACHINE
    if cause is Cause.MEDIA_ERROR and state in AWAITING_AGENT:
        return Disposition.MEDIA_ERROR  # there was nothing to hear, and nobody was kept waiting for an agent
    return BY_CAUSE[cause] if state in UNANSWERED else BY_STATE[state]


TABLE: Final = {(state, cause): _entry(state, cause) for state in CallState for cause in Cause}


def disposition_of(state: CallState, cause: Cause, ended_by: Leg, kind: AnswerKind = AnswerKind.UNKNOWN) -> Disposition:
    """What the end of a call means. A callee who answered and was hung up on by us before an agent came was abandoned,
    whatever the clock says; a SIP stack that answers a 200 OK after our CANCEL with a BYE does so. Nobody abandons a
    machine, and a machine does not hang up on anybody."""
    disposition = TABLE[state, cause]
    if kind is AnswerKind.MACHINE and disposition in {Disposition.HUNG_UP, Disposition.ABANDONED}:
        return Disposition.MACHINE
    if disposition is Disposition.HUNG_UP and ended_by is Leg.DIALER:
        return Disposition.ABANDONED
    return disposition


class TrunkFault(Enum):
    """How sure it is that a trunk is to blame for an end."""

    CERTAIN = auto()  # the next call would end the same way
    LIKELY = auto()  # it may be bad luck; many together are not


TRUNK_FAULTS: Final[dict[Disposition, TrunkFault]] = {
    Disposition.TRUNK_UNREACHABLE: TrunkFault.CERTAIN,
    Disposition.AUTH_ERROR: TrunkFault.CERTAIN,
    Disposition.ROUTE_ERROR: TrunkFault.LIKELY,
    Disposition.CONGESTION: TrunkFault.LIKELY,
    Disposition.MEDIA_ERROR: TrunkFault.LIKELY,
}
"""The ends that are the trunk's fault; which code is which is in `sip.causes`. Before anything rang the lead is not
charged, the call may go through another trunk, and the trunk's breaker counts it."""

OUR_SIDE: Final = frozenset({Disposition.NOT_SENT, *TRUNK_FAULTS})
"""Ends for which the callee's phone is not to blame: our trunk, our credentials, our worker."""

NO_SIGN: Final = OUR_SIDE - {Disposition.CONGESTION} | {Disposition.WORKER_LOST}
"""Ends that say nothing about how the called people answer: the pacer must not learn from them, or a trunk that
was down for a while would make it dial as if nobody ever answered. Congestion is a share of all calls, which it may
learn."""


PHONE_DIED: Final = frozenset({Cause.MEDIA_TIMEOUT, Cause.SESSION_EXPIRED, Cause.MEDIA_ERROR})
"""How a talk ends whose agent's phone is no longer there: the agent did not hang up, and can take no other call."""


def is_charged(disposition: Disposition, *, rang: bool) -> bool:
    """Whether the attempt counts against the frequency caps. One that failed on our side before any phone rang does
    not; whatever is in doubt does."""
    return rang or disposition not in OUR_SIDE


@dataclass(frozen=True, slots=True)
class Counted:
    """What an attempt is in the abandonment ledger; `hung_up` is a kind of `abandoned`."""

    live: bool = False
    abandoned: bool = False
    hung_up: bool = False


def counts(
    *,
    answered_at: float,
    bridged_at: float | None,
    ended_at: float,
    ended_by: Leg,
    abandon_after_s: float,
    kind: AnswerKind = AnswerKind.UNKNOWN,
) -> Counted:
    """What an answered attempt is in the abandonment ledger.

    An answer by what was known to be a machine is nothing there. Every other is a live answer until somebody says that
    a machine gave it. It is abandoned where no agent was on the line within the limit, message heard or not. Where the
    callee hung up before the limit it is `hung_up`, too: not every law counts that (`config.abandonment`).
    """
    if kind is AnswerKind.MACHINE:
        return Counted()
    if bridged_at is not None:
        return Counted(live=True, abandoned=bridged_at - answered_at > abandon_after_s)
    gone = ended_by is Leg.CALLEE and ended_at - answered_at < abandon_after_s
    return Counted(live=True, abandoned=True, hung_up=gone)
