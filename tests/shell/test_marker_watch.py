"""The watch over the marker: nobody is called on the word of a server that has forgotten something."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import msgpack
import pytest
import trio

from compliance.blocks import of_number
from compliance.numbers import E164
from config.daemon import DaemonSettings, HostSettings, RedisSettings
from dialer.disk.journal import Journal, Row, confirmation
from dialer.shell.health import NoCalls
from dialer.shell.tasks import marker_watch
from dialer.shell.tasks.marker_watch import MarkerWatch
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import StoreError
from dialer.store.crm import told_again
from dialer.store.crm.requests import parse_request
from dialer.store.privacy import blocklist
from dialer.store.settlement import acceptance
from dialer.store.settlement.marker import StoreForgot
from tests.shell.kept import Kept
from tests.shell.some_parts import some_parts

SETTINGS = DaemonSettings(redis=RedisSettings(timeout_s=0.5), host=HostSettings(heartbeat_s=0.05))


class Disk(Kept):
    """Takes rows into a real journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self.rows = journal

    async def keep(self, entries: Any) -> bool:
        await trio.lowlevel.checkpoint()
        self.rows.append([entry for entry in entries if isinstance(entry, Row)])
        return True


@dataclass
class Host:
    """One host's watch, with a journal of its own."""

    store: Store
    name: str
    folder: Path

    def __post_init__(self) -> None:
        self.journal = Journal(self.folder / self.name)
        evidence = cast("Any", Disk(self.journal))
        self.parts = some_parts(self.store, host=self.name, settings=SETTINGS, journal=self.journal, evidence=evidence)
        self.watch = MarkerWatch(self.parts)

    def look(self) -> str:
        """Look once; why no calls start, empty where they may."""
        trio.run(self.watch.look)
        return self.parts.health.reasons.get(NoCalls.FORGOT, "")


def restart(store: Store) -> None:
    """As far as the marker sees."""
    trip(store, [("HSET", store.keys.marker(), "server", "an-earlier-run")])


@pytest.fixture
def hosts(store: Store, tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    one, two = Host(store, "one", tmp_path), Host(store, "two", tmp_path)
    assert (one.look(), two.look()) == ("", "")
    yield one, two
    one.journal.close()
    two.journal.close()


def test_calls_start_when_every_host_has_told_what_it_did(hosts: tuple[Host, Host]) -> None:
    """The first to notice waits for the other; a reservation in between does not count."""
    one, two = hosts
    one.watch.must_stand()
    restart(one.store)

    with pytest.raises(StoreForgot):
        one.watch.must_stand()
    assert one.look() == "two has to tell what it did"
    with pytest.raises(StoreForgot):
        one.watch.must_stand()
    assert (two.look(), one.look()) == ("", "")
    one.watch.must_stand()


def test_what_crms_asked_for_is_carried_out_again(hosts: tuple[Host, Host]) -> None:
    """By the host that had done it, out of its journal; a word on another host's attempt when that host has told of
    it."""
    one, two = hosts
    entries = [
        {"type": "block", "number": "+8613800000001", "who": "crm"},
        {"type": "outcome", "campaign": "spring", "attempt_id": "A1", "outcome": "sale"},
    ]
    received = [
        parse_request(f"{i + 1}-0", {b"json": json.dumps(body).encode()}, "CN") for i, body in enumerate(entries)
    ]
    rows = told_again.Recorder().rows(
        [
            replace(entry, fields={b"json": json.dumps(body).encode()})
            for entry, body in zip(received, entries, strict=True)
        ],
        "",
        0.0,
    )
    one.journal.append(rows)
    restart(one.store)

    assert one.look() == "two has to tell what it did"
    assert blocklist.check(one.store, of_number(E164("+8613800000001")), now=time.time())
    ended = msgpack.packb(["L1", 0, "2026-03-03", True, False, 0])
    trip(one.store, [("HSET", one.store.keys.ended("spring"), "A1", ended)])  # two tells of it
    assert (two.look(), one.look()) == ("", "")
    assert trip(one.store, [("HGET", one.store.keys.counts("spring"), "outcome:sale")]) == [b"1"]
    assert "1 requests of the CRM" in one.parts.health.problems["forgotten"]


def test_a_host_that_does_not_come_is_not_waited_for_long(
    hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls go on, and an alarm names it until it comes."""
    one, two = hosts
    restart(one.store)
    assert one.look()

    monkeypatch.setattr(marker_watch, "ALIVE_BEATS", 0)
    assert one.look() == ""
    one.look()
    assert "two did not tell" in one.parts.health.problems["missed hosts"]

    two.look()
    one.look()
    assert one.parts.health.problems == {}


def test_an_emptied_server_waits_for_a_person(hosts: tuple[Host, Host]) -> None:
    """Nothing is written to it before; afterwards each host tells what it has, and calls start."""
    one, two = hosts
    trip(one.store, [("FLUSHALL",)])

    assert "Redis is empty" in one.look()
    assert not one.parts.store_is_ours
    assert "Redis is empty" in one.look()
    assert set(acceptance.standing(one.store).waiting) == {"one"}
    two.look()
    acceptance.accept(one.store, who="chief", reason="moved", now=0.0)

    assert one.look() == "two has to tell what it did"
    assert one.parts.store_is_ours
    assert (two.look(), one.look()) == ("", "")


def test_a_host_that_never_knew_the_server_waits_with_the_others(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    """It begins nothing on an emptied server."""
    one, _ = hosts
    trip(one.store, [("FLUSHALL",)])
    one.look()
    new = Host(one.store, "new", tmp_path)

    assert new.look() == "other hosts wait for: dialer store accept"
    new.journal.close()


def test_more_than_a_minute_waits_for_a_person(hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch) -> None:
    """An old backup: what others wrote since is gone, and somebody has to know."""
    one, _ = hosts
    known = one.watch.confirmed
    assert known is not None
    now = one.parts.clock.wall()
    later = marker_watch.Confirmed(known.identity, known.generation, known.server, known.tick + 5, now + 3600)
    one.journal.append([confirmation(later)])
    again = Host(one.store, "one", one.folder)

    assert "Redis knows nothing of the last 3,6" in again.look()
    assert again.parts.store_is_ours
    acceptance.accept(one.store, who="chief", reason="restored", now=0.0)
    assert again.look() in ("", "two has to tell what it did")
    assert "had forgotten" not in str(again.parts.health.alarms), "there was nothing to tell"
    again.journal.close()


def test_what_is_older_than_the_journal_waits_for_a_person(store: Store, tmp_path: Path) -> None:
    """A host that cannot prove what it did since says so."""
    one = Host(store, "one", tmp_path)
    one.look()
    known = one.watch.confirmed
    assert known is not None
    trip(store, [("HSET", store.keys.marker(), "tick:one", 400)])
    one.watch.confirmed = marker_watch.Confirmed(known.identity, known.generation, known.server, 500, known.at)
    for path in (tmp_path / "one").glob("*.journal"):
        path.unlink()

    assert "more than this host can tell" in one.look()
    one.journal.close()


def test_what_waits_on_disk_is_brought_when_the_server_is_ours(
    hosts: tuple[Host, Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a person has accepted it, by itself."""
    one, _ = hosts
    monkeypatch.setattr(marker_watch, "LOOK_EVERY_S", 0.01)
    trip(one.store, [("FLUSHALL",)])
    one.look()
    brought = trio.Event()

    async def replay() -> None:
        brought.set()

    async def main() -> None:
        with trio.fail_after(20):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(one.watch.keep, replay)
                acceptance.accept(one.store, who="chief", reason="", now=0.0)
                await brought.wait()
                nursery.cancel_scope.cancel()

    trio.run(main)


def test_a_journal_that_cannot_be_read_is_as_a_server_that_does_not_answer(hosts: tuple[Host, Host]) -> None:
    """Tried again, and nobody is called meanwhile."""
    one, _ = hosts
    restart(one.store)
    for path in (one.folder / "one").glob("*.journal"):
        path.rename(path.with_suffix(".journal.aside"))
        path.mkdir()

    with pytest.raises(StoreError, match="journal cannot be read"):
        one.look()
    assert not one.watch.whole
