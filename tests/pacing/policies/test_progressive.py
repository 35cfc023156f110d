"""One call for each ready agent, never more."""

from __future__ import annotations

from hypothesis import given

from dialer.language.decisions import sentence
from pacing.api import Mode, Rule, Settings, Snapshot
from pacing.policies import make, progressive
from tests.pacing.cases import snapshot, snapshots


@given(snapshots())
def test_progressive_never_over_dials(seen: Snapshot) -> None:
    """Calls in flight never exceed ready agents because of it."""
    dial = progressive(seen).dial
    assert dial == 0 or dial + len(seen.ringing_age_s) + len(seen.waiting_age_s) <= seen.ready
    assert make(Settings(mode=Mode.PROGRESSIVE)).step((), seen).dial == dial


def test_the_fallback_can_say_why_it_is_used() -> None:
    """The daemon names the reason and the sentence begins with it."""
    decision = progressive(snapshot(), Settings(), Rule.LATE)
    assert sentence(decision) == "dial 3: the forecast is late, one call for each ready agent; 3 ready, 0 ringing"
