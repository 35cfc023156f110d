"""The nouns: leads, attempts, dispositions.

Times that end in `_at` are seconds of the monotonic clock inside the engine. The shell turns them into seconds since
the epoch where they leave the process; fields that are epoch seconds from the start say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, Final

from compliance.numbers import E164, masked_data, masked_numbers, masked_text
from pacing.api import AnswerKind
from sip.causes import Cause, Leg

_ATTEMPT_ID: Final = re.compile(r"[0-9a-f]+-[0-9a-f]{4}-[0-9]{6,}")


def shown_attempt(attempt: str) -> str:
    """An attempt id as it may be shown: ours as they are, what others take for one with phone numbers masked."""
    return attempt if _ATTEMPT_ID.fullmatch(attempt) else masked_text(attempt)


NOBODY: Final = E164("+999000000")
"""In the place of a number that nobody knows: no country has this calling code."""


class Disposition(StrEnum):
    """How an attempt ended, in the words of the CRM contract. Exactly one for every attempt."""

    CONNECTED = "connected"  # an agent talked to whoever answered
    ABANDONED = "abandoned"  # answered, no agent inside the limit
    HUNG_UP = "hung_up"  # answered, and the callee hung up before the limit and before an agent
    SCRIPT_DONE = "script_done"  # answered, and heard the campaign's script to its end
    SCRIPT_LEFT = "script_left"  # answered, and the script was broken off, mostly by the callee
    MACHINE = "machine"  # answered by what was known to be a machine, and no agent came
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    INVALID = "invalid"
    DECLINED = "declined"
    UNWANTED = "unwanted"
    BLOCKED = "blocked"
    CONGESTION = "congestion"
    ROUTE_ERROR = "route_error"
    AUTH_ERROR = "auth_error"
    MEDIA_ERROR = "media_error"
    REDIRECTED = "redirected"
    TRUNK_UNREACHABLE = "trunk_unreachable"
    NOT_SENT = "not_sent"  # the attempt was written down and no INVITE left: given back to the caps
    WORKER_LOST = "worker_lost"  # a worker process died with the call in it
    UNKNOWN = "unknown"  # the daemon died with the call in it; settled by recovery, never dialled again by itself


@dataclass(frozen=True, slots=True)
class Lead:
    """Somebody to call, as intake accepted it.

    `number_index` points at the number of `numbers` that is to be dialled next. `tries` counts earlier attempts of this
    lead by disposition. `expires_at` and the times of consent are seconds since the epoch. `attrs` is the CRM's own and
    goes back with phone numbers in it masked. A callback was promised for `promised_at` (seconds since the epoch), by
    `wanted_agent` if somebody is named. `region` is ISO 3166, "US" or "US-FL", where the CRM says the callee is.
    `list_name` is the list that the lead came with; empty: it came by itself, from the CRM. `skills` are those that its
    agent should have, if possible, with their levels; `last_agent` is who talked with it last.
    """

    lead_id: str
    campaign: str
    numbers: tuple[E164, ...]
    number_index: int = 0
    name: str = ""
    timezone: str | None = None
    priority: int = 5
    expires_at: float | None = None
    customer_id: str = ""
    account_id: str = ""
    region: str = ""
    consent_at: float | None = None
    consent_until: float | None = None
    consent_source: str = ""
    list_name: str = ""
    attrs: dict[str, Any] = field(default_factory=dict)
    wanted_agent: str = ""
    promised_at: float | None = None
    skills: dict[str, int] = field(default_factory=dict)
    last_agent: str = ""
    tries: dict[Disposition, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.number_index < len(self.numbers):
            raise ValueError(f"lead {self.lead_id}: number_index {self.number_index} of {len(self.numbers)} numbers")

    @property
    def number(self) -> E164:
        """The number to dial next."""
        return self.numbers[self.number_index]

    @property
    def shown_attrs(self) -> dict[str, Any]:
        """`attrs` as they may leave: the phone numbers in them are masked."""
        shown: dict[str, Any] = masked_data(self.attrs, partial(masked_numbers, own=self.numbers))
        return shown

    @property
    def shown(self) -> dict[str, Any]:
        """What an agent's screen is told of the lead, numbers masked."""
        return {
            "lead_id": self.lead_id,
            "customer_id": self.customer_id,
            "name": self.name,
            "phone": str(self.number),
            "attrs": self.shown_attrs,
        }


@dataclass(frozen=True, slots=True)
class Retry:
    """Call the lead again, `after_s` from now, at `number_index`. With `yields_from_s` it is behind leads that were
    never called, and may be called from so many seconds on where nothing else is due."""

    after_s: float
    number_index: int
    yields_from_s: float | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """The lead is done; `reason` is for people and for the CRM."""

    reason: str


NextStep = Retry | Close


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The whole story of one attempt, written once when it ended. What has a default did not happen unless it is given.

    `live` says that it counts as a live answer in the abandonment ledger, `abandoned` that it counts as abandoned,
    `hung_up` that it does because the callee was gone before the limit, which not every definition counts;
    A call that was known to be answered by a machine (`answer_kind`) counts as neither. `judged` is the verdict by ear
    (empty: there was none), `confidence` how sure it is, and `message_left` says that the machine has its message. A
    call that was judged a machine and that an agent had all the same `stands_for` so many that were hung up on.
    `opted_out` says that whoever was called asked, by a key, not to be called again.
    At `transfer_at` a script asked for an agent, at `agent_left_at` the agent went and the callee was asked (a survey).
    `inbound`: they called us, at the number that is the `caller_id`; `wants_callback`: and asked by a key to be called.
    Of a stranger `lead` has no id.
    `trunk` is the one that the attempt ended on, `failed_trunks` those that had given it back before.
    `charged` is False where the attempt never left our side and is given back to the frequency caps. `caller_id` is the
    number that was, or would have been, shown; empty where nobody knows. `day` is the counting day of the abandonment
    ledger, such as "2026-03-01"; the shell adds it where it turns the times into seconds since the epoch.
    """

    attempt: str
    lead: Lead
    trunk: str
    failed_trunks: tuple[str, ...] = ()
    disposition: Disposition
    next_step: NextStep
    live: bool
    abandoned: bool
    charged: bool
    cause: Cause
    ended_by: Leg
    sip_code: int = 0
    q850: int = 0
    reason: str
    caller_id: str = ""
    agent: str = ""
    reserved_at: float
    dialled_at: float | None = None
    ringing_at: float | None = None
    answered_at: float | None = None
    answer_kind: AnswerKind = AnswerKind.UNKNOWN
    judged: str = ""
    confidence: float = 0.0
    message_left: bool = False
    stands_for: int = 0
    agent_dialled_at: float | None = None
    bridged_at: float | None = None
    transfer_at: float | None = None
    agent_left_at: float | None = None
    ended_at: float
    message_played: bool = False
    hung_up: bool = False
    opted_out: bool = False
    inbound: bool = False
    wants_callback: bool = False
    crossed_cancel: bool = False
    day: str = ""

    @property
    def campaign(self) -> str:
        return self.lead.campaign

    @property
    def agent_wanted_at(self) -> float | None:
        """From when on an agent was owed: the answer, or later where a script asked for one; None: never."""
        if self.disposition in {Disposition.SCRIPT_DONE, Disposition.SCRIPT_LEFT}:
            return None
        return self.answered_at if self.transfer_at is None else self.transfer_at
