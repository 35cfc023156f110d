"""The rows of the scoreboard: the reference scenarios R1 to R8 in their sizes, a surge of answers, and short days."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dialer.sim.study.scenario import Scenario, find_scenario, load_scenario
from tests.scoreboard.row import CAP, STRICT_CAP, Group, Row
from tests.scoreboard.rows_at_once import at_once, machines, shocks

TARGETS: Final[Mapping[tuple[int, float], tuple[float, float]]] = {
    (5, 0.30): (0.78, 0.75),
    (10, 0.30): (0.84, 0.81),
    (10, 0.10): (0.81, 0.77),
    (20, 0.30): (0.89, 0.85),
    (20, 0.10): (0.88, 0.83),
    (50, 0.30): (0.935, 0.92),
    (50, 0.10): (0.93, 0.90),
    (100, 0.30): (0.96, 0.95),
}
"""Utilisation at the cap of 3 % and of 1 % by agents and answer rate: what a pacer reached that knew the laws of the
scenario and whose risk had been tuned for each case by hand, rounded up."""

COLD_MACHINE_RATE: Final = 0.25
"""The share of machines on a list where 10 % answer."""


def rows() -> tuple[Row, ...]:
    """All rows, in the order of the page."""
    return (*_long_days(), *at_once(), *machines(), *shocks())


def _long_days() -> tuple[Row, ...]:
    """Days of eight hours."""
    surge = [
        {"of": "answer_rate", "at_min": 120.0, "over_min": 1.0, "to": 0.30},
        {"of": "answer_rate", "at_min": 240.0, "over_min": 1.0, "to": 0.10},
    ]
    leave = [{"kind": "agents_leave", "at_min": 120.0, "share": 0.4, "within_s": 60.0, "for_min": 30.0}]
    outage = [{"kind": "trunk_outage", "at_min": 240.0, "for_min": 2.0}]
    return (
        *(_stationary("r1", "small", agents, rate) for agents, rate in ((5, 0.30), (10, 0.30), (10, 0.10))),
        *(_stationary("r2", "mid", agents, rate) for agents, rate in ((20, 0.30), (20, 0.10))),
        *(_stationary("r3", "large", agents, rate) for agents, rate in ((50, 0.30), (50, 0.10))),
        *(_stationary("r3", "large", agents, rate) for agents, rate in ((100, 0.30), (100, 0.10))),
        *(
            Row(f"r4-{agents}", f"R4 telemarketing, talks of 39 s: {agents} agents", _scenario("r4", agents))
            for agents in (20, 40, 80)
        ),
        Row("r5", "R5 collections, talks of 5 min: 50 agents", _scenario("r5")),
        Row("r6", "R6 survey, talks of 10 to 20 min: 20 agents", _scenario("r6")),
        Row("r7", "R7 drift, answers fall from 30 % to 12 %, then to 8 %: 50 agents", _scenario("r7")),
        Row(
            "r8-leave",
            "R8 shock, 8 of 20 agents leave within a minute",
            _scenario("r8", shocks=leave),
            group=Group.SHOCKS,
        ),
        Row(
            "r8-outage",
            "R8 shock, the trunk is dead for 2 min: 20 agents",
            _scenario("r8", shocks=outage),
            group=Group.SHOCKS,
        ),
        Row(
            "surge",
            "Surge, answers rise from 10 % to 30 % within a minute and fall again after two hours: 20 agents",
            _scenario("r2", answer_rate=0.10, drifts=surge),
            group=Group.SHOCKS,
        ),
    )


def _stationary(base: str, size: str, agents: int, answer_rate: float) -> Row:
    percent = round(100 * answer_rate)
    targets = TARGETS.get((agents, answer_rate))
    return Row(
        name=f"{base}-{agents}-{percent}",
        title=f"{base.upper()} {size}: {agents} agents, {percent} % answer",
        scenario=_scenario(base, agents, answer_rate),
        caps=(CAP, STRICT_CAP),
        targets=dict(zip((CAP, STRICT_CAP), targets, strict=True)) if targets else {},
    )


def _scenario(
    base: str,
    agents: int | None = None,
    answer_rate: float | None = None,
    *,
    drifts: Sequence[Mapping[str, Any]] | None = None,
    shocks: Sequence[Mapping[str, Any]] | None = None,
) -> Scenario:
    """A shipped scenario with some of it changed. An agent has the call at once, as in the reference figures."""
    tree = tomllib.loads(find_scenario(base).read_text(encoding="utf-8"))
    tree["agents"]["pick_up_s"] = 0.0
    if agents is not None:
        tree["agents"]["count"] = agents
    if answer_rate is not None:
        tree["callees"]["answer_rate"] = answer_rate
        if answer_rate <= 0.10:
            tree["callees"]["machine_rate"] = COLD_MACHINE_RATE
    if drifts is not None:
        tree["drifts"] = drifts
    if shocks is not None:
        tree["shocks"] = shocks
    return load_scenario(tree)
