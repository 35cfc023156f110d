"""The number of each call: counted in one step, over all campaigns and hosts; rest, blocks by the network."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from compliance.api import Refusal, Rule
from compliance.caller_ids import BLOCKS_WITHIN_S, EVASION, Wanted, candidates, choose, none_left, rest_of
from compliance.contacts import Contact, Mark, crc16
from compliance.numbers import E164
from config.caller_ids import CallerIdSettings
from config.campaign import CampaignSettings
from dialer.core.abandonment.windows import next_day, zone_of
from dialer.core.calls.settling import unsent
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import Disposition, Lead, Settlement
from dialer.language.refusals import detail
from dialer.store.base import connection as door
from dialer.store.base.connection import Command, Store, trip
from dialer.store.base.keys import digits
from dialer.store.gate import caller_ids, contacts
from dialer.store.gate.caller_ids import Rest, allot, foresee, held, review, settled, take_back, wake
from dialer.store.leads import leases
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators import campaigns
from dialer.store.settlement.settle import settle
from pacing.api import Mode
from tests.rules import in_words
from tests.store.conftest import NOW, OWNER, Floor, number

A, B, C = "+861065550001", "+861065550002", "95533"
DAY = 86_400.0


def campaign(*rows: dict[str, Any], name: str = "spring", **more: Any) -> CampaignSettings:
    """A campaign with a pool, in Shanghai, where NOW is about nine in the morning."""
    numbers = tuple(CallerIdSettings(**row) for row in rows)
    given = {"caller_id_rest_share": 0.0, "caller_id_rest_min_calls": 0, **more}
    return CampaignSettings(name=name, mode=Mode.PROGRESSIVE, time_zone="Asia/Shanghai", caller_ids=numbers, **given)


def pool(*numbers: str, limit: int = 0, **more: Any) -> CampaignSettings:
    return campaign(*({"number": one, "daily_limit": limit} for one in numbers), **more)


def callees(count: int, *contacts: Contact) -> list[Wanted]:
    return [Wanted(number(i), contacts) for i in range(count)]


def shown(caller_id: str, name: str = "spring", marks: Mark = Mark.ENDED) -> Contact:
    return Contact(int(NOW) - 1000, crc16(name), crc16(""), 7, crc16(caller_id), marks)


def uses(store: Store, settings: CampaignSettings, now: float = NOW) -> dict[str, int]:
    return dict(held(store, settings, now).uses)


def block(store: Store, caller_id: str, at: float, count: int = 1) -> None:
    key = store.keys.caller_id_blocks()
    trip(store, [("ZADD", key, at + i, f"{caller_id}|x{at + i}") for i in range(count)])


def test_a_batch_spreads_over_the_pool_and_is_counted(store: Store) -> None:
    """The least used first, the first of equals; one batch goes on where the last one stopped."""
    settings = pool(A, B, C)

    assert allot(store, settings, callees(4), NOW) == (A, B, C, A)
    assert allot(store, settings, callees(3), NOW) == (B, C, A)
    assert uses(store, settings) == {A: 3, B: 2, C: 2}


def test_one_caller_id_is_counted_too(store: Store) -> None:
    """Another campaign may have it in a pool with a limit."""
    single = CampaignSettings(name="single", mode=Mode.PROGRESSIVE, caller_id=A, time_zone="Asia/Shanghai")
    limited = pool(A, B, limit=3)

    assert allot(store, single, callees(2), NOW) == (A, A)
    assert allot(store, limited, callees(4), NOW) == (B, B, A, B)
    assert foresee(store, limited, callees(1), NOW)[0] == allot(store, limited, callees(1), NOW)[0]
    assert isinstance(foresee(store, limited, callees(1), NOW)[0], Refusal)


def test_the_limit_holds_until_midnight_in_the_campaigns_zone(store: Store) -> None:
    """The refused lead is due then, and the day after begins with nothing."""
    settings = pool(A, limit=2)
    midnight = next_day(NOW, zone_of(settings))

    first, second, third = allot(store, settings, callees(3), NOW)

    assert (first, second) == (A, A)
    assert in_words(third) == (
        Rule.CALLER_ID,
        f"no caller id can be shown now: {A} was shown 2 times today, its daily limit is 2",
        midnight,
    )
    assert allot(store, settings, callees(1), midnight) == (A,)
    assert review(store, settings, NOW).obstacle == f"{detail(third)}, until 2026-03-04 00:00"
    assert review(store, settings, midnight).obstacle == ""


def test_a_retry_waits_for_its_number(store: Store) -> None:
    """It is not shown another one because its own is used up, unless the campaign says that any will do."""
    settings = pool(A, B, limit=1)
    allot(store, settings, callees(1), NOW)

    (waits,) = allot(store, settings, callees(1, shown(A)), NOW)

    assert isinstance(waits, Refusal)
    assert waits.until == next_day(NOW, zone_of(settings))
    assert allot(store, pool(A, B, limit=1, same_caller_id_on_retry=False), callees(1, shown(A)), NOW) == (B,)


def test_a_blocked_callee_is_never_shown_another_number(store: Store) -> None:
    """With the number of the block or not at all, whichever campaign asks; nothing is counted for a refusal."""
    blocked = shown(A, marks=Mark.ENDED | Mark.NETWORK_BLOCKED)
    autumn = pool(B, C, name="autumn")

    assert allot(store, pool(A, B), callees(3, blocked), NOW) == (A, A, A)
    assert allot(store, autumn, callees(2, blocked), NOW) == (Refusal(Rule.CALLER_ID, EVASION, None),) * 2
    assert uses(store, autumn) == {}


def test_what_was_not_dialled_is_taken_back(store: Store) -> None:
    """The use is free for another call."""
    settings = pool(A, limit=1)
    assert allot(store, settings, callees(1), NOW) == (A,)

    take_back(store, settings, [A], NOW)

    assert allot(store, settings, callees(1), NOW) == (A,)


def test_a_number_rests_until_it_is_woken_or_the_time_has_come(store: Store) -> None:
    """For all campaigns; the review has it in words."""
    caller_ids.rest(store, A, Rest(NOW + 3600, "complaints", "ann@desk", NOW))

    assert allot(store, pool(A, B), callees(2), NOW) == (B, B)
    assert review(store, pool(A, B), NOW).resting == {
        A: f"caller id {A} rests until 2026-03-03 10:06: complaints (ann@desk)"
    }
    (refused,) = allot(store, pool(A, name="autumn"), callees(1), NOW)
    assert in_words(refused) == (
        Rule.CALLER_ID,
        f"no caller id can be shown now: {A} rests: complaints (ann@desk)",
        NOW + 3600,
    )
    assert allot(store, pool(A), callees(1), NOW + 3600) == (A,)
    assert wake(store, A)
    assert allot(store, pool(A), callees(1), NOW) == (A,)
    assert not wake(store, A)


def test_blocks_by_the_network_rest_a_number_for_a_day(store: Store) -> None:
    """As many within a day as the campaign says; waking it forgets them."""
    block(store, A, NOW, 3)
    block(store, B, NOW, 2)
    then = NOW + 10

    assert allot(store, pool(A, B), callees(2), then) == (B, B)
    assert review(store, pool(A, B), then).resting == {
        A: f"caller id {A} rests until 2026-03-04 09:06: "
        "the network blocked 3 of its calls within a day (0 in two days)"
    }
    assert allot(store, pool(A, B, caller_id_rest_after_blocks=0), callees(1), then) == (A,)
    assert allot(store, pool(A, B), callees(2), NOW + 2 + DAY) == (A, B)
    assert wake(store, A)
    assert allot(store, pool(A, C), callees(1), then) == (C,), "A has been used more"
    assert review(store, pool(A, B), then).resting == {}


def test_blocks_rest_a_number_by_their_share_of_enough_calls(store: Store) -> None:
    """Three blocks of a thousand calls are no reason, nor three of the first five; yesterday's calls count."""
    block(store, A, NOW, 3)
    given = {"caller_id_rest_share": 0.1, "caller_id_rest_min_calls": 20}

    def rests(calls: int, before: int = 0) -> bool:
        days = (("2026-03-03", calls), ("2026-03-02", before))
        trip(store, [("HSET", store.keys.caller_id_uses(day), A, count) for day, count in days])
        resting = A in review(store, pool(A, **given), NOW).resting
        assert (allot(store, pool(A, **given), callees(1), NOW)[0] == A) is not resting
        return resting

    assert [rests(calls) for calls in (5, 19, 20, 30, 31, 1000)] == [False, False, True, True, False, False]
    assert [rests(2, 18), rests(2, 40)] == [True, False]


def test_a_batch_takes_one_round_trip(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of leads, and none where no lead may be dialled at all."""
    sent: list[int] = []
    send = door._send

    def noting(store: Store, commands: Sequence[Command]) -> list[Any]:
        sent.append(len(commands))
        return send(store, commands)

    monkeypatch.setattr(door, "_send", noting)

    allot(store, pool(A, B, limit=5), callees(50), NOW)
    assert sent == [1]
    allot(store, pool(B), callees(50, shown(A, marks=Mark.ENDED | Mark.NETWORK_BLOCKED)), NOW)
    take_back(store, pool(B), [], NOW)
    assert sent == [1]


def test_two_hosts_together_never_pass_a_limit(store: Store) -> None:
    """Threads that ask at the same moment, of two campaigns with a number in common."""
    first, second = pool(A, B, limit=40), pool(B, C, limit=40, name="autumn")
    answers: Counter[str] = Counter()
    together = threading.Barrier(2)

    def ask(settings: CampaignSettings) -> None:
        together.wait(10)
        for _ in range(15):
            answers.update(one for one in allot(store, settings, callees(7), NOW) if isinstance(one, str))

    threads = [threading.Thread(target=ask, args=(settings,)) for settings in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert answers == {A: 40, B: 40, C: 40}
    assert uses(store, pool(A, B, C)) == answers


batches = st.lists(st.tuples(st.integers(1, 5), st.sampled_from(["", A, B, C])), max_size=4)


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.integers(0, 4), min_size=3, max_size=3),
    st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(-200_000, 0)), max_size=8),
    st.lists(st.tuples(st.sampled_from([A, B, C]), st.integers(-10, 10)), max_size=2),
    st.integers(0, 3),
    st.tuples(st.sampled_from([0.0, 0.1, 0.5]), st.integers(0, 12)),
    st.lists(st.integers(0, 30), min_size=3, max_size=3),
    batches,
)
def test_the_script_and_the_definition_agree(
    store: Store,
    limits: list[int],
    blocks: list[tuple[str, int]],
    rests: list[tuple[str, int]],
    rest_after: int,
    share: tuple[float, int],
    yesterday: list[int],
    asked: list[tuple[int, str]],
) -> None:
    """Whatever was used, blocked and rested, call by call."""
    trip(store, [("FLUSHDB",)])
    rows = [{"number": one, "daily_limit": limit} for one, limit in zip((A, B, C), limits, strict=True)]
    more = {"caller_id_rest_share": share[0], "caller_id_rest_min_calls": share[1]}
    settings = campaign(*rows, caller_id_rest_after_blocks=rest_after, **more)
    before = [cell for pair in zip((A, B, C), yesterday, strict=True) for cell in pair]
    trip(store, [("HSET", store.keys.caller_id_uses("2026-03-02"), *before)])
    for i, (name, at) in enumerate(blocks):
        trip(store, [("ZADD", store.keys.caller_id_blocks(), NOW + at, f"{name}|x{i}")])
    for name, at in rests:
        caller_ids.rest(store, name, Rest(NOW + at, "", "ann", NOW))
    tomorrow = next_day(NOW, zone_of(settings))

    for count, earlier in asked:
        wanted = callees(count, *([shown(earlier)] if earlier else []))
        standings = held(store, settings, NOW).standings(settings.caller_pool())
        for answer, one in zip(allot(store, settings, wanted, NOW), wanted, strict=True):
            able = candidates(settings.caller_pool(), one, tomorrow)
            assert not isinstance(able, Refusal)
            chosen = choose(able, standings, NOW)
            if chosen is None:
                assert answer == none_left(able, standings, tomorrow, NOW)
            else:
                assert answer == chosen.number
                known = standings[chosen.number]
                standings[chosen.number] = replace(known, uses=known.uses + 1)


def ended(attempt: str, disposition: Disposition, at: float = NOW + 5) -> Settlement:
    """The end of a call that showed a number."""
    lead = Lead("L1", "spring", (number(1),))
    dialled = unsent(lead, attempt, "main", "", NOW, caller_id=A)
    return replace(dialled, disposition=disposition, ended_at=at, day="2026-03-03")


def test_a_block_is_noted_once_however_often_it_is_settled(store: Store) -> None:
    """Also where the attempt had ended before: the store may have died between the two steps."""
    items = [ended("A1", Disposition.BLOCKED), ended("A2", Disposition.BLOCKED), ended("A3", Disposition.BUSY)]

    settled(store, items, {"A1"})
    settled(store, items, ())

    assert held(store, pool(A), NOW).blocks == {A: [NOW + 5, NOW + 5]}


def test_a_call_that_never_left_is_uncounted_once(store: Store) -> None:
    """On the day that it was counted on; where that may have been another one it stays counted."""
    allot(store, pool(A), callees(3), NOW)
    late = ended("A2", Disposition.NOT_SENT, at=NOW + 2000)

    settled(store, [ended("A1", Disposition.NOT_SENT), late], {"A1", "A2"})
    settled(store, [ended("A1", Disposition.NOT_SENT)], ())

    assert uses(store, pool(A))[A] == 2


def test_a_country_without_a_number_waits(store: Store) -> None:
    """The others of the batch are dialled, in their order."""
    settings = campaign({"number": C, "countries": ["CN"]})
    american = Wanted(E164("+12025550123"))

    first, second, third = allot(store, settings, [american, *callees(1), american], NOW)

    assert second == C
    assert isinstance(first, Refusal)
    assert first == third


def a_floor(store: Store, settings: CampaignSettings) -> Floor:
    campaigns.create(store, settings, who="test", now=NOW)
    return Floor(store, settings)


def test_the_gate_chooses_reserves_and_remembers(store: Store) -> None:
    """The permit has the number, and so has the contact; who is refused one leaves nothing behind."""
    floor = a_floor(store, pool(A, B, limit=1))
    floor.fill(3)

    answers = floor.screen(floor.lease(3))

    assert [answer.permit.caller_id for answer in answers if isinstance(answer, Permitted)] == [A, B]
    (refused,) = [answer for answer in answers if isinstance(answer, Refused)]
    assert refused.refusal.rule is Rule.CALLER_ID
    assert story(store, "spring", refused.lead.lead_id).row.at == refused.refusal.until
    shown_to = {answer.lead.lead_id: answer.permit.caller_id for answer in answers if isinstance(answer, Permitted)}
    for i in range(3):
        crcs = [one.caller_crc for one in contacts.history(store, digits(number(i)))]
        assert crcs == [crc16(shown_to[name]) for name in (f"L{i}",) if name in shown_to]


def test_a_settled_block_binds_the_callee_to_the_number_shown(store: Store, end: Callable[..., Settlement]) -> None:
    """Another campaign that cannot show it closes its lead; the number of the block is what counts towards its rest."""
    spring, autumn = a_floor(store, pool(A)), a_floor(store, pool(B, C, name="autumn"))
    for floor in (spring, autumn):
        floor.fill(1)

    settle(store, [end(spring.dial()[0], Disposition.BLOCKED)], OWNER)
    (answer,) = autumn.screen(autumn.lease(), now=NOW + 100)

    assert isinstance(answer, Refused)
    assert answer.refusal == Refusal(Rule.CALLER_ID, EVASION, None)
    assert story(store, "autumn", "L0").row.state is LeadState.CLOSED
    assert dict(held(store, pool(A), NOW).blocks) == {A: [NOW + 60]}


def test_a_lost_lease_gives_the_use_back(store: Store) -> None:
    """Nobody will show the number for it."""
    floor = a_floor(store, pool(A, limit=1))
    floor.fill(1)
    leads = floor.lease()
    leases.release(store, "spring", OWNER, ["L0"], NOW)

    (answer,) = floor.screen(leads)

    assert isinstance(answer, Refused)
    assert answer.refusal.rule is Rule.LEASE_LOST
    assert uses(store, floor.settings) == {A: 0}


def test_no_agent_is_shown_a_lead_that_has_no_number(store: Store) -> None:
    """In mode preview; looking counts nothing."""
    floor = a_floor(store, pool(A, limit=1))
    floor.fill(2)
    first, second = floor.lease(2)

    assert floor.sift((first,)) == ((first,), ())
    assert isinstance(floor.screen((first,))[0], Permitted)
    (passed, (refused,)) = floor.sift((second,))

    assert passed == ()
    assert refused.refusal.rule is Rule.CALLER_ID


@pytest.mark.parametrize(("apart_s", "rests"), [(BLOCKS_WITHIN_S - 1, True), (BLOCKS_WITHIN_S, False)])
def test_blocks_that_are_a_day_apart_rest_no_number(store: Store, apart_s: float, rests: bool) -> None:
    """A day is less than 24 hours between the first and the last, in the script as in its definition."""
    floor = a_floor(store, pool(A, caller_id_rest_after_blocks=2))
    floor.fill(1)
    times = [NOW - 10 - apart_s, NOW - 10.0]
    key = store.keys.caller_id_blocks()
    trip(store, [("ZADD", key, at, f"{A}|x{i}") for i, at in enumerate(times)])

    (answer,) = floor.screen(floor.lease())

    assert isinstance(answer, Refused if rests else Permitted)
    assert (rest_of(times, 2) > NOW) is rests
