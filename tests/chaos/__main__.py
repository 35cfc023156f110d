"""`make chaos`: each fault several times on a floor of its own, under load, and the books checked afterwards.

Prints for each fault how often it hit, how long until all daemons were ready and calls began again, what was attempted,
and whatever does not balance. Ends with 1 if anything is wrong. The same seed draws the same faults; the moments in
which they hit differ.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.chaos.audit import Audit, audit
from tests.chaos.faults import FAULTS, PLANS, WITNESSES_DIE
from tests.chaos.floor import Floor, drain, open_floor
from tests.chaos.plan import Plan

MIXED: Final = "mixed"
"""All faults that one floor can take, drawn, one after the other."""

HEADS: Final = (
    "fault",
    "runs",
    "p50 s",
    "worst s",
    "INVITEs",
    "ends",
    "unknown",
    "wrong",
    "twice",
    "over cap",
    "books",
)
"""`p50 s` and `worst s`: from the end of the fault until all daemons are ready and somebody is called. `wrong` are ends
that are missing, contradicted or of nobody; `twice` are numbers dialled a second time that should not have been."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one fault, again and again."""

    fault: str
    recoveries_s: tuple[float, ...]
    exit_codes: tuple[int, ...]
    books: Audit | None
    failure: str = ""

    @property
    def whole(self) -> bool:
        """Nothing is lost, nobody is dialled too often, and every daemon came back and ended well."""
        return self.books is not None and not self.failure and not self.wrong()

    def wrong(self) -> list[str]:
        """What does not balance, in words."""
        died = self.fault in WITNESSES_DIE or self.fault == MIXED
        books = [] if self.books is None else self.books.faults(witnesses_died=died)
        return books + [f"exit {code}" for code in self.exit_codes if code]


def disturb(floor: Floor, names: list[str], note: Callable[[], object] = lambda: None) -> tuple[float, ...]:
    """Let faults hit at random moments, one after the other. Returns the seconds until calls began again."""
    recoveries = []
    for name in names:
        time.sleep(floor.random.uniform(0.2, 2.0))
        FAULTS[name](floor)
        recoveries.append(floor.recovery_s())
        note()
    return tuple(recoveries)


def run(
    fault: str, times: int, seed: int, folder: Path, changes: dict[str, int], note: Callable[[], object] = lambda: None
) -> Run:
    """One fault on a floor of its own, or all of them mixed; `changes` are of its plan."""
    plan, names = replace(PLANS.get(fault, Plan()), **changes), [fault] * times
    if fault == MIXED:
        plan = replace(plan, small_disks=True, skewed_clocks=True)
        on_one_server = sorted(name for name in FAULTS if PLANS.get(name, plan).servers is plan.servers)
        names = random.Random(seed).choices(on_one_server, k=times)
    with open_floor(folder / fault, seed, plan) as floor:
        try:
            recoveries = disturb(floor, names, note)
            codes = drain(floor)
        except AssertionError as failure:
            return Run(fault, (), (), None, str(failure))
        return Run(fault, recoveries, tuple(codes), audit(floor))


def table(runs: list[Run]) -> Table:
    """The figures."""
    drawn = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for head in HEADS:
        drawn.add_column(head, justify="left" if head in {"fault", "books"} else "right")
    for each in runs:
        if each.books is None:
            drawn.add_row(each.fault, *[""] * (len(HEADS) - 2), f"[red]{each.failure.splitlines()[0]}[/]")
            continue
        ordered = sorted(each.recoveries_s)
        wrong = each.wrong()
        drawn.add_row(
            each.fault,
            str(len(ordered)),
            f"{ordered[len(ordered) // 2]:.1f}",
            f"{ordered[-1]:.1f}",
            f"{each.books.invites:,}",
            f"{each.books.attempts:,}",
            str(each.books.unknown),
            str(each.books.wrong),
            str(len(each.books.dialled_unheard) + len(each.books.dialled_twice)),
            str(len(each.books.over_cap)),
            "[green]balance[/]" if not wrong else f"[red]{'; '.join(wrong)}[/]",
        )
    return drawn


def main() -> int:
    """Parse, disturb, print."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--times", type=int, default=2, help="how often each fault hits (default 2; 50 by hand)")
    choices = [*sorted(FAULTS), MIXED]
    parser.add_argument("--faults", nargs="*", choices=choices, default=list(FAULTS), metavar="FAULT")
    parser.add_argument("--leads", type=int, help=f"leads of the campaign (default {Plan().leads:,})")
    parser.add_argument("--hosts", type=int, help=f"daemons (default {Plan().hosts}, or what a fault needs)")
    parser.add_argument("--full", action="store_true", help="standing legs, machine detection and the archive, too")
    wanted = parser.parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=140)
    console.print(f"seed {wanted.seed}; faults: {', '.join(wanted.faults)}")
    runs = []
    changes = {name: value for name in ("leads", "hosts", "full") if (value := getattr(wanted, name)) is not None}
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, Progress(console=console, transient=True) as progress:
        for index, fault in enumerate(wanted.faults):
            task = progress.add_task(fault, total=wanted.times)
            advance = partial(progress.advance, task)
            runs.append(run(fault, wanted.times, wanted.seed + index, Path(folder), changes, advance))
            progress.remove_task(task)
            if not runs[-1].whole:
                progress.console.print(runs[-1].failure[-3000:] or runs[-1].books, markup=False)
    console.print(table(runs))
    return 0 if all(each.whole for each in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
