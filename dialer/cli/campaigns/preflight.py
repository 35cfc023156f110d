"""`dialer campaign preflight`: the whole list judged before it is dialled, by several processes where it is long."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, Final

import click

from config.daemon import DaemonSettings
from config.policies import AppliedSettings, applied
from dialer.cli.base.arguments import name_argument
from dialer.cli.base.failures import CliExit
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, progress_bar
from dialer.cli.campaigns.funnel import PROGRESS_FROM
from dialer.cli.campaigns.preflight_page import page
from dialer.core.abandonment.windows import zone_of
from dialer.core.leads.preflight import Preflight, too_many_lost
from dialer.disk.registers import NationalRegisters
from dialer.store.base.connection import Store, open_store
from dialer.store.leads.preflight import Flight, Stretch, judge_stretch, plan
from dialer.store.operators import campaigns, control, status

ALONE_UP_TO: Final = 100_000
"""Leads that one process judges sooner than a second one has been started."""

MOST_PROCESSES: Final = 4

RARELY: Final = 200_000
"""Objects that are made before the collector looks for cycles: there are none, and looking is a third of the work."""


@click.command()
@name_argument
@answering
def preflight(invocation: Invocation, name: str) -> Answer:
    """Judge the whole list as the gate would now, without a call: how many leads may be called, what refuses the
    others, and from when on. Nothing is changed.

    The exit code is 7 if `campaign start` would refuse: more than `refuse_above_share` of the leads are refused for
    good or over a cap (接触频次超限予以谢绝).

    \b
    Example:
      dialer campaign preflight spring-sale
    """
    with invocation.store() as store:
        settings = applied(campaigns.get(store, name).settings, invocation.catalogue())
        judgement = judged(invocation, store, settings)
        too_many = too_many_lost(judgement, settings.refuse_above_share)
        on_record(invocation, store, name, judgement, too_many)
        queued = status.counts(store, name, judgement.at).queued
    more = {"queued": queued, "refuse_above_share": settings.refuse_above_share, "refused": too_many}
    return Answer(
        {"campaign": name, **judgement.to_wire(), **more},
        page(judgement, zone_of(settings), settings.refuse_above_share, too_many, queued),
        code=CliExit.REFUSED if too_many else 0,
    )


def on_record(
    invocation: Invocation, store: Store, name: str, judgement: Preflight, too_many: str, **more: Any
) -> None:
    """Write what came of it into the audit trail."""
    wire = judgement.to_wire()
    figures = ("judged", "diallable", "later", "unreadable", "lost", "lost_share", "shared_numbers")
    rules = {rule: row["leads"] for rule, row in wire["rules"].items()}
    detail = {"campaign": name, **{key: wire[key] for key in figures}, "rules": rules, "refused": too_many, **more}
    control.audit(store, "campaign_preflight", who=invocation.who, now=now(), detail=detail)


def judged(invocation: Invocation, store: Store, settings: AppliedSettings) -> Preflight:
    """The whole list, with a progress bar where it takes long."""
    flight, stretches = plan(store, settings, now())
    daemon = invocation.effective().settings
    total = sum(stretch.leads for stretch in stretches)
    with progress_bar("judging leads", total, hidden=total < PROGRESS_FROM) as progress:
        return fly(store, daemon, flight, stretches, progress.reach)


def fly(
    store: Store,
    daemon: DaemonSettings,
    flight: Flight,
    stretches: Sequence[Stretch],
    progress: Callable[[int], object],
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
