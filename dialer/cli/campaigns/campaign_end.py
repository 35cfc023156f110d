"""`dialer campaign copy`, `archive` and `delete`: a campaign's beginning out of another one, and its end."""

from __future__ import annotations

import click

from config.load import load_campaign
from config.policies import applied
from dialer.cli.base.arguments import campaign_names, name_argument
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, as_flags, now
from dialer.cli.base.output import Answer, answering
from dialer.cli.campaigns.campaign_facts import announce, as_data
from dialer.language.translation import _, _n, word
from dialer.store.operators import campaigns, status


@click.command()
@examples("dialer campaign copy spring-sale summer-sale max_lines=40")
@click.argument("source", shell_complete=campaign_names)
@click.argument("name")
@click.argument("pairs", metavar="[KEY=VALUE]...", nargs=-1)
@answering
def copy(invocation: Invocation, source: str, name: str, pairs: tuple[str, ...]) -> Answer:
    """Create a campaign with the settings of another one; it is stopped, and has no leads. Leads are copied with
    `dialer leads copy`."""
    flags = as_flags(pairs, "campaign copy") | {"name": name}
    with invocation.store() as store:
        settings = load_campaign(campaigns.get(store, source).settings.model_dump(mode="json"), flags).settings
        applied(settings, invocation.catalogue())
        created = campaigns.create(store, settings, who=invocation.who, now=now())
        announce(invocation, store, "campaign_create", name, copied_from=source)
    return Answer(
        as_data(created),
        _(
            "Created campaign {name} with the settings of {source}: {mode}, stopped.",
            name=name,
            source=source,
            mode=word(settings.mode),
        ),
    )


@click.command()
@examples("dialer campaign archive spring-sale", "dialer campaign archive spring-sale --undo")
@name_argument
@click.option("--undo", is_flag=True, help="Bring it back.")
@answering
def archive(invocation: Invocation, name: str, undo: bool) -> Answer:
    """Put a stopped campaign out of the way: daemons and boards do not look at it, and it cannot be started. Everything
    stays, its leads until their retention ends; `dialer campaign list --archived` has it."""
    with invocation.store() as store:
        changed = campaigns.archive(store, name, who=invocation.who, now=now(), undo=undo)
        announce(invocation, store, "campaign_archive", name, undo=undo)
    return Answer(
        as_data(changed),
        _("Campaign {name} is back, stopped.", name=name) if undo else _("Campaign {name} is archived.", name=name),
    )


@click.command()
@examples("dialer campaign delete spring-sale")
@name_argument
@click.option("--yes", is_flag=True, help="Do not ask before.")
@answering
def delete(invocation: Invocation, name: str, yes: bool) -> Answer:
    """Delete a stopped campaign with its leads and all that it knows of them. It cannot be undone.

    What the rules need stays: the contact history of the numbers, the no-call list, evidence, and the counts of
    abandoned calls for 400 days.
    """
    with invocation.store() as store:
        campaigns.get(store, name)
        counts = status.counts(store, name, now())
        if not yes:
            leads = _n("{number:,} lead", "{number:,} leads", counts.standing.accepted)
            queued = (
                _(" and {leads} in its stream", leads=_n("{number:,} lead", "{number:,} leads", counts.queued))
                if counts.queued
                else ""
            )
            question = _(
                "Delete campaign {name} with {leads}{queued}? It cannot be undone.",
                name=name,
                leads=leads,
                queued=queued,
            )
            click.confirm(question, abort=True, err=True)
        deleted = campaigns.delete(store, name)
        announce(invocation, store, "campaign_delete", name, leads=deleted)
    return Answer(
        {"campaign": name, "leads": deleted},
        _("Deleted campaign {name} with {leads}.", name=name, leads=_n("{number:,} lead", "{number:,} leads", deleted)),
    )
