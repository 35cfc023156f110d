"""What pacers have learnt, kept on the real server: own and other hosts' records, limits, and what cannot be read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgpack
import pytest

from dialer.language.decisions import sentence
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreUnavailable
from dialer.store.operators import pacer_memory
from dialer.store.operators.pacer_memory import FUTURE_S, KEPT_S, MOST_BYTES, MOST_HOSTS, VERSION, Learnt
from pacing.api import Brake, Decision, Guarantee, Mode, Reason, Rule, Settings
from tests.store.conftest import NOW

RECORD = Learnt(
    campaign="spring",
    host="host-a",
    owner="host-a:1",
    at=NOW,
    settings=Settings(mode=Mode.PREDICTIVE, guarantee=Guarantee.HARD, ratio=1.25),
    decision=Decision(7, Reason(Rule.PREDICTIVE, Brake.RISK, {"ready": 3.0}), 0.024),
    decided_at=NOW - 1.5,
    figures={"answer_probability": 0.21},
    memory={"answers": {"times": [0.5, 1, 2.25], "hours": {"9": [1, 2]}}, "talk_s": 120.0},
)


def stored(store: Store, raw: bytes, host: str = "host-a", campaign: str = "spring") -> None:
    trip(store, [("HSET", store.keys.learnt(campaign), host, raw)])


def fields(store: Store, campaign: str = "spring") -> set[str]:
    return {name.decode() for name in trip(store, [("HKEYS", store.keys.learnt(campaign))])[0]}


def test_a_record_comes_back(store: Store) -> None:
    """Every part of it, also where nothing is estimated and nothing learnt."""
    bare = replace(RECORD, campaign="bare", decision=Decision(0), figures={}, memory={})

    assert pacer_memory.save(store, [RECORD, bare]) == ()
    assert pacer_memory.read(store, ["spring", "bare", "none"], NOW) == pacer_memory.Found((RECORD, bare), ())


def test_all_go_in_one_trip(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many campaigns there are; nothing to save is no trip at all."""
    trips: list[int] = []
    attempt = pacer_memory.attempt_trip

    def counted(store: Store, calls: Any) -> list[Any]:
        trips.append(len(calls))
        return attempt(store, calls)

    monkeypatch.setattr(pacer_memory, "attempt_trip", counted)
    pacer_memory.save(store, [replace(RECORD, campaign=f"c{i}") for i in range(20)])
    found = pacer_memory.read(store, [f"c{i}" for i in range(20)], NOW)
    pacer_memory.save(store, [])
    pacer_memory.read(store, [], NOW)

    assert trips == [20, 20]
    assert len(found.records) == 20


def test_a_host_goes_on_from_its_own_record(store: Store) -> None:
    """Else from the freshest of the others; of its own campaign."""
    old = replace(RECORD, at=NOW - 500)
    fresh, stale = replace(RECORD, host="host-b", at=NOW - 60), replace(RECORD, host="host-c", at=NOW - 9000)
    pacer_memory.save(store, [old, fresh, stale, replace(RECORD, campaign="autumn", host="host-d")])
    found = pacer_memory.read(store, ["spring", "autumn"], NOW)

    assert found.for_host("spring", "host-a") == old
    assert found.for_host("spring", "host-d") == fresh
    assert found.for_host("winter", "host-a") is None


def test_an_unreadable_record_is_passed_over(store: Store) -> None:
    """A host whose own cannot be read goes on from another's."""
    pacer_memory.save(store, [replace(RECORD, host="host-b")])
    stored(store, msgpack.packb([VERSION + 1, NOW, {}]))
    found = pacer_memory.read(store, ["spring"], NOW)

    assert found.faults == ("campaign spring, host host-a: is of version 3, this release reads 1 and 2",)
    assert found.for_host("spring", "host-a") == replace(RECORD, host="host-b")
    assert fields(store) == {"host-a", "host-b"}


def body(**changes: Any) -> bytes:
    good: dict[str, Any] = {
        "owner": "host-a:1",
        "settings": {"mode": "predictive"},
        "decision": {"dial": 1, "reason": {"rule": "progressive"}, "risk": None},
        "decided_at": NOW,
        "figures": {},
        "memory": {},
    }
    return bytes(msgpack.packb([VERSION, NOW, good | changes]))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("dial 7: 3 ready, 0 ringing", Reason(Rule.OTHER, text="3 ready, 0 ringing")),
        ("", Reason(Rule.NONE)),
    ],
)
def test_a_record_of_the_release_before_is_read(store: Store, said: str, reason: Reason) -> None:
    """Its decision had a sentence in the place of the reason, which is said as it was."""
    version, at, plain = msgpack.unpackb(body(memory=dict(RECORD.memory)))
    plain["decision"] = {"dial": 7, "reason": said, "risk": 0.024}
    stored(store, msgpack.packb([version - 1, at, plain]))

    (record,) = pacer_memory.read(store, ["spring"], NOW).records

    assert record.decision == Decision(7, reason, 0.024)
    assert record.memory == RECORD.memory
    assert not said or sentence(record.decision) == said


def nested(depth: int) -> Any:
    return {"deeper": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "msgpack: "),
        (b"\xc1\xff", "msgpack: "),
        (b"not msgpack at all", "msgpack: bytes after the end"),
        (msgpack.packb({"v": 1}), "is no record of what was learnt"),
        (msgpack.packb([VERSION, NOW]), "is no record of what was learnt"),
        (msgpack.packb([VERSION, float("nan"), {}]), "is no record of what was learnt"),
        (msgpack.packb([VERSION, "now", {}]), "is no record of what was learnt"),
        (b"\x00" * (MOST_BYTES + 1), "262145 bytes, the limit is 262144"),
        (msgpack.packb([VERSION, NOW, []]), "Expected `object`, got `array`"),
        (msgpack.packb([VERSION, NOW, {}]), "missing required field `owner`"),
        (body(settings={"mode": "manual"}), "Invalid enum value 'manual' - at `$.settings.mode`"),
        (body(decision={"dial": "many", "reason": {"rule": "none"}}), "at `$.decision.dial`"),
        (body(figures={"talk_s": float("inf")}), "holds a number that is not finite"),
        (body(memory={"talk": [1.0, float("nan")]}), "holds a number that is not finite"),
        (body(memory={"deep": nested(20)}), "nested more than 16 deep"),
        (body(memory=[1]), "at `$.memory`"),
        (body(memory={1: 2}), "msgpack: int is not allowed for map key"),
        (body(memory={"x": msgpack.ExtType(5, b"")}), "msgpack: extension type 5 is not allowed"),
    ],
)
def test_garbage_is_named_and_ignored(store: Store, raw: bytes, why: str) -> None:
    """Whatever is in the field, reading does not raise, and the other hosts' records are there."""
    pacer_memory.save(store, [replace(RECORD, host="host-b")])
    stored(store, raw)
    found = pacer_memory.read(store, ["spring"], NOW)

    assert [record.host for record in found.records] == ["host-b"]
    (fault,) = found.faults
    assert why in fault
    assert fault.startswith("campaign spring, host host-a: ")


def test_a_key_of_another_type_is_named(store: Store) -> None:
    """It costs the campaign its memory, not the others theirs."""
    trip(store, [("SET", store.keys.learnt("spring"), "x")])

    (fault,) = pacer_memory.save(store, [RECORD, replace(RECORD, campaign="autumn")])
    found = pacer_memory.read(store, ["spring", "autumn"], NOW)

    assert "dialer:{spring}:learnt is damaged" in fault
    assert "dialer:{spring}:learnt is damaged" in found.faults[0]
    assert [record.campaign for record in found.records] == ["autumn"]


@pytest.mark.parametrize(
    ("memory", "why"),
    [
        ({"times": [0.0] * MOST_BYTES}, "the limit is 262144"),
        ({"x": float("nan")}, "holds a number that is not finite"),
        ({"x": {1, 2}}, "holds set, which is not allowed"),
        ({"hours": {9: 1}}, "holds a key that is not text"),
    ],
)
def test_what_cannot_be_kept_is_named(store: Store, memory: dict[str, Any], why: str) -> None:
    """And what can be is kept in the same trip."""
    faults = pacer_memory.save(store, [replace(RECORD, memory=memory), replace(RECORD, campaign="autumn")])

    assert len(faults) == 1
    assert faults[0].startswith("campaign spring: what was learnt ")
    assert why in faults[0]
    assert [record.campaign for record in pacer_memory.read(store, ["spring", "autumn"], NOW).records] == ["autumn"]


def test_hosts_long_gone_are_forgotten(store: Store) -> None:
    """Their records are deleted, and so is what has no time; one from the future is a mistake."""
    ages = {"young": 0.0, "old": KEPT_S - 1, "gone": KEPT_S + 1, "ahead": -FUTURE_S + 1, "mistake": -FUTURE_S - 1}
    pacer_memory.save(store, [replace(RECORD, host=host, at=NOW - age_s) for host, age_s in ages.items()])
    stored(store, b"garbage", host="broken")

    found = pacer_memory.read(store, ["spring"], NOW)

    assert {record.host for record in found.records} == {"young", "old", "ahead"}
    assert fields(store) == {"young", "old", "ahead"}


def test_the_newest_hosts_are_kept(store: Store) -> None:
    """A cluster that renames its hosts at each start does not fill the server."""
    pacer_memory.save(store, [replace(RECORD, host=f"h{i}", at=NOW - i) for i in range(MOST_HOSTS + 5)])

    assert len(pacer_memory.read(store, ["spring"], NOW).records) == MOST_HOSTS
    assert fields(store) == {f"h{i}" for i in range(MOST_HOSTS)}


def test_a_server_that_is_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is told, so that it can try again."""

    def away(*_: object) -> list[Any]:
        raise StoreUnavailable("OOM command not allowed")

    monkeypatch.setattr(pacer_memory, "attempt_trip", away)

    with pytest.raises(StoreUnavailable):
        pacer_memory.save(store, [RECORD])
    with pytest.raises(StoreUnavailable):
        pacer_memory.read(store, ["spring"], NOW)
