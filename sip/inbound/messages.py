"""What pool, workers and daemon say to each other of a call that comes from outside, until somebody has answered it.

Such a call has one event that no other has, `Arrived`; the daemon says `Answer` or `Reject`. After `Answer` it is like
any answered call: `Answered`, agents, a message, and exactly one `Ended`. A call that its caller gives up before that
ends as well; one that was rejected does not, as nothing of it is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Arrived:
    """A trunk sends a call. `caller` is who calls, in E.164 with the plus sign; empty: nobody says so in a form that
    can be called back. `called` are the numbers that it may be to, in E.164, the likeliest first."""

    call: str
    at: float
    trunk: str
    caller: str = field(repr=False)
    called: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a call that arrived. Reserves two slots: the caller's leg and an agent's. What has a default is the pool's
    to say: the `invite` with where its answer goes (`door`, HOST:PORT) in its top Via, and where it came from."""

    call: str
    trunk: str
    invite: str = field(default="", repr=False)
    door: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse a call that arrived, with this code."""

    call: str
    sip_code: int


@dataclass(frozen=True, slots=True)
class PlayMusic:
    """Play a WAV file to the caller over and over, until an agent is bridged or a message takes its place."""

    call: str
    path: str


InboundCommand = Answer | Reject | PlayMusic
