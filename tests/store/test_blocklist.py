"""Who is not to be called, on a real server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from compliance.api import Rule
from compliance.blocks import BlockKind, Target, of_number
from dialer.core.inputs import Permitted, Refused
from dialer.store.base import connection
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreError
from dialer.store.base.keys import SHARDS, shard_of
from dialer.store.gate import contacts, gate
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators import control
from dialer.store.privacy import blocklist
from dialer.store.privacy.blocklist import Block
from tests.store.conftest import NOW, Floor, number

DAY_S = 86_400.0


def target(index: int, campaign: str = "") -> Target:
    return of_number(number(index), campaign)


def block(who: Target, until: float | None = None, source: str = "crm") -> Block:
    return who.block(source=source, reason="asked", who="ann", at=NOW, until=until)


def prefix(digits: str, campaign: str = "", until: float | None = None) -> Block:
    return block(Target(BlockKind.PREFIX, digits, campaign), until)


def customer(name: str, campaign: str = "") -> Target:
    return Target(BlockKind.CUSTOMER, name, campaign)


def everything(store: Store) -> list[Block]:
    seen: list[Block] = []
    cursor = ""
    while True:
        blocks, cursor = blocklist.page(store, cursor, 50)
        seen += blocks
        if not cursor:
            return seen


def test_a_block_is_found_with_its_reason(store: Store) -> None:
    """By number, in the scopes that are asked for."""
    one, spring = block(target(1)), block(target(1, "spring"), NOW + 10)
    assert blocklist.add(store, [one, spring, block(target(2))]) == 3
    assert blocklist.add(store, [one]) == 0

    assert blocklist.check(store, target(1), now=NOW) == (one,)
    assert blocklist.check(store, target(1), ["spring", "autumn"], now=NOW) == (one, spring)
    assert blocklist.check(store, target(1), ["spring", "autumn"], now=NOW + 10) == (one,)
    assert blocklist.check(store, target(3), now=NOW) == ()


def test_customers_and_accounts_are_blocked_by_their_ids(store: Store) -> None:
    """Whatever stands in an id: one for a campaign is never taken for another's, nor a customer for an account."""
    ids = ["C-17", "ann@spring", "a:1", "spring@x", "8613800000001", "王芳"]
    blocks = [
        block(Target(kind, name, scope))
        for name in ids
        for kind in (BlockKind.CUSTOMER, BlockKind.ACCOUNT)
        for scope in ("", "spring")
    ]
    assert blocklist.add(store, blocks) == len(blocks)

    for one in blocks:
        assert blocklist.check(store, one.target, ["spring"], now=NOW)[bool(one.campaign)] == one
    assert set(everything(store)) == set(blocks)
    assert blocklist.check(store, customer("ann"), ["spring"], now=NOW) == ()
    assert blocklist.check(store, target(1), ["spring"], now=NOW) == ()


def test_prefixes_are_found_with_their_numbers(store: Store) -> None:
    """A number has the blocks on all its beginnings; so has a longer prefix."""
    mine, spring, other = prefix("8613"), prefix("86138000", "spring"), prefix("1900")
    blocklist.add(store, [mine, spring, other])

    assert blocklist.check(store, target(1), now=NOW) == (mine,)
    assert blocklist.check(store, target(1), ["spring"], now=NOW) == (mine, spring)
    assert blocklist.check(store, Target(BlockKind.PREFIX, "861"), ["spring"], now=NOW) == ()
    assert blocklist.check(store, spring.target, ["spring"], now=NOW) == (mine, spring)


def test_a_change_of_the_prefixes_is_a_new_generation_in_every_tag(store: Store) -> None:
    """Also where the same block is added again: a retry after a crash must be seen. Other changes are none."""
    assert blocklist.prefixes(store).generations == (0,) * SHARDS
    blocklist.add(store, [prefix("8613"), prefix("8614"), block(target(1))])
    once = blocklist.prefixes(store)
    blocklist.add(store, [prefix("8613")])
    blocklist.add(store, [block(target(2))])
    blocklist.remove(store, [Target(BlockKind.PREFIX, "8614")], who="bob", now=NOW)

    assert once.generations == (1,) * SHARDS
    assert len(once.table) == 2
    after = blocklist.prefixes(store)
    assert after.generations == (3,) * SHARDS
    assert after.table.on("8613800000001") == (prefix("8613"),)
    assert after.table.on("8614000000001") == ()


@pytest.mark.parametrize("who", [target(1), Target(BlockKind.PREFIX, "8613"), customer("C-17")])
def test_a_block_is_never_shortened(store: Store, who: Target) -> None:
    """A complaint stays for good, whoever asks for ninety days later; a longer end takes the place of a shorter one."""
    complaint, short, long = block(who, source="complaint"), block(who, NOW + DAY_S), block(who, NOW + 2 * DAY_S)

    assert [blocklist.add(store, [one]) for one in (short, long, short)] == [1, 0, 0]
    assert blocklist.check(store, who, now=NOW) == (long,)
    assert [blocklist.add(store, [one]) for one in (complaint, long)] == [0, 0]
    assert blocklist.check(store, who, now=NOW) == (complaint,)
    assert blocklist.remove(store, [who], who="bob", now=NOW) == 1
    assert blocklist.add(store, [short]) == 1
    assert blocklist.check(store, who, now=NOW) == (short,)


def test_a_block_that_has_ended_is_none(store: Store) -> None:
    """It is replaced as if it were not there, and removing it unblocks nobody."""
    blocklist.add(store, [block(target(1), NOW + 10)])
    later = target(1).block(source="crm", reason="", who="ann", at=NOW + 10, until=NOW + 20)

    assert blocklist.add(store, [later]) == 1
    assert blocklist.remove(store, [target(1)], who="bob", now=NOW + 20) == 0
    assert control.audit_trail(store, 10) == ()


def test_unblocking_is_by_scope_and_audited(store: Store) -> None:
    """Who unblocked a number can be found out; the trail shows it masked."""
    blocklist.add(store, [block(target(1)), block(target(1, "spring"))])

    assert blocklist.remove(store, [target(1, "spring"), target(9, "spring")], who="bob", now=NOW) == 1

    assert blocklist.check(store, target(1), ["spring"], now=NOW) == (block(target(1)),)
    (line,) = control.audit_trail(store, 10)
    assert (line.what, line.who, line.detail) == (
        "unblock",
        "bob",
        {"number": str(number(1)), "campaign": "spring"},
    )


def test_blocks_that_have_ended_are_forgotten(store: Store) -> None:
    """Of every kind, some at a time, and their number is in the audit trail; those that were renewed stay."""
    ended = [block(target(i), NOW + 10) for i in range(30)]
    ended += [block(customer("C-17"), NOW + 10), prefix("8614", until=NOW + 10)]
    staying = [block(target(50)), block(target(51), NOW + 99), prefix("8613"), prefix("8615", until=NOW + 99)]
    blocklist.add(store, [*ended, *staying])
    renewed = target(0).block(source="crm", reason="", who="ann", at=NOW + 1)
    blocklist.add(store, [renewed])

    assert blocklist.expire(store, who="host:1", now=NOW + 5) == 0
    assert blocklist.expire(store, who="host:1", now=NOW + 10) == len(ended) - 1
    assert blocklist.expire(store, who="host:1", now=NOW + 11) == 0

    assert set(everything(store)) == {renewed, *staying}
    (line,) = control.audit_trail(store, 10)
    assert (line.what, line.who, line.detail) == ("blocks_expired", "host:1", {"blocks": len(ended) - 1})


def test_a_round_of_forgetting_has_a_limit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left over is for the next round."""
    monkeypatch.setattr(blocklist, "_EXPIRED_AT_ONCE", 2)
    many = [prefix(f"861{i}", until=NOW + 10) for i in range(5)]
    blocklist.add(store, many)

    assert [blocklist.expire(store, who="x", now=NOW + 10) for _ in range(4)] == [2, 2, 1, 0]


def test_what_is_no_block_is_said_and_not_overlooked(store: Store) -> None:
    """A damaged entry counts as a block for good that the callee may have asked for, until it is taken off."""
    trip(store, [("HSET", store.keys.blocked(shard_of("8613800000001")), "8613800000001", b"junk")])

    (unread,) = blocklist.check(store, target(1), now=NOW)
    assert (unread.source, unread.until, unread.target) == (blocklist.UNREADABLE, None, target(1))
    assert blocklist.add(store, [block(target(1), NOW + 10)]) == 0, "it is taken for a block for good"
    assert blocklist.add(store, [block(target(1))]) == 0, "it may have been the callee's"
    assert blocklist.change(store, [blocklist.Unblock(target(1))], now=NOW) == [blocklist.Change.CALLEES]
    assert blocklist.check(store, target(1), now=NOW) == (unread,)
    trip(store, [("HSET", store.keys.blocked(shard_of("8613800000001")), "8613800000001", b"junk")])
    assert blocklist.remove(store, [target(1)], who="bob", now=NOW) == 1
    assert blocklist.check(store, target(1), now=NOW) == ()


def test_pages_cover_the_list(store: Store) -> None:
    """Turning pages to the end shows every block, whatever its kind."""
    blocks = [block(target(i)) for i in range(300)] + [prefix("8613"), block(customer("C-17"))]
    blocklist.add(store, blocks)

    assert set(everything(store)) == set(blocks)
    for bad in ("x:y", "17:0", "1"):
        with pytest.raises(StoreError, match="not a cursor"):
            blocklist.page(store, bad)


# --- leads that are leased already ------------------------------------------------------------------------------------

ON_THE_LEAD = [
    target(1),
    target(1, "spring"),
    Target(BlockKind.PREFIX, "8613800000001"),
    Target(BlockKind.PREFIX, "86", "spring"),
    customer("C-17"),
    customer("C-17", "spring"),
    Target(BlockKind.ACCOUNT, "A-17"),
    Target(BlockKind.ACCOUNT, "A-17", "spring"),
]
ELSEWHERE = [
    target(2),
    target(1, "autumn"),
    Target(BlockKind.PREFIX, "8613800000002"),
    Target(BlockKind.PREFIX, "86", "autumn"),
    customer("A-17"),
    Target(BlockKind.ACCOUNT, "A-17", "autumn"),
]


def known_lead(floor: Floor) -> None:
    floor.add({"lead_id": "L", "phone": number(1).clear, "customer_id": "C-17", "account_id": "A-17"})
    floor.take_in()


@pytest.mark.parametrize("who", ON_THE_LEAD, ids=repr)
@pytest.mark.parametrize("until", [None, NOW + DAY_S])
def test_a_lead_that_is_leased_is_refused(floor: Floor, who: Target, until: float | None) -> None:
    """Whatever the kind and the scope: closed for good, or due when the block ends."""
    known_lead(floor)
    leads = floor.lease()
    blocklist.add(floor.store, [block(who, until)])

    (answer,) = floor.screen(leads)

    assert isinstance(answer, Refused)
    assert (answer.refusal.rule, answer.refusal.until) == (Rule.BLOCKLIST, until)
    row = story(floor.store, floor.name, "L").row
    assert row.state is (LeadState.CLOSED if until is None else LeadState.WAITING)
    assert contacts.history(floor.store, "8613800000001") == ()


def come_between(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> list[int]:
    """Do something once, after leads were judged and before their attempts are counted; counts how often they are."""
    reserve, tries = gate.reserve, [0]

    def reserving(*args: Any) -> list[bool]:
        tries[0] += 1
        if tries[0] == 1:
            act()
        return reserve(*args)

    monkeypatch.setattr(gate, "reserve", reserving)
    return tries


@pytest.mark.parametrize("who", ON_THE_LEAD, ids=repr)
def test_a_block_between_judging_and_reserving_refuses(
    floor: Floor, who: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is counted by what was judged before it."""
    known_lead(floor)
    floor.screen(())
    tries = come_between(monkeypatch, lambda: blocklist.add(floor.store, [block(who)]))

    (answer,) = floor.screen(floor.lease())

    assert isinstance(answer, Refused)
    assert answer.refusal.rule is Rule.BLOCKLIST
    assert tries == [1]
    for field in ("8613800000001", "c:C-17", "a:A-17"):
        assert contacts.history(floor.store, field) == (), field


def test_a_server_without_scripts_hides_no_prefix(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica took over and has to be given them again; another daemon looks just before the block is there."""
    known_lead(floor)
    trip(floor.store, [("SCRIPT", "FLUSH")])
    other = replace(floor.store, kept={})
    load = connection.load_scripts

    def load_late(store: Store) -> None:
        other.kept["prefixes"] = blocklist.prefixes(other)
        load(store)

    with monkeypatch.context() as patch:
        patch.setattr(connection, "load_scripts", load_late)
        blocklist.add(floor.store, [prefix("8613")])

    floor.store = other
    (answer,) = floor.screen(floor.lease())

    assert isinstance(answer, Refused)


@pytest.mark.parametrize("who", ELSEWHERE, ids=repr)
def test_blocks_on_others_refuse_nobody(floor: Floor, who: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of the prefixes in between has the lead judged again, and it passes."""
    known_lead(floor)
    tries = come_between(monkeypatch, lambda: blocklist.add(floor.store, [block(who)]))

    (answer,) = floor.screen(floor.lease())

    assert isinstance(answer, Permitted)
    assert tries == [2 if who.kind is BlockKind.PREFIX else 1]


@pytest.mark.parametrize("who", ON_THE_LEAD, ids=repr)
def test_after_the_end_or_an_unblock_the_lead_passes(floor: Floor, who: Target) -> None:
    """A block is no longer than it says, also where the prefixes in memory still have it."""
    known_lead(floor)
    blocklist.add(floor.store, [block(who, NOW + 10)])
    assert isinstance(floor.screen(floor.lease())[0], Refused)

    assert isinstance(floor.screen(floor.lease(now=NOW + 10), now=NOW + 10)[0], Permitted)


def test_a_prefix_that_is_unblocked_blocks_nobody(floor: Floor) -> None:
    """The table in memory is read again."""
    floor.fill(2)
    blocklist.add(floor.store, [prefix("86138")])
    assert isinstance(floor.screen(floor.lease(1))[0], Refused)

    blocklist.remove(floor.store, [Target(BlockKind.PREFIX, "86138")], who="bob", now=NOW)

    assert isinstance(floor.screen(floor.lease(1))[0], Permitted)


def test_a_source_that_is_a_phone_number_is_kept_masked(store: Store) -> None:
    """Who asks later sees it, and the numbers of others are nobody's business."""
    blocklist.add(store, [target(1).block(source="13812345678", reason="", who="138,1234,5678", at=NOW)])

    (block_,) = blocklist.check(store, target(1), now=NOW)
    assert (block_.source, block_.who) == ("*******5678", "*******5678")
