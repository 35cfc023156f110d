"""The books of a disturbed floor: what the CRM heard against what the carrier counted. Nobody asks a daemon."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from dialer.core.model import Disposition
from dialer.store.settlement.recovery import open_attempts
from tests.chaos.floor import CAMPAIGN, CAP, Floor, number

IN_DOUBT: Final = frozenset({Disposition.UNKNOWN, Disposition.WORKER_LOST})
"""Ends of which nobody knows whether the INVITE had left."""


@dataclass(frozen=True, slots=True)
class Audit:
    """`attempts` that the CRM heard of; `unknown` are those whose end nobody saw. The rest are faults, each with up to
    five examples."""

    attempts: int
    invites: int
    unknown: int
    contradicted: tuple[str, ...]
    left_open: tuple[str, ...]
    dialled_unheard: tuple[str, ...]
    heard_undialled: tuple[str, ...]
    over_cap: tuple[str, ...]
    leads_lost: int

    def faults(self, *, witnesses_died: bool) -> list[str]:
        """What is wrong, in words. An end that nobody knows is a fault unless a daemon was killed."""
        lists = {
            "two dispositions, and no correction": self.contradicted,
            "no disposition": self.left_open,
            "more INVITEs than dispositions": self.dialled_unheard,
            "more dispositions than INVITEs": self.heard_undialled,
            f"dialled more than {CAP} times": self.over_cap,
        }
        said = [f"{what}: {len(which)}, such as {', '.join(which[:5])}" for what, which in lists.items() if which]
        if self.unknown and not witnesses_died:
            said.append(f"unknown although somebody saw the end: {self.unknown}")
        return said + [f"leads in no place: {self.leads_lost}"] * bool(self.leads_lost)


def audit(floor: Floor) -> Audit:
    """Check the books of a floor whose daemons have ended."""
    site = floor.site
    ends: dict[str, str] = {}
    called: dict[str, str] = {}
    contradicted = set()
    for event in site.ends(CAMPAIGN):
        kind, before = event.data["disposition"], ends.get(event.id)
        if before not in (None, kind, event.data["corrects"]):
            contradicted.add(event.id)
        ends[event.id] = kind
        called[event.id] = number(int(str(event.data["lead_id"]).rpartition("-")[2]))
    by_number: dict[str, Counter[str]] = {}
    for attempt, kind in ends.items():
        by_number.setdefault(called[attempt], Counter())[kind] += 1
    carrier = floor.carrier.stop().carrier
    invites = {f"+{user.removeprefix('+')}": times for user, times in carrier.users.items()}
    unheard, undialled = _compared(invites, by_number)
    counts = site.counts(CAMPAIGN)
    known = counts.standing.closed + counts.due + counts.standing.waiting + counts.standing.leased + counts.in_attempt
    return Audit(
        attempts=len(ends),
        invites=carrier.invites,
        unknown=sum(kind == Disposition.UNKNOWN for kind in ends.values()),
        contradicted=tuple(sorted(contradicted)),
        left_open=tuple(sorted(attempt.attempt for attempt in open_attempts(site.store, CAMPAIGN))),
        dialled_unheard=unheard,
        heard_undialled=undialled,
        over_cap=tuple(sorted(who for who, times in invites.items() if times > CAP)),
        leads_lost=counts.accepted - known,
    )


def _compared(invites: dict[str, int], by_number: dict[str, Counter[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Numbers with more INVITEs than dispositions, and with fewer than the dispositions that are in no doubt."""
    unheard, undialled = [], []
    for who in sorted({*invites, *by_number}):
        kinds = by_number.get(who, Counter())
        sent = kinds.total() - kinds[Disposition.NOT_SENT]
        sure = sent - sum(kinds[kind] for kind in IN_DOUBT)
        if invites.get(who, 0) > sent:
            unheard.append(who)
        elif invites.get(who, 0) < sure:
            undialled.append(who)
    return tuple(unheard), tuple(undialled)
