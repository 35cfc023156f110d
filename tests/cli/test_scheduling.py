"""Long commands beside a floor."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import pytest

from dialer.cli.base.scheduling import standing_back


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has these classes of processes")
def test_a_command_stands_back_for_as_long_as_it_takes() -> None:
    """Also where it fails; afterwards it is as it was."""
    before, within = os.sched_getscheduler(0), -1

    with suppress(KeyError), standing_back():
        within = os.sched_getscheduler(0)
        raise KeyError

    assert (within, os.sched_getscheduler(0)) == (os.SCHED_BATCH, before)
