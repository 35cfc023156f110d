"""An operator changes a campaign: its settings, or whether it dials."""

from __future__ import annotations

from dataclasses import replace

from dialer.core.abandonment import counts
from dialer.core.agents import choice
from dialer.core.calls.dialling import release_leads
from dialer.core.calls.offers import withdraw, withdraw_from
from dialer.core.campaign_run import CampaignRun
from dialer.core.engine_state import EngineState
from dialer.core.inputs import CampaignChanged, CampaignState
from pacing.api import Mode


def campaign_changed(state: EngineState, event: CampaignChanged, now: float) -> None:
    """An operator created, changed, started, paused or stopped a campaign. Calls in progress go on in any case."""
    run = state.campaigns.get(event.settings.name)
    if run is None:
        run = state.campaigns[event.settings.name] = CampaignRun(event.settings, event.state)
    if run.settings.hours != event.settings.hours:
        run.closes_at = float("-inf")
    if run.settings.mode is not event.settings.mode:  # each mode has rules of its own: judge again what is being judged
        for lead_id, gate in run.reserving.items():
            run.reserving[lead_id] = replace(gate, taken=True)
    counts.settings_changed(run, event.settings)
    run.settings, run.state = event.settings, event.state
    for name in list(run.offers):
        holder = state.roster.get(name)
        if holder is not None and (skills := choice.lacking(holder, run)):
            withdraw_from(state, run, name, f"campaign needs {', '.join(skills)}", now)
    for agent in [agent for agent in state.roster.agents.values() if run.name in agent.login]:
        state.requalify(agent, now)
    state.in_preview = [other for other in state.campaigns.values() if other.settings.mode is Mode.PREVIEW]
    state.changed.add(run.name)
    if not state.trunks_of(run):
        unknown = [repr(name) for name in run.settings.trunks_named if name not in state.trunks]
        why = f"{', '.join(unknown)}, which is not configured" if unknown else "none that may show its caller ids"
        state.anomaly("dialling", f"campaign {run.name} may use no trunk: {why}")
    if run.state is not CampaignState.RUNNING:
        withdraw(state, run, f"campaign {run.state}", now)
        release_leads(state, run)
    elif run.settings.mode is not Mode.PREVIEW:
        withdraw(state, run, f"campaign dials in mode {run.settings.mode} now", now)
