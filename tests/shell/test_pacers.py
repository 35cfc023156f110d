"""Pacers that answer in time, late, and with new settings."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
import trio

from config.daemon import PacingSettings
from dialer.core.engine import PacerRequest
from dialer.core.inputs import Input, Paced
from dialer.shell.clock import Clock
from dialer.shell.statistics import Tally
from dialer.shell.tasks import pacers
from dialer.shell.tasks.pacers import Pacers, Recall, at_once, pace
from pacing.api import Decision, Ledger, Memory, Mode, Observation, Rule, Settings, Snapshot
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


def question(settings: Settings | None = None) -> PacerRequest:
    return PacerRequest("spring", settings or Settings(mode=Mode.PROGRESSIVE), (), STANDING)


@dataclass
class Asked:
    """Stands in for the engine: what the pacer is to be asked, one round after the other."""

    rounds: deque[list[PacerRequest]]

    def pacer_requests(self, now: float, *, everyone: bool = False) -> list[PacerRequest]:
        return self.rounds.popleft() if self.rounds else []


@dataclass
class Slow:
    """A pacer that thinks until it is told to stop, and answers 99."""

    release: threading.Event = field(default_factory=threading.Event)

    def step(self, observations: Sequence[Observation], snapshot: Snapshot) -> Decision:
        self.release.wait(DEADLINE_S)
        return Decision(99)

    def learnt(self) -> dict[str, float]:
        return {}

    def memory(self) -> Memory:
        return {}


def decisions(
    rounds: int,
    tally: Tally,
    after: Callable[[int], None] = lambda _: None,
    *,
    recall: Recall = at_once,
    rounds_asked: int = 0,
) -> list[Decision]:
    """Run the pacers until so many rounds are decided; `after` is called with the number of each decision that came."""
    came: list[Decision] = []

    async def main() -> None:
        tell, hear = trio.open_memory_channel[Input](100)
        settings = PacingSettings(interval_s=0.1, budget_s=0.05)
        asked = Asked(deque([question()] for _ in range(rounds_asked or rounds)))
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pace, asked, tell, settings, Clock.start(), tally, Pacers(), recall)
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

    assert came == [progressive(STANDING, Settings(mode=Mode.PROGRESSIVE), Rule.LATE)]
    assert tally.pacing_late == 1


def test_a_pacer_that_was_late_is_asked_again(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    """Being late once has no consequences: the next tick is the pacer's again."""
    slow = Slow()
    monkeypatch.setattr(pacers, "make", lambda *_: slow)

    came = decisions(2, tally, lambda _: slow.release.set())

    assert [decision.dial for decision in came] == [progressive(STANDING).dial, 99]
    assert tally.pacing_late == 1


@dataclass
class Learned(Slow):
    """A pacer that has learnt something, or nothing."""

    known: Memory = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.release.set()

    def memory(self) -> Memory:
        return self.known


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[Memory | None]:
    """What each pacer that was made went on from; in mode progressive they learn nothing themselves."""
    given: list[Memory | None] = []

    def make(settings: Settings, memory: Memory | None) -> Learned:
        given.append(memory)
        return Learned(known={} if settings.mode is Mode.PROGRESSIVE else {"answer": len(given)})

    monkeypatch.setattr(pacers, "make", make)
    return given


def test_new_settings_keep_what_was_learnt(handed: list[Memory | None]) -> None:
    """A campaign that is changed gets a new pacer, which does not begin from nothing."""
    asked, predictive = Pacers(), Settings()
    asked.step([question(predictive)])
    asked.step([question(predictive)])
    asked.step([question(replace(predictive, abandon_after_s=1.0))])

    assert handed == [None, {"answer": 1}]


def test_a_mode_that_learns_nothing_keeps_what_was_learnt(handed: list[Memory | None]) -> None:
    """Predictive, progressive for a while, predictive again."""
    asked, predictive = Pacers(), Settings()
    for settings in (predictive, Settings(mode=Mode.PROGRESSIVE), predictive):
        asked.step([question(settings)])

    assert handed == [None, {"answer": 1}, {"answer": 1}]
    assert asked.memory("spring") == {"answer": 3}


def test_the_first_pacer_goes_on_from_what_was_recalled(handed: list[Memory | None]) -> None:
    """A restart does not begin from nothing either."""
    asked = Pacers(memories={"spring": {"answer": 0.4}})
    asked.step([question()])

    assert handed == [{"answer": 0.4}]


def test_questions_wait_for_what_was_learnt(tally: Tally) -> None:
    """Only those are asked that can be; the others come again."""
    held: list[list[PacerRequest]] = []

    async def recall(questions: list[PacerRequest]) -> list[PacerRequest]:
        held.append(questions)
        return questions if len(held) > 1 else []

    (decision,) = decisions(1, tally, recall=recall, rounds_asked=2)

    assert decision.dial == 3
    assert [len(round_) for round_ in held[:2]] == [1, 1]
