"""How long 100,000 leads take to be reopened, cancelled and moved beside a floor that dials, and what the floor feels.

    make bench-leads                       # 40 lines, two rounds
    make bench-leads BENCH="--only reopen" # or move
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
PLACES = ("due", "waiting", "closed")
CHUNK = 2_000
FAR = 50_000_000  # numbers that the floor does not call

COMMANDS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "reopen": (
        ("reopen", ("reopen", LISTS[0], "--all")),
        ("cancel", ("cancel", LISTS[0], "--all")),
    ),
    "move": (
        ("move closed", ("move", LISTS[0], "--to", LISTS[1], "--all", *(f"--state={state}" for state in PLACES))),
        ("move back", ("move", LISTS[1], "--to", LISTS[0], "--all")),
        ("cancel before", ("cancel", LISTS[0], "--all")),
    ),
}
"""What is measured together, in an order after which all leads are closed as before."""


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
    answer = json.loads(done.stdout)
    assert answer["fates"]["done"] == answer["matched"] > 0, answer
    return took_s


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench-leads", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--lines", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--max-cps", type=int, default=20)
    parser.add_argument("--only", choices=sorted(COMMANDS), help="One kind: some four minutes instead of eight.")
    given = parser.parse_args()
    sipp = shutil.which("sipp")
    if sipp is None:
        sys.exit("sipp is not installed: apt-get install sip-tester")
    kinds = [given.only] if given.only else list(COMMANDS)
    room_s = 60.0 + given.rounds * 120.0 * len(kinds)
    agents, leads = given.lines * 7 // 10, int(given.max_cps * room_s)
    options = Options(given.lines, room_s, 15.0, agents, given.max_cps, leads)
    stretches = {name: Stretch(name) for name in ("quiet", *(name for kind in kinds for name, _ in COMMANDS[kind]))}
    say("starting the floor")
    with at_work(options, sipp) as (bench, drain):
        url = (bench.folder / "dialer.toml").read_text().split('url = "')[1].split('"')[0]
        say(f"laying {given.leads:,} leads down")
        fill(bench.store, given.leads, time.time())
        time.sleep(options.ramp_s)
        for _ in range(given.rounds):
            for kind in kinds:
                for name, arguments in COMMANDS[kind]:
                    one_command(bench, url, stretches, name, arguments)
        drain()
        show(given.leads, given.lines, stretches, bench)
    return 0


def one_command(bench: Bench, url: str, stretches: dict[str, Stretch], name: str, arguments: tuple[str, ...]) -> None:
    """A command, and a quiet stretch that is as long, but not too short for a figure."""
    begun = time.time()
    took_s = command(bench, url, *arguments)
    ended = time.time()
    stretches[name].took_s.append(took_s)
    stretches[name].times.append((begun, ended))
    say(f"{name}: {took_s:.1f} s")
    time.sleep(min(20.0, max(10.0, ended - begun)))
    stretches["quiet"].times.append((ended, time.time()))


def say(text: str) -> None:
    """How far it is."""
    Console(stderr=True).print(f"{time.strftime('%H:%M:%S')} {text}")


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
    for name, taken in samples.items():
        took_s = kinds[name].took_s if name in kinds else []
        spread = f"{min(took_s):.1f} to {max(took_s):.1f}" if took_s else ""
        row = (f"{percentile(taken, 0.5):.2f}", f"{percentile(taken, 0.99):.2f}")
        table.add_row(name, spread, str(len(taken)), *row)
    Console().print(table)
    ratio = percentile(samples["all commands"], 0.99) / max(1e-9, percentile(samples["quiet"], 0.99))
    Console().print(f"hand-over p99 beside commands / quiet: {ratio:.2f}")


if __name__ == "__main__":
    sys.exit(main())
