"""The zone that days and hours of reports are of, and the period that is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from dialer.cli.base.invocation import Invocation
from dialer.language.translation import _

if TYPE_CHECKING:  # a command that only prints its help need not load these
    from dialer.disk.archive.sums import Period


def zone_of(invocation: Invocation) -> str:
    """The zone by its name."""
    from dialer.reports.zone import zone_name

    return zone_name(invocation.effective().settings.archive.time_zone)


def period_given(invocation: Invocation, text: str) -> Period:
    """The days that are meant. Raises `UsageError`."""
    from dialer.reports.periods import period_of

    try:
        return period_of(text, datetime.now(ZoneInfo(zone_of(invocation))).date())
    except ValueError as error:
        raise click.UsageError(_("--period {error}", error=error)) from error
