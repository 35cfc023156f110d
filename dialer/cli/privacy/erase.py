"""`dialer erase`: everything that is known of one person, on their request."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from compliance.numbers import E164, BadNumber, masked_text, parse
from dialer.cli.base.arguments import region_option
from dialer.cli.base.failures import warn
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import show_json
from dialer.cli.base.text import say
from dialer.language.translation import _
from dialer.operating import hosts
from dialer.operating.text import counted
from dialer.store.base.connection import Store
from dialer.store.operators import campaigns, control
from dialer.store.privacy import erasures
from dialer.store.privacy.erase import Found, find
from dialer.store.privacy.erase import erase as erase_now
from dialer.store.privacy.erasures import Erasure

MAX_REASON = 200
DONE = {
    "leads": ("lead with its attempts, outcomes and notes", "leads with their attempts, outcomes and notes"),
    "queued": ("lead that waited to be taken in", "leads that waited to be taken in"),
    "rejected": ("copy of a rejected lead", "copies of rejected leads"),
    "events": ("event in the stream to the CRM", "events in the stream to the CRM"),
    "unwritten": (
        "name and notes in an end that waits to be written",
        "names and notes in ends that wait to be written",
    ),
    "histories": ("contact history", "contact histories"),
}


@click.command()
@click.argument("number", required=False)
@click.option("--customer", default="", metavar="ID", help="Erase by the CRM's customer_id instead.")
@click.option("--reason", required=True, help="Why, for the record, such as the letter's date.")
@click.option("--also-history", is_flag=True, help="Delete the contact history, too, before its retention ends.")
@region_option
@click.option("--yes", is_flag=True, help="Do not ask before.")
@json_option
@pass_invocation
def erase(
    invocation: Invocation,
    number: str | None,
    customer: str,
    reason: str,
    also_history: bool,
    region: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase one person from all campaigns, on their request. It cannot be undone.

    Deleted are leads with the number, or of the customer, in whatever state, with their attempts, outcomes and notes;
    copies of rejected leads; events in the stream to the CRM; recordings, by each host within seconds, or when it is
    back. A call in progress ends as usual, and its lead is erased then. The archive of calls forgets the person when
    its service reads of it. What other programs have read, the CRM or a backup, they have to delete themselves.

    Kept are the numbers on the no-call list, because the next list would bring the calls back, and for hosts that are
    away and have recordings; the contact history
    until its retention ends, because the frequency rules need it, unless --also-history is given; evidence, which has
    keyed hashes of numbers; counts. The erasure goes into the audit trail and on record.

    \b
    Example:
      dialer erase 13800001234 --reason "letter of 3 March"
      dialer erase --customer C-4711 --reason "asked by mail" --also-history --yes
    """
    asked_number = _asked_number(number, customer, reason, region)
    if as_json and not yes:
        raise click.UsageError("--json does not ask: give --yes as well")
    with invocation.store() as store:
        names = campaigns.names(store)
        known = find(store, names, number=asked_number, customer=customer)
        if not as_json:
            _show_found(known, asked_number, customer)
        if not yes:
            click.confirm("Erase all of this? It cannot be undone.", abort=True)
        moment = now()
        asked = Erasure(
            id=f"{int(moment):x}-{secrets.token_hex(3)}",
            at=moment,
            who=invocation.who,
            reason=reason,
            asked=asked_number,
            customer=customer,
            also_history=also_history,
        )
        control.audit(
            store,
            "erase",
            who=invocation.who,
            now=moment,
            detail={"erasure": asked.id, "reason": masked_text(reason), "also_history": also_history},
        )
        done = replace(erase_now(store, asked, names), complete=True)
        erasures.save(store, done)
        _show_done(store, done, known, as_json)


def _asked_number(number: str | None, customer: str, reason: str, region: str) -> E164 | None:
    if (number is None) == (not customer):
        raise click.UsageError("give a number, or --customer")
    if not reason.strip() or len(reason) > MAX_REASON:
        raise click.UsageError(f"--reason: 1 to {MAX_REASON} characters")
    try:
        return None if number is None else parse(number, region)
    except BadNumber as error:
        raise click.UsageError(f"the number cannot be read: {error}") from error


def _show_found(known: Found, number: E164 | None, customer: str) -> None:
    say(f"Of {number or f'customer {customer}'} there is:")
    for lead in known.leads:
        state = ", in a call now" if lead.in_attempt else ""
        say(f"  lead {lead.lead_id} of {lead.campaign}: {', '.join(map(str, lead.numbers))}{state}")
    for subject, attempts in known.contacts.items():
        say(f"  contact history of {subject}: {counted(attempts, 'attempt')}")
    if not known.leads and not known.contacts:
        say("  no lead and no contact history")
    for other in known.customers:
        if other != customer:
            say(f"  leads of customer {other} under other numbers are not looked for: --customer {other}")


def _show_done(store: Store, done: Erasure, known: Found, as_json: bool) -> None:
    kept = _kept(done, known)
    if as_json:
        show_json(
            {
                "erasure": done.id,
                "numbers": [str(number) for number in done.numbers],
                "deleted": _deleted(done),
                "in_a_call": len(done.leads),
                "kept": kept,
            }
        )
    else:
        say(f"Erased (erasure {done.id}):")
        for name, number in _deleted(done).items():
            say(f"  {counted(number, *DONE[name])}")
        if done.leads:
            number = len(done.leads)
            say(f"  {counted(number, 'lead is', 'leads are')} in a call now and erased when it has ended")
        say("Kept:")
        for what, why in kept.items():
            say(f"  {what}: {why}")
    if not hosts.read(store).alive:
        warn(_("no daemon is alive: it goes on record when one runs (dialer run)"))


def _deleted(done: Erasure) -> Mapping[str, int]:
    return {name: done.done[name] for name in DONE if done.done.get(name)}


def _kept(done: Erasure, known: Found) -> dict[str, Any]:
    kept = {
        f"the no-call block on {counted(len(done.numbers), 'number')}"
        + (" and the customer" if done.customer else ""): "without it the next list would bring the calls back",
        "evidence": "the law asks for it; it has keyed hashes, no numbers",
    }
    attempts = sum(Counter(known.contacts).values())
    if attempts and not done.also_history:
        what = f"the contact history, {counted(attempts, 'attempt')}"
        kept[what] = "the frequency rules need it until its retention ends; it has digits and times (--also-history)"
    return kept
