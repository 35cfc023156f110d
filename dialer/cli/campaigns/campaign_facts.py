"""What the commands of `dialer campaign` share."""

from __future__ import annotations

from typing import Any, Final

import click

from config.policies import AppliedSettings
from dialer.cli.base.hosts import Hosts
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.host.completion import campaign_names
from dialer.core.abandonment.windows import counting
from dialer.core.board import WindowRow, row_of
from dialer.store.base.connection import Store
from dialer.store.operators import control
from dialer.store.operators.campaigns import Campaign
from dialer.store.operators.control import Command
from dialer.store.settlement import ledger

NOBODY: Final = ""
"""An owner that never was: nobody's counts are left out."""

name_argument = click.argument("name", shell_complete=campaign_names)


def problems(seen: Hosts, name: str) -> list[str]:
    """What the daemons complain of in a campaign, each with its host."""
    return [
        f"{board.host}: {row.problem}"
        for board in seen.boards
        for row in board.campaigns
        if row.name == name and row.problem
    ]


def announce(invocation: Invocation, store: Store, what: str, name: str, **detail: object) -> None:
    """Tell the daemons that a campaign changed, so that they look at once, and the audit trail who did it."""
    control.send(store, Command(what, {"campaign": name, **detail}), who=invocation.who, now=now())


def counted(store: Store, found: Campaign, settings: AppliedSettings) -> tuple[WindowRow, ...]:
    """The counting windows of a campaign's abandonment cap, as the store has them: all daemons together. `settings` are
    the campaign's with its policies."""
    windows = counting(settings, found.created_at, now())
    told = ledger.others(store, found.settings.name, windows, NOBODY)
    return tuple(row_of(window, settings.abandonment) for window in told.windows)


def as_data(found: Campaign) -> dict[str, Any]:
    """A campaign for `--json`."""
    return {
        "name": found.settings.name,
        "state": found.state,
        "created_at": found.created_at,
        "changed_at": found.changed_at,
        "changed_by": found.changed_by,
        "settings": found.settings.model_dump(mode="json"),
    }
