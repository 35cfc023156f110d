"""What the commands of `dialer campaign` share."""

from __future__ import annotations

from typing import Any, Final

from config.policies import AppliedSettings
from dialer.cli.base.invocation import Invocation, now
from dialer.core.abandonment.windows import counting
from dialer.core.board import WindowRow, row_of
from dialer.store.base.connection import Store
from dialer.store.operators import control
from dialer.store.operators.campaigns import Campaign
from dialer.store.operators.control import Command
from dialer.store.settlement import ledger

NOBODY: Final = ""
"""An owner that never was: nobody's counts are left out."""


def announce(invocation: Invocation, store: Store, what: str, name: str, **detail: object) -> None:
    """Tell the daemons that a campaign changed, so that they look at once, and the audit trail who did it."""
    control.send(store, Command(what, {"campaign": name, **detail}), who=invocation.who, now=now())


def abandon_windows(store: Store, campaign: Campaign, settings: AppliedSettings) -> tuple[WindowRow, ...]:
    """The counting windows of a campaign's abandonment cap, as the store has them: all daemons together. `settings` are
    the campaign's with its policies."""
    windows = counting(settings, campaign.created_at, now())
    counts = ledger.others(store, campaign.settings.name, windows, NOBODY)
    return tuple(row_of(window, settings.abandonment) for window in counts.windows)


def as_data(campaign: Campaign) -> dict[str, Any]:
    """A campaign for `--json`."""
    return {
        "name": campaign.settings.name,
        "state": campaign.state,
        "created_at": campaign.created_at,
        "changed_at": campaign.changed_at,
        "changed_by": campaign.changed_by,
        "archived_at": campaign.archived_at,
        "settings": campaign.settings.model_dump(mode="json"),
    }
