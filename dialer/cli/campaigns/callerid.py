"""`dialer callerid`: the numbers that callees see, how often they were shown today, and which of them rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click

from compliance.caller_ids import CallerId, Standing
from dialer.cli.base.arguments import SPAN_EXAMPLES, campaign_option_for, span_s
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, table, when
from dialer.language.translation import _, word
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
@examples('dialer callerid rest +861065550001 --for 7d --reason "labelled as spam"')
def callerid() -> None:
    """Numbers that callees see (caller id, 主叫号码). They are the company's own and are shown whole."""


@callerid.command("list")
@examples("dialer callerid list --campaign spring-sale")
@campaign_option_for("Only the pool of this campaign. [default: all]")
@answering
def list_(invocation: Invocation, campaign: str) -> Answer:
    """List caller ids: where they may be shown, uses today by all campaigns, the limit, and what rests until when and
    why. Today is each campaign's own day."""
    moment = now()
    with invocation.store() as store:
        listed = (campaigns.get(store, campaign),) if campaign else campaigns.listing(store)
        rows = [row for each in listed for row in _rows(store, each, moment)]
    data = [_as_data(row, moment) for row in rows]
    if not rows:
        return Answer(
            data,
            _("Campaign {campaign} has no caller id.", campaign=campaign)
            if campaign
            else _("No campaign has a caller id."),
        )
    heads = ("campaign", "caller id", "countries", "today", "limit", "rests until", "why")
    return Answer(data, table(heads, [_drawn(row) for row in data], right=("today", "limit")))


@callerid.command()
@examples('dialer callerid rest +861065550001 --for 7d --reason "labelled as spam"')
@click.argument("number")
@click.option("--for", "span", required=True, metavar="SPAN", help="How long: 30m, 12h, 7d or 2w.")
@click.option("--reason", required=True, help="Why, for the record and for whoever asks.")
@answering
def rest(invocation: Invocation, number: str, span: str, reason: str) -> Answer:
    """Show a number to nobody for a while, in all campaigns. Calls in progress go on; callees who were shown it wait
    for it. A rest that was ordered before is replaced."""
    moment = now()
    until = moment + _rest_s(span)
    with invocation.store() as store:
        used_by = _used_by(store, number)
        caller_ids.rest(store, number, Rest(until, reason, invocation.who, moment))
        detail = {"caller_id": number, "until": until, "reason": reason}
        control.audit(store, "caller_id_rest", who=invocation.who, now=moment, detail=detail)
    return Answer(
        {**detail, "campaigns": used_by},
        _("{number} rests until {until}, in {names}.", number=number, until=when(until), names=", ".join(used_by)),
    )


@callerid.command()
@examples("dialer callerid wake +861065550001")
@click.argument("number")
@answering
def wake(invocation: Invocation, number: str) -> Answer:
    """End a number's rest, whether somebody ordered it or the network's blocks did. Blocks until now do not count any
    more for the next rest. Callees whose calls were blocked are still shown this number alone."""
    moment = now()
    with invocation.store() as store:
        _used_by(store, number)
        woken = caller_ids.wake(store, number)
        if woken:
            control.audit(store, "caller_id_wake", who=invocation.who, now=moment, detail={"caller_id": number})
    page = _("{number} may be shown again.", number=number) if woken else _("{number} did not rest.", number=number)
    return Answer({"caller_id": number, "woken": woken}, page)


def _rows(store: Store, campaign: Campaign, moment: float) -> list[Row]:
    pool = campaign.settings.caller_pool()
    standings = caller_ids.held(store, campaign.settings, moment).standings(pool)
    return [Row(pool.campaign, row, standings[row.number]) for row in pool.rows]


def _used_by(store: Store, number: str) -> Sequence[str]:
    """The campaigns that show a number; a mistyped one would rest nothing."""
    pools = [each.settings.caller_pool() for each in campaigns.listing(store)]
    used_by = [pool.campaign for pool in pools if any(row.number == number for row in pool.rows)]
    if not used_by:
        known = sorted({row.number for pool in pools for row in pool.rows})
        listed = ", ".join(known[:5]) + (_(" and {what} more", what=len(known) - 5) if len(known) > 5 else "")
        raise Failure(
            CliExit.NOT_FOUND,
            _("no campaign shows {number}", number=number),
            _("caller ids of campaigns: {numbers}", numbers=listed or _("none yet")),
        )
    return used_by


def _rest_s(text: str) -> float:
    seconds = span_s(text)
    if seconds is None or seconds > LONGEST_REST_S:
        raise click.BadParameter(
            _("a span such as {examples}; at most 366d; got {text!r}", examples=SPAN_EXAMPLES, text=text),
            param_hint="'--for'",
        )
    return seconds


def _drawn(row: Mapping[str, Any]) -> tuple[str, ...]:
    countries = " ".join(row["countries"]) or word("(any)")
    counts = (str(row["uses_today"]), str(row["daily_limit"] or ""))
    return (row["campaign"], row["caller_id"], countries, *counts, when(row["rests_until"]), row["why"])


def _as_data(row: Row, moment: float) -> Mapping[str, Any]:
    standing, caller_id = row.standing, row.caller_id
    rests = standing.rests(moment)
    return {
        "campaign": row.campaign,
        "caller_id": caller_id.number,
        "countries": sorted(caller_id.countries),
        "uses_today": standing.uses,
        "daily_limit": caller_id.daily_limit,
        "rests_until": standing.rests_until if rests else None,
        "why": standing.why if rests else "",
    }
