"""Compiling everything before READY."""

from __future__ import annotations

import os

import numpy as np
import pytest

from pacing import kernels
from pacing.api import CallFailed, Ledger, Settings, TalkEnded
from pacing.learning import forgetting, ringing
from pacing.policies import make
from pacing.warmup import warm_up
from tests.pacing.cases import EXPERIENCED, snapshot

KERNELS = (
    *(kernels.free_by, kernels.answered_by, kernels.hazard_of_answer, kernels.expected_within, kernels.lookup),
    *(
        kernels.dial_exact,
        kernels.dial_normal,
        kernels.decide,
        forgetting.weights_of,
        forgetting.spread,
        ringing.incidence,
    ),
    *(forgetting.weight_of, forgetting.end_life, ringing.end_call, ringing.bin_counts),
)


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled with NUMBA_DISABLE_JIT=1")
def test_nothing_is_left_to_compile_after_the_warm_up() -> None:
    """Real decisions, small and large, use only what the warm-up compiled."""
    warm_up()
    before = [kernel.signatures[:] for kernel in KERNELS]
    assert kernels.decide.signatures != []
    pacer = make(Settings(), EXPERIENCED)
    for ready, busy in ((0, 1), (3, 0), (1, 20), (5, 400)):
        for ages_s in ((10.0,) * busy, np.full(busy, 10.0)):
            seen = snapshot(ready=ready, talking_age_s=ages_s, ringing_age_s=ages_s, ledger=Ledger(1000, 1))
            pacer.step((CallFailed(seen.now, 20.0), TalkEnded(seen.now, 9.0)), seen)
    assert [kernel.signatures for kernel in KERNELS] == before
