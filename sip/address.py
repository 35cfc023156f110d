"""SIP addresses built from what the daemon hands over, checked so that nothing can be injected into a header."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address
from typing import Final

from sip.settings import Trunk

_USER: Final = re.compile(r"[0-9A-Za-z+*._-]{1,64}")
_HOST: Final = re.compile(r"[0-9A-Za-z.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_AGENT_URI: Final = re.compile(
    r"sip:[0-9A-Za-z_.!~*+%-]{1,64}@(?:[0-9A-Za-z.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
    r"(?:;[0-9A-Za-z-]{1,32}(?:=[0-9A-Za-z._-]{1,64})?){0,8}"
)
_LEADS_ELSEWHERE: Final = re.compile(r";(?:maddr|method|ttl|lr)(?=[;=]|$)|;transport=(?!udp(?:;|$))", re.IGNORECASE)
"""Parameters that have a request sent to another host than the URI names, or in another way than workers can."""

_HOST_PORT: Final = re.compile(r"sip:(?:[^@\s<>\"]{1,128}@)?([0-9A-Za-z.-]{1,253})(?::([0-9]{1,5}))?")
SIP_PORT: Final = 5060
SHOWN_LIMIT: Final = 64
"""Characters of a display name that are sent to an agent's phone."""


ADDRESSES_KEPT: Final = 512
"""Addresses that are remembered as such: far ends are few, and each leg names its own several times."""


class AddressError(ValueError):
    """This cannot be put into a SIP header. The text names the field and never repeats its value."""


@lru_cache(maxsize=ADDRESSES_KEPT)
def ipv4(text: str) -> IPv4Address:
    """An address. Raises `AddressValueError`."""
    return IPv4Address(text)


def targets_of(trunk: Trunk) -> list[tuple[str, int]]:
    """The IPv4 addresses and ports of a trunk, best first: none if it is a name without any."""
    if _ipv4(trunk.host):
        return [(trunk.host, trunk.port or SIP_PORT)]
    split = [target.rpartition(":") for target in trunk.targets]
    return [(host, int(port)) for host, _, port in split]


def with_addresses(trunk: Trunk, targets: tuple[str, ...]) -> Trunk:
    """The trunk with these targets of its name."""
    return replace(trunk, targets=targets)


def is_name(host: str) -> bool:
    """Whether a host has to be looked up: it is no address, neither of IPv4 nor of IPv6."""
    return _ipv4(host) is None and not host.startswith("[")


def name_of(uri: str) -> str:
    """The host of a URI where it is a name; empty otherwise."""
    match = _HOST_PORT.search(uri[:1024])
    return match[1] if match and is_name(match[1]) else ""


def host_of(uri: str) -> IPv4Address | None:
    """The host of a URI or a Contact header, where it is an IPv4 address."""
    match = _HOST_PORT.search(uri[:1024])
    return _ipv4(match[1]) if match else None


def port_of(uri: str) -> int:
    """The port of a plain URI."""
    match = _HOST_PORT.search(uri)
    return int(match[2]) if match and match[2] else SIP_PORT


def callee_uri(number: str, host: str, port: int) -> str:
    """The request URI of a call through a trunk: `sip:NUMBER@HOST:PORT`, without a port where SRV records say it."""
    uri = f"sip:{_matching(_USER, number, 'number')}@{_matching(_HOST, host, 'trunk host')}"
    return f"{uri}:{port}" if port else uri


def caller(caller_id: str, host: str) -> str:
    """The From header of a call: the caller id as display name and as user."""
    _matching(_USER, caller_id, "caller id")
    return f'"{caller_id}" <sip:{caller_id}@{_matching(_HOST, host, "own host")}>'


def agent_uri(uri: str) -> str:
    """An agent's `sip:` URI, unchanged if it is plain: user, host, port and parameters that lead nowhere else."""
    plain = _matching(_AGENT_URI, uri, "agent URI")
    if _LEADS_ELSEWHERE.search(plain):
        raise AddressError("agent URI: maddr, method, ttl, lr and a transport other than udp are not served")
    return plain


def shown(about: str, host: str) -> str:
    """The From header that an agent's phone shows: `about` as display name, quoted, control characters dropped."""
    text = "".join(character for character in about if character.isprintable())[:SHOWN_LIMIT]
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <sip:dialer@{_matching(_HOST, host, "own host")}>'


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise AddressError(f"{what}: {len(text)} characters, not all of them allowed in a SIP address")
    return text


def _ipv4(host: str) -> IPv4Address | None:
    try:
        return ipv4(host)
    except AddressValueError:
        return None
