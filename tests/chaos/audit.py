"""The books of a disturbed floor: what the CRM heard against what the carrier counted. Nobody asks a daemon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from stat import S_IRWXG, S_IRWXO
from typing import Any, Final

from dialer.core.model import Disposition
from dialer.disk.recordings import index, talks
from dialer.shell.recordings.troubles import FAILED
from dialer.store.settlement.recovery import open_attempts
from tests.chaos.archive import archived, archiving
from tests.chaos.floor import CAP, FIRST, Floor, number
from tests.chaos.plan import CAMPAIGN

LONGEST_CALL_S: Final = 120.0
ARCHIVED_LIMIT_S: Final = 40.0
LIVE: Final = "live"
"""The folder, beside the days, of talks that are not recordings yet."""

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
    dialled_twice: tuple[str, ...]
    leads_lost: int
    recordings: int = 0
    recordings_astray: tuple[str, ...] = ()
    unarchived: tuple[str, ...] = ()
    words_lost: tuple[str, ...] = ()

    @property
    def wrong(self) -> int:
        """Ends that are missing, that contradict another, or that nobody was dialled for."""
        lists = (self.contradicted, self.left_open, self.heard_undialled, self.words_lost, self.unarchived)
        return sum(map(len, lists)) + max(0, self.leads_lost)

    def faults(self, *, witnesses_died: bool) -> list[str]:
        """What is wrong, in words. An end that nobody knows is a fault unless a daemon was killed."""
        lists = {
            "two dispositions, and no correction": self.contradicted,
            "no disposition": self.left_open,
            "more INVITEs than dispositions": self.dialled_unheard,
            "more dispositions than INVITEs": self.heard_undialled,
            f"dialled more than {CAP} times": self.over_cap,
            "the CRM's word is gone": self.words_lost,
            "dialled again although the lead was closed, or in a call": self.dialled_twice,
            "not in the archive, or twice": self.unarchived,
            "recordings set aside, in no index, or readable by others": self.recordings_astray,
        }
        said = [f"{what}: {len(which)}, such as {', '.join(which[:5])}" for what, which in lists.items() if which]
        if self.unknown and not witnesses_died:
            said.append(f"unknown although somebody saw the end: {self.unknown}")
        return said + [f"leads in no place: {self.leads_lost}"] * bool(self.leads_lost)


def audit(floor: Floor) -> Audit:
    """Check the books of a floor whose daemons have ended."""
    site = floor.site
    ends: dict[str, str] = {}
    last: dict[str, Mapping[str, Any]] = {}
    called: dict[str, str] = {}
    contradicted = set()
    for event in site.ends(CAMPAIGN):
        kind, before = event.data["disposition"], ends.get(event.id)
        if before not in (None, kind, event.data["corrects"]):
            contradicted.add(event.id)
        ends[event.id] = kind
        last[event.id] = event.data
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
        dialled_twice=_dialled_twice(last.values(), floor.emptied_at, floor.skewed),
        leads_lost=counts.accepted - known,
        recordings=sum(len(_listed(folder)) for folder in _recordings(floor)),
        recordings_astray=tuple(astray for folder in _recordings(floor) for astray in _astray(folder)),
        unarchived=_unarchived(floor, ends),
        words_lost=floor.words.gone(site.store, max(floor.emptied_at, default=0.0)),
    )


def _unarchived(floor: Floor, ends: Iterable[str]) -> tuple[str, ...]:
    """Attempts that the CRM was told of and the archive has not, or has more than once. It may be some seconds late."""
    if not floor.plan.full:
        return ()
    wanted = Counter(ends)

    def missing() -> Counter[str]:
        there = archived(floor.site)
        return (Counter(dict.fromkeys(wanted, 1)) - there) + (there - Counter(dict.fromkeys(there, 1)))

    with suppress(AssertionError), archiving(floor.site, FIRST):
        floor.site.until(lambda: not missing(), "everything is archived", ARCHIVED_LIMIT_S)
    return tuple(sorted(missing()))


def _recordings(floor: Floor) -> list[Path]:
    """The folders in which hosts have recordings."""
    return sorted(floor.site.folder.glob("host-*/recordings"))


def _listed(folder: Path) -> set[str]:
    return {row.file for row in index.all_rows(folder)}


def _astray(folder: Path) -> Iterator[str]:
    """Recordings that are not in the index, talks that could not be finished, files that others may read. One whose
    talk is still there is no fault: a stop waits some seconds for the last ones, and the next start does them again."""
    listed = _listed(folder) | {f"{name}{index.PLAIN}" for name in talks.names(folder / LIVE)}
    yield from (str(path) for path in folder.rglob("*.opus") if path.name not in listed)
    yield from (str(folder / FAILED / name) for name in talks.names(folder / FAILED))
    yield from (str(path) for path in folder.rglob("*") if path.stat().st_mode & (S_IRWXG | S_IRWXO))


def _dialled_twice(
    ends: Iterable[Mapping[str, Any]], emptied_at: Sequence[float], skewed: Sequence[tuple[float, float]]
) -> tuple[str, ...]:
    """Leads that were dialled although an earlier attempt had closed them, or was still going on. Where the server lost
    everything in between and the CRM sent them again, it had to be so; and where a clock was wrong meanwhile, nobody
    can say by the times which call was first."""
    by_lead: dict[str, list[Mapping[str, Any]]] = {}
    for end in ends:
        if end["disposition"] != Disposition.NOT_SENT:
            by_lead.setdefault(end["lead_id"], []).append(end)
    twice = set()
    for lead, attempts in by_lead.items():
        attempts.sort(key=lambda end: float(end["reserved_at"]))
        for before, after in pairwise(attempts):
            again = any(before["reserved_at"] < at < after["reserved_at"] for at in emptied_at)
            again |= any(_is_skewed(end, spans) for end in (before, after) for spans in skewed)
            open_still = before["disposition"] not in IN_DOUBT and after["reserved_at"] < before["ended_at"]
            if not again and (before["next"] == "close" or open_still):
                twice.add(lead)
    return tuple(sorted(twice))


def _is_skewed(end: Mapping[str, Any], span: tuple[float, float]) -> bool:
    """Whether a time of it may be by a clock that was wrong: it lies within that time, or where no call was."""
    began, right_again = span
    times = [float(end[name]) for name in ("reserved_at", "ended_at")]
    return (
        any(began <= at <= right_again for at in times) or times[1] - times[0] > LONGEST_CALL_S or times[1] < times[0]
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
