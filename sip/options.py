"""Is a SIP peer there? One OPTIONS request over UDP, from a socket of its own, with a limit (RFC 3261, section 11)."""

from __future__ import annotations

import secrets
import socket
import time
from dataclasses import dataclass
from typing import Final

T1_S: Final = 0.5
"""First wait before the request is sent again; each further one is twice as long (RFC 3261, section 17.1.2.2)."""

MAX_REPLY_BYTES: Final = 4096


class NoReply(Exception):
    """Nothing that answers our request came in time, or nothing can be sent; the message says which."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A final response, whatever its code: who answers at all is there."""

    status: int
    reason: str
    delay_s: float

    @property
    def serves(self) -> bool:
        """Whether the peer takes calls, as far as it says: 5xx and 6xx are faults of its own, 4xx an opinion on us."""
        return self.status < 500 or self.status == 501


def ask(host: str, port: int, *, bind_address: str, user_agent: str, limit_s: float = 4.0, uri: str = "") -> Reply:
    """Send OPTIONS to a peer and wait for its final response. `uri` says about whom, empty: the peer itself. Blocks up
    to `limit_s`. Raises `NoReply`."""
    try:
        peer = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0][4]
    except OSError as error:
        raise NoReply(f"the name {host} cannot be resolved: {error.strerror or error}") from error
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.bind((bind_address, 0))
            line.connect(peer)  # so that only this peer's packets arrive, and a closed port is noticed
            call = secrets.token_hex(12)
            return _exchange(
                line, _request(uri or f"sip:{host}:{port}", line.getsockname(), call, user_agent), call, limit_s
            )
    except OSError as error:
        raise NoReply(f"{error.strerror or error}") from error


def _exchange(line: socket.socket, request: bytes, call: str, limit_s: float) -> Reply:
    began, wait_s = time.monotonic(), T1_S
    while (left_s := began + limit_s - time.monotonic()) > 0:
        line.send(request)
        again_at = time.monotonic() + min(wait_s, left_s)
        while (patience_s := again_at - time.monotonic()) > 0:
            line.settimeout(patience_s)
            try:
                packet = line.recv(MAX_REPLY_BYTES)
            except TimeoutError:
                break
            final = parse(packet, call)
            if final is not None:
                return Reply(*final, time.monotonic() - began)
        wait_s *= 2
    raise NoReply(f"no answer to OPTIONS within {limit_s:g} s")


def parse(packet: bytes, call: str) -> tuple[int, str] | None:
    """Status and reason of a final response to our request; None for anything else that arrives."""
    start, _, rest = packet.decode("latin-1").partition("\r\n")
    version, _, status = start.partition(" ")
    code, _, reason = status.partition(" ")
    names = {line.partition(":")[0].strip().lower(): line.partition(":")[2].strip() for line in rest.split("\r\n")}
    if version != "SIP/2.0" or not (code.isascii() and code.isdigit() and len(code) == 3) or int(code) < 200:
        return None
    if call not in (names.get("call-id"), names.get("i")):
        return None
    printable = "".join(character for character in reason if " " <= character <= "~")
    return int(code), printable[:64]


def _request(uri: str, ours: tuple[str, int], call: str, user_agent: str) -> bytes:
    here = f"{ours[0]}:{ours[1]}"
    lines = (
        f"OPTIONS {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{secrets.token_hex(8)};rport",
        "Max-Forwards: 70",
        f"From: <sip:dialer@{ours[0]}>;tag={secrets.token_hex(6)}",
        f"To: <{uri}>",
        f"Call-ID: {call}",
        "CSeq: 1 OPTIONS",
        f"Contact: <sip:dialer@{here}>",
        "Accept: application/sdp",
        f"User-Agent: {user_agent}",
        "Content-Length: 0",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii", "replace")
