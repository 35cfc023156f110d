"""What a study plays: a scenario file as settings, every mistake at once with its path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError, field_validator, model_validator

from config.campaign import MIN_RING_TIMEOUT_S
from config.layers import Layers, put_text, put_tree, read_toml, split_path
from config.model import Section
from config.problems import ConfigError, did_you_mean, problems_of
from dialer.sim.policies import POLICIES
from dialer.sim.study.durations import Duration, constant, lognormal, uniform

SHIPPED: Final = Path(__file__).parent / "scenarios"
DAY_MIN: Final = 24 * 60


class Machines(StrEnum):
    """Where a call goes that a machine answers."""

    AGENT = "agent"
    SCREENED = "screened"


class Heard(StrEnum):
    """When the pacer hears that it was a machine that answered."""

    AT_ONCE = "at_once"
    LATER = "later"
    NEVER = "never"


class DriftOf(StrEnum):
    """What may drift."""

    ANSWER_RATE = "answer_rate"
    MACHINE_RATE = "machine_rate"
    TALK = "talk_mean_s"
    WRAPUP = "wrapup_mean_s"


class ShockKind(StrEnum):
    """What may happen all of a sudden."""

    TRUNK_OUTAGE = "trunk_outage"
    TRUNK_REFUSES = "trunk_refuses"
    AGENTS_LEAVE = "agents_leave"


class Break(Section):
    """A planned break of some agents. Who is on a call finishes it, wrap-up included, and goes then."""

    at_min: float = Field(ge=0, le=DAY_MIN)
    """when it begins, in minutes from the start of the shift"""
    share: float = Field(default=1.0, gt=0, le=1)
    """share of the agents, 0 to 1"""
    for_min: float = Field(default=15.0, gt=0, le=DAY_MIN)
    """how long each is away, in minutes"""
    within_s: float = Field(default=60.0, ge=0, le=3600)
    """they go one by one over this time, in seconds"""
    together: bool = False
    """true: all are back at the same moment, for_min after at_min; false: each after for_min"""


class Agents(Section):
    """The agents."""

    count: int = Field(default=20, ge=1, le=2000)
    """agents on the shift"""
    talk: Duration = lognormal(120.0, 1.0)
    """talk time with a person"""
    machine_talk: Duration = lognormal(8.0, 0.5)
    """time lost on a machine that reaches an agent"""
    wrapup: Duration = lognormal(30.0, 0.7)
    """wrap-up after a talk"""
    wrapup_limit_s: float = Field(default=3600.0, ge=0, le=3600)
    """the dialer ends a wrap-up after this long, in seconds"""
    pick_up_s: float = Field(default=0.3, ge=0, le=5)
    """from the INVITE to an agent's phone until it is answered, in seconds"""
    ramp_up_s: float = Field(default=5.0, ge=0, le=7200)
    """agents log in one by one over this time, in seconds"""
    ramp_down_s: float = Field(default=0.0, ge=0, le=7200)
    """agents leave one by one over the last seconds of the shift"""
    shifts_known: bool = False
    """true: the agents' logins say when they will leave, as ramp_down_s has it"""
    breaks: tuple[Break, ...] = Field(default=(), max_length=50)
    """planned breaks"""


class Callees(Section):
    """The people and machines that are called. Shares are of all calls; what is left of 1 rings and is not answered."""

    answer_rate: float = Field(default=0.30, gt=0, le=1)
    """share of calls that a person would answer, given the time to ring"""
    machine_rate: float = Field(default=0.15, ge=0, le=1)
    """share of calls that a machine answers"""
    machines: Machines = Machines.AGENT
    """agent: they reach agents and count as live answers, as in the daemon, which recognises none; screened: the
    carrier ends such calls before they are answered"""
    kinds: Heard = Heard.NEVER
    """when the pacer hears that a machine has answered, on the scoreboard: at_once (answer detection), later (when the
    agent is done with it) or never, as in `dialer simulate`; what is known as a machine's is not in the ledger"""
    busy_rate: float = Field(default=0.07, ge=0, le=1)
    """share of calls that are busy"""
    invalid_rate: float = Field(default=0.03, ge=0, le=1)
    """share of calls to numbers that do not exist"""
    post_dial: Duration = constant(2.0)
    """from the INVITE to the first ringing"""
    ring: Duration = lognormal(9.0, 0.5)
    """ringing until a person answers"""
    machine_ring: Duration = lognormal(13.0, 0.3)
    """ringing until a machine answers"""
    fast_failure: Duration = uniform(1.0, 3.0)
    """from the INVITE to busy or invalid"""
    patience_s: float = Field(default=0.0, ge=0, le=600)
    """mean time that an answered callee waits in silence, in seconds; 0: to the end"""
    hung_up_by_callee_rate: float = Field(default=0.6, ge=0, le=1)
    """share of talks that the callee ends"""

    @model_validator(mode="after")
    def _no_more_than_all(self) -> Callees:
        total = self.answer_rate + self.machine_rate + self.busy_rate + self.invalid_rate
        if total > 1 + 1e-9:
            raise ValueError(
                f"answer_rate, machine_rate, busy_rate and invalid_rate are {total:.3g} together, more than 1"
            )
        return self


class Dialling(Section):
    """The campaign's and the trunk's limits."""

    leads: int = Field(default=0, ge=0, le=5_000_000)
    """numbers on the list; 0: without end"""
    lines: int = Field(default=0, ge=0, le=20_000)
    """calls at once, talks included; 0: without limit"""
    max_cps: float = Field(default=0.0, ge=0, le=1000)
    """new calls per second on the trunk; 0: without limit"""
    ring_timeout_s: float = Field(default=20.0, ge=MIN_RING_TIMEOUT_S, le=120)
    """a call is given up after ringing this long, in seconds; post-dial delay not included"""
    abandon_after_s: float = Field(default=2.0, ge=0.5, le=10)
    """an answered call without an agent for this long is abandoned, in seconds"""
    max_abandon_rate: float = Field(default=0.03, gt=0, le=0.2)
    """cap on abandoned calls among live answers, as a fraction"""
    ratio: float = Field(default=1.5, ge=1, le=10)
    """lines for each ready agent, for policies with a fixed ratio"""
    max_calls_per_agent: float = Field(default=8.0, ge=1, le=50)
    """most calls in flight for each agent"""
    message_s: float = Field(default=5.0, gt=0, le=60)
    """length of the abandon message, in seconds"""
    look_every_s: float = Field(default=0.1, ge=0.02, le=5)
    """shortest time between two decisions, in seconds"""


class Drift(Section):
    """Something that changes over the shift: slowly, or in one step."""

    of: DriftOf
    """what changes: answer_rate, machine_rate, talk_mean_s or wrapup_mean_s"""
    at_min: float = Field(ge=0, le=DAY_MIN)
    """when it begins, in minutes from the start of the shift"""
    over_min: float = Field(default=0.0, ge=0, le=DAY_MIN)
    """how long the change takes, in minutes; 0: one step"""
    to: float = Field(gt=0, le=86_400)
    """the value it goes to: a fraction for rates, seconds for means"""
    alternates_min: float = Field(default=0.0, ge=0, le=DAY_MIN)
    """it then goes back, and to and fro in steps, so many minutes at each value; 0: it stays. Ends with the next change
    of the same value"""

    @field_validator("to")
    @classmethod
    def _rates_are_fractions(cls, to: float, info: Any) -> float:
        if info.data.get("of") in {DriftOf.ANSWER_RATE, DriftOf.MACHINE_RATE} and to > 1:
            raise ValueError(f"must be a fraction, 0 to 1, got {to:g}")
        return to


class Shock(Section):
    """Something that happens all of a sudden, and passes."""

    kind: ShockKind
    """trunk_outage (calls fail after 5 s, and the trunk rests), trunk_refuses (each call is busy at once) or
    agents_leave"""
    at_min: float = Field(ge=0, le=DAY_MIN)
    """when, in minutes from the start of the shift"""
    for_min: float = Field(default=2.0, gt=0, le=DAY_MIN)
    """how long it lasts, in minutes"""
    share: float = Field(default=0.4, gt=0, le=1)
    """agents_leave: share of the agents, 0 to 1"""
    within_s: float = Field(default=60.0, ge=0, le=3600)
    """agents_leave: they go over this time, in seconds"""


class Restart(Section):
    """The daemon drains, ends and starts again: no new call meanwhile, then a new pacer among idle agents."""

    at_min: float = Field(ge=0, le=DAY_MIN)
    """when the drain begins, in minutes from the start of the shift"""
    for_min: float = Field(default=5.0, gt=0, le=DAY_MIN)
    """until calls start again, in minutes"""
    memory: bool = True
    """true: the pacer goes on from what was learnt; false: from nothing"""


class Scenario(Section):
    """One call centre on one day, and the policies to compare on it."""

    title: str = Field(default="", max_length=200)
    """what it is about, one line"""
    hours: float = Field(default=8.0, gt=0, le=24)
    """length of the shift, in hours"""
    seeds: int = Field(default=10, ge=1, le=1000)
    """shifts for each policy, each with draws of its own"""
    first_seed: int = Field(default=1, ge=0, le=2**31)
    """the first of these seeds"""
    policies: tuple[str, ...] = Field(default=("predictive", "progressive"), min_length=1, max_length=40)
    """policies to compare; differences are against the first"""
    agents: Agents = Agents()
    """the agents"""
    callees: Callees = Callees()
    """who is called"""
    dialling: Dialling = Dialling()
    """limits"""
    drifts: tuple[Drift, ...] = Field(default=(), max_length=50)
    """what changes over the shift, in order of time"""
    shocks: tuple[Shock, ...] = Field(default=(), max_length=50)
    """what happens suddenly"""
    restarts: tuple[Restart, ...] = Field(default=(), max_length=20)
    """restarts of the daemon, in order of time"""

    @field_validator("policies")
    @classmethod
    def _known_policies(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in POLICIES:
                raise ValueError(
                    f'there is no policy "{name}"{did_you_mean(name, POLICIES)}; known: {", ".join(POLICIES)}'
                )
        return tuple(dict.fromkeys(names))

    @model_validator(mode="after")
    def _rates_fit_at_any_time(self) -> Scenario:
        for index, drift in enumerate(self.drifts):
            if index and drift.at_min < self.drifts[index - 1].at_min:
                raise ValueError(f"drifts[{index}] begins before drifts[{index - 1}]: write them in order of time")
        people = [self.callees.answer_rate, *(d.to for d in self.drifts if d.of is DriftOf.ANSWER_RATE)]
        machines = [self.callees.machine_rate, *(d.to for d in self.drifts if d.of is DriftOf.MACHINE_RATE)]
        total = max(people) + max(machines) + self.callees.busy_rate + self.callees.invalid_rate
        if total > 1 + 1e-9:
            raise ValueError(f"with the drifts, the rates of the callees can reach {total:.3g} together, more than 1")
        return self

    @model_validator(mode="after")
    def _one_restart_after_another(self) -> Scenario:
        for index in range(1, len(self.restarts)):
            before = self.restarts[index - 1]
            if self.restarts[index].at_min < before.at_min + before.for_min:
                raise ValueError(f"restarts[{index}] begins before restarts[{index - 1}] is over")
        return self

    @property
    def duration_s(self) -> float:
        """Length of the shift."""
        return self.hours * 3600.0


def assumptions(scenario: Scenario) -> list[tuple[str, str]]:
    """What most of a study's result rests on, as (what, how much)."""
    agents, callees, limits = scenario.agents, scenario.callees, scenario.dialling
    screened = callees.machines is Machines.SCREENED
    machines = f"machines {100 * callees.machine_rate:g} % ({'screened' if screened else 'they reach agents'})"
    seeds = f"{scenario.first_seed} to {scenario.first_seed + scenario.seeds - 1}"
    changes = [
        f"{len(rows)} {what}"
        for what, rows in (
            ("drifts", scenario.drifts),
            ("shocks", scenario.shocks),
            ("restarts", scenario.restarts),
            ("breaks", agents.breaks),
        )
        if rows
    ]
    return [
        ("shifts", f"{scenario.seeds} of {scenario.hours:g} h for each policy, seeds {seeds}"),
        ("agents", f"{agents.count}"),
        ("talk", str(agents.talk)),
        ("wrap-up", str(agents.wrapup)),
        ("answers", f"people {100 * callees.answer_rate:g} %, {machines}, busy {100 * callees.busy_rate:g} %"),
        ("ringing until a person answers", f"{callees.ring}; given up after {limits.ring_timeout_s:g} s"),
        (
            "abandoned",
            f"no agent for {limits.abandon_after_s:g} s after the answer, cap {100 * limits.max_abandon_rate:g} %",
        ),
        ("list and lines", f"{limits.leads or 'endless'} leads, {limits.lines or 'unlimited'} lines"),
        ("over the shift", ", ".join(changes) or "nothing changes"),
    ]


def shipped() -> tuple[str, ...]:
    """Names of the scenarios that come with the product."""
    return tuple(sorted((path.stem for path in SHIPPED.glob("*.toml")), key=lambda name: (len(name), name)))


def find_scenario(name: str) -> Path:
    """The file of a scenario: a path, or the name of one that is shipped. Raises `ConfigError` if there is none."""
    path = Path(name)
    ours = SHIPPED / f"{name.lower()}.toml"
    if path.is_file() or "/" in name or name.endswith(".toml"):
        return path
    if name.lower() in shipped():
        return ours
    from config.problems import Problem

    known = shipped()
    raise ConfigError([Problem(name, f"is neither a file nor one of {', '.join(known)}{did_you_mean(name, known)}")])


def load_scenario(source: Path | Mapping[str, Any], flags: Mapping[str, str] | None = None) -> Scenario:
    """A scenario from its TOML file or a mapping, with single values by path (`agents.count`) on top.

    Raises `ConfigError` with every problem.
    """
    layers = Layers(Scenario)
    tree = read_toml(layers, source) if isinstance(source, Path) else source
    put_tree(layers, tree, f"file {source}" if isinstance(source, Path) else "given", None)
    for name, text in (flags or {}).items():
        put_text(layers, name, split_path(name), text, "flag")
    try:
        scenario = Scenario.model_validate_json(json.dumps(layers.tree), strict=True)
    except ValidationError as error:
        if not layers.unreadable:
            layers.problems += problems_of(error, Scenario, layers.sources)
    if layers.problems:
        raise ConfigError(layers.problems)
    return scenario
