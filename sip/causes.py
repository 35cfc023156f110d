"""Why a leg ended: a failure classifies itself where it arises, before anybody upstream has to guess.

`classify` turns what the far end said (SIP code, Q.850 cause of a Reason header, the reason text) into one `Cause`.
The table follows RFC 3398 (SIP to ISUP), RFC 6432 (Q.850 in the Reason header, preferred over the SIP code),
RFC 8197 (607), RFC 8688 (608) and ATIS-1000099 (603 with "Network Blocked").
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Leg(StrEnum):
    """Who ended a call."""

    CALLEE = "callee"
    AGENT = "agent"
    DIALER = "dialer"
    NETWORK = "network"


class Answerer(StrEnum):
    """Who or what answered, as far as the SIP side can tell."""

    PERSON = "person"
    MACHINE = "machine"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """How a leg ended. What it means for the lead is decided in `dialer.core.calls.dispositions`."""

    NORMAL = "normal"  # hung up after an answer
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    INVALID_NUMBER = "invalid_number"
    DECLINED = "declined"  # the person refused
    UNWANTED = "unwanted"  # the person marked the call as unwanted (607)
    BLOCKED = "blocked"  # the network or an analytics engine refused (603+, 608)
    CONGESTION = "congestion"
    ROUTE_ERROR = "route_error"  # our trunk does not carry this call
    AUTH_ERROR = "auth_error"
    MEDIA_ERROR = "media_error"
    REDIRECTED = "redirected"  # 3xx, never followed
    CANCELLED = "cancelled"  # we gave up before an answer
    TRUNK_UNREACHABLE = "trunk_unreachable"  # nothing answered the INVITE at all
    PROTOCOL_ERROR = "protocol_error"  # an answer that no SIP stack can make sense of
    MEDIA_TIMEOUT = "media_timeout"  # answered, then no audio came any more
    SESSION_EXPIRED = "session_expired"  # answered, then the far end no longer knew the call or said nothing of it
    TALK_LIMIT = "talk_limit"  # talked for as long as a call may last
    OPERATOR = "operator"  # an operator hung up: dialer call hangup
    AGENT = "agent"  # the agent hung up at the desktop
    MACHINE = "machine"  # we hung up on an answering machine
    NOT_SENT = "not_sent"  # no INVITE ever left: no slot, no worker, a refused URI
    WORKER_LOST = "worker_lost"


NETWORK_BLOCKED_TEXT: Final = "network blocked"

TRUNK_UNREACHABLE_TEXT: Final = "trunk unreachable"
"""Begins what our own edge says with a 503 where the carrier, or its own audio relay, did not answer it."""

_BY_Q850: Final[dict[int, Cause]] = {
    1: Cause.INVALID_NUMBER,  # unallocated number
    3: Cause.INVALID_NUMBER,  # no route to destination
    17: Cause.BUSY,
    18: Cause.UNREACHABLE,  # no user responding
    19: Cause.NO_ANSWER,  # alerted, no answer
    20: Cause.UNREACHABLE,  # subscriber absent
    21: Cause.DECLINED,
    22: Cause.INVALID_NUMBER,  # number changed
    28: Cause.INVALID_NUMBER,  # invalid number format
    34: Cause.CONGESTION,
    38: Cause.CONGESTION,
    41: Cause.CONGESTION,
    42: Cause.CONGESTION,
    65: Cause.MEDIA_ERROR,
    88: Cause.MEDIA_ERROR,
    102: Cause.UNREACHABLE,
}

_REFUSED_REQUEST: Final = (
    *(402, 403, 405, 413, 414, 416, 420, 421, 422, 423, 424, 428, 429, 430, 433, 436, 437, 438, 439, 440, 469, 470),
    *(482, 483, 493, 494, 501, 505, 513),
)
"""Refusals of the request or of who sends it: no credit, no such method, a loop, no identity."""

TRUNKS_FAULT: Final[dict[int, Cause]] = {
    **dict.fromkeys(_REFUSED_REQUEST, Cause.ROUTE_ERROR),
    **dict.fromkeys((401, 407), Cause.AUTH_ERROR),
    **dict.fromkeys((406, 415, 488, 606), Cause.MEDIA_ERROR),
    **dict.fromkeys((500, 502, 503, 504, 580), Cause.CONGESTION),
}
"""The codes that are the trunk's or its network's fault, never the callee's, by what they say. What follows from such
an end is in `dialer.core.calls.dispositions`: not charged, tried elsewhere, counted by the breaker."""

_BY_SIP: Final[dict[int, Cause]] = {
    **TRUNKS_FAULT,
    404: Cause.INVALID_NUMBER,
    408: Cause.UNREACHABLE,
    410: Cause.INVALID_NUMBER,
    480: Cause.NO_ANSWER,
    484: Cause.INVALID_NUMBER,
    486: Cause.BUSY,
    487: Cause.CANCELLED,
    600: Cause.BUSY,
    603: Cause.DECLINED,
    604: Cause.INVALID_NUMBER,
    607: Cause.UNWANTED,
    608: Cause.BLOCKED,
}

# A Q.850 cause says more than the SIP code that carries it, but not more than these: they name a person's or an
# analytics engine's decision, which no ISUP cause can express.
_SIP_DECIDES: Final = frozenset({607, 608})

_OF_THE_ROUTE: Final = frozenset({1, 3, 21, 22, 28})
"""No such number, no route, rejected, changed, badly written. In a 404 or 603 that is about the callee. Beside a code
that is the trunk's fault it says that this trunk has no way there, or does not want us: no number is closed for it, and
nobody has declined."""


def classify(*, sip_code: int, q850: int = 0, reason: str = "", heard_anything: bool = True) -> Cause:
    """Classify the final failure of an INVITE.

    `heard_anything` is False where not even a 100 Trying came back: a 408 that our own timer made up then means that
    the trunk is unreachable, not the callee. Codes outside the table fall back on their class.
    """
    if sip_code == 408 and not heard_anything:
        return Cause.TRUNK_UNREACHABLE
    if sip_code == 503 and reason.lower().startswith(TRUNK_UNREACHABLE_TEXT):
        return Cause.TRUNK_UNREACHABLE
    if sip_code == 603 and NETWORK_BLOCKED_TEXT in reason.lower():
        return Cause.BLOCKED
    if q850 in _OF_THE_ROUTE and (sip_code in TRUNKS_FAULT or sip_code // 100 == 5):
        fault = TRUNKS_FAULT.get(sip_code, Cause.CONGESTION)
        return Cause.ROUTE_ERROR if fault is Cause.CONGESTION else fault
    if q850 in _BY_Q850 and sip_code not in _SIP_DECIDES:
        return _BY_Q850[q850]
    if sip_code in _BY_SIP:
        return _BY_SIP[sip_code]
    match sip_code // 100:
        case 2:
            return Cause.NORMAL
        case 3:
            return Cause.REDIRECTED
        case 4:
            return Cause.UNREACHABLE
        case 5:
            return Cause.CONGESTION
        case 6:
            return Cause.UNREACHABLE
        case _:
            return Cause.PROTOCOL_ERROR
