from __future__ import annotations

import numpy as np
import pytest

from sip.detection.frames import FRAME_S, Framer, Samples
from sip.detection.tones import Signal, Tone, Tones
from tests.sip.detection.made_lines import line, silence, tone, voice


def tones_of(samples: Samples) -> list[Tone]:
    tones = Tones()
    frames = Framer().feed(samples)
    heard = [tones.hear(frame, (number + 1) * FRAME_S) for number, frame in enumerate(frames)]
    return [tone for tone in heard if tone is not None]


@pytest.mark.parametrize("hz", [620.0, 1000.0, 1400.0, 2000.0])
def test_a_beep_is_told_of_when_it_is_over(hz: float) -> None:
    """A tone of one pitch is a beep, with where it began and ended."""
    (beep,) = tones_of(line(silence(0.5), tone(hz, 0.4), silence(0.5)))

    assert beep.signal is Signal.BEEP
    assert beep.pitch_hz == pytest.approx(hz, abs=10)
    assert beep.began_s == pytest.approx(0.5, abs=0.03)
    assert beep.ended_s == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("hz", [425.0, 440.0, 450.0, 480.0])
def test_the_networks_own_tones_are_no_beep(hz: float) -> None:
    """Ringing and busy tones of China, Europe and North America say nothing of who answers."""
    assert {tone.signal for tone in tones_of(line(tone(hz, 1.0), silence(0.5), tone(hz, 0.35), silence(0.2)))} == {
        Signal.NETWORK
    }


def test_north_american_ringing_is_no_beep() -> None:
    """440 and 480 Hz together are no tone of one pitch, or one of the network."""
    ringing = line((tone(440, 2.0) // 2 + tone(480, 2.0) // 2).astype(np.int16), silence(0.3))

    assert {tone.signal for tone in tones_of(ringing)} <= {Signal.NETWORK}


def test_a_fax_is_no_beep() -> None:
    """An answering fax sends 2100 Hz for seconds."""
    assert [tone.signal for tone in tones_of(line(tone(2100, 2.6), silence(0.2)))] == [Signal.FAX]


@pytest.mark.parametrize("pitches", [(950, 1400, 1800), (914, 1371, 1777), (985, 1429, 1777)])
def test_three_tones_announce_an_operator(pitches: tuple[int, int, int]) -> None:
    """The special information tones of ITU-T E.180 and of North America are known by their order."""
    heard = tones_of(line(silence(0.2), *(tone(hz, 0.33) for hz in pitches), silence(0.3)))

    assert heard[-1].signal is Signal.ANNOUNCEMENT


def test_other_three_tones_announce_nothing() -> None:
    """The same tones in another order are beeps."""
    heard = tones_of(line(*(tone(hz, 0.33) for hz in (1800, 1400, 950)), silence(0.3)))

    assert {tone.signal for tone in heard} == {Signal.BEEP}


def test_a_click_and_a_voice_are_no_tones() -> None:
    """What is short, or wanders, is none."""
    assert tones_of(line(tone(1000, 0.1), silence(0.2), voice(3.0), silence(0.2))) == []


def test_a_tone_is_the_same_in_any_pieces() -> None:
    """Samples may come in pieces of any length."""
    samples = line(silence(0.3), tone(1000, 0.4), silence(0.3))
    framer = Framer()

    pieces = [frame for at in range(0, len(samples), 333) for frame in framer.feed(samples[at : at + 333])]

    assert pieces == Framer().feed(samples)
