"""What came of simulated shifts, as tables and as sentences. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.text import Text

from dialer.cli.base.figures import BAD, GOOD, QUIET, WARN, flowed
from dialer.cli.base.output import table
from dialer.sim.study.summary import rate, sentences

if TYPE_CHECKING:
    from dialer.sim.study.scenario import Scenario
    from dialer.sim.study.summary import Estimate, PolicySummary
    from dialer.sim.study.sweep import Step, Sweep

DEFINITIONS: Final = (
    "utilisation = (talk + wrap-up) / (logged in - paused)",
    "idle, wait: median/95th percentile",
    "connects, calls: per agent and hour",
    "abandoned = answered, and no agent on the line in time / all answered",
    "worst ½h: any 30 minutes in a row",
    "over cap: time with the rate of the shift so far above it",
    "±: half of the 95 % interval of the mean",
    "vs first: same callees, in points",
)
ONLY: Final = "-available-only"


def tables(summaries: Sequence[PolicySummary], scenario: Scenario, width: int) -> RenderableType:
    """Two tables that fit 80 columns, what their words mean, and the verdict."""
    cap = scenario.dialling.max_abandon_rate
    words = [
        *DEFINITIONS,
        *(["*: counts available agents only"] if any(ONLY in one.policy for one in summaries) else []),
    ]
    return Group(
        Text("Agents", "bold"),
        _agents(summaries),
        Text(),
        Text("Callees", "bold"),
        _callees(summaries, cap),
        Text(),
        flowed([Text(word, QUIET) for word in words], min(width, 120)),
        Text(),
        *(Text(line) for line in sentences(summaries, scenario)),
    )


def _agents(summaries: Sequence[PolicySummary]) -> RenderableType:
    heads = ["policy", "utilisation", "vs first", "idle p50/95", "connects/h", "calls/h"]
    rows = [
        (
            _short(one.policy),
            rate(one.figures["utilisation"]),
            difference(one.against_first, "utilisation"),
            f"{one.figures['idle_p50_s'].mean:.0f}/{one.figures['idle_p95_s'].mean:.0f} s",
            f"{one.figures['connects_per_agent_hour'].mean:.1f}",
            f"{one.figures['calls_per_agent_hour'].mean:.1f}",
        )
        for one in summaries
    ]
    return table(heads, rows, right=heads[1:])


def _callees(summaries: Sequence[PolicySummary], cap: float) -> RenderableType:
    heads = ["policy", "abandoned", "vs first", "worst ½h", "over cap", "wait p50/95"]
    rows = [
        (
            _short(one.policy),
            Text(rate(one.figures["abandon_rate"]), BAD if one.figures["abandon_rate"].mean > cap else GOOD),
            difference(one.against_first, "abandon_rate"),
            _percent(one.figures["worst_30_min_abandon_rate"].mean),
            Text(_clock(one.figures["over_cap_s"].mean), WARN if one.over_cap_shifts else ""),
            f"{one.figures['wait_p50_s'].mean:.2f}/{one.figures['wait_p95_s'].mean:.2f} s",
        )
        for one in summaries
    ]
    return table(heads, rows, right=heads[1:])


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def _short(policy: str) -> str:
    return policy.replace(ONLY, "*")


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %" if share < 0.0995 else f"{100 * share:.1f} %"


def difference(against: Mapping[str, Estimate], figure: str) -> str:
    """The difference to the first policy in percentage points; empty for the first itself."""
    value = against.get(figure)
    if value is None:
        return ""
    digits = 1 if figure == "utilisation" else 2
    half = "" if value.half is None else f" ±{100 * value.half:.{digits}f}"
    return f"{100 * value.mean:+.{digits}f}{half}"


# --- sweeps -------------------------------------------------------------------------------------------------------


def sweep_table(sweep: Sweep, steps: Sequence[Step], cap: float) -> RenderableType:
    """A row for each value and policy."""
    heads = [sweep.name, "policy", "connects/h", "per agent", "utilisation", "abandoned", "most lines", "calls/h"]
    rows = [
        (
            step.value if place == 0 else "",
            _short(one.policy),
            number(one.figures["connects_per_hour"], 0),
            f"{one.figures['connects_per_agent_hour'].mean:.1f}",
            f"{100 * one.figures['utilisation'].mean:.1f} %",
            Text(_percent(one.figures["abandon_rate"].mean), BAD if one.figures["abandon_rate"].mean > cap else ""),
            f"{one.figures['most_lines'].mean:.0f}",
            f"{_calls_per_hour(one):.0f}",
        )
        for step in steps
        for place, one in enumerate(step.summaries)
    ]
    return table(heads, rows, right=[head for head in heads if head != "policy"])


def _calls_per_hour(one: PolicySummary) -> float:
    connects, per_agent = one.figures["connects_per_hour"].mean, one.figures["connects_per_agent_hour"].mean
    return one.figures["calls_per_agent_hour"].mean * connects / per_agent if per_agent else 0.0


def number(value: Estimate, digits: int) -> str:
    """`234 ±5`."""
    return f"{value.mean:.{digits}f}" + ("" if value.half is None else f" ±{value.half:.{digits}f}")


def sweep_bars(
    sweep: Sweep, steps: Sequence[Step], wanted: float | None, width: int, bar: Callable[[float, int, str], Text]
) -> RenderableType:
    """Connects per hour as bars, a mark where the wanted number is."""
    names = [one.policy for one in steps[0].summaries]
    values = {
        (step.value, one.policy): one.figures["connects_per_hour"].mean for step in steps for one in step.summaries
    }
    most = max([*values.values(), wanted or 0.0]) or 1.0
    label = max(len(step.value) for step in steps) + 1
    room = max(10, min(width, 100) - label - 8)
    aim = "" if wanted is None else f", ✓ from {wanted:g}"
    lines = [Text.assemble(("connects per hour", "bold"), f" by {sweep.name}{aim}")]
    for name in names:
        lines.append(Text(name, "cyan"))
        for step in steps:
            value = values[step.value, name]
            enough = wanted is not None and value >= wanted
            drawn = bar(value / most, room, GOOD if enough or wanted is None else WARN)
            lines.append(Text.assemble(f"{step.value:>{label}} ", drawn, f" {value:.0f}", " ✓" if enough else ""))
    return Group(*lines)
