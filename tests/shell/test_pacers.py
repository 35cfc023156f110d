"""Pacers that answer in time, late, and with new settings."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
import trio

from config.daemon import PacingSettings
from dialer.core.engine import Question
from dialer.core.inputs import Input, Paced
from dialer.shell import pacers
from dialer.shell.clock import Clock
from dialer.shell.pacers import Pacers, pace
from dialer.shell.tally import Tally
from pacing.face import Decision, Ledger, Mode, Observation, Settings, Snapshot
from pacing.policies import progressive

DEADLINE_S = 10.0
STANDING = Snapshot(
    now=0.0,
    ready=3,
    talking_age_s=(),
    wrapup_age_s=(),
    paused=0,
    ringing_age_s=(),
    waiting_age_s=(),
    lines_free=10,
    leads_available=10,
    ledger=Ledger(),
)


def question(settings: Settings | None = None) -> Question:
    return Question("spring", settings or Settings(mode=Mode.PROGRESSIVE), (), STANDING)


@dataclass
class Asked:
    """Stands in for the engine: what the pacer is to be asked, one round after the other."""

    rounds: deque[list[Question]]

    def questions(self, now: float, *, everyone: bool = False) -> list[Question]:
        return self.rounds.popleft() if self.rounds else []


@dataclass
class Slow:
    """A pacer that thinks until it is told to stop, and answers 99."""

    release: threading.Event = field(default_factory=threading.Event)

    def step(self, observations: Sequence[Observation], snapshot: Snapshot) -> Decision:
        self.release.wait(DEADLINE_S)
        return Decision(99, "thought long")

    def learnt(self) -> Mapping[str, float]:
        return {}


def decisions(rounds: int, tally: Tally, after: Callable[[int], None] = lambda _: None) -> list[Decision]:
    """Run the pacers for so many rounds; `after` is called with the number of each decision that came."""
    came: list[Decision] = []

    async def main() -> None:
        tell, hear = trio.open_memory_channel[Input](100)
        settings = PacingSettings(interval_s=0.1, budget_s=0.05)
        asked = Asked(deque([question()] for _ in range(rounds)))
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pace, asked, tell, settings, Clock.start(), tally)
                while len(came) < rounds:
                    told = await hear.receive()
                    assert isinstance(told, Paced)
                    came.append(told.decision)
                    tally.decisions_taken += 1
                    after(len(came))
                nursery.cancel_scope.cancel()

    trio.run(main)
    return came


@pytest.fixture
def tally() -> Tally:
    return Tally("host", Clock.start(), started_at=0.0)


def test_a_pacer_is_asked_and_heard(tally: Tally) -> None:
    """The campaign's own pacer decides, and the board shows its sentence."""
    (decision,) = decisions(1, tally)

    assert decision.dial == 3
    assert tally.campaigns["spring"].decision == decision
    assert tally.pacing_late == 0


def test_a_late_pacer_is_replaced_for_that_tick(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    """The progressive rule decides, what the pacer says too late is dropped, and being late is counted."""
    slow = Slow()
    monkeypatch.setattr(pacers, "make", lambda *_: slow)

    came = decisions(1, tally, lambda _: slow.release.set())

    assert came == [progressive(STANDING)]
    assert tally.pacing_late == 1


def test_a_pacer_that_was_late_is_asked_again(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    """Being late once has no consequences: the next tick is the pacer's again."""
    slow = Slow()
    monkeypatch.setattr(pacers, "make", lambda *_: slow)

    came = decisions(2, tally, lambda _: slow.release.set())

    assert [decision.dial for decision in came] == [progressive(STANDING).dial, 99]
    assert tally.pacing_late == 1


def test_new_settings_keep_what_was_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign that is changed gets a new pacer, which does not begin from nothing."""
    handed: list[Mapping[str, float] | None] = []

    class Learned(Slow):
        def learnt(self) -> Mapping[str, float]:
            return {"answer": 0.4}

    def make(settings: Settings, learnt: Mapping[str, float] | None) -> Slow:
        handed.append(learnt)
        made = Learned()
        made.release.set()
        return made

    monkeypatch.setattr(pacers, "make", make)
    asked = Pacers()
    asked.step([question()])
    asked.step([question()])
    asked.step([question(replace(question().settings, abandon_after_s=1.0))])

    assert handed == [None, {"answer": 0.4}]
