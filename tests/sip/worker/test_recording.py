"""What is recorded of a talk, by tones of both sides: channels, levels, gaps, pauses; and what it costs the talk."""

from __future__ import annotations

import json
import os
import resource
import stat
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sip.messages import Answered, DialAgent, Ended, HangUp, Record, RecordingChanged, RecordingOrder
from sip.worker.audio import recorder
from tests.sip.conftest import BrokenPeer
from tests.sip.tones import AMPLITUDE, RATE, heard_s, level, read_wav, singing, tone, write_wav
from tests.sip.worker.conftest import DIAL, Party, bridged

CALLEE_HZ, AGENT_HZ, ANNOUNCED_HZ = 500.0, 900.0, 1500.0
ORDER = RecordingOrder("att-1", json.dumps({"campaign": "spring"}))


def recorded(worker, callee: Party, agent: Party, folder: Path, order: RecordingOrder = ORDER):
    """A worker with a talk that is recorded into `folder`."""
    return bridged(worker, callee, agent, order, recordings=str(folder))


def over(tested, callee: Party, agent: Party) -> None:
    """End the talk, and wait until its files are closed."""
    tested.send(HangUp("c1"))
    for party in (callee, agent):
        party.sip.answers(party.sip.hears("BYE"), "200 OK")
    tested.until(Ended)
    time.sleep(0.1)  # a tick of the bridge's clock closes them


def parts(folder: Path, channel: str) -> list[np.ndarray]:
    return [read_wav(path) for path in sorted(folder.glob(f"*.{channel}.wav"))]


def test_each_side_is_on_its_own_channel_at_its_level_without_gaps(worker, callee, agent, tmp_path):
    """Both are heard for as long as they spoke, as loud as they spoke, on their channel only, side by side."""
    tested = recorded(worker, callee, agent, tmp_path)
    assert tested.until(RecordingChanged) == RecordingChanged("c1", tested.events[-1].at, True)
    with singing(callee, CALLEE_HZ), singing(agent, AGENT_HZ):
        time.sleep(3.0)
    over(tested, callee, agent)
    (left,), (right,) = parts(tmp_path / "att-1", "callee"), parts(tmp_path / "att-1", "agent")
    assert abs(len(left) - len(right)) <= 160
    for own, other, samples in ((CALLEE_HZ, AGENT_HZ, left), (AGENT_HZ, CALLEE_HZ, right)):
        assert heard_s(samples, own) == pytest.approx(3.0, abs=0.15)
        middle = samples[RATE : 2 * RATE]
        assert level(middle, own) == pytest.approx(AMPLITUDE, rel=0.05)
        assert level(middle, other) < 0.01 * AMPLITUDE
    facts = json.loads((tmp_path / "att-1" / "talk.json").read_text())
    assert facts["campaign"] == "spring"
    assert abs(facts["at"] - time.time()) < 10.0


def test_nobody_else_can_read_it(worker, callee, agent, tmp_path):
    """Files and folder are their owner's alone, also under an open umask."""
    before = os.umask(0)
    try:
        tested = recorded(worker, callee, agent, tmp_path)
    finally:
        os.umask(before)
    tested.until(RecordingChanged)
    over(tested, callee, agent)
    folder = tmp_path / "att-1"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 3


def test_a_pause_is_nowhere_on_disk(worker, callee, agent, tmp_path):
    """What is said in a pause is in no file; the part after it says when it began, and both channels go on together."""
    tested = recorded(worker, callee, agent, tmp_path)
    tested.until(RecordingChanged)
    time.sleep(0.3)
    tested.send(Record("c1", on=False))
    assert not tested.until(RecordingChanged).on
    paused_at = time.monotonic()
    with singing(callee, CALLEE_HZ), singing(agent, AGENT_HZ):
        time.sleep(1.0)
    time.sleep(0.2)
    tested.send(Record("c1", on=True))
    assert tested.until(RecordingChanged).on
    paused_s = time.monotonic() - paused_at
    time.sleep(0.5)
    over(tested, callee, agent)
    for channel, hz in (("callee", CALLEE_HZ), ("agent", AGENT_HZ)):
        files = parts(tmp_path / "att-1", channel)
        assert len(files) == 2
        assert sum(heard_s(samples, hz, share=0.02) for samples in files) == 0.0
    names = sorted(path.name for path in (tmp_path / "att-1").glob("*.callee.wav"))
    first, second = (int(name.partition(".")[0]) for name in names)
    assert first == 0
    assert second / 1000 - len(parts(tmp_path / "att-1", "callee")[0]) / RATE == pytest.approx(paused_s, abs=0.15)


def test_on_demand_nothing_is_recorded_before_somebody_says_so(worker, callee, agent, tmp_path):
    """Without a word nothing is on disk, not even a folder; with one, what follows is."""
    tested = recorded(worker, callee, agent, tmp_path, RecordingOrder("att-1", "{}", starts=False))
    with singing(callee, CALLEE_HZ):
        time.sleep(0.5)
        assert list(tmp_path.glob("att-1")) == []
        tested.send(Record("c1", on=True))
        assert tested.until(RecordingChanged).on
        time.sleep(1.0)
    over(tested, callee, agent)
    (left,) = parts(tmp_path / "att-1", "callee")
    assert heard_s(left, CALLEE_HZ) == pytest.approx(1.0, abs=0.15)


def test_a_leg_on_hold_leaves_silence_in_its_place(worker, callee, agent, tmp_path):
    """The channels stay abreast of each other while the callee has us on hold."""
    tested = recorded(worker, callee, agent, tmp_path)
    tested.until(RecordingChanged)
    with singing(agent, AGENT_HZ):
        began = time.monotonic()
        for cseq, way in ((2, "inactive"), (3, "sendrecv")):
            callee.asks_for(way, cseq)
            time.sleep(1.0)
        sung_s = time.monotonic() - began
    with singing(callee, CALLEE_HZ):
        time.sleep(0.5)
    over(tested, callee, agent)
    (left,), (right,) = parts(tmp_path / "att-1", "callee"), parts(tmp_path / "att-1", "agent")
    assert abs(len(left) - len(right)) <= 160
    assert heard_s(right, AGENT_HZ) == pytest.approx(sung_s, abs=0.3)
    assert heard_s(left, CALLEE_HZ) > 0.3
    assert heard_s(left[: 2 * RATE], CALLEE_HZ, share=0.02) == 0.0


def test_both_hear_the_announcement_and_it_is_on_the_agents_channel(worker, callee, agent, tmp_path):
    """The recording shows that the callee was told."""
    message = write_wav(tmp_path / "told.wav", tone(ANNOUNCED_HZ, 0.6))
    tested = recorded(worker, callee, agent, tmp_path, RecordingOrder("att-1", "{}", True, str(message)))
    tested.until(RecordingChanged)
    time.sleep(1.0)
    for party in (callee, agent):
        party.rtp.setblocking(False)
        loud = 0
        try:
            while True:
                packet = party.rtp.recv(2048)
                loud += any(octet & 0x7F < 0x60 for octet in packet[12:])
        except BlockingIOError:
            assert loud >= 28, f"only {loud} of 30 packets"
    over(tested, callee, agent)
    (left,), (right,) = parts(tmp_path / "att-1", "callee"), parts(tmp_path / "att-1", "agent")
    assert heard_s(right, ANNOUNCED_HZ) == pytest.approx(0.6, abs=0.06)
    assert heard_s(left, ANNOUNCED_HZ, share=0.02) == 0.0


@pytest.mark.parametrize("obstacle", ["a file above it", "a file there", "a talk there", "no announcement"])
def test_what_cannot_be_recorded_costs_no_talk(worker, callee, agent, tmp_path, obstacle):
    """The talk goes on both ways, the reason is told once, and the call ends as any other."""
    folder, order = tmp_path / "rec", ORDER
    match obstacle:
        case "a file above it":
            folder.touch()
        case "a file there":
            folder.mkdir()
            (folder / "att-1").touch()
        case "a talk there":
            (folder / "att-1").mkdir(parents=True)
        case "no announcement":
            order = RecordingOrder("att-1", "{}", True, str(tmp_path / "none.wav"))
    tested = recorded(worker, callee, agent, folder, order)
    changed = tested.until(RecordingChanged)
    assert not changed.on
    assert changed.problem
    assert not list(folder.rglob("*.wav"))
    goes_on(tested, callee, agent)


def test_who_was_not_told_is_not_recorded_when_the_agent_says_so_either(worker, callee, agent, tmp_path):
    """The announcement cannot be played; the agent asks for the recording all the same."""
    order = RecordingOrder("att-1", "{}", True, str(tmp_path / "none.wav"))
    tested = recorded(worker, callee, agent, tmp_path / "rec", order)
    assert tested.until(RecordingChanged).problem
    tested.send(Record("c1", True))
    changed = tested.until(RecordingChanged)
    assert (changed.on, "announcement" in changed.problem) == (False, True)
    assert not list(tmp_path.rglob("*.wav"))
    goes_on(tested, callee, agent)


def goes_on(tested, callee: Party, agent: Party) -> None:
    """Both hear each other, and the talk ends in good order."""
    with singing(callee, CALLEE_HZ):
        agent.rtp.setblocking(True)
        agent.rtp.settimeout(3.0)
        deadline = time.monotonic() + 3.0
        while not any(octet & 0x7F < 0x60 for octet in agent.rtp.recv(2048)[12:]):
            assert time.monotonic() < deadline, "the agent hears nothing"
    over(tested, callee, agent)


def test_a_disk_that_is_full_costs_no_talk(worker, callee, agent, tmp_path):
    """The files end where the disk does; the talk does not."""
    tested = recorded(worker, callee, agent, tmp_path)
    tested.until(RecordingChanged)
    limit = 16_000  # a second of audio
    resource.prlimit(tested.pid, resource.RLIMIT_FSIZE, (limit, limit))
    time.sleep(2.0)
    goes_on(tested, callee, agent)
    sizes = [path.stat().st_size for path in (tmp_path / "att-1").glob("*.wav")]
    assert sizes == [limit, limit]


def test_a_killed_worker_leaves_its_recording(worker, callee, agent, tmp_path):
    """SIGKILL in mid-talk: all but the last quarter of a second is on disk, whatever the header says."""
    tested = recorded(worker, callee, agent, tmp_path)
    tested.until(RecordingChanged)
    with singing(callee, CALLEE_HZ), singing(agent, AGENT_HZ):
        time.sleep(2.0)
        tested.kill()
    for channel, hz in (("callee", CALLEE_HZ), ("agent", AGENT_HZ)):
        (samples,) = parts(tmp_path / "att-1", channel)
        assert heard_s(samples, hz) > 1.6


def test_the_second_try_of_an_agent_is_the_one_recorded(worker, callee, agent, tmp_path):
    """The order is that of the agent who takes the call."""
    tested = worker(callee.sip.port, recordings=str(tmp_path))
    tested.send(DIAL)
    callee.answers()
    tested.until(Answered)
    with BrokenPeer() as busy:
        first = RecordingOrder("first", "{}")
        tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{busy.port}", "138****5678", recording=first))
        busy.answers(busy.hears("INVITE"), "486 Busy Here")
    tested.send(DialAgent("c1", "a2", f"sip:agent@127.0.0.1:{agent.sip.port}", "138****5678", recording=ORDER))
    agent.answers()
    tested.until(RecordingChanged)
    over(tested, callee, agent)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["att-1"]


class Port:
    """In the place of a port of the bridge; `stalls` are how long connecting it takes, one after the other, by a clock
    that goes on with them alone."""

    def __init__(self, stalls: list[float]) -> None:
        self.stalls = stalls
        self.now = 0.0
        self.connected: list[object] = []

    def startTransmit(self, to: object) -> None:
        self.now += self.stalls.pop(0) if self.stalls else 0.0
        self.connected.append(to)


class File(Port):
    """In the place of the library's recorder."""

    def createRecorder(self, path: str) -> None:
        Path(path).touch()

    def __swig_destroy__(self, _: object) -> None:
        """It is closed."""


@pytest.mark.parametrize(
    ("stalls", "beginnings"), [([], 1), ([0.03], 2), ([0.0, 0.03, 0.0, 0.03], 3), ([0.03] * 99, 5)]
)
def test_channels_that_would_begin_apart_begin_again(monkeypatch, tmp_path, stalls, beginnings):
    """A process that stands still between the two is tried again, a few times; nothing is left of what was in vain."""
    opened = []
    monkeypatch.setattr(recorder.pj, "AudioMediaRecorder", lambda: opened.append(File([])) or opened[-1])
    silence, reports = Port(list(stalls)), []
    monkeypatch.setattr(recorder, "time", SimpleNamespace(monotonic=lambda: silence.now, time=time.time))
    tested = recorder.Recorder(str(tmp_path), ORDER, lambda: silence, lambda on, why: reports.append((on, why)))
    tested.connect(Port([]), [Port([])])
    assert len(opened) == 2 * beginnings
    assert silence.connected[-2:] == opened[-2:]
    assert len(list((tmp_path / "att-1").glob("*.wav"))) == 2
    assert reports == [(True, "")]
