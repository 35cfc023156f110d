"""What came out of a demo: the figures that a manager asks for, and the books. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dialer.core.board import Board, Delay
from dialer.demo.books import Counts, Line, balance
from dialer.demo.crm import Crm
from dialer.demo.lead_list import NEVER_DIALLED, REJECTED, Row
from dialer.demo.scene import MOST_PER_NUMBER
from dialer.store.operators.status import Counts as StoreCounts
from sip.loopback.counts import SideReport


@dataclass(frozen=True, slots=True)
class Summary:
    """One demo. `utilisation` is of the dialling alone, because in the drain agents wait for nothing;
    `late_utilisation` is of its second half, when the pacer has learnt. `rejections` are rows by what was wrong with
    them, `refusals` leads by the rule that kept them from being called. `folder` is where the logs are, empty where
    they were thrown away.
    """

    attempts: int
    dispositions: Mapping[str, int]
    live_answers: int
    abandoned: int
    max_abandon_rate: float
    utilisation: float
    late_utilisation: float
    hand_over: Delay
    answer_to_agent: Delay
    refusals: Mapping[str, int]
    rejections: Mapping[str, int]
    outcomes: Mapping[str, int]
    refused_requests: Sequence[str]
    repeated_events: int
    anomalies: int
    late_decisions: int
    books: tuple[Line, ...]
    folder: str = ""

    @property
    def abandon_rate(self) -> float:
        """Abandoned calls among live answers, as a fraction."""
        return self.abandoned / self.live_answers if self.live_answers else 0.0

    @property
    def balances(self) -> bool:
        """Whether every line of the books does."""
        return all(line.balances for line in self.books)

    def with_folder(self, folder: str) -> Summary:
        """The same, with the place where the logs are kept."""
        return replace(self, folder=folder)


def sum_up(
    *,
    archived: Mapping[str, int],
    rows: Sequence[Row],
    crm: Crm,
    rejects: Mapping[str, Sequence[str]],
    requests_left: int,
    counts: StoreCounts,
    carrier: SideReport,
    halfway: Board,
    dialling: Board,
    last: Board,
) -> Summary:
    """Put everybody's counts together. `halfway` is the board in the middle of the dialling, `dialling` the one at its
    end, `last` the one after the drain; `rejects` are reasons by stream entry, `requests_left` is what nobody has read
    from `crm:in` yet, `archived` the attempts in the archive by disposition."""
    campaign = last.campaigns[0]
    books = Counts(
        sent=len(crm.sent),
        accepted=counts.accepted,
        rejected=counts.rejected,
        queued=counts.queued,
        due=counts.due,
        waiting=counts.waiting,
        closed=counts.closed,
        leased=counts.leased,
        in_attempt=counts.in_attempt,
        expected_rejects=frozenset(entry for entry, row in crm.sent.items() if row.kind in REJECTED),
        rejects=frozenset(rejects),
        dispositions=counts.dispositions,
        heard=crm.heard,
        archived=archived,
        contradictions=crm.contradictions,
        talks=frozenset(crm.talks),
        outcomes_sent=crm.outcomes.total(),
        outcomes_kept=sum(counts.outcomes.values()),
        outcomes_waiting=requests_left,
        dialled={f"+{number.removeprefix('+')}": times for number, times in carrier.users.items()},
        forbidden=frozenset(row.number for row in rows if row.kind in NEVER_DIALLED),
        most_per_number=MOST_PER_NUMBER,
    )
    return Summary(
        attempts=sum(counts.dispositions.values()),
        dispositions=counts.dispositions,
        live_answers=campaign.answered,
        abandoned=campaign.abandoned,
        max_abandon_rate=campaign.max_abandon_rate,
        utilisation=dialling.utilisation,
        late_utilisation=_since(halfway, dialling).utilisation,
        hand_over=campaign.hand_over,
        answer_to_agent=campaign.answer_to_agent,
        refusals=counts.refused_by,
        rejections=dict(Counter(crm.sent[entry].kind.value for entry in rejects if entry in crm.sent)),
        outcomes=dict(crm.outcomes),
        refused_requests=tuple(crm.refused),
        repeated_events=crm.repeats,
        anomalies=last.anomalies,
        late_decisions=last.pacing_late,
        books=balance(books),
    )


def _since(earlier: Board, later: Board) -> Board:
    """The later board with the agents' time since the earlier one alone."""
    return replace(
        later, agent_s={state: time_s - earlier.agent_s.get(state, 0.0) for state, time_s in later.agent_s.items()}
    )
