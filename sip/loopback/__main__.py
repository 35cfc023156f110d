"""`python -m sip.loopback`: a carrier and agent phones on loopback. See `--help`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from sip.loopback.profile import ProfileError
from sip.loopback.profile_file import BUILT_IN, parse_forced, read_profile

EXIT_USAGE = 2
EXIT_PORT_TAKEN = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program. Returns 0, or 2 where the options or the profile are wrong, or 3 where a port is taken."""
    given = _parser().parse_args(arguments)
    out = _take_stdout()
    from sip.loopback.endpoint import Credentials  # not before stdout is ours: sippy keeps what it finds there
    from sip.loopback.program import Options, run

    try:
        profile = read_profile(given.profile)
        forced = dict(parse_forced(text) for text in given.force)
        username, _, password = (given.auth or "").partition(":")
        options = Options(
            profile=replace(profile, forced={**profile.forced, **forced}),
            seed=given.seed,
            host=given.bind,
            carrier_port=given.carrier_port,
            phones_port=given.phones_port,
            credentials=Credentials(username, password) if given.auth else None,
            report_path=given.report,
            report_every_s=given.report_every,
            max_calls=given.max_calls,
            max_seconds=given.max_seconds,
            until_stdin_ends=not given.ignore_stdin,
        )
    except ProfileError as error:
        sys.stderr.write("".join(f"sip.loopback: {problem}\n" for problem in error.problems))
        return EXIT_USAGE
    except ValueError as error:
        sys.stderr.write(f"sip.loopback: {error}\n")
        return EXIT_USAGE
    try:
        run(options, out)
    except OSError as error:
        sys.stderr.write(f"sip.loopback: cannot listen on {given.bind}: {error}\n")
        return EXIT_PORT_TAKEN
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sip.loopback",
        description="A carrier and agent phones that speak SIP over UDP on loopback, for rehearsals and tests. "
        "The phones are sip:agent-NAME@127.0.0.1:PORT; every other user is answered with 404.",
        epilog="Prints the ports as one JSON line when ready and the counts as another at the end. "
        "Stops on SIGTERM, SIGINT or when its stdin ends.",
    )
    add = parser.add_argument
    add("--profile", default="demo", metavar="NAME|FILE", help=f"{', '.join(BUILT_IN)} or a TOML file (default demo)")
    add("--force", action="append", default=[], metavar="NUMBER=OUTCOME", help="what a number does; may be repeated")
    add("--seed", type=int, default=1, help="of everything that is drawn (default 1)")
    add("--bind", default="127.0.0.1", metavar="ADDRESS", help="a loopback address (default 127.0.0.1)")
    add("--carrier-port", type=int, default=0, metavar="PORT", help="0: any free one (default)")
    add("--phones-port", type=int, default=0, metavar="PORT", help="0: any free one (default)")
    add("--auth", metavar="USER:PASSWORD", help="challenge the carrier's INVITEs for these")
    add("--report", type=Path, metavar="FILE", help="write the final counts there, as JSON")
    add("--report-every", type=float, default=0.0, metavar="SECONDS", help="and those so far, again and again")
    add("--max-calls", type=int, default=2000, metavar="N", help="calls at once on each side (default 2000)")
    add("--max-seconds", type=float, default=3600.0, metavar="SECONDS", help="stop after that (default 3600)")
    add("--ignore-stdin", action="store_true", help="do not stop when stdin ends")
    return parser


def _take_stdout() -> TextIO:
    """Our own way to stdout. What anybody else prints goes to stderr: sippy prints there when something breaks."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return out


if __name__ == "__main__":
    sys.exit(main())
