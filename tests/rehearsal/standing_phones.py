"""The workers that keep agents' phones on the line, in a rehearsal: phones are picked up or not, and hung up at any
time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from dialer.sim.virtual_time import Tell
from sip.causes import Cause, Leg
from sip.messages import Command, Ended, HangUp
from sip.standing.messages import DialStanding, StandingUp
from tests.rehearsal.desks import Phones, PickUp
from tests.rehearsal.world import World

LASTS_S: Final = 120.0


@dataclass(slots=True)
class StandingPhones:
    """`up` says of each leg whether its phone has answered; `lost` is told of one whose phone was hung up."""

    timeline: World
    tell: Tell
    phones: Phones
    lost: Callable[[str], None]
    up: dict[str, bool] = field(default_factory=dict)

    def take(self, command: Command) -> bool:
        """Whether a command was about one of these legs."""
        if isinstance(command, DialStanding):
            self._ring(command)
            return True
        if isinstance(command, HangUp) and command.call in self.up:
            self._end(command.call, Cause.NORMAL, Leg.DIALER)
            return True
        return False

    def worker_dies(self) -> None:
        """A worker dies with up to two legs, and their talks hear nothing any more."""
        for call in list(self.up)[:2]:
            self._end(call, Cause.WORKER_LOST, Leg.DIALER)

    def _ring(self, order: DialStanding) -> None:
        self.up[order.call] = False
        match self.phones.ring(order.uri):
            case PickUp.ANSWERS:
                self.timeline.after(self.timeline.between(0.5, 5.0), partial(self._answers, order.call))
            case PickUp.REFUSES:
                self.timeline.after(0.1, partial(self._end, order.call, Cause.BUSY, Leg.AGENT))
            case PickUp.GONE:
                self.timeline.after(5.0, partial(self._end, order.call, Cause.UNREACHABLE, Leg.AGENT))
            case PickUp.SILENT:
                self.timeline.after(order.give_up_s, partial(self._end, order.call, Cause.CANCELLED, Leg.DIALER))

    def _answers(self, call: str) -> None:
        if call in self.up:
            self.up[call] = True
            self.tell(StandingUp(call, self.timeline.now))
            lasts_s = self.timeline.dice.expovariate(1 / LASTS_S)
            self.timeline.after(lasts_s, partial(self._end, call, Cause.NORMAL, Leg.AGENT))

    def _end(self, call: str, cause: Cause, by: Leg) -> None:
        if self.up.pop(call, None) is None:
            return
        if by is Leg.AGENT:
            self.lost(call)
        self.tell(Ended(call, self.timeline.now, cause, by, 0, 0, ""))
