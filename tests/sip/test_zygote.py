"""The process that workers are forked from, spoken to directly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sip import wire
from sip.messages import Dial, Ended, Ready, StartFailed
from sip.settings import Trunk, WorkerSettings
from sip.zygote import RECORD, Record
from tests.sip.conftest import DEADLINE_S, BrokenPeer, WorkerUnderTest, ZygoteUnderTest


@pytest.fixture
def own_zygote():
    """A zygote of the test's own."""
    running = ZygoteUnderTest()
    yield running
    running.close()


def test_capacity_is_found_and_not_assumed(own_zygote):
    """The announced slots are those of the library: at least one, and all of them can be used at once."""
    with BrokenPeer() as peer:
        tested = WorkerUnderTest(own_zygote, WorkerSettings((Trunk("carrier", "127.0.0.1", peer.port),)))
        assert tested.ready.slots == own_zygote.slots >= 1
        for number in range(own_zygote.slots + 1):
            tested.send(Dial(f"c{number}", "carrier", "+4930123456", "+4930999", 60.0))
        refused = tested.until(Ended)
        assert refused.call == f"c{own_zygote.slots}"
        assert refused.reason.startswith("the SIP library says")
        tested.close()


def test_exit_of_a_worker_is_reported(own_zygote):
    """A killed worker is reaped and reported with its signal."""
    pid, stream = own_zygote.fork()
    own_zygote.control.sendall(RECORD.pack(Record.KILL, pid, 0))
    assert own_zygote.record() == (Record.EXITED, pid, -9)
    stream.close()


def test_only_workers_can_be_killed(own_zygote):
    """A pid that is no worker's is left alone."""
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    own_zygote.control.sendall(RECORD.pack(Record.KILL, bystander.pid, 0))
    _, stream = own_zygote.fork()
    stream.close()
    assert bystander.poll() is None
    bystander.communicate(b"\n")
    assert bystander.returncode == 0


def test_worker_without_settings_exits(own_zygote):
    """A stream that ends before the settings ends the worker, with status 0."""
    pid, stream = own_zygote.fork()
    stream.close()
    assert own_zygote.record() == (Record.EXITED, pid, 0)


def test_bad_first_frame_ends_the_worker(own_zygote):
    """A worker that is not spoken to in its language exits with an error."""
    pid, stream = own_zygote.fork()
    stream.sendall(b"GET / HTTP/1.1\r\n")
    assert own_zygote.record() == (Record.EXITED, pid, 1)
    stream.close()


def test_address_that_is_not_ours_is_reported(own_zygote):
    """A worker that cannot open its socket says why."""
    _, stream = own_zygote.fork()
    stream.sendall(wire.encode(WorkerSettings((), bind_address="192.0.2.77")))
    (failed,) = wire.Decoder().feed(stream.recv(65536))
    assert isinstance(failed, StartFailed)
    assert "did not start" in failed.reason
    stream.close()


def test_end_of_stream_ends_the_zygote_and_its_workers():
    """With the daemon gone nothing is left after a moment, even if a worker hangs."""
    running = ZygoteUnderTest()
    pid, stream = running.fork()
    stream.sendall(wire.encode(WorkerSettings(())))
    (ready,) = wire.Decoder().feed(stream.recv(65536))
    assert isinstance(ready, Ready)
    stream.close()
    assert running.close() == 0
    assert not Path(f"/proc/{pid}").exists()


def test_daemon_that_dies_while_a_worker_ends_is_outlived_by_none():
    """Where nobody hears of a worker's end any more, the zygote still waits for the other workers."""
    running = ZygoteUnderTest()
    (first, first_stream), (second, stream) = running.fork(), running.fork()
    os.kill(second, signal.SIGSTOP)
    os.kill(running.process.pid, signal.SIGSTOP)
    stream.close()
    running.control.close()
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE_S
    while ") Z " not in Path(f"/proc/{first}/stat").read_text():
        assert time.monotonic() < deadline
    os.kill(running.process.pid, signal.SIGCONT)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            running.process.wait(0.5)
    finally:
        os.kill(second, signal.SIGCONT)
    assert running.close() == 0
    first_stream.close()
    assert not Path(f"/proc/{second}").exists()


def test_no_log_shows_a_number(tmp_path):
    """Whatever goes wrong with a call, its number is on no stream of the worker."""
    said = tmp_path / "said.txt"
    with said.open("wb") as file, BrokenPeer() as peer:
        running = ZygoteUnderTest(file)
        trunk = Trunk("carrier", "127.0.0.1", peer.port)
        tested = WorkerUnderTest(running, WorkerSettings((trunk,), log_level=1))
        for number in range(tested.ready.slots + 2):
            tested.send(Dial(f"c{number}", "carrier", "+4930123456", "+4930987654", 60.0))
        invite = peer.hears("INVITE")
        peer.says("SIP/2.0 200 OK\nVia: {via}\nFrom: {from}\nTo: {to}\nCall-ID: {call-id}\nCSeq: broken\n\n", **invite)
        peer.answers(invite, "500 Failed for +4930123456")
        tested.until(Ended)
        tested.close()
        running.close()
    assert "30123456" not in said.read_text()
    assert "30987654" not in said.read_text()
