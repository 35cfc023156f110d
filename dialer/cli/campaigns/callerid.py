"""`dialer callerid`: the numbers that callees see, how often they were shown today, and which of them rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click

from compliance.caller_ids import CallerId, Standing
from dialer.cli.base.durations import EXAMPLES, span_s
from dialer.cli.base.exits import CliExit
from dialer.cli.base.failures import Failure
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import show, show_json, table, when
from dialer.cli.host.completion import campaign_names
from dialer.store.base.connection import Store
from dialer.store.gate import caller_ids
from dialer.store.gate.caller_ids import Rest
from dialer.store.operators import campaigns, control
from dialer.store.operators.campaigns import Campaign

LONGEST_REST_S: Final = 366 * 86_400


@dataclass(frozen=True, slots=True)
class Row:
    """A number in one campaign's pool."""

    campaign: str
    caller_id: CallerId
    standing: Standing


@click.group(cls=NearGroup)
def callerid() -> None:
    """Numbers that callees see (caller id, 主叫号码). They are the company's own and are shown whole.

    \b
    Example:
      dialer callerid rest +861065550001 --for 7d --reason "labelled as spam"
    """


@callerid.command("list")
@click.option(
    "--campaign",
    default="",
    metavar="NAME",
    help="Only the pool of this campaign. [default: all]",
    shell_complete=campaign_names,
)
@json_option
@pass_invocation
def list_(invocation: Invocation, campaign: str, as_json: bool) -> None:
    """List caller ids: where they may be shown, uses today by all campaigns, the limit, and what rests until when and
    why. Today is each campaign's own day.

    \b
    Example:
      dialer callerid list --campaign spring-sale
    """
    moment = now()
    with invocation.store() as store:
        found = (campaigns.get(store, campaign),) if campaign else campaigns.listing(store)
        rows = [row for one in found for row in _rows(store, one, moment)]
    if as_json:
        show_json([_as_data(row, moment) for row in rows])
    elif rows:
        heads = ("campaign", "caller id", "countries", "today", "limit", "rests until", "why")
        show(table(heads, [_drawn(row, moment) for row in rows], right=("today", "limit")))
    else:
        click.echo(f"Campaign {campaign} has no caller id." if campaign else "No campaign has a caller id.")


@callerid.command()
@click.argument("number")
@click.option("--for", "span", required=True, metavar="SPAN", help="How long: 30m, 12h, 7d or 2w.")
@click.option("--reason", required=True, help="Why, for the record and for whoever asks.")
@json_option
@pass_invocation
def rest(invocation: Invocation, number: str, span: str, reason: str, as_json: bool) -> None:
    """Show a number to nobody for a while, in all campaigns. Calls in progress go on; callees who were shown it wait
    for it. A rest that was ordered before is replaced.

    \b
    Example:
      dialer callerid rest +861065550001 --for 7d --reason "labelled as spam"
    """
    moment = now()
    until = moment + _rest_s(span)
    with invocation.store() as store:
        used_by = _used_by(store, number)
        caller_ids.rest(store, number, Rest(until, reason, invocation.who, moment))
        detail = {"caller_id": number, "until": until, "reason": reason}
        control.audit(store, "caller_id_rest", who=invocation.who, now=moment, detail=detail)
    if as_json:
        show_json({"caller_id": number, "until": until, "reason": reason, "campaigns": used_by})
    else:
        click.echo(f"{number} rests until {when(until)}, in {', '.join(used_by)}.")


@callerid.command()
@click.argument("number")
@json_option
@pass_invocation
def wake(invocation: Invocation, number: str, as_json: bool) -> None:
    """End a number's rest, whether somebody ordered it or the network's blocks did. Blocks until now do not count any
    more for the next rest. Callees whose calls were blocked are still shown this number alone.

    \b
    Example:
      dialer callerid wake +861065550001
    """
    moment = now()
    with invocation.store() as store:
        _used_by(store, number)
        woken = caller_ids.wake(store, number)
        if woken:
            control.audit(store, "caller_id_wake", who=invocation.who, now=moment, detail={"caller_id": number})
    if as_json:
        show_json({"caller_id": number, "woken": woken})
    else:
        click.echo(f"{number} may be shown again." if woken else f"{number} did not rest.")


def _rows(store: Store, found: Campaign, moment: float) -> list[Row]:
    pool = found.settings.caller_pool()
    standings = caller_ids.held(store, found.settings, moment).standings(pool)
    return [Row(pool.campaign, row, standings[row.number]) for row in pool.rows]


def _used_by(store: Store, number: str) -> Sequence[str]:
    """The campaigns that show a number; a mistyped one would rest nothing."""
    pools = [found.settings.caller_pool() for found in campaigns.listing(store)]
    used_by = [pool.campaign for pool in pools if any(row.number == number for row in pool.rows)]
    if not used_by:
        known = sorted({row.number for pool in pools for row in pool.rows})
        listed = ", ".join(known[:5]) + (f" and {len(known) - 5} more" if len(known) > 5 else "")
        raise Failure(
            CliExit.NOT_FOUND, f"no campaign shows {number}", f"caller ids of campaigns: {listed or 'none yet'}"
        )
    return used_by


def _rest_s(text: str) -> float:
    found = span_s(text)
    if found is None or found > LONGEST_REST_S:
        raise click.BadParameter(f"a span such as {EXAMPLES}; at most 366d; got {text!r}", param_hint="'--for'")
    return found


def _drawn(row: Row, moment: float) -> tuple[str, ...]:
    standing, one = row.standing, row.caller_id
    rests = standing.rests(moment)
    return (
        row.campaign,
        one.number,
        " ".join(sorted(one.countries)) or "(any)",
        str(standing.uses),
        str(one.daily_limit or ""),
        when(standing.rests_until) if rests else "",
        standing.why if rests else "",
    )


def _as_data(row: Row, moment: float) -> Mapping[str, Any]:
    standing, one = row.standing, row.caller_id
    rests = standing.rests(moment)
    return {
        "campaign": row.campaign,
        "caller_id": one.number,
        "countries": sorted(one.countries),
        "uses_today": standing.uses,
        "daily_limit": one.daily_limit,
        "rests_until": standing.rests_until if rests else None,
        "why": standing.why if rests else "",
    }
