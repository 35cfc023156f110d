"""What a campaign does about answering machines."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from config.model import Section


class MachineAction(StrEnum):
    """What follows the verdict that a machine has answered."""

    OFF = "off"
    TELL = "tell"
    HANG_UP = "hang_up"
    MESSAGE = "message"


class MachineSettings(Section):
    """Who answers is told by ear, or (off) nobody listens. A person is never kept waiting for a verdict, but for
    `wait_s`."""

    action: MachineAction = MachineAction.OFF
    """off: nobody listens; tell: agent and CRM are told who answered; hang_up: and machines are hung up on; message: or
    are left a message after their beep"""
    longest_greeting_s: float = Field(default=2.0, ge=1, le=6)
    """who greets for longer is taken for a machine, in seconds; more: fewer people are, and fewer machines are found"""
    within_s: float = Field(default=4.0, ge=1, le=10)
    """the verdict comes within so many seconds of the answer; who is not known by then is a person"""
    wait_s: float = Field(default=0.0, ge=0, le=10)
    """an answered call is held back from agents until the verdict, so many seconds at most, never longer than
    abandon_after_s; 0: agents get it at once, and the verdict comes while they are on"""
    sampled_share: float = Field(default=0.1, ge=0.01, le=1)
    """share of the calls judged machines that agents have all the same, so that their outcomes tell how many were
    people; a fraction"""
    message: str = Field(default="", max_length=4096)
    """path of the WAV file left after the beep, of action message"""
    beep_wait_s: float = Field(default=30.0, ge=2, le=60)
    """how long the beep is waited for before the call is hung up, of action message, in seconds"""

    @model_validator(mode="after")
    def _message_is_there(self) -> Self:
        if self.action is MachineAction.MESSAGE and not self.message:
            raise ValueError("message is needed: the path of the WAV file that is left after the beep")
        return self

    @property
    def used(self) -> bool:
        """Whether anybody listens."""
        return self.action is not MachineAction.OFF

    @property
    def acts(self) -> bool:
        """Whether calls of machines are ended, or taken from agents."""
        return self.action in {MachineAction.HANG_UP, MachineAction.MESSAGE}
