"""Which of the ready agents has an answered call: the campaign's table `agent_choice`, and skills as texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from compliance.numbers import holds_number
from config.model import Section

MOST_SKILLS: Final = 16
LONGEST_SKILL: Final = 32
HIGHEST_LEVEL: Final = 9
_SKILL: Final = re.compile(rf"([^\W_][\w-]{{0,{LONGEST_SKILL - 1}}})(?::([1-{HIGHEST_LEVEL}]))?")

Skills = Mapping[str, int]
"""Skills by name, with the level of each, 1 to 9."""


def skills_of(texts: Iterable[str]) -> dict[str, int]:
    """Skills as people write them, NAME or NAME:LEVEL; without a level it is 1. Raises `ValueError` for what is none,
    for a skill that is named twice, and for more than 16."""
    skills: dict[str, int] = {}
    for text in texts:
        fits = _SKILL.fullmatch(text)
        if fits is None or holds_number(text):
            raise ValueError(
                f"a skill is a name of letters, digits, - and _ (at most {LONGEST_SKILL}, and no phone number), then "
                f":LEVEL from 1 to {HIGHEST_LEVEL} if need be, such as mandarin:2"
            )
        name, level = fits.group(1), int(fits.group(2) or 1)
        if name in skills:
            raise ValueError(f"skill {name} is there more than once")
        skills[name] = level
    if len(skills) > MOST_SKILLS:
        raise ValueError(f"{len(skills)} skills; at most {MOST_SKILLS}")
    return skills


def texts_of(skills: Skills) -> tuple[str, ...]:
    """The way back, by name."""
    return tuple(f"{name}:{level}" for name, level in sorted(skills.items()))


def missing(needed: Skills, has: Skills) -> dict[str, int]:
    """The skills that somebody lacks, or does not have at the level that is needed."""
    return {name: level for name, level in needed.items() if has.get(name, 0) < level}


class AgentOrder(StrEnum):
    """Who comes first among agents who suit a call alike."""

    LONGEST_IDLE = "longest_idle"
    LEAST_OCCUPIED = "least_occupied"
    ROUND_ROBIN = "round_robin"


def _readable(texts: tuple[str, ...]) -> tuple[str, ...]:
    skills_of(texts)
    return texts


class AgentChoiceSettings(Section):
    """Which of the ready agents has an answered call. Nobody who has answered waits for a better agent."""

    order: AgentOrder = AgentOrder.LONGEST_IDLE
    """who comes first of those who suit a call alike: longest_idle, least_occupied (the least of the time since login
    on calls and in wrap-up, pauses apart) or round_robin (who had a call longest ago)"""
    last_agent: bool = True
    """the agent who talked with the lead last has its next call, if ready at that moment"""
    vip_priority: int = Field(default=9, ge=1, le=10)
    """leads of at least this priority are served before others who wait for an agent; 10: nobody is"""
    skills: Annotated[tuple[str, ...], AfterValidator(_readable)] = ()
    """skills that every agent of the campaign must have, NAME or NAME:LEVEL (1 to 9), as the login states them; others
    are not counted on and get no call of it"""

    @cached_property
    def needed(self) -> Skills:
        """The skills of the campaign, read."""
        return skills_of(self.skills)
