"""Which telephones agents may log in with: what a login names is called for every talk, so a stranger's number or a
trunk behind it would be dialled without a permit, a cap or evidence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import unquote

from sip import address


class PhoneRefused(ValueError):
    """An agent cannot log in with this phone; the message is for the desktop."""


@dataclass(frozen=True, slots=True)
class Phone:
    """Where an agent is called: `host` is an IPv4 address or a name in lower case, `uri` as it was given."""

    uri: str
    user: str
    host: str
    port: int

    @property
    def name(self) -> str:
        """The same for every way to write this phone."""
        return f"{self.user}@{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class TrunkPlace:
    """Where a trunk is: a host and port of it, and the networks that it sends from."""

    name: str
    host: str
    port: int
    sources: tuple[IPv4Network, ...] = ()


@dataclass(frozen=True, slots=True)
class PhoneRules:
    """`networks` and `domains` are the permitted hosts, `own` are addresses of this host besides loopback.

    A trunk on this host shares it with phones, so there its port tells them apart; anywhere else no port of a trunk's
    host is a phone's.
    """

    networks: tuple[IPv4Network, ...]
    domains: tuple[str, ...]
    own: frozenset[IPv4Address]
    trunks: tuple[TrunkPlace, ...]

    def names(self, phone: Phone) -> frozenset[str]:
        """The names whose addresses `check` wants to know."""
        hosts = (phone.host, *(trunk.host for trunk in self.trunks))
        return frozenset(host for host in hosts if address.is_name(host))

    def check(self, phone: Phone, addresses: Mapping[str, Sequence[IPv4Address]]) -> None:
        """Raises `PhoneRefused` for a phone that may not be called. `addresses` are those of its host and of the
        trunks' names; a name may have none."""
        if address.is_name(phone.host) and not self._has_domain(phone.host):
            raise PhoneRefused(f"uri: {phone.host} is in no domain of agents.hosts")
        if not addresses.get(phone.host):
            raise PhoneRefused(f"uri: the name {phone.host} has no IPv4 address")
        for where in addresses[phone.host]:
            if not (address.is_name(phone.host) or where in self.own or self._has_network(where)):
                raise PhoneRefused(f"uri: {where} is in no network of agents.hosts")
            for trunk in self.trunks:
                if self._is_of(trunk, phone, where, addresses):
                    raise PhoneRefused(f"uri: {phone.host}:{phone.port} is trunk {trunk.name}, not a phone")

    def _has_domain(self, host: str) -> bool:
        return any(host == domain or host.endswith(f".{domain}") for domain in self.domains)

    def _has_network(self, where: IPv4Address) -> bool:
        return any(where in network for network in self.networks)

    def _is_of(
        self, trunk: TrunkPlace, phone: Phone, where: IPv4Address, addresses: Mapping[str, Sequence[IPv4Address]]
    ) -> bool:
        trunk_is_at = addresses.get(trunk.host, ()) if address.is_name(trunk.host) else _literal(trunk.host)
        at_its_host = phone.host == trunk.host or where in trunk_is_at
        if where.is_loopback or where.is_unspecified or where in self.own:
            return at_its_host and trunk.port == phone.port
        return at_its_host or any(where in network for network in trunk.sources)


def _literal(host: str) -> tuple[IPv4Address, ...]:
    return () if host.startswith("[") else (IPv4Address(host),)


def phone_of(uri: str) -> Phone:
    """The phone that a URI names. Raises `PhoneRefused` for one that could not be called, or not there."""
    try:
        checked = address.agent_uri(uri)
    except address.AddressError as error:
        raise PhoneRefused(f"uri: {error}") from None
    user, _, rest = checked.removeprefix("sip:").partition("@")
    host, _, port = rest.partition(";")[0].partition(":")
    if host.startswith("["):
        raise PhoneRefused("uri: phones are called over IPv4")
    number = int(port or 5060)
    if not 0 < number < 65536:
        raise PhoneRefused(f"uri: {number} is no port")
    return Phone(uri, unquote(user), host.lower().rstrip("."), number)


def hosts_of(texts: Sequence[str]) -> tuple[tuple[IPv4Network, ...], tuple[str, ...]]:
    """The networks and the domains of `agents.hosts`. Raises `ValueError` for a network with bits outside its mask."""
    networks = [IPv4Network(text) for text in texts if _is_network(text)]
    return tuple(networks), tuple(text.lower().rstrip(".") for text in texts if not _is_network(text))


def _is_network(text: str) -> bool:
    return "/" in text or text.replace(".", "").isdigit()
