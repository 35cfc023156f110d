"""A policy as its TOML file has it: rules, and for each of them where it comes from and since when."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from config.abandonment import AbandonmentSettings, AbandonWindow, each_once
from config.campaign import RetryTable
from config.model import Section
from config.rules import CapSettings, Dated, HoursSettings, RuleRegion, each_cap_once, of_one_mind
from config.scripts.settings import AutomatedCalls


class PolicyHours(HoursSettings, Dated):
    """One window of calling hours."""


class PolicyCap(CapSettings, Dated):
    """One frequency cap."""


class PolicyWindow(AbandonWindow, Dated):
    """One counting window of abandoned calls."""

    @field_validator("start")
    @classmethod
    def _no_start(cls, start: str) -> str:
        if start:
            raise ValueError("belongs to a campaign: a policy does not know when it begins")
        return start


class PolicyAbandonment(AbandonmentSettings, Dated):
    """Which calls the abandon rate counts."""


class PolicyRetry(Dated):
    """Rows of the retry table, for campaigns that have no other ones of their own."""

    rows: RetryTable
    """what follows an attempt, by its disposition"""


class Seconds(Dated):
    """A limit in seconds."""

    value: float = Field(gt=0, le=3600)
    """seconds"""


class Days(Dated):
    """A limit in days."""

    value: int = Field(ge=1, le=36_525)
    """days"""


class Flag(Dated):
    """Yes or no."""

    value: bool
    """true or false"""


class PolicyAutomatedCalls(Dated):
    """Whether mode script may be used."""

    value: AutomatedCalls
    """forbidden, consent (only people who agreed) or free"""


class PolicySettings(Section):
    """One policy. It has only what its source says: where a law has no number there is none here either."""

    title: str = Field(min_length=3, max_length=120)
    """what it is, in a few words"""
    country: RuleRegion = ""
    """country, ISO 3166; empty: of no country"""
    jurisdiction: str = Field(min_length=3, max_length=200)
    """whose rules these are"""
    not_legal_advice: str = Field(min_length=10, max_length=2000)
    """a note that this is not legal advice, and what is not covered"""
    consent_required: Flag | None = None
    """only people who agreed to be called"""
    consent_max_age_days: Days | None = None
    """a consent counts for so long"""
    believe_stated_zone: Flag | None = None
    """the zone that the CRM states takes the place of those of the number"""
    same_caller_id_on_retry: Flag | None = None
    """a number is shown the same caller id again that it was shown first"""
    retention_days: Days | None = None
    """leads are deleted this long after they came"""
    recording_announced: Flag | None = None
    """whoever is recorded is told so: campaigns that record need an announcement"""
    automated_calls: PolicyAutomatedCalls | None = None
    """whether callees may hear a script in place of an agent (mode script)"""
    evidence_days: Days | None = None
    """evidence is kept at least this long"""
    min_ring_timeout_s: Seconds | None = None
    """a call rings at least this long"""
    max_abandon_after_s: Seconds | None = None
    """a call without an agent for this long is abandoned, at the latest"""
    abandonment: PolicyAbandonment | None = None
    """which calls the abandon rate counts"""
    retry: PolicyRetry | None = None
    """what follows an attempt, where the campaign leaves a row at its default"""
    hours: Annotated[tuple[PolicyHours, ...], AfterValidator(of_one_mind)] = Field(default=(), max_length=200)
    """when people may be called"""
    caps: Annotated[tuple[PolicyCap, ...], AfterValidator(each_cap_once)] = Field(default=(), max_length=32)
    """how often people may be called"""
    abandon_windows: Annotated[tuple[PolicyWindow, ...], AfterValidator(each_once)] = Field(default=(), max_length=6)
    """over which windows abandoned calls are counted and capped"""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not any((self.hours, self.caps, self.abandon_windows, *(getattr(self, name) for name in SCALARS))):
            raise ValueError("has no rule at all")
        return self

    @property
    def version(self) -> str:
        """Names what it says: the first 12 hexadecimal digits of the SHA-256 of all of it."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


SCALARS = (
    "consent_required",
    "consent_max_age_days",
    "believe_stated_zone",
    "same_caller_id_on_retry",
    "retention_days",
    "recording_announced",
    "automated_calls",
    "evidence_days",
    "min_ring_timeout_s",
    "max_abandon_after_s",
    "abandonment",
)
"""The rules of a policy that are single values."""
