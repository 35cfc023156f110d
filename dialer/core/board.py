"""What a daemon shows of itself twice a second: the source of `dialer status`, `dialer watch`, the console, the demo
and the metrics.

Plain data, so that every screen and every gauge says the same. Times ending in `_at` and `since` are seconds since the
epoch. No clear phone number of a callee is ever in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar, Final

from pydantic import TypeAdapter

from config.abandonment import AbandonmentSettings, Machines
from dialer.core.abandonment.rate import ledger_of, without_machines
from dialer.core.abandonment.windows import WindowCounts, calls_left
from dialer.core.call_quality import NO_CALLS, CallFigures
from dialer.language.phrases import from_wire as phrase_from_wire
from dialer.language.phrases import made_of, phrase
from pacing.api import NOT_ASKED, Decision, Reason


@dataclass(frozen=True, slots=True)
class Delay:
    """A delay's median, 99th percentile and maximum over the newest samples, in milliseconds."""

    samples: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Trend:
    """The last hour in stretches of `STEP_S` seconds, the oldest first: attempts that ended, those among them that a
    person answered, and those that were abandoned."""

    STEP_S: ClassVar[float] = 300.0
    STEPS: ClassVar[int] = 12

    ended: tuple[int, ...] = ()
    live: tuple[int, ...] = ()
    abandoned: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TrunkRow:
    """One trunk. `resting_s` is how long no call goes there by its own doing, `why` says why it rests, in words, or why
    nobody may use it for as long as that is so (`resting_s` 0). `quality` is of its newest attempts; `ended`,
    `answered` and `short` count all since the start."""

    name: str
    calls: int
    max_calls: int
    starts_last_second: int
    max_cps: float
    faults: int
    resting_s: float
    why: str = ""
    priority: int = 5
    weight: int = 0
    quality: CallFigures = NO_CALLS
    ended: Mapping[str, int] = field(default_factory=dict)
    answered: int = 0
    short: int = 0


@dataclass(frozen=True, slots=True)
class CallerIdRow:
    """A number that calls of this host have shown, and how they went; see `TrunkRow`."""

    caller_id: str
    quality: CallFigures
    ended: Mapping[str, int]
    answered: int
    short: int


@dataclass(frozen=True, slots=True)
class ReaderRow:
    """One registered reader of the CRM's events, over all hosts. `behind_s` is the age of the oldest event that it has
    not acknowledged; `lost` events went before it read them."""

    name: str
    unread: int
    behind_s: float
    lost: int = 0


@dataclass(frozen=True, slots=True)
class RecordingsRow:
    """Recordings of this host. Talks that are over and `waiting` to become one, and those `set_aside` because they
    could not; since the start those `made`, tries that `failed` and audio that is missing. `free_mb` is the room for
    more: 0 where nothing can be recorded, None where nobody records."""

    waiting: int = 0
    set_aside: int = 0
    made: int = 0
    failed: int = 0
    missing_s: float = 0.0
    free_mb: float | None = None


@dataclass(slots=True)
class AgentRow:
    """One agent of this host. `campaign` is the one of the call the agent is on or of the lead on offer, else the
    first of the login. `talks`, `talk_s`, `first_talk_at` and `outcomes` (by name) are of today, over all campaigns
    and hosts."""

    agent: str
    team: str
    state: str
    since: float
    reason: str
    campaign: str
    name: str = ""
    pending: str = ""  # what follows the call
    logged_in_at: float = 0.0
    talks: int = 0
    talk_s: float = 0.0
    first_talk_at: float | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class CallRow:
    """One call on the line. `phone` is masked; `agent` who is rung, talks, or waits for it. Times are seconds since the
    epoch, None: it has not come to that."""

    attempt_id: str
    campaign: str
    lead_id: str
    phone: str
    state: str
    started_at: float
    answered_at: float | None
    bridged_at: float | None
    agent: str
    trunk: str
    inbound: bool = False


@dataclass(frozen=True, slots=True)
class PartyRow:
    """One third party to a talk, or who was one a moment ago. `purpose` and `state` are `Purpose` and `PartyState`
    (`dialer.core.talks.party`), `mode` is a `Voice`; `to` is the phone or agent that is rung, as it may be shown,
    `since` (seconds since the epoch) when the state began, `reason` why it ended."""

    party: str
    purpose: str
    who: str
    to: str
    agent: str
    attempt_id: str
    mode: str
    state: str
    since: float
    reason: str


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One counting window of the abandonment cap, over all hosts. `label` names it for programs, `name` for people.

    `answered` are calls answered by a person, the abandoned ones included and the `machines` not: those are answers
    that agents said machines gave.
    """

    label: str
    name: str
    cap: float
    answered: int
    abandoned: int
    machines: int = 0

    @property
    def rate(self) -> float:
        """Abandoned among live answers, as a fraction."""
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def used(self) -> float:
        """The rate as a share of the cap; 1 is at the cap."""
        return self.rate / self.cap if self.cap else 0.0

    @property
    def left(self) -> int:
        """How many calls could be abandoned on end before the cap is broken."""
        return calls_left(self.cap, self.answered, self.abandoned)

    @property
    def without_machines(self) -> float:
        """The abandoned calls less an estimate of those that a machine answered; for information, not for control."""
        return without_machines(self.abandoned, self.answered - self.abandoned, self.machines)

    def to_wire(self) -> dict[str, Any]:
        """As plain data, with what follows from it."""
        figures = {"rate": self.rate, "left": self.left, "without_machines": round(self.without_machines, 2)}
        return {**asdict(self), **figures}


def row_of(counts: WindowCounts, definition: AbandonmentSettings) -> WindowRow:
    """A counting window by a campaign's definition. Machines that it took off are left out."""
    window, ledger = counts.window, ledger_of(counts.answers, definition)
    machines = 0 if definition.machines is Machines.ESTIMATE else counts.others.machines
    return WindowRow(window.label, window.name, window.cap, ledger.answered, ledger.abandoned, machines)


@dataclass(slots=True)
class CampaignRow:
    """One campaign on this host, counted since the daemon's start unless it says otherwise. The engine begins it, and
    whoever counts completes it.

    `sentence` is the pacer's reason of the moment in words, `decision` the same as data; `problem` says why the
    daemon does not run a campaign that the operator has started. `next` is the last word on its leads
    (`standing.last_word`), `finished` whether none is left to dial, `overdue` how many promised callbacks are late;
    every host says the same. `callers` counts calls from outside by how they ended. `causes` counts ends as
    the SIP side classified them, `decisions` the pacer's. `answered` and `abandoned` are today's ledger over all
    hosts, `windows` the counting windows with a cap, in order. `calls` counts calls by state, `agents` agents by
    state.
    """

    name: str
    state: str
    mode: str
    sentence: str
    max_abandon_rate: float
    leads_held: int
    answered: int
    abandoned: int
    problem: str = ""
    risk: float | None = None
    due: int = 0
    waiting: int = 0
    overdue: int = 0
    attempts: int = 0
    agents: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, int] = field(default_factory=dict)
    dispositions: Mapping[str, int] = field(default_factory=dict)
    refusals: Mapping[str, int] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)
    judged: Mapping[str, int] = field(default_factory=dict)  # verdicts on who answered
    checked: Mapping[str, int] = field(default_factory=dict)  # of machines among them: what agents said they were
    callers: Mapping[str, int] = field(default_factory=dict)
    decisions: int = 0
    hand_over: Delay = Delay()  # answer -> INVITE to the agent's phone
    answer_to_agent: Delay = Delay()  # answer -> both hear each other
    decided_at: float = 0.0  # when the pacer said its sentence
    windows: tuple[WindowRow, ...] = ()
    next: str = ""
    finished: bool = False
    decision: Decision = NOT_ASKED
    trend: Trend = Trend()

    @property
    def abandon_rate(self) -> float:
        """Abandoned among live answers today, as a fraction."""
        return self.abandoned / self.answered if self.answered else 0.0

    @property
    def capped(self) -> tuple[WindowRow, ...]:
        """The counting windows; today alone, where none is known yet."""
        return self.windows or (
            WindowRow("calendar_day", phrase("today"), self.max_abandon_rate, self.answered, self.abandoned),
        )


NO_RECORDINGS: Final = RecordingsRow()


@dataclass(frozen=True, slots=True)
class Board:
    """One host. `agent_s` is agents' time by state in seconds since the start; `problems` are alarms in words, `about`
    what each is about, `no_new_calls` those of them for which it starts no call. `refused_callers` counts calls from
    outside that were sent away, by SIP code. `phrases` says how its sentences were made, by their English texts, where
    the board goes to another process (`published`)."""

    host: str
    version: str
    at: float
    started_at: float
    state: str
    redis_healthy: bool
    spooled: int
    lines_used: int
    lines_total: int
    workers: int
    worker_restarts: int
    pacing_late: int
    anomalies: int
    problems: tuple[str, ...] = ()
    no_new_calls: tuple[str, ...] = ()
    trunks: tuple[TrunkRow, ...] = ()
    caller_ids: tuple[CallerIdRow, ...] = ()
    campaigns: tuple[CampaignRow, ...] = ()
    agents: tuple[AgentRow, ...] = ()
    agent_s: Mapping[str, float] = field(default_factory=dict)
    readers: tuple[ReaderRow, ...] = ()
    about: tuple[str, ...] = ()
    recordings: RecordingsRow = NO_RECORDINGS
    refused_callers: Mapping[str, int] = field(default_factory=dict)
    phrases: Mapping[str, Any] = field(default_factory=dict)

    @property
    def utilisation(self) -> float:
        """(talk + wrap-up) / (logged - pause), as a fraction; deciding on a lead and ringing count as neither."""
        busy_s = self.agent_s.get("talking", 0.0) + self.agent_s.get("wrapup", 0.0)
        present_s = busy_s + sum(self.agent_s.get(state, 0.0) for state in ("ready", "preview", "dialling", "ringing"))
        return busy_s / present_s if present_s else 0.0

    def to_wire(self) -> dict[str, Any]:
        """As plain data: what `dataclasses.asdict` gives, without a copy of each value, which nobody changes."""
        plain: dict[str, Any] = _plain(self)
        return plain


def _plain(value: Any) -> Any:
    names = _FIELDS.get(type(value))
    if names is not None:
        return {name: _plain(getattr(value, name)) for name in names}
    return tuple([_plain(item) for item in value]) if isinstance(value, tuple) else value


_FIELDS: Final = {
    row: tuple(field.name for field in fields(row))
    for row in (
        *(Board, TrunkRow, CallerIdRow, CallFigures, CampaignRow, AgentRow, ReaderRow, RecordingsRow, WindowRow),
        *(Delay, Trend, Decision, Reason),
    )
}


_ADAPTER = TypeAdapter(Board)


def from_wire(data: Mapping[str, Any]) -> Board:
    """The way back. Raises `ValueError` for data of another version of the product."""
    board = _ADAPTER.validate_python(data)
    phrases = board.phrases
    if not phrases:
        return board
    return with_sentences(replace(board, phrases={}), lambda text: phrase_from_wire(text, phrases.get(text)))


def published(board: Board) -> dict[str, Any]:
    """A board for other processes, with how its sentences were made."""
    sentences: list[str] = []

    def note(text: str) -> str:
        sentences.append(text)
        return text

    with_sentences(board, note)
    return {**board.to_wire(), "phrases": made_of(sentences)}


def with_sentences(board: Board, said: Callable[[str], str]) -> Board:
    """The same board with each of its sentences as `said` has it, such as in another language."""
    trunks = [replace(trunk, why=said(trunk.why)) if trunk.why else trunk for trunk in board.trunks]
    return replace(
        board,
        problems=tuple(map(said, board.problems)),
        no_new_calls=tuple(map(said, board.no_new_calls)),
        trunks=tuple(trunks),
        campaigns=tuple([_campaign_with_sentences(row, said) for row in board.campaigns]),
        agents=tuple([_agent_with_sentences(row, said) for row in board.agents]),
    )


def _agent_with_sentences(row: AgentRow, said: Callable[[str], str]) -> AgentRow:
    reason = said(row.reason)
    return row if reason is row.reason else replace(row, reason=reason)  # there are many, and few have a sentence


def _campaign_with_sentences(row: CampaignRow, said: Callable[[str], str]) -> CampaignRow:
    windows = tuple([replace(window, name=said(window.name)) for window in row.windows])
    return replace(row, problem=said(row.problem), sentence=said(row.sentence), next=said(row.next), windows=windows)
