"""A store on a real server that goes away at chosen moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import redis

from dialer.store.base.connection import Store
from dialer.store.base.servers import Command, Link


@dataclass(slots=True)
class Moods:
    """How the server is: `down` answers nothing; `lost` are round trips, counted from 0, that are carried out and
    whose answers never arrive. `trips` counts them."""

    down: bool = False
    lost: set[int] = field(default_factory=set)
    trips: int = 0


def fickle(store: Store, moods: Moods) -> Store:
    """The same store, as its moods have it."""
    return replace(store, link=_Link(store.link, moods))


@dataclass(frozen=True, slots=True)
class _Link:
    link: Link
    moods: Moods

    def send(self, commands: Sequence[Command]) -> list[Any]:
        if self.moods.down:
            raise redis.exceptions.ConnectionError("the server is away")
        number = self.moods.trips
        self.moods.trips += 1
        answers = self.link.send(commands)
        if number in self.moods.lost:
            raise redis.exceptions.TimeoutError("no answer came")
        return answers

    def everywhere(self, commands: Sequence[Command]) -> dict[str, list[Any]]:
        return {"server": self.send(commands)}

    def close(self) -> None:
        self.link.close()
