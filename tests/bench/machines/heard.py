"""What the detector makes of made answers, at any rules: the line is analysed once, the rules are asked many times."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from sip.causes import Answerer
from sip.detection.frames import FRAME_S, Framer
from sip.detection.greeting import Greeting, Voice
from sip.detection.messages import Rules, Sign, Verdict
from sip.detection.tones import Tone, Tones
from sip.detection.verdict import judge
from tests.bench.machines.corpus import Case

PIECE_FRAMES: Final = 12.8
"""The SIP library writes 4,096 bytes at a time: a verdict is out when the piece with its frame has come."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer and what was known of it after each frame. `phase` of a piece had come when it was answered."""

    case: Case
    phase: float
    frames: tuple[tuple[Greeting | None, Tone | None, bool], ...]

    def verdict(self, rules: Rules) -> tuple[Verdict, float]:
        """The verdict, and when it is out, after the answer."""
        for number, (greeting, tone, sounding) in enumerate(self.frames, start=1):
            verdict = judge(rules, greeting, tone, number * FRAME_S, sounding=sounding)
            if verdict is not None:
                pieces = np.ceil(number / PIECE_FRAMES - self.phase) + self.phase
                return verdict, float(pieces * PIECE_FRAMES * FRAME_S)
        return Verdict(Answerer.UNKNOWN, 0.0, Sign.UNFINISHED, 0.0, 0.0), len(self.frames) * FRAME_S


def heard(cases: Iterable[Case], seed: int) -> list[Heard]:
    """All answers, listened to."""
    draw = np.random.default_rng(seed)
    lines = []
    for case in cases:
        framer, voice, tones, frames = Framer(), Voice(), Tones(), []
        for number, frame in enumerate(framer.feed(case.samples), start=1):
            now_s = number * FRAME_S
            tone = tones.hear(frame, now_s)
            voice.hear(frame, now_s)
            frames.append((voice.greeting(now_s), tone, tones.sounding))
        lines.append(Heard(case, draw.random(), tuple(frames)))
    return lines
