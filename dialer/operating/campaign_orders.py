"""A campaign started, paused and stopped, what keeps one that was started from being dialled, and its budgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.policies import AppliedSettings, applied
from dialer.core.abandonment.windows import counting, zone_of
from dialer.core.board import WindowRow, row_of
from dialer.core.inputs import CampaignState
from dialer.core.leads.lead_counts import last_word
from dialer.core.leads.preflight import Preflight, too_many_lost
from dialer.language.translation import _, translated
from dialer.operating.desk import Desk, Refused
from dialer.operating.glossary import no_daemon
from dialer.operating.hosts import Hosts
from dialer.operating.preflight import judged, on_record
from dialer.store.base.connection import Store
from dialer.store.base.errors import CampaignArchived
from dialer.store.gate import caller_ids
from dialer.store.operators import agents, campaigns, status
from dialer.store.operators.campaigns import Campaign
from dialer.store.settlement import ledger

NOBODY = ""
"""An owner that never was: nobody's counts are left out."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A campaign after its state was set, and the state before."""

    campaign: Campaign
    before: CampaignState


@dataclass(frozen=True, slots=True)
class Started(Changed):
    """`judgement` is of its list, None where the campaign ran already; `too_many` says what was started in spite of."""

    judgement: Preflight | None
    too_many: str


class ListRefused(Refused):
    """More of a campaign's leads are refused than it takes; whoever insists can start it all the same."""


def set_state(desk: Desk, name: str, state: CampaignState, now: float) -> Changed:
    """Set what is wanted of a campaign, tell the daemons and the audit trail. Raises `UnknownCampaign`,
    `CampaignArchived`."""
    before = campaigns.get(desk.store, name).state
    after = campaigns.set_state(desk.store, name, state, who=desk.who, now=now)
    desk.order("campaign_state", now, campaign=name, before=str(before), after=str(state))
    return Changed(after, before)


def start(
    desk: Desk,
    name: str,
    now: float,
    *,
    force: bool = False,
    judge: Callable[[Desk, AppliedSettings, float], Preflight] = judged,
) -> Started:
    """Start a campaign, or go on after a pause, after its list was judged.

    Raises `Refused` while its settings cannot run, `ListRefused` where too much of its list is refused and nobody
    insists (`force`), and as `set_state` does.
    """
    campaign = campaigns.get(desk.store, name)
    if campaign.archived_at is not None:
        raise CampaignArchived(name)
    settings = applied(campaign.settings, desk.catalogue())
    if missing := settings.missing_to_start():
        raise Refused(_("campaign {name} cannot be started:", name=name), *map(translated, missing))
    judgement, too_many = None, ""
    if campaign.state is not CampaignState.RUNNING:
        judgement = judge(desk, settings, now)
        too_many = too_many_lost(judgement, settings.refuse_above_share)
        on_record(desk, name, judgement, too_many, now, forced=force and bool(too_many))
        if too_many and not force:
            raise ListRefused(_("campaign {name} is not started: {why}", name=name, why=translated(too_many)))
    changed = set_state(desk, name, CampaignState.RUNNING, now)
    return Started(changed.campaign, changed.before, judgement, too_many)


def why_nothing_dials(store: Store, name: str, daemons: Hosts, now: float) -> list[str]:
    """What keeps a campaign that was started from being dialled, as far as it can be seen from here."""
    reasons = daemons.problems(name)
    if not daemons.alive:
        reasons.append(no_daemon())
    if not any(name in agent.campaigns for agent in agents.listing(store)):
        reasons.append(_("no agent is logged in to this campaign: nothing is dialled until one is ready"))
    standing = status.counts(store, name, now).standing
    if standing.finished:
        if standing.closed:
            reasons.append(_("all its leads are closed: dialer leads import {name} FILE.csv", name=name))
        else:
            reasons.append(_("it has no leads: dialer leads import {name} FILE.csv", name=name))
    elif not standing.diallable and not standing.queued:
        zone = zone_of(campaigns.get(store, name).settings)
        reasons.append(_("{why} (dialer campaign funnel {name})", why=last_word(standing, zone), name=name))
    return reasons


def held_by(store: Store, campaign: Campaign, daemons: Hosts, now: float) -> list[str]:
    """Why a campaign that should run is held, the same on every screen: what each daemon says, with its host; that no
    caller id can be shown is seen without any daemon."""
    problems = daemons.problems(campaign.settings.name)
    if problems or campaign.state is not CampaignState.RUNNING:
        return problems
    obstacle = caller_ids.review(store, campaign.settings, now).obstacle
    return [translated(obstacle)] if obstacle else []


def abandon_windows(store: Store, campaign: Campaign, settings: AppliedSettings, now: float) -> tuple[WindowRow, ...]:
    """The counting windows of a campaign's abandonment cap, as the store has them: all daemons together. `settings` are
    the campaign's with its policies."""
    windows = counting(settings, campaign.created_at, now)
    counts = ledger.others(store, campaign.settings.name, windows, NOBODY)
    return tuple(row_of(window, settings.abandonment) for window in counts.windows)
