"""A store on a real server that goes away at chosen moments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import redis

from dialer.store.base.connection import Store


@dataclass(slots=True)
class Moods:
    """How the server is: `down` answers nothing; `lost` are round trips, counted from 0, that are carried out and
    whose answers never arrive. `trips` counts them."""

    down: bool = False
    lost: set[int] = field(default_factory=set)
    trips: int = 0


def fickle(store: Store, moods: Moods) -> Store:
    """The same store, as its moods have it."""
    return replace(store, client=_Client(store.client, moods))


class _Client:
    def __init__(self, client: redis.Redis, moods: Moods) -> None:
        self._client = client
        self._moods = moods

    def pipeline(self, **options: Any) -> _Pipeline:
        return _Pipeline(self._client.pipeline(**options), self._moods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class _Pipeline:
    def __init__(self, pipeline: Any, moods: Moods) -> None:
        self._pipeline = pipeline
        self._moods = moods

    def __enter__(self) -> _Pipeline:
        self._pipeline.__enter__()
        return self

    def __exit__(self, *problem: Any) -> None:
        self._pipeline.__exit__(*problem)

    def execute_command(self, *command: Any) -> None:
        self._pipeline.execute_command(*command)

    def execute(self, **options: Any) -> Any:
        if self._moods.down:
            raise redis.exceptions.ConnectionError("the server is away")
        number = self._moods.trips
        self._moods.trips += 1
        answers = self._pipeline.execute(**options)
        if number in self._moods.lost:
            raise redis.exceptions.TimeoutError("no answer came")
        return answers
