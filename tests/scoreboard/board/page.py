"""The scoreboard as a Markdown page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.scoreboard.board.cells import estimate, gap, markdown, minutes, name, percent, quarter
from tests.scoreboard.board.page_words import GROUPS, HOW, OVERVIEW_HEAD, PEERS, TARGETS_HEAD
from tests.scoreboard.board.standing import Standing, Table
from tests.scoreboard.board.timing import Timing
from tests.scoreboard.board.verdict import verdict
from tests.scoreboard.entrants import NEXT_DAY, OURS, YARDSTICK
from tests.scoreboard.row import Group

TARGETS_COLUMNS: Final = (
    "agents", "answer", "cap", "asked", "cold day", "difference", "abandoned", "next day", "difference", "abandoned",
)  # fmt: skip
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
        _overview(tables),
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
    lines: list[list[str]] = []
    for table in tables:
        wanted = table.row.targets.get(table.cap)
        mornings = [table.of(policy) for policy in (OURS, NEXT_DAY)]
        if wanted is None or not any(mornings):
            continue
        answer = table.row.scenario.callees.answer_rate
        cells = [str(table.row.agents), percent(answer, 0), percent(table.cap, 0), percent(wanted)]
        for morning in mornings:
            cells += ["", "", ""] if morning is None else _reached(morning, wanted)
        lines.append(cells)
    return TARGETS_HEAD + markdown(TARGETS_COLUMNS, lines) if lines else ""


def _reached(one: Standing, wanted: float) -> list[str]:
    """Utilisation, its difference to what is wanted in points, and the abandon rate."""
    gap, half = one.utilisation.mean - wanted, one.utilisation.half or 0.0
    within = " (within)" if gap < 0 <= gap + half else ""
    return [estimate(one.utilisation), f"{100 * gap:+.1f}{within}", percent(one.abandon_rate, 2)]


def _timings(timings: Sequence[Timing]) -> str:
    if not timings:
        return ""
    lines = [
        [str(timing.size.agents), f"{timing.size.ringing:,}"]
        + [f"{time_us:,.0f} µs" for time_us in (timing.p50_us, timing.p99_us, timing.max_us)]
        for timing in timings
    ]
    return (
        f"## Time per decision\n\n`predictive`, over {timings[0].decisions:,} decisions on made-up floors that change"
        " from one to the next; processor time.\n\n" + markdown(("agents", "ringing", "p50", "p99", "max"), lines)
    )


def _group(group: Group, tables: Sequence[Table]) -> list[str]:
    """The tables of a group under its heading; nothing if there are none."""
    own = [_table(table) for table in tables if table.row.group is group]
    return [f"### {group}\n\n{GROUPS[group]}", *own] if own else []


ROW_COLUMNS: Final[tuple[tuple[str, Callable[[Standing], str]], ...]] = (
    ("policy", lambda one: _policy(one)),
    ("days", lambda one: str(one.days)),
    ("utilisation", lambda one: estimate(one.utilisation)),
    ("vs predictive", lambda one: gap(one.against_ours)),
    ("vs yardstick", lambda one: gap(one.against_yardstick)),
    ("abandoned", lambda one: percent(one.abandon_rate, 2)),
    ("counted", lambda one: percent(one.counted_rate, 2)),
    ("first 15 min", lambda one: percent(one.first_quarter.mean)),
    ("worst 15 min", lambda one: quarter(one.calm_quarter, one)),
    ("near a shock", lambda one: quarter(one.shocked_quarter, one)),
    ("worst hour", lambda one: percent(one.worst_hour)),
    ("worst day", lambda one: percent(one.worst_day, 2)),
    ("kept", lambda one: percent(one.kept_share, 0)),
    ("over", lambda one: minutes(one.over_cap_s)),
    ("idle", lambda one: f"{one.idle_mean_s:.1f} s"),
    ("idle p95", lambda one: f"{one.idle_p95_s:.0f} s"),
    ("connects/h", lambda one: f"{one.connects_per_agent_hour:.1f}"),
    ("talk min/h", lambda one: f"{one.talk_min_per_agent_hour:.1f}"),
)
"""The table of a row, a line for each policy: head, and what is in the cell."""

OVERVIEW_COLUMNS: Final[tuple[tuple[str, Callable[[Table, Standing, Standing | None], str]], ...]] = (
    ("row", lambda table, _, __: table.row.name),
    ("cap", lambda table, _, __: percent(table.cap, 0)),
    ("kept", lambda _, ours, __: percent(ours.kept_share, 0)),
    ("abandoned", lambda _, ours, __: percent(ours.abandon_rate, 2)),
    ("counted", lambda _, ours, __: percent(ours.counted_rate, 2)),
    ("first 15 min", lambda _, ours, __: percent(ours.first_quarter.mean)),
    ("worst 15 min", lambda _, ours, __: quarter(ours.calm_quarter, ours)),
    ("near a shock", lambda _, ours, __: quarter(ours.shocked_quarter, ours)),
    ("utilisation", lambda _, ours, __: estimate(ours.utilisation)),
    ("yardstick", lambda _, __, best: "" if best is None else estimate(best.utilisation)),
    ("difference", lambda _, ours, __: gap(ours.against_yardstick)),
    ("its abandoned", lambda _, __, best: "" if best is None else percent(best.abandon_rate, 2)),
    ("its counted", lambda _, __, best: "" if best is None else percent(best.counted_rate, 2)),
)
"""Ours against the yardstick, a line for each table: what the day, its quarters of an hour and its agents came to."""


def _overview(tables: Sequence[Table]) -> str:
    """Every table in one line; empty if ours has not played."""
    rows = [
        [write(table, ours, table.of(YARDSTICK)) for _, write in OVERVIEW_COLUMNS]
        for table in tables
        if (ours := table.of(OURS)) is not None
    ]
    return OVERVIEW_HEAD + markdown([head for head, _ in OVERVIEW_COLUMNS], rows) if rows else ""


def _table(table: Table) -> str:
    rows = [[write(standing) for _, write in ROW_COLUMNS] for standing in table.standings]
    return f"#### {name(table)}\n\n" + markdown([head for head, _ in ROW_COLUMNS], rows)


def _policy(one: Standing) -> str:
    policy = f"{one.policy} ({one.note})" if one.note else one.policy
    return f"**{policy}**" if one.keeps else policy
