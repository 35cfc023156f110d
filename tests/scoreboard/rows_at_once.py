"""Rows of short days on which everybody comes at once: cold starts, machines that reach agents, and shocks.

They are the shipped scenarios R9 to R11 in other sizes, and what else can happen to a floor within two hours. The rows
in `UNTUNED` are for judging a change of the pacer: nothing is tuned on them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dialer.sim.study.scenario import find_scenario, load_scenario
from tests.scoreboard.row import CAP, STRICT_CAP, Group, Row

BASELINE_DAYS: Final = 6
"""Enough to see what a published rule does on such a row."""

UNTUNED: Final = frozenset(
    {"once-120-8", "machines-80-18-15-at-once", "machines-80-18-15-later", "step-60-6-36", "turns-50-35-12"}
)

BOTH: Final = (CAP, STRICT_CAP)
LUNCH: Final = {"at_min": 45.0, "for_min": 30.0, "within_s": 300.0, "together": True}
"""They go one by one; if ready agents went all at once, the calls in the air would find nobody, whatever the pacer."""

BREAKS: Final = (
    {"at_min": 25.0, "share": 0.3, "for_min": 10.0, "within_s": 120.0},
    {"at_min": 55.0, "share": 0.5, "for_min": 15.0, "within_s": 60.0},
)
HEARD: Final = {"at_once": "known at once", "later": "known when the agent is done", "never": "never known"}


def at_once() -> Iterator[Row]:
    """The start of a shift, with everybody there from the first second; after lunch; after a restart."""
    for agents, rate, caps in (
        (2, 0.60, (CAP,)), (10, 0.22, (CAP,)), (20, 0.25, BOTH), (100, 0.20, BOTH), (120, 0.08, (CAP,)),
        (150, 0.12, (CAP,)),
        (200, 0.05, (CAP,)), (200, 0.03, (CAP,)), (500, 0.20, (CAP,)),
    ):  # fmt: skip
        yield _row(Group.AT_ONCE, f"once-{agents}-{_percent(rate)}", "", agents, rate, caps=caps)
    for agents, rate, caps in ((50, 0.18, BOTH), (300, 0.20, (CAP,))):
        drifts = [
            {"of": "answer_rate", "at_min": 10.0, "over_min": 70.0, "to": rate * 0.6},
            {"of": "talk_mean_s", "at_min": 20.0, "over_min": 60.0, "to": 150.0},
        ]
        name = f"once-{agents}-{_percent(rate)}-drift"
        words = "breaks, fewer and fewer answer"
        yield _row(Group.AT_ONCE, name, words, agents, rate, caps=caps, breaks=BREAKS, drifts=drifts)
    for agents, rate in ((20, 0.25), (100, 0.20)):
        name = f"lunch-{agents}-{_percent(rate)}"
        yield _row(Group.AT_ONCE, name, "all at lunch for 30 min", agents, rate, hours=2.0, breaks=(LUNCH,))
    for memory, words in ((False, "nothing remembered"), (True, "with its memory")):
        restart = {"at_min": 45.0, "for_min": 5.0, "memory": memory}
        name = f"restart-100-20-{'memory' if memory else 'cold'}"
        yield _row(Group.AT_ONCE, name, f"the daemon restarts, {words}", 100, 0.20, restarts=[restart])


def machines() -> Iterator[Row]:
    """Machines that answer late, and reach agents but for the last row."""
    floors = ((100, 0.15, 0.10, 16.0, tuple(HEARD)), (150, 0.12, 0.25, 20.0, tuple(HEARD)))
    more = (
        (80, 0.18, 0.15, 18.0, ("at_once", "later")),
        (50, 0.20, 0.50, 16.0, ("at_once", "never")),
        (20, 0.25, 0.30, 20.0, ("never",)),
    )
    for agents, rate, share, after_s, heards in (*floors, *more):
        for heard in heards:
            name = f"machines-{agents}-{_percent(rate)}-{_percent(share)}-{heard.replace('_', '-')}"
            words = f"a machine in {_percent(share)} % after {after_s:g} s, {HEARD[heard]}"
            caps = BOTH if (agents, heard) == (100, "never") else (CAP,)
            yield _row(Group.MACHINES, name, words, agents, rate, caps=caps, callees=_late(share, after_s, heard))
    screened = _late(0.25, 20.0, "never") | {"machines": "screened"}
    words = "a machine in 25 % after 20 s, ended by the carrier"
    yield _row(Group.MACHINES, "machines-150-10-25-screened", words, 150, 0.10, callees=screened)


def shocks() -> Iterator[Row]:
    """What happens all of a sudden, at minute 45 or all the time."""
    for agents, before, after, words in (
        (100, 0.08, 0.24, "three times as many answer"), (100, 0.05, 0.30, "six times as many answer"),
        (20, 0.05, 0.30, "six times as many answer"), (60, 0.06, 0.36, "six times as many answer"),
        (100, 0.30, 0.10, "a third of them answer"),
    ):  # fmt: skip
        name = f"step-{agents}-{_percent(before)}-{_percent(after)}"
        step = {"of": "answer_rate", "at_min": 45.0, "to": after}
        yield _row(Group.SHOCKS, name, f"{words} from minute 45 on", agents, before, drifts=[step])
    for agents in (20, 100):
        for kind, words in (("trunk_outage", "the trunk is dead"), ("trunk_refuses", "the trunk refuses every call")):
            shock = {"kind": kind, "at_min": 45.0, "for_min": 5.0}
            name = f"{'dead' if kind == 'trunk_outage' else 'refuses'}-{agents}-20"
            # A real trunk takes so many calls in a second; a refused one is tried again at once.
            fast = {"max_cps": 50.0}
            yield _row(Group.SHOCKS, name, f"{words} for 5 min", agents, 0.20, shocks=[shock], dialling=fast)
    for agents, high, low, every_min, spoken in (
        (20, 0.40, 0.10, 2.0, "two"), (50, 0.35, 0.12, 3.0, "three"), (100, 0.40, 0.10, 2.0, "two"),
    ):  # fmt: skip
        turns = {"of": "answer_rate", "at_min": every_min, "to": low, "alternates_min": every_min}
        words = f"and {_percent(low)} % by turns, every {spoken} minutes"
        name = f"turns-{agents}-{_percent(high)}-{_percent(low)}"
        yield _row(Group.SHOCKS, name, words, agents, high, drifts=[turns])


def _row(
    group: Group,
    name: str,
    words: str,
    agents: int,
    rate: float,
    *,
    caps: tuple[float, ...] = (CAP,),
    hours: float = 1.5,
    callees: Mapping[str, Any] | None = None,
    breaks: Any = (),
    dialling: Mapping[str, Any] | None = None,
    **more: Any,
) -> Row:
    """R10 with some of it changed. An agent has the call at once, as on the other rows."""
    tree = tomllib.loads(find_scenario("r10").read_text(encoding="utf-8")) | {"restarts": []} | more
    tree["hours"] = hours
    tree["agents"] |= {"count": agents, "pick_up_s": 0.0, "breaks": list(breaks)}
    tree["callees"] |= {"answer_rate": rate, **(callees or {})}
    tree["dialling"] |= dialling or {}
    title = f"{agents} agents, {_percent(rate)} % answer{', ' + words if words else ''}"
    return Row(name, title, load_scenario(tree), caps, group=group, baseline_days=BASELINE_DAYS)


def _late(share: float, after_s: float, heard: str) -> dict[str, Any]:
    """Machines that answer within two seconds of each other, late."""
    ring = {"law": "uniform", "low_s": after_s, "high_s": after_s + 2.0}
    return {"machine_rate": share, "machines": "agent", "machine_ring": ring, "kinds": heard}


def _percent(rate: float) -> int:
    return round(100 * rate)
