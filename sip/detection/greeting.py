"""What somebody says who answers, as times: when they begin, how long they speak, in how many words, what pauses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sip.detection.frames import FRAME_S, LEAST_PURITY, Frame

LEAST_DB: Final = -52.0
"""Fainter than this is the line, not a voice."""

ABOVE_NOISE_DB: Final = 7.0
BELOW_VOICE_DB: Final = 20.0
"""What is this much fainter than the loudest of the voice so far is in the background: a television, other people."""

NOISE_RISES_DB_S: Final = 2.0
VOICE_FADES_DB_S: Final = 3.0

SETTLING_S: Final = 0.12
"""WebRTC's detector takes the first frames of any noise for speech."""

LEAST_WORD_S: Final = 0.08
LEAST_GAP_S: Final = 0.1
"""Shorter sounds are clicks, shorter gaps are part of a word."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What was heard until now. `began_s` is from the answer to the first word, `length_s` from there to the end of
    the last one, `pause_s` the longest pause between words, `silence_s` the silence since."""

    began_s: float
    length_s: float
    voiced_s: float
    words: int
    pause_s: float
    silence_s: float


@dataclass(slots=True)
class Voice:
    """Follows the voice on one line."""

    _noise_db: float = -60.0
    _voice_db: float = -60.0
    _word_began_s: float | None = None
    _voice_ended_s: float = 0.0
    _began_s: float | None = None
    _last_s: float = 0.0
    _voiced_s: float = 0.0
    _words: int = 0
    _pause_s: float = 0.0

    def hear(self, frame: Frame, now_s: float) -> None:
        """One frame, which ends `now_s` after the answer."""
        if not self._is_voice(frame) or now_s <= SETTLING_S:
            if self._word_began_s is not None and now_s - self._voice_ended_s >= LEAST_GAP_S:
                self._word_began_s = None
            return
        if self._word_began_s is None:
            self._word_began_s = now_s - FRAME_S
        self._voice_ended_s = now_s
        length_s = now_s - self._word_began_s
        if length_s < LEAST_WORD_S:
            return
        if self._began_s is None:
            self._began_s = self._last_s = self._word_began_s
        if self._last_s <= self._word_began_s:  # it has just become a word
            self._words += 1
            self._pause_s = max(self._pause_s, self._word_began_s - self._last_s)
            self._last_s = self._word_began_s
        self._voiced_s += now_s - self._last_s
        self._last_s = now_s

    def _is_voice(self, frame: Frame) -> bool:
        if not frame.speech:
            rise_db = NOISE_RISES_DB_S * FRAME_S
            self._noise_db = frame.level_db if frame.level_db < self._noise_db else self._noise_db + rise_db
        self._voice_db = max(self._voice_db - VOICE_FADES_DB_S * FRAME_S, frame.level_db if frame.speech else -60.0)
        return (
            frame.speech
            and frame.purity < LEAST_PURITY
            and frame.level_db >= max(LEAST_DB, self._noise_db + ABOVE_NOISE_DB, self._voice_db - BELOW_VOICE_DB)
        )

    def greeting(self, now_s: float) -> Greeting | None:
        """What was said by now; None: nothing."""
        if self._began_s is None:
            return None
        return Greeting(
            began_s=self._began_s,
            length_s=self._last_s - self._began_s,
            voiced_s=self._voiced_s,
            words=self._words,
            pause_s=self._pause_s,
            silence_s=now_s - self._last_s,
        )
