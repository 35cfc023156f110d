"""How large, how long to import, how fast to ask: `make bench-register`, 5 million numbers; 250 with NUMBERS=250000000.

The numbers are drawn as dense as those of the register of the US, a quarter of a thousand million in ten thousand
million. The list is compiled as `dialer register import` does it; look-ups go the way of the gate's.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import click
import numpy as np

from compliance.numbers import E164
from compliance.register import Facts
from dialer.disk.register_build import build
from dialer.disk.register_lines import Account, Values, numbers_of
from dialer.disk.registers import open_register

FIRST = 12_010_000_000
GAP = 32
ASKED = 20_000
BATCH = 50
CHUNK = 1_000_000


def drawn(count: int) -> Iterator[Values]:
    """About `count` numbers in no order, chunk by chunk."""
    random = np.random.default_rng(1)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        yield random.integers(FIRST, FIRST + GAP * count, size, dtype=np.uint64)


def written(path: Path, count: int) -> None:
    """The list as a file, ten national digits a line."""
    with open(path, "wb") as file:
        for values in drawn(count):
            file.write(b"\n".join(np.char.mod(b"%010d", values - np.uint64(10_000_000_000)).tolist()) + b"\n")


def asked(present: Sequence[int]) -> list[E164]:
    """Numbers that are in it and their neighbours, which mostly are not."""
    return [E164(f"+{value + step}") for value in present for step in (0, 1)]


@click.command()
@click.option("--numbers", default=5_000_000, show_default=True, help="How many.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to work; needs 20 bytes a number.")
def main(numbers: int, folder: Path | None) -> None:
    """Print bytes a number, seconds a million imported, microseconds a look-up."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        source, path = Path(work) / "list.txt", Path(work) / "bench.reg"
        click.echo(f"drawing {numbers:,} numbers ...", err=True)
        written(source, numbers)
        facts = Facts("bench", "drawn by lot", date(2026, 11, 1), 0.0, "bench", 0, 0, 0)
        account = Account()
        began = time.perf_counter()
        with open(source, "rb") as file:
            done = build(path, facts, numbers_of(file, "US", (), account, lambda: None))
        took_s = time.perf_counter() - began
        most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        click.echo(f"numbers            {done.count:>14,}  (of {account.numbers:,} lines)")
        click.echo(f"file               {done.size_bytes:>14,}  bytes, {done.size_bytes / done.count:.2f} a number")
        click.echo(f"import             {took_s:>14.1f}  s, {took_s / account.numbers * 1e6:.2f} a million")
        click.echo(f"memory             {most_mb:>14.0f}  MB at most")
        _look_up(path)


def _look_up(path: Path) -> None:
    began = time.perf_counter()
    with open_register(path) as register:
        opened_ms = 1000 * (time.perf_counter() - began)
        random = np.random.default_rng(2)
        firsts = np.frombuffer(register.firsts, np.uint64)
        wanted = asked([int(value) for value in random.choice(firsts, ASKED // 2)])
        wanted = [wanted[i] for i in random.permutation(len(wanted))]
        singles, batches = [], []
        for number in wanted:
            began = time.perf_counter()
            register.contains(number)
            singles.append(time.perf_counter() - began)
        for start in range(0, len(wanted), BATCH):
            began = time.perf_counter()
            register.contains_each(wanted[start : start + BATCH])
            batches.append(time.perf_counter() - began)
        half, most = np.quantile(singles, (0.5, 0.99)) * 1e6
        click.echo(f"opening            {opened_ms:>14.1f}  ms, index of {16 * len(firsts) / 1e6:.1f} MB in memory")
        click.echo(f"look-up            {half:>14.1f}  us (p50), {most:.1f} us (p99)")
        click.echo(f"batch of {BATCH}        {np.median(batches) * 1e6:>14.0f}  us (p50)")


if __name__ == "__main__":
    main()
