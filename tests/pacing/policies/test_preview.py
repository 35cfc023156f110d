"""Preview starts nothing by itself."""

from __future__ import annotations

from pacing.api import Mode, Settings
from pacing.policies import make
from tests.pacing.cases import snapshot


def test_preview_never_dials() -> None:
    """Agents ask for their calls."""
    pacer = make(Settings(mode=Mode.PREVIEW))
    assert pacer.step((), snapshot()).dial == 0
    assert pacer.learnt() == {}
