"""What the process that listens is told, and what it says: a line of JSON each."""

from __future__ import annotations

import msgspec

from sip.detection.messages import Rules, Verdict


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Listen to the line of a call, in the growing WAV `file`, which is deleted when it is opened. `beep`: after the
    verdict, tell of a beep, too."""

    call: str
    file: str
    rules: Rules
    beep: bool = False


class Reply(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The verdict on a call's line, once; or (`verdict` None) that a beep has just ended on it, once."""

    call: str
    verdict: Verdict | None = None
