"""`dialer erase` against a real server."""

from __future__ import annotations

import pytest

from compliance.blocks import of_number
from compliance.numbers import E164
from dialer.store.base.connection import Store, trip
from dialer.store.leads import intake, leads
from dialer.store.operators import control
from dialer.store.privacy import blocklist, erasures
from tests.cli.conftest import NOW, Dialer, data

HER = E164("+8613800001234")


@pytest.fixture
def her(store: Store, spring: str) -> str:
    """Her lead."""
    intake.enqueue(store, spring, [{"lead_id": "L1", "phone": HER.clear, "name": "Wang Fang", "customer_id": "C1"}])
    intake.take_in(store, spring, "one:1", NOW, 10)
    return "L1"


def test_erase_asks_and_says_what_is_kept(dialer: Dialer, store: Store, spring: str, her: str) -> None:
    """What was found before, what was deleted and what was kept after; never the number."""
    result = dialer("erase", "138 0000 1234", "--reason", "letter about 13800001234", input="y\n")

    assert result.exit_code == 0, result.output
    shown = result.output
    assert "lead L1 of spring: +86138****1234" in shown
    assert "leads of customer C1 under other numbers are not looked for: --customer C1" in shown
    assert "1 lead with its attempts, outcomes and notes" in shown
    assert "the no-call block on 1 number: without it the next list would bring the calls back" in shown
    assert "no daemon is alive: it goes on record when one runs" in shown
    assert "00001234" not in shown.replace(" ", "")
    assert leads.page(store, spring)[0] == ()
    assert blocklist.check(store, of_number(HER), now=NOW)[0].source == "erased"
    (waiting,) = erasures.waiting(store)
    (line,) = [line for line in control.audit_trail(store, 10) if line.what == "erase"]
    assert (waiting.complete, waiting.who, line.detail["erasure"]) == (True, "tester@here", waiting.id)
    assert line.detail["reason"] == "letter about *******1234"


def test_nothing_happens_without_a_yes(dialer: Dialer, store: Store, spring: str, her: str) -> None:
    """No lead is gone, nothing is blocked."""
    result = dialer("erase", "13800001234", "--reason", "x", input="n\n")

    assert result.exit_code == 1
    assert len(leads.page(store, spring)[0]) == 1
    assert blocklist.check(store, of_number(HER), now=NOW) == ()
    assert erasures.waiting(store) == ()


def test_by_customer_for_programs(dialer: Dialer, store: Store, spring: str, her: str) -> None:
    """JSON, without a question."""
    trip(store, [("SET", "unrelated", "x")])
    result = dialer("erase", "--customer", "C1", "--reason", "mail", "--yes", "--also-history", "--json")

    said = data(result)
    assert (said["numbers"], said["deleted"], said["in_a_call"]) == (["+86138****1234"], {"leads": 1}, 0)
    assert len(said["kept"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("13800001234",), "Missing option '--reason'"),
        (("--reason", "x"), "give a number, or --customer"),
        (("13800001234", "--customer", "C1", "--reason", "x"), "give a number, or --customer"),
        (("12", "--reason", "x"), "the number cannot be read: too short"),
        (("13800001234", "--reason", " "), "--reason: 1 to 200 characters"),
        (("13800001234", "--reason", "x", "--json"), "--json does not ask: give --yes as well"),
    ],
)
def test_wrong_use_is_said(dialer: Dialer, arguments: tuple[str, ...], message: str) -> None:
    """Before anything is looked at."""
    result = dialer("erase", *arguments)

    assert result.exit_code == 2
    assert message in result.output


def test_an_unknown_person_is_blocked_all_the_same(dialer: Dialer, store: Store, spring: str) -> None:
    """Somebody who asks to be erased is not to be called."""
    result = dialer("erase", "13800009999", "--reason", "x", "--yes")

    assert result.exit_code == 0
    assert "no lead and no contact history" in result.output
    assert blocklist.check(store, of_number(E164("+8613800009999")), now=NOW)
