"""`dialer campaign start`, `pause`, `resume` and `stop`."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

import click

from dialer.cli.base.arguments import name_argument
from dialer.cli.base.failures import CliExit, Failure, warn
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import Answer, answering, show_json, show_page
from dialer.cli.base.text import say
from dialer.cli.campaigns.campaign_facts import as_data
from dialer.cli.campaigns.preflight import judged
from dialer.core.abandonment.windows import zone_of
from dialer.core.inputs import CampaignState
from dialer.core.leads.preflight import sentence
from dialer.language.translation import _, word
from dialer.operating import campaign_orders as orders
from dialer.operating import hosts
from dialer.operating.desk import Refused
from dialer.store.base.connection import Store
from dialer.store.operators import campaigns

TAKEN_UP_S: Final = 3.0
"""Longest wait for the daemons' word on a campaign that was started; they speak once a second."""


@click.command()
@examples("dialer campaign start spring-sale")
@name_argument
@click.option("--force", is_flag=True, help="Start although too many leads are refused; the audit trail has your name.")
@json_option
@pass_invocation
def start(invocation: Invocation, name: str, force: bool, as_json: bool) -> None:
    """Start a campaign, or go on after a pause. Refused, with every reason, while its settings cannot run, or if more
    than `refuse_above_share` of its leads are refused for good or over a cap (dialer campaign preflight)."""
    with invocation.desk() as desk:
        begun = now()
        try:
            started = orders.start(desk, name, begun, force=force, judge=judged)
        except orders.ListRefused as refused:
            hints = (
                _("Look at all of it with: dialer campaign preflight {name}", name=name),
                _("Start it all the same, under your name, with: dialer campaign start {name} --force", name=name),
            )
            raise Failure(CliExit.REFUSED, str(refused), *hints) from refused
        except Refused as refused:
            hint = _("Change it with: dialer campaign set {name} KEY=VALUE", name=name)
            raise Failure(CliExit.REFUSED, str(refused), *refused.reasons, hint) from refused
        if started.too_many:
            warn(_("started by force: {too_many}", too_many=started.too_many))
        answer = _answer(name, started)
        daemons = _taken_up(desk.store, name, begun)
        if daemons.problems(name):
            answer = replace(answer, page=f"Campaign {name} is started, and held: a daemon cannot dial it.")
        reasons = orders.why_nothing_dials(desk.store, name, daemons, now())
    if as_json:
        show_json(answer.data)
    else:
        if started.judgement is not None and started.judgement.judged:
            say(_("Preflight: {sentence}.", sentence=sentence(started.judgement, zone_of(started.campaign.settings))))
        show_page(answer.page)
    for reason in reasons:
        warn(reason)


@click.command()
@examples("dialer campaign pause spring-sale")
@name_argument
@answering
def pause(invocation: Invocation, name: str) -> Answer:
    """Pause a campaign: no new calls; calls in progress go on."""
    return _set(invocation, name, CampaignState.PAUSED)


@click.command()
@examples("dialer campaign resume spring-sale")
@name_argument
@answering
def resume(invocation: Invocation, name: str) -> Answer:
    """Go on with a paused campaign."""
    with invocation.store() as store:
        state = campaigns.get(store, name).state
        if state is not CampaignState.PAUSED:
            hint = _("Start it with: dialer campaign start {name}", name=name) if state is CampaignState.STOPPED else ""
            raise Failure(
                CliExit.REFUSED,
                _("campaign {name} is {state}, not paused", name=name, state=word(state)),
                *filter(None, [hint]),
            )
    return _set(invocation, name, CampaignState.RUNNING)


@click.command()
@examples("dialer campaign stop spring-sale")
@name_argument
@answering
def stop(invocation: Invocation, name: str) -> Answer:
    """Stop a campaign: no new calls, and its leads are given back; calls in progress go on."""
    return _set(invocation, name, CampaignState.STOPPED)


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


def _set(invocation: Invocation, name: str, state: CampaignState) -> Answer:
    with invocation.desk() as desk:
        return _answer(name, orders.set_state(desk, name, state, now()))


def _answer(name: str, changed: orders.Changed) -> Answer:
    state, before = changed.campaign.state, changed.before
    page = (
        _("Campaign {name} was {state} already.", name=name, state=word(state))
        if before is state
        else _("Campaign {name} is {state} (was {before}).", name=name, state=word(state), before=word(before))
    )
    return Answer({**as_data(changed.campaign), "before": before}, page)
