"""Pacers that answer in time, late, and with new settings."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
import trio

from config.daemon import DaemonSettings, PacingSettings
from dialer.core.engine import PacerRequest
from dialer.core.inputs import Paced
from dialer.shell.clock import Clock
from dialer.shell.statistics import Statistics
from dialer.shell.tasks import pacers
from dialer.shell.tasks.pacers import LateLog, Pacers, Recall, pace
from pacing.api import Decision, Ledger, Memory, Mode, Observation, Rule, Settings, Snapshot
from pacing.policies import progressive
from tests.shell.some_parts import some_parts

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


def request(settings: Settings | None = None) -> PacerRequest:
    return PacerRequest("spring", settings or Settings(mode=Mode.PROGRESSIVE), (), STANDING)


@dataclass
class Asked:
    """Stands in for the engine: what the pacer is to be asked, one round after the other."""

    rounds: deque[list[PacerRequest]]
    decisions_taken: int = 0

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


async def at_once(requests: list[PacerRequest]) -> list[PacerRequest]:
    """Nothing is kept of earlier runs."""
    return requests


def decisions(
    rounds: int,
    statistics: Statistics,
    after: Callable[[int], None] = lambda _: None,
    *,
    recall: Recall = at_once,
    rounds_asked: int = 0,
) -> list[Decision]:
    """Run the pacers until so many rounds are decided; `after` is called with the number of each decision that came."""
    came: list[Decision] = []

    async def main() -> None:
        asked = Asked(deque([request()] for _ in range(rounds_asked or rounds)))
        settings = DaemonSettings(pacing=PacingSettings(interval_s=0.1, budget_s=0.05))
        parts = some_parts(cast("Any", None), settings=settings, engine=asked, statistics=statistics)
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pace, parts, Pacers(), recall)
                while len(came) < rounds:
                    paced = await parts.queues.inputs.receive()
                    assert isinstance(paced, Paced)
                    came.append(paced.decision)
                    asked.decisions_taken += 1
                    after(len(came))
                nursery.cancel_scope.cancel()

    trio.run(main)
    return came


@pytest.fixture
def statistics() -> Statistics:
    return Statistics(Clock.start(), started_at=0.0)


def test_a_pacer_is_asked_and_heard(statistics: Statistics) -> None:
    """The campaign's own pacer decides, and the board shows its sentence."""
    (decision,) = decisions(1, statistics)

    assert decision.dial == 3
    assert statistics.campaigns["spring"].decision == decision
    assert statistics.pacing_late == 0


def test_a_late_pacer_is_replaced_for_that_tick(statistics: Statistics, monkeypatch: pytest.MonkeyPatch) -> None:
    """The progressive rule decides, what the pacer says too late is dropped, and being late is counted."""
    slow = Slow()
    monkeypatch.setattr(pacers, "make", lambda *_: slow)

    came = decisions(1, statistics, lambda _: slow.release.set())

    assert came == [progressive(STANDING, Settings(mode=Mode.PROGRESSIVE), Rule.LATE)]
    assert statistics.pacing_late == 1


def test_a_pacer_that_was_late_is_asked_again(statistics: Statistics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Being late once has no consequences: the next tick is the pacer's again."""
    slow = Slow()
    monkeypatch.setattr(pacers, "make", lambda *_: slow)

    came = decisions(2, statistics, lambda _: slow.release.set())

    assert [decision.dial for decision in came] == [progressive(STANDING).dial, 99]
    assert statistics.pacing_late == 1


def test_being_late_is_said_once_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    """With how often it was, so that a slow machine does not fill the journal."""
    late_log = LateLog()

    for second in range(90):
        late_log.late(0.05, 1000.0 + second)

    first, second_line = capsys.readouterr().out.splitlines()
    assert "times=1" in first
    assert "times=60" in second_line


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
    asked.step([request(predictive)])
    asked.step([request(predictive)])
    asked.step([request(replace(predictive, abandon_after_s=1.0))])

    assert handed == [None, {"answer": 1}]


def test_a_mode_that_learns_nothing_keeps_what_was_learnt(handed: list[Memory | None]) -> None:
    """Predictive, progressive for a while, predictive again."""
    asked, predictive = Pacers(), Settings()
    for settings in (predictive, Settings(mode=Mode.PROGRESSIVE), predictive):
        asked.step([request(settings)])

    assert handed == [None, {"answer": 1}, {"answer": 1}]
    assert asked.memory("spring") == {"answer": 3}


def test_the_first_pacer_goes_on_from_what_was_recalled(handed: list[Memory | None]) -> None:
    """A restart does not begin from nothing either."""
    asked = Pacers(memories={"spring": {"answer": 0.4}})
    asked.step([request()])

    assert handed == [{"answer": 0.4}]


def test_requests_wait_for_what_was_learnt(statistics: Statistics) -> None:
    """Only those are asked that can be; the others come again."""
    held: list[list[PacerRequest]] = []

    async def recall(questions: list[PacerRequest]) -> list[PacerRequest]:
        held.append(questions)
        return questions if len(held) > 1 else []

    (decision,) = decisions(1, statistics, recall=recall, rounds_asked=2)

    assert decision.dial == 3
    assert [len(round_) for round_ in held[:2]] == [1, 1]
