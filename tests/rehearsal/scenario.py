"""What is rehearsed: campaigns, people, trunks, and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from config.agents.settings import Connection
from config.policies import AppliedSettings
from dialer.core.calls.trunk_load import TrunkLimits


@dataclass(frozen=True, slots=True)
class Callees:
    """The people who are called. Fractions of all calls; what is left of 1 rings and is not answered. `opt_out` is the
    fraction of those who hear the message and press the key of an opt-out, `wrong_key` that presses another. `machine`
    is the fraction of the answers that are known to be a machine's, `said` that somebody says something about later."""

    answer: float = 0.3
    busy: float = 0.1
    invalid: float = 0.05
    declined: float = 0.05
    congestion: float = 0.03
    ring_s: float = 9.0
    talk_s: float = 60.0
    patience_s: float = 20.0
    opt_out: float = 0.2
    wrong_key: float = 0.1
    machine: float = 0.1
    said: float = 0.3


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """The agents. `by_limit` is the fraction of wrap-ups that only the campaign's limit ends; `refuse` and `silent`
    are the fractions of rings that an agent's phone refuses or does not answer. Of the leads on offer, the fraction
    `skip` is skipped and `undecided` not answered at all; the rest is dialled, now and then twice or with a slip."""

    agents: int = 10
    wrapup_s: float = 10.0
    by_limit: float = 0.2
    pause: float = 0.05
    refuse: float = 0.01
    silent: float = 0.01
    decide_s: float = 6.0
    skip: float = 0.2
    undecided: float = 0.05
    slip: float = 0.05


@dataclass(frozen=True, slots=True)
class Disorder:
    """Fractions of messages that go wrong: `late` by up to 3 s, `twice`, answers that `crossing` our CANCEL, hang-ups
    that a worker is `deaf` to, INVITEs `unsent`, leads `refused` at a gate, permits that come `lapsed`."""

    late: float = 0.0
    twice: float = 0.0
    crossing: float = 0.0
    deaf: float = 0.0
    unsent: float = 0.0
    refused: float = 0.0
    lapsed: float = 0.0


class FaultKind(StrEnum):
    """What may go wrong at a moment. `Fault.size` is a number of calls, or seconds."""

    WORKER_DIES = "worker_dies"  # up to `size` calls lost, their slots gone for a while
    STORE_DOWN = "store_down"  # for `size` seconds
    TRUNK_DOWN = "trunk_down"  # for `size` seconds
    TRUNK_REFUSES = "trunk_refuses"  # every call with 503, now and then asking for a pause, for `size` seconds
    TRUNK_OBSTACLE = "trunk_obstacle"  # somebody says for `size` seconds that it may not be used
    DESKTOP_SILENT = "desktop_silent"  # an agent's desktop for `size` seconds
    PHONE_LOST = "phone_lost"  # an agent's phone for `size` seconds
    GARBAGE = "garbage"  # a random word from a random desktop
    CAMPAIGN_PAUSED = "campaign_paused"  # for `size` seconds
    CAMPAIGN_STOPPED = "campaign_stopped"  # for `size` seconds
    SETTINGS_CHANGED = "settings_changed"
    MODE_CHANGED = "mode_changed"  # another mode for `size` seconds
    LEADS_CANCELLED = "leads_cancelled"  # up to `size` of those on lease, and as many others
    LEDGER_OF_OTHERS = "ledger_of_others"
    NEW_DAY = "new_day"
    DRAIN = "drain"
    HANG_UP_ALL = "hang_up_all"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, `at_s` into the rehearsal."""

    at_s: float
    kind: FaultKind
    size: float = 5.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One rehearsal. `connection` is how agents' phones take part. `leads` are loaded for each campaign;
    `faults_per_min` are drawn besides the planned ones."""

    campaigns: tuple[AppliedSettings, ...]
    duration_s: float = 600.0
    leads: int = 500
    slots: int = 80
    max_lines: int = 40
    trunks: tuple[TrunkLimits, ...] = (
        TrunkLimits("north", 5.0, 30, weight=3),
        TrunkLimits("south", 2.0, 10, weight=1),
        TrunkLimits("spare", 1.0, 5, priority=1),
    )
    callees: Callees = field(default_factory=Callees)
    desks: DeskSettings = field(default_factory=DeskSettings)
    disorder: Disorder = field(default_factory=Disorder)
    faults: tuple[Fault, ...] = ()
    faults_per_min: float = 0.0
    pacing_every_s: float = 0.25
    connection: Connection = Connection.RUNG
