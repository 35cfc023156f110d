"""`dialer policy`: the rules that campaigns can be put under, each value with its source and its date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click
from rich.text import Text

from config.campaign import CampaignSettings
from config.policies.catalogue import SHIPPED, Catalogue, read_policy, shipped
from config.policies.composition import Composed, composed, contradictions, missing
from config.policies.explained import RuleRow, hours_by_region, of_campaign, of_policy
from config.problems import ConfigError, Problem
from dialer.cli.base.exits import CliExit
from dialer.cli.base.failures import Failure
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.invocation import Invocation, json_option, pass_invocation
from dialer.cli.base.output import show, show_json, table
from dialer.cli.campaigns.campaign_facts import name_argument
from dialer.shell.exits import Exit
from dialer.store.operators import campaigns
from pacing.api import Mode

OWN: Final = "campaign"
"""What stands for a campaign's own rules where policies are named."""


@click.group(cls=NearGroup)
def policy() -> None:
    """The rules that campaigns can be put under. None of it is legal advice: read the sources.

    \b
    Example:
      dialer policy list
      dialer policy show us-telemarketing
      dialer policy compose us-telemarketing us-collections-regf
      dialer campaign set spring-sale policies=us-telemarketing,us-collections-regf
    """


@policy.command("list")
@json_option
@pass_invocation
def list_(invocation: Invocation, as_json: bool) -> None:
    """List the policies of this machine: those that are shipped, and yours in policies.folder.

    \b
    Example:
      dialer policy list
    """
    catalogue = invocation.catalogue()
    if as_json:
        found = [
            {
                "name": name,
                "version": one.version,
                "title": one.title,
                "country": one.country,
                "from": _from(catalogue, name),
            }
            for name, one in sorted(catalogue.policies.items())
        ]
        broken = {name: [str(problem) for problem in problems] for name, problems in catalogue.faults.items()}
        show_json({"policies": found, "faults": broken})
        return
    rows: list[tuple[Text | str, ...]] = [
        (Text(name, "bold"), one.country, one.title, one.version, _from(catalogue, name))
        for name, one in sorted(catalogue.policies.items())
    ]
    show(table(("policy", "country", "title", "version", "from"), rows))
    for name, problems in sorted(catalogue.faults.items()):
        for problem in problems:
            show(Text(f"! {name} cannot be used: {problem}", "bold red"))


def _from(catalogue: Catalogue, name: str) -> str:
    path = catalogue.files[name]
    return "shipped" if path.parent == SHIPPED else str(path)


@policy.command("show")
@click.argument("name")
@json_option
@pass_invocation
def show_(invocation: Invocation, name: str, as_json: bool) -> None:
    """Show a policy: each value with its source, and since when it holds or was read there.

    \b
    Example:
      dialer policy show uk
    """
    catalogue = invocation.catalogue()
    found = catalogue.get(name)
    if as_json:
        show_json({"name": name, "version": found.version, **found.model_dump(mode="json", exclude_none=True)})
        return
    show(Text.assemble((name, "bold"), f"  {found.title}  ", (f"version {found.version}", "dim")))
    show(Text(found.jurisdiction, "dim"))
    show(Text(f"\n{found.not_legal_advice.strip()}\n"))
    rows = [(row.rule, row.value, row.as_of, Text(row.source, "dim")) for row in of_policy(name, found)]
    show(table(("rule", "value", "as of", "source"), rows))


@policy.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Check files of policies before they are put into policies.folder: every problem with its place. Exit code 2 if
    there is one.

    \b
    Example:
      dialer policy check our-client.toml
    """
    problems: list[str] = []
    for path in files:
        try:
            found = read_policy(path)
        except ConfigError as error:
            problems += [str(problem) for problem in error.problems]
            continue
        if path.stem in shipped().files:
            problems.append(f"{path.name}: a policy of that name is shipped: give yours another one")
            continue
        count = len(of_policy(path.stem, found))
        click.echo(f"{path}: version {found.version}, {count} {'rule' if count == 1 else 'rules'}")
    if problems:
        title = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        raise Failure(Exit.CONFIG, f"the policies have {title}:", *problems)


@policy.command()
@click.argument("names", nargs=-1, required=True)
@json_option
@pass_invocation
def compose(invocation: Invocation, names: tuple[str, ...], as_json: bool) -> None:
    """Show what holds under several policies at once: all rules, and when calls may start in each region. What a
    campaign under them still has to say itself is named. Exit code 7 if they contradict each other.

    \b
    Example:
      dialer policy compose us-telemarketing us-collections-regf
    """
    settings = CampaignSettings(name="composed", mode=Mode.PROGRESSIVE, policies=tuple(dict.fromkeys(names)))
    found = composed(settings, invocation.catalogue())
    show_rules(found, as_json)
    _refuse(contradictions(found), "these policies contradict each other:")


@click.command("policy")
@name_argument
@json_option
@pass_invocation
def of_one(invocation: Invocation, name: str, as_json: bool) -> None:
    """Show what holds for a campaign: the rules of its policies and its own, from where each is, and when calls may
    start in each region. Exit code 7 if it cannot be started under them.

    \b
    Example:
      dialer campaign policy spring-sale
    """
    with invocation.store() as store:
        settings = campaigns.get(store, name).settings
    found = composed(settings, invocation.catalogue())
    show_rules(found, as_json)
    _refuse([*missing(found), *contradictions(found)], f"campaign {name} cannot be started:")


def _refuse(problems: Iterable[Problem], title: str) -> None:
    said = [str(problem) for problem in problems]
    if said:
        raise Failure(CliExit.REFUSED, title, *said)


def show_rules(found: Composed, as_json: bool) -> None:
    """What holds under several policies, and what nobody says."""
    rows, regions = of_campaign(found), hours_by_region(found)
    needed = [str(problem) for problem in missing(found)]
    if as_json:
        versions = {part.name: part.settings.version for part in found.parts}
        rules = [asdict(row) for row in rows]
        show_json({"policies": versions, "rules": rules, "hours": dict(regions), "missing": needed})
        return
    for part in found.parts:
        show(
            Text.assemble(
                (part.name, "bold"), f"  {part.settings.title}  ", (f"version {part.settings.version}", "dim")
            )
        )
    click.echo()
    show(table(("rule", "value", "from", "as of", "source"), map(_drawn, rows)))
    click.echo()
    show(table(("region", "calls may start (holidays aside)"), regions))
    for need in needed:
        show(Text(f"! a campaign has to say itself: {need}", "yellow"))


def _drawn(row: RuleRow) -> tuple[Text | str, ...]:
    value = (
        Text(row.value) if row.holds else Text.assemble((row.value, "strike"), (" (a stricter one holds)", "yellow"))
    )
    return row.rule, value, row.policy or OWN, row.as_of, Text(row.source, "dim")
