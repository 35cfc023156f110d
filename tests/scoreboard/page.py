"""The scoreboard as a Markdown page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.scoreboard.cells import difference, estimate, minutes, name, percent, quarter
from tests.scoreboard.entrants import NEXT_DAY, OURS
from tests.scoreboard.overview import overview
from tests.scoreboard.page_words import GROUPS, HOW, PEERS, TARGETS_HEAD
from tests.scoreboard.row import Group
from tests.scoreboard.standing import Standing, Table
from tests.scoreboard.timing import Timing
from tests.scoreboard.verdict import verdict

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
        verdict(tables),
        overview(tables),
        _targets(tables),
        f"![Utilisation of the policies that keep the cap]({OVERVIEW_SVG})",
        HOW,
        _timings(timings),
        "## Rows",
        "The busiest agents come first. **Bold** kept the cap on at least 99 % of the days, which with "
        f"{facts.seeds} days means {'all of them' if facts.seeds < 100 else 'nearly all'}.",
        f"![Utilisation against abandon rate]({TRADE_SVG})",
        *(part for group in Group for part in _group(group, tables)),
        PEERS,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what(facts: Facts) -> str:
    partial = f"\n\nThis was a partial run: {facts.missing}." if facts.missing else ""
    return f"""\
Which pacing keeps agents busiest without abandoning too many calls: this product's against the published rules of other
dialers. Written by `make bench-pacing`; nothing on it is set by hand.

{facts.date}: {facts.seeds} days of `predictive` on a row, of {facts.hours:g} hours or of two at most; the others play
fewer, each table says how many. {facts.days:,} days in all, played in virtual time on {facts.cpus} cores
with Python {facts.python}. Nobody was called.{partial}"""


def _targets(tables: Sequence[Table]) -> str:
    lines = []
    for table in tables:
        wanted = table.row.targets.get(table.cap)
        mornings = [table.of(policy) for policy in (OURS, NEXT_DAY)]
        if wanted is None or not any(mornings):
            continue
        answer = table.row.scenario.callees.answer_rate
        cells = [str(table.row.agents), percent(answer, 0), percent(table.cap, 0), percent(wanted)]
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
    return [estimate(one.utilisation), f"{100 * gap:+.1f}{within}", percent(one.abandon_rate, 2)]


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


def _group(group: Group, tables: Sequence[Table]) -> list[str]:
    """The tables of a group under its heading; nothing if there are none."""
    own = [_table(table) for table in tables if table.row.group is group]
    return [f"### {group}\n\n{GROUPS[group]}", *own] if own else []


def _table(table: Table) -> str:
    head = (
        f"#### {name(table)}\n\n"
        "| policy | days | utilisation | vs predictive | vs yardstick | abandoned | first 15 min | worst 15 min |"
        " near a shock | worst hour | worst day | kept | over | idle | idle p95 | connects/h | talk min/h |\n"
        f"|{17 * '---|'}\n"
    )
    return head + "\n".join(_line(one) for one in table.standings)


def _line(one: Standing) -> str:
    policy = f"{one.policy} ({one.note})" if one.note else one.policy
    against = ("" if gap is None else difference(gap) for gap in (one.against_ours, one.against_yardstick))
    cells = (
        f"**{policy}**" if one.keeps else policy,
        str(one.days),
        estimate(one.utilisation),
        *against,
        percent(one.abandon_rate, 2),
        percent(one.first_quarter.mean),
        quarter(one.calm_quarter, one),
        quarter(one.shocked_quarter, one),
        percent(one.worst_hour),
        percent(one.worst_day, 2),
        percent(one.kept_share, 0),
        minutes(one.over_cap_s),
        f"{one.idle_mean_s:.1f} s",
        f"{one.idle_p95_s:.0f} s",
        f"{one.connects_per_agent_hour:.1f}",
        f"{one.talk_min_per_agent_hour:.1f}",
    )
    return f"| {' | '.join(cells)} |"
