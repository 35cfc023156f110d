"""Which talks are recorded, what agents may say about it, and what follows where nothing can be recorded."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.recordings.settings import RecordingMode, RecordingSettings
from dialer.core.agents.agent import AgentEventKind
from dialer.core.calls.recording import is_drawn, may_be_recorded
from dialer.core.effects import Publish, Recorded, Send
from dialer.core.inputs import RecordingFault
from sip.messages import DialAgent, Record, RecordingChanged, RecordingOrder
from tests.core.conftest import Stage, of


def asked(stage: Stage, **recording: object) -> RecordingOrder:
    """The order for the talk of a campaign with these settings."""
    stage.campaign(recording=RecordingSettings(**recording))
    stage.login("ann")
    attempt = stage.dial()
    (dial,) = [each.command for each in of(Send, stage.answer(attempt)) if isinstance(each.command, DialAgent)]
    assert dial.recording.name in ("", attempt)
    return dial.recording


def test_nothing_is_recorded_by_default(stage: Stage) -> None:
    """Whoever wants recordings says so."""
    assert asked(stage) == RecordingOrder()


def test_everything_is_recorded_from_the_first_word(stage: Stage) -> None:
    """With the announcement, and with what is known of the talk; the number is masked, or a hash."""
    order = asked(stage, mode="all", announcement="/told.wav", keep_days=7)
    facts = json.loads(order.facts)
    assert (order.starts, order.announcement) == (True, "/told.wav")
    assert (facts["campaign"], facts["agent"], facts["keep_days"]) == ("sales", "ann", 7)
    assert facts["lead"].startswith("lead-")
    assert "****" in facts["phone"]
    assert len(facts["number"]) == 64


def test_on_demand_the_agent_says_when(stage: Stage) -> None:
    """The recorder waits for a word, and ends and goes on by another."""
    assert not asked(stage, mode="on_demand").starts
    (attempt,) = stage.state.calls
    stage.bridge(attempt)
    for kind, on in ((AgentEventKind.RECORD_RESUME, True), (AgentEventKind.RECORD_PAUSE, False)):
        assert [each.command for each in of(Send, stage.say(kind, "ann"))] == [Record(attempt, on)]


def test_the_screen_hears_of_a_pause_when_it_is_one(stage: Stage) -> None:
    """Not when it was asked for: a card number may be said only now."""
    asked(stage, mode="all")
    (attempt,) = stage.state.calls
    stage.bridge(attempt)
    assert of(Publish, stage.say(AgentEventKind.RECORD_PAUSE, "ann")) == []
    for on, problem, shown in ((True, "", "on"), (False, "", "paused"), (False, "no room", "failed")):
        (told,) = of(Publish, stage.tell(RecordingChanged(attempt, stage.now, on, problem)))
        assert (told.kind, told.fields["recording"], told.fields["reason"]) == ("recording_state", shown, problem)


@pytest.mark.parametrize("kind", [AgentEventKind.RECORD_PAUSE, AgentEventKind.RECORD_RESUME])
def test_there_is_nothing_to_pause_where_nothing_is_recorded(stage: Stage, kind: AgentEventKind) -> None:
    """The desktop hears why; nothing goes to the worker."""
    asked(stage)
    (attempt,) = stage.state.calls
    stage.bridge(attempt)
    effects = stage.say(kind, "ann")
    (told,) = of(Publish, effects)
    assert (told.kind, told.fields["reason"]) == ("agent_event_refused", "this talk is not recorded")
    assert of(Send, effects) == []


def test_an_agent_without_a_talk_cannot_pause(stage: Stage) -> None:
    """As with every event that does not fit."""
    stage.campaign(recording=RecordingSettings(mode=RecordingMode.ALL))
    stage.login("ann")
    (told,) = of(Publish, stage.say(AgentEventKind.RECORD_PAUSE, "ann"))
    assert told.kind == "agent_event_refused"


def test_a_recording_should_last_until_the_end_of_the_talk(stage: Stage) -> None:
    """From when it began; where it was paused at the end nobody can say."""
    asked(stage, mode="all")
    (attempt,) = stage.state.calls
    stage.bridge(attempt)
    stage.tell(RecordingChanged(attempt, stage.now, True))
    stage.wait(10.0)
    stage.end(attempt)
    assert of(Recorded, stage.done) == [Recorded(attempt, 10.0)]


def test_a_recording_that_ended_in_a_pause_has_no_length(stage: Stage) -> None:
    """Nor one that failed; and none is spoken of that never began."""
    for on_at_first in (True, False):
        stage.done.clear()
        asked(stage, mode="all")
        (attempt,) = stage.state.calls
        stage.bridge(attempt)
        if on_at_first:
            stage.tell(RecordingChanged(attempt, stage.now, True))
        stage.tell(RecordingChanged(attempt, stage.now, False, "no room"))
        stage.end(attempt)
        assert of(Recorded, stage.done) == ([Recorded(attempt, None)] if on_at_first else [])
        stage.wait(60.0)


@pytest.mark.parametrize("required", [True, False])
def test_without_room_a_campaign_stops_or_goes_on_without(stage: Stage, required: bool) -> None:
    """As it says itself; nobody is told of a recording that there is not, and it goes on when there is room again."""
    stage.campaign(recording=RecordingSettings(mode=RecordingMode.ALL, required=required, announcement="/told.wav"))
    stage.login("ann", "bob")
    before = stage.dial()
    stage.tell(RecordingFault("the disk is full"))
    (order,) = [each.command.recording for each in of(Send, stage.answer(before))]
    assert order == RecordingOrder()
    stage.lease(1)
    assert bool(of_reserve(stage)) is not required
    stage.tell(RecordingFault(""))
    stage.lease(1)
    assert of_reserve(stage)


def of_reserve(stage: Stage) -> bool:
    from dialer.core.effects import Reserve

    return bool(of(Reserve, stage.pace(1)))


def test_a_campaign_that_records_nothing_does_not_mind(stage: Stage) -> None:
    """`required` is about recordings that somebody wants."""
    stage.campaign(recording=RecordingSettings(mode=RecordingMode.NONE, required=True))
    stage.login("ann")
    stage.tell(RecordingFault("the disk is full"))
    stage.lease(1)
    assert of_reserve(stage)


@given(st.text("0123456789abcdef-", min_size=1, max_size=30), st.floats(0.001, 1.0), st.floats(0.001, 1.0))
def test_who_is_in_a_share_is_in_every_larger_one(attempt: str, share: float, other: float) -> None:
    """A share that grows keeps whom it had, and all are in the whole."""
    small, large = sorted((share, other))
    assert is_drawn(attempt, large) or not is_drawn(attempt, small)
    assert is_drawn(attempt, 1.0)
    assert may_be_recorded(RecordingSettings(mode=RecordingMode.SHARE, share=small), attempt) == is_drawn(
        attempt, small
    )


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_a_share_is_about_that_share(share: float) -> None:
    """Of 20,000 attempts within four standard deviations."""
    drawn = sum(is_drawn(f"19a3f-2b7c-{number:06d}", share) for number in range(20_000))
    assert abs(drawn - 20_000 * share) < 4 * (20_000 * share * (1 - share)) ** 0.5
    assert not is_drawn("x", 0.0)
