"""What a callee says is in a file that others may read while it grows."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sip.causes import Cause
from sip.detection.messages import Listening, ListenOn
from sip.messages import Answered, Bridged, DialAgent, Ended, HangUp
from sip.scripts.messages import AgentLeft, HangUpAgent
from tests.sip.tones import AMPLITUDE, RATE, heard_s, level, singing
from tests.sip.worker.conftest import DIAL, Party

HZ = 600.0
LISTENED = replace(DIAL, listen_s=0.5)


def samples_of(descriptor: int) -> np.ndarray:
    data = os.pread(descriptor, 10_000_000, 44)
    return np.frombuffer(data[: len(data) // 2 * 2], np.int16)


def grown(descriptor: int, seconds: float) -> np.ndarray:
    """The file's samples once it has `seconds` of them."""
    until = time.monotonic() + 10.0
    while len(samples := samples_of(descriptor)) < seconds * RATE:
        assert time.monotonic() < until, "the file does not grow"
        time.sleep(0.02)
    return samples


def answered(worker, callee: Party, folder: Path):
    tested = worker(callee.sip.port, listening=str(folder))
    tested.send(LISTENED)
    callee.answers()
    tested.until(Answered)
    listening = tested.until(Listening)
    assert listening.problem == ""
    descriptor = os.open(listening.file, os.O_RDONLY)
    os.unlink(listening.file)
    return tested, descriptor


def hung_up(tested, *parties: Party) -> None:
    tested.send(HangUp("c1"))
    for party in parties:
        party.sip.answers(party.sip.hears("BYE"), "200 OK")
    tested.until(Ended)


def test_the_callee_is_heard_before_any_agent(worker, callee, tmp_path):
    """What is said from the answer on is in the file within some 250 ms, at its level, though nobody is on the line."""
    tested, descriptor = answered(worker, callee, tmp_path)
    with singing(callee, HZ):
        samples = grown(descriptor, 2.0)
    assert heard_s(samples, HZ) > 1.2
    assert level(samples[-RATE // 2 :], HZ) == pytest.approx(AMPLITUDE, rel=0.1)
    hung_up(tested, callee)
    assert list(tmp_path.iterdir()) == []


def test_it_ends_with_the_agent_on_the_line(worker, callee, agent, tmp_path):
    """With an agent bridged the file ends after its time, and both hear each other as ever."""
    tested, descriptor = answered(worker, callee, tmp_path)
    tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{agent.sip.port}", "138****5678"))
    agent.answers()
    tested.until(Bridged)
    with singing(callee, HZ):
        time.sleep(1.8)
        length = len(samples_of(descriptor))
        time.sleep(0.6)
        assert len(samples_of(descriptor)) == length
        agent.rtp.settimeout(2.0)
        assert agent.rtp.recv(2048)
    hung_up(tested, callee, agent)


def test_a_callee_may_be_left_alone_until_the_beep(worker, callee, agent, tmp_path):
    """Told to listen on, the worker keeps a callee whose agent has been hung up on, and the file grows."""
    tested, descriptor = answered(worker, callee, tmp_path)
    tested.send(DialAgent("c1", "a1", f"sip:agent@127.0.0.1:{agent.sip.port}", "138****5678"))
    agent.answers()
    tested.until(Bridged)
    tested.send(HangUpAgent("c1"))
    tested.send(ListenOn("c1", 20.0))
    agent.sip.answers(agent.sip.hears("BYE"), "200 OK")
    tested.until(AgentLeft)
    with singing(callee, HZ):
        before = len(samples_of(descriptor))
        samples = grown(descriptor, before / RATE + 5.5)  # longer than a forgotten callee is kept
    assert level(samples[-RATE // 2 :], HZ) == pytest.approx(AMPLITUDE, rel=0.1)
    hung_up(tested, callee)


def test_a_folder_that_is_gone_costs_no_call(worker, callee, tmp_path):
    """Where no file can be written, it is said, and the call goes on."""
    tested = worker(callee.sip.port, listening=str(tmp_path / "none"))
    tested.send(LISTENED)
    callee.answers()
    tested.until(Answered)
    listening = tested.until(Listening)
    assert listening.file == ""
    assert listening.problem
    hung_up(tested, callee)
    assert tested.events[-1].cause is Cause.NORMAL
