"""A campaign's settings once its policies are added: what holds, and from which policy each row is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import Field, model_validator

from compliance.api import Per
from compliance.calling_hours.hours import HoursRule
from compliance.cap_windows import DAY_S
from compliance.caps import Cap, ids_needed
from compliance.policy import Policy
from config.abandonment import AbandonWindow
from config.campaign import CampaignSettings
from config.model import Section
from config.rules import CapSettings, HoursSettings, Origin, rules_of
from config.scripts.settings import AutomatedCalls
from pacing.api import Mode, Settings


class AppliedHours(HoursSettings, Origin):
    """One window of calling hours that holds."""


class AppliedCap(CapSettings, Origin):
    """One frequency cap that holds."""


class AppliedWindow(AbandonWindow, Origin):
    """One counting window that holds, with its cap."""


class PolicyVersion(Section):
    """Which text of a policy was applied."""

    name: str
    """name of the policy"""
    version: str
    """its version: a digest of all that it says"""


class AppliedSettings(CampaignSettings):
    """What holds for a campaign. `config.policies.applied` makes it; nothing is left to be looked up."""

    hours: tuple[AppliedHours, ...] = Field(min_length=1)
    """when people may be called: all hold, also where two policies differ about holidays"""
    caps: tuple[AppliedCap, ...]
    """how often people may be called: all hold"""
    abandon_windows: tuple[AppliedWindow, ...] = Field(min_length=1)
    """over which windows abandoned calls are counted and capped: all hold"""
    max_abandon_rate: float = Field(gt=0, le=0.5)
    """cap on abandoned calls, as a fraction"""
    policy_versions: tuple[PolicyVersion, ...] = ()
    """the policies, as they were applied"""
    recording_announced: bool = False
    """whoever is recorded is told so"""
    automated_calls: AutomatedCalls = AutomatedCalls.CONSENT
    """whether mode script may be used: forbidden, consent or free"""
    evidence_days: int = 0
    """evidence is kept at least this long, in days; 0: nobody says"""

    @model_validator(mode="after")
    def _nothing_is_left_open(self) -> Self:
        if not all((self.abandonment.denominator, self.abandonment.hang_ups, self.abandonment.machines)):
            raise ValueError("abandonment: nothing may be left to the policies here")
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with changes. What follows from the settings is worked out anew."""
        copied = super().model_copy(update=update, deep=deep)
        for name in ("version", "_policy"):
            copied.__dict__.pop(name, None)
        return copied

    @cached_property
    def version(self) -> str:
        """Names the settings in force: the first 16 hexadecimal digits of the SHA-256 of them all."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def policy(self) -> Policy:
        """The compliance rules of this campaign. Their order says nothing."""
        return self._policy

    @property
    def needs_agents(self) -> bool:
        """Whether a call may come to need an agent."""
        return self.mode is not Mode.SCRIPT or self.script.transfers

    def ids_needed(self) -> frozenset[Per]:
        """Whom each lead must name, because a cap counts per them; a lead without that id is rejected."""
        return ids_needed(self._policy.caps, agent_held=self.mode is Mode.PREVIEW)

    @cached_property
    def _policy(self) -> Policy:
        origins = dict.fromkeys(row.policy for row in self.hours)
        hours = {
            rule: None for origin in origins for rule in rules_of(row for row in self.hours if row.policy == origin)
        }
        return Policy(
            name=" + ".join(sorted(self.policies)) or f"campaign {self.name}",
            hours=tuple(sorted(hours, key=_in_order)),
            caps=tuple(sorted({row.cap() for row in self.caps}, key=_in_order)),
            version=self.version,
            believe_stated_zone=self.believe_stated_zone,
            registers=self.registers,
            consent_required=self.consent_required,
            consent_max_age_s=self.consent_max_age_days * DAY_S or None,
            destinations=self.destinations(),
            retention_s=self.retention_days * DAY_S or None,
        )

    def pacing(self) -> Settings:
        """What the campaign's pacer is told."""
        return Settings(
            mode=self.mode,
            max_abandon_rate=self.abandon_windows[0].cap(self.max_abandon_rate),
            guarantee=self.guarantee,
            abandon_after_s=self.abandon_after_s,
            ring_timeout_s=self.ring_timeout_s,
            ratio=self.ratio,
            max_calls_per_agent=self.max_calls_per_agent,
            transfers=self.mode is Mode.SCRIPT and self.script.transfers,
        )


def _in_order(rule: HoursRule | Cap) -> str:
    if isinstance(rule, Cap):
        return repr(rule)
    windows = [(sorted(window.days), window.opens, window.closes) for window in rule.hours.windows]
    return repr((rule.region, windows, rule.closed_on_holidays))
