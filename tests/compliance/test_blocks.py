"""Who is not to be called."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.api import Per, Rule, Subject
from compliance.blocks import BadBlock, Block, BlockKind, PrefixTable, Target, of_number, verdict
from compliance.numbers import E164
from dialer.language.refusals import detail

NOW = 1_772_500_000.0
DAY_S = 86_400.0

digits = st.from_regex(r"[1-9][0-9]{5,14}", fullmatch=True)
prefixes = st.from_regex(r"[1-9][0-9]{0,13}", fullmatch=True)


def block(
    kind: BlockKind = BlockKind.NUMBER, value: str = "8613800001234", campaign: str = "", **more: object
) -> Block:
    given_: dict[str, object] = {"source": "crm", "reason": "asked", "who": "ann", "at": NOW, **more}
    return Block(kind, value, campaign, **given_)  # type: ignore[arg-type]


def test_a_block_refuses_for_good_and_says_why() -> None:
    """Scope, source and reason are in the detail; the number is not."""
    refusal = verdict([block()], "spring", NOW + DAY_S)

    assert refusal is not None
    assert (refusal.rule, refusal.until) == (Rule.BLOCKLIST, None)
    assert detail(refusal) == "on the no-call list for all campaigns (crm): asked"


def test_a_block_with_an_end_refuses_until_then() -> None:
    """At the end it is no block any more."""
    held = block(BlockKind.CUSTOMER, "C-17", "spring", until=NOW + DAY_S)

    refusal = verdict([held], "spring", NOW)

    assert refusal is not None
    assert refusal.until == NOW + DAY_S
    assert detail(refusal) == (
        "on the no-call list for campaign spring (customer C-17, crm, until 2026-03-04 01:06 UTC): asked"
    )
    assert verdict([held], "spring", NOW + DAY_S) is None


def test_blocks_of_other_campaigns_do_not_count() -> None:
    """One for the tenant counts everywhere."""
    assert verdict([block(campaign="autumn")], "spring", NOW) is None
    assert verdict([block(campaign="autumn"), block()], "spring", NOW) is not None
    assert verdict([], "spring", NOW) is None


def test_the_block_that_holds_longest_speaks() -> None:
    """A lead is not asked about again before the last of them has ended."""
    short, long = block(until=NOW + 10), block(campaign="spring", until=NOW + 20, source="agent")

    for order in ([short, long], [long, short]):
        refusal = verdict(order, "spring", NOW)
        assert refusal is not None
        assert refusal.until == NOW + 20
        assert "agent" in detail(refusal)
    forever = verdict([long, short, block()], "spring", NOW)
    assert forever is not None
    assert forever.until is None


def test_details_show_no_number() -> None:
    """Neither of a long prefix, nor of an id or a reason that is one."""
    shown = [
        verdict([one], "", NOW)
        for one in (
            block(BlockKind.PREFIX, "86138000012"),
            block(BlockKind.CUSTOMER, "13800001234"),
            block(reason="her new number is 138 0000 1234"),
        )
    ]

    assert [detail(one) for one in shown if one] == [
        "on the no-call list for all campaigns (prefix 8613800****, crm): asked",
        "on the no-call list for all campaigns (customer *******1234, crm): asked",
        "on the no-call list for all campaigns (crm): her new number is *******1234",
    ]


def test_short_prefixes_are_shown_whole() -> None:
    """Up to seven digits; and the number inside a target is nowhere in its texts."""
    assert str(Target(BlockKind.PREFIX, "8613800")) == "prefix 8613800"
    assert str(Target(BlockKind.PREFIX, "86138000")) == "prefix 8613800*"
    number = of_number(E164("+8613800001234"))
    assert str(number) == "number +86138****1234"
    assert "13800001234" not in repr(block())


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (BlockKind.PREFIX, ""),
        (BlockKind.PREFIX, "0138"),
        (BlockKind.PREFIX, "+86"),
        (BlockKind.PREFIX, "123456789012345"),
        (BlockKind.PREFIX, "٣٤"),
        (BlockKind.NUMBER, "12"),
        (BlockKind.NUMBER, "+8613800001234"),
        (BlockKind.CUSTOMER, ""),
        (BlockKind.CUSTOMER, "  "),
        (BlockKind.CUSTOMER, "C-17 "),
        (BlockKind.CUSTOMER, "C\u00a017"),
        (BlockKind.ACCOUNT, "a\nb"),
        (BlockKind.ACCOUNT, "x" * 65),
    ],
)
def test_what_can_be_no_target_does_not_construct(kind: BlockKind, value: str) -> None:
    """And the message never repeats the value."""
    with pytest.raises(BadBlock) as error:
        Target(kind, value)
    assert not value.strip() or value not in str(error.value)


@pytest.mark.parametrize("until", [NOW, NOW - 1, float("nan"), float("inf")])
def test_a_block_ends_after_it_begins(until: float) -> None:
    """One that is over when it is added would protect nobody."""
    with pytest.raises(BadBlock, match="until: must be in the future"):
        block(until=until)


def test_a_target_names_its_subject() -> None:
    """A prefix has none."""
    assert of_number(E164("+8613800001234")).subject == Subject(Per.NUMBER, "8613800001234")
    assert Target(BlockKind.ACCOUNT, "A1").subject == Subject(Per.ACCOUNT, "A1")
    assert Target(BlockKind.PREFIX, "86").subject is None


@given(st.lists(st.tuples(prefixes, st.sampled_from(["", "spring"])), max_size=20), digits)
def test_a_table_finds_what_a_search_through_all_prefixes_finds(rows: list[tuple[str, str]], number: str) -> None:
    """Whatever the prefixes are."""
    blocks = [block(BlockKind.PREFIX, prefix, campaign) for prefix, campaign in rows]
    found = PrefixTable(blocks).on(number)

    assert sorted(map(id, found)) == sorted(id(one) for one in blocks if number.startswith(one.value))
    assert [len(one.value) for one in found] == sorted(len(one.value) for one in found)


def test_a_prefix_longer_than_the_number_is_none_of_its() -> None:
    """Nor is a block on something else a prefix."""
    assert PrefixTable([block(BlockKind.PREFIX, "8613800")]).on("861380") == ()
    with pytest.raises(ValueError, match="none on a prefix"):
        PrefixTable([block()])


@given(
    st.lists(st.tuples(st.sampled_from(["", "spring", "autumn"]), st.none() | st.floats(1, 1000)), max_size=6),
    st.floats(0, 1200),
)
def test_a_lead_is_refused_exactly_while_a_block_of_its_scope_holds(
    rows: list[tuple[str, float | None]], later: float
) -> None:
    """And the refusal ends where the last of them ends."""
    blocks = [block(campaign=scope, until=None if end is None else NOW + end) for scope, end in rows]
    ends = [
        one.until for one in blocks if one.campaign in ("", "spring") and (one.until is None or one.until > NOW + later)
    ]

    refusal = verdict(blocks, "spring", NOW + later)

    assert (refusal is not None) == bool(ends)
    if refusal is not None:
        assert refusal.until == (None if None in ends else max(end for end in ends if end is not None))


def test_a_look_up_is_quick() -> None:
    """A few hundred prefixes of all lengths cost a few microseconds; the limit is generous for a busy machine."""
    table = PrefixTable(block(BlockKind.PREFIX, f"{n}{'7' * (n % 12)}") for n in range(10, 400))
    best = min(_timed(table) for _ in range(5))

    assert best < 10e-6


def _timed(table: PrefixTable) -> float:
    started = time.perf_counter()
    for _ in range(1000):
        table.on("8613800001234")
    return (time.perf_counter() - started) / 1000
