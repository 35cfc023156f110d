"""What a pool is asked for and its workers are told, what it says of itself, and how it fails."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

from sip.messages import SLOTS_PER_CALL

PORTS_PER_SLOT: Final = 4


class PoolStartError(Exception):
    """No worker could be started."""


class PoolFailed(Exception):
    """The pool gave up because nobody reads its events."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A carrier reached by address, with digest credentials if it asks for them (`username` empty: it does not).

    `targets` are the IPv4 addresses and ports of `host` where that is a name, `ADDRESS:PORT`, best first: workers look
    nothing up, the pool does. `port` 0 is what the name's SRV records say, else 5060.
    `sources` are further addresses and networks from which the carrier sends. Without even a 100 Trying for
    `first_answer_s` it is unreachable; RFC 3261's timer B would wait 32 s. `called_rules` and `caller_rules` say how it
    wants numbers written, `arriving_rules` what makes E.164 of its own (`sip.rewriting`), `codecs` what it is offered,
    best first. The password is left out where a trunk is printed.
    """

    name: str
    host: str
    port: int = 5060
    username: str = ""
    password: str = field(default="", repr=False)
    targets: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    first_answer_s: float = 8.0
    called_rules: tuple[str, ...] = ()
    caller_rules: tuple[str, ...] = ()
    arriving_rules: tuple[str, ...] = ()
    codecs: tuple[str, ...] = ("PCMU", "PCMA")


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker needs to know before its first call. The first frame that it receives; a later one brings trunks
    whose names have other addresses, and changes nothing else.

    `rtp_port_first` and `rtp_port_last` bound the RTP ports of this worker (even numbers; 0, 0 lets the system choose).
    `log_level` is the SIP library's, 0 (nothing) or 1 (errors, to stderr, with every long run of digits masked).
    An answered leg of which neither RTP nor RTCP has come for `media_timeout_s` ends, unless it is on hold. One whose
    far end keeps no session timer is asked every `session_refresh_s` whether it is still there. A talk lasts
    `talk_limit_s` at most. 0: never, for all three. Agents' phones are called through `phones_port` of 127.0.0.1
    (the edge, where they register); 0: directly. `hold_music` is a WAV file for whoever is on hold; empty: silence.
    Talks are recorded into folders of `recordings`, an absolute path. Calls from outside come through `inbound_port`.
    `phone_headers` are further headers of an INVITE to an agent's phone, `NAME: VALUE`; `{attempt}` in them is the
    attempt. Answered lines are listened to in files of `listening`, another absolute path. A worker that `keeps_phones`
    on the line is called by this host's other workers; between talks a phone hears `standing_music`, a WAV file (empty:
    silence).
    """

    trunks: tuple[Trunk, ...]
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
    inbound_port: int = 0
    phone_headers: tuple[str, ...] = ()
    listening: str = ""
    keeps_phones: bool = False
    standing_music: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings(WorkerSettings):
    """What the pool is to hold and to reach, and what it tells each worker.

    `lines` is the number of calls at once, each with room for an agent's leg; `parties` is how many third parties there
    may be beside them, and `standing` how many phones that stay on the line, in workers of their own. `rtp_port_first`
    to `rtp_port_last` is cut into one range per worker (0, 0: the system chooses). A worker that says nothing for
    `pong_timeout_s` although it is asked every `ping_interval_s` is killed. More deaths in `restart_window_s` than
    `restart_share` of the workers, and than `restart_limit`, are too many: nothing is restarted any more, and
    `Pool.spent` is set. Crashes with calls in them do not count: the peers of these calls are suspected, and rest
    (`sip.blame`). Trunks' calls arrive at `inbound_port` (UDP); 0: at none.
    """

    lines: int
    parties: int = 0
    standing: int = 0
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

    def of_worker(self, trunks: tuple[Trunk, ...], rtp_ports: tuple[int, int], *, keeps_phones: bool) -> WorkerSettings:
        """What one of the workers is told."""
        same = {each.name: getattr(self, each.name) for each in fields(WorkerSettings)}
        first, last = rtp_ports
        own = {"trunks": trunks, "rtp_port_first": first, "rtp_port_last": last, "keeps_phones": keeps_phones}
        return WorkerSettings(**{**same, **own})


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
