"""`dialer lists`: the lists of a campaign, what became of their leads, overlaps, and taking one back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import click
from rich.text import Text

from dialer.cli.base.arguments import campaign_argument
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.figures import bar
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, alarm, answering, facts, fitted, progress_bar, table, when
from dialer.language.translation import _, _n
from dialer.operating.figures import ACCENT, QUIET, count, percent
from dialer.operating.glossary import place_word
from dialer.store.base.connection import Store
from dialer.store.leads import lists as store_lists
from dialer.store.leads.leads import LeadState
from dialer.store.leads.lists import Import, Intake, Tally
from dialer.store.leads.rejections import rejections
from dialer.store.operators import campaigns, control, status

SEPARATOR = "/"


@click.group(cls=NearGroup)
@examples(
    "dialer lists list spring-sale",
    "dialer lists show spring-sale march-customers",
    "dialer lists compare spring-sale survey",
)
def lists() -> None:
    """Lists of leads: each file that is imported is one; leads from the CRM name theirs, or belong to `stream`."""


@dataclass(frozen=True, slots=True)
class _List:
    """All that is known of one list."""

    name: str
    imports: Sequence[Import]
    intake: Intake
    tally: Tally

    @property
    def owner(self) -> str:
        return self.imports[0].owner if self.imports else ""

    @property
    def rejected(self) -> int:
        """Of the files' rows and by the daemons."""
        return sum(imported.rejected for imported in self.imports) + self.intake.rejected


def _known(store: Store, campaign: str) -> list[_List]:
    """Every list of a campaign, the newest import last."""
    total = status.counts(store, campaign, now()).standing.accepted
    sums: dict[str, Tally] = {}
    with progress_bar(_("counting leads"), total) as progress:
        for part in store_lists.tallies(store, campaign):
            store_lists.add(sums, part)
            progress.advance(sum(tally.leads for tally in part.values()))
    imports: dict[str, list[Import]] = {}
    for imported in store_lists.imports(store, campaign).values():
        imports.setdefault(imported.list_name, []).append(imported)
    intakes = store_lists.intakes(store, campaign)
    names = dict.fromkeys([*imports, *sorted({*intakes, *sums})])
    return [_List(name, imports.get(name, []), intakes.get(name, Intake()), sums.get(name, Tally())) for name in names]


@lists.command("list")
@examples("dialer lists list spring-sale")
@campaign_argument
@answering
def list_(invocation: Invocation, campaign: str) -> Answer:
    """List the lists of a campaign: what came in, what was rejected, and how far they have been called."""
    with invocation.store() as store:
        campaigns.get(store, campaign)
        known = _known(store, campaign)
    if not known:
        return Answer(
            [],
            _(
                "Campaign {campaign} has no list yet. Make one with: dialer leads import {campaign} FILE",
                campaign=campaign,
            ),
        )
    heads = ("list", "owner", "came", "accepted", "rejected", "leads", "to call", "tried", "connected", "")
    figures = ("accepted", "rejected", "leads", _("to call"), "tried", "connected")
    page = fitted(
        heads, [_row(each) for each in known], right=figures, optional=("connected", "came", "owner", "accepted")
    )
    return Answer([_data(each) for each in known], page)


def _row(known: _List) -> tuple[str | Text, ...]:
    tally = known.tally
    return (
        Text(known.name, "bold"),
        known.owner,
        when(known.imports[0].at)[:10] if known.imports else "",
        count(known.intake.accepted),
        count(known.rejected),
        count(tally.leads),
        count(tally.leads - tally.closed),
        percent(tally.penetration, 0) if tally.leads else "",
        count(tally.connected),
        Text(_("taken back"), QUIET) if known.intake.taken_back_at is not None else "",
    )


def _data(known: _List) -> dict[str, Any]:
    return {
        "list": known.name,
        "owner": known.owner,
        "imports": [
            {name: getattr(imported, name) for name in imported.__struct_fields__ if name != "list_name"}
            for imported in known.imports
        ],
        "accepted": known.intake.accepted,
        "rejected": known.rejected,
        "taken_back_at": known.intake.taken_back_at,
        **asdict(known.tally),
        "penetration": known.tally.penetration,
    }


@lists.command("show")
@examples("dialer lists show spring-sale march-customers")
@campaign_argument
@click.argument("name", metavar="LIST")
@answering
def show_(invocation: Invocation, campaign: str, name: str) -> Answer:
    """Show one list: its files, where its leads are, how far it has been called, and why leads were rejected.

    Reasons of files are those of their last import; reasons of the daemons are counted over the rejected leads that the
    campaign still keeps.
    """
    with invocation.store() as store:
        campaigns.get(store, campaign)
        known = _one(_known(store, campaign), campaign, name)
        by_daemons, examples = rejections(store, campaign, name)
    by_files: dict[str, int] = {}
    for imported in known.imports:
        for reason, number in imported.reasons.items():
            by_files[reason] = by_files.get(reason, 0) + number
    data = {**_data(known), "rejected_in_files": by_files, "rejected_by_daemons": dict(by_daemons)}
    tally = known.tally
    places = {state: getattr(tally, state.value) for state in LeadState}
    known_facts: dict[str, str | Text] = {
        "list": Text(name, "bold"),
        "owner": known.owner,
        "accepted": count(known.intake.accepted),
        "leads now": count(tally.leads),
        "tried": Text.assemble(
            bar(tally.penetration, 20, ACCENT),
            _(" {tried:,} leads, {penetration}", tried=tally.tried, penetration=percent(tally.penetration)),
        ),
        "connected": count(tally.connected),
        "places": ", ".join(f"{place_word(state)} {count(number)}" for state, number in places.items()),
    }
    page: list[Any] = [facts(known_facts)]
    if known.intake.taken_back_at is not None:
        page.append(
            alarm(
                _(
                    "taken back at {taken_back_at}: nothing comes into it any more",
                    taken_back_at=when(known.intake.taken_back_at),
                ),
                "yellow",
            )
        )
    if known.imports:
        heads = ("file", "read as", "at", "by", "rows", "sent", "rejected")
        drawn = [
            (
                each.file,
                each.what,
                when(each.at)[:16],
                each.who,
                count(each.rows),
                count(each.sent),
                count(each.rejected),
            )
            for each in known.imports
        ]
        page += ["", fitted(heads, drawn, right=("rows", "sent", "rejected"), optional=("read as", "by"))]
    reasons = [("file", number, reason, "") for reason, number in by_files.items()]
    reasons += [("daemon", number, reason, ", ".join(examples[reason])) for reason, number in by_daemons.items()]
    if reasons:
        reasons.sort(key=lambda row: -row[1])
        lines = [(source, count(number), reason, such) for source, number, reason, such in reasons]
        page += ["", table(("by", "rejected", "why", "such as lead"), lines, right=("rejected",))]
    return Answer(data, page)


def _one(known: Sequence[_List], campaign: str, name: str) -> _List:
    match = next((each for each in known if each.name == name), None)
    if match is None:
        names = ", ".join(each.name for each in known[:10]) or _("none yet")
        raise Failure(
            CliExit.NOT_FOUND,
            _("campaign {campaign!r} has no list {name!r}", campaign=campaign, name=name),
            _("Its lists: {names}", names=names),
        )
    return match


# --- taking back ------------------------------------------------------------------------------------------------------


@lists.command()
@examples("dialer lists takeback spring-sale march-customers")
@campaign_argument
@click.argument("name", metavar="LIST")
@click.option("--yes", is_flag=True, help="Do not ask before.")
@answering
def takeback(invocation: Invocation, campaign: str, name: str, yes: bool) -> Answer:
    """Take a list back: delete all its leads, whatever their state, and let nothing come into it any more. It cannot be
    undone.

    A lead in a call is closed when the call ends; take the list back again to delete it. What the rules need stays: the
    contact history of the numbers, the no-call list, evidence and counts.
    """
    with invocation.store() as store:
        campaigns.get(store, campaign)
        known = _one(_known(store, campaign), campaign, name)
        leads = known.tally.leads
        if not yes:
            called = _("{tried:,} of them called before", tried=known.tally.tried)
            question = _(
                "Delete {leads} of the list {name}, {called}? It cannot be undone.",
                leads=_n("{number:,} lead", "{number:,} leads", leads),
                name=name,
                called=called,
            )
            click.confirm(question, abort=True, err=True)
        moment = now()
        done = store_lists.TakenBack()
        with progress_bar(_("taking back"), leads) as progress:
            for done in store_lists.take_back(store, campaign, name, moment, who=invocation.who):
                progress.reach(done.deleted + done.held)
        detail = {"campaign": campaign, "list": name, "deleted": done.deleted, "held": done.held}
        control.audit(store, "list_takeback", who=invocation.who, now=moment, detail=detail)
    lines = [
        _(
            "Took back the list {name}: {leads} deleted.",
            name=name,
            leads=_n("{number:,} lead", "{number:,} leads", done.deleted),
        )
    ]
    if done.held:
        lines.append(
            _(
                "  {leads} in a call, or not announced yet: take it back again in a minute.",
                leads=_n("{number:,} lead", "{number:,} leads", done.held),
            )
        )
    return Answer({"campaign": campaign, "list": name, **asdict(done)}, lines, code=CliExit.PARTLY if done.held else 0)


# --- overlaps ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _People:
    """Whom a list would call: numbers and customers."""

    leads: int = 0
    numbers: set[int] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)


@lists.command()
@examples(
    "dialer lists compare spring-sale survey",
    "dialer lists compare spring-sale/march spring-sale/april survey/2026-03",
    "dialer lists compare spring-sale",
)
@click.argument("names", metavar="CAMPAIGN[/LIST]...", nargs=-1, required=True)
@answering
def compare(invocation: Invocation, names: tuple[str, ...]) -> Answer:
    """Say which lists have people in common: by phone number, with their share of the smaller list, and by customer_id.
    Numbers are not shown.

    A campaign stands for all its lists together; a single campaign is compared list by list. People who are in two
    campaigns are called by both, as often as the caps allow in all.
    """
    people: dict[str, _People] = {}
    with invocation.store() as store:
        asked = [(name.partition(SEPARATOR)[0], name.partition(SEPARATOR)[2]) for name in dict.fromkeys(names)]
        for campaign, list_name in asked:
            campaigns.get(store, campaign)
            own = _people(store, campaign, list_name, apart=len(asked) == 1 and not list_name)
            if list_name and not own:
                raise Failure(
                    CliExit.NOT_FOUND,
                    _(
                        "campaign {campaign!r} has no lead of a list {list_name!r}",
                        campaign=campaign,
                        list_name=list_name,
                    ),
                )
            people |= own
    rows = [_overlap(people, first, other) for first, other in combinations(people, 2)]
    rows.sort(key=lambda row: -row["both"])
    if not rows:
        return Answer([], _("There is only one list: name another one, or another campaign."))
    heads = ("list", "leads", "and", "leads", "in both", "share", "same customer")
    drawn = [
        (
            *(row["list"], count(row["leads"]), row["other"], count(row["other_leads"])),
            *(count(row["both"]), percent(row["share"]), count(row["customers"])),
        )
        for row in rows
    ]
    return Answer(rows, table(heads, drawn, right=("leads", "in both", "share", "same customer")))


def _people(store: Store, campaign: str, list_name: str, *, apart: bool) -> dict[str, _People]:
    people: dict[str, _People] = {}
    total = status.counts(store, campaign, now()).standing.accepted
    with progress_bar(_("reading {campaign}", campaign=campaign), total) as progress:
        for page in store_lists.leads_of(store, campaign, list_name or None):
            for lead in page:
                name = SEPARATOR.join((campaign, lead.list_name)) if apart or list_name else campaign
                own = people.setdefault(name, _People())
                own.leads += 1
                own.numbers.update(int(number[1:]) for number in lead.numbers)
                if lead.customer_id:
                    own.customers.add(lead.customer_id)
            progress.advance(store_lists.PAGE)
    return people if people or list_name else {campaign: _People()}


def _overlap(people: Mapping[str, _People], first: str, other: str) -> dict[str, Any]:
    both = len(people[first].numbers & people[other].numbers)
    smaller = min(len(people[first].numbers), len(people[other].numbers))
    return {
        "list": first,
        "leads": people[first].leads,
        "other": other,
        "other_leads": people[other].leads,
        "both": both,
        "share": both / smaller if smaller else 0.0,
        "customers": len(people[first].customers & people[other].customers),
    }
