"""Hosts by name, looked up outside the workers, against a DNS server on this host."""

from __future__ import annotations

import random
import socket
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
import trio

from sip import names as under_test
from sip.names import FAILURE_FRESH_S, LEAST_FRESH_S, Names
from sip.settings import Trunk


class Dns:
    """A server that answers from a table of texts, `(name, kind) -> (ttl, rows)`; `silent` names get nothing."""

    def __init__(self) -> None:
        self.table: dict[tuple[str, str], tuple[int, list[str]]] = {}
        self.silent: set[str] = set()
        self.asked: Counter[tuple[str, str]] = Counter()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def has(self, name: str, kind: str, *rows: str, ttl: int = 300) -> None:
        self.table[f"{name}.", kind] = (ttl, list(rows))

    def names(self, dice: random.Random | None = None) -> Names:
        """A cache that asks this server."""
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.socket.getsockname()[1]
        return Names(resolver, dice)

    def close(self) -> None:
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join(5)
        self.socket.close()

    def _serve(self) -> None:
        while True:
            data, source = self.socket.recvfrom(4096)
            if not data:
                return
            query = dns.message.from_wire(data)
            name, kind = query.question[0].name.to_text(), dns.rdatatype.to_text(query.question[0].rdtype)
            self.asked[name, kind] += 1
            if name in self.silent:
                continue
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.RA
            if (name, kind) in self.table:
                ttl, rows = self.table[name, kind]
                reply.answer.append(dns.rrset.from_text(name, ttl, "IN", kind, *rows))
            elif not any(known == name for known, _ in self.table):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            with suppress(OSError):
                self.socket.sendto(reply.to_wire(), source)


@pytest.fixture
def server() -> Iterator[Dns]:
    running = Dns()
    yield running
    running.close()


class Clock:
    """trio's time, with jumps."""

    def __init__(self) -> None:
        self.ahead_s = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time that a test can put forward without waiting, as the cache sees it."""
    made, real = Clock(), trio.current_time
    monkeypatch.setattr(under_test.trio, "current_time", lambda: real() + made.ahead_s)
    return made


def run(test: Callable[[], Awaitable[None]]) -> None:
    trio.run(test)


def test_without_a_port_srv_records_say_where_a_trunk_is(server: Dns) -> None:
    """By priority; each target's own port; the shortest of all times to live."""
    server.has("_sip._udp.carrier.example", "SRV", "20 0 5080 b.carrier.example.", "10 5 5070 a.carrier.example.")
    server.has("a.carrier.example", "A", "192.0.2.1", ttl=60)
    server.has("b.carrier.example", "A", "192.0.2.2", "192.0.2.3")

    async def test() -> None:
        names = server.names()
        found = await names.find("carrier.example", 0)
        assert found.targets[0] == "192.0.2.1:5070"
        assert set(found.targets[1:]) == {"192.0.2.2:5080", "192.0.2.3:5080"}
        assert 50 < found.until - trio.current_time() <= 60

    run(test)


def test_targets_of_one_priority_are_drawn_by_weight(server: Dns) -> None:
    """90 to 10: the heavy one comes first in about nine of ten look-ups."""
    server.has("_sip._udp.carrier.example", "SRV", "1 90 5060 a.carrier.example.", "1 10 5060 b.carrier.example.")
    server.has("a.carrier.example", "A", "192.0.2.1")
    server.has("b.carrier.example", "A", "192.0.2.2")

    async def test() -> None:
        dice, first = random.Random(7), Counter[str]()
        for _ in range(60):
            names = server.names(dice)
            first[(await names.find("carrier.example", 0)).targets[0]] += 1
        assert 45 <= first["192.0.2.1:5060"] < 60

    run(test)


def test_without_srv_records_or_with_a_port_it_is_the_a_record(server: Dns) -> None:
    """At 5060, or at the port that the settings name; then nobody asks for SRV."""
    server.has("carrier.example", "A", "192.0.2.7")

    async def test() -> None:
        names = server.names()
        assert (await names.find("carrier.example", 0)).targets == ("192.0.2.7:5060",)
        asked = server.asked["_sip._udp.carrier.example.", "SRV"]
        assert (await names.find("carrier.example", 5090)).targets == ("192.0.2.7:5090",)
        assert server.asked["_sip._udp.carrier.example.", "SRV"] == asked == 1

    run(test)


def test_an_answer_is_used_for_its_time_to_live(server: Dns, clock: Clock) -> None:
    """Not asked again before, asked again after; a time to live of 0 counts as a few seconds."""
    server.has("carrier.example", "A", "192.0.2.1", ttl=100)
    server.has("hasty.example", "A", "192.0.2.9", ttl=0)

    async def test() -> None:
        names = server.names()
        assert await names.addresses("carrier.example") == ("192.0.2.1",)
        server.has("carrier.example", "A", "192.0.2.2", ttl=100)
        clock.ahead_s = 90.0
        assert names.cached("carrier.example") == ("192.0.2.1",)
        clock.ahead_s = 101.0
        assert names.cached("carrier.example") is None
        assert await names.addresses("carrier.example") == ("192.0.2.2",)
        found = await names.find("hasty.example", 5060)
        assert found.until - trio.current_time() == pytest.approx(LEAST_FRESH_S, abs=2)

    run(test)


def test_a_dead_name_says_why_and_is_asked_for_again_soon(server: Dns, clock: Clock) -> None:
    """Unknown, with IPv6 alone, or without any answer of the server."""
    server.has("six.example", "AAAA", "2001:db8::1")
    server.silent.add("silent.example.")

    async def test() -> None:
        names = server.names()
        found = {name: await names.find(name, 5060) for name in ("dead.example", "six.example", "silent.example")}
        assert [one.targets for one in found.values()] == [(), (), ()]
        assert "no such name" in found["dead.example"].problem
        assert "only IPv6" in found["six.example"].problem
        assert "does not answer" in found["silent.example"].problem
        assert [one.gone for one in found.values()] == [True, True, False]
        clock.ahead_s = FAILURE_FRESH_S + 10
        assert names.cached("dead.example") is None

    run(test)


def test_trunks_keep_their_addresses_while_the_dns_is_silent_and_lose_those_that_are_gone(
    server: Dns, clock: Clock
) -> None:
    """An address is left alone; silence is bridged for an hour; "no such name" is believed at once."""
    server.has("a.example", "A", "192.0.2.1", ttl=5)
    server.has("b.example", "A", "192.0.2.2", ttl=5)

    async def test() -> None:
        names = server.names()
        trunks = (Trunk("a", "a.example", 5060), Trunk("b", "b.example", 5070), Trunk("c", "192.0.2.5"))
        known, problems = await names.with_addresses(trunks)
        assert [trunk.targets for trunk in known] == [("192.0.2.1:5060",), ("192.0.2.2:5070",), ()]
        assert problems == {}
        server.silent.add("a.example.")
        del server.table["b.example.", "A"]
        clock.ahead_s = 600.0
        known, problems = await names.with_addresses(known)
        assert [trunk.targets for trunk in known] == [("192.0.2.1:5060",), (), ()]
        assert list(problems) == ["b"]
        clock.ahead_s = 4000.0
        known, problems = await names.with_addresses(known)
        assert [trunk.targets for trunk in known] == [(), (), ()]
        assert set(problems) == {"a", "b"}

    run(test)


def test_the_hosts_file_comes_first() -> None:
    """localhost needs no DNS at all."""

    async def test() -> None:
        names = Names(dns.asyncresolver.Resolver(configure=False))
        assert (await names.find("localhost", 5061)).targets == ("127.0.0.1:5061",)

    run(test)
