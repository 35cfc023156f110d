"""The contract is light to import."""

from __future__ import annotations

import subprocess
import sys


def test_the_contract_brings_no_numba() -> None:
    """Settings, commands and the engine know a pacer's words without its arithmetic."""
    code = "import sys, pacing.api; sys.exit(bool({'numba', 'numpy'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
