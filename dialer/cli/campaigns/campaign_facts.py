"""What the commands of `dialer campaign` share."""

from __future__ import annotations

from typing import Any

from dialer.cli.base.invocation import Invocation, now
from dialer.store.base.connection import Store
from dialer.store.operators import control
from dialer.store.operators.campaigns import Campaign
from dialer.store.operators.control import Command


def announce(invocation: Invocation, store: Store, what: str, name: str, **detail: object) -> None:
    """Tell the daemons that a campaign changed, so that they look at once, and the audit trail who did it."""
    control.send(store, Command(what, {"campaign": name, **detail}), who=invocation.who, now=now())


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
