"""Garbage in our own keys: it is set aside or counts against the call, what it belongs to rests, the rest goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from compliance.contacts import Mark
from config.campaign import CampaignSettings
from dialer.core import evidence
from dialer.core.abandonment.windows import Counting, CountingWindow
from dialer.core.agents.agent import AgentState
from dialer.core.inputs import Permitted
from dialer.core.model import Close, Disposition, Retry, Settlement
from dialer.store.base import quarantine
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import KeyDamaged
from dialer.store.base.keys import digits
from dialer.store.base.streams import entries_of
from dialer.store.crm import inbox
from dialer.store.gate import contacts
from dialer.store.leads import leases, stale
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators import agents, campaigns, status
from dialer.store.privacy import retention
from dialer.store.settlement import ledger, recovery, settle
from tests.store.conftest import NOW, OWNER, Floor, number

End = Callable[..., Settlement]
JUNK = b"\xc1junk"
RECORDS = (JUNK, b"", b"\xff\xfe", msgpack.packb([1]), msgpack.packb({"owner": 5}), msgpack.packb(2**63), b"\x91" * 500)
OTHER = "autumn"


@pytest.fixture
def other(floor: Floor) -> Floor:
    """A second campaign on the same server, which nothing is wrong with."""
    settings = CampaignSettings(name=OTHER, mode=floor.settings.mode, caller_id="+861065550000")
    campaigns.create(floor.store, settings, who="test", now=NOW)
    twin = Floor(floor.store, settings)
    twin.attempts = 500
    twin.add(*({"lead_id": f"O{i}", "phone": number(100 + i).clear} for i in range(3)))
    twin.take_in()
    return twin


def dispositions(store: Store) -> list[dict[str, Any]]:
    entries = entries_of(trip(store, [("XRANGE", store.keys.crm_out(), "-", "+")])[0])
    return [msgpack.unpackb(entry.fields[b"data"]) for entry in entries if entry.fields[b"type"] == b"disposition"]


def died(floor: Floor, owner: str = OWNER) -> None:
    recovery.beat(floor.store, owner, 60, NOW)
    recovery.farewell(floor.store, owner)


def places(floor: Floor, now: float = NOW) -> int:
    """Leads that are in some place; each must be in one."""
    standing = status.counts(floor.store, floor.name, now).standing
    return standing.due + standing.waiting + standing.leased + standing.in_attempt + standing.closed


# --- records that cannot be read -------------------------------------------------------------------------------------


@pytest.mark.parametrize("raw", RECORDS)
def test_an_attempt_that_cannot_be_read_ends_and_the_others_as_well(floor: Floor, other: Floor, raw: bytes) -> None:
    """It is set aside; the CRM hears of each attempt once, and every lead is in its place."""
    floor.fill(3)
    dialled = floor.dial(2)
    other.dial()
    name = dialled[0].permit.attempt
    trip(floor.store, [("HSET", floor.store.keys.attempts(floor.name), name, raw)])
    died(floor)

    report = recovery.recover(floor.store, NOW + 100)

    assert report.attempts == 3
    assert sorted(disposition["attempt_id"] for disposition in dispositions(floor.store)) == ["A0", "A1", "A500"]
    assert {disposition["disposition"] for disposition in dispositions(floor.store)} == {"unknown"}
    assert places(floor) == 3
    (aside,) = quarantine.newest(floor.store)
    assert (aside.key, aside.field) == (floor.store.keys.attempts(floor.name), name.encode())
    assert "cannot be read" in aside.reason
    assert quarantine.count(floor.store) == 1
    assert recovery.recover(floor.store, NOW + 200).attempts == 0


@pytest.mark.parametrize("gone", ["deleted", "damaged"])
def test_an_attempt_whose_lead_is_gone_ends_and_the_others_as_well(floor: Floor, other: Floor, gone: str) -> None:
    """Nobody can say whom it was to; the CRM hears of it, and the daemon starts."""
    floor.fill(2)
    floor.dial(2)
    other.dial()
    key = floor.store.keys.lead(floor.name)
    trip(floor.store, [("HDEL", key, "L0") if gone == "deleted" else ("HSET", key, "L0", JUNK)])
    died(floor)

    recorded: list[Settlement] = []
    report = recovery.recover(floor.store, NOW + 100, before=lambda ends, _: recorded.extend(ends))

    assert report.attempts == 3
    entries = [evidence.settlement(each, each.day, OWNER, b"k" * 32, NOW) for each in recorded]
    on_record = {entry.fields["attempt"]: bool(entry.fields["number"]) for entry in entries}
    assert on_record == {"A0": False, "A1": True, "A500": True}, "without a number, as nobody knows it"
    told = {disposition["attempt_id"]: disposition for disposition in dispositions(floor.store)}
    assert set(told) == {"A0", "A1", "A500"}
    assert (told["A0"]["lead_id"], told["A0"]["phone"], told["A0"]["disposition"]) == ("L0", "", "unknown")
    assert status.counts(floor.store, floor.name, NOW).standing.in_attempt == 0
    assert recovery.dead_owners(floor.store) == ()


def test_a_daemon_ends_its_own_attempt_that_cannot_be_read(floor: Floor) -> None:
    """As UNKNOWN, once it is not in its hands any more."""
    floor.fill(1)
    floor.dial()
    trip(floor.store, [("HSET", floor.store.keys.attempts(floor.name), "A0", JUNK)])

    assert recovery.settle_forgotten(floor.store, OWNER, {"A0"}, NOW + 100) == 0
    assert recovery.settle_forgotten(floor.store, OWNER, (), NOW + 100) == 1
    assert [disposition["attempt_id"] for disposition in dispositions(floor.store)] == ["A0"]


def test_the_true_end_of_an_attempt_that_cannot_be_read_is_written(floor: Floor, end: End) -> None:
    """The daemon that has the call needs no record of it."""
    floor.fill(1)
    (dialled,) = floor.dial()
    trip(floor.store, [("HSET", floor.store.keys.attempts(floor.name), "A0", JUNK)])

    assert settle.settle(floor.store, [end(dialled, live=True)], OWNER) == ("A0",)
    assert dispositions(floor.store)[0]["disposition"] == "connected"
    assert ledger.totals(floor.store, floor.name, ["2026-03-03"])[0].answered == 1


def test_an_event_that_cannot_be_read_is_set_aside(floor: Floor) -> None:
    """The CRM is told the others."""
    store, key = floor.store, floor.store.keys.unannounced(floor.name)
    good = {"kind": "disposition", "id": "A1", "campaign": floor.name, "at": NOW, "fields": {"x": 1}}
    trip(store, [("HSET", key, "A0", JUNK), ("HSET", key, "A1", msgpack.packb(good)), ("HSET", key, b"\xff", b"")])

    assert settle.reannounce(store) == 1
    assert trip(store, [("HLEN", key)]) == [0]
    assert {one.field for one in quarantine.newest(store)} == {b"A0", b"\xff"}


@pytest.mark.parametrize("raw", RECORDS)
def test_a_presence_that_cannot_be_read_is_set_aside(store: Store, raw: bytes) -> None:
    """The others are shown, and what the dead had is released."""
    agents.show(store, [agents.Presence("17", AgentState.READY, NOW, "", ("spring",), "host:1")])
    trip(store, [("HSET", store.keys.agents(), "18", raw), ("HSET", store.keys.agents(), b"\xff", b"")])
    recovery.beat(store, "host:1", 60, NOW)
    recovery.farewell(store, "host:1")

    assert [row.agent for row in agents.listing(store)] == ["17"]
    assert recovery.recover(store, NOW).agents == 1
    assert trip(store, [("HLEN", store.keys.agents())]) == [0]
    assert {one.field for one in quarantine.newest(store)} == {b"18", b"\xff"}


@pytest.mark.parametrize("raw", RECORDS)
def test_an_outcome_about_what_cannot_be_read_is_refused(floor: Floor, end: End, raw: bytes) -> None:
    """With the reason; the outcome behind it is kept."""
    floor.fill(2)
    first, second = floor.dial(2)
    settle.settle(floor.store, [end(first), end(second)], OWNER)
    trip(floor.store, [("HSET", floor.store.keys.ended(floor.name), "A0", raw)])
    received = [inbox.Received(f"{i}-1", inbox.Outcome(floor.name, f"A{i}", "sale")) for i in range(2)]

    report = inbox.apply(floor.store, received, now=NOW + 100)

    assert (report.applied, report.refused) == (1, 1)
    assert retention.purge_attempts(floor.store, floor.name).gone == 0


@pytest.mark.parametrize("name", ["wishes", "outcomes", "story", "progress", "why", "priority", "counts"])
@pytest.mark.parametrize("raw", [*RECORDS, b'{"what":"due","a":"x","why":"y"}', b'{"what":"due"', b"[]", b"nan", b"99"])
def test_garbage_about_a_lead_leaves_it_whole(floor: Floor, end: End, name: str, raw: bytes) -> None:
    """Whatever stands beside a lead, its attempt ends once and it is in one place, not half written."""
    store, keys = floor.store, floor.store.keys
    floor.fill(1)
    dialled = floor.dial()
    key = getattr(keys, name)(floor.name)
    fields = {"outcomes": ["A0"], "counts": ["disposition:busy", "closed:busy", "outcome:machine"]}.get(name, ["L0"])
    trip(store, [("HSET", key, field, raw) for field in fields])

    assert settle.settle(store, [end(dialled[0], Disposition.BUSY, Retry(60.0, 0), live=True)], OWNER) == ("A0",)
    said = inbox.Outcome(floor.name, "A0", "machine")
    assert inbox.apply(store, [inbox.Received("1-1", said)], now=NOW + 61).applied == 1

    assert places(floor) == 1
    assert [disposition["attempt_id"] for disposition in dispositions(store)] == ["A0"]
    trip(store, [("HSET", key, field, raw) for field in fields])
    leases.lease(store, floor.name, OWNER, 10, NOW + 5000, 60.0)
    assert places(floor) == 1
    assert story(store, floor.name, "L0").row.lead_id == "L0" if name != "progress" or raw == b"" else True
    assert retention.purge(store, floor.name, ["L0"], counter="purged") == (retention.Purged.GONE,)


@pytest.mark.parametrize("raw", [b"x", b"nan", b"1e400", b"\xff", b""])
def test_garbage_about_owners_keeps_nobody_from_starting(store: Store, raw: bytes) -> None:
    """A sign of life that is no time is long ago; a name that is none is nobody's."""
    trip(store, [("HSET", store.keys.owners(), "host:1", raw), ("HSET", store.keys.owners(), b"\xff\xfe", raw)])

    assert recovery.namesakes(store, "host") == {"host:1": 0.0}
    assert recovery.recover(store, NOW, only=("host:1",)).owners == ("host:1",)


@pytest.mark.parametrize("raw", [b"x", b"", b"1.5", b"99999999999999999999999"])
def test_a_ledger_that_cannot_be_read_lets_nothing_be_lost(floor: Floor, end: End, raw: bytes) -> None:
    """Nobody knows how many were abandoned, so none may be; counting goes on."""
    store, day = floor.store, "2026-03-03"
    trip(store, [("HSET", store.keys.ledger(floor.name, day), "other:1|abandoned", raw)])
    today = CountingWindow("today", "today", 0.03, NOW, days=(day,))

    seen = ledger.others(store, floor.name, Counting(NOW, today, (today,)), OWNER)

    assert seen.counts.abandoned == seen.counts.answered == ledger.MOST_LOST
    floor.fill(1)
    assert settle.settle(store, [end(floor.dial()[0], live=True)], OWNER) == ("A0",)
    assert ledger.totals(store, floor.name, [day])[0].answered == 1


def test_what_is_no_place_in_a_stream_begins_with_what_comes(store: Store) -> None:
    """A host that cannot read how far it had come reads on from now."""
    trip(store, [("HSET", store.keys.agents_read(), "host", b"junk")])

    assert agents.read(store, "host", "", 10, 0) == ((), "0-0")


def test_a_name_that_is_no_campaigns_is_passed_over(floor: Floor) -> None:
    """The campaigns are served."""
    trip(floor.store, [("SADD", floor.store.keys.campaigns(), b"\xff", "a b", "", "x" * 500)])

    assert campaigns.names(floor.store) == (floor.name,)


def test_what_is_set_aside_is_bounded_and_as_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are kept, all are counted, and what changed in the meantime stays in its place."""
    monkeypatch.setattr(quarantine, "KEPT", 100)
    trip(store, [("HSET", "h", "f", "new")])

    assert quarantine.set_aside(store, [quarantine.Bad("h", b"f", b"old", "why")] * 300) == 0
    assert trip(store, [("HGET", "h", "f")]) == [b"new"]
    assert quarantine.count(store) == 300
    assert len(quarantine.newest(store, 1000)) < 300
    assert quarantine.set_aside(store, [quarantine.Bad("h", b"f", b"new", "why")]) == 1


# --- keys of the wrong kind -------------------------------------------------------------------------------------------

KEYS = ("due", "waiting", "leased", "lessee", "lead", "progress", "priority", "open", "attempts", "ended", "story")
MORE = ("closed", "why", "counts", "unannounced", "wishes", "outcomes", "leads", "numbers", "campaign", "learnt")


@pytest.mark.parametrize("name", [*KEYS, *MORE])
def test_a_damaged_key_rests_its_campaign_and_no_other(floor: Floor, other: Floor, end: End, name: str) -> None:
    """It is named; nothing raises for the rest, nothing is half written, and when it is mended all goes on."""
    store, key = floor.store, getattr(floor.store.keys, name)(floor.name)
    floor.fill(3)
    dialled = floor.dial()
    theirs = other.dial()
    trip(store, [("RENAME", key, "{spring}aside")] if trip(store, [("EXISTS", key)])[0] else [])
    trip(store, [("SET", key, "x")])

    floor.add({"lead_id": "L9", "phone": number(9).clear}) if name != "leads" else None
    if name != "campaign":
        floor.take_in()
    floor.lease()
    leases.renew(store, floor.name, OWNER, ["L0"], NOW, 60.0)
    items = [end(dialled[0], Disposition.BUSY, Close("x"), live=True), end(theirs[0], Disposition.BUSY, live=True)]
    assert "A500" in settle.settle(store, items, OWNER)
    died(other)
    recovery.recover(store, NOW + 100)
    recovery.settle_forgotten(store, OWNER, (), NOW + 100)
    settle.reannounce(store)
    for purge in (retention.purge_leads, retention.purge_rejected):
        purge(store, floor.name, NOW - 1e6)
    retention.purge_attempts(store, floor.name)
    said = [
        inbox.Received(f"1-{i}", inbox.Outcome(*one, "sale"))
        for i, one in enumerate([("spring", "A0"), (OTHER, "A500")])
    ]
    report = inbox.apply(store, said, now=NOW + 100)
    assert (OTHER, "A500") in {(outcome.campaign, outcome.attempt) for outcome in report.outcomes}
    assert other.dial()

    seen, faults = campaigns.readable(store)
    assert OTHER in {one.settings.name for one in seen}
    if faults:
        assert key in faults[floor.name]

    trip(store, [("DEL", key)])
    trip(store, [("RENAME", "{spring}aside", key)] if trip(store, [("EXISTS", "{spring}aside")])[0] else [])
    assert not campaigns.readable(store)[1]
    died(floor)
    recovery.recover(store, NOW + 200)
    told = [disposition["attempt_id"] for disposition in dispositions(store)]
    assert told.count("A0") == 1
    assert dispositions(store)[told.index("A0")]["disposition"] in ("busy", "unknown")
    assert status.counts(store, floor.name, NOW).standing.in_attempt == 0
    assert trip(store, [("HLEN", store.keys.unwritten())]) == [0]


def test_an_end_waits_for_its_key_and_is_the_true_one(floor: Floor, end: End) -> None:
    """What happened is what the CRM hears, once, when the key is mended."""
    store, key = floor.store, floor.store.keys.due(floor.name)
    floor.fill(1)
    (dialled,) = floor.dial()
    trip(store, [("SET", key, "x")])

    assert settle.settle(store, [end(dialled, live=True)], OWNER) == ()
    assert settle.settle_put_off(store) == 0
    assert trip(store, [("HLEN", store.keys.unwritten()), ("HLEN", store.keys.ended(floor.name))]) == [1, 0]
    trip(store, [("DEL", key), ("HSET", store.keys.unwritten(), "junk", JUNK)])

    assert settle.settle_put_off(store) == 1
    assert [disposition["disposition"] for disposition in dispositions(store)] == ["connected"]
    assert trip(store, [("HLEN", store.keys.unwritten())]) == [0]
    assert [one.field for one in quarantine.newest(store)] == [b"junk"]


def test_who_asks_for_a_damaged_key_is_told_its_name(floor: Floor) -> None:
    """Not that the server does not answer."""
    key = floor.store.keys.waiting(floor.name)
    trip(floor.store, [("SET", key, "x")])

    for ask in (
        lambda: status.counts(floor.store, floor.name, NOW),
        lambda: trip(floor.store, [("ZRANGE", key, 0, -1)]),
        lambda: trip(floor.store, [("XREAD", "COUNT", 1, "STREAMS", key, "0")]),
    ):
        with pytest.raises(KeyDamaged, match="waiting is damaged: it is of type string"):
            ask()


# --- attempts that the store has forgotten ----------------------------------------------------------------------------


def forgotten(floor: Floor) -> Permitted:
    """A server that lost its last second: the attempt was never opened there, and the lead is due."""
    floor.fill(2)
    (dialled,) = floor.dial()
    keys, name = floor.store.keys, floor.name
    trip(floor.store, [("DEL", keys.attempts(name)), ("DEL", keys.open(name))])
    leases.release(floor.store, name, OWNER, ["L0"], NOW)
    return dialled


def test_the_end_of_a_forgotten_attempt_is_written_as_one(floor: Floor, end: End) -> None:
    """The CRM hears of it once, it is counted once, and the lead does what follows from it."""
    dialled = forgotten(floor)
    item = end(dialled, Disposition.CONNECTED, Close("done"), live=True)

    assert settle.settle(floor.store, [item], OWNER) == ("A0",)
    assert settle.settle(floor.store, [item], OWNER) == ()

    assert [disposition["attempt_id"] for disposition in dispositions(floor.store)] == ["A0"]
    assert ledger.totals(floor.store, floor.name, ["2026-03-03"])[0].answered == 1
    assert story(floor.store, floor.name, "L0").row.state is LeadState.CLOSED
    assert len(story(floor.store, floor.name, "L0").attempts) == 1
    assert places(floor) == 2
    assert [lead.lead_id for lead in floor.lease()] == ["L1"]


def test_a_forgotten_attempt_that_never_left_is_not_written(floor: Floor, end: End) -> None:
    """An attempt in doubt, which may never have been opened, is given back and that is all."""
    dialled = forgotten(floor)

    assert settle.settle(floor.store, [end(dialled, Disposition.NOT_SENT, Retry(5.0, 0), charged=False)], OWNER) == ()
    assert dispositions(floor.store) == []
    assert contacts.history(floor.store, digits(number(0))) == ()
    assert len(floor.lease()) == 2


def test_a_forgotten_attempt_takes_no_lead_from_another(floor: Floor, end: End) -> None:
    """A lead that is in a call again stays in it."""
    dialled = forgotten(floor)
    floor.policy = floor.policy.__class__("none", floor.policy.hours, ())
    floor.dial(2)

    assert settle.settle(floor.store, [end(dialled, Disposition.BUSY, Close("x"))], OWNER) == ("A0",)
    assert story(floor.store, floor.name, "L0").row.state is LeadState.IN_ATTEMPT
    assert status.counts(floor.store, floor.name, NOW).standing.in_attempt == 2


def test_a_forgotten_attempt_opens_no_closed_lead_again(floor: Floor, end: End) -> None:
    """Somebody has closed it meanwhile, and meant it."""
    dialled = forgotten(floor)
    floor.lease()
    leases.close(floor.store, floor.name, OWNER, ["L0"], kind="test", why=json.dumps("said so"), now=NOW)

    assert settle.settle(floor.store, [end(dialled, Disposition.BUSY, Retry(60.0, 0))], OWNER) == ("A0",)
    assert story(floor.store, floor.name, "L0").row.state is LeadState.CLOSED
    assert places(floor) == 2


def test_the_end_of_an_attempt_of_a_deleted_lead_is_told(floor: Floor, end: End) -> None:
    """And leaves nothing of the lead behind."""
    dialled = forgotten(floor)
    assert retention.purge(floor.store, floor.name, ["L0"], counter="purged") == (retention.Purged.GONE,)

    assert settle.settle(floor.store, [end(dialled, Disposition.BUSY, Retry(60.0, 0))], OWNER) == ("A0",)
    assert places(floor) == 1
    assert trip(floor.store, [("HEXISTS", floor.store.keys.progress(floor.name), "L0")]) == [0]
    assert retention.purge_attempts(floor.store, floor.name).gone == 1


@pytest.mark.parametrize("happens", ["opened", "ended"])
def test_an_attempt_that_changes_while_it_is_looked_at_is_not_lost(
    floor: Floor, end: End, monkeypatch: pytest.MonkeyPatch, happens: str
) -> None:
    """Opened between two looks, or ended: it is not taken for one without a record, and nothing is marked."""
    floor.fill(2)
    dialled = [] if happens == "opened" else list(floor.dial())
    real, looked = recovery.trip, []

    def trip_and_more(store: Store, calls: Any) -> list[Any]:
        first = not looked and len(calls) == 2
        if first and happens == "ended":
            looked.append(True)
            before = real(store, calls[:1])
            settle.settle(store, [end(dialled[0], Disposition.BUSY)], OWNER)
            return [*before, *real(store, calls[1:])]
        if first:
            looked.append(True)
            before = real(store, calls[:1])
            dialled.extend(floor.dial())
            return [*before, *real(store, calls[1:])]
        return real(store, calls)

    monkeypatch.setattr(recovery, "trip", trip_and_more)

    assert recovery.settle_forgotten(floor.store, OWNER, (), NOW + 1) == 0
    assert looked
    (contact,) = contacts.history(floor.store, digits(number(0)))
    assert contact.marks == (Mark.ENDED if happens == "ended" else Mark(0))


def test_an_agents_claim_of_the_wrong_kind_keeps_no_other_agent_away(store: Store) -> None:
    """Nor does a phone's: that agent, or phone, is somebody else's until the key is gone."""
    for key in (store.keys.agent_claim("17"), store.keys.phone_claim("17@h:5060")):
        trip(store, [("RPUSH", key, "x")])

    assert agents.claim(store, ["17", "18"], OWNER, 60) == ("18",)
    assert agents.renew(store, ["17", "18"], OWNER, 60) == ("17",), "not the owner's any more"
    assert agents.claim_phones(store, {"17": "17@h:5060", "18": "18@h:5060"}, 60) == ("17",)
    assert agents.release(store, ["17", "18"], OWNER) == 1
    assert len(store.damaged) == 2, "and a person can see which"


def test_a_place_of_the_housekeeper_that_is_none_begins_the_round_anew(store: Store) -> None:
    """It ended every daemon, again after each restart."""
    for place in ('{"began_at": 1, "what": "contacts", "cursor": "x"}', "[" * 5000, '{"began_at": 1, "gone": 1e400}'):
        trip(store, [("SET", store.keys.retention(), place)])
        assert retention.load(store) is None
    assert retention.purge_contacts(store, NOW, "more").gone == 0


def test_fingerprints_of_rules_that_cannot_be_read_are_none(floor: Floor) -> None:
    """The campaign goes on as one that was never judged."""
    for junk in ("[" * 5000, "1", JUNK):
        trip(floor.store, [("HSET", floor.store.keys.campaign(floor.name), stale.FIELD, junk)])
        assert stale.judged_by(floor.store, floor.name) == {}
