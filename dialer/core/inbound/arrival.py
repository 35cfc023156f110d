"""What a call from outside has in the place of a permit: nobody was dialled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """`caller_id` is the number that was called. The lead had `number_index` to be dialled next, and was due at
    `due_at` (seconds since the epoch; None: it was closed, or there is no lead)."""

    attempt: str
    caller_id: str
    number_index: int = 0
    due_at: float | None = None
