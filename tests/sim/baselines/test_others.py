"""The baselines of a few lines: WombatDialer, Cisco, Sinch."""

from __future__ import annotations

import pytest

from dialer.sim.baselines.cisco import Cisco, CiscoSettings, corrected
from dialer.sim.baselines.sinch import Sinch, SinchSettings
from dialer.sim.baselines.wombat import Wombat, WombatSettings
from pacing.api import CallAbandoned, CallAnswered, Ledger
from tests.pacing.cases import snapshot


def test_wombat_floors_available_times_boost() -> None:
    """Seven agents at a boost of 1.3 are nine attempts, those that ring included."""
    pacer = Wombat(WombatSettings(boost=1.3))
    assert pacer.step((), snapshot(ready=7)).dial == 9
    assert pacer.step((), snapshot(ready=7, ringing_age_s=(1.0,) * 4)).dial == 5


def test_wombat_stops_while_too_many_wait() -> None:
    """Two may wait, three may not."""
    pacer = Wombat(WombatSettings())
    assert pacer.step((), snapshot(waiting_age_s=(1.0,) * 2)).dial == 1
    assert pacer.step((), snapshot(waiting_age_s=(1.0,) * 3)).dial == 0


@pytest.mark.parametrize(
    ("lines", "abandoned", "expected"), [(1.0, 0, 2.0), (2.0, 3, 2.0), (2.5, 0, 3.0), (2.0, 9, 1.0)]
)
def test_cisco_moves_by_gain_times_error_within_bounds(lines: float, abandoned: int, expected: float) -> None:
    """At the limit it stays, without abandoned calls it adds a line, far over it falls to one."""
    assert corrected(lines, abandoned, 100, CiscoSettings()) == pytest.approx(expected)


def test_cisco_corrects_after_a_hundred_live_answers() -> None:
    """Ninety-nine change nothing; the iteration begins anew after the hundredth."""
    pacer = Cisco(CiscoSettings())
    assert pacer.step((CallAnswered(0.0, 9.0),) * 99, snapshot()).dial == 3
    assert pacer.step((CallAnswered(0.0, 9.0),), snapshot()).dial == 6
    assert pacer.step((CallAbandoned(0.0),) * 6 + (CallAnswered(0.0, 9.0),) * 100, snapshot()).dial == 3


def test_sinch_calls_for_a_share_of_the_busy() -> None:
    """The share rises every minute below the limit and falls at it."""
    pacer = Sinch(SinchSettings())
    floor = {"ready": 2, "talking_age_s": (9.0,) * 30, "wrapup_age_s": (1.0,) * 10}
    healthy, met = Ledger(1000, 9), Ledger(1000, 10)
    found = [pacer.step((), snapshot(**floor, now=60.0 * k, ledger=healthy)).dial for k in range(4)]
    assert found == [2, 4, 6, 8]
    found = [pacer.step((), snapshot(**floor, now=60.0 * k, ledger=met)).dial for k in range(4, 7)]
    assert found == [4, 2, 2]


def test_settings_are_checked() -> None:
    """Values outside the documented ranges do not construct."""
    with pytest.raises(ValueError, match="boost"):
        WombatSettings(boost=-1.0)
    with pytest.raises(ValueError, match="most_lines"):
        CiscoSettings(most_lines=3.5)
    with pytest.raises(ValueError, match="correction_answers"):
        CiscoSettings(correction_answers=9)
    with pytest.raises(ValueError, match="gain"):
        CiscoSettings(gain=1.5)
    with pytest.raises(ValueError, match="abandon_limit"):
        CiscoSettings(abandon_limit=0.0)
    with pytest.raises(ValueError, match="abandon_limit"):
        SinchSettings(abandon_limit=0.3)
