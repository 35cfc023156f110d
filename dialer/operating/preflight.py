"""A whole list judged before it is dialled, by several processes where it is long."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Final

from config.daemon import DaemonSettings
from config.policies import AppliedSettings
from dialer.core.leads.preflight import Preflight
from dialer.disk.registers import NationalRegisters
from dialer.operating.desk import Desk
from dialer.store.base.connection import Store, open_store
from dialer.store.leads.preflight import Flight, Stretch, judge_stretch, plan

ALONE_UP_TO: Final = 100_000
"""Leads that one process judges sooner than a second one has been started."""

MOST_PROCESSES: Final = 4

RARELY: Final = 200_000
"""Objects that are made before the collector looks for cycles: there are none, and looking is a third of the work."""


def judged(desk: Desk, settings: AppliedSettings, now: float) -> Preflight:
    """The whole list of a campaign. Raises `StoreError`, `DiskError`."""
    return fly(desk.store, desk.settings, *plan(desk.store, settings, now))


def on_record(desk: Desk, name: str, judgement: Preflight, too_many: str, now: float, **more: Any) -> None:
    """Write what came of it into the audit trail."""
    wire = judgement.to_wire()
    figures = ("judged", "diallable", "later", "unreadable", "lost", "lost_share", "shared_numbers")
    rules = {rule: row["leads"] for rule, row in wire["rules"].items()}
    shown = {key: wire[key] for key in figures}
    desk.note("campaign_preflight", now, campaign=name, **shown, rules=rules, refused=too_many, **more)


def fly(
    store: Store,
    daemon: DaemonSettings,
    flight: Flight,
    stretches: Sequence[Stretch],
    progress: Callable[[int], object] = lambda done: None,
    processes: int = 0,
) -> Preflight:
    """Judge all stretches, in this process or in `processes` others (0: as many as are worth it). `progress` hears how
    many leads have been read in all."""
    whole, done = Preflight(flight.at, flight.edges), 0
    total = sum(stretch.leads for stretch in stretches)
    if not processes:
        processes = 1 if total <= ALONE_UP_TO else min(len(os.sched_getaffinity(0)), MOST_PROCESSES)
    if processes == 1:
        parts = _here(store, daemon, flight, stretches)
    else:
        parts = _elsewhere(daemon, flight, stretches, processes)
    for leads, part in parts:
        whole.add(part)
        done += leads
        progress(done)
    return whole


def _here(
    store: Store, daemon: DaemonSettings, flight: Flight, stretches: Sequence[Stretch]
) -> Iterator[tuple[int, Preflight]]:
    shelf, before = NationalRegisters(daemon.registers), gc.get_threshold()
    gc.set_threshold(RARELY)
    try:
        for stretch in stretches:
            yield stretch.leads, judge_stretch(store, flight, shelf, stretch)
    finally:
        gc.set_threshold(*before)
        shelf.close()


# --- in several processes ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Worker:
    """What a process that judges holds."""

    store: Store
    shelf: NationalRegisters
    flight: Flight


_WORKER: list[_Worker] = []  # one in each process that judges, none elsewhere


def _elsewhere(
    daemon: DaemonSettings, flight: Flight, stretches: Sequence[Stretch], processes: int
) -> Iterator[tuple[int, Preflight]]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _begin, (daemon, flight)) as pool:
        going = {pool.submit(_judge, stretch): stretch for stretch in stretches}
        try:
            for finished in as_completed(going):
                yield going[finished].leads, finished.result()
        except BaseException:  # also Ctrl-C: what has not begun is not begun any more
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin(daemon: DaemonSettings, flight: Flight) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the terminal's Ctrl-C ends them without a word
    gc.set_threshold(RARELY)
    store = open_store(daemon.redis)
    _WORKER[:] = [_Worker(store, NationalRegisters(daemon.registers), flight)]


def _judge(stretch: Stretch) -> Preflight:
    (worker,) = _WORKER
    return judge_stretch(worker.store, worker.flight, worker.shelf, stretch)
