"""Requests inside a dialog on their way through a screen: with a Via of its own on top, as a proxy's (RFC 3261, 16.6).

The answer comes back to the screen by that Via, which says where it goes on to; so the screen remembers nothing, and
what is sent again is passed on as it was the first time.
"""

from __future__ import annotations

import hashlib
import re
from ipaddress import AddressValueError, IPv4Address
from typing import Final

_BRANCH: Final = "z9hG4bKpassed"
_OURS: Final = re.compile(
    rf"SIP/2\.0/UDP [0-9.]+:[0-9]+;(?:[^,]*;)?branch={_BRANCH}([0-9a-f]{{8}})([0-9a-f]{{4}})[0-9a-f]*"
)


def passed_on(head: str, top_via: str, relay: tuple[str, int], to: tuple[str, int]) -> str:
    """The headers of a request with the Via of `relay` on top. `top_via` takes the place of the one that was there, and
    `to` is where the answer will go."""
    first, *lines = head.split("\r\n")
    place = next(index for index, line in enumerate(lines) if line.partition(":")[0].strip().lower() in {"via", "v"})
    address, port = int(IPv4Address(to[0])), to[1]
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
