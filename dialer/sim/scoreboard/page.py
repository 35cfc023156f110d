"""The scoreboard as a Markdown page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dialer.sim.scoreboard.entrants import HARD, NEXT_DAY, OURS
from dialer.sim.scoreboard.page_words import HOW, PEERS, TARGETS_HEAD
from dialer.sim.scoreboard.standing import Standing, Table
from dialer.sim.scoreboard.timing import Timing
from dialer.sim.study.summary import Estimate

TRADE_SVG: Final = "pacing-scoreboard-trade.svg"
OVERVIEW_SVG: Final = "pacing-scoreboard-overview.svg"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was run, and where. `missing` is what a partial run left out, empty for a full one."""

    date: str
    seeds: int
    hours: float
    days: int
    cpus: int
    python: str
    missing: str = ""


def page(facts: Facts, tables: Sequence[Table], timings: Sequence[Timing]) -> str:
    """The whole page."""
    parts = [
        "# Pacing scoreboard",
        _what(facts),
        _verdict(tables),
        _targets(tables),
        f"![Utilisation of the policies that keep the cap]({OVERVIEW_SVG})",
        HOW,
        _timings(timings),
        "## Rows",
        "The busiest agents come first. **Bold** kept the cap on at least 99 % of the days, which with "
        f"{facts.seeds} days means {'all of them' if facts.seeds < 100 else 'nearly all'}.",
        f"![Utilisation against abandon rate]({TRADE_SVG})",
        *(_table(table) for table in tables),
        PEERS,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what(facts: Facts) -> str:
    partial = f"\n\nThis was a partial run: {facts.missing}." if facts.missing else ""
    return f"""\
Which pacing keeps agents busiest without abandoning too many calls: this product's against the published rules of other
dialers. Written by `make bench-pacing`; nothing on it is set by hand.

{facts.date}: {facts.seeds} days of {facts.hours:g} hours for each policy and row, {facts.days:,} days in all, played in
virtual time on {facts.cpus} cores with Python {facts.python}. Nobody was called.{partial}"""


def _verdict(tables: Sequence[Table]) -> str:
    """In sentences: where the cap was not kept, and where somebody else was better."""
    played = [(table, one) for table in tables if (one := table.of(OURS)) is not None]
    if not played:
        return ""
    kept = [table for table, one in played if one.keeps]
    lines = [words for policy in (OURS, NEXT_DAY, HARD) if (words := _days_over(tables, policy))]
    lines += [f"`predictive` kept the cap in {len(kept)} of {len(played)} tables."]
    lines += [
        f"It did not in {_name(table)}: {100 * (1 - one.kept_share):.0f} % of the days ended above, the worst at"
        f" {_percent(one.worst_day, 2)}."
        for table, one in played
        if not one.keeps
    ]
    beaten = [(table, one, other) for table, one in played if (other := table.best_other) and _ahead(other)]
    lines.append(
        f"Among the policies that kept the cap it had the busiest agents in {len(played) - len(beaten)} of"
        f" {len(played)} tables (differences within their interval do not count against it)."
    )
    lines += [
        f"Busier in {_name(table)}: `{other.policy}` with {_percent(other.utilisation.mean)} against"
        f" {_percent(one.utilisation.mean)}."
        for table, one, other in beaten
    ]
    return "## In short\n\n" + "\n".join(f"- {line}" for line in lines)


def _days_over(tables: Sequence[Table], policy: str) -> str:
    """In a sentence: how many of all days of a policy ended above their cap. Empty if it did not play."""
    played = [one for table in tables if (one := table.of(policy)) is not None]
    days, over = sum(one.days for one in played), sum(one.days - one.kept_days for one in played)
    if not days:
        return ""
    share = _percent(over / days, 2)
    return f"Of all {days:,} days of `{policy}`, over all rows and caps, {over} ended above their cap: {share}."


def _ahead(other: Standing) -> bool:
    against = other.against_ours
    return against is not None and against.mean > (against.half or 0.0)


def _targets(tables: Sequence[Table]) -> str:
    lines = []
    for table in tables:
        wanted = table.row.targets.get(table.cap)
        mornings = [table.of(policy) for policy in (OURS, NEXT_DAY)]
        if wanted is None or not any(mornings):
            continue
        answer = table.row.scenario.callees.answer_rate
        cells = [str(table.row.agents), _percent(answer, 0), _percent(table.cap, 0), _percent(wanted)]
        for one in mornings:
            cells += ["", "", ""] if one is None else _reached(one, wanted)
        lines.append(f"| {' | '.join(cells)} |")
    if not lines:
        return ""
    return TARGETS_HEAD + "\n".join(lines)


def _reached(one: Standing, wanted: float) -> list[str]:
    """Utilisation, its difference to what is wanted in points, and the abandon rate."""
    gap, half = one.utilisation.mean - wanted, one.utilisation.half or 0.0
    within = " (within)" if gap < 0 <= gap + half else ""
    return [_estimate(one.utilisation), f"{100 * gap:+.1f}{within}", _percent(one.abandon_rate, 2)]


def _timings(timings: Sequence[Timing]) -> str:
    if not timings:
        return ""
    lines = [
        f"| {one.size.agents} | {one.size.ringing:,} | {one.p50_us:,.0f} µs | {one.p99_us:,.0f} µs |"
        f" {one.max_us:,.0f} µs |"
        for one in timings
    ]
    return (
        f"## Time per decision\n\n`predictive`, over {timings[0].decisions:,} decisions on made-up floors that change"
        " from one to the next.\n\n| agents | ringing | p50 | p99 | max |\n|---|---|---|---|---|\n" + "\n".join(lines)
    )


def _table(table: Table) -> str:
    head = (
        f"### {_name(table)}\n\n"
        "| policy | utilisation | vs predictive | abandoned | worst day | worst hour | kept | over | idle | idle p95 |"
        " connects/h | talk min/h |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(_line(one) for one in table.standings)


def _line(one: Standing) -> str:
    name = f"{one.policy} ({one.note})" if one.note else one.policy
    against = "" if one.against_ours is None else _difference(one.against_ours)
    cells = (
        f"**{name}**" if one.keeps else name,
        _estimate(one.utilisation),
        against,
        _percent(one.abandon_rate, 2),
        _percent(one.worst_day, 2),
        _percent(one.worst_hour),
        _percent(one.kept_share, 0),
        _minutes(one.over_cap_s),
        f"{one.idle_mean_s:.1f} s",
        f"{one.idle_p95_s:.0f} s",
        f"{one.connects_per_agent_hour:.1f}",
        f"{one.talk_min_per_agent_hour:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _name(table: Table) -> str:
    return f"{table.row.title}, cap {100 * table.cap:.0f} %"


def _estimate(value: Estimate) -> str:
    half = "" if value.half is None else f" ±{100 * value.half:.1f}"
    return f"{100 * value.mean:.1f}{half} %"


def _difference(value: Estimate) -> str:
    half = "" if value.half is None else f" ±{100 * value.half:.1f}"
    return f"{100 * value.mean:+.1f}{half}"


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def _minutes(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"
