"""Calls from outside, from a trunk's INVITE to the end, in a real pool."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from sip.causes import Cause, Leg
from sip.inbound.messages import Answer, Arrived, PlayMusic, Reject
from sip.messages import Answered, Bridged, DialAgent, Digit, Ended, HangUp, MessageDone, PlayMessage
from tests.sip.conftest import udp_socket
from tests.sip.inbound.conftest import (
    CALLED,
    CALLER,
    answered,
    arrived,
    heard,
    in_pool,
    settings,
    until,
)
from tests.sip.tones import is_loud, tone, write_wav
from tests.sip.worker.test_media import HZ, drained, hears_within


def test_a_call_is_answered_and_its_caller_hangs_up(carrier):
    """The daemon hears who calls and whom, a worker answers from the port that was called, and the slots come back."""

    async def run(pool):
        came = await arrived(pool, carrier)
        assert (came.trunk, came.caller, came.called) == ("carrier", CALLER, (CALLED,))
        pool.send(Answer(came.call, came.trunk))
        assert await heard(carrier) == 200
        assert carrier.heard_from == carrier.door
        carrier.acknowledges()
        assert (await until(pool, Answered)).call == came.call
        assert pool.statistics().slots_in_use == 2
        carrier.presses("5")
        assert (await until(pool, Digit)).digit == "5"
        assert await heard(carrier) == 200
        carrier.hangs_up()
        ended = await until(pool, Ended)
        assert (ended.cause, ended.ended_by) == (Cause.NORMAL, Leg.CALLEE)
        assert pool.statistics().slots_in_use == 0

    in_pool(settings(carrier), run)


def test_music_then_an_agent_and_audio_both_ways(carrier, far, tmp_path):
    """The caller hears music while waiting, then the agent and nothing else, and the agent the caller."""
    agent_rtp = udp_socket()
    agent = far("answer", rtp_port=str(agent_rtp.getsockname()[1]))

    async def run(pool):
        call = await answered(pool, carrier)
        pool.send(PlayMusic(call, str(write_wav(tmp_path / "music.wav", tone(HZ, 0.5)))))
        assert await in_thread(loud, carrier.rtp)
        pool.send(DialAgent(call, "a1", f"sip:agent@127.0.0.1:{agent.port}", "138****8000"))
        assert (await until(pool, Bridged)).call == call
        assert await in_thread(falls_silent, carrier.rtp)
        to_agent, to_caller = await in_thread(drained, agent_rtp), await in_thread(drained, carrier.rtp)
        assert await in_thread(hears_within, agent_rtp, carrier.rtp, to_caller, 3.0)
        assert await in_thread(hears_within, carrier.rtp, agent_rtp, to_agent, 3.0)
        pool.send(HangUp(call))
        await in_thread(carrier.answers_bye)
        assert (await until(pool, Ended)).ended_by is Leg.DIALER

    in_pool(settings(carrier), run)
    agent_rtp.close()


def test_a_message_takes_the_place_of_the_music_and_ends_the_call(carrier, tmp_path):
    """Played once, and keys are heard meanwhile."""

    async def run(pool):
        call = await answered(pool, carrier)
        pool.send(PlayMusic(call, str(write_wav(tmp_path / "music.wav", tone(HZ, 0.5)))))
        pool.send(PlayMessage(call, str(write_wav(tmp_path / "message.wav", tone(HZ, 0.6)))))
        carrier.presses("9")
        assert (await until(pool, Digit)).digit == "9"
        await until(pool, MessageDone)
        await in_thread(carrier.answers_bye)
        assert (await until(pool, Ended)).cause is Cause.NORMAL

    in_pool(settings(carrier), run)


@pytest.mark.parametrize(("code", "heard_code"), [(404, 404), (486, 486), (480, 480), (700, 480)])
def test_a_rejected_call_gets_its_code_and_no_worker(carrier, code, heard_code):
    """A repeated INVITE gets the same answer, and is no second call."""

    async def run(pool):
        came = await arrived(pool, carrier)
        pool.send(Reject(came.call, code))
        assert await heard(carrier) == heard_code
        carrier.repeats()
        assert await heard(carrier) == heard_code
        assert pool.statistics().slots_in_use == 0
        assert (await arrived(pool, carrier)).call != came.call

    in_pool(settings(carrier), run)


def test_a_caller_gives_up_before_anybody_decided(carrier):
    """CANCEL: 487 for the caller, the end for the daemon; an answer that crosses it takes no slots."""

    async def run(pool):
        came = await arrived(pool, carrier)
        carrier.cancels()
        assert {await heard(carrier), await heard(carrier)} == {200, 487}
        ended = await until(pool, Ended)
        assert (ended.call, ended.cause, ended.ended_by) == (came.call, Cause.CANCELLED, Leg.CALLEE)
        pool.send(Answer(came.call, came.trunk))
        assert pool.statistics().slots_in_use == 0

    in_pool(settings(carrier), run)


def test_who_never_acknowledges_can_be_hung_up(carrier):
    """The slots are free again although no ACK came."""

    async def run(pool):
        came = await arrived(pool, carrier)
        pool.send(Answer(came.call, came.trunk))
        assert await heard(carrier) == 200
        pool.send(HangUp(came.call))
        assert (await until(pool, Ended)).cause is Cause.CANCELLED

    in_pool(settings(carrier), run)


def test_no_room_is_busy(carrier):
    """A call for which no worker has room gets 486, and the daemon its end."""

    async def run(pool):
        for _ in range(pool.statistics().slots_total // 2):
            await answered(pool, carrier)
        came = await arrived(pool, carrier)
        pool.send(Answer(came.call, came.trunk))
        assert await heard(carrier) == 486
        assert (await until(pool, Ended)).cause is Cause.NOT_SENT

    in_pool(settings(carrier), run)


def test_a_flood_of_invites_is_harmless(carrier):
    """Of 200 at once the daemon hears of those of a second, the rest is told busy; no worker sees any, all slots stay
    free, and the next caller is served."""

    async def run(pool):
        for _ in range(200):
            carrier.invites()
        codes = [await heard(carrier) for _ in range(pool.statistics().slots_total)]
        assert set(codes) == {486}
        with trio.move_on_after(2.0):
            while True:
                pool.send(Reject((await until(pool, Arrived)).call, 486))
        carrier.forgets()
        await answered(pool, carrier)
        assert pool.statistics().restarts == 0

    in_pool(settings(carrier), run)


def test_a_datagram_beyond_any_message_is_not_looked_at(carrier):
    """It takes long to read, and no INVITE is so long: the next caller is heard at once."""

    async def run(pool):
        carrier.invites(sdp=carrier.offer() + "a=x:1\r\n" * 4000, caller="+8613911139111")
        assert (await arrived(pool, carrier)).caller == CALLER

    in_pool(settings(carrier), run)


def test_a_trunk_that_keeps_calling_is_served(far, carrier):
    """SIPp's own calls, 60 of them, eight at once and 20 a second: each is answered, and ended by its caller."""

    async def run(pool):
        ends = []
        while len(ends) < 60:
            async for event in pool.events:
                if isinstance(event, Arrived):
                    pool.send(Answer(event.call, event.trunk))
                if isinstance(event, Ended):
                    ends.append(event)
                    break
        assert {(end.cause, end.ended_by) for end in ends} == {(Cause.NORMAL, Leg.CALLEE)}
        assert pool.statistics().slots_in_use == 0

    towards = ("-r", "20", "-l", "8", f"127.0.0.1:{carrier.door[1]}")
    sipp = far("calls", calls=60, towards=towards, talk_ms="200")
    carrier.port = sipp.port
    in_pool(settings(carrier, lines=10), run)
    sipp.succeeds()


def test_a_stranger_is_not_heard(carrier):
    """The kernel drops what comes from elsewhere, also from another port of a trunk on this host."""

    async def run(pool):
        with udp_socket("127.0.0.2") as elsewhere, udp_socket() as other_port:
            for stranger in (elsewhere, other_port):
                carrier.invites(by=stranger)
            assert (await arrived(pool, carrier, caller="+8613911139111")).caller == "+8613911139111"
            for stranger in (elsewhere, other_port):
                stranger.setblocking(False)
                with pytest.raises(BlockingIOError):
                    stranger.recv(2048)

    in_pool(settings(carrier), run)


@pytest.mark.parametrize(
    ("headers", "caller", "called", "heard_caller"),
    [
        ((), "013800138000", "010-12345678", "+8613800138000"),
        ((), "anonymous", CALLED, ""),
        (("Privacy: id",), CALLER, CALLED, ""),
        (("P-Asserted-Identity: <sip:+8613911139111@carrier.example>",), "anonymous", CALLED, "+8613911139111"),
        ((), "110", CALLED, ""),
    ],
)
def test_numbers_are_read_as_the_trunk_writes_them(carrier, headers, caller, called, heard_caller):
    """Its rules make E.164 of them; whoever hides, or has no number to be called at, is nobody."""

    async def run(pool):
        came = await arrived(pool, carrier, *headers, caller=caller, called=called)
        assert (came.caller, came.called) == (heard_caller, (CALLED,))

    in_pool(settings(carrier, arriving_rules=("0=+86",)), run)


@pytest.mark.parametrize(
    ("sdp", "code"),
    [("v=0\r\nm=audio 9 RTP/AVP 18\r\nc=IN IP4 127.0.0.1\r\n", 488), ("v=0\r\nnothing\r\n", 488)],
)
def test_an_offer_without_usable_audio_is_refused_at_the_door(carrier, sdp, code):
    """The library never sees it."""

    async def run(pool):
        carrier.invites(sdp=sdp)
        assert await heard(carrier) == code

    in_pool(settings(carrier), run)


def test_an_invite_without_an_offer_gets_ours(carrier):
    """The caller's answer comes with the ACK."""

    async def run(pool):
        carrier.invites(sdp="")
        came = await until(pool, Arrived)
        pool.send(Answer(came.call, came.trunk))
        assert await heard(carrier) == 200
        assert "m=audio" in carrier.answer
        carrier.acknowledges(carrier.offer())
        await until(pool, Answered)
        pool.send(HangUp(came.call))
        await in_thread(carrier.answers_bye)
        await until(pool, Ended)

    in_pool(settings(carrier), run)


in_thread = partial(trio.to_thread.run_sync, abandon_on_cancel=True)


def falls_silent(listener) -> bool:
    """Whether it is quiet for 0.2 s, within a while."""
    drained(listener)
    heard_loud = [is_loud(listener.recv(2048)) for _ in range(60)]
    return not any(heard_loud[-10:])


def loud(listener) -> bool:
    """Whether something loud arrives within a while."""
    listener.settimeout(3.0)
    return any(is_loud(listener.recv(2048)) for _ in range(200))
