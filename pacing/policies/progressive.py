"""Progressive: one call for each ready agent. Also what every other policy falls back to."""

from __future__ import annotations

from pacing.api import Decision, Forgetful, Mode, Observation, Rule, Settings, Snapshot
from pacing.governor import covered, govern, limit
from pacing.reasons import simple


def progressive(
    snapshot: Snapshot, settings: Settings | None = None, rule: Rule = Rule.PROGRESSIVE, **more: float
) -> Decision:
    """One call for each ready agent that no call in flight needs; pure, and fast enough for the event loop.

    The daemon uses it when a step is late. `rule` says why it is asked, `more` are figures for the reason.
    """
    settings = settings or Settings(mode=Mode.PROGRESSIVE)
    governed = govern(covered(snapshot), limit(settings, snapshot), settings, snapshot)
    return simple(governed, settings, snapshot, rule, **more)


class Progressive(Forgetful):
    """A pacer that never has more calls in flight than ready agents."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """One call for each uncovered ready agent."""
        return progressive(snapshot, self.settings)
