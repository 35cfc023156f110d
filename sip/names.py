"""Addresses of hosts that are given by name: looked up in the daemon, outside the workers, and kept for their TTL.

A trunk without a port of its own is found as RFC 3263 says, by `_sip._udp` SRV records, else by A records at 5060. What
`/etc/hosts` says comes first, and the system's own resolver is asked where the DNS has nothing (names of the local
network). Workers speak IPv4, so AAAA records only tell why a name has no address.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver
import trio

from sip import address
from sip.address import SIP_PORT
from sip.settings import Trunk

FRESH_S: Final = 60.0
"""How long an answer is used whose TTL nobody knows: that of the system's resolver or of the hosts file."""

LEAST_FRESH_S: Final = 5.0
LONGEST_FRESH_S: Final = 3600.0
"""A TTL counts between these."""

FAILURE_FRESH_S: Final = 5.0
STALE_S: Final = 3600.0
"""So long the last known addresses of a trunk are used while the DNS says nothing (RFC 8767)."""

QUERY_LIMIT_S: Final = 2.0
LOOKUP_LIMIT_S: Final = 5.0
NAMES_LIMIT: Final = 4096
TARGETS_LIMIT: Final = 4
"""Hosts of SRV records that are looked up, and addresses that are kept of a name."""

HOSTS_FILE: Final = Path("/etc/hosts")


@dataclass(frozen=True, slots=True)
class Found:
    """What a name stands for: `targets` are `ADDRESS:PORT`, best first; without any, `problem` says why, and `gone`
    that the DNS knows of no such thing. `until` is when it is to be asked again, in trio's time."""

    targets: tuple[str, ...]
    until: float
    problem: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class _Records:
    rows: tuple[Any, ...] = ()
    ttl_s: float = LONGEST_FRESH_S
    silent: bool = False


class Names:
    """A cache of IPv4 targets by name and port (0: as the SRV records say)."""

    def __init__(self, resolver: dns.asyncresolver.Resolver | None = None, dice: random.Random | None = None) -> None:
        self._resolver = resolver or _system_resolver()
        self._dice = dice or random.Random()
        self._known: dict[tuple[str, int], Found] = {}
        self._last_good: dict[str, tuple[float, tuple[str, ...]]] = {}

    def cached(self, host: str) -> tuple[str, ...] | None:
        """The addresses of a host that are known and not too old; None if it has to be looked up."""
        known = self._known.get((host, SIP_PORT))
        return None if known is None or trio.current_time() >= known.until else _addresses(known.targets)

    async def addresses(self, host: str) -> tuple[str, ...]:
        """The IPv4 addresses of a host; none if it has none, or nobody says anything in time."""
        return _addresses((await self.find(host, SIP_PORT)).targets)

    async def find(self, host: str, port: int) -> Found:
        """What a name stands for, from the cache or anew."""
        known = self._known.get((host, port))
        if known is not None and trio.current_time() < known.until:
            return known
        answer = Found((), 0.0, f"{host}: nobody says its address within {LOOKUP_LIMIT_S:g} s")
        with trio.move_on_after(LOOKUP_LIMIT_S):
            answer = await self._look_up(host, port)
        if len(self._known) >= NAMES_LIMIT:
            self._known.clear()
        now = trio.current_time()
        fresh_s = min(max(answer.until, LEAST_FRESH_S), LONGEST_FRESH_S) if answer.targets else FAILURE_FRESH_S
        answer = Found(answer.targets, now + fresh_s, answer.problem, answer.gone)
        self._known[host, port] = answer
        return answer

    async def with_addresses(self, trunks: tuple[Trunk, ...]) -> tuple[tuple[Trunk, ...], dict[str, str]]:
        """The trunks with the targets of their names, and why some have none, in words by the trunk's name. Where the
        DNS is silent, those that it last said are kept for a while; where it knows of none, they are not."""
        answers: dict[tuple[str, int], Found] = {}

        async def look_up(host: str, port: int) -> None:
            answers[host, port] = await self.find(host, port)

        async with trio.open_nursery() as nursery:
            for host, port in dict.fromkeys(
                (trunk.host, trunk.port) for trunk in trunks if address.is_name(trunk.host)
            ):
                nursery.start_soon(look_up, host, port)
        now, problems, resolved = trio.current_time(), dict[str, str](), []
        for trunk in trunks:
            answer = answers.get((trunk.host, trunk.port))
            if answer is None:
                resolved.append(trunk)
                continue
            targets = answer.targets
            if targets:
                self._last_good[trunk.name] = now, targets
            elif not answer.gone:
                good_at, last = self._last_good.get(trunk.name, (0.0, ()))
                targets = last if now < good_at + STALE_S else ()
            if not targets:
                problems[trunk.name] = answer.problem
            resolved.append(address.with_addresses(trunk, targets))
        return tuple(resolved), problems

    def next_at(self, trunks: Iterable[Trunk]) -> float:
        """When the first of the trunks' names is to be asked again, in trio's time."""
        now = trio.current_time()
        known = [self._known.get((trunk.host, trunk.port)) for trunk in trunks if address.is_name(trunk.host)]
        return max(now + 1.0, min((answer.until if answer else now for answer in known), default=now + FRESH_S))

    # --- within -------------------------------------------------------------------------------------------------------

    async def _look_up(self, host: str, port: int) -> Found:
        """`until` is the time to live here."""
        listed = _hosts_file(host)
        if listed:
            return Found(_targets(listed, port or SIP_PORT), FRESH_S)
        services = await self._ask(f"_sip._udp.{host}", "SRV") if port == 0 else _Records()
        targets: list[str] = []
        ttl_s = services.ttl_s
        rows = self._by_turn(services.rows)[:TARGETS_LIMIT]
        for target, its_port in rows or [(host, port or SIP_PORT)]:
            records = await self._ask(target, "A")
            targets += _targets([row.address for row in records.rows], its_port)
            if records.rows:
                ttl_s = min(ttl_s, records.ttl_s)
        if targets:
            return Found(tuple(targets[:TARGETS_LIMIT]), ttl_s)
        local = [] if rows else await _of_the_system(host)
        if local:
            return Found(_targets(local, port or SIP_PORT), FRESH_S)
        if records.silent or services.silent:
            return Found((), 0.0, f"{host}: the DNS does not answer")
        if (await self._ask(host, "AAAA")).rows:
            return Found((), 0.0, f"{host} has only IPv6 addresses: such a carrier is reached through an edge", True)
        return Found((), 0.0, f"{host}: no such name in the DNS, or it has no address", True)

    async def _ask(self, name: str, kind: str) -> _Records:
        try:
            answer = await self._resolver.resolve(name, kind, lifetime=QUERY_LIMIT_S, raise_on_no_answer=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.YXDOMAIN):
            return _Records()
        except (dns.exception.DNSException, OSError, ValueError):
            return _Records(silent=True)
        rrset = answer.rrset
        return _Records() if rrset is None else _Records(tuple(rrset), float(rrset.ttl))

    def _by_turn(self, rows: tuple[Any, ...]) -> list[tuple[str, int]]:
        """SRV records in the order to try them: by priority, among equals drawn by weight (RFC 2782)."""
        left = [row for row in rows if str(row.target) != "."]
        drawn: list[tuple[str, int]] = []
        while left:
            best = [row for row in left if row.priority == min(row.priority for row in left)]
            row = self._dice.choices(best, [row.weight + 0.01 for row in best])[0]
            left.remove(row)
            drawn.append((str(row.target).rstrip("."), row.port))
        return drawn


def _system_resolver() -> dns.asyncresolver.Resolver:
    try:
        return dns.asyncresolver.Resolver()
    except (dns.resolver.NoResolverConfiguration, OSError):  # only names of the hosts file and the local network then
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = []
        return resolver


def _hosts_file(host: str) -> list[str]:
    """The IPv4 addresses that the hosts file gives a name."""
    try:
        lines = HOSTS_FILE.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    rows = [line.partition("#")[0].split() for line in lines]
    listed = [row[0] for row in rows if len(row) > 1 and host.lower() in map(str.lower, row[1:])]
    return [each for each in dict.fromkeys(listed) if not address.is_name(each) and ":" not in each]


async def _of_the_system(host: str) -> list[str]:
    try:
        rows = await trio.socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    return [str(row[4][0]) for row in rows]


def _targets(addresses: Iterable[str], port: int) -> tuple[str, ...]:
    return tuple(f"{each}:{port}" for each in dict.fromkeys(addresses))


def _addresses(targets: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(target.rpartition(":")[0] for target in targets))
