"""The pipeline bench's options and figures, and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

CAMPAIGN = "bench"


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured. The far end's mix is in callee.xml: 30 % answer and talk for 8 s, 40 % are busy. The leads are
    dealt out to the campaigns one by one; each agent logs in for some of them, as a team would."""

    lines: int
    seconds: float
    ramp_s: float
    agents: int
    max_cps: int
    leads: int
    campaigns: int = 1
    trunks: int = 1

    @property
    def names(self) -> list[str]:
        """The campaigns' names."""
        return [CAMPAIGN] if self.campaigns == 1 else [f"{CAMPAIGN}-{place:02}" for place in range(self.campaigns)]


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it. Rates and lines are over the measured window, books over the whole run."""

    attempts_per_s: float
    slowest_5_s: float
    lines_mean: float
    lines_p5: float
    hand_over_p50_ms: float
    hand_over_p99_ms: float
    answer_to_agent_p99_ms: float
    worker_private_mb_mean: float
    worker_private_mb_max: float
    daemon_resident_mb: float
    workers: int
    cores_daemon: float
    cores_workers: float
    cores_far_end: float
    abandon_rate: float
    pacing_late: int
    attempts: int
    not_sent: int
    invites_at_far_end: int
    dispositions_at_crm: int
    dialled_twice: int
    lost: int


TO_REACH = {
    "attempts per second": "60",
    "lines in flight, mean": "400",
    "answer to agent's INVITE, p99": "50 ms",
    "a SIP worker's private memory, mean": "12 MB",
    "a SIP worker's private memory, largest": "12 MB",
    "the daemon's resident memory": "350 MB",
    "abandon rate": "3 %",
    "attempts that left = INVITEs at SIPp": "equal",
    "attempts = dispositions at the CRM": "equal",
    "leads lost": "0",
    "dialled twice": "0",
}


def show(runs: Sequence[tuple[Options, Figures]]) -> None:
    """The figures of each run beside what was asked for."""
    options = runs[0][0]
    table = Table(title=f"{options.lines} lines, {options.agents} agents, {options.seconds:g} s", title_justify="left")
    table.add_column("figure")
    for plan, _ in runs:
        table.add_column("1 campaign" if plan.campaigns == 1 else f"{plan.campaigns} campaigns", justify="right")
    table.add_column("to reach", justify="right")
    columns = [_said(figures) for _, figures in runs]
    for row in columns[0]:
        table.add_row(row, *(column[row] for column in columns), TO_REACH.get(row, ""))
    if len(runs) > 1:
        one, many = (figures.hand_over_p99_ms for _, figures in runs)
        table.add_row("  its p99 against that of one", "", f"{many / one:.2f}" if one else "-", "1.2")
    Console().print(table)


def _said(figures: Figures) -> dict[str, str]:
    return {
        "attempts per second": f"{figures.attempts_per_s:.1f}",
        "  slowest 5 s": f"{figures.slowest_5_s:.1f}",
        "lines in flight, mean": f"{figures.lines_mean:.0f}",
        "answer to agent's INVITE, p50": f"{figures.hand_over_p50_ms:.1f} ms",
        "answer to agent's INVITE, p99": f"{figures.hand_over_p99_ms:.1f} ms",
        "answer to both hear each other, p99": f"{figures.answer_to_agent_p99_ms:.1f} ms",
        "a SIP worker's private memory, mean": f"{figures.worker_private_mb_mean:.1f} MB",
        "a SIP worker's private memory, largest": f"{figures.worker_private_mb_max:.1f} MB",
        "the daemon's resident memory": f"{figures.daemon_resident_mb:.0f} MB",
        "cores: daemon": f"{figures.cores_daemon:.2f}",
        "SIP workers": str(figures.workers),
        "cores: SIP workers": f"{figures.cores_workers:.2f}",
        "cores: SIPp": f"{figures.cores_far_end:.2f}",
        "abandon rate": f"{figures.abandon_rate:.1%}",
        "decisions that came too late": str(figures.pacing_late),
        "attempts that left = INVITEs at SIPp": _books(figures),
        "attempts = dispositions at the CRM": f"{figures.attempts} = {figures.dispositions_at_crm}",
        "attempts given back by the drain": str(figures.not_sent),
        "leads lost": str(figures.lost),
        "dialled twice": str(figures.dialled_twice),
    }


def _books(figures: Figures) -> str:
    return f"{figures.attempts - figures.not_sent} = {figures.invites_at_far_end}"
