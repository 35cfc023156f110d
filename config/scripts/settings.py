"""A script as its TOML file, its campaign's file and Redis have it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

from pydantic import Field, model_validator

from config.model import Section
from config.problems import ConfigError
from config.scripts import flow

MOST_STEPS: Final = 50


class StepSettings(Section):
    """One step: it says something, then goes by a key, takes a message, or simply goes on."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", examples=["ask"])
    """its name, small letters, digits and _; answers go by it"""
    play: str = Field(default="", max_length=4096, examples=["how-satisfied.wav"])
    """path of the WAV file played first (16 bit mono PCM, 8 or 16 kHz); empty: nothing"""
    opt_out: bool = False
    """the callee is never called again by anybody, from before this step on"""
    keys: dict[str, str] = Field(default={}, max_length=12, examples=[{"12345": "thanks", "9": "stop", "*": "again"}])
    """where keys lead, also while it plays: to a step, hang_up, transfer (to an agent) or again (hear this step once
    more); several keys may lead to one"""
    scores: str = Field(default="", pattern=r"^[0-9]*$")
    """those of its keys that are marks, for the mean in reports"""
    wait_s: float = Field(default=5.0, ge=0.5, le=30)
    """how long a key is waited for once it has played, in seconds"""
    repeats: int = Field(default=1, ge=0, le=5)
    """how often it is played again for want of a key that leads somewhere"""
    on_nothing: str = Field(default="", max_length=40)
    """where it goes if no key is pressed, repeats and all; empty: next"""
    on_invalid: str = Field(default="", max_length=40)
    """where it goes if the last key leads nowhere; empty: next"""
    record_s: float = Field(default=0.0, ge=0, le=300)
    """the callee leaves a message of so many seconds at most, ended by any key; 0: none"""
    next: str = Field(default="", max_length=40, examples=["hang_up"])
    """where it goes where nothing else is said: a step, hang_up or transfer"""

    def __hash__(self) -> int:
        return hash((self.name, self.play, self.next, *self.keys.items()))


class ScriptSettings(Section):
    """A script. It begins with its first step; without steps there is none."""

    file: str = Field(default="", max_length=4096)
    """TOML file that title, limit_s and steps are read from when the campaign is created or set, and never later;
    empty: they are given here"""
    title: str = Field(default="", max_length=120)
    """what it is, for people"""
    limit_s: float = Field(default=180.0, ge=5, le=1800)
    """the longest that it may last up to an agent or the end, in seconds"""
    steps: tuple[StepSettings, ...] = Field(default=(), max_length=MOST_STEPS)
    """its steps"""

    @model_validator(mode="after")
    def _flows(self) -> Self:
        if problems := flow.mistakes(self.steps):
            raise ConfigError(problems)
        return self

    @property
    def used(self) -> bool:
        """Whether there is one."""
        return bool(self.steps)

    @property
    def transfers(self) -> bool:
        """Whether it may ask for an agent."""
        return flow.TRANSFER in {target for step in self.steps for _, target in flow.ways(step)}

    @property
    def records(self) -> bool:
        """Whether it takes messages."""
        return any(step.record_s for step in self.steps)

    @property
    def plays(self) -> tuple[str, ...]:
        """The WAV files that it needs, each once."""
        return tuple(dict.fromkeys(step.play for step in self.steps if step.play))

    def step(self, name: str) -> StepSettings:
        """The step of a name."""
        return next(step for step in self.steps if step.name == name)


class AutomatedCalls(StrEnum):
    """Whether people may be called who hear a script in place of an agent (mode script)."""

    FORBIDDEN = "forbidden"
    CONSENT = "consent"  # those who agreed to be called
    FREE = "free"


class SurveyStarts(StrEnum):
    """When the survey after a talk begins."""

    ALWAYS = "always"
    ASKED = "asked"


class SurveySettings(ScriptSettings):
    """What the callee is asked after a talk: the agent leaves, the callee stays on the line."""

    starts: SurveyStarts = SurveyStarts.ALWAYS
    """always: whenever the agent's side ends the talk; asked: only when the agent says `survey`"""

    @property
    def always(self) -> bool:
        """Whether it begins whenever the agent's side ends the talk."""
        return self.used and self.starts is SurveyStarts.ALWAYS

    @model_validator(mode="after")
    def _ends_by_itself(self) -> Self:
        if self.transfers:
            raise ConfigError([flow.no_transfer(self.steps)])
        return self
