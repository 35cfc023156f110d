"""`dialer campaign`: make, look at, change, start, pause and stop campaigns."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import RenderableType
from rich.text import Text

from config.campaign import CampaignSettings
from config.load import load_campaign
from config.policies import applied
from config.problems import ConfigError
from config.show import campaign_toml, rows
from dialer.cli.base.arguments import name_argument
from dialer.cli.base.figures import by_size, flowed, joined, labelled, state_text
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, as_flags, now
from dialer.cli.base.output import Answer, alarm, answering, fitted, page_width, table, when
from dialer.cli.campaigns.campaign_end import archive, copy, delete
from dialer.cli.campaigns.campaign_facts import announce, as_data
from dialer.cli.campaigns.campaign_state import pause, resume, start, stop
from dialer.cli.campaigns.funnel import funnel
from dialer.cli.campaigns.policy import of_one
from dialer.cli.campaigns.preflight import preflight
from dialer.cli.live.campaign_panels import machines_text, window_text
from dialer.core.abandonment.windows import zone_of
from dialer.core.board import WindowRow
from dialer.core.leads.lead_counts import last_word
from dialer.language.translation import _, _n, translated, word
from dialer.operating import hosts
from dialer.operating.campaign_orders import abandon_windows, held_by
from dialer.operating.figures import count
from dialer.operating.glossary import PLACES, place_word, rule_word
from dialer.store.operators import campaigns, status
from dialer.store.operators.campaigns import Campaign
from dialer.store.operators.status import Counts

LABEL = 11
"""Columns that the labels take."""

file_option = click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with the campaign's settings.",
)


@click.group(cls=NearGroup)
@examples(
    "dialer campaign example > spring-sale.toml",
    "dialer campaign create spring-sale --file spring-sale.toml",
    "dialer campaign start spring-sale",
)
def campaign() -> None:
    """Create, change, start and stop campaigns."""


@campaign.command()
@examples("dialer campaign example > spring-sale.toml")
def example() -> None:
    """Print a complete campaign file with all defaults."""
    click.echo(campaign_toml(), nl=False)


@campaign.command()
@examples(
    "dialer campaign create spring-sale --file spring-sale.toml",
    "dialer campaign create survey --set mode=progressive --set caller_id=+862155550100",
    "dialer campaign create summer-sale --from spring-sale --set max_lines=40",
)
@click.argument("name")
@file_option
@click.option("--from", "source", metavar="CAMPAIGN", help="Begin with the settings of this one, instead of a file.")
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="One setting; repeatable, wins over the file.")
@answering
def create(invocation: Invocation, name: str, file: Path | None, source: str | None, pairs: tuple[str, ...]) -> Answer:
    """Create a campaign. It is stopped until you start it."""
    if file is not None and source is not None:
        raise click.UsageError(_("--file and --from are two beginnings: give one of them"))
    flags = as_flags(pairs, "--set") | {"name": name}
    with invocation.store() as store:
        stored = {} if source is None else campaigns.get(store, source).settings.model_dump(mode="json")
        settings = load_campaign(stored if file is None else file, flags).settings
        applied(settings, invocation.catalogue())
        created = campaigns.create(store, settings, who=invocation.who, now=now())
        announce(invocation, store, "campaign_create", name)
    missing = [_("  Before it can start: {missing}", missing=missing) for missing in settings.missing_to_start()]
    return Answer(
        as_data(created),
        [_("Created campaign {name}: {mode}, stopped.", name=name, mode=word(settings.mode)), *missing],
    )


@campaign.command("list")
@examples("dialer campaign list")
@click.option("--archived", is_flag=True, help="Those that are archived as well.")
@answering
def list_(invocation: Invocation, archived: bool) -> Answer:
    """List all campaigns with their leads."""
    with invocation.store() as store:
        daemons, moment = hosts.read(store), now()
        known = [
            (each, status.counts(store, each.settings.name, moment), held_by(store, each, daemons, moment))
            for each in campaigns.listing(store, archived=archived)
        ]
    data = [{**as_data(each), "counts": counts.to_wire(), "problems": problems} for each, counts, problems in known]
    if not known:
        return Answer(data, _("No campaign yet. Make one with: dialer campaign create NAME"))
    places = [place.word for place in PLACES]
    heads = ("campaign", "state", "mode", "queued", *places, "next", "changed", "by")
    drawn = [_row(each, counts, problems) for each, counts, problems in known]
    optional = ("by", "changed", "mode", place_word("leased"), place_word("in_attempt"), "queued")
    return Answer(data, fitted(heads, drawn, right=("queued", *places), optional=optional))


def _row(campaign: Campaign, counts: Counts, problems: list[str]) -> tuple[Text | str, ...]:
    upcoming = last_word(counts.standing, zone_of(campaign.settings))
    return (
        Text(campaign.settings.name, "bold"),
        Text(word("archived"), "dim") if campaign.archived_at else state_text(campaign.state, next(iter(problems), "")),
        word(campaign.settings.mode),
        *(count(number) for number in _places(counts).values()),
        Text("; ".join(problems), "red") if problems else upcoming,
        when(campaign.changed_at),
        campaign.changed_by,
    )


def _places(counts: Counts) -> dict[str, int]:
    return {"queued": counts.queued, **{place.word: getattr(counts, place.field) for place in PLACES}}


@campaign.command("show")
@examples("dialer campaign show spring-sale")
@name_argument
@answering
def show_(invocation: Invocation, name: str) -> Answer:
    """Show a campaign: state, where its leads are, how attempts ended, why numbers were refused, how many calls were
    abandoned and may be yet, and its settings."""
    windows: tuple[WindowRow, ...] = ()
    with invocation.store() as store:
        campaign = campaigns.get(store, name)
        counts = status.counts(store, name, now())
        problems = held_by(store, campaign, hosts.read(store), now())
        held = bool(problems)
        try:
            windows = abandon_windows(store, campaign, applied(campaign.settings, invocation.catalogue()), now())
        except ConfigError as error:
            problems += [
                _("its rules cannot be applied here: {problem}", problem=problem) for problem in error.problems
            ]
    data = {
        **as_data(campaign),
        "counts": counts.to_wire(),
        "problems": problems,
        "abandon_windows": [window.to_wire() for window in windows],
    }
    heading = Text.assemble((name, "bold"), "  ", state_text(campaign.state, "held" * held))
    heading.append(f"  {word(campaign.settings.mode)}")
    dates = _(
        "  created {created_at}, changed {changed_at} by {changed_by}",
        created_at=when(campaign.created_at),
        changed_at=when(campaign.changed_at),
        changed_by=campaign.changed_by,
    )
    alarms = [alarm(problem) for problem in problems]
    alarms += [
        alarm(_("cannot start: {missing}", missing=missing), "yellow")
        for missing in campaign.settings.missing_to_start()
    ]
    lines = _counts(campaign, counts, windows, held=held)
    return Answer(data, [heading.append(dates, "dim"), *alarms, lines, "", _settings(campaign.settings)])


def _counts(campaign: Campaign, counts: Counts, windows: tuple[WindowRow, ...], *, held: bool) -> RenderableType:
    room = page_width() - LABEL
    intake = {"accepted": counts.accepted, "rejected": counts.rejected}
    places = [
        Text.assemble(f"{name} ", (count(number), "bold")) for name, number in {**_places(counts), **intake}.items()
    ]
    lines = [
        ("leads", flowed(places, room, "  ")),
        ("next", Text(translated(last_word(counts.standing, zone_of(campaign.settings), held=held)))),
        ("ends", flowed(by_size(counts.dispositions), room, "  ")),
        ("callers", flowed(by_size(counts.callers), room, "  ")),
        ("closed by", flowed([*by_size(counts.closed_by), *_reopened(counts)], room, "  ")),
        ("refused", flowed(by_size(counts.refused_by, rule_word), room, "  ")),
        *(("abandoned", _window(window)) for window in windows),
    ]
    return labelled([(label, text) for label, text in lines if text.plain], LABEL)


def _reopened(counts: Counts) -> list[Text]:
    """Each closing is counted: a lead that is called back, deleted or erased has been closed before."""
    closings = sum(counts.closed_by.values())
    if closings <= counts.closed:
        return []
    leads = _n("{number:,} lead", "{number:,} leads", counts.closed)
    return [
        Text(
            _(
                "({closings} so far; {leads} closed now: others were reopened or deleted)",
                closings=_n("{number:,} closing", "{number:,} closings", closings),
                leads=leads,
            ),
            "dim",
        )
    ]


def _window(window: WindowRow) -> Text:
    if not window.answered:
        return window_text(window)
    counts = Text(
        _(
            "{abandoned:,} of {answers}",
            abandoned=window.abandoned,
            answers=_n("{number:,} live answer", "{number:,} live answers", window.answered),
        ),
        "dim",
    )
    return joined([window_text(window), counts, *([machines_text(window)] if window.machines else [])], "   ")


def _settings(settings: CampaignSettings) -> RenderableType:
    changed = load_campaign(settings.model_dump(mode="json", exclude_defaults=True))
    drawn = [
        (row.path, Text(row.value, "dim" if row.source == "default" else "bold"), Text(row.explanation, "dim"))
        for row in rows(changed)
    ]
    return table(("setting", "value", "meaning"), drawn, whole=("setting",))


@campaign.command("set")
@examples(
    "dialer campaign set spring-sale max_abandon_rate=0.02 retry.busy.delay_s=900",
    "dialer campaign set spring-sale 'caps=[{ limit = 1, window_days = 7 }]'",
    'dialer campaign set spring-sale \'hours=[{ opens = "10:00", closes = "19:00" }]\'',
    "dialer campaign set spring-sale --file spring-sale.toml",
)
@name_argument
@click.argument("pairs", metavar="[KEY=VALUE]...", nargs=-1)
@file_option
@answering
def set_(invocation: Invocation, name: str, pairs: tuple[str, ...], file: Path | None) -> Answer:
    """Change settings of a campaign; it goes on with them at once. With --file, all its settings are replaced.

    Leads that wait for a rule that is changed so are due again at once, and judged by what holds now.
    """
    if not pairs and file is None:
        raise click.UsageError(_("nothing to set: give KEY=VALUE or --file"))
    flags = as_flags(pairs, "campaign set")
    if flags.get("name", name) != name:
        raise click.UsageError(_("a campaign cannot be renamed; create another one"))
    with invocation.store() as store:
        before = campaigns.get(store, name)
        source = file if file is not None else before.settings.model_dump(mode="json")
        settings = load_campaign(source, flags | {"name": name}).settings
        applied(settings, invocation.catalogue())
        after = campaigns.update(store, settings, who=invocation.who, now=now())
        changes = _changes(before.settings, after.settings)
        announce(invocation, store, "campaign_set", name, changes={path: list(pair) for path, pair in changes.items()})
    lines = [f"{path}: {old} -> {new}" for path, (old, new) in changes.items()]
    return Answer({**as_data(after), "changes": changes}, lines or _("Nothing changed in campaign {name}.", name=name))


def _changes(before: CampaignSettings, after: CampaignSettings) -> dict[str, tuple[str, str]]:
    """What is different, by path: (old, new) as TOML would have them; a row that is not there is shown as nothing."""
    old, new = (
        {row.path: row.value for row in rows(load_campaign(settings.model_dump(mode="json")))}
        for settings in (before, after)
    )
    paths = [*new, *(path for path in old if path not in new)]
    return {path: (old.get(path, ""), new.get(path, "")) for path in paths if old.get(path) != new.get(path)}


for _command in (preflight, start, pause, resume, stop, funnel, of_one, copy, archive, delete):
    campaign.add_command(_command)
