"""The table of a pipeline bench: each way a column, the median of its runs, and its ratio to the first column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.bench.pipeline.options import Figures, Media, Options

TO_REACH: Final = {
    "attempts per second": "60",
    "lines in flight, mean": "400",
    "answer to agent's INVITE, p99": "50 ms",
    "a SIP worker's private memory, largest": "12 MB",
    "the daemon's resident memory": "350 MB",
    "abandon rate": "3 %",
    "audio: lost on its way to the far ends": "0.1 %",
    "audio: lost on its way to us": "0.1 %",
    "attempts that left = INVITEs at SIPp": "equal",
    "attempts = dispositions at the CRM": "equal",
    "leads lost, dialled twice": "0, 0",
}

Number = Callable[[Figures], float | None]

NUMBERS: Final[tuple[tuple[str, str, Number], ...]] = (
    ("attempts per second", "{:.1f}", lambda figures: figures.attempts_per_s),
    ("  slowest 5 s", "{:.1f}", lambda figures: figures.slowest_5_s),
    ("lines in flight, mean", "{:.0f}", lambda figures: figures.lines_mean),
    ("bridged talks, mean", "{:.0f}", lambda figures: figures.talks_mean),
    ("answer to agent's INVITE, p50", "{:.1f} ms", lambda figures: figures.hand_over_p50_ms),
    ("answer to agent's INVITE, p99", "{:.1f} ms", lambda figures: figures.hand_over_p99_ms),
    ("answer to both hear each other, p99", "{:.1f} ms", lambda figures: figures.answer_to_agent_p99_ms),
    ("SIP workers", "{:.0f}", lambda figures: figures.workers),
    ("a SIP worker's private memory, mean", "{:.1f} MB", lambda figures: figures.worker_private_mb_mean),
    ("a SIP worker's private memory, largest", "{:.1f} MB", lambda figures: figures.worker_private_mb_max),
    ("the daemon's resident memory", "{:.0f} MB", lambda figures: figures.daemon_resident_mb or None),
    ("abandon rate", "{:.1%}", lambda figures: figures.abandon_rate if figures.books else None),
    ("decisions that came too late", "{:.0f}", lambda figures: figures.pacing_late if figures.books else None),
)

AUDIO: Final[tuple[tuple[str, str, Callable[[Media], float]], ...]] = (
    ("audio: legs", "{:.0f}", lambda media: media.legs),
    ("audio: packets a second of a leg", "{:.2f}", lambda media: media.rate),
    ("audio: lost on its way to the far ends", "{:.3%}", lambda media: media.lost_out),
    ("  of it read too late by them", "{:.3%}", lambda media: media.overflowed),
    ("audio: lost on its way to us", "{:.3%}", lambda media: media.lost_in),
    ("audio: jitter at the far ends, p50", "{:.1f} ms", lambda media: media.jitter_out_p50),
    ("audio: jitter at the far ends, p99", "{:.1f} ms", lambda media: media.jitter_out_p99),
    ("audio: jitter with us, p50", "{:.1f} ms", lambda media: media.jitter_in_p50),
    ("audio: jitter with us, p99", "{:.1f} ms", lambda media: media.jitter_in_p99),
    ("audio: longest gap of a leg, p99", "{:.0f} ms", lambda media: media.longest_gap_p99),
)


def show(runs: Sequence[tuple[Options, Figures]]) -> None:
    """The figures of each way beside what was asked for. Of several rounds: the median, and the lowest and highest."""
    columns: dict[str, list[Figures]] = {}
    for plan, figures in runs:
        columns.setdefault(plan.head, []).append(figures)
    options = runs[0][0]
    sound = "with audio" if options.media else "without audio"
    title = (
        f"{options.lines} lines, {options.agents} agents, talks of {options.talk_s:g} s {sound}, {options.seconds:g} s"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    for head in columns:
        table.add_column(head, justify="right")
    table.add_column("to reach", justify="right")
    for name, form, number in NUMBERS:
        cells = [_cell(form, [number(figures) for figures in each]) for each in columns.values()]
        if any(cells):
            table.add_row(name, *cells, TO_REACH.get(name, ""))
    for name, form, heard in AUDIO:
        cells = [_cell(form, [heard(figures.media) for figures in each if figures.media]) for each in columns.values()]
        if any(cells):
            table.add_row(name, *cells, TO_REACH.get(name, ""))
    for name in dict.fromkeys(name for _, figures in runs for name in figures.cores):
        used = [[figures.cores.get(name) for figures in each] for each in columns.values()]
        table.add_row(f"cores: {name}", *(_cell("{:.2f}", each) for each in used), "")
    per_attempt = [[_ms_an_attempt(figures) for figures in each] for each in columns.values()]
    table.add_row("processor time of an attempt, ours", *(_cell("{:.1f} ms", each) for each in per_attempt), "")
    _add_books(table, list(columns.values()))
    first, *others = columns
    for head in others:
        pairs = list(zip(columns[head], columns[first], strict=True))
        rates = [figures.attempts_per_s / by.attempts_per_s for figures, by in pairs if by.attempts_per_s]
        delays = [figures.hand_over_p99_ms / by.hand_over_p99_ms for figures, by in pairs if by.hand_over_p99_ms]
        blanks = [""] * (len(columns) + 1)
        for name, ratios in ((f"{head} / {first}: attempts", rates), (f"{head} / {first}: INVITE p99", delays)):
            row = list(blanks)
            row[list(columns).index(head)] = _cell("{:.2f}", list(ratios))
            table.add_row(name, *row)
    Console().print(table)


def _cell(form: str, values: Sequence[float | None]) -> str:
    """The median, and the extremes where there is more than one."""
    there = [value for value in values if value is not None]
    if not there:
        return ""
    middle = form.format(median(there))
    return middle if len(there) == 1 else f"{middle} ({form.format(min(there))} to {form.format(max(there))})"


_OURS: Final = ("daemon", "SIP workers", "dialing loop", "Valkey", "edge")


def _ms_an_attempt(figures: Figures) -> float:
    used = sum(figures.cores.get(name, 0.0) for name in _OURS)
    return 1000 * used / figures.attempts_per_s if figures.attempts_per_s else 0.0


def _add_books(table: Table, columns: Sequence[Sequence[Figures]]) -> None:
    rows: dict[str, list[str]] = {}
    for each in columns:
        books = [figures.books for figures in each if figures.books is not None]
        left = [f"{kept.attempts - kept.not_sent} = {kept.invites_at_far_end}" for kept in books]
        heard = [f"{kept.attempts} = {kept.dispositions_at_crm}" for kept in books]
        rows.setdefault("attempts that left = INVITEs at SIPp", []).append("\n".join(left))
        rows.setdefault("attempts = dispositions at the CRM", []).append("\n".join(heard))
        rows.setdefault("attempts given back by the drain", []).append("\n".join(str(kept.not_sent) for kept in books))
        wrong = [f"{kept.lost}, {kept.dialled_twice}" for kept in books]
        rows.setdefault("leads lost, dialled twice", []).append("\n".join(wrong))
    for name, cells in rows.items():
        if any(cells):
            table.add_row(name, *cells, TO_REACH.get(name, ""))
