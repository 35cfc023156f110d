"""`dialer campaign start`, `pause`, `resume` and `stop`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

import click

from config.policies import AppliedSettings, applied
from dialer.cli.base.arguments import name_argument
from dialer.cli.base.failures import CliExit, Failure, warn
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import Answer, answering, show_json, show_page
from dialer.cli.base.text import say
from dialer.cli.campaigns.campaign_facts import announce, as_data
from dialer.cli.campaigns.preflight import judged, on_record
from dialer.core.abandonment.windows import zone_of
from dialer.core.inputs import CampaignState
from dialer.core.leads.lead_counts import last_word
from dialer.core.leads.preflight import sentence, too_many_lost
from dialer.operating import hosts
from dialer.operating.glossary import no_daemon
from dialer.store.base.connection import Store
from dialer.store.base.errors import CampaignArchived
from dialer.store.operators import agents, campaigns, status

TAKEN_UP_S: Final = 3.0
"""Longest wait for the daemons' word on a campaign that was started; they speak once a second."""


@click.command()
@name_argument
@click.option("--force", is_flag=True, help="Start although too many leads are refused; the audit trail has your name.")
@json_option
@pass_invocation
def start(invocation: Invocation, name: str, force: bool, as_json: bool) -> None:
    """Start a campaign, or go on after a pause. Refused, with every reason, while its settings cannot run, or if more
    than `refuse_above_share` of its leads are refused for good or over a cap (dialer campaign preflight).

    \b
    Example:
      dialer campaign start spring-sale
    """
    with invocation.store() as store:
        campaign = campaigns.get(store, name)
        if campaign.archived_at is not None:
            raise CampaignArchived(name)
        settings = applied(campaign.settings, invocation.catalogue())
        missing = settings.missing_to_start()
        if missing:
            raise Failure(
                CliExit.REFUSED,
                f"campaign {name} cannot be started:",
                *missing,
                f"Change it with: dialer campaign set {name} KEY=VALUE",
            )
        if campaign.state is not CampaignState.RUNNING:
            _look_at_the_list(invocation, store, settings, force, as_json)
        begun = now()
        answer = set_state(invocation, store, name, CampaignState.RUNNING)
        daemons = _taken_up(store, name, begun)
        if daemons.problems(name):
            answer = replace(answer, page=f"Campaign {name} is started, and held: a daemon cannot dial it.")
        reasons = _why_nothing_dials(store, name, daemons)
    if as_json:
        show_json(answer.data)
    else:
        show_page(answer.page)
    for reason in reasons:
        warn(reason)


def _look_at_the_list(
    invocation: Invocation, store: Store, settings: AppliedSettings, force: bool, as_json: bool
) -> None:
    """Judge the whole list. Raises `Failure` where too much of it is refused, unless the operator insists."""
    name = settings.name
    judgement = judged(invocation, store, settings)
    too_many = too_many_lost(judgement, settings.refuse_above_share)
    on_record(invocation, store, name, judgement, too_many, forced=force and bool(too_many))
    if too_many and not force:
        raise Failure(
            CliExit.REFUSED,
            f"campaign {name} is not started: {too_many}",
            f"Look at all of it with: dialer campaign preflight {name}",
            f"Start it all the same, under your name, with: dialer campaign start {name} --force",
        )
    if too_many:
        warn(f"started by force: {too_many}")
    if judgement.judged and not as_json:
        say(f"Preflight: {sentence(judgement, zone_of(settings))}.")


def _why_nothing_dials(store: Store, name: str, daemons: hosts.Hosts) -> list[str]:
    """What keeps a campaign that was started from being dialled, as far as it can be seen from here."""
    reasons = daemons.problems(name)
    if not daemons.alive:
        reasons.append(no_daemon())
    if not any(name in agent.campaigns for agent in agents.listing(store)):
        reasons.append("no agent is logged in to this campaign: nothing is dialled until one is ready")
    standing = status.counts(store, name, now()).standing
    if standing.finished:
        what = "all its leads are closed" if standing.closed else "it has no leads"
        reasons.append(f"{what}: dialer leads import {name} FILE.csv")
    elif not standing.diallable and not standing.queued:
        zone = zone_of(campaigns.get(store, name).settings)
        reasons.append(f"{last_word(standing, zone)} (dialer campaign funnel {name})")
    return reasons


@click.command()
@name_argument
@answering
def pause(invocation: Invocation, name: str) -> Answer:
    """Pause a campaign: no new calls; calls in progress go on.

    \b
    Example:
      dialer campaign pause spring-sale
    """
    with invocation.store() as store:
        return set_state(invocation, store, name, CampaignState.PAUSED)


@click.command()
@name_argument
@answering
def resume(invocation: Invocation, name: str) -> Answer:
    """Go on with a paused campaign.

    \b
    Example:
      dialer campaign resume spring-sale
    """
    with invocation.store() as store:
        state = campaigns.get(store, name).state
        if state is not CampaignState.PAUSED:
            hint = f"Start it with: dialer campaign start {name}" if state is CampaignState.STOPPED else ""
            raise Failure(CliExit.REFUSED, f"campaign {name} is {state}, not paused", *filter(None, [hint]))
        return set_state(invocation, store, name, CampaignState.RUNNING)


@click.command()
@name_argument
@answering
def stop(invocation: Invocation, name: str) -> Answer:
    """Stop a campaign: no new calls, and its leads are given back; calls in progress go on.

    \b
    Example:
      dialer campaign stop spring-sale
    """
    with invocation.store() as store:
        return set_state(invocation, store, name, CampaignState.STOPPED)


def _taken_up(store: Store, name: str, begun: float) -> hosts.Hosts:
    """What the daemons say once each has spoken of the campaign since `begun`; at the latest after `TAKEN_UP_S`."""
    end = time.monotonic() + TAKEN_UP_S
    while True:
        daemons = hosts.read(store)
        spoken = [
            board.at > begun
            and any(row.name == name and (row.problem or row.state == "running") for row in board.campaigns)
            for board in daemons.boards
        ]
        if all(spoken) or time.monotonic() >= end:
            return daemons
        time.sleep(0.1)


def set_state(invocation: Invocation, store: Store, name: str, state: CampaignState) -> Answer:
    before = campaigns.get(store, name).state
    after = campaigns.set_state(store, name, state, who=invocation.who, now=now())
    announce(invocation, store, "campaign_state", name, before=str(before), after=str(state))
    changed = f"Campaign {name} is {state} (was {before})."
    page = f"Campaign {name} was {state} already." if before is state else changed
    return Answer({**as_data(after), "before": before}, page)
