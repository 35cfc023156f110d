"""Messages on their way through a screen. Requests inside a dialog get a Via of its own, as a proxy's (RFC 3261, 16.6).

The answer comes back to the screen by that Via, which says where it goes on to; so the screen remembers nothing, and
what is sent again is passed on as it was the first time.
"""

from __future__ import annotations

import hashlib
import re
from ipaddress import AddressValueError, IPv4Address
from typing import Final

from sip.address import ipv4
from sip.screening.lines import parted

_BRANCH: Final = "z9hG4bKpassed"
_OURS: Final = re.compile(
    rf"SIP/2\.0/UDP [0-9.]+:[0-9]+;(?:[^,]*;)?branch={_BRANCH}([0-9a-f]{{8}})([0-9a-f]{{4}})[0-9a-f]*"
)


_CRLF: Final = "\r\n"
_CONTACT: Final = frozenset({"contact", "m"})
_LEADING: Final = _CONTACT | {"record-route"}
"""Headers that say where further requests go."""

_ROUTE: Final = re.compile(r"<sip:[^<>\s]{1,256}>(?:;[^,<>\s]{1,128})?")
_SIP: Final = re.compile(r'(?:"[^"<>]*" *|[^"<>:]*)<?sip:[^<>\s]{1,256}>?')
_ADDRESS: Final = re.compile(
    r'(?:"[^"<>]*" *|[^"<>:]*)<?sip:(?:[^@<>\s;]{1,128}@)?([0-9.]{7,15})(?::([0-9]{1,5}))?'
    r"(?:;(?!maddr|transport)[^;<>\s]{1,128}|;transport=udp(?=[;>\s]|$)){0,8}(?:>.{0,256}|$)",
    re.IGNORECASE,
)
"""A name-addr or a URI with an IPv4 address, without what would lead elsewhere. $1 is the address, $2 the port."""


def passed_on(head: str, top_via: str, relay: tuple[str, int], to: tuple[str, int]) -> str:
    """The headers of a request with the Via of `relay` on top. `top_via` takes the place of the one that was there, and
    `to` is where the answer will go."""
    first, *lines = head.split("\r\n")
    place = next(index for index, line in enumerate(lines) if line.partition(":")[0].strip().lower() in {"via", "v"})
    address, port = int(ipv4(to[0])), to[1]
    digest = hashlib.sha256(lines[place].encode()).hexdigest()[:16]
    lines[place] = f"Via: {top_via}"
    via = f"Via: SIP/2.0/UDP {relay[0]}:{relay[1]};branch={_BRANCH}{address:08x}{port:04x}{digest}"
    return "\r\n".join([first, via, *lines])


def passed_back(answer: str) -> tuple[str, tuple[str, int]] | None:
    """An answer to such a request without the Via on top, and where it goes; None for anything else."""
    head, separator, body = answer.partition("\r\n\r\n")
    lines = head.split("\r\n")
    for index, line in enumerate(lines):
        name, _, value = line.partition(":")
        if name.strip().lower() in {"via", "v"}:
            match = _OURS.match(value.strip())
            if match is None or not separator:
                return None
            del lines[index]
            try:
                return "\r\n".join(lines) + separator + body, (str(IPv4Address(int(match[1], 16))), int(match[2], 16))
            except AddressValueError:
                return None
    return None


def reachable(head: str, source: tuple[str, int]) -> str:
    """The headers of a message that says where further requests go, so that they go to an IPv4 address over UDP.

    The first hop is the Record-Route next to us, or the Contact. Where it is a name (which would be looked up in the
    middle of a call), or no address that can be sent to, it is replaced by the `source` of the message. The
    Record-Routes of a request inside a dialog lead nowhere (RFC 3261, 12.2.2) and go back in its answer as they are.
    """
    first, *lines = head.split(_CRLF)
    names = [parted(line)[0] for line in lines]
    if _LEADING.isdisjoint(names):
        return head
    routes = [
        route
        for name, line in zip(names, lines, strict=True)
        if name == "record-route"
        for route in _ROUTE.findall(line)
    ]
    if first.startswith("SIP/2.0 "):
        kept = [line for name, line in zip(names, lines, strict=True) if name not in _LEADING]
        kept += [f"Record-Route: {route}" for route in routes[:-1]]
        kept += [f"Record-Route: {_plain(route, source, '<sip:{};lr>')}" for route in routes[-1:]]
    else:
        kept = [line for name, line in zip(names, lines, strict=True) if name not in _CONTACT]
    for name, line in zip(names, lines, strict=True):
        if name in _CONTACT:
            contact = line.partition(":")[2].strip()
            usable = contact if routes and _SIP.match(contact) else _plain(contact, source, "<sip:{}>")
            return _CRLF.join([first, *kept, f"Contact: {usable}"])
    return _CRLF.join([first, *kept])


def reachable_start(head: str, source: tuple[str, int]) -> str:
    """The same for a request that opens a dialog: the first hop is its first Record-Route, or its Contact. One without
    either is gone back to at `source`."""
    first, *lines = head.split(_CRLF)
    names = [line.partition(":")[0].strip().lower() for line in lines]
    values = [line.partition(":")[2].strip() for line in lines]
    routes = [
        route
        for name, value in zip(names, values, strict=True)
        if name == "record-route"
        for route in _ROUTE.findall(value)
    ]
    contact = next((value for name, value in zip(names, values, strict=True) if name in _CONTACT), "")
    usable = contact if routes and _SIP.match(contact) else _plain(contact, source, "<sip:{}>")
    kept = [line for name, line in zip(names, lines, strict=True) if name not in _LEADING]
    if routes:
        routes[0] = _plain(routes[0], source, "<sip:{};lr>")
    return _CRLF.join([first, *kept, *(f"Record-Route: {route}" for route in routes), f"Contact: {usable}"])


def _plain(value: str, source: tuple[str, int], otherwise: str) -> str:
    match = _ADDRESS.match(value)
    if match is not None and int(match[2] or 5060) in range(1, 65536):
        try:
            address = ipv4(match[1])
        except AddressValueError:
            address = IPv4Address(0)
        if not (address.is_unspecified or address.is_multicast):
            return value
    return otherwise.format(f"{source[0]}:{source[1]}")
