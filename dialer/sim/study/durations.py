"""How long things take: laws of durations, drawn by quantile so that the same draw fits every law."""

from __future__ import annotations

import math
from enum import StrEnum
from functools import lru_cache
from statistics import NormalDist
from typing import Any, Final

from pydantic import Field, field_validator, model_validator

from config.model import Section

_NORMAL: Final = NormalDist()
LONGEST_S: Final = 86_400.0
_NEEDED: Final = {
    "lognormal": ("mean_s", "cv"),
    "exponential": ("mean_s",),
    "constant": ("mean_s",),
    "uniform": ("low_s", "high_s"),
}


class Law(StrEnum):
    """The form of a distribution."""

    LOGNORMAL = "lognormal"
    EXPONENTIAL = "exponential"
    UNIFORM = "uniform"
    CONSTANT = "constant"


class Duration(Section):
    """A distribution of seconds. Without a law it is lognormal."""

    law: Law = Law.LOGNORMAL
    """lognormal (mean_s, cv), exponential (mean_s), uniform (low_s, high_s) or constant (mean_s)"""
    mean_s: float = Field(default=0.0, gt=0, le=LONGEST_S)
    """mean, in seconds; not for uniform"""
    cv: float = Field(default=1.0, ge=0.01, le=10)
    """standard deviation / mean, no unit; lognormal only"""
    low_s: float = Field(default=0.0, ge=0, le=LONGEST_S)
    """shortest, in seconds; uniform only"""
    high_s: float = Field(default=0.0, gt=0, le=LONGEST_S)
    """longest, in seconds; uniform only"""

    @model_validator(mode="before")
    @classmethod
    def _what_the_law_needs(cls, given: Any) -> Any:
        law = given.get("law", "lognormal") if isinstance(given, dict) else None
        if not isinstance(law, str) or law not in _NEEDED:
            return given
        missing = [name for name in _NEEDED[law] if name not in given and name != "cv"]
        foreign = [name for name in ("mean_s", "cv", "low_s", "high_s") if name in given and name not in _NEEDED[law]]
        if missing:
            raise ValueError(f"law {law} needs {' and '.join(missing)}")
        if foreign:
            raise ValueError(f"law {law} has no {' and no '.join(foreign)}")
        return given

    @field_validator("high_s")
    @classmethod
    def _low_before_high(cls, high_s: float, info: Any) -> float:
        low_s = info.data.get("low_s")
        if low_s is not None and low_s >= high_s:
            raise ValueError(f"must be more than low_s ({low_s:g} s), got {high_s:g}")
        return high_s

    @property
    def average_s(self) -> float:
        """The mean, whatever the law."""
        if self.law is Law.UNIFORM:
            return (self.low_s + self.high_s) / 2
        return self.mean_s

    def __str__(self) -> str:
        """Its form in words, such as `lognormal, mean 120 s, cv 1`."""
        match self.law:
            case Law.LOGNORMAL:
                return f"lognormal, mean {self.mean_s:g} s, cv {self.cv:g}"
            case Law.UNIFORM:
                return f"uniform, {self.low_s:g} to {self.high_s:g} s"
            case Law.EXPONENTIAL | Law.CONSTANT:
                return f"{self.law}, {'mean ' if self.law is Law.EXPONENTIAL else ''}{self.mean_s:g} s"

    def at(self, share: float) -> float:
        """The duration that `share` (0 to 1) of all are shorter than, in seconds."""
        match self.law:
            case Law.LOGNORMAL:
                mu, sigma = _logarithms(self.mean_s, self.cv)
                return math.exp(mu + sigma * _NORMAL.inv_cdf(min(max(share, 1e-12), 1 - 1e-12)))
            case Law.EXPONENTIAL:
                return -math.log1p(-min(share, 1 - 1e-12)) * self.mean_s
            case Law.UNIFORM:
                return self.low_s + share * (self.high_s - self.low_s)
            case Law.CONSTANT:
                return self.mean_s


@lru_cache(maxsize=64)
def _logarithms(mean_s: float, cv: float) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of a lognormal duration."""
    sigma2 = math.log1p(cv * cv)
    return math.log(mean_s) - sigma2 / 2, math.sqrt(sigma2)


def lognormal(mean_s: float, cv: float) -> Duration:
    """A lognormal duration."""
    return Duration(mean_s=mean_s, cv=cv)


def constant(seconds: float) -> Duration:
    """Always the same."""
    return Duration(law=Law.CONSTANT, mean_s=seconds)


def uniform(low_s: float, high_s: float) -> Duration:
    """Equally likely between two limits."""
    return Duration(law=Law.UNIFORM, low_s=low_s, high_s=high_s)
