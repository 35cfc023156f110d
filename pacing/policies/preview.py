"""Preview: the agent sees the lead and asks for the call."""

from __future__ import annotations

from pacing.api import Decision, Forgetful, Observation, Reason, Rule, Snapshot


class Preview(Forgetful):
    """Starts no call by itself."""

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Always 0."""
        return Decision(0, Reason(Rule.PREVIEW))
