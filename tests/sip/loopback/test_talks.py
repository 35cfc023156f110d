"""Pairing an agent's leg with the callee it will be bridged to."""

from __future__ import annotations

from sip.loopback.draws import Side, Talk
from sip.loopback.talks import OpenTalks

ONE, TWO = ("127.0.0.1", 1), ("127.0.0.1", 2)


def test_agents_take_the_talks_of_their_own_source_in_order() -> None:
    """An agent's leg takes the oldest waiting talk that came from its own SIP socket, once."""
    talks = OpenTalks()
    first, second, other = (Talk(length, Side.AGENT) for length in (1.0, 2.0, 3.0))
    talks.add(ONE, "a", first)
    talks.add(TWO, "b", other)
    talks.add(ONE, "c", second)
    assert [talks.take(source) for source in (ONE, ONE, ONE, TWO)] == [first, second, None, other]


def test_talk_of_an_ended_call_is_not_lent() -> None:
    """A callee who has hung up needs no agent; removing it twice, or an unknown call, is harmless."""
    talks = OpenTalks()
    talks.add(ONE, "a", Talk(1, Side.AGENT))
    for _ in range(2):
        talks.remove(ONE, "a")
    talks.remove(TWO, "b")
    assert talks.take(ONE) is None
