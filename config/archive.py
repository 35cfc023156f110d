"""The archive of calls, what reports count by, and the mail that they go by."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, Literal
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from config.model import AbsolutePath, Section

MAIL_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"]{1,64}@[A-Za-z0-9.-]{1,253}")


class ArchiveSettings(Section):
    """The archive of calls: `dialer archive run` writes it, reports read it."""

    folder: AbsolutePath = "/var/lib/dialer/archive"
    """directory, absolute path"""
    flush_s: float = Field(default=120.0, ge=1, le=600)
    """how often what was read is written to the files, in seconds"""
    keep_days: int = Field(default=1826, ge=1, le=36_525)
    """days older than this are deleted; what names a person goes after retention.leads_days"""
    metrics_port: int = Field(default=9465, ge=0, le=65535)
    """TCP port of the writer's metrics, on metrics.address; 0: no endpoint"""
    time_zone: str = ""
    """zone of the reports' days and hours, such as Asia/Shanghai; empty: this machine's"""

    language: Literal["", "en", "zh"] = ""
    """language of reports, where the command does not say: en or zh; empty: the locale's"""

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

    host: str = Field(default="", max_length=253)
    """name or address of the mail server; empty: no mail"""
    port: int = Field(default=587, ge=1, le=65535)
    """its TCP port; usually 587 with starttls, 465 with tls"""
    security: MailSecurity = MailSecurity.STARTTLS
    """starttls, tls, or none; certificates are checked"""
    user: str = Field(default="", max_length=253)
    """who signs in there; empty: nobody does"""
    password: SecretStr = SecretStr("")
    """of that user"""
    sender: str = Field(default="", examples=["dialer@example.com"])
    """address that reports come from"""
    timeout_s: float = Field(default=30.0, gt=0, le=300)
    """longest wait for an answer of the server, in seconds"""

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
