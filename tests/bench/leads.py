"""How long 100,000 leads take to be reopened, cancelled and moved beside a floor that dials, and what the floor feels.

    make bench-leads                       # 40 lines, three rounds
    make bench-leads BENCH="--lines 100 --rounds 5 --leads 100000"

The commands are those that people type, each as a process of its own, on the server that the floor works with. Quiet
and busy stretches take turns in one run, so that both meet the same machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from config.campaign import CampaignSettings
from dialer.core.leads import lead_reasons
from dialer.core.model import Lead
from dialer.store.base.connection import Command, ScriptCall, Store, trip
from dialer.store.base.keys import digits
from dialer.store.leads.lead_codec import pack
from dialer.store.operators import campaigns
from pacing.api import Mode
from tests.bench.pipeline.floor import Bench, at_work
from tests.bench.pipeline.measuring import delays
from tests.bench.pipeline.options import Options
from tests.bench.pipeline.samples import percentile
from tests.bench.preflight import some

LISTS = ("list-a", "list-b")
CHUNK = 2_000
FAR = 50_000_000  # numbers that the floor does not call


@dataclass(slots=True)
class Stretch:
    """Stretches of one kind: when each was, and how long each of its commands took."""

    name: str
    times: list[tuple[float, float]] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)


def fill(store: Store, leads: int, now: float) -> None:
    """Two campaigns that do not run, the first with leads that are closed after no answer."""
    for name in LISTS:
        campaigns.create(
            store, CampaignSettings(name=name, mode=Mode.PROGRESSIVE, caller_id="+862155550100"), who="bench", now=now
        )
    keys, campaign = store.keys, LISTS[0]
    why = lead_reasons.kept(lead_reasons.Why(lead_reasons.Kind.ENDED, "no_answer"))
    for start in range(0, leads, CHUNK):
        rows = list(some(FAR + start, min(CHUNK, leads - start)))
        stored = [
            cell for lead_id, number in rows for cell in (lead_id, pack(Lead(lead_id, campaign, (number,)), "1-0", now))
        ]
        calls: list[Command | ScriptCall] = [
            ("HSET", keys.lead(campaign), *stored),
            ("HSET", keys.numbers(campaign), *(cell for lead_id, number in rows for cell in (digits(number), lead_id))),
            ("ZADD", keys.closed(campaign), *(cell for lead_id, _ in rows for cell in (now, lead_id))),
            ("HSET", keys.why(campaign), *(cell for lead_id, _ in rows for cell in (lead_id, why))),
        ]
        trip(store, calls)


def command(bench: Bench, url: str, *arguments: str) -> float:
    """Run `dialer leads` and return how long it took. The leads must all be done."""
    begun = time.monotonic()
    run = [sys.executable, "-c", "from dialer.cli import main; main()", "--redis", url, "leads", *arguments]
    done = subprocess.run([*run, "--yes", "--json"], cwd=bench.folder, capture_output=True, check=False)
    took_s = time.monotonic() - begun
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    told = json.loads(done.stdout)
    assert told["fates"]["done"] == told["matched"] > 0, told
    return took_s


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-leads", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--lines", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--max-cps", type=int, default=20)
    given = parser.parse_args()
    sipp = shutil.which("sipp")
    if sipp is None:
        sys.exit("sipp is not installed: apt-get install sip-tester")
    room_s = 60.0 + given.rounds * 120.0
    agents, leads = given.lines * 7 // 10, int(given.max_cps * room_s)
    options = Options(given.lines, room_s, 15.0, agents, given.max_cps, leads)
    kinds = {name: Stretch(name) for name in ("quiet", "reopen", "cancel", "reopen again", "move", "move back")}
    with at_work(options, sipp) as (bench, drain):
        url = (bench.folder / "dialer.toml").read_text().split('url = "')[1].split('"')[0]
        fill(bench.store, given.leads, time.time())
        time.sleep(options.ramp_s)
        for _ in range(given.rounds):
            one_round(bench, url, kinds)
        drain()
        show(given.leads, given.lines, kinds, bench)
    return 0


def one_round(bench: Bench, url: str, kinds: dict[str, Stretch]) -> None:
    """Each command once, each followed by a quiet stretch that is as long; in the end all leads are as they were."""
    first, second = LISTS
    for kind, arguments in (
        ("reopen", ("reopen", first, "--all")),
        ("cancel", ("cancel", first, "--all")),
        ("reopen again", ("reopen", first, "--reason", "cancelled")),
        ("move", ("move", first, "--to", second, "--all")),
        ("move back", ("move", second, "--to", first, "--all")),
        ("cancel", ("cancel", first, "--all")),
    ):
        begun = time.time()
        kinds[kind].took_s.append(command(bench, url, *arguments))
        ended = time.time()
        kinds[kind].times.append((begun, ended))
        time.sleep(ended - begun)
        kinds["quiet"].times.append((ended, time.time()))


def show(leads: int, lines: int, kinds: dict[str, Stretch], bench: Bench) -> None:
    """Seconds of each command, and the floor's hand-over in stretches of each kind; quiet ones beside all others."""
    table = Table(title=f"{leads:,} leads beside a floor of {lines} lines")
    for head in ("", "seconds", "answers", "hand-over p50 ms", "p99 ms"):
        table.add_column(head, justify="left" if not head else "right")
    samples = {
        name: [delay for window in kind.times for delay in delays(bench.folder, *window)[0]]
        for name, kind in kinds.items()
    }
    samples["all commands"] = [delay for name, some in samples.items() if name != "quiet" for delay in some]
    for name, found in samples.items():
        took = kinds[name].took_s if name in kinds else []
        spread = f"{min(took):.1f} to {max(took):.1f}" if took else ""
        row = (f"{percentile(found, 0.5):.2f}", f"{percentile(found, 0.99):.2f}")
        table.add_row(name, spread, str(len(found)), *row)
    Console().print(table)
    ratio = percentile(samples["all commands"], 0.99) / max(1e-9, percentile(samples["quiet"], 0.99))
    Console().print(f"hand-over p99 beside commands / quiet: {ratio:.2f}")


if __name__ == "__main__":
    sys.exit(main())
