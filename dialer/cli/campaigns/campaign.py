"""`dialer campaign`: make, look at, change, start, pause and stop campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
from rich.text import Text

from config.campaign import CampaignSettings
from config.load import load_campaign
from config.policies import applied
from config.problems import ConfigError
from config.show import campaign_toml, rows
from dialer.cli.base import hosts
from dialer.cli.base.figures import count
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.invocation import Invocation, as_flags, json_option, now, pass_invocation
from dialer.cli.base.output import show, show_json, table, when
from dialer.cli.campaigns.campaign_facts import announce, as_data, counted, name_argument, problems
from dialer.cli.campaigns.campaign_state import pause, resume, start, stop
from dialer.cli.campaigns.funnel import funnel
from dialer.cli.campaigns.policy import of_one
from dialer.cli.campaigns.preflight import preflight
from dialer.cli.live.campaign_panels import machines_text, state_text, window_text
from dialer.core.abandonment.windows import zone_of
from dialer.core.board import WindowRow
from dialer.core.leads.lead_counts import last_word
from dialer.store.operators import campaigns, status
from dialer.store.operators.status import Counts

file_option = click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with the campaign's settings.",
)


@click.group(cls=NearGroup)
def campaign() -> None:
    """Create, change, start and stop campaigns.

    \b
    Example:
      dialer campaign example > spring-sale.toml
      dialer campaign create spring-sale --file spring-sale.toml
      dialer campaign start spring-sale
    """


@campaign.command()
def example() -> None:
    """Print a complete campaign file with all defaults.

    \b
    Example:
      dialer campaign example > spring-sale.toml
    """
    click.echo(campaign_toml(), nl=False)


@campaign.command()
@click.argument("name")
@file_option
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="One setting; repeatable, wins over the file.")
@json_option
@pass_invocation
def create(invocation: Invocation, name: str, file: Path | None, pairs: tuple[str, ...], as_json: bool) -> None:
    """Create a campaign. It is stopped until you start it.

    \b
    Example:
      dialer campaign create spring-sale --file spring-sale.toml
      dialer campaign create survey --set mode=progressive --set caller_id=+862155550100
    """
    flags = as_flags(pairs, "--set") | {"name": name}
    settings = load_campaign(file if file is not None else {}, flags).settings
    applied(settings, invocation.catalogue())
    with invocation.store() as store:
        made = campaigns.create(store, settings, who=invocation.who, now=now())
        announce(invocation, store, "campaign_create", name)
    if as_json:
        show_json(as_data(made))
        return
    click.echo(f"Created campaign {name}: {settings.mode}, stopped.")
    for missing in settings.missing_to_start():
        click.echo(f"  Before it can start: {missing}")


@campaign.command("list")
@json_option
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """List all campaigns with their leads.

    \b
    Example:
      dialer campaign list
    """
    with invocation.store() as store:
        found = [(each, status.counts(store, each.settings.name, now())) for each in campaigns.listing(store)]
    if as_json:
        show_json([{**as_data(each), "counts": counts.to_wire()} for each, counts in found])
        return
    if not found:
        click.echo("No campaign yet. Make one with: dialer campaign create NAME")
        return
    heads = ("campaign", "state", "mode", "queued", "due", "waiting", "in work", "closed", "next", "changed", "by")
    drawn: list[tuple[Text | str, ...]] = [
        (
            Text(each.settings.name, "bold"),
            state_text(each.state),
            str(each.settings.mode),
            *(count(number) for number in _places(counts).values()),
            last_word(counts.standing, zone_of(each.settings)),
            when(each.changed_at),
            each.changed_by,
        )
        for each, counts in found
    ]
    show(table(heads, drawn, right=heads[3:8]))


def _places(counts: Counts) -> dict[str, int]:
    return {
        "queued": counts.queued,
        "due": counts.due,
        "waiting": counts.waiting,
        "in work": counts.leased + counts.in_attempt,
        "closed": counts.closed,
    }


@campaign.command("show")
@name_argument
@json_option
@pass_invocation
def show_(invocation: Invocation, name: str, as_json: bool) -> None:
    """Show a campaign: state, where its leads are, how attempts ended, why numbers were refused, how many calls were
    abandoned and may be yet, and its settings.

    \b
    Example:
      dialer campaign show spring-sale
    """
    with invocation.store() as store:
        found = campaigns.get(store, name)
        counts = status.counts(store, name, now())
        seen = hosts.read(store)
        complaints = problems(seen, name)
        try:
            windows = counted(store, found, applied(found.settings, invocation.catalogue()))
        except ConfigError as error:
            windows = ()
            complaints += [f"its rules cannot be applied here: {problem}" for problem in error.problems]
    if as_json:
        abandoned = [window.to_wire() for window in windows]
        show_json({**as_data(found), "counts": counts.to_wire(), "problems": complaints, "abandon_windows": abandoned})
        return
    heading = Text.assemble((name, "bold"), "  ", state_text(found.state), f"  {found.settings.mode}")
    heading.append(f"  created {when(found.created_at)}, changed {when(found.changed_at)} by {found.changed_by}", "dim")
    show(heading)
    for problem in complaints:
        show(Text(f"! {problem}", "bold red"))
    for missing in found.settings.missing_to_start():
        show(Text(f"! cannot start: {missing}", "yellow"))
    show(_figures("leads", {**_places(counts), "accepted": counts.accepted, "rejected": counts.rejected}))
    show(Text.assemble((f"{'next':<10}", "dim"), last_word(counts.standing, zone_of(found.settings))))
    for title, figures in (
        ("ends", counts.dispositions),
        ("closed by", counts.closed_by),
        ("refused", counts.refused_by),
    ):
        if figures:
            show(_figures(title, figures))
    for window in windows:
        show(_window(window))
    click.echo()
    changed = load_campaign(found.settings.model_dump(mode="json", exclude_defaults=True))
    drawn = [
        (row.path, Text(row.value, "dim" if row.source == "default" else "bold"), Text(row.explanation, "dim"))
        for row in rows(changed)
    ]
    show(table(("setting", "value", "meaning"), drawn))


def _window(window: WindowRow) -> Text:
    counts = f"   {count(window.abandoned)} of {count(window.answered)} live answers"
    line = Text.assemble((f"{'abandoned':<10}", "dim"), window_text(window), (counts, "dim"))
    return Text.assemble(line, "   ", machines_text(window)) if window.machines else line


def _figures(title: str, figures: Mapping[str, int]) -> Text:
    line = Text(f"{title:<10}", "dim")
    for name, number in figures.items():
        line.append(f"{name.replace('_', ' ')} ")
        line.append(f"{count(number)}  ", "bold")
    return line


@campaign.command("set")
@name_argument
@click.argument("pairs", metavar="[KEY=VALUE]...", nargs=-1)
@file_option
@json_option
@pass_invocation
def set_(invocation: Invocation, name: str, pairs: tuple[str, ...], file: Path | None, as_json: bool) -> None:
    """Change settings of a campaign; it goes on with them at once. With --file, all its settings are replaced.

    Leads that were put off keep the time that they were given then, also when the hours are widened.

    \b
    Example:
      dialer campaign set spring-sale max_abandon_rate=0.02 retry.busy.delay_s=900
      dialer campaign set spring-sale --file spring-sale.toml
    """
    if not pairs and file is None:
        raise click.UsageError("nothing to set: give KEY=VALUE or --file")
    flags = as_flags(pairs, "campaign set")
    if flags.get("name", name) != name:
        raise click.UsageError("a campaign cannot be renamed; create another one")
    with invocation.store() as store:
        before = campaigns.get(store, name)
        source = file if file is not None else before.settings.model_dump(mode="json")
        settings = load_campaign(source, flags | {"name": name}).settings
        applied(settings, invocation.catalogue())
        after = campaigns.update(store, settings, who=invocation.who, now=now())
        changes = _changes(before.settings, after.settings)
        announce(invocation, store, "campaign_set", name, changes={path: list(pair) for path, pair in changes.items()})
    if as_json:
        show_json({**as_data(after), "changes": changes})
        return
    if not changes:
        click.echo(f"Nothing changed in campaign {name}.")
    for path, (old, new) in changes.items():
        click.echo(f"{path}: {old} -> {new}")


def _changes(before: CampaignSettings, after: CampaignSettings) -> dict[str, tuple[str, str]]:
    """What is different, by path: (old, new) as TOML would have them; a row that is not there is shown as nothing."""
    old, new = (
        {row.path: row.value for row in rows(load_campaign(settings.model_dump(mode="json")))}
        for settings in (before, after)
    )
    paths = [*new, *(path for path in old if path not in new)]
    return {path: (old.get(path, ""), new.get(path, "")) for path in paths if old.get(path) != new.get(path)}


for _command in (preflight, start, pause, resume, stop, funnel, of_one):
    campaign.add_command(_command)
