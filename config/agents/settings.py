"""Agents' phones: where they may be, how they are called, and when an agent counts as there."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Final

from pydantic import Field, ValidationInfo, field_validator

from config.model import Section, WavPath
from sip import address

_NUMERIC: Final = re.compile(r"[0-9.]+")
_DOMAIN: Final = re.compile(r"(?=.{1,253}$)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.?")
_HEADER: Final = re.compile(r"([A-Za-z-]{1,40}): ([ -~]{1,200})")
_DESTINATION: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_FREE: Final = frozenset({"call-info", "alert-info", "answer-mode", "priority", "subject", "p-auto-answer"})
"""Headers that are nobody else's."""


class Connection(StrEnum):
    """How an agent's phone takes part: rung for each call, or on the line from login to logout."""

    RUNG = "rung"
    STANDING = "standing"


class AgentSettings(Section):
    """Where agents' phones may be, when an agent counts as there, and what of an agent the board marks."""

    hosts: tuple[str, ...] = Field(
        default=("localhost", "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"), max_length=64
    )
    """networks and domains of the agents' phones, besides sip.bind_address; never a trunk's host"""
    probe_limit_s: float = Field(default=2.0, ge=0, le=10)
    """at login a phone has so long to answer OPTIONS, in seconds; 0: it is not asked"""

    connection: Connection = Connection.RUNG
    """rung: a phone is rung for each call; standing: it is rung at the login and stays on the line. A login may say
    otherwise"""
    standing_most: int = Field(default=0, validate_default=True, ge=0, le=2500)
    """most phones that stay on the line at once on this host; needed with connection standing"""
    beep: bool = True
    """who stays on the line hears a beep when a call comes"""
    standing_music: WavPath = ""
    """WAV file (16 bit mono PCM, 8 or 16 kHz) for who stays on the line and is on no call, absolute path; empty:
    silence"""
    invite_headers: tuple[str, ...] = Field(
        default=(
            "Call-Info: <sip:dialer>;answer-after=0",
            "Alert-Info: <http://127.0.0.1>;info=alert-autoanswer",
            "X-Attempt-Id: {attempt}",
        ),
        max_length=8,
    )
    """headers of an INVITE to an agent's phone, by which phones answer by themselves; {attempt} is the attempt's id"""

    heartbeat_timeout_s: float = Field(default=60.0, ge=5, le=3600)
    """an agent not heard of for this long is logged out, in seconds"""
    long_talk_s: float = Field(default=1200.0, gt=0, le=86_400)
    """the board marks a talk that lasts longer, in seconds"""
    long_wrapup_s: float = Field(default=60.0, gt=0, le=86_400)
    """the board marks wrap-up that lasts longer, in seconds"""
    long_pause_s: float = Field(default=900.0, gt=0, le=86_400)
    """the board marks a pause that lasts longer, in seconds"""

    listeners_told: bool = True
    """an agent's desktop is told when a supervisor listens to a talk, whispers or joins it"""
    transfer_to: tuple[str, ...] = Field(default=(), max_length=200)
    """whom a desktop may pass a talk on to besides agents, such as second-level=sip:800@10.0.0.5"""

    @property
    def destinations(self) -> dict[str, str]:
        """The SIP URIs of `transfer_to`, by name."""
        named = (text.partition("=") for text in self.transfer_to)
        return {name: uri for name, _, uri in named}

    @field_validator("transfer_to")
    @classmethod
    def _each_a_phone_with_a_name(cls, transfer_to: tuple[str, ...]) -> tuple[str, ...]:
        names = []
        for text in transfer_to:
            name, _, uri = text.partition("=")
            if not _DESTINATION.fullmatch(name):
                raise ValueError(f"{text[:40]!r} has no name (letters, digits and _ . -) before a =")
            try:
                address.agent_uri(uri)
            except address.AddressError as error:
                raise ValueError(f"{name}: {error}") from None
            if name in names:
                raise ValueError(f"{name} is named twice")
            names.append(name)
        return transfer_to

    @field_validator("hosts")
    @classmethod
    def _networks_and_domains(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for text in hosts:
            try:
                is_host = (
                    bool(IPv4Network(text)) if "/" in text or _NUMERIC.fullmatch(text) else _DOMAIN.fullmatch(text)
                )
            except ValueError:
                is_host = None
            if not is_host:
                raise ValueError(f"{text[:40]!r} is neither a network of IPv4 such as 10.0.0.0/8 nor a domain")
        return hosts

    @field_validator("standing_most")
    @classmethod
    def _room_for_standing_legs(cls, most: int, info: ValidationInfo) -> int:
        if info.data.get("connection") is Connection.STANDING and not most:
            raise ValueError("must say how many agents' phones stay on the line on this host")
        return most

    @field_validator("invite_headers")
    @classmethod
    def _headers_of_their_own(cls, headers: tuple[str, ...]) -> tuple[str, ...]:
        for text in headers:
            header = _HEADER.fullmatch(text)
            if not header:
                raise ValueError(f"{text[:40]!r} is no header such as 'Alert-Info: <http://127.0.0.1>'")
            if not (header[1].lower() in _FREE or header[1].lower().startswith("x-")):
                raise ValueError(f"{header[1]} is none that may be set: {', '.join(sorted(_FREE))}, and X- headers are")
        return headers
