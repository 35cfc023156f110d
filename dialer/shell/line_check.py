"""Whether a trunk works, looked at from this host: its name, OPTIONS, and a test call where somebody asks for one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import trio

from config.daemon import DaemonSettings
from dialer.core.calls.call import CallState
from dialer.core.calls.dispositions import TRUNK_FAULTS, disposition_of
from dialer.shell.host_checks import Finding, State, ok
from dialer.shell.parts import pool_settings
from sip import address
from sip.causes import Cause
from sip.messages import Answered, Cancel, Dial, Ended, HangUp, PoolEvent, Progress
from sip.names import Names
from sip.options import NoReply, ask
from sip.pool import Pool, open_pool
from sip.settings import Trunk

AREA: Final = "trunks"
TEST_CALL: Final = "test-call"
RING_S: Final = 30.0
"""A test call rings so long at most."""

LISTEN_S: Final = 2.0
"""After the answer: long enough for a carrier to say that it has changed its mind, short for whoever answered."""

LAST_WORD_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class CallReport:
    """What came of a test call: sentences, in order, and whether the trunk is not to blame for its end."""

    steps: tuple[str, ...]
    works: bool


def trunks_of(settings: DaemonSettings) -> tuple[Trunk, ...]:
    """The trunks as workers reach them: through the edge, where one is used."""
    return pool_settings(settings).trunks


def check_trunk(trunk: Trunk, settings: DaemonSettings) -> Iterator[Finding]:
    """Whether a trunk's name has an address and something there answers OPTIONS. Some carriers never do and take calls
    all the same, so silence is a warning."""
    ((known,), problems) = trio.run(Names().with_addresses, (trunk,))
    for problem in problems.values():
        yield Finding(AREA, State.FAULT, f"{trunk.name}: {problem}", "look at trunks.host, and at this host's DNS")
    for host, port in address.targets_of(known):
        where = f"{trunk.name} ({host}:{port})"
        try:
            sip = settings.sip
            reply = ask(host, port, bind_address=sip.bind_address, user_agent=sip.user_agent)
        except NoReply as error:
            remedy = (
                "ask the carrier whether it answers OPTIONS; if it does, look at address, firewall and bind_address"
            )
            yield Finding(AREA, State.WARNING, f"{where}: {error}", remedy)
            continue
        said = f"{where}: {reply.status} {reply.reason} to OPTIONS after {reply.delay_s * 1000:.0f} ms"
        yield ok(AREA, said) if reply.serves else Finding(AREA, State.FAULT, said, "ask the carrier")


def call_once(settings: DaemonSettings, trunk: Trunk, number: str, caller_id: str) -> CallReport:
    """Call a number through a trunk, hang up soon after the answer, and say what happened. Who may be called is the
    caller's to have judged."""
    return trio.run(_call_once, settings, trunk, number, caller_id)


async def _call_once(settings: DaemonSettings, trunk: Trunk, number: str, caller_id: str) -> CallReport:
    wanted = replace(
        pool_settings(settings), trunks=(trunk,), lines=1, rtp_port_first=0, rtp_port_last=0, inbound_port=0
    )
    steps: list[str] = []
    async with open_pool(wanted) as pool:
        pool.send(Dial(TEST_CALL, trunk.name, number, caller_id, give_up_s=RING_S + LAST_WORD_S))
        ended = await _listen(pool, steps)
    if ended is None:
        return CallReport((*steps, "no word of its end came: look at the log of the SIP side"), False)
    disposition = disposition_of(CallState.DIALLING, ended.cause, ended.ended_by)
    works = disposition not in TRUNK_FAULTS and ended.cause not in {Cause.NOT_SENT, Cause.WORKER_LOST}
    return CallReport((*steps, _how_it_ended(ended, works)), works)


async def _listen(pool: Pool, steps: list[str]) -> Ended | None:
    """Follow the call to its end: cancel it when it has rung long enough, hang up soon after the answer."""
    began, stop_at, answered = time.monotonic(), trio.current_time() + RING_S, False
    while True:
        event: PoolEvent | None = None
        with trio.move_on_at(stop_at):
            event = await pool.events.receive()
        since_s = time.monotonic() - began
        match event:
            case None if stop_at == float("inf"):
                return None
            case None:
                pool.send(HangUp(TEST_CALL) if answered else Cancel(TEST_CALL))
                steps.append("hung up" if answered else f"gave up after {RING_S:.0f} s")
                stop_at = trio.current_time() + LAST_WORD_S
            case Progress(_, _, code, early_media):
                sound = ", with sound of the network" if early_media else ""
                steps.append(f"{'rings' if code == 180 else 'is on its way'} after {since_s:.1f} s ({code}){sound}")
            case Answered():
                answered, stop_at = True, trio.current_time() + LISTEN_S
                steps.append(f"answered after {since_s:.1f} s")
            case Ended():
                return event
            case _:
                pass


def _how_it_ended(ended: Ended, works: bool) -> str:
    said = f"{ended.sip_code} {ended.reason}".strip() if ended.sip_code else ended.reason
    match ended.cause:
        case Cause.NORMAL:
            return "ended in good order: the trunk works, with audio agreed on"
        case Cause.CANCELLED:
            return "nobody answered; the trunk works"
        case Cause.MEDIA_ERROR:
            return f"no audio could be agreed on: look at trunks.codecs and at NAT ({said})"
        case Cause.TRUNK_UNREACHABLE:
            return "the carrier said nothing at all: look at host, port, firewall"
        case Cause.AUTH_ERROR:
            return f"the carrier does not take user name and password ({said})"
    blame = "the trunk works, the number did not take the call" if works else "the trunk is to blame"
    return f"ended as {ended.cause} ({said}): {blame}"
