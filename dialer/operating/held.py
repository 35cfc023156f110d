"""Why a campaign that should run is held: what the daemons complain of, and what anybody can see in the store.

One answer for every screen, so that the board, the list, the funnel and `campaign show` say the same of the same state.
"""

from __future__ import annotations

from dialer.core.inputs import CampaignState
from dialer.operating import hosts
from dialer.store.base.connection import Store
from dialer.store.gate import caller_ids
from dialer.store.operators.campaigns import Campaign


def held_by(store: Store, campaign: Campaign, daemons: hosts.Hosts, now: float) -> list[str]:
    """The reasons, each daemon's with its host; that no caller id can be shown is seen without any daemon."""
    problems = daemons.problems(campaign.settings.name)
    if problems or campaign.state is not CampaignState.RUNNING:
        return problems
    obstacle = caller_ids.review(store, campaign.settings, now).obstacle
    return [obstacle] if obstacle else []
