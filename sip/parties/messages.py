"""What the daemon and its workers say of a third party to a talk. Part of `sip.messages`.

A party is a call of its own to a telephone (`call` is its id), in a worker of its own: the talk's may be full, and what
kills one must not end the other. Both are joined by an audio link over loopback (`sip.worker.parties.link`):

    daemon            the party's worker              the talk's worker
    DialParty  -----> rings, is answered
               <----- LinkOpened(port, key)
    Join(port, key) --------------------------------> sends there, and hears
    Join(other voice) ------------------------------> another voice
    Leave ------------------------------------------> the talk goes on without
    OpenLink -------> LinkOpened, for another talk
    HangUp ---------> Ended

`HangUp`, `Digit` and `Ended` are as for any call. Who the party is to the talk, its worker does not know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Voice(StrEnum):
    """Who hears a party. It hears all of the talk itself."""

    LISTEN = "listen"  # nobody
    WHISPER = "whisper"  # the agent
    BARGE = "barge"  # everybody


@dataclass(frozen=True, slots=True)
class DialParty:
    """Ring a party's telephone, for `give_up_s` at most. Takes one slot beside those of calls.

    `about`, `attempt`, `address` and `standing` are as in `DialAgent`; without an `attempt` the phone is not told to
    answer by itself. Ends with `Ended`, like any call.
    """

    call: str
    uri: str
    about: str
    give_up_s: float
    address: str = ""
    attempt: str = ""
    standing: str = ""


@dataclass(frozen=True, slots=True)
class OpenLink:
    """The talk that the party was joined to is over: let go of it and be ready for another. Answered by `LinkOpened`;
    ignored before the phone has answered."""

    call: str


@dataclass(frozen=True, slots=True)
class Join:
    """Let `party` hear the talk of `call`, and be heard by `voice`, through the link at `port` with its `key`; for one
    that is joined already: with another voice. Ignored where no agent is bridged.

    The talk goes on without its agent (`AgentLeft`) while a party `stays`, who is then in the agent's place.
    """

    call: str
    party: str
    port: int
    key: str = field(repr=False)
    voice: Voice
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """The party is gone from the talk. If nobody else is left with the callee it is as if an agent had left."""

    call: str
    party: str


@dataclass(frozen=True, slots=True)
class Hold:
    """The agent puts the callee on hold, who hears music then, or (not `on`) goes on talking. While it `awaits` a party
    that is being rung the talk goes on without its agent, too."""

    call: str
    on: bool
    awaits: bool = False


PartyCommand = DialParty | OpenLink | Join | Leave | Hold


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """A party's phone has answered and has audio, or its last link is closed: a talk may join at `port` of 127.0.0.1,
    by its `key`."""

    call: str
    at: float
    port: int
    key: str = field(repr=False)
