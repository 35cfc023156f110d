"""The measures of the reports, which `measures.toml` defines once: how each is made of sums, its names, its meaning.

A measure is a sum, or the quotient of two. Whatever shows a report shows these definitions below it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any, Final

import msgspec

from dialer.language.translation import either


class Unit(StrEnum):
    """How a value is written."""

    COUNT = "count"
    SHARE = "share"  # a fraction, shown in per cent
    SECONDS = "seconds"
    HOURS = "hours"  # kept in seconds, shown as hours and minutes
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Measure:
    """`over`: the sums above, added; `under`: those below, `less` taken off them; none: the value is what is above.
    `factor` scales the quotient. `head` is short, for tables; `chinese` is what the floor calls it."""

    name: str
    head: str
    chinese: str
    unit: Unit
    meaning: str
    meaning_chinese: str
    over: tuple[str, ...]
    under: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    factor: float = 1.0

    @property
    def called(self) -> str:
        """Its head, in the reader's language."""
        return either(self.head, self.chinese)

    @property
    def explained(self) -> str:
        """Its meaning, in the reader's language."""
        return either(self.meaning, self.meaning_chinese)


def value_of(measure: Measure, sums: Mapping[str, Any]) -> float | int | None:
    """A measure's value; None where it has none: nothing to divide by, or nothing is known."""
    above = _added(measure.over, sums)
    if above is None or not measure.under:
        return above
    below, off = _added(measure.under, sums), _added(measure.less, sums)
    if below is None or off is None or below - off <= 0:
        return None
    return float(measure.factor * above / (below - off))


def _added(names: tuple[str, ...], sums: Mapping[str, Any]) -> float | int | None:
    values = [sums[name] for name in names]
    if any(value is None for value in values):
        return None
    total: float | int = sum(values)
    return total


def _read() -> dict[str, Measure]:
    """The definitions, in their order."""
    text = (resources.files("dialer.reports") / "measures.toml").read_text(encoding="utf-8")
    return {name: msgspec.convert({"name": name, **row}, Measure) for name, row in tomllib.loads(text).items()}


MEASURES: Final[Mapping[str, Measure]] = _read()
