"""Who hears whom in a talk. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from sip.parties.messages import Voice

Name = TypeVar("Name")


class Seat(StrEnum):
    """What somebody is to a talk."""

    CALLEE = "callee"
    AGENT = "agent"
    LISTENER = "listener"
    WHISPERER = "whisperer"
    MEMBER = "member"


SEATS = {Voice.LISTEN: Seat.LISTENER, Voice.WHISPER: Seat.WHISPERER, Voice.BARGE: Seat.MEMBER}


def hears(listener: Seat, speaker: Seat, *, on_hold: bool = False) -> bool:
    """Whether one hears the other. While the callee is on hold nobody speaks with it; who listens hears it all the
    same. What a supervisor whispers is the agent's alone."""
    match speaker:
        case Seat.CALLEE:
            return listener is not Seat.CALLEE and not (on_hold and listener in {Seat.AGENT, Seat.MEMBER})
        case Seat.AGENT | Seat.MEMBER:
            return not (on_hold and listener is Seat.CALLEE)
        case Seat.WHISPERER:
            return listener is Seat.AGENT
        case Seat.LISTENER:
            return False


def pairs(seats: Iterable[tuple[Name, Seat]], *, on_hold: bool = False) -> set[tuple[Name, Name]]:
    """Those (speaker, listener) of a talk who hear each other."""
    present = list(seats)
    return {
        (speaker, listener)
        for speaker, is_speaker in present
        for listener, is_listener in present
        if speaker != listener and hears(is_listener, is_speaker, on_hold=on_hold)
    }
