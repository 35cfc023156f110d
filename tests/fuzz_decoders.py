"""`make fuzz`: the property tests of everything that reads what others wrote, with new examples until the time is over.

CI runs them with the same examples each time. Here each round has a seed of its own, which is printed, and the first
failure ends it: hypothesis keeps the example in `.hypothesis` and shows it again.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from typing import Final

TESTS: Final = (
    *("tests/store/test_decoders.py", "tests/store/test_lead_codec.py", "tests/store/test_schema.py"),
    *("tests/disk", "tests/compliance/numbering", "tests/compliance/test_evidence.py", "tests/cli/sheets"),
    *("tests/sip/test_wire.py", "tests/sip/worker/test_sdp.py", "tests/sip/worker/test_sip_text.py"),
    *("tests/sip/inbound/test_invite.py", "tests/sip/test_wav.py", "tests/archive/test_rows.py"),
)


def main() -> int:
    """Round after round."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    wanted = parser.parse_args()
    ends_at, seeds, rounds = time.monotonic() + wanted.seconds, random.Random(wanted.seed), 0
    sys.stdout.write(f"seed {wanted.seed}\n")
    while time.monotonic() < ends_at:
        seed = seeds.randrange(10**9)
        words = [sys.executable, "-m", "pytest", "-q", "-x", f"--hypothesis-seed={seed}", *TESTS]
        environment = {**os.environ, "HYPOTHESIS_PROFILE": "searching"}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        rounds += 1
        if done.returncode:
            sys.stdout.write(f"{done.stdout[-6000:]}\nround {rounds}, seed {seed}\n")
            return 1
        sys.stdout.write(f"round {rounds}, seed {seed}: {done.stdout.strip().splitlines()[-1]}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
