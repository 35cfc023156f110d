"""The archive against the ledger, the evidence and the stream: equal to the last call, or the difference is named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dialer.archive.rebuild import rebuild
from dialer.archive.sources import Sources
from dialer.core import evidence
from dialer.core.model import Disposition, Settlement
from dialer.disk.archive.sums import Period, Question, opened
from dialer.disk.evidence_log import EvidenceLog, open_evidence
from dialer.reports import verify
from dialer.reports.verify import Compared, Difference
from dialer.store.base.connection import Store, trip
from dialer.store.crm import inbox
from dialer.store.crm.requests import Outcome, Received
from dialer.store.settlement import settle
from tests.archive.conftest import KEY, Archive, Calls, archive, calls
from tests.reports.conftest import DAY, ZONE
from tests.store.conftest import NOW, OWNER, end, settings

__all__ = ["archive", "calls", "end", "settings"]


@dataclass
class Site:
    """A store, its evidence and its archive, through which calls go as they do in a daemon."""

    store: Store
    calls: Calls
    archive: Archive
    log: EvidenceLog
    words: int = 0

    def ends(self, ended: list[Settlement], owner: str = OWNER) -> None:
        """Evidence first, then the store; the archive reads when it is asked to."""
        ended = [replace(one, day=DAY.isoformat()) for one in ended]
        entries = [evidence.settlement(one, one.day, owner, bytes.fromhex(KEY), NOW) for one in ended]
        self.log.append(entries, opened_ms=int(NOW * 1000))
        settle.settle(self.store, ended, owner)

    def says(self, attempt: str, word: str) -> None:
        """What an agent says, on its way through the store and into the evidence."""
        self.words += 1
        at = NOW + 100 + self.words
        received = [Received(f"{at * 1000:.0f}-0", Outcome("spring", attempt, word))]
        self.log.append([evidence.outcome("spring", attempt, word, at)], opened_ms=int(NOW * 1000))
        inbox.apply(self.store, received, now=NOW)

    def compared(self, archive: Archive | None = None) -> dict[str, Compared]:
        """All comparisons of the day."""
        period, folder = Period(DAY, DAY), (archive or self.archive).folder
        with opened(folder, Question(period), ZONE) as connection:
            ours = verify.archived(connection)
            done = (
                verify.with_ledger(self.store, ours, period),
                verify.with_evidence([self.log.folder], ours, period),
                verify.with_stream(Sources(self.store).told(), connection, period),
            )
        return {one.source: one for one in done}

    def differences(self) -> list[Difference]:
        return [difference for one in self.compared().values() for difference in one.differences]


@pytest.fixture
def site(store: Store, calls: Calls, archive: Archive, tmp_path: Path) -> Iterator[Site]:
    log = open_evidence(
        tmp_path / "evidence",
        archive.key_file,
        host="a",
        version="1",
        segment_bytes=10**6,
        new_key=bytes.fromhex(KEY),
    )
    yield Site(store, calls, archive, log)
    log.close()


def a_day(site: Site) -> None:
    """Thirty calls: talks, abandoned ones, nobody; machines, a correction, events twice. Three people call back: one is
    served, one hears the message, and of the third nobody knows at first how it went."""
    calls = site.calls.settle(33, live=True)
    came = [replace(call, inbound=True, live=False, charged=False, dialled_at=None) for call in calls[30:]]
    missed = replace(came[1], disposition=Disposition.ABANDONED, agent="", bridged_at=None, message_played=True)
    lost_sight = replace(came[2], disposition=Disposition.UNKNOWN, agent="", reserved_at=came[2].reserved_at + 7200)
    calls = calls[:30]
    quiet = [replace(call, live=False, disposition=Disposition.NO_ANSWER, agent="") for call in calls[:10]]
    lost = [
        replace(one, abandoned=True, disposition=Disposition.ABANDONED, agent="", hung_up=place % 2 == 0)
        for place, one in enumerate(calls[10:16])
    ]
    unknown = [replace(call, live=False, disposition=Disposition.UNKNOWN, agent="") for call in calls[16:18]]
    site.ends([*quiet, *lost, *unknown, *calls[18:]])
    site.ends([came[0], missed, lost_sight])
    site.ends([calls[16], came[2]], owner="host-b:2")  # who saw them comes back
    site.says("A20", "machine")
    site.says("A21", "machine")
    site.says("A21", "sale")
    site.says("A22", "complaint")
    site.says("A30", "sale")
    site.calls.publish([*calls[18:20], came[0]])


def test_all_agree_to_the_last_call(site: Site) -> None:
    """Ledger, evidence and stream; nothing is compared with nothing."""
    a_day(site)
    site.archive.catch_up()

    compared = site.compared()

    assert site.differences() == []
    assert compared["stream"].figures == 33
    assert compared["ledger"].figures >= 4
    assert compared["evidence"].figures >= 6
    assert site.archive.inbound_calls() == {"A30": "connected", "A31": "not_served", "A32": "connected"}
    assert site.archive.attempts()["A16"] == "connected"


def test_an_attempt_that_is_missing_is_named(site: Site) -> None:
    """By the stream itself, by the evidence and the ledger through their counts."""
    a_day(site)
    site.archive.catch_up()
    path = next((site.archive.folder / "attempts").glob("date=*/*.parquet"))
    keep = f"SELECT * FROM read_parquet('{path}', hive_partitioning=false) WHERE attempt_id <> 'A25'"
    from dialer.disk.archive.tables import ATTEMPTS

    site.archive.writer.partitions._replace(ATTEMPTS, path, keep)

    differences = {
        (difference.source, difference.what): (difference.archive, difference.other)
        for difference in site.differences()
    }

    assert differences == {
        ("ledger", "answered"): ("17", "18"),
        ("evidence", "attempts"): ("29", "30"),
        ("evidence", "answered"): ("17", "18"),
        ("stream", "A25"): ("missing", "connected"),
    }


def test_what_is_not_archived_yet_is_a_difference_until_it_is(site: Site) -> None:
    """The writer is behind: the figures say so, and how much is to come."""
    a_day(site)

    assert site.differences() != []
    assert Sources(site.store).coming() > 0
    site.archive.catch_up()
    assert site.differences() == []


@pytest.mark.parametrize("with_streams", [True, False])
def test_an_archive_that_was_lost_is_rebuilt(site: Site, with_streams: bool) -> None:
    """From the streams, and from the evidence alone: every figure is what it was. A second time changes nothing."""
    a_day(site)
    site.archive.catch_up()
    for table in ("attempts", "inbound_calls"):
        for path in (site.archive.folder / table).rglob("*.parquet"):
            path.unlink()
    for path in (site.archive.folder / "outcomes").rglob("*.parquet"):
        path.write_bytes(b"PAR1 and nothing else")
    told = list(Sources(site.store).told())
    if not with_streams:
        for stream in (site.store.keys.crm_out(), site.store.keys.floor()):
            trip(site.store, [("XTRIM", stream, "MAXLEN", 0)])

    done = rebuild(site.archive.writer, [site.log.folder])
    before = sorted(site.archive.attempts().items()), sorted(site.archive.inbound_calls().items())
    rebuild(site.archive.writer, [site.log.folder])

    assert len(done.damaged) == 1
    assert (sorted(site.archive.attempts().items()), sorted(site.archive.inbound_calls().items())) == before
    assert site.differences() == []
    period = Period(DAY, DAY)
    with opened(site.archive.folder, Question(period), ZONE) as connection:
        assert verify.with_stream(told, connection, period).differences == []


@pytest.mark.parametrize("known_first", [Disposition.UNKNOWN, Disposition.CONNECTED])
def test_of_two_ends_in_different_hours_the_real_one_stays(site: Site, known_first: Disposition) -> None:
    """One host settled an attempt as unknown, another has on record how it ended, and from which hour on."""
    (real,) = site.calls.settle(1, live=True)
    unknown = replace(real, disposition=Disposition.UNKNOWN, live=False, reserved_at=real.reserved_at + 3600)
    streamed, recorded = (unknown, real) if known_first is Disposition.UNKNOWN else (real, unknown)
    site.calls.publish([streamed])
    site.archive.catch_up()
    record = evidence.settlement(recorded, DAY.isoformat(), OWNER, bytes.fromhex(KEY), NOW)
    site.log.append([record], opened_ms=int(NOW * 1000))

    rebuild(site.archive.writer, [site.log.folder])

    assert site.archive.attempts() == {"A0": "connected"}


def test_an_erased_person_does_not_come_back(site: Site) -> None:
    """What the evidence says of erasures holds for what is rebuilt from it."""
    a_day(site)
    (number,) = {one.lead.number for one in site.calls.made if one.attempt == "A5"}
    erased = evidence.erased("E1", [number], "", "anna", "letter", {}, bytes.fromhex(KEY), NOW)
    site.log.append([erased], opened_ms=int(NOW * 1000))

    rebuild(site.archive.writer, [site.log.folder])

    assert site.archive.rows("SELECT attempt_id FROM {attempts} WHERE lead_id IS NULL") == [("A5",)]
    assert site.differences() == []
