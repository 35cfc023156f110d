"""Hosts by name, looked up outside the workers."""

from __future__ import annotations

import socket
from typing import Any

import trio
import trio.testing

from sip.messages import Trunk
from sip.names import FAILURE_FRESH_S, FRESH_S, LOOKUP_LIMIT_S, Names


class Resolver(trio.abc.HostnameResolver):
    """Answers from a table; a name that is not there fails, `silent` never answers."""

    def __init__(self, table: dict[str, list[str]]) -> None:
        self.table = table
        self.asked: list[str] = []

    async def getaddrinfo(self, host: Any, port: Any, *_: Any, **__: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        self.asked.append(name)
        if name == "silent.example":
            await trio.sleep_forever()
        if name not in self.table:
            raise socket.gaierror("unknown")
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (address, 0)) for address in self.table[name]]

    async def getnameinfo(self, *_: Any) -> Any:
        raise NotImplementedError


def in_virtual_time(resolver: Resolver, test: Any) -> None:
    async def run() -> None:
        trio.socket.set_custom_hostname_resolver(resolver)
        await test(Names())

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


def test_an_answer_is_used_for_a_while():
    """Within its time a name is not asked for again; afterwards it is, and may have moved."""
    resolver = Resolver({"a.example": ["192.0.2.1", "192.0.2.1", "192.0.2.2"]})

    async def test(names: Names) -> None:
        assert names.cached("a.example") is None
        assert await names.addresses("a.example") == ("192.0.2.1", "192.0.2.2")
        resolver.table["a.example"] = ["192.0.2.9"]
        assert await names.addresses("a.example") == ("192.0.2.1", "192.0.2.2")
        await trio.sleep(FRESH_S)
        assert await names.addresses("a.example") == ("192.0.2.9",)
        assert len(resolver.asked) == 2

    in_virtual_time(resolver, test)


def test_a_dead_name_has_no_address_soon_enough():
    """Unknown or silent, it is known to have none after the limit, and is asked for again soon."""

    async def test(names: Names) -> None:
        started = trio.current_time()
        assert await names.addresses("dead.example") == ()
        assert await names.addresses("silent.example") == ()
        assert trio.current_time() - started <= LOOKUP_LIMIT_S
        await trio.sleep(FAILURE_FRESH_S)
        assert names.cached("dead.example") is None

    in_virtual_time(Resolver({}), test)


def test_trunks_by_name_get_addresses_and_keep_them():
    """An address is left alone; a name that no longer answers keeps what it had."""
    resolver = Resolver({"a.example": ["192.0.2.1"]})

    async def test(names: Names) -> None:
        trunks = await names.with_addresses((Trunk("a", "a.example"), Trunk("b", "192.0.2.5")))
        assert [trunk.addresses for trunk in trunks] == [("192.0.2.1",), ()]
        resolver.table.clear()
        await trio.sleep(FRESH_S)
        assert await names.with_addresses(trunks) == trunks

    in_virtual_time(resolver, test)
