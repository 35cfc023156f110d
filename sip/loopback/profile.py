"""How the carrier's subscribers and the agents' phones behave, as data.

A profile holds shares and distributions only. What becomes of one call is drawn from it in `draws`, under a seed.
Profiles are written in TOML (`profile_file`); `demo.toml` beside this module shows every key.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final

KEYS: Final = "0123456789*#"
"""The keys of a phone, each at the place of its code (RFC 4733, table 3)."""


class ProfileError(ValueError):
    """A profile that cannot be used. `problems` holds one sentence for each thing that is wrong."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Outcome(StrEnum):
    """What becomes of a call to a number."""

    ANSWER = "answer"  # a person answers
    MACHINE = "machine"  # voicemail answers, lets its greeting pass, hangs up
    NO_ANSWER = "no_answer"  # rings until cancelled or until the carrier's own limit
    BUSY = "busy"
    UNALLOCATED = "unallocated"
    DECLINED = "declined"
    UNWANTED = "unwanted"  # 607: the person marked the call as unwanted
    BLOCKED = "blocked"  # the network's analytics refused the call
    CONGESTION = "congestion"


class PhoneOutcome(StrEnum):
    """What an agent's phone does with its INVITE."""

    ANSWER = "answer"
    BUSY = "busy"
    NO_ANSWER = "no_answer"


class Media(StrEnum):
    """What one side does with RTP. The SDP names an open local UDP port in every case."""

    NONE = "none"  # nothing is sent, what arrives is dropped
    ECHO = "echo"  # what arrives goes back to where it came from, under another SSRC
    TONE = "tone"  # a 400 Hz tone is sent for as long as the call lasts


@dataclass(frozen=True, slots=True)
class Delay:
    """A lognormal duration: its mean, the sigma of its logarithm (0: always the mean) and the bounds it is cut at."""

    mean_s: float
    sigma: float = 0.0
    min_s: float = 0.0
    max_s: float = 3600.0

    def __post_init__(self) -> None:
        for name in ("mean_s", "sigma", "min_s", "max_s"):
            value = getattr(self, name)
            if not math.isfinite(value) or value < 0:
                raise ProfileError(f"{name} = {value}: must be a finite number, 0 or more")
        if self.min_s > self.max_s:
            raise ProfileError(f"min_s = {self.min_s} is above max_s = {self.max_s}")


@dataclass(frozen=True, slots=True)
class Shares:
    """The share of calls that each outcome gets, 0 to 1; nobody answers the rest."""

    answer: float = 0.0
    machine: float = 0.0
    busy: float = 0.0
    unallocated: float = 0.0
    declined: float = 0.0
    unwanted: float = 0.0
    blocked: float = 0.0
    congestion: float = 0.0

    def __post_init__(self) -> None:
        for each in fields(self):
            _check_share(each.name, getattr(self, each.name))
        if self.total > 1 + 1e-9:
            raise ProfileError(f"the shares add up to {self.total:.3f}: must be at most 1, the rest is no_answer")

    @property
    def total(self) -> float:
        """The sum of all shares but `no_answer`'s."""
        return math.fsum(getattr(self, each.name) for each in fields(self))


@dataclass(frozen=True, slots=True)
class Phones:
    """The agents' phones. Any user `agent-...` exists; the answer delay is uniform between its two bounds."""

    answer_delay_min_s: float = 0.05
    answer_delay_max_s: float = 0.15
    busy_share: float = 0.0
    no_answer_share: float = 0.0
    no_answer_limit_s: float = 30.0
    media: Media = Media.NONE
    forced: Mapping[str, PhoneOutcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("answer_delay_min_s", "answer_delay_max_s", "no_answer_limit_s"):
            _check_seconds(name, getattr(self, name))
        if self.answer_delay_min_s > self.answer_delay_max_s:
            raise ProfileError("answer_delay_min_s is above answer_delay_max_s")
        _check_share("busy_share", self.busy_share)
        _check_share("no_answer_share", self.no_answer_share)
        if self.busy_share + self.no_answer_share > 1 + 1e-9:
            raise ProfileError("busy_share and no_answer_share add up to more than 1")


@dataclass(frozen=True, slots=True)
class Keys:
    """People who press a key: a share of those who answer, so long after the answer; also whoever hears an agent."""

    share: float = 0.0
    key: str = "9"
    after_s: float = 1.5

    def __post_init__(self) -> None:
        _check_share("share", self.share)
        _check_seconds("after_s", self.after_s)
        if len(self.key) != 1 or self.key not in KEYS:
            raise ProfileError(f"key = {self.key!r}: must be one of {KEYS}")


@dataclass(frozen=True, slots=True)
class Profile:
    """How a whole rehearsal behaves.

    `forced` maps a called number to its outcome, `forced_suffix` the end of a called number (the longest one that
    fits wins); both come before the shares. `callee_hangs_up_share` is the share of talks that the callee ends, the
    agent's phone ends the others. `no_answer_code` is what the carrier says when its own limit of ringing is over.
    """

    name: str = "unnamed"
    shares: Shares = field(default_factory=Shares)
    post_dial_delay: Delay = Delay(0.0)
    ring: Delay = Delay(0.0)
    machine_ring: Delay = Delay(0.0)
    decline_after: Delay = Delay(0.0)
    greeting: Delay = Delay(10.0)
    talk: Delay = Delay(30.0)
    no_answer_limit_s: float = 60.0
    no_answer_code: int = 480
    callee_hangs_up_share: float = 0.5
    early_media_share: float = 0.0
    media: Media = Media.NONE
    forced: Mapping[str, Outcome] = field(default_factory=dict)
    forced_suffix: Mapping[str, Outcome] = field(default_factory=dict)
    keys: Keys = field(default_factory=Keys)
    phones: Phones = field(default_factory=Phones)

    def __post_init__(self) -> None:
        _check_seconds("no_answer_limit_s", self.no_answer_limit_s)
        _check_share("callee_hangs_up_share", self.callee_hangs_up_share)
        _check_share("early_media_share", self.early_media_share)
        if self.no_answer_code not in (408, 480, 487):
            raise ProfileError(f"no_answer_code = {self.no_answer_code}: must be 408, 480 or 487")
        if "" in self.forced_suffix:
            raise ProfileError("forced_suffix has an empty suffix, which would fit every number; use shares instead")


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ProfileError(f"{name} = {value}: must be a share between 0 and 1")


def _check_seconds(name: str, value: float) -> None:
    if not 0 <= value <= 3600:
        raise ProfileError(f"{name} = {value}: must be between 0 and 3600 seconds")
