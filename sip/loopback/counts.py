"""What happened, in numbers that can be held against the dialer's own.

`SideReport` and `Report` are what others read; `Tally` is what one side of the running program adds to.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

LIVE_USERS_LIMIT: Final = 10_000
"""A report made while the program runs leaves out `users` above this size; the final one always has them."""


@dataclass(frozen=True, slots=True)
class SideReport:
    """One side, the carrier or the phones.

    `invites` counts new calls: neither retransmissions (counted apart) nor re-INVITEs nor the INVITE that was
    challenged for credentials. `refused` are INVITEs that became no call: malformed, no codec, over the limit of calls.
    `cancels` counts all CANCELs; `crossed_cancels` of them met an answered call, `late_cancels` one that was over.
    `answered` counts 200 OKs sent; `unacknowledged` of them never got an ACK. BYEs are counted by who sent them;
    `byes_at_stop` were sent because the program stopped. `drawn` has the calls by drawn outcome, `finals` by final
    status code, `users` by called number or user.
    """

    invites: int = 0
    retransmissions: int = 0
    refused: int = 0
    challenges: int = 0
    auth_failures: int = 0
    answered: int = 0
    unacknowledged: int = 0
    cancels: int = 0
    crossed_cancels: int = 0
    late_cancels: int = 0
    expired: int = 0
    byes_received: int = 0
    byes_sent: int = 0
    byes_at_stop: int = 0
    active: int = 0
    max_active: int = 0
    rtp_packets: int = 0
    rtp_voiced_packets: int = 0
    distinct_users: int = 0
    drawn: Mapping[str, int] = field(default_factory=dict)
    finals: Mapping[str, int] = field(default_factory=dict)
    users: Mapping[str, int] = field(default_factory=dict)

    @property
    def called_again(self) -> dict[str, int]:
        """The users called more than once, with how often."""
        return {user: times for user, times in self.users.items() if times > 1}


@dataclass(frozen=True, slots=True)
class Report:
    """Both sides at one moment. `final` says that the program has stopped and nothing will be added."""

    profile: str
    seed: int
    uptime_s: float
    final: bool
    carrier: SideReport = field(default_factory=SideReport)
    phones: SideReport = field(default_factory=SideReport)

    def to_json(self, *, with_users: bool = True) -> str:
        """One line of JSON; without the counts by user if those are not wanted."""
        table = asdict(self)
        if not with_users:
            for side in ("carrier", "phones"):
                table[side]["users"] = {}
        return json.dumps(table)

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """Read back what `to_json` wrote; raises ValueError, TypeError or KeyError for anything else."""
        table: dict[str, Any] = json.loads(text)
        carrier, phones = SideReport(**table.pop("carrier")), SideReport(**table.pop("phones"))
        return cls(**table, carrier=carrier, phones=phones)


class Tally:
    """The growing counts of one side."""

    def __init__(self) -> None:
        self._counts = SideReport()
        self.drawn: Counter[str] = Counter()
        self.finals: Counter[str] = Counter()
        self.users: Counter[str] = Counter()

    def add(self, *names: str) -> None:
        """Add one to each of these counts of `SideReport`; AttributeError where there is no such count."""
        more: dict[str, Any] = {name: getattr(self._counts, name) + 1 for name in names}
        self._counts = replace(self._counts, **more)

    def begin(self, user: str) -> int:
        """Count a new call to `user`; how many there were before it."""
        before = self.users[user]
        self.users[user] += 1
        active = self._counts.active + 1
        self._counts = replace(
            self._counts,
            invites=self._counts.invites + 1,
            active=active,
            max_active=max(active, self._counts.max_active),
        )
        return before

    def end(self) -> None:
        """Count the end of a call."""
        self._counts = replace(self._counts, active=self._counts.active - 1)

    @property
    def total(self) -> int:
        """Calls so far."""
        return self._counts.invites

    def report(self, *, final: bool, rtp_packets: int, rtp_voiced_packets: int) -> SideReport:
        """The counts as they are now."""
        with_users = final or len(self.users) <= LIVE_USERS_LIMIT
        return replace(
            self._counts,
            rtp_packets=rtp_packets,
            rtp_voiced_packets=rtp_voiced_packets,
            distinct_users=len(self.users),
            drawn=dict(self.drawn),
            finals=dict(self.finals),
            users=dict(self.users) if with_users else {},
        )
