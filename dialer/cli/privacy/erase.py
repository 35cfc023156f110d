"""`dialer erase`: everything that is known of one person, on their request."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import click

from compliance.numbers import E164, BadNumber, masked_text, parse
from dialer.cli.base.arguments import region_option
from dialer.cli.base.failures import warn
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import show_json
from dialer.cli.base.text import say
from dialer.language.translation import _, _n
from dialer.operating import hosts
from dialer.store.base.connection import Store
from dialer.store.operators import campaigns, control
from dialer.store.privacy import erasures
from dialer.store.privacy.erase import Found, find
from dialer.store.privacy.erase import erase as erase_now
from dialer.store.privacy.erasures import Erasure

MAX_REASON = 200
KINDS: Final = ("leads", "queued", "rejected", "events", "unwritten", "histories")
"""What an erasure takes away, in the order in which it is said."""


def _erased(name: str, number: int) -> str:
    """What is gone of one kind, and how much of it."""
    match name:
        case "leads":
            return _n(
                "{number:,} lead with its attempts, outcomes and notes",
                "{number:,} leads with their attempts, outcomes and notes",
                number,
            )
        case "queued":
            return _n(
                "{number:,} lead that waited to be taken in", "{number:,} leads that waited to be taken in", number
            )
        case "rejected":
            return _n("{number:,} copy of a rejected lead", "{number:,} copies of rejected leads", number)
        case "events":
            return _n("{number:,} event in the stream to the CRM", "{number:,} events in the stream to the CRM", number)
        case "unwritten":
            return _n(
                "{number:,} name and notes in an end that waits to be written",
                "{number:,} names and notes in ends that wait to be written",
                number,
            )
        case _:
            return _n("{number:,} contact history", "{number:,} contact histories", number)


@click.command()
@examples(
    'dialer erase 13800001234 --reason "letter of 3 March"',
    'dialer erase --customer C-4711 --reason "asked by mail" --also-history --yes',
)
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
    """
    asked_number = _asked_number(number, customer, reason, region)
    if as_json and not yes:
        raise click.UsageError(_("--json does not ask: give --yes as well"))
    with invocation.store() as store:
        names = campaigns.names(store)
        known = find(store, names, number=asked_number, customer=customer)
        if not as_json:
            _show_found(known, asked_number, customer)
        if not yes:
            click.confirm(_("Erase all of this? It cannot be undone."), abort=True)
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
        raise click.UsageError(_("give a number, or --customer"))
    if not reason.strip() or len(reason) > MAX_REASON:
        raise click.UsageError(_("--reason: 1 to {most} characters", most=MAX_REASON))
    try:
        return None if number is None else parse(number, region)
    except BadNumber as error:
        raise click.UsageError(_("the number cannot be read: {error}", error=error)) from error


def _show_found(known: Found, number: E164 | None, customer: str) -> None:
    say(
        _("Of {number} there is:", number=number)
        if number
        else _("Of customer {customer} there is:", customer=customer)
    )
    for lead in known.leads:
        state = _(", in a call now") if lead.in_attempt else ""
        say(
            _(
                "  lead {lead_id} of {campaign}: {names}{state}",
                lead_id=lead.lead_id,
                campaign=lead.campaign,
                names=", ".join(map(str, lead.numbers)),
                state=state,
            )
        )
    for subject, attempts in known.contacts.items():
        say(
            _(
                "  contact history of {subject}: {attempts}",
                subject=subject,
                attempts=_n("{number:,} attempt", "{number:,} attempts", attempts),
            )
        )
    if not known.leads and not known.contacts:
        say(_("  no lead and no contact history"))
    for other in known.customers:
        if other != customer:
            say(
                _(
                    "  leads of customer {other} under other numbers are not looked for: --customer {other}",
                    other=other,
                )
            )


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
        say(_("Erased (erasure {id}):", id=done.id))
        for name, number in _deleted(done).items():
            say(f"  {_erased(name, number)}")
        if done.leads:
            number = len(done.leads)
            say(
                _(
                    "  {numbers} in a call now and erased when it has ended",
                    numbers=_n("{number:,} lead is", "{number:,} leads are", number),
                )
            )
        say(_("Kept:"))
        for what, why in kept.items():
            say(f"  {what}: {why}")
    if not hosts.read(store).alive:
        warn(_("no daemon is alive: it goes on record when one runs (dialer run)"))


def _deleted(done: Erasure) -> Mapping[str, int]:
    return {name: done.done[name] for name in KINDS if done.done.get(name)}


def _kept(done: Erasure, known: Found) -> dict[str, Any]:
    kept = {
        _("the no-call block on {numbers}", numbers=_n("{number:,} number", "{number:,} numbers", len(done.numbers)))
        + (_(" and the customer") if done.customer else ""): _("without it the next list would bring the calls back"),
        "evidence": _("the law asks for it; it has keyed hashes, no numbers"),
    }
    attempts = sum(Counter(known.contacts).values())
    if attempts and not done.also_history:
        what = _("the contact history, {attempts}", attempts=_n("{number:,} attempt", "{number:,} attempts", attempts))
        kept[what] = _("the frequency rules need it until its retention ends; it has digits and times (--also-history)")
    return kept
