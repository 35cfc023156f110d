"""The session descriptions of the loopback's side (RFC 8866, RFC 3264)."""

from __future__ import annotations

from dataclasses import dataclass

from sip.loopback.media import PCMA, PCMU


@dataclass(frozen=True, slots=True)
class Offer:
    """What matters of the caller's offer: where its RTP goes, the first G.711 payload type, and the one for digits."""

    host: str
    port: int
    payload_type: int
    digits_payload_type: int | None = None


def write_sdp(*, host: str, port: int, offer: Offer | None) -> str:
    """The answer to `offer`, with one codec so that there is nothing to negotiate later; our own offer if None."""
    payload_type = PCMU if offer is None else offer.payload_type
    digits = None if offer is None else offer.digits_payload_type
    family = "IP6" if ":" in host else "IP4"
    formats = f"{payload_type}" if digits is None else f"{payload_type} {digits}"
    encoding = "PCMA" if payload_type == PCMA else "PCMU"
    lines = [
        "v=0",
        f"o=loopback {port} 1 IN {family} {host}",
        "s=-",
        f"c=IN {family} {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {formats}",
        f"a=rtpmap:{payload_type} {encoding}/8000",
        *([] if digits is None else [f"a=rtpmap:{digits} telephone-event/8000", f"a=fmtp:{digits} 0-16"]),
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]
    return "\r\n".join(lines)
