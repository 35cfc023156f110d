"""Numbers that are not to be called."""

from __future__ import annotations

import pytest

from dialer.store import blocklist, control
from dialer.store.blocklist import Block
from dialer.store.connection import Store
from dialer.store.errors import StoreError
from tests.store.conftest import NOW, number


def block(index: int, campaign: str = "") -> Block:
    return Block(number(index), campaign, "crm", "asked", "ann", NOW)


def test_a_block_is_found_with_its_reason(store: Store) -> None:
    """By number, in the scopes that are asked for."""
    assert blocklist.add(store, [block(1), block(1, "spring"), block(2)]) == 3
    assert blocklist.add(store, [block(1)]) == 0

    assert blocklist.check(store, number(1)) == (block(1),)
    assert blocklist.check(store, number(1), ["spring", "autumn"]) == (block(1), block(1, "spring"))
    assert blocklist.check(store, number(3)) == ()


def test_unblocking_is_by_scope_and_audited(store: Store) -> None:
    """Who unblocked a number can be found out; the trail shows it masked."""
    blocklist.add(store, [block(1), block(1, "spring")])

    assert blocklist.remove(store, [number(1), number(9)], campaign="spring", who="bob", now=NOW) == 1

    assert blocklist.check(store, number(1), ["spring"]) == (block(1),)
    (line,) = control.audit_trail(store, 10)
    assert (line.what, line.who, line.detail) == (
        "unblock",
        "bob",
        {"number": str(number(1)), "campaign": "spring"},
    )


def test_pages_cover_the_list(store: Store) -> None:
    """Turning pages to the end shows every block."""
    blocklist.add(store, [block(i) for i in range(300)])
    seen: list[Block] = []
    cursor = ""
    while True:
        blocks, cursor = blocklist.page(store, cursor, 50)
        seen += blocks
        if not cursor:
            break

    assert {one.number for one in seen} == {number(i) for i in range(300)}
    with pytest.raises(StoreError, match="not a cursor"):
        blocklist.page(store, "x:y")
