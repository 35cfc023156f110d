"""The whole pipeline under load: leads in Redis, gates, pacing, SIP to SIPp, agents, dispositions.

make bench                                          # 410 lines, so that 400 are in flight, for 60 s
make bench BENCH="--lines 100 --seconds 20"
make bench BENCH="--ways direct,edge,bare --media"  # beside each other, with audio both ways
make bench BENCH="--ways direct,bare --rounds 3"    # in turn, with the spread of the ratios
make bench BENCH="--campaigns 20"                   # one campaign, then 20 that share the leads and the agents
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import asdict, replace

from tests.bench.pipeline.measuring import measure
from tests.bench.pipeline.options import Figures, Options, Way
from tests.bench.pipeline.table import show

__all__ = ["main"]


def main() -> int:
    """Measure and print. 0 if the books of every run balance."""
    given = _arguments()
    sipp = shutil.which("sipp")
    if sipp is None:
        sys.exit("sipp is not installed: apt-get install sip-tester")
    options = Options(
        lines=given.lines,
        seconds=given.seconds,
        ramp_s=given.ramp,
        agents=given.agents or given.lines * 7 // 10,
        max_cps=given.max_cps,
        leads=int(given.max_cps * (given.seconds + given.ramp) * 1.2),
        trunks=given.trunks,
        media=given.media,
        talk_s=given.talk,
        keep=given.keep,
    )
    ways = [Way(name) for name in given.ways.split(",")]
    plans = [replace(options, way=way) for way in ways]
    if given.campaigns > 1:
        plans += [replace(options, campaigns=given.campaigns)]
    runs: list[tuple[Options, Figures]] = []
    for _ in range(given.rounds):
        for plan in plans:
            figures = measure(plan, sipp)
            runs.append((plan, figures))
            if given.json:
                sys.stdout.write(json.dumps({"options": asdict(plan), "figures": asdict(figures)}) + "\n")
                sys.stdout.flush()
    if not given.json:
        show(runs)
    return 0 if all(figures.books is None or figures.books.balance for _, figures in runs) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--lines", type=int, default=410)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--ramp", type=float, default=25.0)
    parser.add_argument("--agents", type=int, default=0, help="0: seven for every ten lines")
    parser.add_argument("--max-cps", type=int, default=80)
    parser.add_argument("--trunks", type=int, default=1, help="they share the calls by weight, and the limits")
    parser.add_argument("--campaigns", type=int, default=1, help="more than 1: beside a run with one")
    parser.add_argument(
        "--ways", default=Way.DIRECT.value, help="of direct, edge, bare: those to measure, in this order"
    )
    parser.add_argument("--rounds", type=int, default=1, help="how often each way gets its turn")
    parser.add_argument("--media", action="store_true", help="the far ends send back every RTP packet")
    parser.add_argument("--talk", type=float, default=8.0, help="seconds that callees who answer stay")
    parser.add_argument("--keep", default="", help="a folder for the logs of the last run")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
