"""Operator commands and the audit trail."""

from __future__ import annotations

import pytest

from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreError
from dialer.store.operators import control
from dialer.store.operators.control import Audited, Command
from tests.store.conftest import NOW


def test_a_command_reaches_every_reader_and_the_trail(store: Store) -> None:
    """With who and when."""
    sent = control.send(store, Command("drain", {"host": "a"}), who="ann", now=NOW)

    for _ in range(2):
        (order,), cursor = control.read(store, "0", 10, 0)
        assert (order.entry_id, order.command, order.who, order.at) == (
            sent,
            Command("drain", {"host": "a"}),
            "ann",
            NOW,
        )
        assert cursor == sent
    assert control.audit_trail(store, 5) == (Audited(NOW, "default", "ann", "drain", {"host": "a"}),)


def test_a_malformed_command_is_left_out_and_audited(store: Store) -> None:
    """Somebody wrote it, so somebody may look for it."""
    trip(store, [("XADD", store.keys.control(), "*", "json", '{"name": "drain", "at": 5}')])
    control.send(store, Command("reload"), who="ann", now=NOW)

    orders, _ = control.read(store, "0", 10, 0)

    assert [order.command.name for order in orders] == ["reload"]
    assert control.audit_trail(store, 1)[0].detail["reason"] == "who: missing"


def test_new_commands_only(store: Store) -> None:
    """A daemon that starts does not carry yesterday's commands out."""
    control.send(store, Command("drain"), who="ann", now=NOW)
    nothing, cursor = control.read(store, "$", 10, 0)
    control.send(store, Command("reload"), who="ann", now=NOW)

    assert nothing == ()
    assert [order.command.name for order in control.read(store, cursor, 10, 0)[0]] == ["reload"]


def test_what_cannot_be_sent_is_said(store: Store) -> None:
    """Arguments are plain data."""
    with pytest.raises(StoreError, match="msgpack cannot carry"):
        control.send(store, Command("drain", {"x": object()}), who="ann", now=NOW)
