"""The archive of calls, and what reports count by."""

from __future__ import annotations

from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, field_validator

from config.model import Section


class ArchiveSettings(Section):
    """The archive of calls: `dialer archive run` writes it, reports read it."""

    folder: str = Field(
        default="/var/lib/dialer/archive", description="directory, absolute path", pattern=r"^/[^\x00]*$"
    )
    flush_s: float = Field(
        default=120.0, description="how often what was read is written to the files, in seconds", ge=1, le=600
    )
    keep_days: int = Field(
        default=1826,
        description="days older than this are deleted; what names a person goes after retention.leads_days",
        ge=1,
        le=36_525,
    )
    metrics_port: int = Field(
        default=9465, description="TCP port of the writer's metrics, on metrics.address; 0: no endpoint", ge=0, le=65535
    )
    time_zone: str = Field(
        default="", description="zone of the reports' days and hours, such as Asia/Shanghai; empty: this machine's"
    )

    language: Literal["", "en", "zh"] = Field(
        default="", description="language of reports, where the command does not say: en or zh; empty: the locale's"
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone and zone not in available_timezones():
            raise ValueError("is not a known time zone such as Asia/Shanghai")
        return zone
