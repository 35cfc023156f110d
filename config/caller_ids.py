"""The numbers of a campaign that may be shown to callees, as people write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import Field

from compliance.caller_ids import CallerId
from compliance.contacts import crc16
from config.model import Region, Section

CALLER_ID_FORM: Final = r"\+?[0-9]{2,15}"
"""E.164, or the carrier's short form such as 95533."""

MOST_CALLER_IDS: Final = 200


class CallerIdSettings(Section):
    """One number of a campaign's pool."""

    number: str = Field(pattern=rf"^{CALLER_ID_FORM}$", examples=["+861000000001"])
    """number shown to the callee, as the carrier wants it"""
    countries: tuple[Region, ...] = Field(default=(), max_length=50)
    """countries of callees it may be shown to, ISO 3166; [] for any"""
    daily_limit: int = Field(default=0, ge=0, le=100_000)
    """most calls of one day that show it, all campaigns and hosts together; 0: no limit"""

    def caller_id(self) -> CallerId:
        """The same as the rules understand it."""
        return CallerId(self.number, frozenset(self.countries), self.daily_limit)


def each_number_once(rows: Sequence[CallerIdSettings]) -> None:
    """Raises ValueError where a pool has a number twice, or two that the contact history cannot tell apart."""
    seen: dict[str, int] = {}
    marks: dict[int, int] = {}
    for index, row in enumerate(rows):
        if row.number in seen:
            raise ValueError(f"rows {seen[row.number]} and {index} are the same number ({row.number}): keep one")
        seen[row.number] = index
        twin = marks.setdefault(crc16(row.number), index)
        if twin != index:
            raise ValueError(
                f"rows {twin} and {index} have the same check sum, so that contacts with them could not be told apart: "
                "put one of them into another campaign"
            )
