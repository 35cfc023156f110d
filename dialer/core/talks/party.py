"""A third party to a talk: a telephone that is rung for it, what it is there for; and the wait for one of a queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from config.agent_choice import Skills
from sip.parties.messages import Voice


class Purpose(StrEnum):
    """What a party was rung for."""

    LISTENING = "listening"  # a supervisor, by an operator's order
    CONFERENCE = "conference"  # a colleague, by the agent's word
    TRANSFER = "transfer"  # whoever takes the talk over, by the agent's word


class PartyState(StrEnum):
    """Where a party is."""

    RINGING = "ringing"
    WAITING = "waiting"  # a supervisor, until the agent talks
    JOINED = "joined"
    ENDED = "ended"  # or refused; kept for a while for whoever asked


RING_LIMIT_S: Final = 30.0
MOST_OF_A_TALK: Final = 3
"""Third parties of one talk."""


@dataclass(slots=True)
class Party:
    """`party` is its id, and its call's. `who` asked for it: a supervisor, or the agent `agent`; `to` is whom it
    reaches, as it may be shown. It is, or is to be, joined to the talk of `attempt`; one that `follows` goes on to the
    next talk of `agent`. `colleague` is the agent of ours at that phone, if it is one's. `ref` is the desktop's name
    for the entry that asked. `port` and `key` are of its link, which is open while it is not joined."""

    party: str
    purpose: Purpose
    who: str
    to: str
    since: float
    agent: str = ""
    attempt: str = ""
    follows: bool = False
    colleague: str = ""
    voice: Voice = Voice.BARGE
    ref: str = ""
    state: PartyState = PartyState.RINGING
    reason: str = ""
    port: int = 0
    key: str = ""

    @property
    def stays(self) -> bool:
        """Whether it may be left alone with the callee."""
        return self.purpose is not Purpose.LISTENING


@dataclass(frozen=True, slots=True)
class Queued:
    """A talk waits for whoever of a queue is free first: of a `campaign`, else whoever has `skills`. `to` names it as
    the desktop did, `ref` is the desktop's name for the entry, `who` left the talk `since` then; `tried` are agents who
    are not rung for it (again)."""

    to: str
    who: str
    since: float
    ref: str = ""
    campaign: str = ""
    skills: Skills = field(default_factory=dict)
    tried: frozenset[str] = frozenset()
