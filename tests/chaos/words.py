"""The CRM's words on calls: said once, seen once, and still there at the end."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Final

import msgpack

from dialer.store.base.connection import Command, ScriptCall, Store, trip
from dialer.store.base.streams import entries_of
from tests.chaos.plan import CAMPAIGN

WORD: Final = "noted"
AT_ONCE: Final = 500


@dataclass(slots=True)
class Words:
    """Says one word on each talk. `kept` are attempts whose word was seen in the server, by when that was (seconds
    since the epoch): whatever the server loses afterwards, the daemons that carried it out have to tell it again."""

    kept: dict[str, float] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)
    _cursor: str = "-"

    def look(self, store: Store) -> None:
        """Say what there is to say, and see what has been carried out. Raises `StoreError`."""
        entries = entries_of(trip(store, [("XRANGE", store.keys.crm_out(), self._cursor, "+", "COUNT", AT_ONCE)])[0])
        talks = []
        for entry in entries:
            data = msgpack.unpackb(entry.fields[b"data"])
            attempt = entry.fields[b"id"].decode()
            if data.get("disposition") == "connected" and attempt not in self._said:
                talks.append(attempt)
        calls: list[Command | ScriptCall] = []
        for attempt in talks:
            request = {"type": "outcome", "campaign": CAMPAIGN, "attempt_id": attempt, "outcome": WORD}
            calls.append(("XADD", store.keys.crm_in(), "*", "json", json.dumps(request)))
        trip(store, calls)
        self._said.update(talks)
        if entries:
            self._cursor = f"({entries[-1].id}"
        waiting = sorted(self._said - self.kept.keys())
        for attempt, there in zip(waiting, self._there(store, waiting), strict=True):
            if there:
                self.kept[attempt] = time.time()

    def gone(self, store: Store, since: float) -> tuple[str, ...]:
        """Attempts whose word was there after a moment, and is not any more."""
        seen = sorted(attempt for attempt, at in self.kept.items() if at > since)
        return tuple(attempt for attempt, there in zip(seen, self._there(store, seen), strict=True) if not there)

    @staticmethod
    def _there(store: Store, attempts: list[str]) -> list[bool]:
        key = store.keys.outcomes(CAMPAIGN)
        return [bool(reply) for reply in trip(store, [("HEXISTS", key, attempt) for attempt in attempts])]
