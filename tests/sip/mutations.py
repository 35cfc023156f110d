"""SIP messages and session descriptions that are nearly right, or not at all: for the fuzzer. All of it from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

ODD_TEXTS: Final = (
    *("", " ", "0", "-1", "1", "4294967295", "4294967296", "18446744073709551616", "99999999999999999999999"),
    *(
        "\x00",
        "\xff\xfe",
        "%n%s%x",
        "a" * 300,
        "a" * 5000,
        "<>",
        "<<<>>>",
        '"',
        '"unclosed',
        "\\",
        ";",
        ";;;;",
        ",",
        ",,",
    ),
    *("@", "sip:", "sip:@", "sip:a@[::1]:99999", "sip:a@127.0.0.1:0;maddr=127.0.0.1", "tel:+1", "*", "\t", "=", "a=b"),
    *("<sip:a@127.0.0.1>;tag=", "<sip:a@127.0.0.1>;tag=x;tag=y", "999.999.999.999", "IN IP6 ::1", "Q.850;cause=16"),
)
HEADERS: Final = (
    *("Session-Expires: 90;refresher=uac", "Session-Expires: 0", "Min-SE: 4294967295", "Require: timer", "Require: x"),
    *(
        "RSeq: 1",
        "RSeq: 0",
        "Require: 100rel",
        "Record-Route: <sip:127.0.0.1;lr>",
        "Record-Route: <sip:nowhere.invalid>",
    ),
    *("Contact: *", "Contact: <sip:a@127.0.0.1:9>;expires=x", "Reason: Q.850;cause=17", "Reason: Q.850;Q.850;Q.850"),
    *("WWW-Authenticate: Digest realm=x", "Proxy-Authenticate: Digest", "Retry-After: -1", "Content-Encoding: gzip"),
    *("Content-Type: application/sdp", "Content-Type: multipart/mixed;boundary=b", "Content-Length: 99999", "l: -5"),
    *("Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK", "v: x", "CSeq: 1 INVITE", "To: <sip:x@y>;tag=z", "Allow: UPDATE"),
    *("Expires: 0", "Max-Forwards: 0", "P-Asserted-Identity: <sip:+49@x>", "X: " + "y" * 3000, "Supported: timer"),
)
SDP_LINES: Final = (
    *(
        "v=0",
        "v=1",
        "o=- 1 1 IN IP4 127.0.0.1",
        "o=- 0 0 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "c=IN IP4 127.0.0.1",
        "c=IN IP4",
    ),
    *("c=IN IP4 0.0.0.0", "c=IN IP4 224.0.0.1/127", "c=IN IP6 ::1", "c=IN IP4 nowhere.invalid", "m=audio 9 RTP/AVP 0"),
    *(
        "m=audio 9 RTP/AVP 8",
        "m=audio 9 RTP/AVP 0 8 101",
        "m=audio 9 RTP/AVP 18",
        "m=audio 0 RTP/AVP 0",
        "m=audio 9 RTP/AVP",
    ),
    *(
        "m=audio 9/2 RTP/AVP 0",
        "m=audio 65536 RTP/AVP 0",
        "m=video 9 RTP/AVP 31",
        "m=image 9 udptl t38",
        "m=audio 9 RTP/SAVP 0",
    ),
    *("m=audio 9 UDP/TLS/RTP/SAVPF 0", "m=", "m=audio", "m=audio 9 RTP/AVP " + "0 " * 500, "a=rtpmap:0 PCMU/8000"),
    *("a=rtpmap:0 PCMU/0", "a=rtpmap:0 PCMA/8000", "a=rtpmap:8 PCMA/8000/9", "a=rtpmap:101 telephone-event/8000"),
    *(
        "a=rtpmap:96 PCMU/8000",
        "a=rtpmap:",
        "a=rtpmap:x y",
        "a=fmtp:101 0-16",
        "a=fmtp:0",
        "a=ptime:0",
        "a=ptime:99999",
    ),
    *(
        "a=maxptime:1",
        "a=sendonly",
        "a=recvonly",
        "a=inactive",
        "a=sendrecv",
        "a=rtcp:9",
        "a=rtcp-mux",
        "a=crypto:1 x y",
    ),
    *(
        "a=candidate:1 1 UDP 1 127.0.0.1 9 typ host",
        "a=ice-ufrag:x",
        "a=setup:active",
        "a=",
        "b=AS:0",
        "k=clear:x",
        "z=0",
    ),
)
PLAIN_SDP: Final = (
    "v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP {format}\r\n"
)


def description(draw: random.Random, port: int) -> str:
    """A session description: a plain one, one with odd lines, or nothing but odd lines."""
    values = {"version": draw.randrange(1, 9), "port": port, "format": draw.choice(["0", "8", "0 8 101", "18 0", "18"])}
    lines = PLAIN_SDP.format(**values).split("\r\n")[:-1]
    match draw.randrange(4):
        case 0:
            pass
        case 1:
            for _ in range(draw.randrange(1, 5)):
                lines.insert(draw.randrange(len(lines) + 1), draw.choice(SDP_LINES))
        case 2:
            lines[draw.randrange(len(lines))] = draw.choice(SDP_LINES)
        case _:
            lines = draw.choices(SDP_LINES, k=draw.randrange(1, 12))
    text = "\r\n".join([*lines, ""])
    if draw.random() < 0.1:
        text = f"--b\r\nContent-Type: application/sdp\r\n\r\n{text}\r\n--b--\r\n"
    return text


def mutated(draw: random.Random, message: str) -> bytes:
    """The message with one to four things wrong."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        message = draw.choice(_STEPS)(draw, message)
    data = message.encode("latin-1", "replace")
    if draw.random() < 0.1 and data:
        spoilt = bytearray(data)
        for _ in range(draw.randrange(1, 6)):
            spoilt[draw.randrange(len(spoilt))] = draw.randrange(256)
        data = bytes(spoilt)
    return data[:60_000]


def _on_a_line(change: Callable[[random.Random, list[str], int], None]) -> Callable[[random.Random, str], str]:
    def step(draw: random.Random, message: str) -> str:
        lines = message.split("\r\n")
        change(draw, lines, draw.randrange(len(lines)))
        return "\r\n".join(lines)

    return step


def _drop(_: random.Random, lines: list[str], at: int) -> None:
    del lines[at]


def _double(_: random.Random, lines: list[str], at: int) -> None:
    lines.insert(at, lines[at])


def _swap(draw: random.Random, lines: list[str], at: int) -> None:
    other = draw.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


def _odd_value(draw: random.Random, lines: list[str], at: int) -> None:
    name, mark, _ = lines[at].partition(draw.choice(":= "))
    lines[at] = f"{name}{mark}{draw.choice(ODD_TEXTS)}"


def _odd_part(draw: random.Random, lines: list[str], at: int) -> None:
    parts = lines[at].split(" ")
    parts[draw.randrange(len(parts))] = draw.choice(ODD_TEXTS)
    lines[at] = " ".join(parts)


def _fold(draw: random.Random, lines: list[str], at: int) -> None:
    cut = draw.randrange(len(lines[at]) + 1)
    lines[at] = f"{lines[at][:cut]}\r\n {lines[at][cut:]}"


def _more_headers(draw: random.Random, lines: list[str], _: int) -> None:
    for header in draw.choices(HEADERS, k=draw.randrange(1, 4)):
        lines.insert(draw.randrange(1, min(len(lines), 8) + 1), header)


def _other_ends(draw: random.Random, message: str) -> str:
    return message.replace("\r\n", draw.choice(("\n", "\r", "\n\r", "\r\n\r\n", "\r\r\n")), draw.choice((1, 3, -1)))


def _other_case(draw: random.Random, message: str) -> str:
    return draw.choice((str.lower, str.upper, str.swapcase))(message)


def _cut(draw: random.Random, message: str) -> str:
    return message[: draw.randrange(len(message) + 1)]


_STEPS: Final[Sequence[Callable[[random.Random, str], str]]] = (
    *(_on_a_line(change) for change in (_drop, _double, _swap, _odd_value, _odd_part, _fold, _more_headers)),
    *(_on_a_line(change) for change in (_odd_value, _odd_part, _more_headers)),
    *(_other_ends, _other_case, _cut),
)
