"""The page's beginning, in sentences: what ours keeps, and every table in which it falls short."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from dialer.sim.study.figures import Estimate
from tests.scoreboard.board.cells import name, percent
from tests.scoreboard.board.standing import Standing, Table
from tests.scoreboard.entrants import HARD, NEXT_DAY, OURS, YARDSTICK
from tests.scoreboard.row import Group
from tests.scoreboard.virtual_floor.quarters import ENOUGH_ANSWERS

CALM_TIMES: Final = 1.6
SHOCKED_TIMES: Final = 2.5
NEAR: Final = 0.007
"""So near to the yardstick's utilisation ours is wanted to be."""

COUNTED_TIMES: Final = 1.25
"""A yardstick whose counted rate is more than so many caps is no measure of a pacer that is held to the count."""

Played = Sequence[tuple[Table, Standing]]


def verdict(tables: Sequence[Table]) -> str:
    """The whole part; empty if ours has not played."""
    played = [(table, one) for table in tables if (one := table.of(OURS)) is not None]
    if not played:
        return ""
    lines = [words for policy in (OURS, NEXT_DAY, HARD) if (words := _days_over(tables, policy))]
    lines += [*_days(played), *_first_quarters(played), *_calm_quarters(played), *_shocks(played)]
    lines += [*_against_yardstick(played), *_against_others(played)]
    return "## In short\n\n" + "\n".join(f"- {line}" for line in lines)


def _days_over(tables: Sequence[Table], policy: str) -> str:
    """In a sentence: how many of all days of a policy ended above their cap, by people alone and by the ledgers' count.
    Empty if it did not play."""
    played = [one for table in tables if (one := table.of(policy)) is not None]
    days, over = sum(one.days for one in played), sum(one.days - one.kept_days for one in played)
    if not days:
        return ""
    words = f"Of all {days:,} days of `{policy}`, over all rows and caps, {over} ended above their cap"
    counted = sum(one.days - one.counted_kept_days for one in played)
    return f"{words}: {percent(over / days, 2)}; by the ledgers' count, machines included, {counted}."


def _days(played: Played) -> list[str]:
    kept = [table for table, one in played if one.keeps]
    return [f"`predictive` kept the cap in {len(kept)} of {len(played)} tables."] + [
        f"It did not in {name(table)}: {100 * (1 - one.kept_share):.0f} % of the days ended above, the worst at"
        f" {percent(one.worst_day, 2)}."
        for table, one in played
        if not one.keeps
    ]


def _first_quarters(played: Played) -> list[str]:
    return _rates(
        "The first 15 minutes abandoned at most the cap", "first 15 minutes", played, lambda one: one.first_quarter, 1.0
    )


def _calm_quarters(played: Played) -> list[str]:
    """Any quarter of the day as it is on the mean day, and the worst of each day, which is chance as well."""
    told = [(table, one) for table, one in played if one.any_quarter is not None]
    over = [(table, one.any_quarter or 0.0) for table, one in told if (one.any_quarter or 0.0) > CALM_TIMES * table.cap]
    daily = [(table, one) for table, one in played if one.quarter_answers >= ENOUGH_ANSWERS and one.calm_quarter]
    words = f"The worst calm 15 minutes of each day with {ENOUGH_ANSWERS} answers or more abandoned at most"
    return [
        f"Any 15 minutes of the day with no shock near and {ENOUGH_ANSWERS} answers abandoned, over all days, at most"
        f" {CALM_TIMES:g} times the cap in {len(told) - len(over)} of {len(told)} tables.",
        *(f"Above it in some 15 minutes of {name(table)}: {percent(rate, 2)}." for table, rate in over),
        *_rates(
            f"{words} {CALM_TIMES:g} times the cap",
            "worst calm 15 minutes",
            daily,
            lambda one: one.calm_quarter,
            CALM_TIMES,
        ),
    ]


def _shocks(played: Played) -> list[str]:
    told = [
        (table, one)
        for table, one in played
        if table.row.group is Group.SHOCKS and one.quarter_answers >= ENOUGH_ANSWERS and one.shocked_quarter
    ]
    words = f"On rows with a shock the worst 15 minutes near it abandoned at most {SHOCKED_TIMES:g} times the cap"
    return _rates(words, "worst 15 minutes near a shock", told, lambda one: one.shocked_quarter, SHOCKED_TIMES)


def _rates(
    words: str, short: str, played: Played, rate_of: Callable[[Standing], Estimate | None], times: float
) -> list[str]:
    """One sentence of how many tables keep a limit, mean over days, and one for each that does not."""
    over = []
    for table, one in played:
        rate, most = rate_of(one), times * table.cap
        if rate is not None and rate.mean > most:
            within = " (within its interval)" if rate.mean - (rate.half or 0.0) <= most else ""
            over.append(f"Above it in the {short} of {name(table)}: {percent(rate.mean, 2)}{within}.")
    if not played:
        return []
    return [f"{words}, mean over days, in {len(played) - len(over)} of {len(played)} tables.", *over]


def _against_yardstick(played: Played) -> list[str]:
    allowed = [(table, one) for table, one in played if not _breaks_the_count(table)]
    told = [(table, gap) for table, one in allowed if (gap := one.against_yardstick) is not None]
    short = [(table, gap) for table, gap in told if gap.mean < -NEAR]
    if not told:
        return []
    near = f"{len(told) - len(short)} of {len(told)} tables"
    lines = [f"It was within {100 * NEAR:.1f} points of the yardstick's utilisation, or above it, in {near}."]
    lines += [
        f"Less busy than the yardstick in {name(table)}: by {-100 * gap.mean:.1f} points"
        f"{' (within its interval)' if gap.mean + (gap.half or 0.0) >= -NEAR else ''}."
        for table, gap in short
    ]
    lines += [
        f"Not compared with the yardstick in {name(table)}: as the ledger counts, it abandoned {percent(rate)}."
        for table, _ in played
        if (rate := _breaks_the_count(table))
    ]
    return lines


def _breaks_the_count(table: Table) -> float:
    """The yardstick's rate as the ledger counts, where it keeps the cap of people and is far above that of the ledger,
    as no campaign may be; 0 where it is not."""
    yardstick = table.of(YARDSTICK)
    if yardstick is None or yardstick.counted_rate <= max(COUNTED_TIMES * table.cap, yardstick.abandon_rate):
        return 0.0
    return yardstick.counted_rate


def _against_others(played: Played) -> list[str]:
    beaten = [(table, one, other) for table, one in played if (other := table.best_other) and _ahead(other)]
    return [
        f"Among the policies that kept the cap it had the busiest agents in {len(played) - len(beaten)} of"
        f" {len(played)} tables (differences within their interval do not count against it)."
    ] + [
        f"Busier in {name(table)}: `{other.policy}` with {percent(other.utilisation.mean)} against"
        f" {percent(one.utilisation.mean)}."
        for table, one, other in beaten
    ]


def _ahead(other: Standing) -> bool:
    against = other.against_ours
    return against is not None and against.mean > (against.half or 0.0)
