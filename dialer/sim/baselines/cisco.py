"""Cisco UCCX: lines for each agent, corrected after every hundred live answers.

Described from its documentation: after `predictiveCorrection` live answers the lines move by gain x error to the
abandon limit, within 1..3. The step itself is not published; here it is lines += gain x (limit - rate)/limit, with the
rate of the iteration just over: an iteration without abandoned calls adds one line, one at twice the limit takes one.
Left open as well, and here so: lines start at 1, agents are the ready ones, it looks whenever it is asked, and an
abandoned call counts in the iteration in which it is abandoned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dialer.sim.baselines.limits import decided, idle, placeable, unserved
from pacing.api import CallAbandoned, CallAnswered, Decision, Forgetful, Observation, Snapshot


@dataclass(frozen=True, slots=True)
class CiscoSettings:
    """The campaign's parameters with their defaults. `abandon_limit` is a share of live answers."""

    most_lines: float = 3.0
    abandon_limit: float = 0.03
    correction_answers: int = 100
    gain: float = 1.0

    def __post_init__(self) -> None:
        """Raises ValueError for values outside the documented ranges."""
        if not 1.0 <= self.most_lines <= 3.0:
            raise ValueError(f"most_lines is {self.most_lines:g}, it must be within 1 and 3")
        if not 0.0 < self.abandon_limit <= 1.0:
            raise ValueError(f"abandon_limit is {self.abandon_limit:g}, it must be a share above 0")
        if not 10 <= self.correction_answers <= 1000:
            raise ValueError(f"correction_answers is {self.correction_answers}, it must be within 10 and 1000")
        if not 0.0 <= self.gain <= 1.0:
            raise ValueError(f"gain is {self.gain:g}, it must be within 0 and 1")


def corrected(lines: float, abandoned: int, answered: int, settings: CiscoSettings) -> float:
    """Lines for each agent after an iteration."""
    error = 1.0 - abandoned / answered / settings.abandon_limit
    return max(1.0, min(settings.most_lines, lines + settings.gain * error))


class Cisco(Forgetful):
    """A pacer that corrects its lines for each agent by iterations of live answers."""

    def __init__(self, settings: CiscoSettings) -> None:
        self.settings = settings
        self.lines = 1.0
        self.answered = self.abandoned = 0

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Count; correct at the end of an iteration; fill up to lines x ready."""
        for observation in observations:
            self.answered += isinstance(observation, CallAnswered)
            self.abandoned += isinstance(observation, CallAbandoned)
            if self.answered >= self.settings.correction_answers:
                self.lines = corrected(self.lines, self.abandoned, self.answered, self.settings)
                self.answered = self.abandoned = 0
        if snapshot.agents <= 0:
            return idle(snapshot)
        dial = placeable(math.floor(self.lines * snapshot.ready) - unserved(snapshot), snapshot)
        return decided(dial, f"{snapshot.ready} ready, {self.lines:.2f} lines for each")

    def learnt(self) -> dict[str, float]:
        """The lines for each agent."""
        return {"lines_per_agent": self.lines}
