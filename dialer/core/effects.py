"""What the engine wants done. The shell carries effects out in order; what comes of them returns as inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compliance.numbers import E164
from dialer.core.agents.agent import AgentState
from dialer.core.leads.lead_reasons import Why
from dialer.core.model import Lead, Settlement
from sip.detection.messages import Rules
from sip.messages import Command


@dataclass(frozen=True, slots=True)
class Lease:
    """Lease up to `count` due leads. Answered by one `LeadsLeased`, also when there are none."""

    campaign: str
    count: int


@dataclass(frozen=True, slots=True)
class Reserve:
    """Pass these leads through the two compliance gates now. Answered by `Permitted` or `Refused` for each.
    `agent_held`: an agent asked for the call and waits for it."""

    campaign: str
    trunk: str
    leads: tuple[Lead, ...]
    agent_held: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Hand a command to the SIP workers."""

    command: Command


@dataclass(frozen=True, slots=True)
class Settle:
    """Write the end of an attempt down, tell the CRM, free or postpone the lead."""

    settlement: Settlement


@dataclass(frozen=True, slots=True)
class OptOut:
    """Block the number at once and for good, for all campaigns: whoever was called has pressed `key` to say so, or
    their phone has answered 607 (`key` empty)."""

    campaign: str
    attempt: str
    number: E164
    key: str
    at: float


@dataclass(frozen=True, slots=True)
class Release:
    """Give leased leads back untouched."""

    campaign: str
    leads: tuple[Lead, ...]


@dataclass(frozen=True, slots=True)
class Postpone:
    """Give a leased lead back, due `after_s` from now; `why` is kept with it."""

    campaign: str
    lead: Lead
    after_s: float
    why: Why


@dataclass(frozen=True, slots=True)
class Publish:
    """Tell the CRM: `kind` is the event's type in docs/redis.md, `fields` its own fields, numbers masked. A field
    `until` is monotonic seconds."""

    kind: str
    campaign: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AgentChanged:
    """An agent's state for the presence table that supervisors and the CRM see. `pending` is the state that was asked
    for and will follow the call. `campaign` is that of the call or of the lead on offer, or the only one of the login;
    empty: it may be any of them. `team` and `name` are those of the login."""

    agent: str
    state: AgentState
    since: float
    reason: str
    campaigns: tuple[str, ...]
    pending: AgentState | None = None
    team: str = ""
    name: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded talk is over, `length_s` after its recording began; None: it was paused at the end, or had failed."""

    attempt: str
    length_s: float | None


@dataclass(frozen=True, slots=True)
class Listen:
    """Have the line of a call judged, which grows in `file`. Answered by `Judged`, and with `beep` perhaps by
    `BeepEnded`."""

    call: str
    file: str
    rules: Rules
    beep: bool


@dataclass(frozen=True, slots=True)
class VerdictChecked:
    """An agent or the CRM has said what came of a call that was judged a machine: it was one (`right`), or a person."""

    campaign: str
    right: bool


@dataclass(frozen=True, slots=True)
class Listened:
    """For the audit trail: `who` listens to a talk, and is heard by whom `voice` says (`sip.parties.messages.Voice`);
    empty: it is over."""

    who: str
    attempt: str
    agent: str
    voice: str


@dataclass(frozen=True, slots=True)
class FindCaller:
    """Find out whom we called at `number` lately in one of these campaigns, and keep that lead for this `call`, which
    came over `trunk` to our number `caller_id`. Answered by one `CallerFound`, also where nobody was."""

    call: str
    number: E164
    trunk: str
    caller_id: str
    campaigns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that the tables do not foresee was ignored; logged and counted, never silent."""

    where: str
    detail: str


Effect = (
    Lease
    | Reserve
    | Send
    | Settle
    | OptOut
    | Release
    | Postpone
    | Publish
    | AgentChanged
    | Recorded
    | Listen
    | VerdictChecked
    | Listened
    | FindCaller
    | Anomaly
)
