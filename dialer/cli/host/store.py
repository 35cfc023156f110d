"""`dialer store`: whether Redis still knows what it was told, and the word that lets hosts go on where it does not."""

from __future__ import annotations

from typing import Final

import click
from rich.console import RenderableType
from rich.text import Text

from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, alarm, answering, facts, show_page, table, when
from dialer.language.phrases import N_
from dialer.language.translation import _, _n
from dialer.store.settlement import acceptance
from dialer.store.settlement.acceptance import HostStanding, HostState, Standing, Wait
from dialer.store.settlement.marker import Verdict

MAX_REASON: Final = 500
STYLES: Final = {HostState.WHOLE: "green", HostState.LEFT: "dim", HostState.OWES: "yellow"}
GONE: Final = {
    Verdict.FORGOT: N_(
        "leads, erasures and commands that others wrote in that time, and requests that no host had read"
    ),
    Verdict.EMPTIED: N_("campaigns, leads, the no-call list, the CRM's events, and all that was counted before"),
    Verdict.REPLACED: N_("what the server had before that this one does not have: leads, no-call list, counts"),
}


@click.group(cls=NearGroup)
@examples("dialer store status", 'dialer store accept --reason "restored the backup of 13:00"')
def store() -> None:
    """Whether Redis still knows what it was told.

    Each daemon notices a Redis that lost its last seconds, was emptied, came back from a backup or is another one. It
    calls nobody, tells Redis again what its own disk has, and goes on. Where that is not enough it waits for a person.
    """


@store.command()
@examples("dialer store status")
@answering
def status(invocation: Invocation) -> Answer:
    """Show for each host whether Redis knows all that it did, and what those that wait have found."""
    with invocation.store() as opened:
        standing = acceptance.standing(opened)
    return Answer(standing, _page(standing))


@store.command()
@examples('dialer store accept --reason "restored the backup of 13:00"')
@click.option("--reason", required=True, help="Why this may go on, for the audit trail.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@answering
def accept(invocation: Invocation, reason: str, yes: bool) -> Answer:
    """Let the hosts that wait go on with Redis as it is.

    Says first what is lost. Each host then tells Redis what its disk has: attempts, so that caps hold, ends, and who
    asked by key not to be called. What others wrote is gone: restore a backup first if there is a newer one, and load
    leads, blocks and campaigns again that are missing.
    """
    if not reason.strip() or len(reason) > MAX_REASON:
        raise click.UsageError(_("--reason: 1 to {most} characters", most=MAX_REASON))
    with invocation.store() as opened:
        waiting = acceptance.standing(opened).waiting
        if waiting and not yes:
            show_page([_waits(host, why) for host, why in waiting.items()])
            click.confirm(_("Go on with Redis as it is?"), abort=True)
        accepted = acceptance.accept(opened, who=invocation.who, reason=reason, now=now())
    return Answer(
        {"accepted": accepted}, _("Accepted: {names} will go on. See dialer store status.", names=", ".join(accepted))
    )


def _page(standing: Standing) -> list[RenderableType]:
    if not standing.hosts:
        return [_("No host has been here.")]
    rows = [_row(host) for host in standing.hosts]
    notes = [_waits(host, why) for host, why in standing.waiting.items()]
    again = max(0, standing.generation - 1)
    known = facts(
        {
            "data in Redis": standing.identity or alarm("none of these hosts"),
            "had to be told again": _n("{number:,} time", "{number:,} times", again) if again else "never",
        }
    )
    return [known, table(("host", "of what it did Redis has", "last heard"), rows), *notes]


def _row(host: HostStanding) -> list[Text | str]:
    words = {
        HostState.WHOLE: "all",
        HostState.LEFT: _("all, until it stopped"),
        HostState.OWES: _("not all: it is telling it again"),
        HostState.MISSED: _("not the last: it never came to tell it"),
        HostState.WAITS: _("too little: dialer store accept"),
    }[host.state]
    return [host.host, Text(words, STYLES.get(host.state, "bold red")), when(host.seen_at or None)]


def _waits(host: str, why: Wait) -> Text:
    back = _(", from {reaches_back_to} on", reaches_back_to=when(why.reaches_back_to)) if why.reaches_back_to else ""
    lines = _(
        "{attempts} and {ends}{back}",
        attempts=_n("{number:,} attempt", "{number:,} attempts", why.attempts),
        ends=_n("{number:,} end", "{number:,} ends", why.ends),
        back=back,
    )
    text = Text.assemble((f"{host}: {why.words}", "bold red"), _(", since {at}.\n", at=when(why.at)))
    return text + Text(_("  It can tell again: {lines}.\n  Lost: {lost}.", lines=lines, lost=_(GONE[why.verdict])))
