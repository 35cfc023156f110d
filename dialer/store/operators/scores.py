"""The marks that people gave recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from compliance.numbers import masked_text
from dialer.core.quality import Score
from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import Time, packed, read
from dialer.store.base.streams import entries_of

SCORES_KEPT: Final = 1_000_000
PAGE: Final = 1000

_Text = Annotated[str, Meta(max_length=600)]


class _Kept(msgspec.Struct, frozen=True):
    attempt: _Text
    agent: _Text
    campaign: _Text
    sheet: _Text
    version: _Text
    by: _Text
    at: Time
    marks: dict[str, int]
    points: int
    most: Annotated[int, Meta(ge=1)]
    note: _Text


def keep(store: Store, scores: Sequence[Score]) -> None:
    """Keep scores, in one round trip. Numbers in notes are masked. Raises `StoreError`."""
    entry = ("XADD", store.keys.recordings_scores(), "MAXLEN", "~", SCORES_KEPT, "*", "score")
    rows = [asdict(replace(score, note=masked_text(score.note))) for score in scores]
    trip(store, [(*entry, packed(row)) for row in rows])


def since(store: Store, at: float) -> list[Score]:
    """The scores given since a moment (seconds since the epoch), oldest first. One that cannot be read is left out:
    another release wrote it. Raises `StoreError`."""
    scores: list[Score] = []
    first = f"{max(0, int(at * 1000))}"
    while True:
        raw = trip(store, [("XRANGE", store.keys.recordings_scores(), first, "+", "COUNT", PAGE)])[0]
        entries = entries_of(raw)
        for entry in entries:
            try:
                kept = read(_Kept, entry.fields.get(b"score", b""), "a score")
            except Undecodable:
                continue
            scores.append(Score(**{name: getattr(kept, name) for name in kept.__struct_fields__}))
        if len(entries) < PAGE:
            return scores
        first = f"({entries[-1].id}"
