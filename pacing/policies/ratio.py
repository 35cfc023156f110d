"""Ratio: a fixed number of lines for each ready agent, for comparison."""

from __future__ import annotations

import math

from pacing.api import Decision, Forgetful, Observation, Rule, Settings, Snapshot
from pacing.governor import covered, govern, limit
from pacing.reasons import simple


class Ratio(Forgetful):
    """A pacer that keeps `ratio` calls in flight for each ready agent, under the governor."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def step(self, observations: tuple[Observation, ...], snapshot: Snapshot) -> Decision:
        """Fill up to ratio x ready, less what is in flight."""
        lines = math.floor(self.settings.ratio * snapshot.ready)
        wanted = lines - len(snapshot.ringing_age_s) - len(snapshot.waiting_age_s)
        most = limit(self.settings, snapshot)
        governed = govern(max(wanted, covered(snapshot)), most, self.settings, snapshot)
        return simple(governed, self.settings, snapshot, Rule.RATIO, ratio=self.settings.ratio)
