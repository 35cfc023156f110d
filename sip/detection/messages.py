"""What the daemon and its workers say of listening to an answered line. Part of `sip.messages`.

A worker writes what the callee says into a file; who answered is found out elsewhere (`sip.detection.program`).
"""

from __future__ import annotations

from dataclasses import dataclass


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
