"""Properties of every predictive decision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from dialer.language.decisions import sentence
from pacing.api import (
    CallAnswered,
    CallFailed,
    Guarantee,
    Ledger,
    Mode,
    Observation,
    Rule,
    Settings,
    Snapshot,
    TalkEnded,
    Window,
)
from pacing.compiled import floats
from pacing.governor import covered
from pacing.policies import make
from tests.pacing.cases import EXPERIENCED, experienced, known_answers, observations, snapshot, snapshots

settings = st.builds(
    Settings,
    mode=st.sampled_from(Mode),
    guarantee=st.sampled_from(Guarantee),
    max_abandon_rate=st.sampled_from((0.01, 0.03, 1.0)),
    max_calls_per_agent=st.sampled_from((1.0, 8.0)),
    ratio=st.sampled_from((1.0, 2.5)),
)
SPENT = {"ledger": Ledger(1000, 40)}
FREED = tuple(TalkEnded(999.0, 100.0) for _ in range(10))
ENDING: dict[str, Any] = {"ready": 0, "talking_age_s": (), "wrapup_age_s": (35.0,) * 30}


@examples(max_examples=150)
@given(settings, observations(), snapshots())
def test_no_policy_exceeds_its_limits(knobs: Settings, seen: tuple[Observation, ...], now: Snapshot) -> None:
    """Never negative, never more than lines or leads, nothing without agents, always a sentence with the number."""
    decision = make(knobs, EXPERIENCED).step(seen, now)
    assert 0 <= decision.dial <= min(now.lines_free, now.leads_available)
    assert now.agents > 0 or decision.dial == 0
    assert sentence(decision).startswith(f"dial {decision.dial}: ")
    assert decision.risk is None or 0.0 <= decision.risk <= 1.0


@pytest.mark.parametrize("guarantee", Guarantee)
def test_a_cap_of_nothing_is_a_cap(guarantee: Guarantee) -> None:
    """With a cap of 0 calls start for ready agents only, or with no risk to speak of."""
    pacer = make(Settings(max_abandon_rate=0.0, guarantee=guarantee), EXPERIENCED)
    decision = pacer.step((), snapshot(ready=3, ledger=Ledger(1000, 0)))
    assert decision.dial >= 3
    assert decision.dial == 3 or (decision.risk is not None and decision.risk < 0.001)


@examples(max_examples=100)
@given(settings, observations(), snapshots())
def test_more_ready_agents_never_dial_fewer(knobs: Settings, seen: tuple[Observation, ...], now: Snapshot) -> None:
    """The same moment with one more ready agent gives at least as many calls."""
    fewer, more = (make(knobs, EXPERIENCED).step(seen, replace(now, ready=now.ready + i)).dial for i in (0, 1))
    assert more >= fewer


@given(snapshots())
def test_predictive_is_never_below_progressive(now: Snapshot) -> None:
    """A ready agent no call covers always gets one, within the limits, as long as there is time to serve it."""
    now = replace(now, staffed_s=100.0)
    limit = min(now.lines_free, now.leads_available, covered(now))
    assert make(Settings(max_calls_per_agent=100.0), EXPERIENCED).step((), now).dial >= limit


def test_a_spent_budget_goes_on_with_very_little_risk() -> None:
    """Statistical predictive dials on when agents are all but sure to come free, at a fraction of the usual risk."""
    healthy, spent = (make(Settings(), EXPERIENCED).step(FREED, snapshot(**ENDING, **more)) for more in ({}, SPENT))
    assert 0 < spent.dial < healthy.dial
    assert spent.reason.figures["tolerated_risk"] < healthy.reason.figures["tolerated_risk"] / 10
    assert "almost no risk: 40 abandoned calls need 1333 live answers" in sentence(spent)
    busy = snapshot(ready=0, talking_age_s=(1.0,) * 5, wrapup_age_s=(), **SPENT)
    assert make(Settings(), EXPERIENCED).step(FREED, busy).dial == 0


def test_with_a_spent_budget_no_more_answers_are_risked_than_agents_are_there() -> None:
    """Whatever the forecast says of agents to come: those count by the talks that have ended lately, here none."""
    assert make(Settings(), EXPERIENCED).step((), snapshot(**ENDING, **SPENT)).dial == 0
    decision = make(Settings(), EXPERIENCED).step((), snapshot(**ENDING | {"ready": 2}, **SPENT))
    assert decision.dial == int(2 / decision.reason.figures["answer_rate_upper"])


@pytest.mark.parametrize(
    "knobs", [Settings(guarantee=Guarantee.HARD), Settings(mode=Mode.RATIO, ratio=6.0)], ids=["hard", "ratio"]
)
def test_a_spent_budget_is_progressive_elsewhere(knobs: Settings) -> None:
    """The hard guarantee and a fixed ratio start no uncovered call then."""
    assert make(knobs, EXPERIENCED).step((), snapshot(**ENDING, **SPENT)).dial == 0
    assert make(knobs, EXPERIENCED).step((), snapshot(ready=3, **SPENT)).dial == 3


def test_the_tightest_window_decides() -> None:
    """A bad hour holds a good day down as a bad day would."""
    hour = (Window("the last hour", 0.06, Ledger(60, 5)),)
    alone, held = (make(Settings(), EXPERIENCED).step(FREED, snapshot(**ENDING, windows=some)) for some in ((), hour))
    assert held.dial < alone.dial
    assert "the last hour: 5 of 60 live answers, cap 6 %" in sentence(held)


def test_a_ringing_call_counts_by_its_age() -> None:
    """Calls that have rung longer than answers take leave more room than fresh ones."""

    def dial(age_s: float) -> int:
        now = snapshot(ready=4, ringing_age_s=(age_s,) * 8, wrapup_age_s=(30.0,) * 10, ledger=Ledger(1000, 0))
        return make(Settings(), EXPERIENCED).step((), now).dial

    assert dial(24.5) > dial(6.0)


def test_an_agent_about_to_finish_is_dialled_for() -> None:
    """Wrap-ups near their usual end make room that fresh talks do not."""
    fresh = snapshot(ready=0, talking_age_s=(1.0,) * 30, wrapup_age_s=())
    assert make(Settings(), EXPERIENCED).step((), snapshot(**ENDING)).dial > 0
    assert make(Settings(), EXPERIENCED).step((), fresh).dial == 0


@pytest.mark.parametrize("every_s", [1, 20])
def test_answers_of_calls_that_were_not_shown_ringing_are_no_surprise(every_s: int) -> None:
    """A log that is told at once, or a dialer that seldom asks: one call in four is answered, and that is learnt."""
    pacer = make(Settings())
    for now in range(0, 600, every_s):
        pacer.step((), snapshot(now=float(now)))
        answers = tuple(CallAnswered(float(now), 8.0) for _ in range(every_s))
        pacer.step((*answers, *(CallFailed(float(now), 25.0) for _ in range(3 * every_s))), snapshot(now=now + 0.5))
    assert pacer.learnt()["answer_probability"] == pytest.approx(0.25, abs=0.03)


def test_calls_on_a_dead_trunk_count_for_less() -> None:
    """Ringing calls of a trunk that is hardly ever answered leave room; the same calls on a good one do not."""
    memory = experienced(trunks={"good": [60.0, 150.0], "dead": [0.0, 150.0]}, hours={})
    flying = {"ready": 8, "talking_age_s": (1.0,) * 20, "ringing_age_s": (3.0,) * 20, "ledger": Ledger(10_000, 0)}

    def dial(ringing: str, coming: str) -> int:
        now = snapshot(**flying, ringing_trunk=(ringing,) * 20, next_trunk=coming)
        return make(Settings(), memory).step((), now).dial

    assert dial("dead", "good") > dial("good", "good")
    assert dial("", "good") == dial("unheard of", "good")
    one = experienced(trunks={"dead": [0.0, 150.0]}, hours={})
    now = snapshot(ready=4, ringing_age_s=(3.0,) * 20)
    told = replace(now, ringing_trunk=("dead",) * 20, next_trunk="dead")
    assert make(Settings(), one).step((), told) == make(Settings(), one).step((), now)


def test_the_hour_turns_before_the_decision() -> None:
    """The first decision of an hour already knows what that hour is like: here two fifths of the one before."""
    memory = experienced(answers={"hour": 9}, hours={"9": [500.0, 1000.0], "10": [200.0, 1000.0]})
    same, turned = (sentence(make(Settings(), memory).step((), snapshot(hour=hour))) for hour in (9, 10))
    assert "p(answer) 0.30" in same
    assert "p(answer) 0.12" in turned


@given(snapshots(), st.sampled_from((Settings(), Settings(mode=Mode.RATIO), Settings(guarantee=Guarantee.HARD))))
def test_arrays_and_tuples_give_the_same_decision(now: Snapshot, knobs: Settings) -> None:
    """Ages in either form."""
    names = ("talking_age_s", "wrapup_age_s", "ringing_age_s", "waiting_age_s")
    as_arrays = replace(now, **{name: floats(getattr(now, name)) for name in names})
    assert make(knobs, EXPERIENCED).step((), as_arrays) == make(knobs, EXPERIENCED).step((), now)


def test_the_same_steps_give_the_same_decisions() -> None:
    """A pacer is deterministic."""
    steps = [snapshot(now=float(i), ready=i % 4, ringing_age_s=(float(i % 7),) * (i % 5)) for i in range(50)]
    first, second = (
        [pacer.step((CallAnswered(s.now, 7.0),), s) for s in steps]
        for pacer in (make(Settings(), EXPERIENCED), make(Settings(), EXPERIENCED))
    )
    assert first == second


@examples(max_examples=60)
@given(st.lists(observations(), max_size=3), snapshots(), snapshots())
def test_a_pacer_goes_on_from_another_ones_memory(
    happened: list[tuple[Observation, ...]], before: Snapshot, after: Snapshot
) -> None:
    """After a trip through msgpack it knows the same and expects the same; up to a hundred calls are taken over."""
    pacer = make(Settings(), experienced(answers=known_answers(calls=30.0)))
    # What runs or rings counts in a memory, and would not be there any more for the one that goes on.
    before = replace(before, ringing_age_s=(), ringing_trunk=(), talking_age_s=(), wrapup_age_s=())
    for seen in happened:
        pacer.step(seen, before)
    memory = msgpack.unpackb(msgpack.packb(pacer.memory()))
    again = make(Settings(), memory)
    assert again.learnt() == pytest.approx(pacer.learnt(), rel=0.02)  # the trace of the prior counts once more
    now = replace(after, now=before.now + 60.0, ringing_age_s=after.ringing_age_s[:20], ringing_trunk=())
    one, other = pacer.step((), now), again.step((), now)
    assert one.reason.rule is other.reason.rule
    if one.reason.rule is Rule.PREDICTIVE:
        for name in ("answer_probability", "frees", "horizon_s"):
            assert other.reason.figures[name] == pytest.approx(one.reason.figures[name], rel=0.05)


@examples(max_examples=40)
@given(
    st.sampled_from((Mode.PREDICTIVE, Mode.RATIO)),
    st.lists(st.sampled_from(("answer", "answer", "fail", "free", "give up")), max_size=400),
    st.integers(1, 12),
    st.integers(0, 300),
)
def test_the_hard_guarantee_holds_at_every_instant(mode: Mode, events: list[str], agents: int, answered: int) -> None:
    """Whatever calls and agents do (agents do not leave), abandoned / answered never exceeds the cap of any window."""
    cap = 0.03
    knobs = Settings(mode=mode, guarantee=Guarantee.HARD, max_abandon_rate=cap, ratio=6.0)
    pacer = make(knobs, EXPERIENCED | {"tolerated_risk": 0.15})
    ready, busy, ringing, waiting, abandoned = agents, 0, 0, 0, 0
    for i, event in enumerate(events):
        if event == "answer" and ringing:
            ringing, answered = ringing - 1, answered + 1
            if ready:
                ready, busy = ready - 1, busy + 1
            else:
                waiting += 1
        elif event == "fail" and ringing:
            ringing -= 1
        elif event == "free" and busy and waiting:
            waiting -= 1
        elif event == "free" and busy:
            ready, busy = ready + 1, busy - 1
        elif event == "give up" and waiting:
            waiting, abandoned = waiting - 1, abandoned + 1
        assert abandoned <= cap * answered
        now = snapshot(
            now=float(i),
            ready=ready,
            talking_age_s=(200.0,) * busy,
            wrapup_age_s=(),
            ringing_age_s=(5.0,) * ringing,
            waiting_age_s=(0.5,) * waiting,
            ledger=Ledger(2 * answered + 1000, 0),
            windows=(Window("today", cap, Ledger(answered, abandoned)),),
        )
        ringing += pacer.step((), now).dial
