"""The far end keeps the promises of the protocol."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from dialer.core.inputs import AnswerReported
from sip.causes import Answerer, Cause
from sip.messages import (
    AgentEnded,
    Answered,
    Bridged,
    Cancel,
    CancelAgent,
    Capacity,
    Dial,
    DialAgent,
    Dialled,
    Digit,
    Ended,
    HangUp,
    MessageDone,
    PlayMessage,
)
from tests.rehearsal.desks import FallibleDesk, Phones
from tests.rehearsal.far_end import FallibleFarEnd
from tests.rehearsal.scenario import Callees, DeskSettings, Disorder
from tests.rehearsal.world import World


def a_far_end(seed=1, callees=None, disorder=None, desks=None):
    world, heard = World(dice=Random(seed)), []
    phones = Phones(world, heard.append, desks or DeskSettings(refuse=0.0, silent=0.0))
    phones.desks["ann"] = FallibleDesk("ann", ("sales",))
    return FallibleFarEnd(
        world, heard.append, callees or Callees(said=0.0), disorder or Disorder(), phones, slots=40
    ), heard


def dial(far_end, *calls, trunk="north"):
    for call in calls:
        far_end.send(Dial(call, trunk, "+8613800000001", "", 90.0))


ANSWERING = Callees(answer=1.0, patience_s=1e9, said=0.0)


def test_every_dial_has_one_end_and_nothing_follows_it():
    """Two hundred calls of every fate, hung up after a while: one Ended each, the last word about its call."""
    far_end, heard = a_far_end(disorder=Disorder(crossing=0.5, unsent=0.1, late=0.1))
    calls = [f"call-{n}" for n in range(200)]
    dial(far_end, *calls)
    far_end.timeline.after(20.0, lambda: [far_end.send(HangUp(call)) for call in calls])
    far_end.timeline.run(300.0)
    assert sorted(event.call for event in heard if isinstance(event, Ended)) == sorted(calls)
    for call in calls:
        (*before, last) = [event for event in heard if event.call == call]
        assert isinstance(last, Ended)
        assert sorted(event.at for event in before) == [event.at for event in before]


def test_an_answered_call_is_bridged_and_ends():
    """Dial, answer, agent's phone, talk, end."""
    far_end, heard = a_far_end(callees=ANSWERING)
    dial(far_end, "a")
    far_end.timeline.run(60.0)
    assert isinstance(heard[-1], Answered)
    far_end.send(DialAgent("a", "a.1", "sip:ann@phones", ""))
    far_end.timeline.run(2000.0)
    assert [type(event) for event in heard[-2:]] == [Bridged, Ended]
    assert heard[-1].cause is Cause.NORMAL


@pytest.mark.parametrize("command", [CancelAgent("a", "a.1"), HangUp("a"), PlayMessage("a", "/sorry.wav")])
def test_a_phone_that_is_not_answered(command):
    """A silent phone rings until the leg is cancelled, the call hung up or the message over."""
    far_end, heard = a_far_end(callees=ANSWERING, desks=DeskSettings(refuse=0.0, silent=1.0))
    dial(far_end, "a")
    far_end.timeline.run(60.0)
    far_end.send(DialAgent("a", "a.1", "sip:ann@phones", ""))
    far_end.timeline.run(62.0)
    far_end.send(command)
    far_end.timeline.run(70.0)
    assert isinstance(heard[-1], AgentEnded if isinstance(command, CancelAgent) else Ended)


def test_machines_answer_and_somebody_says_what_it_was():
    """A share of the answers is known to be a machine; after the end of a call a word about it comes, and another."""
    far_end, heard = a_far_end(callees=Callees(answer=1.0, patience_s=10.0, machine=0.5, said=0.5))
    dial(far_end, *(f"call-{n}" for n in range(100)))
    far_end.timeline.run(900.0)
    kinds = [event.kind for event in heard if isinstance(event, Answered)]
    assert 30 < kinds.count(Answerer.MACHINE) < 70
    assert 60 < len([event for event in heard if isinstance(event, AnswerReported)]) < 140


def test_a_dead_trunk_says_nothing_until_the_worker_gives_up():
    """8 s of silence after the INVITE, then TRUNK_UNREACHABLE."""
    far_end, heard = a_far_end()
    far_end.trunks_down.add("north")
    dial(far_end, "a")
    far_end.timeline.run(7.9)
    assert [type(event) for event in heard] == [Dialled]
    far_end.timeline.run(9.0)
    assert heard[-1].cause is Cause.TRUNK_UNREACHABLE


def test_a_dying_worker_takes_its_calls_along():
    """Less capacity at once, one WORKER_LOST per call, capacity back after the restart."""
    far_end, heard = a_far_end(callees=ANSWERING)
    dial(far_end, "a", "b", "c")
    far_end.timeline.run(1.0)
    far_end.worker_dies(2)
    far_end.timeline.run(7.0)
    assert [event.slots for event in heard if isinstance(event, Capacity)] == [36, 40]
    assert [event.cause for event in heard if isinstance(event, Ended)] == [Cause.WORKER_LOST] * 2


def test_an_answer_that_crosses_is_said_to_cross():
    """A Cancel that meets a 200 OK becomes an answer, sometimes ended at once by the stack's own BYE."""
    endings = set()
    for seed in range(20):
        far_end, heard = a_far_end(seed, callees=Callees(answer=0, busy=0, invalid=0, declined=0, congestion=0))
        far_end.disorder = Disorder(crossing=1.0)
        dial(far_end, "a")
        far_end.timeline.run(25.0)
        far_end.send(Cancel("a"))
        far_end.timeline.run(26.0)
        assert any(isinstance(event, Answered) and event.crossed_cancel for event in heard)
        endings.add(type(heard[-1]))
    assert endings == {Answered, Ended}


def test_who_hears_the_message_may_press_a_key():
    """Before its end, the right one or another, and never without a message."""
    pressing = replace(ANSWERING, opt_out=0.5, wrong_key=0.5)
    far_end, heard = a_far_end(callees=pressing)
    calls = [f"call-{n}" for n in range(100)]
    dial(far_end, *calls)
    far_end.timeline.run(60.0)
    assert not any(isinstance(event, Digit) for event in heard)
    for call in calls[:50]:
        far_end.send(PlayMessage(call, "/sorry.wav"))
    far_end.timeline.run(120.0)
    pressed = [event for event in heard if isinstance(event, Digit)]
    assert {event.digit for event in pressed} == {"1", "9"}
    assert {event.call for event in pressed} < set(calls[:50])
    assert sum(isinstance(event, MessageDone) for event in heard) == 50
