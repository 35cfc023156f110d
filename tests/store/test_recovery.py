"""What becomes of the work of dead owners."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgpack
import pytest

from compliance.api import Cleared, Permit, Reserved
from compliance.contacts import Mark
from config.campaign import RetryTable
from dialer.core.agents.agent import AgentState
from dialer.core.inputs import Permitted
from dialer.core.model import Disposition, Retry, Settlement
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreUnavailable
from dialer.store.base.keys import digits
from dialer.store.gate import contacts, gate
from dialer.store.leads import leases
from dialer.store.leads.bulk import deletion
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators import agents, campaigns
from dialer.store.operators.status import counts
from dialer.store.privacy.retention import Purged
from dialer.store.settlement import ledger, recovery, settle
from dialer.store.settlement.recovery import RecoveryReport, beat, farewell, owner_of, recover
from tests.store.conftest import NOW, OWNER, Floor, number
from tests.store.test_settle import events

DEAD = owner_of("host-b", "7")


def die(store: Store) -> None:
    beat(store, DEAD, 60, NOW)
    farewell(store, DEAD)


def test_a_living_owner_is_left_alone(floor: Floor) -> None:
    """While the heartbeat is there nothing is taken."""
    beat(floor.store, DEAD, 60, NOW)
    floor.fill(2)
    floor.lease(1, owner=DEAD)

    assert recover(floor.store, NOW) == RecoveryReport((), 0, 0, 0)


def test_a_heartbeat_lapses(store: Store) -> None:
    """Without a further sign of life the owner is dead."""
    beat(store, DEAD, 0.001, NOW)
    deadline = threading.Event()
    for _ in range(200):
        if recovery.dead_owners(store):
            break
        deadline.wait(0.01)

    assert recovery.dead_owners(store) == (DEAD,)


def test_what_a_dead_owner_left_is_taken_over(floor: Floor) -> None:
    """Its attempt ends as UNKNOWN and is told, its lease is due again, its agent is free."""
    store = floor.store
    floor.fill(3)
    floor.dial(1, owner=DEAD)
    floor.lease(1, owner=DEAD)
    agents.claim(store, ["17", "18"], DEAD, 60)
    row = agents.Presence("17", AgentState.READY, NOW, "", ("spring",), DEAD)
    agents.show(store, [row, agents.Presence("19", AgentState.READY, NOW, "", (), "host-a:1")])
    die(store)

    report = recover(store, NOW + 10)

    assert report == RecoveryReport((DEAD,), 1, 1, 1)
    kind, name, data = events(store)[0]
    assert (kind, name, data["disposition"], data["next"]) == ("disposition", "A0", "unknown", "close")
    assert story(store, floor.name, "L0").row.state is LeadState.CLOSED
    assert [lead.lead_id for lead in floor.lease(now=NOW + 11)] == ["L2", "L1"]
    assert agents.claim(store, ["17"], "host-a:1", 60) == ("17",)
    assert [row.agent for row in agents.listing(store)] == ["19"]
    assert len(contacts.history(store, digits(number(0)))) == 1, "an unknown end stays counted against the caps"
    assert recover(store, NOW + 12) == RecoveryReport((), 0, 0, 0)


def test_what_cannot_be_read_now_is_taken_over_later(floor: Floor) -> None:
    """A campaign that another release wrote keeps its dead daemon's attempts until somebody can read it."""
    store = floor.store
    floor.fill(1)
    floor.dial(1, owner=DEAD)
    die(store)
    key = store.keys.campaign(floor.name)
    settings = trip(store, [("HGET", key, "settings")])[0]
    trip(store, [("HSET", key, "settings", "{}")])

    assert recover(store, NOW + 10).attempts == 0
    trip(store, [("HSET", key, "settings", settings)])

    assert recover(store, NOW + 20).attempts == 1
    assert story(store, floor.name, "L0").row.state is LeadState.CLOSED
    assert recover(store, NOW + 30) == RecoveryReport((), 0, 0, 0)


def test_a_row_for_unknown_allows_a_retry(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where the campaign's retry table says so is such a lead called again."""
    floor.fill(1)
    floor.dial(1, owner=DEAD)
    die(floor.store)
    monkeypatch.setattr(recovery, "next_step", lambda *_: Retry(600.0, 0))

    recover(floor.store, NOW + 10)

    assert story(floor.store, floor.name, "L0").row.state is LeadState.WAITING


def test_unknown_has_no_row_by_default() -> None:
    """Nobody is called again by accident."""
    assert RetryTable().after("unknown").max_attempts == 0


def test_recovering_at_the_same_time_counts_once(floor: Floor) -> None:
    """Any number of daemons may look after the dead."""
    floor.fill(20)
    floor.dial(20, owner=DEAD)
    die(floor.store)
    reports: list[RecoveryReport] = []
    threads = [threading.Thread(target=lambda: reports.append(recover(floor.store, NOW + 10))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.attempts for report in reports) == 20
    assert len({name for _, name, _ in events(floor.store)}) == 20, "told at least once each"
    assert counts(floor.store, floor.name, NOW).dispositions == {"unknown": 20}


def test_an_end_that_somebody_saw_beats_unknown(floor: Floor, end: Callable[..., Settlement]) -> None:
    """A daemon that was only slow corrects what others had to write: told, counted, and the lead called again; once."""
    floor.fill(1)
    dialled = floor.dial(1, owner=DEAD)[0]
    die(floor.store)
    recover(floor.store, NOW + 10)
    seen = end(dialled, Disposition.ABANDONED, Retry(600.0, 0), live=True, abandoned=True)

    assert settle.settle(floor.store, [seen], DEAD) == ("A0",)
    assert settle.settle(floor.store, [seen], DEAD) == ()
    assert recover(floor.store, NOW + 20).attempts == 0

    told = [(name, data["disposition"], data["corrects"]) for _, name, data in events(floor.store)]
    assert told == [("A0", "unknown", ""), ("A0", "abandoned", "unknown")]
    total = ledger.totals(floor.store, floor.name, ["2026-03-03"])[0]
    assert (total.answered, total.abandoned) == (1, 1)
    after = counts(floor.store, floor.name, NOW + 70)
    assert {name: count for name, count in after.dispositions.items() if count} == {"abandoned": 1}
    assert {name: count for name, count in after.closed_by.items() if count} == {}
    told_of = story(floor.store, floor.name, "L0")
    assert told_of.row.state is LeadState.WAITING
    assert [line.disposition for line in told_of.attempts] == ["abandoned"]
    marks = contacts.history(floor.store, digits(number(0)))[0].marks
    assert marks == Mark.ENDED | Mark.CONNECTED | Mark.ABANDONED, "it was no conversation"
    assert floor.lease(now=NOW + 700)[0].tries == {Disposition.ABANDONED: 1}


def test_an_attempt_that_never_left_is_given_back_though_it_was_called_unknown(
    floor: Floor, end: Callable[..., Settlement]
) -> None:
    """The caps follow the end that somebody knows."""
    floor.fill(1)
    dialled = floor.dial(1, owner=DEAD)[0]
    die(floor.store)
    recover(floor.store, NOW + 10)

    settle.settle(floor.store, [end(dialled, Disposition.NOT_SENT, Retry(60.0, 0), charged=False)], DEAD)

    assert contacts.history(floor.store, digits(number(0))) == ()
    assert story(floor.store, floor.name, "L0").row.state is LeadState.WAITING


def test_a_correction_leaves_a_lead_alone_that_somebody_decided_about_since(
    floor: Floor, end: Callable[..., Settlement]
) -> None:
    """The CRM's word on the attempt, or another daemon's lease, is newer than the end."""
    floor.fill(2)
    closed, leased = floor.dial(2, owner=DEAD)
    die(floor.store)
    recover(floor.store, NOW + 10)
    trip(floor.store, [("HSET", floor.store.keys.why(floor.name), "L0", '["said","sale"]')])
    trip(floor.store, [("HSET", floor.store.keys.lessee(floor.name), "L1", "host-a:1")])

    ends = [end(one, Disposition.BUSY, Retry(60.0, 0)) for one in (closed, leased)]
    assert len(settle.settle(floor.store, ends, DEAD)) == 2

    assert story(floor.store, floor.name, "L0").row.state is LeadState.CLOSED
    assert trip(floor.store, [("ZCARD", floor.store.keys.waiting(floor.name))]) == [0]


def test_a_correction_brings_back_nothing_of_a_lead_that_is_deleted(
    floor: Floor, end: Callable[..., Settlement]
) -> None:
    """The attempt is told as it was; the lead has no story, no place and no way to be called."""
    floor.fill(1)
    dialled = floor.dial(1, owner=DEAD)[0]
    die(floor.store)
    recover(floor.store, NOW + 10)
    assert deletion.delete(floor.store, floor.name, ["L0"], who="ann", now=NOW + 20) == [Purged.GONE]

    settle.settle(floor.store, [end(dialled, Disposition.BUSY, Retry(60.0, 0))], DEAD)

    keys = floor.store.keys
    kept = (keys.story, keys.progress, keys.why)
    assert trip(floor.store, [("HEXISTS", key(floor.name), "L0") for key in kept]) == [0, 0, 0]
    assert trip(floor.store, [("ZCARD", key(floor.name)) for key in (keys.due, keys.waiting, keys.closed)]) == [0, 0, 0]


def test_a_new_run_succeeds_the_earlier_ones_of_its_host(store: Store) -> None:
    """Their heartbeats need not end first; hosts of other names are not touched."""
    for owner in (DEAD, "host-bb:1"):
        beat(store, owner, 60, NOW)
    earlier = recovery.namesakes(store, "host-b")

    recovery.declare_dead(store, earlier)

    assert earlier == {DEAD: NOW}
    assert recovery.dead_owners(store) == (DEAD,)


def test_a_start_takes_over_its_own_earlier_runs_only(floor: Floor) -> None:
    """A neighbour whose heartbeats lapsed in an outage keeps its calls until it had the time to beat again."""
    floor.fill(2)
    floor.dial(1, owner=DEAD)
    floor.dial(1, owner="host-c:1")
    for owner in (DEAD, "host-c:1"):
        beat(floor.store, owner, 60, NOW)
    recovery.declare_dead(floor.store, (DEAD, "host-c:1"))

    report = recover(floor.store, NOW + 10, only=(DEAD,))

    assert (report.owners, report.attempts) == ((DEAD,), 1)
    assert [attempt.owner for attempt in recovery.open_attempts(floor.store, floor.name)] == ["host-c:1"]


def test_a_permit_that_was_lost_on_its_way_is_taken_back(
    floor: Floor, end: Callable[..., Settlement], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store did it all and its answer never came: settling as NOT_SENT frees lead and number."""
    floor.fill(1)
    leads = floor.lease()

    def deaf(*args: Any, **kwargs: Any) -> list[int]:
        leases.move(*args, **kwargs)
        raise StoreUnavailable("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(gate, "move", deaf)
        with pytest.raises(StoreUnavailable):
            floor.screen(leads)
    assert counts(floor.store, floor.name, NOW).in_attempt == 1
    cleared = Cleared(number(0), NOW, NOW + 30)
    lost = Permitted(leads[0], Permit(cleared, Reserved("A0", number(0), NOW, "")))

    settle.settle(floor.store, [end(lost, Disposition.NOT_SENT, Retry(60.0, 0), charged=False)], "host-a:1")

    assert counts(floor.store, floor.name, NOW).in_attempt == 0
    assert contacts.history(floor.store, digits(number(0))) == ()


def test_a_settlement_that_the_server_forgot_ends_again(floor: Floor) -> None:
    """An attempt of a living daemon that it does not know of does not hold its lead for ever; known ones stay."""
    floor.fill(2)
    floor.dial(2)

    assert recovery.settle_forgotten(floor.store, "host-a:1", {"A0"}, NOW + 50) == 0, "it may be on its way"
    assert recovery.settle_forgotten(floor.store, "host-a:1", {"A0"}, NOW + 70) == 1

    assert [name for _, name, _ in events(floor.store)] == ["A1"]
    assert counts(floor.store, floor.name, NOW).in_attempt == 1


def test_a_campaign_without_work_is_no_trouble(floor: Floor) -> None:
    """Recovery of an owner that held nothing only forgets it."""
    die(floor.store)

    assert recover(floor.store, NOW) == RecoveryReport((DEAD,), 0, 0, 0)
    assert trip(floor.store, [("HLEN", floor.store.keys.owners())]) == [0]


def test_an_end_that_nobody_saw_is_booked_on_the_campaigns_day(floor: Floor) -> None:
    """Not on the day of UTC: it is that of the campaign's time zone, as for every other end."""
    store = floor.store
    campaigns.update(store, floor.settings.model_copy(update={"time_zone": "Pacific/Kiritimati"}), who="test", now=NOW)
    floor.fill(1)
    floor.dial(1, owner=DEAD)
    die(store)
    noon = datetime(2026, 3, 3, 12, tzinfo=UTC).timestamp()

    recover(store, noon)

    assert events(store)[0][2]["day"] == "2026-03-04"


def test_what_the_dead_leased_comes_back_but_not_what_is_in_a_call(floor: Floor) -> None:
    """A lead in another daemon's call, of which the dead had the lease, is freed by the end of that call alone."""
    store, keys = floor.store, floor.store.keys
    floor.fill(2)
    (dialled,) = floor.dial()
    floor.lease()
    name = dialled.permit.attempt
    raw = trip(store, [("HGET", keys.attempts(floor.name), name)])[0]
    living = {**msgpack.unpackb(raw), "owner": "host-b:1"}
    trip(store, [("HSET", keys.attempts(floor.name), name, msgpack.packb(living))])
    recovery.beat(store, OWNER, 60, NOW)
    recovery.farewell(store, OWNER)

    assert recovery.recover(store, NOW + 1).leads == 1
    assert story(store, floor.name, "L0").row.state is LeadState.IN_ATTEMPT
    assert [lead.lead_id for lead in floor.lease(owner="host-b:1")] == ["L1"]
