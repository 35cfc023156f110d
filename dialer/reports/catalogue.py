"""The reports, as `reports.toml` has them: the tables of each, what they are grouped by, the measures they show."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

import msgspec

from dialer.disk.archive.formulas import SOURCES
from dialer.language.translation import either
from dialer.reports.measures import MEASURES

KEY_HEADS: Final[Mapping[str, tuple[str, str]]] = {
    "day": ("day", "日期"),
    "campaign": ("campaign", "项目"),
    "team": ("team", "班组"),
    "agent": ("agent", "座席"),
    "list": ("list", "名单批次"),
    "trunk": ("trunk", "线路"),
    "caller_id": ("caller id", "主叫号码"),
    "hour": ("hour", "时段"),
    "script": ("script", "语音流程"),
    "step": ("question", "问题"),
    "key": ("key", "按键"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a report, and the measure of it that is drawn."""

    title: str
    chinese: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    chart: tuple[str, ...] = ()
    with_agent: bool = False

    @property
    def called(self) -> str:
        """Its title, in the reader's language."""
        return either(self.title, self.chinese)

    @property
    def can_be_by(self) -> Sequence[str]:
        """What it can be grouped by: calls, or where it is not about calls, what else it is about."""
        sums = {name for measure in self.measures for name in MEASURES[measure].over}
        return next(source.keys for source in SOURCES if not sums.isdisjoint(source.sums))


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `period` is the one that is meant where none is given."""

    name: str
    title: str
    chinese: str
    short: str
    chinese_short: str
    period: str
    parts: tuple[Part, ...]

    @property
    def called(self) -> str:
        """Its title, in the reader's language."""
        return either(self.title, self.chinese)

    @property
    def explained(self) -> str:
        """What is in it, in the reader's language."""
        return either(self.short, self.chinese_short)


def _read() -> dict[str, Report]:
    """The reports, in their order."""
    text = (resources.files("dialer.reports") / "reports.toml").read_text(encoding="utf-8")
    return {name: msgspec.convert({"name": name, **row}, Report) for name, row in tomllib.loads(text).items()}


REPORTS: Final[Mapping[str, Report]] = _read()
