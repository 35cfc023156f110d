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
import secrets
from dataclasses import dataclass
from typing import Final

from sip.screening.lines import parted

REASON_LIMIT: Final = 256
HEAD_LIMIT: Final = 8192
"""Characters of a request's headers; longer ones are not answered."""

LATER_THAN_ANY: Final = 2**30
"""A CSeq beyond that of any request that a far end has sent."""

DAY_S: Final = 86_400
READ_LIMIT: Final = 1024
"""Characters of the Reason headers that are looked at. Whoever sends more has nothing to say."""

_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_END_OF_HEAD: Final = re.compile(r"(?:\r\n|\r(?!\n)|(?<!\r)\n){2}")
_TAG: Final = re.compile(r";\s*tag\s*=\s*([A-Za-z0-9.!%*_+`'~-]+)", re.IGNORECASE)
_FOLD: Final = re.compile(r"\n[ \t]+")
_RPORT: Final = re.compile(r";\s*rport(?=\s*(?:;|\Z))", re.IGNORECASE)
_SENT_BY_PORT: Final = re.compile(r"SIP/2\.0/UDP +[^\s:;,]{1,255}:([0-9]{1,5})")
_URI: Final = re.compile(r"sips?:[^<>\s\"]{1,512}")
_DELTA_SECONDS: Final = re.compile(r"([0-9]{1,9})(?=\s*(?:[;(]|\Z))")
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the far end said: `code` 0 for a request (BYE); `q850` 0 where no Reason header gives one. `retry_after_s`
    is what Retry-After asks for, 0 if it does not."""

    code: int
    q850: int
    reason: str
    has_sdp: bool
    retry_after_s: int = 0


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
        retry_after_s=_seconds((_headers(lines, "retry-after") or [""])[0]) if is_response else 0,
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


@dataclass(frozen=True, slots=True)
class Request:
    """A request from a far end, as far as it takes to answer it. `copied` are the lines that its answer repeats, `head`
    is all of it but the body."""

    method: str
    call_id: str
    cseq: str
    has_to_tag: bool
    content_type: str
    body: str
    vias: tuple[str, ...]
    to: str
    copied: tuple[str, ...]
    head: str


def split(message: str) -> tuple[str, str]:
    """Headers, unfolded and with ordinary line ends, and body. The library takes odd line ends, too, so both must see
    the end of the headers in the same place."""
    head, _, body = message.partition("\r\n\r\n")
    if head.count("\r") == head.count("\n") == head.count("\r\n") and "\n " not in head and "\n\t" not in head:
        return head, body  # as nearly every message: the same, found sooner
    end = _END_OF_HEAD.search(message)
    head, body = (message[: end.start()], message[end.end() :]) if end else (message, "")
    return _FOLD.sub(" ", _LINE_END.sub("\n", head)).replace("\n", "\r\n"), body


def request(message: str) -> Request | None:
    """A request; None for anything else, and for one that cannot be answered or says something twice."""
    head, body = split(message)
    if len(head) > HEAD_LIMIT:
        return None
    lines = head.split("\r\n")
    method, _, rest = lines[0].partition(" ")
    vias = _headers(lines, "via", "v")
    named = [_headers(lines, *names) for names in (("from", "f"), ("to", "t"), ("call-id", "i"), ("cseq",))]
    is_named = all(len(values) == 1 for values in named)
    if not (method.isascii() and method.isupper() and rest.endswith("SIP/2.0") and vias and is_named):
        return None
    (caller,), (to,), (call_id,), (cseq,) = named
    content_type = (_headers(lines, "content-type", "c") or [""])[0]
    copied = (f"From: {caller}", f"Call-ID: {call_id}", f"CSeq: {cseq}")
    return Request(method, call_id, cseq, ";tag=" in to.lower(), content_type, body, tuple(vias), to, copied, head)


def reply(asked: Request, source: tuple[str, int], line: str, headers: tuple[str, ...] = ()) -> bytes:
    """The answer to a request that came from `source`; a To tag of our own where there is none."""
    to = asked.to if asked.has_to_tag else f"{asked.to};tag=refused"
    vias = (f"Via: {via}" for via in (seen_via(asked, source), *asked.vias[1:]))
    return _message(f"SIP/2.0 {line}", *vias, f"To: {to}", *asked.copied, *headers)


def seen_via(asked: Request, source: tuple[str, int]) -> str:
    """The top Via, with where the request came from if the sender asks for that."""
    return _RPORT.sub(f";rport={source[1]};received={source[0]}", asked.vias[0], count=1)


def reply_address(asked: Request, source: tuple[str, int]) -> tuple[str, int]:
    """Where an answer goes (RFC 3261, 18.2.2, RFC 3581): to the sender, and to the port that its Via names."""
    top = asked.vias[0]
    port = None if _RPORT.search(top) else _SENT_BY_PORT.match(top)
    number = int(port[1]) if port else source[1]
    return source[0], number if 0 < number < 65536 else source[1]


def carries_sdp(head: str) -> bool:
    """Whether a message with these headers says that it carries a session description, alone or among other parts."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in _headers(head.split("\r\n"), "content-type", "c")]
    return len(kinds) == 1 and (kinds[0] == "application/sdp" or kinds[0].startswith("multipart/"))


def tag(value: str) -> str:
    """The tag of a From or To header, behind its URI; empty where there is none."""
    match = _TAG.search(value.rpartition(">")[2])
    return match[1] if match else ""


def our_tag(invite: str) -> str:
    """The tag that names us in the dialog of an INVITE of ours."""
    return tag((_headers(invite.split("\r\n"), "from", "f") or [""])[0])


def call_id(message: str) -> str:
    """The Call-ID of a message; empty if it has none."""
    return (_headers(message.split("\r\n"), "call-id", "i") or [""])[0]


def ack_and_bye(invite: str, answer: str) -> list[bytes]:
    """The ACK and the BYE for a 2xx to an INVITE of ours (RFC 3261, 13.2.2.4); nothing for a 2xx to something else."""
    sent = invite.split("\r\n")
    lines = _FOLD.sub(" ", answer.partition("\r\n\r\n")[0].replace("\r\n", "\n")).split("\n")
    number, _, method = _header(sent, "cseq").partition(" ")
    to, contact = _headers(lines, "to", "t"), _headers(lines, "contact", "m")
    if _headers(lines, "cseq") != [f"{number} {method}"] or not to:
        return []
    target = _URI.search(contact[0]) if contact else None
    uri = target[0] if target else sent[0].split(" ")[1]
    routes = [f"Route: {route}" for route in reversed(_headers(lines, "record-route"))]
    via = _header(sent, "via", "v").partition(";branch=")[0]
    return [
        _message(
            f"{name} {uri} SIP/2.0",
            f"Via: {via};branch=z9hG4bK{name.lower()}{secrets.token_hex(8)}",
            "Max-Forwards: 70",
            *routes,
            f"From: {_header(sent, 'from', 'f')}",
            f"To: {to[0]}",
            f"Call-ID: {_header(sent, 'call-id', 'i')}",
            f"CSeq: {int(number) + step} {name}",
        )
        for step, name in enumerate(("ACK", "BYE"))
    ]


def bye_of_far_end(answer: str, own: str) -> bytes:
    """The BYE of whoever sent the INVITE that `answer` is our 2xx to, in their place; its own answer goes to `own`."""
    lines = answer.split("\r\n")
    return _message(
        f"BYE sip:{own} SIP/2.0",
        f"Via: SIP/2.0/UDP {own};branch=z9hG4bKbye{secrets.token_hex(8)}",
        "Max-Forwards: 70",
        f"From: {_header(lines, 'from', 'f')}",
        f"To: {_header(lines, 'to', 't')}",
        f"Call-ID: {_header(lines, 'call-id', 'i')}",
        f"CSeq: {LATER_THAN_ANY} BYE",
    )


def keeps_timer(response: str) -> bool:
    """Whether a far end agrees to a session timer (RFC 4028)."""
    return bool(_headers(response.replace("\r\n", "\n").split("\n"), "session-expires", "x"))


def with_body(head: str, body: str) -> str:
    """A message with a session description as its body, or with none."""
    left_out = ("content-length", "l", "content-type", "c")
    lines = [line for line in head.split("\r\n") if parted(line)[0] not in left_out]
    kind = ["Content-Type: application/sdp"] if body else []
    return "\r\n".join([*lines, *kind, f"Content-Length: {len(body)}", "", body])


_NAMING: Final = {
    "from": "from",
    "f": "from",
    "to": "to",
    "t": "to",
    "call-id": "call-id",
    "i": "call-id",
    "cseq": "cseq",
}
"""The headers that name a dialog and a transaction, short forms included."""

NAMING_HEADERS: Final = 4


@dataclass(frozen=True, slots=True)
class Named:
    """What a response is an answer to, and who gives it; `tag` is empty where the To header has none."""

    call_id: str
    method: str
    tag: str


def named(head: str) -> Named | None:
    """None for a response that does not say this, or says it twice."""
    values: dict[str, str] = {}
    for line in head.split("\r\n")[1:]:
        if not line:
            break
        name, value = parted(line)
        header = _NAMING.get(name)
        if header:
            if header in values:
                return None
            values[header] = value
    if len(values) < NAMING_HEADERS:
        return None
    to, call_id, cseq = values["to"], values["call-id"], values["cseq"]
    return Named(call_id, cseq.rpartition(" ")[2], tag(to))


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


def _seconds(text: str) -> int:
    """The seconds that a header begins with (RFC 3261, 20.33), 0 if it does not; a day counts as the most."""
    digits = _DELTA_SECONDS.match(text)
    return min(int(digits[1]), DAY_S) if digits else 0


def _message(*lines: str) -> bytes:
    return "\r\n".join((*lines, "Content-Length: 0", "", "")).encode("latin-1", "replace")


def _header(lines: list[str], *names: str) -> str:
    return _headers(lines, *names)[0]


def _headers(lines: list[str], *names: str) -> list[str]:
    values = []
    for line in lines[1:]:
        if not line:
            break
        name, value = parted(line)
        if name in names:
            values.append(value)
    return values
