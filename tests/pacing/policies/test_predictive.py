"""Properties of every predictive decision."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pacing.face import Guarantee, Ledger, Mode, Observation, Settings, Snapshot
from pacing.governor import covered
from pacing.policies import make
from tests.pacing.cases import EXPERIENCED, observations, snapshot, snapshots

settings = st.builds(
    Settings,
    mode=st.sampled_from(Mode),
    guarantee=st.sampled_from(Guarantee),
    max_abandon_rate=st.sampled_from((0.0, 0.01, 0.03, 1.0)),
    max_calls_per_agent=st.sampled_from((1.0, 8.0)),
    ratio=st.sampled_from((1.0, 2.5)),
)


@examples(max_examples=150)
@given(settings, observations(), snapshots())
def test_no_policy_exceeds_its_limits(knobs: Settings, seen: tuple[Observation, ...], now: Snapshot) -> None:
    """Never negative, never more than lines or leads, nothing without agents, always a sentence with the number."""
    decision = make(knobs, EXPERIENCED).step(seen, now)
    assert 0 <= decision.dial <= min(now.lines_free, now.leads_available)
    assert now.agents > 0 or decision.dial == 0
    assert decision.reason.startswith(f"dial {decision.dial}: ")
    assert decision.risk is None or 0.0 <= decision.risk <= 1.0


@examples(max_examples=150)
@given(settings, observations(), snapshots())
def test_more_ready_agents_never_dial_fewer(knobs: Settings, seen: tuple[Observation, ...], now: Snapshot) -> None:
    """The same moment with one more ready agent gives at least as many calls."""
    fewer, more = (make(knobs, EXPERIENCED).step(seen, replace(now, ready=now.ready + i)).dial for i in (0, 1))
    assert more >= fewer


@given(snapshots())
def test_predictive_is_never_below_progressive(now: Snapshot) -> None:
    """A ready agent no call covers always gets one, within the limits."""
    limit = min(now.lines_free, now.leads_available, covered(now))
    assert make(Settings(max_calls_per_agent=100.0), EXPERIENCED).step((), now).dial >= limit


def test_a_ringing_call_counts_by_its_age() -> None:
    """Calls that have rung almost to the time-out rarely get answered and leave more room than fresh ones."""

    def dial(age_s: float) -> int:
        now = snapshot(ready=4, ringing_age_s=(age_s,) * 8)
        return make(Settings(), EXPERIENCED).step((), now).dial

    assert dial(21.0) > dial(6.0)


def test_an_agent_about_to_finish_is_dialled_for() -> None:
    """Wrap-ups near their usual end make room that fresh talks do not."""
    ending = snapshot(ready=0, talking_age_s=(), wrapup_age_s=(35.0,) * 30)
    fresh = snapshot(ready=0, talking_age_s=(1.0,) * 30, wrapup_age_s=())
    assert make(Settings(), EXPERIENCED).step((), ending).dial > 0
    assert make(Settings(), EXPERIENCED).step((), fresh).dial == 0


def test_the_same_steps_give_the_same_decisions() -> None:
    """A pacer is deterministic."""
    steps = [snapshot(now=float(i), ready=i % 4, ringing_age_s=(float(i % 7),) * (i % 5)) for i in range(50)]
    first, second = ([pacer.step((), s) for s in steps] for pacer in (make(Settings()), make(Settings())))
    assert first == second


def test_what_was_learnt_survives_a_restart() -> None:
    """A pacer made from what another has learnt reports the same."""
    learnt = make(Settings(), EXPERIENCED).learnt()
    again = make(Settings(), learnt).learnt()
    assert again == {name: value for name, value in again.items() if abs(value - learnt[name]) < 0.05 * abs(value)}


@examples(max_examples=40)
@given(
    st.sampled_from((Mode.PREDICTIVE, Mode.RATIO)),
    st.lists(st.sampled_from(("answer", "answer", "fail", "free", "give up")), max_size=400),
    st.integers(1, 12),
    st.integers(0, 300),
)
def test_the_hard_guarantee_holds_at_every_instant(mode: Mode, events: list[str], agents: int, answered: int) -> None:
    """Whatever calls and agents do (agents do not leave), abandoned / answered never exceeds the cap."""
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
            ledger=Ledger(answered, abandoned),
        )
        ringing += pacer.step((), now).dial
