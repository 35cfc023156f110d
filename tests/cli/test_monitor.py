"""`dialer monitor`: the order that leaves, and what is said of what became of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dialer.cli.base.failures import CliExit
from dialer.core.agents.agent import AgentState
from dialer.core.board import PartyRow
from dialer.core.inputs import Monitor
from dialer.language.phrases import phrase
from dialer.store.base.connection import Store
from dialer.store.operators import agents, calls, control, listening, status
from dialer.store.operators.agents import Presence
from sip.parties.messages import Voice
from tests.cli.conftest import Dialer, data

URI = "sip:+4930123456789@10.0.0.9"


@pytest.fixture
def floor(store: Store) -> None:
    """An agent, at a host that is alive."""
    agents.show(store, [Presence("17", AgentState.TALKING, time.time(), "", ("spring",), "dial-1:1")])
    status.publish(store, "dial-1", {}, now=time.time(), ttl=60)


def orders(store: Store) -> list[Monitor]:
    ordered, _ = control.read(store, "0", 100, 0)
    return [order for each in ordered if (order := listening.read(each))]


@contextmanager
def daemon(store: Store, state: str, reason: str = "") -> Iterator[None]:
    """A daemon that says of every order that it came to this."""
    stopped = threading.Event()

    def answer() -> None:
        while not stopped.wait(0.05):
            rows = [
                PartyRow(
                    *(f"listen-{order.order}", "listening", order.who, order.shown, order.agent, "a1"),
                    *(order.voice.value, state, time.time(), reason),
                )
                for order in orders(store)
            ]
            calls.publish(store, "dial-1", [], now=time.time(), ttl_s=30, parties=rows)

    answers = threading.Thread(target=answer)
    answers.start()
    try:
        yield
    finally:
        stopped.set()
        answers.join()


@pytest.mark.usefixtures("floor")
def test_a_supervisor_joins(dialer: Dialer, store: Store) -> None:
    """The order names the phone and the voice; the audit trail has it masked, and says who."""
    with daemon(store, "joined"):
        joined = data(dialer("--who", "ann", "monitor", "17", "--to", URI, "--whisper", "--json"))
    assert (joined["agent"], joined["mode"], joined["state"]) == ("17", "whisper", "joined")
    (order,) = orders(store)
    assert (order.agent, order.attempt, order.uri, order.voice) == ("17", "", URI, Voice.WHISPER)
    assert order.who.startswith("ann")
    line = control.audit_trail(store, 1)[0]
    assert (line.what, line.detail["agent"], line.detail["mode"]) == ("monitor", "17", "whisper")
    assert "+4930123456789" not in str(line)


@pytest.mark.usefixtures("floor")
def test_a_refusal_is_shown(dialer: Dialer, store: Store) -> None:
    """In the daemon's words, with its host."""
    with daemon(store, "ended", "the phone is busy"):
        refused = dialer("monitor", "17", "--to", URI)
    assert refused.exit_code == CliExit.REFUSED
    assert "dial-1: the phone is busy" in refused.stderr


@pytest.mark.usefixtures("floor")
def test_a_refusal_is_shown_in_the_readers_language(dialer: Dialer, store: Store) -> None:
    """However many processes it came through."""
    with daemon(store, "ended", phrase("the phone is busy")):
        refused = dialer("--lang", "zh", "monitor", "17", "--to", URI)
    assert "dial-1：话机占线" in refused.stderr


@pytest.mark.usefixtures("floor")
def test_who_is_not_there_is_not_asked_for(dialer: Dialer, store: Store) -> None:
    """No order leaves; a name that is nearly right is named."""
    missing = dialer("monitor", "18", "--to", URI)
    assert missing.exit_code == CliExit.NOT_FOUND
    assert orders(store) == []


def test_an_order_that_makes_no_sense_is_no_order() -> None:
    """What stands in the stream may be anybody's."""
    good = {"agent": "17", "attempt_id": "", "uri": "sip:9@10.0.0.9", "mode": "listen"}
    for change in ({}, {"mode": "shout"}, {"attempt_id": "a1"}, {"agent": ""}, {"uri": 5}, {"more": 1}):
        ordered = control.Ordered("1-0", control.Command("monitor", {**good, **change}), "ann", 1.0)
        assert (listening.read(ordered) is None) is bool(change)
    assert listening.read(control.Ordered("1-0", control.Command("drain", good), "ann", 1.0)) is None


def test_what_is_begun_is_not_stopped_at_once(dialer: Dialer) -> None:
    """Wrong use is said before anything is done."""
    assert dialer("monitor", "17", "--to", URI, "--stop").exit_code == 2
