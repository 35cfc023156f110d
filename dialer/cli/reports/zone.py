"""The zone that days and hours of reports are of, and the period that is asked for."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import click

from dialer.cli.base.invocation import Invocation

if TYPE_CHECKING:  # a command that only prints its help need not load these
    from dialer.disk.archive.sums import Period


def zone_of(invocation: Invocation) -> str:
    """The zone by its name: that of the settings, else this machine's; UTC where it has none that is known."""
    named = invocation.effective().settings.archive.time_zone or os.environ.get("TZ", "")
    if not named:
        try:
            named = os.readlink("/etc/localtime").partition("zoneinfo/")[2]
        except OSError:
            named = ""
    return named if named in available_timezones() else "UTC"


def period_given(invocation: Invocation, text: str) -> Period:
    """The days that are meant. Raises `UsageError`."""
    from dialer.reports.periods import period_of

    try:
        return period_of(text, datetime.now(ZoneInfo(zone_of(invocation))).date())
    except ValueError as error:
        raise click.UsageError(f"--period {error}") from error
