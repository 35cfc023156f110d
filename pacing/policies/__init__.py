"""The pacing policies, and which one serves a campaign."""

from __future__ import annotations

from pacing.api import Memory, Mode, Pacer, Settings
from pacing.policies.predictive import Predictive
from pacing.policies.preview import Preview
from pacing.policies.progressive import Progressive, progressive
from pacing.policies.ratio import Ratio
from pacing.policies.script import Script

__all__ = ["Predictive", "Preview", "Progressive", "Ratio", "Script", "make", "progressive"]


def make(settings: Settings, memory: Memory | None = None) -> Pacer:
    """The pacer for these settings.

    `memory` is what an earlier pacer of the same campaign gave by `memory()`; with it a restart need not begin from the
    priors. What cannot be read in it is ignored.
    """
    if settings.mode is Mode.PREVIEW:
        return Preview()
    if settings.mode is Mode.PROGRESSIVE:
        return Progressive(settings)
    if settings.mode is Mode.RATIO:
        return Ratio(settings)
    if settings.mode is Mode.SCRIPT:
        return Script(settings, memory)
    return Predictive(settings, memory)
