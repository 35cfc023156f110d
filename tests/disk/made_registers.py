"""Registers for tests: small ones, made as the import makes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np

from compliance.numbers import E164
from compliance.register import Facts
from config.daemon import RegisterSettings
from dialer.disk.register_build import build


def facts(name: str = "cn-list", as_of: str = "2026-03-01") -> Facts:
    """What a register says of itself before it is written."""
    return Facts(name, "the regulator", date.fromisoformat(as_of), 1_772_400_000.0, "tester@here", 0, 0, 0)


def made(path: Path, numbers: Iterable[E164 | int], name: str = "cn-list", as_of: str = "2026-03-01") -> Facts:
    """Compile some numbers into `path`."""
    values = [int(number.clear[1:]) if isinstance(number, E164) else number for number in numbers]
    return build(path, facts(name, as_of), [np.array(values, np.uint64)])


def listed(path: Path, name: str = "cn-list", country: str = "CN", max_age_days: int = 31) -> RegisterSettings:
    """The settings of a register."""
    return RegisterSettings(name=name, path=str(path), country=country, max_age_days=max_age_days)
