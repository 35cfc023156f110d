"""The books: what the list, the store, the CRM and the carrier counted, held against each other. Pure.

Nobody's own word is enough: each line compares two sides that do not know each other's counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from dialer.core.model import Disposition

IN_DOUBT: Final = frozenset({Disposition.WORKER_LOST, Disposition.UNKNOWN})
"""Ends of attempts of which nobody can say whether an INVITE had left."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What every side counted.

    `expected_rejects` and `rejects` are the stream entries that had to come back and those that did. `dispositions`
    is the store's count by kind, `heard` what the CRM heard: attempt -> disposition. `contradictions` are attempts of
    which the CRM heard two different ends. `dialled` is the carrier's count of INVITEs by number, `forbidden` has the
    numbers that no call may reach. `talks` are the attempts of which the CRM heard that they were connected, while they
    went on. `archived` is the archive's count of attempts by kind. `outcomes_waiting` is what the CRM sent after the
    dialer had stopped listening.
    """

    sent: int
    accepted: int
    rejected: int
    queued: int
    due: int
    waiting: int
    closed: int
    leased: int
    in_attempt: int
    expected_rejects: frozenset[str]
    rejects: frozenset[str]
    dispositions: Mapping[str, int]
    heard: Mapping[str, str]
    contradictions: int
    talks: frozenset[str]
    outcomes_sent: int
    outcomes_kept: int
    outcomes_waiting: int
    archived: Mapping[str, int] = field(default_factory=dict)
    dialled: Mapping[str, int] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()
    most_per_number: int = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the books: whether it balances, and the figures on both sides in words."""

    balances: bool
    text: str


def balance(counts: Counts) -> tuple[Line, ...]:
    """Every line of the books, in the order in which a lead passes them."""
    return (
        _intake(counts),
        _rejects(counts),
        _leads(counts),
        _open_ends(counts),
        _one_end_each(counts),
        _archive(counts),
        _talks(counts),
        _outcomes(counts),
        _invites(counts),
        _caps(counts),
        _forbidden(counts),
    )


def _intake(counts: Counts) -> Line:
    taken = counts.accepted + counts.rejected + counts.queued
    waiting = f" + {counts.queued:,} not looked at yet" if counts.queued else ""
    return Line(
        counts.sent == taken,
        f"leads sent {counts.sent:,} = accepted {counts.accepted:,} + rejected {counts.rejected:,}{waiting}",
    )


def _rejects(counts: Counts) -> Line:
    missing, surplus = counts.expected_rejects - counts.rejects, counts.rejects - counts.expected_rejects
    text = f"bad rows in the list {len(counts.expected_rejects):,} = rows given back {len(counts.rejects):,}"
    wrong = f"; bad rows accepted {len(missing)}, good rows rejected {len(surplus)}"
    return Line(not (missing or surplus), text + (wrong if missing or surplus else ""))


def _leads(counts: Counts) -> Line:
    known = counts.closed + counts.due + counts.waiting + counts.leased + counts.in_attempt
    return Line(
        counts.accepted == known,
        f"accepted {counts.accepted:,} = closed {counts.closed:,} + due {counts.due:,} "
        f"+ waiting for their time {counts.waiting:,}",
    )


def _open_ends(counts: Counts) -> Line:
    return Line(
        not counts.leased and not counts.in_attempt and not counts.queued,
        f"nothing is left open: leads on lease {counts.leased}, attempts without an end {counts.in_attempt}",
    )


def _one_end_each(counts: Counts) -> Line:
    ended = sum(counts.dispositions.values())
    by_kind: dict[str, int] = {}
    for kind in counts.heard.values():
        by_kind[kind] = by_kind.get(kind, 0) + 1
    text = f"attempts ended {ended:,} = dispositions that the CRM heard, one each {len(counts.heard):,}"
    wrong = []
    if counts.contradictions:
        wrong.append(f"attempts with two different ends {counts.contradictions}")
    if ended == len(counts.heard) and by_kind != _without_zeros(counts.dispositions):
        wrong.append(f"but of other kinds: {_kinds(counts.dispositions)} against {_kinds(by_kind)}")
    return Line(ended == len(counts.heard) and not wrong, "; ".join([text, *wrong]))


def _archive(counts: Counts) -> Line:
    ended, archived = _without_zeros(counts.dispositions), _without_zeros(counts.archived)
    text = f"attempts ended {sum(ended.values()):,} = attempts in the archive, one each {sum(archived.values()):,}"
    return Line(ended == archived, text if ended == archived else f"{text}; {_kinds(ended)} against {_kinds(archived)}")


def _without_zeros(counts: Mapping[str, int]) -> dict[str, int]:
    return {kind: count for kind, count in counts.items() if count}


def _kinds(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(_without_zeros(counts).items()))


def _talks(counts: Counts) -> Line:
    began = {attempt for attempt in counts.talks if counts.heard.get(attempt) not in IN_DOUBT}
    ended = {attempt for attempt, kind in counts.heard.items() if kind == Disposition.CONNECTED}
    return Line(
        began == ended, f"talks that the CRM saw begin {len(began):,} = attempts that ended as connected {len(ended):,}"
    )


def _outcomes(counts: Counts) -> Line:
    return Line(
        counts.outcomes_sent == counts.outcomes_kept + counts.outcomes_waiting,
        f"agents' outcomes sent {counts.outcomes_sent:,} = kept {counts.outcomes_kept:,} "
        f"+ waiting for the next start {counts.outcomes_waiting:,}",
    )


def _invites(counts: Counts) -> Line:
    invites = sum(counts.dialled.values())
    left = sum(count for kind, count in counts.dispositions.items() if kind != Disposition.NOT_SENT)
    doubtful = sum(counts.dispositions.get(kind, 0) for kind in IN_DOUBT)
    doubt = f", {doubtful} of them in doubt" if doubtful else ""
    return Line(
        left - doubtful <= invites <= left,
        f"INVITEs that the carrier got {invites:,} = attempts that left the dialer {left:,}{doubt}",
    )


def _caps(counts: Counts) -> Line:
    most = max(counts.dialled.values(), default=0)
    over = sum(times > counts.most_per_number for times in counts.dialled.values())
    text = f"no number dialled more than {counts.most_per_number} times: most {most}"
    return Line(not over, f"{text}; numbers over it {over}" if over else text)


def _forbidden(counts: Counts) -> Line:
    reached = sum(number in counts.forbidden for number in counts.dialled)
    return Line(
        not reached,
        f"numbers that no call may reach now (no-call list, cap, hours) {len(counts.forbidden):,}, called {reached}",
    )
