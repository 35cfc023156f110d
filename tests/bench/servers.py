"""What the kinds of server cost and how long a fail-over takes: `python -m tests.bench.servers`.

Real servers of this machine on loopback. Speed is leads a second that are taken in, and that are leased, judged,
counted and opened, in batches of 50, by one thread. A fail-over is from the kill of the master (silent for a second:
taken for dead) to the first write that is taken again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from config.campaign import CampaignSettings
from config.redis import RedisSettings
from dialer.store.base.connection import Store, close_store, open_store, trip
from dialer.store.base.errors import StoreUnavailable
from dialer.store.operators import campaigns
from pacing.api import Mode
from tests.store.conftest import NOW, Floor
from tests.store.server_rig import PROGRAMS, Node, closing, sentinels, server, server_cluster, until

BATCH: Final = 50
SETTINGS: Final = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+861065550000")


@contextmanager
def single(kind: str, folder: Path) -> Iterator[tuple[str, Node]]:
    """A server by itself."""
    node = server(kind, folder)
    with closing([node.start()]):
        until(node.client.ping, "it answers")
        yield f"redis://{node.address}/0", node


@contextmanager
def cluster(kind: str, folder: Path) -> Iterator[tuple[str, Node]]:
    """Three masters with a replica each."""
    with server_cluster(kind, folder) as running:
        yield running.url, running.master_of("dialer:{spring}:lead")


@contextmanager
def watched(kind: str, folder: Path) -> Iterator[tuple[str, Node]]:
    """A master, a replica, three Sentinels."""
    with sentinels(kind, folder) as running:
        yield running.url, running.master


KINDS: Final[dict[str, Callable[..., object]]] = {"single": single, "cluster": cluster, "sentinel": watched}


def speeds(store: Store, leads: int) -> tuple[float, float]:
    """Leads a second taken in, and dialled."""
    campaigns.create(store, SETTINGS, who="bench", now=NOW)
    floor = Floor(store, SETTINGS)
    began = time.perf_counter()
    floor.fill(leads)
    while floor.take_in().read:
        pass
    taken = leads / (time.perf_counter() - began)
    began = time.perf_counter()
    for _ in range(leads // BATCH):
        floor.dial(BATCH)
    return taken, leads / (time.perf_counter() - began)


def failover_s(store: Store, master: Node) -> float:
    """From the kill to the next write."""
    until(lambda: master.client.wait(1, 1000) >= 1, "the replica has it all")
    began = time.monotonic()
    master.kill()

    def written() -> bool:
        try:
            trip(store, [("HSET", store.keys.lead("spring"), "probe", 1)])
        except StoreUnavailable:
            return False
        return True

    until(written, "a write is taken again")
    return time.monotonic() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=5000)
    parser.add_argument("--times", type=int, default=5, help="fail-overs of each kind")
    given = parser.parse_args()
    for product in PROGRAMS:
        for name, kind in KINDS.items():
            taken, dialled, waits = [], [], []
            for _ in range(given.times):
                with tempfile.TemporaryDirectory() as folder, kind(product, Path(folder) / "s") as (url, master):  # type: ignore[attr-defined]
                    store = open_store(RedisSettings(url=url, timeout_s=1.0))
                    first, second = speeds(store, given.leads)
                    taken.append(first)
                    dialled.append(second)
                    if name != "single":
                        waits.append(failover_s(store, master))
                    close_store(store)
            line = f"{product:7} {name:9} taken in {median(taken):7,.0f}/s  dialled {median(dialled):7,.0f}/s"
            line += f" ({min(dialled):,.0f} to {max(dialled):,.0f})"
            if waits:
                line += f"  fail-over {median(waits):.1f} s, worst {max(waits):.1f} s of {len(waits)}"
            print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
