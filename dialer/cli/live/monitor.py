"""`dialer monitor`: a supervisor listens to a talk, whispers to its agent, or speaks with both."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import click

from dialer.cli.base.failures import CliExit, Failure, did_you_mean
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering
from dialer.core.board import PartyRow
from dialer.core.talks.party import RING_LIMIT_S, PartyState
from dialer.language.phrases import N_
from dialer.language.translation import _
from dialer.operating.desk import Desk, Missing
from dialer.operating.floor_orders import became, listen, listeners
from sip.parties.messages import Voice

Found = TypeVar("Found")

LOOK_EVERY_S: Final = 0.25
HEARD_WITHIN_S: Final = 5.0
"""Daemons read orders at once and say once a second what came of them."""

HEARD: Final = {
    Voice.LISTEN: N_("Nobody hears you."),
    Voice.WHISPER: N_("The agent hears you, the callee does not."),
    Voice.BARGE: N_("Agent and callee hear you."),
}


@click.command()
@examples("dialer monitor 17 --to sip:boss@10.0.0.9", "dialer monitor 17 --whisper", "dialer monitor 17 --stop")
@click.argument("target", metavar="AGENT|ATTEMPT")
@click.option("--to", "uri", metavar="SIP-URI", default="", help="The phone that is rung, such as sip:boss@10.0.0.9.")
@click.option("--whisper", "voice", flag_value=Voice.WHISPER.value, help="The agent hears you, the callee does not.")
@click.option("--barge", "voice", flag_value=Voice.BARGE.value, help="Both hear you.")
@click.option("--listen", "voice", flag_value=Voice.LISTEN.value, default=True, help="Nobody hears you; so it begins.")
@click.option("--stop", is_flag=True, help="Stop listening there.")
@answering
def monitor(invocation: Invocation, target: str, uri: str, voice: str, stop: bool) -> Answer:
    """Listen to the talks of an agent, one after the other, or to one talk by its attempt's id. Your phone is rung; its
    host must be one of `agents.hosts`, as for agents' phones. Without --to the command changes who hears you where you
    listen already. Agents are told if `agents.listeners_told` says so; the audit trail always is. Nothing that happens
    to your phone or its line ends the talk."""
    if uri and stop:
        raise click.UsageError(_("--to begins and --stop ends: give one of them"))
    with invocation.desk() as desk:
        try:
            order = listen(desk, target, now(), uri=uri, voice=Voice(voice), stops=stop)
        except Missing as missing:
            hints = (*did_you_mean(target, missing.reasons), _("See who talks with: dialer call list --state talking"))
            raise Failure(CliExit.NOT_FOUND, str(missing), *hints) from missing
        if uri:
            return _rung(desk, order, target)
        return _changed(desk, order, target, Voice(voice), stop=stop)


def _rung(desk: Desk, order: str, target: str) -> Answer:
    click.echo(_("The phone rings; it is given up after {limit_s} s.", limit_s=round(RING_LIMIT_S)), err=True)
    row = _until(lambda: _settled(became(desk.store, order)), RING_LIMIT_S + HEARD_WITHIN_S)
    if row is None:
        raise _unknown()
    page = [_(HEARD[Voice(row.mode)])]
    if row.state != PartyState.JOINED:
        page.append(_("Agent {agent} does not talk; you hear the next talk.", agent=target))
    page.append(_("On the phone 4 is to listen, 5 to whisper, 6 to speak with both; hanging up ends it."))
    return Answer(_facts(row), " ".join(page))


def _changed(desk: Desk, order: str, target: str, voice: Voice, *, stop: bool) -> Answer:
    def look() -> PartyRow | bool | None:
        refused = _settled(became(desk.store, order))
        rows = listeners(desk.store, desk.who, target)
        if stop:
            return refused or not rows
        return refused or next((row for row in rows if row.mode == voice), None)

    row = _until(look, HEARD_WITHIN_S)
    if not row:
        raise _unknown()
    if isinstance(row, PartyRow):
        return Answer(_facts(row), _(HEARD[voice]))
    return Answer({"state": PartyState.ENDED.value}, _("You no longer listen to {target}.", target=target))


def _unknown() -> Failure:
    hint = _("See them with: dialer status")
    return Failure(CliExit.NO_DAEMON, _("no daemon has said what came of it"), hint)


def _settled(said: tuple[str, PartyRow] | None) -> PartyRow | None:
    """What came of an order, once it is known. Raises `Failure` where it came to nothing."""
    if said is None or said[1].state == PartyState.RINGING:
        return None
    host, row = said
    if row.state == PartyState.ENDED:
        raise Failure(CliExit.REFUSED, _("{host}: {reason}", host=host, reason=row.reason))
    return row


def _facts(row: PartyRow) -> dict[str, str]:
    return {"party": row.party, "agent": row.agent, "attempt_id": row.attempt_id, "mode": row.mode, "state": row.state}


def _until(look: Callable[[], Found | None], limit_s: float) -> Found | None:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if seen := look():
            return seen
        time.sleep(LOOK_EVERY_S)
    return None
