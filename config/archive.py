"""The archive of calls, what reports count by, and the mail that they go by."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, Literal
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from config.model import Section

MAIL_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"]{1,64}@[A-Za-z0-9.-]{1,253}")


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


class MailSecurity(StrEnum):
    """How the way to the mail server is kept from others."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class MailSettings(Section):
    """The server that takes reports by mail."""

    host: str = Field(default="", description="name or address of the mail server; empty: no mail", max_length=253)
    port: int = Field(default=587, description="its TCP port; usually 587 with starttls, 465 with tls", ge=1, le=65535)
    security: MailSecurity = Field(
        default=MailSecurity.STARTTLS, description="starttls, tls, or none; certificates are checked"
    )
    user: str = Field(default="", description="who signs in there; empty: nobody does", max_length=253)
    password: SecretStr = Field(default=SecretStr(""), description="of that user")
    sender: str = Field(default="", description="address that reports come from", examples=["dialer@example.com"])
    timeout_s: float = Field(
        default=30.0, description="longest wait for an answer of the server, in seconds", gt=0, le=300
    )

    @field_validator("sender")
    @classmethod
    def _address(cls, sender: str) -> str:
        if sender and not MAIL_ADDRESS.fullmatch(sender):
            raise ValueError("must be an address such as dialer@example.com")
        return sender

    @field_validator("user")
    @classmethod
    def _only_in_secret(cls, user: str, info: ValidationInfo) -> str:
        if user and info.data.get("security") is MailSecurity.NONE:
            raise ValueError("needs mail.security starttls or tls: a password does not go in clear")
        return user
