"""What a floor is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.chaos.servers import Kind

CAMPAIGN: Final = "chaos"
LEADS: Final = 4000


@dataclass(frozen=True, slots=True)
class Plan:
    """What a floor has: daemons, leads, which Redis; with `small_disks` each daemon has a disk of its own that can be
    filled, with `skewed_clocks` a clock that can be set. `full`: agents' phones stay on the line, machines are told
    from people, and everything is archived."""

    hosts: int = 2
    leads: int = LEADS
    servers: Kind = Kind.ALONE
    small_disks: bool = False
    skewed_clocks: bool = False
    full: bool = False
