"""What the daemon and its workers say of listening to an answered line. Part of `sip.messages`.

A worker writes what the callee says into a file; who answered is found out elsewhere (`sip.detection.program`), and
said in the words that are here, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sip.causes import Answerer


@dataclass(frozen=True, slots=True)
class ListenOn:
    """Go on with the file for `for_s` seconds from now. The callee may be left alone on the line for so long: a machine
    that is to beep. Ignored where nothing is listened to."""

    call: str
    for_s: float


@dataclass(frozen=True, slots=True)
class Listening:
    """What the callee says is in `file` from now on, as it comes: WAV, 16 bit, mono, 8 kHz, 4,096 bytes at a time, of
    whatever length its header says. Whoever opens it deletes it. `problem` says in words why there is none."""

    call: str
    at: float
    file: str
    problem: str = ""


class Sign(StrEnum):
    """What a verdict rests on."""

    LONG_GREETING = "long_greeting"
    SHORT_GREETING = "short_greeting"
    BEEP = "beep"
    FAX = "fax"
    ANNOUNCEMENT = "announcement"  # information tones, which an operator's announcement follows
    SILENCE = "silence"  # nobody said a word in time
    UNFINISHED = "unfinished"  # somebody began to speak too late to tell
    NO_AUDIO = "no_audio"  # nothing could be heard, for a reason of our own


@dataclass(frozen=True, slots=True)
class Rules:
    """What a campaign asks. A greeting longer than `longest_greeting_s` is a machine's; the verdict comes within
    `within_s` of the answer."""

    longest_greeting_s: float = 2.0
    within_s: float = 4.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who answered, how sure that is (0.5 to 1; 0: not known at all), what it rests on, how long the greeting was, and
    how much of the line had been heard."""

    kind: Answerer
    confidence: float
    sign: Sign
    greeting_s: float
    heard_s: float


NOTHING_HEARD: Final = Verdict(Answerer.UNKNOWN, 0.0, Sign.NO_AUDIO, 0.0, 0.0)
"""There was nothing to listen to."""
