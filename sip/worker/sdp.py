"""An answer's or offer's SDP, made anew from the few things that a worker can use.

The SIP library aborts the process on some session descriptions (early ones without a codec in common, for example), and
sends a re-INVITE if an answer names two codecs. What it gets to see is therefore written here: one audio stream, the
far end's first codec that we have, its key presses, its direction.
"""

from __future__ import annotations

import itertools
import re
from ipaddress import AddressValueError, IPv4Address
from typing import Final

READ_LIMIT: Final = 16_384
LINES_LIMIT: Final = 400
_STATIC: Final = {"0": "PCMU/8000", "8": "PCMA/8000"}
_AUDIO: Final = frozenset(_STATIC.values())
_EVENTS: Final = "TELEPHONE-EVENT/8000"
_DIRECTIONS: Final = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})
_RTPMAP: Final = re.compile(r"rtpmap:([0-9]{1,3}) +([A-Za-z0-9-]{1,32}/[0-9]{1,6})(?:/1)?\s*")
_FORMAT: Final = re.compile(r"[0-9]{1,3}")


def made_anew(body: str, *, is_offer: bool = False) -> str | None:
    """The same answer or offer, in our words; None if there is no audio in it that we could send or play. An offer with
    further streams is none, either: whoever made it wants an answer about each."""
    lines = body[:READ_LIMIT].replace("\r", "\n").split("\n")[:LINES_LIMIT]
    session, audio = _sections(lines)
    if not audio or (is_offer and sum(line.startswith("m=") for line in lines) > 1):
        return None
    port, formats = _media_line(audio[0])
    address = _address(audio) or _address(session)
    if address is None or not port:
        return None
    names = {**_STATIC, **dict(_maps(audio))}
    codec = next((number for number in formats if names.get(number) in _AUDIO), None)
    if codec is None:
        return None
    events = next((number for number in formats if names.get(number) == _EVENTS), None)
    attributes = [line[2:].strip() for line in (*session, *audio) if line.startswith("a=")]
    direction = next((text for text in reversed(attributes) if text in _DIRECTIONS), "sendrecv")
    described = [
        "v=0",
        f"o=- {_version(session)} IN IP4 {address}",
        "s=-",
        f"c=IN IP4 {address}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join([codec, events] if events else [codec])}",
        f"a=rtpmap:{codec} {names[codec]}",
    ]
    if events:
        described += [f"a=rtpmap:{events} telephone-event/8000", f"a=fmtp:{events} 0-16"]
    return "\r\n".join([*described, f"a={direction}", ""])


def _sections(lines: list[str]) -> tuple[list[str], list[str]]:
    """The lines of the session, and those of the first audio stream over plain RTP."""
    starts = [index for index, line in enumerate(lines) if line.startswith("m=")]
    for start, end in itertools.pairwise([*starts, len(lines)]):
        if lines[start].startswith("m=audio "):
            return lines[: starts[0]], lines[start:end]
    return [], []


def _media_line(line: str) -> tuple[int, list[str]]:
    port, protocol, *formats = (*line.partition(" ")[2].split(), "", "")
    number = port.partition("/")[0]
    usable = protocol == "RTP/AVP" and number.isascii() and number.isdecimal() and len(number) <= 5
    shown = [text for text in formats if _FORMAT.fullmatch(text) and int(text) < 128]
    return (int(number) if usable and 0 < int(number) < 65536 else 0), shown


def _address(lines: list[str]) -> IPv4Address | None:
    for line in lines:
        if line.startswith("c=IN IP4 "):
            try:
                return IPv4Address(line.removeprefix("c=IN IP4 ").strip().partition("/")[0])
            except AddressValueError:
                return None
    return None


def _maps(lines: list[str]) -> list[tuple[str, str]]:
    matches = (_RTPMAP.fullmatch(line[2:]) for line in lines if line.startswith("a="))
    return [(match[1], match[2].upper()) for match in matches if match]


def _version(session: list[str]) -> str:
    """The session's id and version, which tell a changed description from a repeated one."""
    for line in session:
        parts = line.split()
        if line.startswith("o=") and len(parts) >= 3:
            numbers = [part for part in parts[1:3] if part.isascii() and part.isdecimal() and len(part) <= 10]
            if len(numbers) == 2:
                return " ".join(str(min(int(number), 2**32 - 1)) for number in numbers)
    return "1 1"
