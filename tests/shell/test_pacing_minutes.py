"""How campaigns were paced, by the minute: what happened since the last one, and no campaign that rests."""

from __future__ import annotations

from config.campaign import CampaignSettings
from config.policies import applied
from dialer.core.campaign_run import CampaignRun
from dialer.core.inputs import CampaignState
from dialer.shell.figures.pacing_minutes import PacingMinutes
from dialer.store.base.connection import Store
from pacing.api import Brake, Decision, Mode, Reason, Rule
from tests.shell.some_parts import some_parts
from tests.store.conftest import NOW


def test_each_minute_has_what_happened_in_it(store: Store) -> None:
    """Counts are of the minute, not since the start."""
    parts = some_parts(store)
    for name, state in (("spring", CampaignState.RUNNING), ("autumn", CampaignState.PAUSED)):
        settings = applied(CampaignSettings(name=name, mode=Mode.PROGRESSIVE, caller_id="+861065550000"))
        parts.engine.state.campaigns[name] = CampaignRun(settings, state)
    minutes = PacingMinutes(parts)
    for dial in (3, 2):
        parts.statistics.decided("spring", Decision(dial, Reason(Rule.PREDICTIVE, Brake.RISK), risk=0.02))
    (first,) = minutes.minute(NOW)
    parts.statistics.decided("spring", Decision(1, Reason(Rule.PREDICTIVE)))
    (second,) = minutes.minute(NOW + 60)

    assert (first.campaign, first.id) == ("spring", f"one@{NOW:.0f}")
    figures = [(one.fields["decisions"], one.fields["dialled"], one.fields["brake"]) for one in (first, second)]
    assert figures == [(2, 5, "risk"), (1, 1, "")]
