"""Tones on a line: the beep of an answering machine, a fax, the three tones before an operator's announcement.

Frequencies: special information tones after ITU-T E.180 and Q.35 (950, 1400 and 1800 Hz, 330 ms each; North America
uses 914 to 1777 Hz and 274 to 380 ms); answering fax 2100 Hz (ITU-T T.30). Tones of the network itself lie from 400 to
490 Hz: ringing and busy in China 450, in Europe 425, in North America 440 and 480 together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sip.detection.frames import FRAME_S, LEAST_PURITY, Frame


class Signal(StrEnum):
    """What a tone is."""

    NETWORK = "network"  # ringing, busy
    BEEP = "beep"
    FAX = "fax"
    ANNOUNCEMENT = "announcement"  # special information tones


NETWORK_HZ: Final = (395.0, 495.0)
FAX_HZ: Final = (2080.0, 2120.0)
INFORMATION_HZ: Final = ((900.0, 1000.0), (1340.0, 1460.0), (1720.0, 1840.0))

LEAST_LEVEL_DB: Final = -45.0
DRIFT_HZ: Final = 15.0
DRIFT_DB: Final = 4.0
LEAST_S: Final = 0.14
"""A tone is this pure and loud, and holds pitch and level this well for so long. Voices and music do not."""

LEAST_FAX_S: Final = 1.0
LEAST_INFORMATION_S: Final = 0.2
LONGEST_GAP_S: Final = 0.12
"""Between two information tones."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A tone that is over."""

    signal: Signal
    pitch_hz: float
    began_s: float
    ended_s: float


@dataclass(slots=True)
class Tones:
    """Follows one line's tones."""

    _began_s: float = 0.0
    _pitch_hz: float = 0.0
    _level_db: float = 0.0
    _length: int = 0
    _heard: tuple[Tone, ...] = ()

    @property
    def sounding(self) -> bool:
        """Whether a tone may be going on."""
        return self._length * FRAME_S >= LEAST_S / 2

    def hear(self, frame: Frame, now_s: float) -> Tone | None:
        """One frame, which ends at `now_s`. A tone is told of when it is over."""
        ended = None
        if self._length and not self._goes_on(frame):
            ended = self._end(now_s - FRAME_S)
        if frame.purity >= LEAST_PURITY and frame.level_db >= LEAST_LEVEL_DB:
            if not self._length:
                self._began_s, self._pitch_hz, self._level_db = now_s - FRAME_S, frame.pitch_hz, frame.level_db
            self._length += 1
            self._level_db = max(self._level_db, frame.level_db)
        return ended

    def _goes_on(self, frame: Frame) -> bool:
        if self._length == 1:
            self._pitch_hz = frame.pitch_hz  # the first frame may be cut
        return (
            frame.purity >= LEAST_PURITY
            and abs(frame.pitch_hz - self._pitch_hz) <= DRIFT_HZ
            and frame.level_db >= self._level_db - DRIFT_DB
        )

    def _end(self, now_s: float) -> Tone | None:
        length_s, self._length = self._length * FRAME_S, 0
        if length_s < LEAST_S:
            return None
        tone = Tone(_signal(self._pitch_hz, length_s), self._pitch_hz, self._began_s, now_s)
        self._heard = (*self._heard[-2:], tone)
        return Tone(Signal.ANNOUNCEMENT, tone.pitch_hz, self._heard[0].began_s, now_s) if self._is_three() else tone

    def _is_three(self) -> bool:
        """Whether the last three tones are those before an announcement."""
        return (
            len(self._heard) == len(INFORMATION_HZ)
            and all(low <= tone.pitch_hz <= high for tone, (low, high) in zip(self._heard, INFORMATION_HZ, strict=True))
            and all(tone.ended_s - tone.began_s >= LEAST_INFORMATION_S for tone in self._heard)
            and all(
                later.began_s - earlier.ended_s <= LONGEST_GAP_S
                for earlier, later in zip(self._heard, self._heard[1:], strict=False)
            )
        )


def _signal(pitch_hz: float, length_s: float) -> Signal:
    if NETWORK_HZ[0] <= pitch_hz <= NETWORK_HZ[1]:
        return Signal.NETWORK
    if FAX_HZ[0] <= pitch_hz <= FAX_HZ[1] and length_s >= LEAST_FAX_S:
        return Signal.FAX
    return Signal.BEEP
