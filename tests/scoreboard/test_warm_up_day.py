"""The day after: what was learnt is there, and nothing else of the day before."""

from __future__ import annotations

import pytest

from dialer.sim.study.scenario import Scenario, find_scenario, load_scenario
from pacing.api import Decision, Guarantee, Ledger, Mode, Pacer, Rule, Snapshot
from tests.scoreboard import warm_up_day
from tests.scoreboard.entrants import OURS, pacer_of
from tests.scoreboard.virtual_floor.floor import play
from tests.scoreboard.warm_up_day import EVE, next_day_pacer

SHORT = load_scenario(find_scenario("r2"), {"hours": "0.3"})
MORNING = Snapshot(0.0, 10, (), (), 0, (), (), 100, 100, Ledger())


def first(pacer: Pacer) -> Decision:
    return pacer.step((), MORNING)


def test_the_next_day_does_not_begin_cold() -> None:
    """Talks are known, so a few calls are all that is missing; the answer rate of the evening before is doubted."""
    cold, morning = pacer_of(OURS, SHORT, 1), next_day_pacer(SHORT, 1)
    for pacer in (cold, morning):
        reason = first(pacer).reason
        assert (reason.rule, reason.figures["calls_to_go"]) == (Rule.LEARNING, 20)
    known, unknown = morning.learnt(), cold.learnt()
    assert known["talks_seen"] > 0 == unknown["talks_seen"]
    assert known["talk_s"] != unknown["talk_s"]


def test_the_day_before_has_calls_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another seed, the same scenario with its cap; that day's pacer begins cold."""
    played: list[tuple[Scenario, Rule, int]] = []

    def watched(scenario: Scenario, pacer: Pacer, seed: int) -> None:
        played.append((scenario, first(pacer).reason.rule, seed))

    monkeypatch.setattr(warm_up_day, "play", watched)
    next_day_pacer(SHORT, 3)

    ((scenario, rule, seed),) = played
    assert scenario is SHORT
    assert rule is Rule.LEARNING
    assert seed == 3 + EVE


def test_only_what_was_learnt_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing learnt the day is the cold one to the last figure: no ledger, no settings come with the memory."""
    monkeypatch.setattr(warm_up_day, "play", lambda *_: None)
    cold, empty = play(SHORT, pacer_of(OURS, SHORT, 1), 1), play(SHORT, next_day_pacer(SHORT, 1), 1)
    settings = next_day_pacer(SHORT, 1).settings  # type: ignore[attr-defined]

    assert empty.answered > 0
    assert (settings.mode, settings.guarantee) == (Mode.PREDICTIVE, Guarantee.STATISTICAL)
    assert cold == empty
