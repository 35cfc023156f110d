"""Settings of calls from outside: people who call the number back that they were shown."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from config.model import PhoneKey, Section, WavPath


class InboundSettings(Section):
    """Calls from outside, to numbers that campaigns show."""

    used: bool = False
    """calls from outside are taken; false: they get 480"""
    port: int = Field(default=5070, ge=1024, le=65_535)
    """UDP port on sip.bind_address where trunks, or the edge, send them; nobody else is heard there"""
    max_calls: int = Field(default=20, ge=1, le=1000)
    """most of them at once; whoever calls beyond is told that the line is busy"""
    calls_per_caller: int = Field(default=6, ge=1, le=100)
    """most calls of one number in an hour; further ones are told busy"""
    match_within_days: float = Field(default=30.0, gt=0, le=366)
    """a caller is connected if our last call to that number is not older, in days"""
    longest_wait_s: float = Field(default=120.0, ge=0, le=3600)
    """longest wait for an agent, in seconds; then the message"""
    wait_music: WavPath = ""
    """WAV file (16 bit mono PCM, 8 or 16 kHz) for who waits, absolute path; empty: silence"""
    message: WavPath = Field(default="", validate_default=True)
    """WAV file that says who called, why, and what the keys do: for strangers, and where nobody is free; a campaign may
    have its own (return_message)"""
    opt_out_key: PhoneKey = ""
    """key that takes a caller off the list for good; empty: none does"""
    callback_key: PhoneKey = Field(default="", validate_default=True)
    """key that asks for a call of an agent instead; empty: none does"""
    callback_after_s: float = Field(default=900.0, ge=0, le=86_400)
    """when such a call is due, in seconds after the key"""

    @field_validator("message")
    @classmethod
    def _given_where_used(cls, message: str, info: ValidationInfo) -> str:
        if info.data.get("used") and not message:
            raise ValueError("must be given where inbound.used is true: somebody has to say who called")
        return message

    @field_validator("callback_key")
    @classmethod
    def _another_key(cls, key: str, info: ValidationInfo) -> str:
        if key and key == info.data.get("opt_out_key"):
            raise ValueError("must be another key than opt_out_key")
        return key
