"""What a pacer sees, what it is told, what it answers.

A pacer is to calls what congestion control is to packets: it is told what happened (`Observation`), shown what is in
flight (`Snapshot`), and says how many more may go out (`Decision`). One pacer serves one campaign. It is never called
from two threads at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from pacing.compiled import Floats

Ages: TypeAlias = "tuple[float, ...] | Floats"
"""Seconds since some states began, one for each agent or call; a tuple, or an array where speed matters."""


class Mode(StrEnum):
    """How a campaign dials."""

    PREVIEW = "preview"  # the agent sees the lead and asks for the call; the pacer starts none by itself
    PROGRESSIVE = "progressive"  # one call for each ready agent
    RATIO = "ratio"  # a fixed number of lines for each ready agent, for comparison
    PREDICTIVE = "predictive"  # forecast answers and freed agents
    SCRIPT = "script"  # callees go through a script by themselves; some may ask for an agent

    @property
    def can_abandon(self) -> bool:
        """Whether more calls than ready agents may be in flight."""
        return self in _MAY_ABANDON


_MAY_ABANDON: Final = frozenset({Mode.RATIO, Mode.PREDICTIVE})


class Guarantee(StrEnum):
    """How strictly the abandonment cap is held."""

    STATISTICAL = "statistical"  # the probability of ending a window above the cap stays small
    HARD = "hard"  # never a call that could breach the cap even if everything in flight were abandoned


@dataclass(frozen=True, slots=True)
class Settings:
    """The knobs of one campaign's pacing. Rates are fractions (0.03 is 3 %), times are seconds. `transfers`: in mode
    script, whether the script may ask for an agent."""

    mode: Mode = Mode.PREDICTIVE
    max_abandon_rate: float = 0.03
    guarantee: Guarantee = Guarantee.STATISTICAL
    abandon_after_s: float = 2.0
    ring_timeout_s: float = 25.0
    ratio: float = 1.5
    max_calls_per_agent: float = 8.0
    transfers: bool = False

    @property
    def needs_agents(self) -> bool:
        """Whether a call may come to need an agent."""
        return self.mode is not Mode.SCRIPT or self.transfers

    @property
    def can_abandon(self) -> bool:
        """Whether somebody may wait for an agent in vain although each call was covered, or meant not to be."""
        return self.mode.can_abandon or self.transfers


@dataclass(frozen=True, slots=True)
class Ledger:
    """Live answers and abandoned calls of one counting window so far.

    `answered` counts every call that a person answered, the abandoned ones included; it is the denominator.
    """

    answered: int = 0
    abandoned: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """A further counting window, with a cap of its own. `name` is for the sentence: `the last hour`."""

    name: str
    cap: float
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One campaign at one instant. Ages are seconds since the state began; `now` is seconds from any origin.

    `ringing_age_s` holds every call that was allowed and has no answer yet, the ones on their way to the trunk
    included: they are all charged. `waiting_age_s` holds answered calls that have no agent yet. Agents whose phone is
    being rung for an answered call count as talking, with age 0. A busy agent who will pause or leave when done counts
    as paused. In mode script calls in the script are ringing, too, as they may still need an agent: `in_script` is how
    many of the ringing they are.

    `ledger` is the counting window that the campaign's cap is about, `windows` are further ones. `ringing_trunk` names
    the trunk of every ringing call in the same order (empty: not told apart), `next_trunk` the one that the next call
    would take. `hour` is the callees' hour of the day, -1 if unknown. `staffed_s` is how long agents are still there:
    a call answered later finds nobody.
    """

    now: float
    ready: int
    talking_age_s: Ages
    wrapup_age_s: Ages
    paused: int
    ringing_age_s: Ages
    waiting_age_s: Ages
    lines_free: int
    leads_available: int
    ledger: Ledger
    windows: tuple[Window, ...] = ()
    ringing_trunk: tuple[str, ...] = ()
    next_trunk: str = ""
    hour: int = -1
    staffed_s: float = math.inf
    in_script: int = 0

    @property
    def agents(self) -> int:
        """Agents who are working: ready, talking or wrapping up."""
        return self.ready + len(self.talking_age_s) + len(self.wrapup_age_s)


class Rule(StrEnum):
    """What a number was decided by."""

    NONE = "none"  # nothing was decided yet
    PREVIEW = "preview"
    PROGRESSIVE = "progressive"
    LEARNING = "learning"  # predictive, and progressive until enough is known
    LATE = "late"  # predictive, and progressive because the forecast was late
    RATIO = "ratio"
    PREDICTIVE = "predictive"
    SCRIPT = "script"
    OTHER = "other"  # a policy that is not ours; it has a text of its own


class Brake(StrEnum):
    """What held a number down."""

    NO_AGENT = "no_agent"  # no agent is working
    SHIFT_END = "shift_end"  # the agents leave before the next call could be answered
    NO_LEAD = "no_lead"  # no more leads are due
    NO_LINE = "no_line"  # no more lines are free
    CALLS_PER_AGENT = "calls_per_agent"  # the setting of calls in flight for each agent
    RISK = "risk"  # the risk of the next call is more than is tolerated
    EXPOSURE = "exposure"  # as many calls are in flight as may be answered without breaking the budget
    GROWTH = "growth"  # calls in flight may not grow faster
    BUDGET = "budget"  # the abandonment budget is spent
    GUARANTEE = "guarantee"  # the hard guarantee


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a decision is what it is, as data. `dialer.language.decisions` makes one sentence of it.

    `figures` are numbers by name, units last (`FIGURES` there says which and what they mean). `window` is the name of
    the counting window that the figures of the abandonment budget are about, empty for the campaign's own. `text` is
    for policies that are not ours.
    """

    rule: Rule
    brake: Brake | None = None
    figures: Mapping[str, float] = field(default_factory=dict)
    window: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """`dial`: how many calls to start now; `reason`: why, as data.

    `risk` is the estimated probability that the next call, were it started, would be answered and find no agent in
    time; None where the policy does not estimate it.
    """

    dial: int
    reason: Reason = Reason(Rule.NONE)
    risk: float | None = None


NOT_ASKED: Final = Decision(0)
"""Nothing was decided yet."""


# --- observations: what happened since the last decision ---------------------------------------------------------


class AnswerKind(StrEnum):
    """Who answered a call, as far as anybody can tell."""

    PERSON = "person"
    MACHINE = "machine"  # voicemail, an answering machine, an operator's announcement
    UNKNOWN = "unknown"  # counted as a person


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """Somebody or something answered `ring_s` after the INVITE. Both take an agent; the ledger counts people."""

    at: float
    ring_s: float
    trunk: str = ""
    kind: AnswerKind = AnswerKind.UNKNOWN


@dataclass(frozen=True, slots=True)
class AnswerCorrected:
    """It has turned out who answered a call: the answer at `answered_at`, taken for `was` until now, was of `kind`."""

    at: float
    answered_at: float
    ring_s: float
    was: AnswerKind
    kind: AnswerKind
    trunk: str = ""


@dataclass(frozen=True, slots=True)
class CallFailed:
    """A call ended without an answer `ring_s` after the INVITE."""

    at: float
    ring_s: float
    trunk: str = ""


@dataclass(frozen=True, slots=True)
class TalkEnded:
    """An agent's talk of `talk_s` is over."""

    at: float
    talk_s: float


@dataclass(frozen=True, slots=True)
class WrapupEnded:
    """An agent is ready again after `wrapup_s` of wrap-up."""

    at: float
    wrapup_s: float


@dataclass(frozen=True, slots=True)
class CallAbandoned:
    """An answered call got no agent in time."""

    at: float


@dataclass(frozen=True, slots=True)
class ScriptEnded:
    """A callee is through with the script, or asked for an agent."""

    at: float
    wanted_agent: bool


Observation = CallAnswered | AnswerCorrected | CallFailed | TalkEnded | WrapupEnded | CallAbandoned | ScriptEnded


Memory = Mapping[str, object]
"""What a pacer needs to go on where another one was: numbers, lists of numbers and maps of them, by name."""


class Pacer(Protocol):
    """Decides for one campaign. Deterministic for the same settings and the same sequence of steps."""

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Take in what happened, in order of time, and decide. Never raises for a valid snapshot."""
        ...

    def learnt(self) -> dict[str, float]:
        """What the pacer has learnt, by name with the unit last, for people."""
        ...

    def memory(self) -> Memory:
        """What `pacing.policies.make` needs to go on from here, after a restart or a change of settings; plain data."""
        ...


class Forgetful:
    """What is the same of all pacers that keep nothing from one run to the next, and of those that learn nothing."""

    def learnt(self) -> dict[str, float]:
        """Nothing."""
        return {}

    def memory(self) -> Memory:
        """Nothing."""
        return {}
