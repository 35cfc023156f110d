"""The tasks around recordings, one by one: what fails, what is old, and what people are told."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from compliance.evidence import number_hash
from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.policies import applied
from config.recordings.settings import RecordingSettings, RecordingsSettings
from dialer.core.board import RecordingsRow
from dialer.core.effects import Recorded
from dialer.core.inputs import CampaignChanged, CampaignState, RecordingFault
from dialer.disk.recordings import index, talks
from dialer.disk.recordings.orders import Order
from dialer.shell.parts import Parts
from dialer.shell.recordings import encoder_process, finishing
from dialer.shell.recordings.disk_watch import DiskWatch
from dialer.shell.recordings.encoder_process import Encoder, EncoderDied
from dialer.shell.recordings.expiry import Expiry
from dialer.shell.recordings.finishing import Finishing
from dialer.shell.recordings.recorded import MOST_KEPT
from dialer.shell.recordings.recorded import Recorded as Lengths
from dialer.shell.recordings.troubles import SHOWN_S, Troubles
from dialer.shell.tasks.event_writer import EventWriter
from dialer.store.base.connection import Store
from dialer.store.operators import control
from dialer.store.privacy.erasures import Erasure
from dialer.store.privacy.recordings import tell_hosts
from tests.crm_events import heard
from tests.disk.recordings.made_talks import AT, write_talk
from tests.shell.some_parts import inputs_of, some_parts
from tests.sip.tones import tone

SOUND = (0, tone(500, 1.0), tone(900, 1.0))


@pytest.fixture
def parts(store: Store, tmp_path: Path) -> Parts:
    """A host that records a campaign into a folder of the test."""
    settings = DaemonSettings(recordings=RecordingsSettings(folder=str(tmp_path / "rec"), min_free_mb=10))
    made = some_parts(store, settings=settings)
    campaign = CampaignSettings(
        name="spring",
        caller_id="+861065550000",
        abandon_message="/m.wav",
        recording=RecordingSettings(mode="all", required=True),
    )
    made.engine.receive(CampaignChanged(applied(campaign), CampaignState.RUNNING), 0.0, AT)
    return made


def live(parts: Parts) -> Path:
    return Path(parts.settings.recordings.live)


def left_alone(folder: Path) -> None:
    """As if nothing had been written there for a while."""
    for path in [*folder.iterdir(), folder]:
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 60))


def finish(parts: Parts) -> Finishing:
    """One look at the talks, by a whole task."""
    return looked(Finishing(parts, EventWriter(parts), Expiry(parts)))


def looked(task: Finishing, times: int = 1) -> Finishing:
    """The task, when it has looked so many times."""

    async def look() -> None:
        for _ in range(times):
            await task.once()
        await task.encoder.stop()

    trio.run(look)
    return task


# --- the disk ---------------------------------------------------------------------------------------------------------


def with_room_for(parts: Parts, min_free_mb: int) -> Parts:
    recordings = parts.settings.recordings.model_copy(update={"min_free_mb": min_free_mb})
    parts.settings = parts.settings.model_copy(update={"recordings": recordings})
    return parts


def test_a_disk_without_room_is_told_to_the_engine_and_to_people(parts: Parts) -> None:
    """With the folder, the figures, and whose calls do not start; once there is room again all of it ends."""
    watch = DiskWatch(with_room_for(parts, 10**12))
    trio.run(watch.look)
    (told,) = inputs_of(parts)
    assert isinstance(told, RecordingFault)
    assert "recordings.min_free_mb is" in told.detail
    assert "No calls of spring, which require it" in parts.health.alarms["recordings"]
    assert parts.statistics.recordings.free_mb == 0
    trio.run(watch.look)
    assert inputs_of(parts) == []
    with_room_for(parts, 10)
    trio.run(watch.look)
    assert (parts.statistics.recordings.free_mb or 0) > 10
    assert inputs_of(parts) == [RecordingFault("")]
    assert parts.health.alarms == {}


def test_folders_are_made_for_their_owner_alone(parts: Parts) -> None:
    """Also those above the one of talks, under whatever umask."""
    before = os.umask(0)
    try:
        trio.run(DiskWatch(parts).look)
        trio.run(Expiry(parts).hear_of_erased)
    finally:
        os.umask(before)
    made = [Path(parts.settings.recordings.folder), *Path(parts.settings.recordings.folder).rglob("*")]
    assert len(made) >= 2
    assert all(path.stat().st_mode & 0o077 == 0 for path in made)


def test_the_alarm_comes_before_the_end(parts: Parts) -> None:
    """At twice the room at which recording ends; nothing else happens yet."""
    status = os.statvfs(parts.settings.recordings.folder.rpartition("/")[0])
    free_mb = status.f_bavail * status.f_frsize / 1e6
    trio.run(DiskWatch(with_room_for(parts, round(free_mb * 0.7))).look)
    assert "are left for recordings" in parts.health.alarms["recordings"]
    assert inputs_of(parts) == []


def test_a_folder_that_cannot_be_written_is_a_fault(parts: Parts, tmp_path: Path) -> None:
    """Here because a file is in its place."""
    (tmp_path / "rec").touch()
    trio.run(DiskWatch(parts).look)
    assert str(tmp_path / "rec") in parts.health.alarms["recordings"]


def test_a_key_that_is_not_there_is_a_fault(parts: Parts, tmp_path: Path) -> None:
    """A recording in clear is not what was asked for."""
    recordings = parts.settings.recordings.model_copy(update={"key_file": str(tmp_path / "keys")})
    parts.settings = parts.settings.model_copy(update={"recordings": recordings})
    trio.run(DiskWatch(parts).look)
    assert str(tmp_path / "keys") in parts.health.alarms["recordings"]


def test_where_nobody_records_nobody_is_alarmed(store: Store, tmp_path: Path) -> None:
    """And no folder is made."""
    settings = DaemonSettings(recordings=RecordingsSettings(folder=str(tmp_path / "rec"), min_free_mb=10**12))
    parts = some_parts(store, settings=settings)
    trio.run(DiskWatch(parts).look)
    assert parts.health.alarms == {}
    assert not (tmp_path / "rec").exists()


# --- finishing --------------------------------------------------------------------------------------------------------


def test_what_a_dead_daemon_left_is_finished(parts: Parts, store: Store) -> None:
    """By whoever finds it: index, evidence and event; then its files are gone."""
    left_alone(write_talk(live(parts), "a1", SOUND))
    finish(parts)
    (row,) = index.all_rows(Path(parts.settings.recordings.folder))
    assert (row.attempt, row.duration_s, row.missing_s) == ("a1", 1.0, 0.0)
    (event,) = heard(store, "recording")
    assert (event.id, event.data["sha256"]) == ("a1", row.sha256)
    assert talks.names(live(parts)) == []
    assert parts.evidence.entries[-1].kind == "recording"  # type: ignore[attr-defined]


def test_a_talk_that_goes_on_is_left_alone(parts: Parts) -> None:
    """One that was written to just now, and one that the engine has on the line."""
    write_talk(live(parts), "a1", SOUND)
    left_alone(write_talk(live(parts), "a2", SOUND))
    calls: Any = parts.engine.state.calls
    calls["a2"] = object()
    finish(parts)
    assert talks.names(live(parts)) == ["a1", "a2"]


def test_what_the_disk_did_not_take_is_noticed(parts: Parts, store: Store) -> None:
    """The engine knows how long it should be: that much is missing, in index, event and alarm."""
    left_alone(write_talk(live(parts), "a1", SOUND))
    parts.recorded.note(Recorded("a1", 5.0))
    finish(parts)
    (row,) = index.all_rows(Path(parts.settings.recordings.folder))
    assert row.missing_s == 4.0
    assert heard(store, "recording")[0].data["missing_s"] == 4.0
    assert "lacks 4.0 s" in parts.health.alarms["recordings that failed"]
    assert parts.recorded.lengths_s == {}
    assert parts.statistics.recordings == RecordingsRow(made=1, missing_s=4.0)


def test_a_talk_that_cannot_be_finished_holds_up_no_other(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried three times, then set aside, with an alarm that says where."""
    monkeypatch.setattr(finishing, "PAUSE_AFTER_FAULT_S", 0.0)
    folder = write_talk(live(parts), "a1", SOUND)
    (folder / "000000000.agent.wav").write_bytes(b"x" * 100)
    for name in ("a1", "a2"):
        if name == "a2":
            write_talk(live(parts), name, SOUND)
        left_alone(live(parts) / name)

    looked(Finishing(parts, EventWriter(parts), Expiry(parts)), finishing.MOST_TRIES)
    assert [row.attempt for row in index.all_rows(Path(parts.settings.recordings.folder))] == ["a2"]
    assert (live(parts).parent / "failed" / "a1").is_dir()
    assert "1 talk in" in parts.health.alarms["recordings that failed"]
    assert parts.statistics.recordings == RecordingsRow(set_aside=1, made=1, failed=finishing.MOST_TRIES)
    (live(parts).parent / "failed" / "a1").rename(live(parts) / "a1")
    (live(parts) / "a1" / "000000000.agent.wav").unlink()
    left_alone(live(parts) / "a1")
    finish(parts)
    assert len(list(index.all_rows(Path(parts.settings.recordings.folder)))) == 2


def test_a_talk_is_set_aside_on_another_disk(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of talks may be a disk of its own, so the one beside it is on another."""
    monkeypatch.setattr(finishing, "PAUSE_AFTER_FAULT_S", 0.0)
    rename, aside = Path.rename, live(parts).parent / "failed"

    def rename_on_one_disk(path: Path, target: Path) -> Path:
        if path.is_relative_to(live(parts)) != target.is_relative_to(live(parts)):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_on_one_disk)
    folder = write_talk(live(parts), "a1", SOUND)
    (folder / "000000000.agent.wav").write_bytes(b"x" * 100)
    left_alone(folder)
    (aside / ".a1.part").mkdir(parents=True)
    looked(Finishing(parts, EventWriter(parts), Expiry(parts)), finishing.MOST_TRIES)
    assert (talks.names(live(parts)), os.listdir(aside)) == ([], ["a1"])
    assert (aside / "a1" / "000000000.agent.wav").read_bytes() == b"x" * 100


def test_a_talk_that_cannot_even_be_set_aside_holds_up_no_other(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays where it is, with an alarm; those after it become recordings."""
    monkeypatch.setattr(finishing, "PAUSE_AFTER_FAULT_S", 0.0)
    folder = write_talk(live(parts), "a1", SOUND)
    (folder / "000000000.agent.wav").write_bytes(b"x" * 100)
    left_alone(folder)
    (live(parts).parent / "failed").touch()
    task = looked(Finishing(parts, EventWriter(parts), Expiry(parts)), finishing.MOST_TRIES - 1)
    left_alone(write_talk(live(parts), "a2", SOUND))
    looked(task)
    assert [row.attempt for row in index.all_rows(Path(parts.settings.recordings.folder))] == ["a2"]
    assert talks.names(live(parts)) == ["a1"]
    assert "a1 cannot be set aside" in parts.health.alarms["recordings that failed"]


def test_a_talk_waits_for_the_disk_or_the_key(parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is tried, it is not the talk's fault: it stays, with an alarm, until it can be done."""
    monkeypatch.setattr(finishing, "PAUSE_AFTER_FAULT_S", 0.0)
    keys = tmp_path / "keys"
    recordings = parts.settings.recordings.model_copy(update={"key_file": str(keys)})
    parts.settings = parts.settings.model_copy(update={"recordings": recordings})
    left_alone(write_talk(live(parts), "a1", SOUND))
    for _ in range(finishing.MOST_TRIES + 1):
        finish(parts)
    assert talks.names(live(parts)) == ["a1"]
    assert parts.statistics.recordings == RecordingsRow(waiting=1)
    assert str(keys) in parts.health.alarms["recordings that failed"]
    keys.touch(mode=0o600)
    keys.write_text("11" * 32)
    finish(parts)
    assert [row.file for row in index.all_rows(Path(parts.settings.recordings.folder))] == ["a1.opus.sealed"]


def test_a_trouble_is_shown_for_ten_minutes(parts: Parts, tmp_path: Path) -> None:
    """Nobody has to acknowledge it; talks that are set aside are shown for as long as they are."""
    troubles, about = Troubles(parts.health, tmp_path), "recordings that failed"
    troubles.say("lacks 4 s")
    for now, shown in ((0.0, True), (SHOWN_S - 1, True), (SHOWN_S, False)):
        troubles.look(now, 0)
        assert (about in parts.health.alarms) is shown
    for set_aside in (2, 0):
        troubles.look(SHOWN_S, set_aside)
        assert (about in parts.health.alarms) is bool(set_aside)


def test_without_evidence_a_talk_stays_where_it_is(parts: Parts, store: Store) -> None:
    """It is told to nobody before it is on record."""
    parts.evidence.takes = False  # type: ignore[attr-defined]
    left_alone(write_talk(live(parts), "a1", SOUND))
    finish(parts)
    assert talks.names(live(parts)) == ["a1"]
    assert heard(store, "recording") == []
    parts.evidence.takes = True  # type: ignore[attr-defined]
    finish(parts)
    assert len(list(index.all_rows(Path(parts.settings.recordings.folder)))) == 1
    assert talks.names(live(parts)) == []


def test_lengths_are_not_kept_for_ever() -> None:
    """The oldest goes."""
    lengths = Lengths()
    for number in range(MOST_KEPT + 5):
        lengths.note(Recorded(f"a{number}", 1.0))
    assert len(lengths.lengths_s) == MOST_KEPT
    assert "a4" not in lengths.lengths_s


# --- the encoder's process --------------------------------------------------------------------------------------------


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Another program in the encoder's place."""
    (tmp_path / "stand_in.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(encoder_process, "PROGRAM", "stand_in")
    yield tmp_path / "stand_in.py"
    assert sys.executable


HELLO = "print('{}', flush=True); input()\n"
RAVES = "print('x' * 70000, flush=True)"


@pytest.mark.parametrize("text", ["", "raise SystemExit(3)", "print('{', flush=True)", RAVES])
def test_an_encoder_that_does_not_start_is_no_talks_fault(
    program: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """However often it is tried the talk stays, with an alarm; when it starts again the talk becomes a recording."""
    monkeypatch.setattr(finishing, "PAUSE_AFTER_FAULT_S", 0.0)
    program.write_text(text)
    left_alone(write_talk(live(parts), "a1", SOUND))
    looked(Finishing(parts, EventWriter(parts), Expiry(parts)), finishing.MOST_TRIES + 1)
    assert talks.names(live(parts)) == ["a1"]
    assert "the encoder does not start" in parts.health.alarms["recordings that failed"]
    assert parts.statistics.recordings == RecordingsRow(waiting=1)
    monkeypatch.undo()
    finish(parts)
    assert talks.names(live(parts)) == []


@pytest.mark.parametrize("text", ["", "raise SystemExit(3)", "print('{', flush=True)", RAVES])
def test_an_encoder_that_dies_or_raves_is_started_again(program: Path, text: str) -> None:
    """The order that it was at is told so; the next one has a new process."""
    program.write_text(HELLO + text)
    order, mended = Order(live="", name="a1", folder="", bitrate_kbps=24), program.with_name("mended.py")
    mended.write_text('import sys\nprint("{}", flush=True)\nfor _ in sys.stdin: print(\'{"error": "no"}\', flush=True)')

    async def ask() -> str:
        encoder = Encoder()
        with pytest.raises(EncoderDied):
            await encoder.carry_out(order, 10.0)
        encoder_process.PROGRAM = "mended"  # type: ignore[misc]
        reply = await encoder.carry_out(order, 10.0)
        await encoder.stop()
        return reply.error

    assert trio.run(ask) == "no"


def test_an_encoder_that_hangs_is_given_up(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its limit."""
    program.write_text(HELLO + "import time; time.sleep(60)")

    async def ask() -> None:
        encoder = Encoder()
        await encoder._start()
        monkeypatch.setattr(encoder_process, "FLOOR_S", 0.2)
        with pytest.raises(EncoderDied, match="has not answered"):
            await encoder.carry_out(Order(live="", name="a1", folder="", bitrate_kbps=24), 0.1)

    trio.run(ask)


# --- what is old ------------------------------------------------------------------------------------------------------


def test_what_is_old_goes_by_its_own_rule_or_the_host_s(parts: Parts, store: Store) -> None:
    """A campaign may keep longer or shorter; it goes on record and into the audit trail."""
    day_s, now = 86_400.0, parts.clock.wall()
    ages = {"old": (200, 0), "young": (100, 0), "short": (100, 30), "long": (200, 365)}
    for name, (days, keep_days) in ages.items():
        left_alone(write_talk(live(parts), name, SOUND, at=now - days * day_s, keep_days=keep_days))
    finish(parts)
    trio.run(Expiry(parts).sweep)
    folder = Path(parts.settings.recordings.folder)
    assert {row.attempt for row in index.all_rows(folder)} == {"young", "long"}
    assert len(list(folder.rglob("*.opus"))) == 2
    (line,) = control.audit_trail(store, 5)
    assert (line.what, line.detail["what"], line.detail["count"]) == ("purge", "recordings", 2)
    trio.run(Expiry(parts).sweep)
    assert len(control.audit_trail(store, 5)) == 1


def test_a_recording_made_while_the_erased_are_looked_for_is_theirs_too(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes into the index behind the back of whoever walks through it."""
    number, now = E164("+8613800138000"), parts.clock.wall()
    left_alone(write_talk(live(parts), "a1", SOUND, number=number_hash(b"", number), at=now - 60))
    tell_hosts(parts.store, Erasure("e1", now, "me", "asked", number, numbers=(number,)))
    expiry, remove = Expiry(parts), Expiry._remove

    async def remove_and_finish(self: Expiry, *arguments: Any) -> None:
        await remove(self, *arguments)
        task = Finishing(parts, EventWriter(parts), expiry)
        await task.once()
        await task.encoder.stop()

    monkeypatch.setattr(Expiry, "_remove", remove_and_finish)
    trio.run(expiry.hear_of_erased)
    assert list(index.all_rows(Path(parts.settings.recordings.folder))) == []
    assert heard(parts.store, "recording") == []
    assert len(expiry._erased) == 1


def test_who_is_erased_is_erased_also_from_what_failed_and_what_comes_later(parts: Parts, store: Store) -> None:
    """A talk that was set aside, and one that was still being recorded; of others, and of later talks, nothing goes."""
    key, number, now = b"", E164("+8613800138000"), parts.clock.wall()
    mine: dict[str, Any] = {"number": number_hash(key, number), "at": now - 60}
    folder = live(parts).parent / "failed"
    write_talk(folder, "f1", SOUND, **mine)
    write_talk(folder, "f2", SOUND, at=now - 60)
    left_alone(write_talk(live(parts), "a1", SOUND, **mine))
    left_alone(write_talk(live(parts), "a2", SOUND, at=now - 60))
    left_alone(write_talk(live(parts), "a3", SOUND, **{**mine, "at": now + 60}))
    tell_hosts(store, Erasure("e1", now, "me", "asked", number, numbers=(number,)))
    expiry = Expiry(parts)
    trio.run(expiry.hear_of_erased)
    looked(Finishing(parts, EventWriter(parts), expiry))
    assert talks.names(folder) == ["f2"]
    assert {row.attempt for row in index.all_rows(Path(parts.settings.recordings.folder))} == {"a2", "a3"}
    assert {event.id for event in heard(store, "recording")} == {"a2", "a3"}
    again = Expiry(parts)
    trio.run(again.hear_of_erased)
    assert {row.attempt for row in index.all_rows(Path(parts.settings.recordings.folder))} == {"a2", "a3"}


def test_a_host_that_was_off_for_days_makes_no_recording_of_who_was_erased_meanwhile(
    parts: Parts, store: Store
) -> None:
    """The talk was cut off when it went off, and is finished when it is back."""
    key, number, now = b"", E164("+8613800138000"), parts.clock.wall()
    left_alone(write_talk(live(parts), "a1", SOUND, number=number_hash(key, number), at=now - 6 * 86_400))
    erasure = Erasure("e1", now - 5 * 86_400, "me", "asked", number, numbers=(number,))
    tell_hosts(store, erasure)
    expiry = Expiry(parts)
    trio.run(expiry.hear_of_erased)
    looked(Finishing(parts, EventWriter(parts), expiry))

    assert talks.names(live(parts)) == []
    assert list(index.all_rows(Path(parts.settings.recordings.folder))) == []
    assert heard(store, "recording") == []
