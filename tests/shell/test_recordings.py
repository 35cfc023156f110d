"""A daemon that records: what comes of its talks, also where it is killed in the middle of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compliance.evidence import read
from compliance.numbers import E164
from dialer.disk.evidence_files import lines, segments
from dialer.disk.recordings import index, talks
from dialer.disk.recordings.index import Row
from dialer.disk.recordings.opus import decoded
from dialer.store.privacy.erase import erase
from dialer.store.privacy.erasures import Erasure
from tests.shell.rig import Dialer, Rig, Site

QUICK = [f"+86139200000{i:02}" for i in range(3)]
CHATTY = [f"+86139200001{i:02}" for i in range(2)]


@pytest.fixture(scope="module")
def site(rig: Rig) -> Iterator[Site]:
    """An installation on both carriers."""
    with rig.site("recordings") as made:
        yield made


@pytest.fixture(scope="module")
def first(site: Site, rig: Rig) -> Dialer:
    """A daemon, and three talks of two seconds that it has recorded."""
    dialer = site.start()
    site.campaign("short", trunk="quick", recording={"mode": "all"})
    site.log_in(rig.quick, ["agent-1", "agent-2"], "short")
    site.leads("short", QUICK)
    site.until(lambda: len(site.events("recording")) == len(QUICK), "all talks are recorded")
    return dialer


def folder(dialer: Dialer) -> Path:
    return dialer.folder / "recordings"


def _size(talk: Path) -> int:
    """How much of a talk's callee is on disk."""
    return sum(path.stat().st_size for path in talk.glob("*.callee.wav"))


def rows(dialer: Dialer) -> dict[str, Row]:
    """The index, by attempt."""
    return {row.attempt: row for row in index.all_rows(folder(dialer))}


def on_record(dialer: Dialer, kind: str) -> list[dict[str, Any]]:
    """The evidence of a kind."""
    records = [read(line.raw) for line in lines(segments(dialer.folder / "evidence"))]
    return [dict(record.fields) for record in records if record is not None and record.kind == kind]


def test_every_talk_becomes_a_recording_of_its_length(site: Site, first: Dialer) -> None:
    """Event, index, evidence and file say the same; nothing is left of the files of the talk."""
    ends = {event.id: event.data for event in site.ends("short")}
    listed = rows(first)
    told = {event.id: event.data for event in site.events("recording")}
    proved = {fields["attempt"]: fields for fields in on_record(first, "recording")}
    assert ends.keys() == listed.keys() == told.keys() == proved.keys()
    for attempt, row in listed.items():
        data = index.path_of(folder(first), row).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        assert digest == row.sha256 == told[attempt]["sha256"] == proved[attempt]["sha256"]
        assert row.duration_s == pytest.approx(ends[attempt]["talk_s"], abs=0.4)
        assert row.missing_s == 0.0
        assert told[attempt]["duration_s"] == row.duration_s
        assert (row.agent, row.campaign, row.lead) == (ends[attempt]["agent"], "short", ends[attempt]["lead_id"])
        samples, hz = decoded(data)
        assert len(samples) / hz == pytest.approx(row.duration_s, abs=0.05)
    site.until(lambda: talks.names(folder(first) / "live") == [], "the talks' own files are gone")


def test_a_killed_daemon_loses_no_recording(site: Site, rig: Rig, first: Dialer) -> None:
    """SIGKILL in the middle of talks: the next run finds what there was, a pause included, and tells the CRM."""
    site.campaign("long", trunk="chatty", recording={"mode": "all"})
    site.log_in(rig.chatty, ["agent-3", "agent-4"], "long")
    site.leads("long", CHATTY)
    site.until(lambda: len(site.events("recording_state")) == len(QUICK) + 2, "both are recorded")
    paused_by = site.talks("long")[0].data["agent"]
    site.say(paused_by, "record_pause")
    site.until(lambda: site.events("recording_state")[-1].data["recording"] == "paused", "it is paused")
    site.say(paused_by, "record_resume")
    site.until(lambda: site.events("recording_state")[-1].data["recording"] == "on", "it goes on")
    states = site.events("recording_state")
    assert len({event.id for event in states}) == len(states)
    attempts = {event.id for event in site.talks("long")}
    assert set(talks.names(folder(first) / "live")) == attempts
    site.until(lambda: min(_size(folder(first) / "live" / name) for name in attempts) > 24_000, "something was said")
    first.kill()
    second = site.start()
    site.until(lambda: attempts <= {event.id for event in site.events("recording")}, "they are finished")
    for attempt in attempts:
        row = rows(second)[attempt]
        assert row.duration_s >= 1.5
        assert row.campaign == "long"
    assert rows(second)[site.talks("long")[0].id].paused_s > 0.0
    site.until(lambda: talks.names(folder(second) / "live") == [], "the talks' own files are gone")


def test_who_is_erased_is_heard_no_more(site: Site, first: Dialer) -> None:
    """The recording, its line in the index and every file of the person go, and that is on record."""
    dialer = site.daemons[-1]
    number = E164(QUICK[0])
    event = next(event for event in site.ends("short") if event.data["phone"] == str(number))
    ours = [row for row in rows(dialer).values() if row.phone == str(number)]
    assert event.id in {row.attempt for row in ours}
    lead = event.data["lead_id"]
    erasure = Erasure("e1", site_now(), "test", "asked", number, numbers=(number,))
    erase(site.store, erasure, ["short", "long"])
    gone = [row.attempt for row in rows(dialer).values() if row.lead == lead and row.campaign == "short"]
    site.until(lambda: not set(gone) & rows(dialer).keys(), "it is deleted")
    assert not [path for path in folder(dialer).rglob("*") if path.name.startswith(gone[0])]

    def purges() -> list[dict[str, Any]]:
        return [fields for fields in on_record(dialer, "purged") if fields["what"] == "recordings of who was erased"]

    site.until(purges, "that is on record")
    assert [(fields["campaign"], fields["count"]) for fields in purges()] == [("short", 1)]
    assert len(rows(dialer)) == len(QUICK) + len(CHATTY) - 1


def site_now() -> float:
    import time

    return time.time()


def test_a_stop_finishes_what_it_can(site: Site, rig: Rig) -> None:
    """A talk that is hung up at the end is a recording before the daemon has gone."""
    dialer = site.daemons[-1]
    site.log_in(rig.chatty, ["agent-3"], "long")
    site.leads("long", ["+8613920000121"])
    site.until(lambda: talks.names(folder(dialer) / "live"), "a talk is recorded")
    (attempt,) = talks.names(folder(dialer) / "live")
    site.until(lambda: _size(folder(dialer) / "live" / attempt) > 16_000, "something was said")
    dialer.stop()
    site.until(lambda: "STOPPING=1" in dialer.hear(), "it is stopping")
    dialer.stop()
    assert dialer.ended() == 0
    assert attempt in rows(dialer)
    assert talks.names(folder(dialer) / "live") == []
