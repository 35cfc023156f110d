"""What a party hears whom the other one has put on hold: a file, or silence."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sip.messages import Ended, HangUp
from tests.sip.tones import AMPLITUDE, heard, level, tone, write_wav
from tests.sip.worker.conftest import Party, bridged

TONE_HZ = 1000.0


@pytest.fixture
def music(tmp_path: Path) -> str:
    """One second of a tone, so that it must begin again."""
    return str(write_wav(tmp_path / "music.wav", tone(TONE_HZ, 1.0)))


def becomes(party: Party, *, a_tone: bool) -> bool:
    """Whether the tone is heard for 0.4 s, or is not, within some seconds."""
    until = time.monotonic() + 6
    while time.monotonic() < until:
        share = level(heard(party, 0.4), TONE_HZ) / AMPLITUDE
        if share > 0.8 if a_tone else share < 0.1:
            return True
    return False


@pytest.mark.parametrize("way", ["sendonly", "inactive"])
@pytest.mark.parametrize("holder", ["agent", "callee"])
def test_who_is_on_hold_hears_the_music_until_the_talk_goes_on(worker, callee, agent, music, way, holder) -> None:
    """Over and over, and only while held; then each hears the other again."""
    tested = bridged(worker, callee, agent, hold_music=music)
    holding, waiting = (agent, callee) if holder == "agent" else (callee, agent)
    holding.asks_for(way)
    assert becomes(waiting, a_tone=True)
    time.sleep(1.2)  # longer than the file
    assert becomes(waiting, a_tone=True)
    holding.asks_for("sendrecv", 3)
    assert becomes(waiting, a_tone=False)
    tested.send(HangUp("c1"))
    tested.until(Ended)


@pytest.mark.parametrize("path", ["", "/nowhere.wav"])
def test_without_a_file_it_is_silent(worker, callee, agent, path) -> None:
    """The default; a file that has gone since the start is silence, too, and ends no talk."""
    tested = bridged(worker, callee, agent, hold_music=path)
    agent.asks_for("sendonly")
    assert becomes(callee, a_tone=False)
    agent.asks_for("sendrecv", 3)
    tested.send(HangUp("c1"))
    tested.until(Ended)


def test_a_call_that_ends_on_hold_ends(worker, callee, agent, music) -> None:
    """The player goes with it; the worker takes the next call."""
    for _ in range(2):
        tested = bridged(worker, callee, agent, hold_music=music)
        agent.asks_for("sendonly")
        assert becomes(callee, a_tone=True)
        tested.send(HangUp("c1"))
        tested.until(Ended)
        tested.close()
