"""SIP messages as text: read what an answer says, and write the two messages that pjsua2 cannot be asked for.

Why messages are written by hand: `pjsua2.Call.hangup()` before an answer reports the end at once and then goes silent.
If a 200 OK crosses its CANCEL, the library acknowledges it and sends BYE without telling anybody (seen with
2.15.1 and tests/sip/scenarios/cross_cancel.xml), so an answered call would not be counted. With `cancel` sent from
the endpoint's own socket the library stays in the call: a 487 ends it as usual, and a crossing 200 is an answered call
that can still be bridged. `local_answer`, sent to our own port, ends a transaction that nobody answers; the
library's own timer B (64 T1 = 32 s) cannot be set from pjsua2 and would keep the slot that long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

REASON_LIMIT: Final = 256
READ_LIMIT: Final = 1024
"""Characters of the Reason headers that are looked at. Whoever sends more has nothing to say."""

_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
_FOLD: Final = re.compile(r"\n[ \t]+")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the far end said: `code` 0 for a request (BYE); `q850` 0 where no Reason header gives one."""

    code: int
    q850: int
    reason: str
    has_sdp: bool


def read(message: str) -> Answer:
    """The parts of a SIP response (or of a BYE) that classify the end of a call. Takes anything, however broken."""
    head, _, body = message.replace("\r\n", "\n").partition("\n\n")
    lines = _FOLD.sub(" ", head).split("\n")
    version, _, rest = lines[0].partition(" ")
    code_text, _, phrase = rest.partition(" ")
    is_response = version.upper().startswith("SIP/") and code_text.isdecimal() and len(code_text) <= 3
    reasons = _headers(lines, "reason")
    text = "; ".join(part for part in (phrase.strip() if is_response else "", *reasons) if part)
    kinds = _headers(lines, "content-type", "c")
    has_sdp = bool(body.strip()) and any("application/sdp" in kind.lower() for kind in kinds)
    return Answer(
        code=int(code_text) if is_response else 0,
        q850=_q850_cause(", ".join(reasons)[:READ_LIMIT]),
        reason=_UNPRINTABLE.sub(" ", text[:READ_LIMIT])[:REASON_LIMIT],
        has_sdp=has_sdp,
    )


def cancel(invite: str) -> bytes:
    """The CANCEL for an INVITE that was sent: same URI, top Via, From, To, Call-ID and CSeq number (RFC 3261, 9.1)."""
    lines = invite.split("\r\n")
    uri = lines[0].split(" ")[1]
    return _message(
        f"CANCEL {uri} SIP/2.0",
        f"Via: {_header(lines, 'via', 'v')}",
        "Max-Forwards: 70",
        *(f"Route: {route}" for route in _headers(lines, "route")),
        f"From: {_header(lines, 'from', 'f')}",
        f"To: {_header(lines, 'to', 't')}",
        f"Call-ID: {_header(lines, 'call-id', 'i')}",
        f"CSeq: {_header(lines, 'cseq').split(' ')[0]} CANCEL",
    )


def local_answer(invite: str, last_heard: str, code: int, phrase: str) -> bytes:
    """A final answer to our own INVITE. `last_heard` is the latest response (or empty): its To tag names the dialog."""
    lines = invite.split("\r\n")
    named = _headers(last_heard.replace("\r\n", "\n").split("\n"), "to", "t")
    to = named[0] if named and "tag=" in named[0] else f"{_header(lines, 'to', 't')};tag=unanswered"
    return _message(
        f"SIP/2.0 {code} {phrase}",
        f"Via: {_header(lines, 'via', 'v')}",
        f"From: {_header(lines, 'from', 'f')}",
        f"To: {to}",
        f"Call-ID: {_header(lines, 'call-id', 'i')}",
        f"CSeq: {_header(lines, 'cseq')}",
    )


def _q850_cause(reasons: str) -> int:
    """The first Q.850 cause of comma-separated Reason values (RFC 3326), or 0."""
    for value in _QUOTED.sub('""', reasons).split(","):
        protocol, *parameters = value.split(";")
        if protocol.strip().upper() != "Q.850":
            continue
        for parameter in parameters:
            name, _, number = parameter.partition("=")
            number = number.strip()
            if name.strip().lower() == "cause" and number.isdecimal() and number.isascii() and len(number) <= 3:
                return int(number)
    return 0


def _message(*lines: str) -> bytes:
    return "\r\n".join((*lines, "Content-Length: 0", "", "")).encode()


def _header(lines: list[str], *names: str) -> str:
    return _headers(lines, *names)[0]


def _headers(lines: list[str], *names: str) -> list[str]:
    values = []
    for line in lines[1:]:
        if not line:
            break
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() in names:
            values.append(value.strip())
    return values
