"""What the daemon and its workers say of standing legs: agents' phones that stay on the line. Part of `sip.messages`.

A standing leg is a call of its own (`call` is its id, another one each time the phone is rung), in a worker beside
those of calls. The worker of a talk reaches it by an INVITE over loopback, and sees it as the phone of an agent:

    daemon                    pool                    the phone's worker         the talk's worker
    DialStanding -----------> with a token ---------> rings the phone
                 <----------------------------------- StandingUp
    DialAgent(standing) ----> with the worker's ------------------------------> INVITE sip:TOKEN@WORKER
                              place and token         answers at once <---------/
                 <------------------------------------------------------------- Bridged
                              FreeStanding ---------> if the talk's worker dies
    HangUp --------------------------------------->   BYE
                 <----------------------------------- Ended

The token is known to the pool and the two workers alone, and an INVITE without it gets no further than the screen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class DialStanding:
    """Ring an agent's phone, for `give_up_s` at most, and keep it on the line. Takes two slots: the phone's, and that
    of the talk that it is in. Followed by `StandingUp` if it answers, and by exactly one `Ended`.

    `about` is shown on the phone. The pool fills in `address`, as in `DialAgent`, and the `token`.
    """

    call: str
    uri: str
    about: str
    give_up_s: float
    address: str = ""
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FreeStanding:
    """The talk's worker is gone: nothing more will come from it, and the phone is free for another talk. Between pool
    and worker."""

    call: str


@dataclass(frozen=True, slots=True)
class Cue:
    """What the agent alone hears when a talk begins: a `beep`, then the WAV file `whisper` (empty: none)."""

    beep: bool = False
    whisper: str = ""


NO_CUE: Final = Cue()

StandingCommand = DialStanding | FreeStanding


@dataclass(frozen=True, slots=True)
class StandingUp:
    """An agent's phone has answered and has audio: talks may come."""

    call: str
    at: float
