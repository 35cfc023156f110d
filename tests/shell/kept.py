"""A stand-in for the evidence: it keeps in a list what is put on record, or does not take it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import trio

from dialer.disk.journal import Row
from dialer.shell.tasks.evidence import Evidence


@dataclass
class Kept:
    """`takes` False: the disk does not take it at the moment."""

    takes: bool = True
    failing: bool = False
    entries: list[Any] = field(default_factory=list)
    journal: list[Row] = field(default_factory=list)

    def decisions(self, answers: Iterable[Any], *_: Any) -> list[Any]:
        return list(answers)

    def ends(self, settled: Iterable[Any], _: str) -> list[Any]:
        return list(settled)

    def opt_outs(self, pressed: Iterable[Any]) -> list[Any]:
        return list(pressed)

    def outcomes(self, said: Iterable[Any]) -> list[Any]:
        return list(said)

    async def keep(self, entries: Sequence[Any]) -> bool:
        await trio.lowlevel.checkpoint()
        self.entries += [entry for entry in entries if not isinstance(entry, Row)]
        self.journal += [entry for entry in entries if isinstance(entry, Row)]
        return self.takes

    def keep_ends(self, settled: Sequence[Any], _: str) -> None:
        self.entries += settled


def kept(**given: Any) -> Evidence:
    """The stand-in, as what it stands for."""
    return cast("Evidence", Kept(**given))
