"""What a pool is asked for, what it says of itself, and how it fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sip.messages import SLOTS_PER_CALL, Settings, Trunk

PORTS_PER_SLOT: Final = 4


class PoolStartError(Exception):
    """No worker could be started."""


class PoolFailed(Exception):
    """The pool gave up because nobody reads its events."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """What the pool is to hold and to reach.

    `lines` is the number of calls at once, each with room for an agent's leg; `parties` is how many third parties there
    may be beside them, and `standing` how many phones that stay on the line, in workers of their own. `rtp_port_first`
    to `rtp_port_last` is cut into one range per worker (0, 0: the system chooses). A worker that says nothing for
    `pong_timeout_s` although it is asked every `ping_interval_s` is killed. More deaths in `restart_window_s` than
    `restart_share` of the workers, and than `restart_limit`, are too many: nothing is restarted any more, and
    `Pool.spent` is set. Crashes with calls in them do not count: the peers of these calls are suspected, and rest
    (`sip.blame`). Media time-out, session refresh and talk limit are the workers' (`sip.messages.Settings`). Trunks'
    calls arrive at `inbound_port` (UDP); 0: at none.
    """

    trunks: tuple[Trunk, ...]
    lines: int
    parties: int = 0
    standing: int = 0
    bind_address: str = "127.0.0.1"
    rtp_port_first: int = 0
    rtp_port_last: int = 0
    user_agent: str = "predictive-dialer"
    log_level: int = 0
    media_timeout_s: float = 20.0
    session_refresh_s: float = 300.0
    talk_limit_s: float = 0.0
    phones_port: int = 0
    hold_music: str = ""
    recordings: str = ""
    phone_headers: tuple[str, ...] = ()
    listening: str = ""
    standing_music: str = ""
    inbound_port: int = 0
    start_timeout_s: float = 15.0
    stop_timeout_s: float = 4.0
    ping_interval_s: float = 5.0
    pong_timeout_s: float = 12.0
    restart_limit: int = 20
    restart_share: float = 0.5
    restart_window_s: float = 60.0
    events_limit: int = 10_000

    def __post_init__(self) -> None:
        if self.lines < 1:
            raise ValueError(f"lines: at least 1, not {self.lines}")
        if not 0 <= self.rtp_port_first <= self.rtp_port_last <= 65535:
            raise ValueError(f"RTP ports: {self.rtp_port_first} to {self.rtp_port_last} is no range of ports")

    def workers_beside(self, for_calls: int, slots: int) -> int:
        """How many workers standing legs and third parties get besides those for calls; the latter fewer where the RTP
        ports are too few."""
        standing = -(-self.standing // max(slots // SLOTS_PER_CALL, 1))
        parties = -(-self.parties // slots)
        if self.rtp_port_last:
            ports = self.rtp_port_last - self.rtp_port_first - self.rtp_port_first % 2 + 1
            parties = max(0, min(parties, ports // (PORTS_PER_SLOT * slots) - for_calls - standing))
        return standing + parties

    def of_worker(self, trunks: tuple[Trunk, ...], rtp_port_first: int, rtp_port_last: int) -> Settings:
        """What one of the workers is told."""
        return Settings(
            trunks=trunks,
            bind_address=self.bind_address,
            rtp_port_first=rtp_port_first,
            rtp_port_last=rtp_port_last,
            user_agent=self.user_agent,
            log_level=self.log_level,
            media_timeout_s=self.media_timeout_s,
            session_refresh_s=self.session_refresh_s,
            talk_limit_s=self.talk_limit_s,
            phones_port=self.phones_port,
            hold_music=self.hold_music,
            recordings=self.recordings,
            phone_headers=self.phone_headers,
            listening=self.listening,
            standing_music=self.standing_music,
        )


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """The pool at one moment.

    `slots_in_use` counts reserved slots and those held by calls that are over; `last_failure` is why a worker last died
    or did not start (empty: none did); `pids` are the worker processes; `turned_away` counts calls from outside
    that came too fast to be told of.
    """

    workers: int
    workers_wanted: int
    slots_total: int
    slots_in_use: int
    calls: int
    restarts: int
    events_waiting: int
    last_failure: str
    pids: tuple[int, ...]
    turned_away: int = 0


def rtp_ranges(first: int, last: int, workers: int, slots: int) -> list[tuple[int, int]]:
    """One range of RTP ports per worker, even first, odd last; all (0, 0) where the system chooses.

    Raises `PoolStartError` if `first` to `last` has not four ports (RTP and RTCP, and as many in reserve) per slot.
    """
    if last == 0:
        return [(0, 0)] * workers
    first += first % 2
    width = (last - first + 1) // workers // 2 * 2
    if width < PORTS_PER_SLOT * slots:
        needed = PORTS_PER_SLOT * slots * workers
        raise PoolStartError(f"RTP ports {first} to {last} are too few for {workers} workers: {needed} are needed")
    return [(first + width * worker, first + width * (worker + 1) - 1) for worker in range(workers)]
