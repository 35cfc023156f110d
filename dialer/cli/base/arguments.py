"""Arguments and options that several commands have, and lengths of time as people type them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import click
from click.shell_completion import CompletionItem

from config.campaign import NAME
from dialer.cli.base.invocation import Invocation, as_flags
from dialer.language.translation import _

Command = TypeVar("Command", bound=Callable[..., Any])

SPAN_EXAMPLES: Final = "30m, 12h, 90d or 6w"

LATEST: Final = 4_102_444_800.0
"""The year 2100, in seconds since the epoch: no time that anybody gives is later."""

_SPAN: Final = re.compile(r"([1-9][0-9]{0,4})([mhdw])")
_UNIT_S: Final = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def span_s(text: str) -> float | None:
    """The seconds of minutes, hours, days or weeks, such as "12h"; None for what is no span."""
    match = _SPAN.fullmatch(text.strip())
    return int(match[1]) * _UNIT_S[match[2]] if match else None


def moment_of(text: str, moment: float, option: str, *, whole_day: bool) -> float:
    """A span before now, a date by this machine's clock (up to its end with `whole_day`), or a time with its offset, in
    seconds since the epoch. Raises `UsageError`."""
    span = span_s(text)
    try:
        if span is not None:
            return max(0.0, moment - span)
        at = datetime.fromisoformat(text.strip())
        if len(text.strip()) <= 10:
            at += timedelta(days=1 if whole_day else 0)
        elif at.tzinfo is None:
            raise ValueError("no offset")
        return min(max(0.0, at.timestamp()), LATEST)
    except (ValueError, OverflowError):
        raise click.UsageError(
            _(
                "{option} {text!r}: give a span such as {examples}, a date such as 2026-11-30, or a time such as "
                "2026-11-30T18:00:00+08:00",
                option=option,
                text=text,
                examples=SPAN_EXAMPLES,
            )
        ) from None


def campaign_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The campaigns in Redis. Completion has no place for messages: where Redis is away it offers nothing."""
    from config.problems import ConfigError
    from dialer.store.base.errors import StoreError
    from dialer.store.operators import campaigns

    given = ctx.find_root().params
    try:
        flags = as_flags(given.get("pairs") or (), "--set")
        if given.get("redis"):
            flags["redis.url"] = given["redis"]
        with Invocation(given.get("config"), flags).store() as store:
            names = campaigns.names(store)
    except (ConfigError, StoreError, click.UsageError):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _region(context: click.Context, _: click.Parameter, given: str | None) -> str:
    """Where nobody says, the country that the daemons read block requests by: one number, one meaning."""
    invocation = context.find_object(Invocation)
    return given or (invocation or Invocation()).effective().settings.intake.default_region


def _crm(context: click.Context, param: click.Parameter, given: str | None) -> str | None:
    if given is not None and not NAME.fullmatch(given):
        raise click.BadParameter(
            _("{given!r} is no CRM's name: small letters, digits, - and _", given=given), param=param
        )
    return given


name_argument = click.argument("name", shell_complete=campaign_names)
campaign_argument = click.argument("campaign", shell_complete=campaign_names)


def campaign_option_for(text: str) -> Callable[[Command], Command]:
    """The option `--campaign`, which may be left out; `text` is its help."""
    return click.option("--campaign", default="", metavar="NAME", help=text, shell_complete=campaign_names)


campaign_option = campaign_option_for("Only for this campaign. [default: for all]")
crm_option = click.option(
    "--crm", default=None, callback=_crm, metavar="NAME", help="The CRM of this name, as campaigns have it (crm)."
)
region_option = click.option(
    "--region",
    callback=_region,
    help="Country of numbers without a country code, ISO 3166. [default: intake.default_region, CN if not set]",
)


def limit_option(default: int) -> Callable[[Command], Command]:
    """How many rows a list shows at most."""
    return click.option(
        "--limit", type=click.IntRange(1, 100_000), default=default, show_default=True, help="Most rows."
    )


def more_than(limit: int) -> str:
    """What is said below a list that goes on."""
    return _("There are more than {limit}; see --limit.", limit=limit)
