"""What goes wrong."""

from __future__ import annotations

from random import Random

import pytest

from pacing.api import Mode
from tests.rehearsal.faults import ENDINGS, draw
from tests.rehearsal.rehearsal import rehearse
from tests.rehearsal.scenario import Fault, FaultKind


def test_faults_are_drawn_by_rate_and_seed(make_scenario):
    """As many as the rate says, the same under the same seed, none that ends the rehearsal."""
    scenario = make_scenario(faults_per_min=4.0, duration_s=600.0)
    faults = draw(scenario, Random(7))
    assert len(faults) == 40
    assert faults == draw(scenario, Random(7)) != draw(scenario, Random(8))
    assert not ENDINGS & {fault.kind for fault in faults}


@pytest.mark.parametrize("kind", list(FaultKind), ids=str)
def test_every_fault_alone_is_survived(make_scenario, kind):
    """Each kind, three times in three minutes, on an otherwise calm floor."""
    faults = tuple(Fault(at_s, kind, 20.0) for at_s in (30.0, 31.0, 90.0))
    rehearse(make_scenario(Mode.RATIO, faults=faults, duration_s=180.0), 3)
