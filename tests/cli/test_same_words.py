"""The list, the campaign, the funnel, the preflight and the board say the same words of the same state."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from rich.console import Console

from config.campaign import CampaignSettings
from dialer.cli.live.board import render
from dialer.core.abandonment.windows import zone_of
from dialer.core.inputs import CampaignState
from dialer.core.leads.lead_counts import last_word
from dialer.store.base.connection import Store
from dialer.store.leads import intake, leases
from dialer.store.operators import campaigns, status
from tests.cli.conftest import Dialer, board, campaign_row

OWNER = "host-a:1"
Lay = Callable[[Store, str], None]


@pytest.fixture
def spring(store: Store) -> str:
    """A campaign that may call at this hour, whichever it is."""
    settings = CampaignSettings.model_validate(
        {
            "name": "spring",
            "mode": "progressive",
            "caller_id": "+862155550100",
            "policies": [],
            "hours": [{"opens": "00:00", "closes": "24:00"}],
            "abandon_windows": [{"kind": "calendar_day"}],
            "max_abandon_rate": 0.03,
        }
    )
    campaigns.create(store, settings, who="test", now=time.time())
    return settings.name


def due(store: Store, name: str) -> None:
    intake.enqueue(store, name, [{"lead_id": "L0", "phone": "13800000000", "timezone": "Asia/Shanghai"}])
    intake.take_in(store, name, OWNER, time.time(), 10)


def not_due_yet(store: Store, name: str) -> None:
    later = {"lead_id": "L0", "phone": "13800000000", "not_before": time.time() + 90_000}
    intake.enqueue(store, name, [later])
    intake.take_in(store, name, OWNER, time.time(), 10)


def closed(store: Store, name: str) -> None:
    due(store, name)
    now = time.time()
    leases.lease(store, name, OWNER, 1, now, 60.0)
    leases.close(store, name, OWNER, ["L0"], kind="expired", why="too old", now=now)


def nothing(store: Store, name: str) -> None:
    """No leads at all."""


@pytest.mark.parametrize("state", list(CampaignState))
@pytest.mark.parametrize(
    ("lay", "word", "diallable"),
    [
        (due, "due now: 1", "1 diallable now"),
        (not_due_yet, "nothing due until", "0 diallable now"),
        (closed, "finished", ""),
        (nothing, "no leads", ""),
    ],
)
@pytest.mark.parametrize("rests", [False, True])
def test_all_screens_agree(
    dialer: Dialer,
    store: Store,
    spring: str,
    state: CampaignState,
    lay: Lay,
    word: str,
    diallable: str,
    rests: bool,
) -> None:
    """On its state, on what is due, and on why it is held, whether a daemon is there or not."""
    lay(store, spring)
    campaigns.set_state(store, spring, state, who="test", now=time.time())
    if rests:
        assert dialer("callerid", "rest", "+862155550100", "--for", "7d", "--reason", "labelled").exit_code == 0
    held = rests and state is CampaignState.RUNNING
    shown_state = "● held" if held else f"● {state}"
    shown_word = word.replace("due now: 1", "held with 1 due") if held else word

    listed, shown, funnel, preflight = (
        " ".join(dialer("campaign", *command).stdout.split())
        for command in (("list",), ("show", spring), ("funnel", spring), ("preflight", spring))
    )

    for screen in (listed, shown, funnel, on_the_board(store, spring, held)):
        assert shown_state in screen
    for screen in (shown, funnel, *([] if held else [listed])):
        assert shown_word in screen
    if lay is due:
        assert "1 due" in on_the_board(store, spring, held)
    else:
        assert shown_word in on_the_board(store, spring, held)
    assert (diallable.replace("1 diall", "0 diall") if rests else diallable) in preflight


def on_the_board(store: Store, name: str, held: bool) -> str:
    """The campaign as its daemon shows it."""
    campaign, counts = campaigns.get(store, name), status.counts(store, name, time.time())
    settings: CampaignSettings = campaign.settings
    row = campaign_row(
        name,
        state=str(campaign.state),
        problem="no caller id can be shown" if held else "",
        due=counts.due,
        waiting=counts.waiting,
        next=last_word(counts.standing, zone_of(settings), held=held),
        finished=counts.standing.finished,
    )
    console = Console(width=120, record=True, file=None, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(render([board(campaigns=(row,))], time.time(), 120))
    return " ".join(capture.get().split())
