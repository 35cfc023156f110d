"""`dialer leads release | reopen | move | copy | cancel | priority | delete`: leads after they came in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

import click

from dialer.cli.base.arguments import campaign_names
from dialer.cli.base.failures import CliExit
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, progress_bar, show_page
from dialer.cli.base.scheduling import standing_back
from dialer.cli.leads.lead_choice import Choice, choice_options, find, time_of
from dialer.core.leads import lead_reasons
from dialer.language.phrases import N_
from dialer.language.translation import _, _n, word
from dialer.store.base.connection import Store
from dialer.store.leads.bulk import changes, deletion, transfer
from dialer.store.leads.bulk.changes import Change, Done
from dialer.store.leads.bulk.transfer import Transfer
from dialer.store.leads.lead_codec import HIGHEST_PRIORITY
from dialer.store.leads.leads import LeadState
from dialer.store.operators import campaigns, control
from dialer.store.privacy.retention import Purged

OPEN: Final = (LeadState.DUE, LeadState.WAITING, LeadState.LEASED, LeadState.IN_ATTEMPT)
ANY: Final = tuple(LeadState)
REST_S: Final = 0.002
"""Between two batches the floor has the server for itself, for about twice as long as one takes."""

MAX_REASON: Final = 200

WORDS: Final = {
    "done": N_("done"),
    "at_end": N_("in a call: when it ends"),
    "in_call": N_("in a call: left as they are, try again after it"),
    "elsewhere": N_("changed their place meanwhile: left as they are"),
    "duplicate": N_("whose id or number is there already: left as they are"),
    "gone": N_("gone"),
}
_FATE_OF: Final = {Done.ABSENT: "gone", Done.CHANGED: "done", Done.ELSEWHERE: "elsewhere", Done.AT_END: "at_end"}
_PURGED_AS: Final = {Purged.ABSENT: "gone", Purged.GONE: "done", Purged.HELD: "in_call"}

Batch = Callable[[Store, Sequence[str], float], Mapping[str, int]]
"""Does it to one batch of leads at a moment, and says how many had which fate (of `WORDS`)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: `verb` in the infinitive, `past` as the answer has it; `default` are the states that are
    meant where none is named. `detail` goes into the audit trail."""

    verb: str
    past: str
    default: tuple[LeadState, ...]
    batch: Batch
    at_once: int = changes.CHANGED_AT_ONCE
    detail: Mapping[str, str] = field(default_factory=dict)


yes_option = click.option("--yes", is_flag=True, help="Do not ask before.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Say how many there are, and change none.")
at_option = click.option("--at", metavar="TIME", help="When they are due: 14:00, 2027-01-31T09:00, 3d. [default: now]")
to_option = click.option("--to", "target", required=True, metavar="CAMPAIGN", shell_complete=campaign_names)
level_option = click.option("--priority", type=click.IntRange(0, HIGHEST_PRIORITY), help="Their priority from now on.")
why_option = click.option("--because", default="", metavar="TEXT", help="Why, for the leads' stories.")


def planned(function: Callable[..., Plan]) -> Callable[..., None]:
    """A command that does to the chosen leads what `function` plans."""

    @wraps(function)
    def command(invocation: Invocation, *, choice: Choice, dry_run: bool, yes: bool, **given: Any) -> Answer:
        with standing_back(), invocation.store() as store:
            plan = function(invocation, choice, **given)  # in it: the server knows who plans
            return _carry_out(invocation, store, choice, plan, dry_run, yes)

    return dry_run_option(yes_option(answering(command)))


def _carry_out(invocation: Invocation, store: Store, choice: Choice, plan: Plan, dry_run: bool, yes: bool) -> Answer:
    """Look, show what was found, ask, do it in batches, write it into the audit trail."""
    as_json = bool(click.get_current_context().params.get("as_json"))
    if as_json and not (yes or dry_run):
        raise click.UsageError(_("--json does not ask: give --yes or --dry-run as well"))
    campaigns.get(store, choice.campaign)
    matching = find(store, choice, plan.default, hidden=as_json)
    data: dict[str, Any] = {
        "campaign": choice.campaign,
        "matched": len(matching.lead_ids),
        "found": matching.to_wire(),
    }
    if not matching.lead_ids:
        return Answer(data | {"fates": {}}, _("No lead of {campaign} is like that.", campaign=choice.campaign))
    what = _(
        "{leads} of {campaign}",
        leads=_n("{number:,} lead", "{number:,} leads", len(matching.lead_ids)),
        campaign=choice.campaign,
    )
    preview = [_("To {verb}: {what}", verb=word(plan.verb), what=what), matching.page()]
    if dry_run:
        return Answer(data | {"fates": {}}, preview)
    if not as_json:
        show_page(preview)
    if not yes:
        click.confirm(_("{verb} {what}?", verb=word(plan.verb).capitalize(), what=what), abort=True)
    fates = _in_batches(invocation, store, choice, plan, matching.lead_ids, hidden=as_json)
    lines = [_("{past}: {leads}", past=plan.past, leads=_n("{number:,} lead", "{number:,} leads", fates["done"]))]
    lines += [
        _("  {number:,} {fate}", number=number, fate=_(WORDS[fate]))
        for fate, number in fates.items()
        if number and fate != "done"
    ]
    left = any(number for fate, number in fates.items() if fate not in ("done", "at_end"))
    return Answer(data | {"fates": dict(fates)}, lines, code=CliExit.PARTLY if left else 0)


def _in_batches(
    invocation: Invocation, store: Store, choice: Choice, plan: Plan, lead_ids: Sequence[str], *, hidden: bool
) -> Counter[str]:
    fates: Counter[str] = Counter()
    try:
        with progress_bar(plan.verb, len(lead_ids), hidden=hidden) as bar:
            for first in range(0, len(lead_ids), plan.at_once):
                ids = lead_ids[first : first + plan.at_once]
                fates.update(plan.batch(store, ids, now()))
                bar.advance(len(ids))
                time.sleep(REST_S)
    finally:  # also where somebody interrupts it, or the server goes away
        detail = {**choice.given, **plan.detail, "matched": len(lead_ids), "fates": dict(fates)}
        what = f"leads_{plan.verb.split()[0]}"
        control.audit(store, what, who=invocation.who, now=now(), detail=detail)
    return fates


def _changing(invocation: Invocation, choice: Choice, change: Change) -> Batch:
    def batch(store: Store, ids: Sequence[str], moment: float) -> Mapping[str, int]:
        answers = changes.change(store, choice.campaign, ids, change, who=invocation.who, now=moment).counts()
        return {_FATE_OF[done]: number for done, number in answers.items()}

    return batch


def _reason(text: str) -> str:
    if len(text) > MAX_REASON:
        raise click.UsageError(_("--because: at most {most} characters", most=MAX_REASON))
    return text


@click.command("release")
@examples("dialer leads release spring-sale --reason hours")
@choice_options
@at_option
@planned
def release(invocation: Invocation, choice: Choice, at: str | None) -> Plan:
    """Let leads that wait be due at once, or at a time.

    Every rule still judges them before they are called: who is refused waits again, for what holds now.
    """
    due_at, why = time_of(at, "--at", now()) or now(), lead_reasons.ordered("released", invocation.who)
    change = changes.due_again({LeadState.WAITING}, due_at, why)
    return Plan("release", _("Released"), (LeadState.WAITING,), _changing(invocation, choice, change))


@click.command("reopen")
@examples("dialer leads reopen spring-sale --disposition no_answer --older-than 3d")
@choice_options
@at_option
@level_option
@planned
def reopen(invocation: Invocation, choice: Choice, at: str | None, priority: int | None) -> Plan:
    """Call closed leads again: recycle no-answers, for example. Their tries and their story stay.

    Caps, calling hours and the no-call list hold for them as for any lead. How often the retry table calls them again
    is counted over all their tries.
    """
    due_at, why = time_of(at, "--at", now()) or now(), lead_reasons.ordered("reopened", invocation.who)
    change = changes.due_again({LeadState.CLOSED}, due_at, why, priority)
    return Plan("reopen", _("Reopened"), (LeadState.CLOSED,), _changing(invocation, choice, change))


@click.command("cancel")
@examples('dialer leads cancel spring-sale 4711 4712 --because "bought in the shop" --yes')
@choice_options
@why_option
@planned
def cancel(invocation: Invocation, choice: Choice, because: str) -> Plan:
    """Call leads no more: they are closed, wherever they are.

    One that a daemon is about to dial is not dialled. A phone that rings already rings for the legal minimum, whoever
    answers is served, and the lead is closed after that.
    """
    change = changes.cancelled(invocation.who, _reason(because))
    return Plan("cancel", _("Cancelled"), OPEN, _changing(invocation, choice, change))


@click.command("priority")
@examples("dialer leads priority 9 spring-sale --attr vip=true")
@click.argument("level", type=click.IntRange(0, HIGHEST_PRIORITY))
@choice_options
@planned
def priority(invocation: Invocation, choice: Choice, level: int) -> Plan:
    """Give leads another priority: 9 goes first, 5 is usual."""
    change = changes.prioritised(level)
    return Plan("priority", _("Of priority {level} now", level=level), OPEN, _changing(invocation, choice, change))


@click.command("move")
@examples("dialer leads move spring-sale --to win-back --disposition no_answer")
@choice_options
@to_option
@level_option
@planned
def move(invocation: Invocation, choice: Choice, target: str, priority: int | None) -> Plan:
    """Move leads into another campaign, with their tries. Their history stays where it was made.

    Leads in a call stay, and so do those whose id or number is there already. After an interruption move them again:
    dialer leads move CAMPAIGN --to OTHER --state closed --reason moved.
    """
    batch = _transferring(transfer.move, invocation, choice, target, priority)
    return Plan("move", _("Moved to {target}", target=target), OPEN, batch, detail={"to": target})


@click.command("copy")
@examples("dialer leads copy spring-sale --to survey --outcome sale")
@choice_options
@to_option
@level_option
@planned
def copy(invocation: Invocation, choice: Choice, target: str, priority: int | None) -> Plan:
    """Copy leads into another campaign, as fresh ones. Caps count the calls of both."""
    batch = _transferring(transfer.copy, invocation, choice, target, priority)
    return Plan("copy", _("Copied to {target}", target=target), ANY, batch, detail={"to": target})


def _transferring(
    act: Callable[[Store, Transfer, Sequence[str], float], Mapping[transfer.Fate, int]],
    invocation: Invocation,
    choice: Choice,
    target: str,
    priority: int | None,
) -> Batch:
    if target == choice.campaign:
        raise click.UsageError(_("--to: that is where they are"))
    with invocation.store() as store:
        campaigns.get(store, target)
    way = Transfer(choice.campaign, target, invocation.who, priority)

    def batch(store: Store, ids: Sequence[str], moment: float) -> Mapping[str, int]:
        return {fate.value: number for fate, number in act(store, way, ids, moment).items()}

    return batch


@click.command("delete")
@examples("dialer leads delete spring-sale --file taken-back.csv")
@choice_options
@planned
def delete(invocation: Invocation, choice: Choice) -> Plan:
    """Delete leads with everything that the campaign knows of them. It cannot be undone.

    What is counted stays: reports, the abandonment ledger, and the contact history of their numbers, which the caps
    need. One in a call is closed when it ends: delete it then. A person who asks to be forgotten is erased with
    `dialer erase`. The CRM is told which leads are gone.
    """

    def batch(store: Store, ids: Sequence[str], moment: float) -> Mapping[str, int]:
        change = changes.cancelled(invocation.who, _("to be deleted"))
        changes.change(store, choice.campaign, ids, change, who=invocation.who, now=moment)
        deleted = deletion.delete(store, choice.campaign, ids, who=invocation.who, now=moment)
        return Counter(_PURGED_AS[answer] for answer in deleted)

    return Plan("delete", _("Deleted"), ANY, batch)


COMMANDS: Final = (release, reopen, move, copy, cancel, priority, delete)
