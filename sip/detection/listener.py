"""One line from the answer on: samples in, the verdict out, and later the beep after which a message may be left."""

from __future__ import annotations

from dataclasses import dataclass, field

from sip.detection.frames import FRAME_S, Framer, Samples
from sip.detection.greeting import Voice
from sip.detection.messages import Rules, Verdict
from sip.detection.tones import Signal, Tones
from sip.detection.verdict import judge


@dataclass(slots=True)
class Listener:
    """Hears one answered line. `verdict` is there once, and stays; `beep_ended_s` is when the last beep was over."""

    rules: Rules
    verdict: Verdict | None = None
    beep_ended_s: float | None = None
    heard_s: float = 0.0
    _framer: Framer = field(default_factory=Framer)
    _voice: Voice = field(default_factory=Voice)
    _tones: Tones = field(default_factory=Tones)

    def hear(self, samples: Samples) -> None:
        """What came next on the line (int16, 8 kHz), in pieces of any length."""
        for frame in self._framer.feed(samples):
            self.heard_s += FRAME_S
            tone = self._tones.hear(frame, self.heard_s)
            if tone is not None and tone.signal is Signal.BEEP:
                self.beep_ended_s = tone.ended_s
            if self.verdict is None:
                self._voice.hear(frame, self.heard_s)
                greeting, sounding = self._voice.greeting(self.heard_s), self._tones.sounding
                self.verdict = judge(self.rules, greeting, tone, self.heard_s, sounding=sounding)
