"""`dialer policy`: the rules that campaigns can be put under, each value with its source and its date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click
from rich.console import RenderableType
from rich.text import Text

from config.campaign import CampaignSettings
from config.policies.catalogue import SHIPPED, Catalogue, read_policy, shipped
from config.policies.composition import Composed, composed, contradictions, missing
from config.policies.explained import RuleRow, hours_by_region, of_campaign, of_policy
from config.problems import ConfigError, Problem
from dialer.cli.base.arguments import name_argument
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation
from dialer.cli.base.output import Answer, alarm, answering, table
from dialer.cli.base.text import say
from dialer.language.translation import _, _n, word
from dialer.shell.exits import Exit
from dialer.store.operators import campaigns
from pacing.api import Mode

OWN: Final = "campaign"
"""What stands for a campaign's own rules where policies are named."""


@click.group(cls=NearGroup)
@examples(
    "dialer policy list",
    "dialer policy show us-telemarketing",
    "dialer policy compose us-telemarketing us-collections-regf",
    "dialer campaign set spring-sale policies=us-telemarketing,us-collections-regf",
)
def policy() -> None:
    """The rules that campaigns can be put under. None of it is legal advice: read the sources."""


@policy.command("list")
@examples("dialer policy list")
@answering
def list_(invocation: Invocation) -> Answer:
    """List the policies of this machine: those that are shipped, and yours in policies.folder."""
    catalogue = invocation.catalogue()
    policies: list[dict[str, str]] = [
        {
            "name": name,
            "version": settings.version,
            "title": settings.title,
            "country": settings.country,
            "from": _from(catalogue, name),
        }
        for name, settings in sorted(catalogue.policies.items())
    ]
    faults = {name: [str(problem) for problem in problems] for name, problems in sorted(catalogue.faults.items())}
    heads = ("name", "country", "title", "version", "from")
    rows: list[tuple[RenderableType, ...]] = [
        (Text(row["name"], "bold"), *(row[head] for head in heads[1:])) for row in policies
    ]
    alarms = [
        alarm(_("{name} cannot be used: {problem}", name=name, problem=problem))
        for name, problems in faults.items()
        for problem in problems
    ]
    return Answer({"policies": policies, "faults": faults}, [table(("policy", *heads[1:]), rows), *alarms])


def _from(catalogue: Catalogue, name: str) -> str:
    path = catalogue.files[name]
    return word("shipped") if path.parent == SHIPPED else str(path)


@policy.command("show")
@examples("dialer policy show uk")
@click.argument("name")
@answering
def show_(invocation: Invocation, name: str) -> Answer:
    """Show a policy: each value with its source, and since when it holds or was read there."""
    settings = invocation.catalogue().get(name)
    rows = [(row.rule, row.value, row.as_of, Text(row.source, "dim")) for row in of_policy(name, settings)]
    return Answer(
        {"name": name, "version": settings.version, **settings.model_dump(mode="json", exclude_none=True)},
        [
            _title(name, settings.title, settings.version),
            Text(settings.jurisdiction, "dim"),
            Text(f"\n{settings.not_legal_advice.strip()}\n"),
            table(("rule", "value", "as of", "source"), rows),
        ],
    )


def _title(name: str, title: str, version: str) -> Text:
    return Text.assemble((name, "bold"), f"  {title}  ", (_("version {version}", version=version), "dim"))


@policy.command()
@examples("dialer policy check our-client.toml")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Check files of policies before they are put into policies.folder: every problem with its place. Exit code 2 if
    there is one."""
    problems: list[str] = []
    for path in files:
        try:
            settings = read_policy(path)
        except ConfigError as error:
            problems += [str(problem) for problem in error.problems]
            continue
        if path.stem in shipped().files:
            problems.append(_("{name}: a policy of that name is shipped: give yours another one", name=path.name))
            continue
        say(
            _(
                "{path}: version {version}, {rules}",
                path=path,
                version=settings.version,
                rules=_n("{number:,} rule", "{number:,} rules", len(of_policy(path.stem, settings))),
            )
        )
    if problems:
        title = "1 mistake" if len(problems) == 1 else _("{problems} mistakes", problems=len(problems))
        raise Failure(Exit.CONFIG, _("the policies have {title}:", title=title), *problems)


@policy.command()
@examples("dialer policy compose us-telemarketing us-collections-regf")
@click.argument("names", nargs=-1, required=True)
@answering
def compose(invocation: Invocation, names: tuple[str, ...]) -> Answer:
    """Show what holds under several policies at once: all rules, and when calls may start in each region. What a
    campaign under them still has to say itself is named. Exit code 7 if they contradict each other."""
    settings = CampaignSettings(name="composed", mode=Mode.PROGRESSIVE, policies=tuple(dict.fromkeys(names)))
    rules = composed(settings, invocation.catalogue())
    return _rules(rules, contradictions(rules), _("these policies contradict each other:"))


@click.command("policy")
@examples("dialer campaign policy spring-sale")
@name_argument
@answering
def of_one(invocation: Invocation, name: str) -> Answer:
    """Show what holds for a campaign: the rules of its policies and its own, from where each is, and when calls may
    start in each region. Exit code 7 if it cannot be started under them."""
    with invocation.store() as store:
        settings = campaigns.get(store, name).settings
    rules = composed(settings, invocation.catalogue())
    return _rules(rules, [*missing(rules), *contradictions(rules)], _("campaign {name} cannot be started:", name=name))


def _rules(rules: Composed, problems: Iterable[Problem], title: str) -> Answer:
    """What holds under several policies, what nobody says, and why they cannot be used so."""
    rows, regions = of_campaign(rules), hours_by_region(rules)
    needed = [str(problem) for problem in missing(rules)]
    refusal = Failure(CliExit.REFUSED, title, *map(str, problems))
    data = {
        "policies": {part.name: part.settings.version for part in rules.parts},
        "rules": [asdict(row) for row in rows],
        "hours": dict(regions),
        "missing": needed,
    }
    page: list[RenderableType] = [
        *(_title(part.name, part.settings.title, part.settings.version) for part in rules.parts),
        "",
        table(("rule", "value", "from", "as of", "source"), map(_drawn, rows)),
        "",
        table(("region", "calls may start (holidays aside)"), regions),
        *(alarm(_("a campaign has to say itself: {need}", need=need), "yellow") for need in needed),
    ]
    return Answer(data, page, failure=refusal if refusal.hints else None)


def _drawn(row: RuleRow) -> tuple[Text | str, ...]:
    value = (
        Text(row.value) if row.holds else Text.assemble((row.value, "strike"), (_(" (a stricter one holds)"), "yellow"))
    )
    return row.rule, value, row.policy or OWN, row.as_of, Text(row.source, "dim")
