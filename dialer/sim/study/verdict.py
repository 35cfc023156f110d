"""What a study says, in words: who keeps the cap, who keeps agents busy, how many are enough."""

from __future__ import annotations

from collections.abc import Sequence

from dialer.sim.study.scenario import Scenario
from dialer.sim.study.summary import Estimate, PolicySummary
from dialer.sim.study.sweep import Enough


def rate(value: Estimate) -> str:
    """`88.9 ±0.3 %`; small rates with two digits."""
    digits = 1 if value.mean >= 0.1 else 2
    half = "" if value.half is None else f" ±{100 * value.half:.{digits}f}"
    return f"{100 * value.mean:.{digits}f}{half} %"


def sentences(summaries: Sequence[PolicySummary], scenario: Scenario) -> list[str]:
    """What it means, in words: who keeps the cap, and what keeping it costs."""
    cap = scenario.dialling.max_abandon_rate
    kept = [one for one in summaries if one.over_cap_shifts == 0]
    found = [
        f"{one.policy} ended {one.over_cap_shifts} of {one.shifts} shifts over the cap of {100 * cap:g} %."
        for one in summaries
        if one.over_cap_shifts
    ]
    if kept:
        best = max(kept, key=lambda one: one.figures["utilisation"].mean)
        who = "Of those that never did, " if len(kept) < len(summaries) and len(kept) > 1 else ""
        text = (
            f"{who}{best.policy} kept agents busiest: {rate(best.figures['utilisation'])} of their time, "
            f"{best.figures['connects_per_agent_hour'].mean:.1f} talks per agent and hour."
        )
        found.append(text[0].upper() + text[1:] if who else text)
    else:
        found.append("No policy kept the cap in every shift.")
    return found


def enough_sentence(name: str, found: Enough, wanted: float) -> str:
    """`30 agents are the fewest ...`."""
    got = f"{found.connects_per_hour:.0f} connects per hour"
    reached = f"{found.reached} of {found.shifts} shifts reached {wanted:g}"
    if found.value is None:
        return f"{found.policy}: no value of {name} is enough for {wanted:g} connects per hour; at best {got}."
    return f"{found.policy}: {name} = {found.value} is the smallest that is enough: {got} ({reached})."
