"""What the demo's tests share: a quick-tempered carrier, and a look at what is still running."""

from __future__ import annotations

from pathlib import Path

import pytest

QUICK = """
base = "demo"
no_answer_limit_s = 2

[post_dial_delay]
mean_s = 0.1

[ring]
mean_s = 0.8
min_s = 0.2
max_s = 2

[machine_ring]
mean_s = 1
min_s = 0.5
max_s = 2

[decline_after]
mean_s = 0.5
min_s = 0.1
max_s = 2

[greeting]
mean_s = 1
min_s = 0.5
max_s = 2

[talk]
mean_s = 2
min_s = 0.5
max_s = 4
"""


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """A profile in which everything takes a second or two."""
    path = tmp_path / "quick.toml"
    path.write_text(QUICK)
    return path


def commands() -> dict[int, str]:
    """The command line of every process."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(entry.parent.name)] = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended while we looked
            continue
    return found


def running(words: str) -> list[str]:
    """Command lines of processes that hold `words`."""
    return [command for command in commands().values() if words in command]
