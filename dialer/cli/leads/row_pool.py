"""The rows of a long file judged by several processes, in the order in which they came."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import Final

from compliance.numbering import plans
from dialer.cli.leads.lead_rows import Ready, Rejected, RowRules
from dialer.cli.sheets.sheet import Row

MANY_BYTES: Final = 4_000_000
"""From this size of a file on other processes are worth their start, some 50,000 rows."""

MOST_PROCESSES: Final = 4
CHUNK: Final = 1_000
AHEAD: Final = 3
"""So many chunks for each process are read before the first of them is needed."""

RARELY: Final = 100_000
"""Objects until the garbage collector looks: rows leave no cycles behind."""


def processes_for(size_bytes: int) -> int:
    """How many processes are worth it for a file of this size; 1 is this one alone."""
    cores = len(os.sched_getaffinity(0))
    return min(cores, MOST_PROCESSES) if size_bytes >= MANY_BYTES and cores > 1 else 1


def judged(rows: Iterable[Row], rules: RowRules, processes: int) -> Iterator[Ready | Rejected]:
    """What each row is by itself, in their order. Raises what reading `rows` raises."""
    if processes == 1:
        yield from map(rules.judge, rows)
        return
    context = multiprocessing.get_context("spawn")
    source = iter(rows)
    with ProcessPoolExecutor(processes, context, _begin, (rules, plans.added())) as pool:
        going: deque[tuple[list[Row], Future[list[tuple[str, bytes | None, tuple[str, ...]]]]]] = deque()
        try:
            while True:
                while len(going) < AHEAD * processes and (chunk := list(islice(source, CHUNK))):
                    going.append((chunk, pool.submit(_judge, chunk)))
                if not going:
                    return
                chunk, future = going.popleft()
                yield from map(_joined, chunk, future.result())
        except BaseException:  # also Ctrl-C, and a caller that has enough: what has not begun is not begun any more
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _joined(row: Row, verdict: tuple[str, bytes | None, tuple[str, ...]]) -> Ready | Rejected:
    lead_id, packed, rest = verdict
    return Rejected(row, lead_id, rest) if packed is None else Ready(row, lead_id, packed, rest)


# --- in the other processes -------------------------------------------------------------------------------------------


_RULES: list[RowRules] = []  # one in each process that judges, none elsewhere


def _begin(rules: RowRules, added: Sequence[str]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the terminal's Ctrl-C ends them without a word
    gc.set_threshold(RARELY)
    plans.also_valid(added)
    _RULES[:] = [rules]


def _judge(chunk: Sequence[Row]) -> list[tuple[str, bytes | None, tuple[str, ...]]]:
    """The verdicts without their rows, which the other side has: a lead's id, the entry, and its digits; or its id and
    the reasons."""
    (rules,) = _RULES
    return [
        (verdict.lead_id, verdict.packed, verdict.digits)
        if isinstance(verdict, Ready)
        else (verdict.lead_id, None, verdict.reasons)
        for verdict in map(rules.judge, chunk)
    ]
