"""What the pipeline bench measures, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

CAMPAIGN: Final = "bench"


class Way(StrEnum):
    """What stands between the leads and the callees."""

    DIRECT = "direct"
    EDGE = "edge"
    BARE = "bare"


HEADS: Final = {
    Way.DIRECT: "the dialer",
    Way.EDGE: "through the edge",
    Way.BARE: "the bare pool",
}


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured. The far end's mix is in callee.xml: 30 % answer and talk for `talk_s`, 40 % are busy. The leads
    are dealt out to the campaigns one by one; each agent logs in for some of them, as a team would. With `media` the
    far ends send back every RTP packet that they get. `keep` is a folder for the logs; empty: they go."""

    lines: int
    seconds: float
    ramp_s: float
    agents: int
    max_cps: int
    leads: int
    campaigns: int = 1
    trunks: int = 1
    way: Way = Way.DIRECT
    media: bool = False
    talk_s: float = 8.0
    keep: str = ""

    @property
    def names(self) -> list[str]:
        """The campaigns' names."""
        return [CAMPAIGN] if self.campaigns == 1 else [f"{CAMPAIGN}-{place:02}" for place in range(self.campaigns)]

    @property
    def head(self) -> str:
        """What stands above the column of figures."""
        many = f", {self.campaigns} campaigns" if self.campaigns > 1 else ""
        return f"{HEADS[self.way]}{many}"


@dataclass(frozen=True, slots=True)
class Media:
    """The audio of all legs: what the far ends got, and what the workers say in RTCP of what they got.

    `rate` is packets a second of each leg's time (50 are due), `lost_out` and `lost_in` are shares, jitter is in ms.
    What the far ends were too late to read is a part of `lost_out`, `overflowed`, and not ours; what they did not get
    they cannot send back, so `lost_in` has it, too.
    """

    legs: int
    packets: int
    rate: float
    lost_out: float
    overflowed: float
    lost_in: float
    jitter_out_p50: float
    jitter_out_p99: float
    jitter_in_p50: float
    jitter_in_p99: float
    longest_gap_p99: float


@dataclass(frozen=True, slots=True)
class Books:
    """Whether everything that was begun has one end."""

    attempts: int
    not_sent: int
    invites_at_far_end: int
    dispositions_at_crm: int
    dialled_twice: int
    lost: int

    @property
    def balance(self) -> bool:
        """Whether the run may be believed."""
        return bool(self.attempts) and self.lost == 0 and self.dialled_twice == 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it. Rates and lines are over the measured window, books over the whole run. `cores` are by who used
    them; the bare pool has no agents' table, no board and no books of its own."""

    attempts_per_s: float
    slowest_5_s: float
    lines_mean: float
    lines_p5: float
    talks_mean: float
    hand_over_p50_ms: float
    hand_over_p99_ms: float
    answer_to_agent_p99_ms: float
    workers: int
    worker_private_mb_mean: float
    worker_private_mb_max: float
    cores: dict[str, float] = field(default_factory=dict)
    daemon_resident_mb: float = 0.0
    abandon_rate: float = 0.0
    pacing_late: int = 0
    media: Media | None = None
    books: Books | None = None
