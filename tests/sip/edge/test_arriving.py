"""A carrier calls us through a real edge; the pool behind it answers."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from sip.causes import Leg
from sip.inbound.messages import Answer, Arrived, Reject
from sip.messages import Answered, Ended, HangUp
from sip.pool import PoolSettings
from sip.settings import Trunk
from tests.sip.edge.conftest import CarrierPeer
from tests.sip.inbound.conftest import free_port, in_pool, until

in_thread = partial(trio.to_thread.run_sync, abandon_on_cancel=True)

AUDIO = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.3\r\ns=-\r\nc=IN IP4 127.0.0.3\r\nt=0 0\r\nm=audio 9000 RTP/AVP 8 0 101\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n"
)
NO_AUDIO = AUDIO.replace("8 0 101", "18")


def calls(
    carrier: CarrierPeer, public: tuple[str, int], method: str = "INVITE", body: str = AUDIO, **dialog: str
) -> None:
    """Send a request to the edge, in a dialog if its parts are given."""
    routes = [f"Route: {route}" for route in dialog.get("routes", "").split(", ") if route]
    lines = [
        f"{method} {dialog.get('uri', f'sip:+861012345678@{public[0]}')} SIP/2.0",
        f"Via: SIP/2.0/UDP {carrier.host};branch=z9hG4bK{method}1",
        "From: <sip:+8613800138000@carrier.example>;tag=caller",
        f"To: <sip:+861012345678@{public[0]}>{dialog.get('tag', '')}",
        "Call-ID: arriving-1",
        f"CSeq: {2 if method == 'BYE' else 1} {method}",
        f"Contact: <sip:peer@{carrier.host}>",
        "Max-Forwards: 70",
        *routes,
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    carrier.socket.sendto("\r\n".join([*lines, "", body]).encode(), public)


def dialog_of(answer: str) -> dict[str, str]:
    """What a 200 says of how to go on."""
    lines = [line.partition(": ") for line in answer.split("\r\n")]
    routes = [value for name, _, value in lines if name.lower() == "record-route"]
    contact = next(value for name, _, value in lines if name.lower() == "contact")
    to = next(value for name, _, value in lines if name.lower() == "to")
    return {"routes": ", ".join(reversed(routes)), "uri": contact.strip("<>"), "tag": f";tag={to.partition('tag=')[2]}"}


def final(carrier: CarrierPeer) -> str:
    """The next answer that is more than Trying."""
    while True:
        text = carrier.receives()
        if text.startswith("SIP/2.0 ") and not text.startswith("SIP/2.0 1"):
            return text


def behind(running, port: int) -> PoolSettings:
    trunk = Trunk("carrier", "127.0.0.1", running.edge.carriers[0].inside_port)
    return PoolSettings(trunks=(trunk,), lines=2, inbound_port=port)


@pytest.mark.parametrize("delayed", [False, True])
def test_a_carrier_calls_through_the_edge(carrier, edge, delayed):
    """It is answered with the edge's addresses alone; either side hangs up."""
    port = free_port()
    running = edge(carrier.host, inbound_port=port)
    public = (running.edge.address, running.edge.port)

    async def run(pool):
        calls(carrier, public, body="" if delayed else AUDIO)
        came = await until(pool, Arrived)
        assert (came.trunk, came.caller, came.called) == ("carrier", "+8613800138000", ("+861012345678",))
        pool.send(Answer(came.call, came.trunk))
        answer = await in_thread(final, carrier)
        assert answer.startswith("SIP/2.0 200 ")
        assert "127.0.0.1" not in answer.replace(f"Via: SIP/2.0/UDP {carrier.host}", "")
        dialog = dialog_of(answer)
        calls(carrier, public, "ACK", body=AUDIO if delayed else "", **dialog)
        await until(pool, Answered)
        if delayed:
            calls(carrier, public, "BYE", body="", **dialog)
            assert (await until(pool, Ended)).ended_by is Leg.CALLEE
        else:
            pool.send(HangUp(came.call))
            bye = await in_thread(carrier.hears, "BYE")
            carrier.answers(bye, "200 OK")
            assert (await until(pool, Ended)).ended_by is Leg.DIALER

    in_pool(behind(running, port), run)


def test_a_refusal_and_an_unusable_offer(carrier, edge):
    """What the daemon refuses is refused with its code; what nobody could hear never gets there."""
    port = free_port()
    running = edge(carrier.host, inbound_port=port)
    public = (running.edge.address, running.edge.port)

    async def run(pool):
        calls(carrier, public)
        pool.send(Reject((await until(pool, Arrived)).call, 404))
        assert (await in_thread(final, carrier)).startswith("SIP/2.0 404 ")
        calls(carrier, public, "ACK", body="")

    in_pool(behind(running, port), run)


@pytest.mark.parametrize(("body", "port_there"), [(NO_AUDIO, True), (AUDIO, False)])
def test_without_usable_audio_or_a_daemon_the_edge_refuses(carrier, edge, body, port_there):
    """488, or 480 as before there were calls from outside."""
    running = edge(carrier.host, **({"inbound_port": free_port()} if port_there else {}))
    calls(carrier, (running.edge.address, running.edge.port), body=body)
    assert final(carrier).startswith("SIP/2.0 488 " if port_there else "SIP/2.0 480 ")
