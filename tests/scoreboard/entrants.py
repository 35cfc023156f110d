"""Who competes: policies by name, whether they mind the cap, and a stamp of the code that decides their figures."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import pacing
from dialer.core.pacing_snapshot import LEAST_GRACE_S
from dialer.sim import baselines
from dialer.sim.policies import POLICIES, pacer_after_restart
from dialer.sim.study.scenario import Scenario
from pacing.api import Mode, Pacer, Settings
from pacing.policies import make
from tests import scoreboard
from tests.scoreboard.yardstick import Yardstick

OURS: Final = "predictive"
HARD: Final = "predictive-hard"
NEXT_DAY: Final = "predictive-next-day"
"""Ours with the memory of another day (`warm_up_day`): it shows what a cold start costs, and does not compete."""

OTHERS_DAYS: Final = 10
"""So many days anybody but ours plays at most."""

RATIO: Final = "ratio"
TUNED: Final = "ratio-tuned"
"""Stands for `ratio:K` with the K that did best for the row, found on days of their own (`tuning`)."""

YARDSTICK: Final = "yardstick"
"""Stands for `yardstick:C`: told the laws of the row, with the risk C of a call that comes to the cap (`yardstick`)."""

MINDLESS: Final = frozenset(
    {"progressive", "vicidial-ratio", "vicidial-ratio-available-only", "issabel", "issabel-overcommit", "wombat"}
)
"""Policies that no cap changes: one day of theirs counts for every cap."""

AGELESS: Final = frozenset({"progressive", RATIO, "wombat", "cisco"})
"""Policies that look at counts alone, so that nothing comes of asking them when nothing has happened."""

_FLOOR: Final = (
    "layout",
    "random_source",
    "event_heap",
    "trunk",
    "serving",
    "kernel",
    "rules",
    "floor",
    "outcome",
    "quarters",
)
_RENAMED: Final = {"dialer.core.calls.trunk_load": "dialer.core.calls.trunk_load"}
"""Modules by the name that they had when days were played: a new name alone is no other code."""

_SIMPLE: Final = ("governor", "policies/progressive", "policies/ratio")


def entrants() -> tuple[str, ...]:
    """Every policy, ours first; the yardsticks last."""
    return (*POLICIES, NEXT_DAY, TUNED, YARDSTICK)


def seeds_of(policy: str, seeds: Sequence[int], baseline_days: int | None = None) -> Sequence[int]:
    """The days that a policy plays, of all, on a row where baselines play so many (None: as many as anybody but ours).
    Ours alone plays all days: its promise is about each of them, the others show where it stands."""
    if policy == OURS:
        return seeds
    return seeds[: OTHERS_DAYS if policy == YARDSTICK or baseline_days is None else baseline_days]


def minds_cap(policy: str) -> bool:
    """Whether a policy plays differently under another cap."""
    return policy not in MINDLESS


def settings_of(scenario: Scenario) -> Settings:
    """What a pacer is told of a scenario; of the modes the usual one."""
    limits = scenario.dialling
    return Settings(
        max_abandon_rate=limits.max_abandon_rate,
        # As the daemon tells it: an agent's phone must be answered within the limit, too.
        abandon_after_s=max(LEAST_GRACE_S, limits.abandon_after_s - scenario.agents.pick_up_s),
        ring_timeout_s=limits.ring_timeout_s,
        ratio=limits.ratio,
        max_calls_per_agent=limits.max_calls_per_agent,
    )


def pacer_of(policy: str, scenario: Scenario, seed: int) -> Pacer:
    """A fresh pacer. `ratio:2.5` is a fixed ratio of that size, `yardstick:0.04` tolerates that risk.

    Raises KeyError for a policy that does not exist, or that needs a day before its own.
    """
    settings = settings_of(scenario)
    name, _, size = policy.partition(":")
    if name == RATIO and size:
        return make(replace(settings, mode=Mode.RATIO, ratio=float(size)))
    if name == YARDSTICK and size:
        return Yardstick(scenario, settings, float(size))
    return POLICIES[policy](settings, seed)


def pacer_again(policy: str, scenario: Scenario, seed: int, before: Pacer | None) -> Pacer:
    """The pacer after a restart of the daemon, with the memory of the one `before` if there was one to keep it."""
    policy = OURS if policy == NEXT_DAY else policy
    if policy in POLICIES:
        return pacer_after_restart(policy, settings_of(scenario), seed, before)
    return pacer_of(policy, scenario, seed)


def with_cap(scenario: Scenario, cap: float) -> Scenario:
    """The same scenario under another cap."""
    return scenario.model_copy(update={"dialling": scenario.dialling.model_copy(update={"max_abandon_rate": cap})})


@lru_cache(maxsize=4096)
def stamp(policy: str, scenario: Scenario) -> str:
    """Changes with the scenario, with the floor's code and with the policy's own; not with comments."""
    played = scenario.model_dump_json(exclude={"title", "seeds", "first_seed", "policies"})
    return sha256(f"{played} {code_of(policy.partition(':')[0])}".encode()).hexdigest()[:16]


@lru_cache(maxsize=64)
def code_of(policy: str) -> str:
    """A digest of the modules that decide a policy's figures."""
    ours, theirs, board = (Path(next(iter(package.__path__))) for package in (pacing, baselines, scoreboard))
    paths = [board / "virtual_floor" / f"{name}.py" for name in _FLOOR]
    if policy.startswith(OURS):
        paths += sorted(ours.rglob("*.py"))
        if policy == NEXT_DAY:
            paths.append(board / "warm_up_day.py")
    elif policy in {"progressive", RATIO}:
        paths += [ours / f"{name}.py" for name in _SIMPLE]
    elif policy == YARDSTICK:
        paths += [ours / "kernels.py", board / "known_laws.py", board / "yardstick.py"]
    else:
        paths += [theirs / "__init__.py", theirs / "limits.py", *sorted(theirs.glob(f"{policy.split('-')[0]}*.py"))]
    return digest(paths)


def digest(paths: Iterable[Path]) -> str:
    """A digest of what modules do: comments, docstrings and layout play no part."""
    found = sha256()
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in _RENAMED:
                node.module = _RENAMED[node.module]
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]
        found.update(ast.dump(tree).encode())
    return found.hexdigest()


def _is_text(part: ast.stmt) -> bool:
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) and isinstance(part.value.value, str)
