"""The whole room under faults: daemons that lose answers, crash and come back, and the promises that hold anyway."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from compliance.api import Cleared, Per, Permit, Reserved
from compliance.cap_windows import Rolling
from compliance.caps import Cap, Scope
from compliance.contacts import Contact, Mark
from compliance.policy import Policy
from dialer.core.inputs import Permitted
from dialer.core.model import Disposition, Lead, Retry, Settlement
from dialer.store.base import connection
from dialer.store.base.connection import Command, Store
from dialer.store.base.errors import StoreUnavailable
from dialer.store.gate import gate
from dialer.store.leads import leases
from dialer.store.operators.status import counts
from dialer.store.settlement import ledger, recovery, settle
from tests.compliance.caps_oracle import allowed
from tests.store.conftest import ALWAYS, NOW, Floor
from tests.store.test_settle import events

End = Callable[..., Settlement]
LEADS = 25
CAP = Cap(2, Rolling(400.0), rest_s=300.0)


@dataclass
class Faults:
    """A line to the store that loses one request or one answer in `one_in`."""

    chance: random.Random
    one_in: int = 12

    @contextmanager
    def on(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        send = connection._send

        def unsafe(store: Store, commands: list[Command]) -> list[Any]:
            dice = self.chance.randrange(self.one_in * 2)
            if dice == 0:
                raise StoreUnavailable("the request was lost")
            replies = send(store, commands)
            if dice == 1:
                raise StoreUnavailable("the answer was lost")
            return replies

        with monkeypatch.context() as patch:
            patch.setattr(connection, "_send", unsafe)
            yield


@dataclass
class Daemon:
    """One run of a daemon: what it has in its hands."""

    owner: str
    leased: list[Lead] = field(default_factory=list)
    calls: list[Permitted] = field(default_factory=list)
    to_settle: list[Settlement] = field(default_factory=list)


@dataclass
class World:
    """Three daemons on one campaign, and what really happened."""

    floor: Floor
    end: End
    chance: random.Random
    now: float = NOW
    runs: int = 0
    daemons: list[Daemon] = field(default_factory=list)
    dialled: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    attempts: list[str] = field(default_factory=list)

    def start(self) -> Daemon:
        self.runs += 1
        return Daemon(f"host:{self.runs}")

    def step(self) -> None:
        self.now += self.chance.uniform(0, 20)
        at = self.chance.randrange(len(self.daemons))
        daemon = self.daemons[at]
        try:
            recovery.beat(self.floor.store, daemon.owner, 3600, self.now)
            self.chance.choice([self.lease, self.dial, self.dial, self.hang_up, self.hang_up, self.recover])(daemon)
        except StoreUnavailable:
            if self.chance.random() < 0.3:
                self.daemons[at] = self.start()  # died of it: nobody settles what it held
                self.floor.store.link.send([("DEL", self.floor.store.keys.heartbeat(daemon.owner))])

    def lease(self, daemon: Daemon) -> None:
        daemon.leased += leases.lease(self.floor.store, self.floor.name, daemon.owner, 4, self.now, 60).leads

    def dial(self, daemon: Daemon) -> None:
        leads, daemon.leased = daemon.leased[:3], daemon.leased[3:]
        ids = [f"{daemon.owner}-{self.now}-{i}" for i in range(len(leads))]
        try:
            screening = self.floor.screening(self.now)
            answers = gate.screen(screening, leads, trunk="main", owner=daemon.owner, attempt_ids=ids)
        except StoreUnavailable:
            daemon.to_settle += [self.unsent(lead, attempt) for lead, attempt in zip(leads, ids, strict=True)]
            raise
        for answer in answers:
            if isinstance(answer, Permitted):
                in_hands = [call.lead.lead_id for other in self.daemons for call in other.calls]
                assert answer.lead.lead_id not in in_hands, "one lead in two calls"
                daemon.calls.append(answer)
                self.attempts.append(answer.permit.attempt)
                self.dialled[answer.permit.number.clear].append(self.now)

    def unsent(self, lead: Lead, attempt: str) -> Settlement:
        cleared, reserved = Cleared(lead.number, self.now, self.now), Reserved(attempt, lead.number, self.now, "")
        never = Permitted(lead, Permit(cleared, reserved))
        return self.end(never, Disposition.NOT_SENT, Retry(60.0, 0), ended_at=self.now, charged=False)

    def hang_up(self, daemon: Daemon) -> None:
        done, daemon.calls = daemon.calls[:2], daemon.calls[2:]
        daemon.to_settle += [
            self.end(call, Disposition.ABANDONED, Retry(30.0, 0), ended_at=self.now, live=True, abandoned=True)
            for call in done
        ]
        settle.settle(self.floor.store, daemon.to_settle, daemon.owner)
        daemon.to_settle = []

    def recover(self, daemon: Daemon) -> None:
        recovery.recover(self.floor.store, self.now)

    def calm_down(self) -> None:
        """Faults are over: everybody settles, the dead are recovered, the rest is announced."""
        for daemon in self.daemons:
            daemon.to_settle += [self.end(call, live=True, ended_at=self.now) for call in daemon.calls]
            settle.settle(self.floor.store, daemon.to_settle, daemon.owner)
        recovery.recover(self.floor.store, self.now)
        settle.reannounce(self.floor.store)


@pytest.mark.parametrize("seed", range(6))
def test_the_promises_hold_under_faults(floor: Floor, end: End, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Caps are never passed, no lead is in two calls, every attempt ends exactly once and the CRM hears of it."""
    chance = random.Random(seed)
    floor.policy = Policy("tight", ALWAYS, (CAP,))
    floor.fill(LEADS)
    world = World(floor, end, chance)
    world.daemons = [world.start() for _ in range(3)]
    with Faults(chance).on(monkeypatch):
        for _ in range(250):
            world.step()
    world.calm_down()

    assert len(world.attempts) > 15
    for times in world.dialled.values():
        past = [Contact(math.ceil(at), marks=Mark.ENDED) for at in times]
        free = (allowed({Per.NUMBER: past[:i]}, [CAP], Scope(0, 0), at, None) for i, at in enumerate(times))
        assert all(free), "a cap was passed"
    told = {name: data for kind, name, data in events(floor.store) if kind == "disposition"}
    assert set(world.attempts) <= set(told)
    after = counts(floor.store, floor.name, world.now)
    assert sum(after.dispositions.values()) == len(told)
    assert after.in_attempt == 0
    assert after.due + after.waiting + after.leased + after.closed == LEADS
    answered = ledger.totals(floor.store, floor.name, ["2026-03-03"])[0].answered
    assert answered == sum(data["live"] for data in told.values())
