"""Opt-outs by the callee's phone, on their way to the no-call list."""

from __future__ import annotations

import msgpack
import pytest

from compliance.blocks import of_number
from dialer.store.base.connection import Store
from dialer.store.operators import control
from dialer.store.privacy import blocklist, opt_outs
from dialer.store.privacy.opt_outs import OptedOut, from_wire, to_wire
from tests.store.conftest import NOW, number

PRESSED = OptedOut("spring", "A1", number(1), "9", NOW)


def test_the_way_over_the_disk_changes_nothing() -> None:
    """What is spooled is what comes back; nothing else is taken for it, and the number is in no message."""
    assert from_wire(msgpack.unpackb(msgpack.packb(to_wire(PRESSED)))) == PRESSED
    for bad in ({}, None, {**to_wire(PRESSED), "number": "13800000001"}, {**to_wire(PRESSED), "at": "now"}):
        with pytest.raises(ValueError, match="not an opt-out") as error:
            from_wire(bad)
        assert "138" not in str(error.value)


def test_an_opt_out_is_for_good(store: Store) -> None:
    """Also where the number was blocked for a while; doing it again changes nothing."""
    who = of_number(number(1))
    blocklist.add(store, [who.block(source="crm", reason="", who="crm", at=NOW - 10, until=NOW + 10)])

    opt_outs.block(store, [PRESSED])
    opt_outs.block(store, [PRESSED])
    opt_outs.block(store, [])

    (block,) = blocklist.check(store, who, now=NOW)
    assert (block.source, block.until, block.at) == ("keypress", None, NOW)
    assert {line.what for line in control.audit_trail(store, 9)} == {"block"}


def test_a_phone_that_said_607_is_blocked(store: Store) -> None:
    """The source tells it from a key."""
    opt_outs.block(store, [OptedOut("spring", "A1", number(1), "", NOW)])

    (block,) = blocklist.check(store, of_number(number(1)), now=NOW)
    assert (block.source, block.reason) == ("607", "marked as unwanted in attempt A1")
