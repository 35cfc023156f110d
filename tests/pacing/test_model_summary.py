"""A summary says of a memory what its pacer knows."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pacing.api import CallAnswered, CallFailed, Memory, Mode, Observation, Settings, TalkEnded, WrapupEnded
from pacing.learning.model_summary import CURVE_ENDS_AT, CURVE_POINTS, Law, ModelSummary, Share, model_summary
from pacing.policies import make
from tests.pacing.cases import EXPERIENCED, junk, places, replaced, snapshot

TALK_S, WRAPUP_S, RING_S = 180.0, 20.0, 9.0


def worked(shifts: int = 1500, talk_mean_s: float = TALK_S, every_s: float = 400.0) -> Memory:
    """The memory of a pacer that has seen exponential talks and wrap-ups, and every fourth call answered."""
    rng, pacer = Random(3), make(Settings())
    for i in range(shifts):
        t = every_s * (i + 1)  # one by one: hardly anything runs when another one ends
        call: Observation = CallAnswered(t, rng.gauss(RING_S, 1.0)) if i % 4 == 0 else CallFailed(t, 25.0)
        talk, wrapup = TalkEnded(t, rng.expovariate(1 / talk_mean_s)), WrapupEnded(t, rng.expovariate(1 / WRAPUP_S))
        pacer.step((call, talk, wrapup), snapshot(now=t))
    pacer.step((), snapshot(now=every_s * (shifts + 1)))
    return pacer.memory()


def drawn(memory: Memory, **settings: Any) -> ModelSummary:
    found = model_summary(memory, Settings(**settings))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def seen() -> ModelSummary:
    return drawn(worked())


def assert_a_law(law: Law) -> None:
    """Falls from one, and its parts agree with each other."""
    assert len(law.lasting) == CURVE_POINTS
    assert law.lasting[0] == 1.0
    assert all(0.0 <= later <= earlier for earlier, later in zip(law.lasting, law.lasting[1:], strict=False))
    assert law.lasting[-1] == pytest.approx(1.0 - CURVE_ENDS_AT, abs=0.05)
    assert list(law.quantiles_s) == sorted(law.quantiles_s)
    half = next(place for place, share in enumerate(law.lasting) if share <= 0.5)
    assert (half - 1) * law.step_s <= law.quantiles_s[1] <= half * law.step_s


def test_the_share_of_answers(seen: ModelSummary) -> None:
    """With what it rests upon; nothing is missing any more."""
    assert seen.answers.probability == pytest.approx(0.25, abs=0.02)
    assert seen.answers.calls > 50
    assert seen.calls_to_go == 0


def test_the_laws_of_durations(seen: ModelSummary) -> None:
    """Quantiles of an exponential law are known: the mean times ln 2, and times ln 10."""
    for law, mean_s in ((seen.talk, TALK_S), (seen.wrapup, WRAPUP_S)):
        assert_a_law(law)
        assert law.mean_s == pytest.approx(mean_s, rel=0.2)
        assert law.quantiles_s[1] == pytest.approx(mean_s * 0.693, rel=0.25)
        assert law.quantiles_s[2] == pytest.approx(mean_s * 2.303, rel=0.25)


def test_talks_of_hours_go_on_beyond_the_last_bin() -> None:
    """With its hazard: half of them last for more than it knows of."""
    law = drawn(worked(400, talk_mean_s=7200.0, every_s=80_000.0)).talk
    assert law.quantiles_s[2] == pytest.approx(7200.0 * 2.303, rel=0.25)


def test_the_law_of_ringing(seen: ModelSummary) -> None:
    """Of those that are answered."""
    assert_a_law(seen.ringing)
    assert seen.ringing.mean_s == pytest.approx(RING_S, abs=1.0)
    assert seen.ringing.seen > 10


def test_the_risk_control() -> None:
    """As the memory has it, under the cap of the settings."""
    found = drawn(EXPERIENCED)

    assert (found.tolerated, found.calibration) == (pytest.approx(0.03), pytest.approx(2.0))


def test_an_empty_memory() -> None:
    """The prior, and what is still to be seen; nothing at all in a mode that learns nothing."""
    found = drawn({})

    assert found.answers.probability == pytest.approx(0.3, abs=0.01)
    assert found.calls_to_go == 20
    assert found.talk.quantiles_s[1] == pytest.approx(120.0 / math.sqrt(2.0), rel=0.1)  # lognormal, cv 1
    assert found.talk.seen == found.ringing.seen == 0
    assert model_summary({}, Settings(mode=Mode.PROGRESSIVE)) is None


def test_what_was_learnt_before_a_change_of_mode() -> None:
    """Is shown, for it is kept."""
    assert drawn(EXPERIENCED, mode=Mode.PROGRESSIVE) == drawn(EXPERIENCED)


def test_the_tables() -> None:
    """Answers by hour in order of the day, by trunk with the busiest first; rows that make no sense are left out."""
    tables: dict[str, Any] = {
        "hours": {"10": [30.0, 100.0], "9": [5, 50], "24": [1, 2], "x": [1, 2], "11": [3, 2], "12": [0, 0], "13": "7"},
        "trunks": {
            "south": [1.0, 10.0],
            "north": [60.0, 200.0],
            "": [1.0],
            "nan": [float("nan"), 1.0],
            "few": 3,
            "for ever": [1.0, float("inf")],
        },
    }
    found = drawn({**EXPERIENCED, **tables})

    assert found.hours == ((9, Share(0.1, 50.0)), (10, Share(0.3, 100.0)))
    assert found.trunks == (("north", Share(0.3, 200.0)), ("south", Share(0.1, 10.0)))
    assert drawn({**EXPERIENCED, "hours": [1], "trunks": 5}) == drawn(EXPERIENCED)


WORKED = {**worked(60), "hours": {"9": [1.0, 2.0]}, "trunks": {"north": [1.0, 2.0]}}


@examples(max_examples=50)
@given(st.sampled_from(places(WORKED)), junk)
def test_a_damaged_memory_is_drawn(path: tuple[str, ...], by: object) -> None:
    """Any part of it may be anything: a pacer goes on from it, and its summary has numbers."""
    memory = replaced(WORKED, path, by)

    assert make(Settings(), memory).step((), snapshot()).dial >= 0
    found = drawn(memory)
    for law in (found.ringing, found.talk, found.wrapup):
        assert all(0.0 <= share <= 1.0 for share in law.lasting)
        assert law.mean_s > 0.0
    assert 0.0 <= found.answers.probability <= 1.0
