"""The signalling's own rules, seen from a bare socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sip.loopback.process import Loopback, start_loopback


@pytest.fixture(scope="module")
def loopback() -> Iterator[Loopback]:
    """A carrier where numbers ring until they are cancelled, unless they end in 1."""
    with start_loopback("sipp-like", forced={"20": "no_answer", "30": "no_answer", "40": "unallocated"}) as running:
        yield running


def test_retransmitted_invite_is_one_call(loopback: Loopback, bare_peer: Any) -> None:
    """The same INVITE three times is one call and two retransmissions, each answered with the last response."""
    invite = bare_peer.invite("20", call_id="again")
    bare_peer.send(invite, loopback.carrier_port)
    bare_peer.receive("SIP/2.0 180")
    for _ in range(2):
        bare_peer.send(invite, loopback.carrier_port)
        assert "Call-ID: again" in bare_peer.receive("SIP/2.0 180")
    report = loopback.wait_for(lambda report: report.carrier.retransmissions == 2, limit_s=5)
    assert report.carrier.users["20"] == 1


def test_invite_expires_by_its_own_word(loopback: Loopback, bare_peer: Any) -> None:
    """An INVITE that expires is ended with 487 and counted apart from cancelled ones."""
    bare_peer.send(bare_peer.invite("30", call_id="brief", extra=["Expires: 1"]), loopback.carrier_port)
    assert "Call-ID: brief" in bare_peer.receive("SIP/2.0 487")
    loopback.wait_for(lambda report: report.carrier.expired == 1, limit_s=5)


def test_refusal_carries_its_q850_cause(loopback: Loopback, bare_peer: Any) -> None:
    """An unallocated number is refused with 404 and the ISUP cause that says why."""
    bare_peer.send(bare_peer.invite("40", call_id="cause"), loopback.carrier_port)
    assert 'Reason: Q.850; cause=1; text="Unallocated' in bare_peer.receive("SIP/2.0 404")


def test_trunk_check_is_answered(loopback: Loopback, bare_peer: Any) -> None:
    """OPTIONS outside a call is answered 200 and counts as no call."""
    bare_peer.send(bare_peer.invite("50", call_id="check").replace("INVITE", "OPTIONS"), loopback.carrier_port)
    assert "Call-ID: check" in bare_peer.receive("SIP/2.0 200")
    assert "50" not in loopback.report().carrier.users


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("Contact:", "X-Contact:"), 400),
        (("INVITE", "SUBSCRIBE"), 501),
        (("To: <sip:60@127.0.0.1>", "To: <sip:60@127.0.0.1>;tag=gone"), 481),
    ],
)
def test_what_cannot_become_a_call_is_refused(
    loopback: Loopback, bare_peer: Any, change: tuple[str, str], code: int
) -> None:
    """Requests without a Contact, of unknown methods, or of calls that are gone are refused and no call."""
    bare_peer.send(bare_peer.invite("60", call_id=f"odd{code}").replace(*change), loopback.carrier_port)
    assert f"Call-ID: odd{code}" in bare_peer.receive(f"SIP/2.0 {code}")
    assert "60" not in loopback.report().carrier.users


def test_offer_without_g711_is_not_acceptable(loopback: Loopback, bare_peer: Any) -> None:
    """An offer that has no G.711 is refused with 488."""
    sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 9\r\n"
    head = bare_peer.invite("70", call_id="g722").removesuffix("Content-Length: 0\r\n\r\n")
    bare_peer.send(
        f"{head}Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}", loopback.carrier_port
    )
    assert "Call-ID: g722" in bare_peer.receive("SIP/2.0 488")
