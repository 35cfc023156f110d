"""The writer: each attempt once, whatever breaks, and nobody's number."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest

from compliance.evidence import customer_hash, number_hash
from dialer.archive import writer as writing
from dialer.archive.rows import kept_hash
from dialer.archive.sources import Sources, Taken
from dialer.core.agents.agent import AgentState
from dialer.core.agents.intervals import Interval
from dialer.core.model import Disposition
from dialer.core.quality import Score
from dialer.disk.archive.partitions import files
from dialer.disk.archive.tables import ATTEMPTS
from dialer.disk.recordings import index
from dialer.shell.recordings.finishing import event_of as event_of_recording
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import NotAllowed, StoreUnavailable
from dialer.store.base.records import packed
from dialer.store.crm import inbox, readers
from dialer.store.leads import lists
from dialer.store.operators import campaigns, control, scores
from dialer.store.settlement import floor_events, settle
from dialer.store.settlement.outbox import publish
from dialer.store.settlement.settlements import event_of
from tests.archive.conftest import KEY, Archive, Calls
from tests.archive.victim import archive_all
from tests.store.conftest import NOW, OWNER, number

HOUR = 3600.0


def unread(store: Store) -> int:
    (reader,) = readers.listing(store)
    return reader.unread


def test_every_attempt_is_there_once(archive: Archive, calls: Calls) -> None:
    """With its times, its masked number and keyed hashes; events that come again change nothing."""
    ended = calls.settle(20, live=True)
    calls.publish(ended)
    calls.publish(ended[:5])

    archive.catch_up()
    calls.publish(ended[3:8])
    archive.catch_up()

    assert set(archive.attempts().values()) == {"connected"}
    assert len(archive.attempts()) == 20
    row = archive.rows(
        "SELECT phone, number, customer, lead_id, epoch_ms(answered_at), epoch_ms(reserved_at), day::VARCHAR, try "
        "FROM {attempts} WHERE attempt_id = 'A3'"
    )[0]
    lead = calls.made[3].lead
    assert row == (
        str(lead.number),
        kept_hash(number_hash(bytes.fromhex(KEY), lead.number)),
        kept_hash(customer_hash(bytes.fromhex(KEY), "C-4711")),
        lead.lead_id,
        int((NOW + 20) * 1000),
        int(NOW * 1000),
        "2026-03-03",
        1,
    )


def test_a_call_from_outside_is_there_once_and_erased_like_any(archive: Archive, calls: Calls, store: Store) -> None:
    """With the caller's lead; of a stranger nothing that tells who it was."""
    ended = [replace(one, inbound=True, live=False, charged=False) for one in calls.settle(3, live=True)]
    stranger = replace(ended[2], lead=replace(ended[2].lead, lead_id=""), bridged_at=None, agent="")
    calls.publish([*ended[:2], stranger, ended[0]])
    archive.catch_up()
    digest = number_hash(bytes.fromhex(KEY), ended[1].lead.number)
    told = archive.rows("SELECT attempt_id, disposition, lead_id, phone, number, agent FROM {inbound_calls} ORDER BY 1")
    numbers = [kept_hash(number_hash(bytes.fromhex(KEY), one.lead.number)) for one in ended]
    assert told == [
        ("A0", "connected", "L0", str(number(0)), numbers[0], "17"),
        ("A1", "connected", "L1", str(number(1)), numbers[1], "17"),
        ("A2", "stranger", None, None, None, ""),
    ]
    control.audit(store, "erased", who="anna", now=NOW, detail=erase_line([digest]))

    archive.catch_up()

    assert archive.rows("SELECT attempt_id FROM {inbound_calls} WHERE lead_id IS NOT NULL") == [("A0",)]


def test_how_many_leads_came_with_each_list_is_there(
    archive: Archive, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest count of an hour; also where nothing else happens, and nobody has allowed to count them."""
    with monkeypatch.context() as refused:
        refused.setattr(lists, "intakes", lambda *_: (_ for _ in ()).throw(NotAllowed("NOPERM")))
        calls.floor.add({"lead_id": "X", "phone": number(9).clear, "list": "march"}, {"lead_id": "Y", "list": "march"})
        calls.floor.take_in()
        archive.catch_up()
    assert archive.writer.counts["lists"] == 0
    for count in (2, 3):
        calls.floor.fill(count)
        archive.writer._count_lists(NOW + count)
        archive.catch_up()
    told = archive.rows("SELECT campaign, list, accepted, rejected, epoch_ms(counted_at) FROM {lists} ORDER BY 2")
    assert told == [("spring", "", 3, 2, 1000 * (NOW + 3)), ("spring", "march", 1, 1, 1000 * (NOW + 3))]


def test_no_clear_number_is_in_the_files(archive: Archive, calls: Calls) -> None:
    """Nor in what DuckDB makes of them."""
    calls.publish(calls.settle(5, reason=f"rejected {number(0).clear}"))
    archive.catch_up()

    text = str(archive.rows("SELECT * FROM {attempts}"))
    kept = b"".join(path.read_bytes() for path in files(archive.folder, ATTEMPTS))

    for i in range(5):
        assert number(i).clear[1:] not in text
        assert number(i).clear[3:].encode() not in kept


def test_nothing_is_acknowledged_before_it_is_on_disk(archive: Archive, calls: Calls, store: Store) -> None:
    """What is in memory is still unread for the server."""
    calls.publish(calls.settle(4))

    archive.writer.step()
    assert unread(store) == 4
    archive.writer.flush()

    assert unread(store) == 0


@pytest.mark.parametrize("later_s", [0.0, 2 * HOUR, 30 * HOUR])
@pytest.mark.parametrize("in_one_batch", [True, False])
def test_a_correction_takes_the_place_of_unknown(
    archive: Archive, calls: Calls, later_s: float, in_one_batch: bool
) -> None:
    """Also where nobody knew when the attempt began, so that the two are in different files."""
    ended = calls.settle(3, live=True)
    unknown = [
        replace(one, disposition=Disposition.UNKNOWN, live=False, reserved_at=one.reserved_at + later_s)
        for one in ended[:2]
    ]
    calls.publish([*unknown, ended[2]])
    if not in_one_batch:
        archive.catch_up()
    calls.publish(ended[:1], corrects="unknown")

    archive.catch_up()

    assert archive.attempts() == {"A0": "connected", "A1": "unknown", "A2": "connected"}


def test_unknown_that_comes_late_takes_nobodys_place(archive: Archive, calls: Calls) -> None:
    """An end that somebody saw is never corrected."""
    ended = calls.settle(1, live=True)
    calls.publish(ended)
    archive.catch_up()

    calls.publish([replace(ended[0], disposition=Disposition.UNKNOWN, live=False)])
    archive.catch_up()

    assert archive.attempts() == {"A0": "connected"}


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that have the archive imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.archive.victim"])
    return context


@pytest.mark.parametrize(
    ("point", "after"),
    [
        ("os.fsync.before", 0),
        ("os.fsync.after", 1),
        ("Partitions._replace.after", 0),
        ("Partitions._replace.after", 2),
        ("Partitions.merge.after", 0),
        ("Partitions._take_out_corrected.before", 0),
        ("Sources.done.before", 0),
        ("Sources.done.after", 0),
        ("Sources.fresh.after", 1),
    ],
)
def test_killed_at_any_point_each_attempt_is_there_once(
    archive: Archive,
    calls: Calls,
    store: Store,
    valkey_url: str,
    tmp_path: Path,
    processes: ForkServerContext,
    point: str,
    after: int,
) -> None:
    """SIGKILL while a file is written, between files, between disk and acknowledgement, and behind it."""
    ended = [
        replace(one, reserved_at=one.reserved_at + i % 3 * HOUR) for i, one in enumerate(calls.settle(60, live=True))
    ]
    unknown = [
        replace(one, disposition=Disposition.UNKNOWN, live=False, reserved_at=one.reserved_at + 5 * HOUR)
        for one in ended[:4]
    ]
    calls.publish([*unknown, *ended[4:]])
    calls.publish(ended[:2], corrects="unknown")
    other = tmp_path / "other"

    for arguments, status in ((point, after), -signal.SIGKILL), ((), 0):
        process = processes.Process(target=archive_all, args=(valkey_url, other, archive.key_file, *arguments))
        process.start()
        process.join(60)
        assert process.exitcode == status

    survivor = Archive(other, archive.key_file, archive.writer)
    wanted = {one.attempt: "connected" for one in ended} | {"A2": "unknown", "A3": "unknown"}
    assert survivor.attempts() == wanted
    assert unread(store) == 0
    assert {path.name for path in other.iterdir()} == {"attempts", "lists", "lock", "status.json"}


def test_what_cannot_be_read_holds_up_nobody(archive: Archive, calls: Calls, store: Store) -> None:
    """It is counted, and acknowledged like the rest."""
    stream = store.keys.crm_out()
    trip(store, [("XADD", stream, "*", "type", "disposition", "id", "A9", "data", b"\xc1")])
    trip(store, [("XADD", stream, "*", "type", "disposition", "id", "A8", "data", packed({"attempt_id": 7}))])
    trip(store, [("XADD", stream, "*", "something", "else")])
    calls.publish(calls.settle(2))

    archive.catch_up()

    assert set(archive.attempts()) == {"A0", "A1"}
    assert archive.writer.counts["unreadable"] == 3
    assert unread(store) == 0


def test_campaign_changes_come_from_the_audit_trail(archive: Archive, calls: Calls, store: Store) -> None:
    """With who did it; other lines of the trail stay where they are."""
    command = control.Command("campaign_start", {"campaign": "spring", "force": True})
    control.send(store, command, who="anna", now=NOW)
    control.audit(store, "lead_show", who="anna", now=NOW, detail={"lead": "L1"})

    archive.catch_up()

    rows = archive.rows("SELECT campaign, what, who, detail FROM {campaign_changes}")
    assert rows == [("spring", "campaign_start", "anna", '{"force": true}')]


def erase_line(numbers: list[str], customer: str = "") -> dict[str, Any]:
    key = bytes.fromhex(KEY)
    return {
        "erasure": "1",
        "numbers": numbers,
        "customer": customer_hash(key, customer) if customer else "",
        "deleted": {},
    }


def test_an_erased_person_is_taken_out(archive: Archive, calls: Calls, store: Store) -> None:
    """By number or customer, also from what comes in the same batch; counts stay."""
    ended = calls.settle(6, live=True)
    calls.publish(ended[:3])
    archive.catch_up()
    calls.publish(ended[3:])
    digest = number_hash(bytes.fromhex(KEY), ended[1].lead.number)
    other = number_hash(bytes.fromhex(KEY), ended[4].lead.number)
    control.audit(store, "erased", who="anna", now=NOW, detail=erase_line([digest, other]))

    archive.catch_up()

    held = archive.rows("SELECT attempt_id FROM {attempts} WHERE lead_id IS NOT NULL ORDER BY 1")
    assert [one for (one,) in held] == ["A0", "A2", "A3", "A5"]
    assert archive.rows("SELECT count(*) FROM {attempts} WHERE number IS NULL AND phone IS NULL") == [(2,)]
    assert len(archive.attempts()) == 6


def test_a_lead_that_is_deleted_leaves_no_name(archive: Archive, calls: Calls, store: Store) -> None:
    """What is archived late of somebody who was deleted meanwhile is the call, not the person."""
    ended = calls.settle(1, live=True)
    calls.publish(ended)
    trip(store, [("HDEL", store.keys.lead("spring"), ended[0].lead.lead_id)])

    archive.catch_up()

    assert archive.rows("SELECT lead_id, phone, number, live FROM {attempts}") == [(None, None, None, True)]


def test_two_writers_do_not_share_a_folder(archive: Archive, store: Store) -> None:
    """The second one is told."""
    from dialer.archive.standing import open_writer
    from dialer.archive.writer import Ages
    from dialer.disk.errors import DiskError

    second = open_writer(store, archive.folder, archive.key_file, 60.0, Ages(304, 1826), "test")
    with pytest.raises(DiskError, match="in use by another process"), second:
        pass


def test_the_disk_that_fails_loses_nothing(
    archive: Archive, calls: Calls, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows wait in memory, entries in the stream, until it is written."""
    calls.publish(calls.settle(3))
    archive.writer.step()
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            archive.writer.flush()
    assert unread(store) == 3

    archive.writer.flush()

    assert len(archive.attempts()) == 3
    assert unread(store) == 0


@pytest.mark.parametrize("where", ["leads", "fresh"])
def test_what_a_broken_trip_has_read_is_archived_without_a_restart(
    archive: Archive, calls: Calls, store: Store, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The server has handed the entries out, and they never became rows: they are asked for again."""
    ended = calls.settle(5)
    calls.publish(ended[:3])
    archive.writer.step()
    calls.publish(ended[3:])
    read: list[str] = []
    real, fresh, stop = getattr(Sources, where), Sources.fresh, threading.Event()
    broken: list[str] = []

    def counting(sources: Sources) -> list[Taken]:
        read.append(where)
        if len(read) == 2:
            stop.set()
        return fresh(sources)

    def breaking(sources: Sources, *given: Any) -> Any:
        answer = counting(sources) if where == "fresh" else real(sources, *given)
        if len(read) == 1 and not broken:
            broken.append(where)
            raise StoreUnavailable("the connection broke")
        return answer

    monkeypatch.setattr(writing, "RETRY_S", 0.01)
    monkeypatch.setattr(Sources, "fresh", counting)
    monkeypatch.setattr(Sources, where, breaking)
    archive.writer.run(stop)

    assert len(archive.attempts()) == 5
    assert unread(store) == 0


def test_a_campaign_that_is_gone_is_archived_all_the_same(archive: Archive, calls: Calls, store: Store) -> None:
    """Events name it; nobody has to know it."""
    ended = calls.settle(1)
    publish(store, [event_of(replace(ended[0], day="2026-03-03"), OWNER)])
    campaigns.set_state(store, "spring", campaigns.CampaignState.STOPPED, who="test", now=NOW)

    archive.catch_up()

    assert archive.rows("SELECT campaign FROM {attempts}") == [("spring",)]


def test_what_is_said_of_a_call_is_archived_once(archive: Archive, calls: Calls, store: Store) -> None:
    """Each word on it; the same entry again is the same word."""
    (ended,) = calls.settle(1, live=True)
    settle.settle(store, [replace(ended, day="2026-03-03")], OWNER)
    for word in ("refused", "sale"):
        body = {"type": "outcome", "campaign": "spring", "attempt_id": ended.attempt, "outcome": word, "note": "rings"}
        trip(store, [("XADD", store.keys.crm_in(), "*", "json", json.dumps(body))])
        received = inbox.read(store, "one", 10, 0)
        inbox.apply(store, received, now=NOW)
        publish(store, inbox.carry_out(store, received, now=NOW, shortest_prefix=5, crm="").answers)

    archive.catch_up()

    assert archive.rows("SELECT attempt_id, outcome FROM {outcomes} ORDER BY 2") == [("A0", "refused"), ("A0", "sale")]


def test_the_streams_of_every_crm_are_read(archive: Archive, calls: Calls, store: Store) -> None:
    """Also of one that is there only later; each call stays in its stream until it is archived."""
    calls.publish(calls.settle(1))
    for name in ("north", "south"):
        campaigns.create(store, calls.floor.settings.model_copy(update={"name": name, "crm": name}), who="t", now=NOW)
        event = event_of(replace(calls.made[0], attempt=f"B-{name}", day="2026-03-03"), OWNER)
        publish(store, [replace(event, campaign=name)])
    archive.writer.sources.open(who="test", now=NOW)

    archive.catch_up()

    assert set(archive.attempts()) == {"A0", "B-north", "B-south"}
    assert [(one.name, one.unread) for one in readers.listing(store)] == [
        ("archive", 0),
        ("north/archive", 0),
        ("south/archive", 0),
    ]


def test_agents_time_is_archived_once(archive: Archive, store: Store) -> None:
    """However often it is told."""
    span = Interval("17", "Anna", "north", "spring", AgentState.TALKING, "", NOW, NOW + 61.5)
    for _ in range(2):
        publish(store, [floor_events.agent_interval(span, "dial-1")])
        archive.catch_up()

    rows = archive.rows("SELECT agent, team, state, epoch_ms(ended_at) - epoch_ms(started_at) FROM {agent_intervals}")
    assert rows == [("17", "north", "talking", 61_500)]


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_an_agent_who_changes_twice_in_a_millisecond_loses_no_time(
    archive: Archive, store: Store, in_one_batch: bool
) -> None:
    """Ready for a moment, then the waiting call: both begin in one millisecond of the archive, the talk stays."""
    ready = Interval("17", "Anna", "north", "spring", AgentState.READY, "", NOW + 0.0001, NOW + 0.0004)
    talk = Interval("17", "Anna", "north", "spring", AgentState.TALKING, "", NOW + 0.0004, NOW + 600.0)
    for span in (ready, talk, ready):
        publish(store, [floor_events.agent_interval(span, "dial-1")])
        if not in_one_batch:
            archive.catch_up()
    archive.catch_up()

    assert archive.rows("SELECT state FROM {agent_intervals}") == [("talking",)]


def test_a_file_that_is_written_again_has_the_same_types(archive: Archive, calls: Calls) -> None:
    """Times stay milliseconds, however often rows are added to an hour: that is a third of its size."""
    ended = calls.settle(6, live=True)
    shapes = set()
    for one in ended:
        calls.publish([one])
        archive.catch_up()
        (path,) = files(archive.folder, ATTEMPTS)
        shapes.add(str(archive.rows(f"SELECT name, type, logical_type FROM parquet_schema('{path}')")))

    assert len(shapes) == 1
    assert "MILLIS" in shapes.pop()


def test_recordings_and_marks_are_archived(archive: Archive, calls: Calls, store: Store) -> None:
    """What the daemon tells of a recording, and what listeners gave it, as a share of the sheet's points."""
    row = index.Row(
        attempt="A0", campaign="spring", agent="17", at=NOW, duration_s=39.5, sha256="", size_bytes=1, file=""
    )
    for _ in range(2):
        publish(store, [event_of_recording(row, "dial-1", NOW)])
    marks = {"greeting": 3, "close": 4}
    scores.keep(
        store, [Score("A0", "17", "spring", "sheet", "1", "anna", NOW, marks, points=7, most=10, note="138 0013 8000")]
    )

    archive.catch_up()

    folder = archive.folder
    recorded = f"SELECT attempt_id, agent, duration_s, host FROM read_parquet('{folder}/recordings/*/*.parquet')"
    marked = f"SELECT attempt_id, scorer, sheet, score FROM read_parquet('{folder}/quality_marks/*/*.parquet')"
    assert archive.rows(recorded) == [("A0", "17", 39.5, "dial-1")]
    assert archive.rows(marked) == [("A0", "anna", "sheet 1", 70.0)]
