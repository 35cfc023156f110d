"""What an agent alone hears when a talk begins: a beep, then a file. The callee is heard meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import pjsua2 as pj

from sip.standing.messages import Cue
from sip.worker.audio.player import Player

BEEP_HZ: Final = 880
BEEP_S: Final = 0.2
RATE_HZ: Final = 8000


class CuePlayer:
    """Plays a cue to the port of an agent; `after` runs something once, in so many seconds."""

    def __init__(self, cue: Cue, after: Callable[[float, Callable[[], None]], object]) -> None:
        self._cue = cue
        self._after = after
        self._port: pj.ToneGenerator | Player | None = None
        self._agent: Any = None

    def play_to(self, agent: Any) -> None:
        """Begin."""
        self._agent = agent
        if self._cue.beep:
            self._port = _beep()
            self._port.startTransmit(agent)
            self._after(BEEP_S, self._whisper)
        else:
            self._whisper()

    def _whisper(self) -> None:
        if self._agent is None:
            return
        self._take_off()
        if self._cue.whisper:
            try:
                player = self._port = Player(self._cue.whisper)
                player.play_to(self._agent)
            except pj.Error as error:
                sys.stderr.write(f"sip worker: the whisper cannot be played: {error.reason}\n")

    def close(self) -> None:
        """The talk is over."""
        self._agent = None
        self._take_off()

    def _take_off(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.__swig_destroy__(port)


def _beep() -> pj.ToneGenerator:
    tone = pj.ToneDesc()
    tone.freq1, tone.freq2 = BEEP_HZ, 0
    tone.on_msec, tone.off_msec = round(BEEP_S * 1000), 0
    tones = pj.ToneDescVector()
    tones.append(tone)
    generator = pj.ToneGenerator()
    generator.createToneGenerator(RATE_HZ, 1)
    generator.play(tones, False)
    return generator
