"""How many does it take: one setting of a scenario through a range of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dialer.sim.study.figures import FIGURES
from dialer.sim.study.results import Run
from dialer.sim.study.summary import PolicySummary

PATHS: Final = {
    "agents": "agents.count",
    "lines": "dialling.lines",
    "leads": "dialling.leads",
    "cps": "dialling.max_cps",
    "ratio": "dialling.ratio",
    "answer_rate": "callees.answer_rate",
    "max_abandon_rate": "dialling.max_abandon_rate",
}
"""Short names of the settings that are swept most; any other is named by its path."""

WHOLE: Final = frozenset({"agents.count", "dialling.lines", "dialling.leads"})
MOST_VALUES: Final = 50


@dataclass(frozen=True, slots=True)
class Sweep:
    """A setting and its values as text, as a flag would give them."""

    name: str
    path: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One value of a sweep, and what came of it."""

    value: str
    summaries: tuple[PolicySummary, ...]
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Enough:
    """The smallest value that gives a policy the wanted connects per hour; `reached` shifts of `shifts` had as many.
    `value` is None where no value of the sweep does."""

    policy: str
    value: str | None
    connects_per_hour: float
    reached: int
    shifts: int


def parse_sweep(text: str) -> Sweep:
    """`agents=5:50:5` (from, to, step; the end included) or `answer_rate=0.1,0.2,0.3`. Raises `ValueError`."""
    name, equals, rest = text.partition("=")
    name = name.strip()
    if not equals or not name:
        raise ValueError(f"wants NAME=FROM:TO:STEP or NAME=A,B,C, got {text!r}")
    path = PATHS.get(name, name)
    values = _range(rest) if ":" in rest else [_number(part) for part in rest.split(",")]
    if not 1 <= len(values) <= MOST_VALUES:
        raise ValueError(f"{text!r} has {len(values)} values, it must be 1 to {MOST_VALUES}")
    if path in WHOLE and any(value != int(value) for value in values):
        raise ValueError(f"{name} is a whole number")
    ordered = sorted(dict.fromkeys(values))
    return Sweep(name, path, tuple(str(int(v)) if v == int(v) else f"{v:.10g}" for v in ordered))


def _range(text: str) -> list[float]:
    parts = [_number(part) for part in text.split(":")]
    if len(parts) not in {2, 3}:
        raise ValueError(f"a range is FROM:TO or FROM:TO:STEP, got {text!r}")
    first, last = parts[:2]
    step = parts[2] if len(parts) == 3 else 1.0
    if step <= 0 or last < first:
        raise ValueError(f"a range goes up by a step above 0, got {text!r}")
    count = int((last - first) / step + 1e-9) + 1
    return [first + step * place for place in range(min(count, MOST_VALUES + 1))]


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text.strip()!r} is no number") from None
    if not 0 <= value <= 1e9:
        raise ValueError(f"{text.strip()!r} is out of range")
    return value


def enough(steps: Sequence[Step], policies: Sequence[str], target: float) -> list[Enough]:
    """For each policy, the smallest value whose mean connects per hour are at least `wanted`."""
    answers = []
    for policy in policies:
        rates: Mapping[str, list[float]] = {
            step.value: [FIGURES["connects_per_hour"].of(run) for run in step.runs if run.policy == policy]
            for step in steps
        }
        means = {value: sum(numbers) / len(numbers) for value, numbers in rates.items()}
        value = next((value for value, mean in means.items() if mean >= target), None)
        best = value if value is not None else max(means, key=means.__getitem__)
        reached = sum(number >= target for number in rates[best])
        answers.append(Enough(policy, value, means[best], reached, len(rates[best])))
    return answers


def enough_sentence(name: str, answer: Enough, target: float) -> str:
    """`30 agents are the fewest ...`."""
    got = f"{answer.connects_per_hour:.0f} connects per hour"
    reached = f"{answer.reached} of {answer.shifts} shifts reached {target:g}"
    if answer.value is None:
        return f"{answer.policy}: no value of {name} is enough for {target:g} connects per hour; at best {got}."
    return f"{answer.policy}: {name} = {answer.value} is the smallest that is enough: {got} ({reached})."
