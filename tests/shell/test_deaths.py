"""SIP workers that die faster than they can be replaced."""

from __future__ import annotations

from tests.shell.rehearse_deaths import Found


def test_a_daemon_whose_workers_keep_dying_drains_and_says_so(deaths: Found) -> None:
    """Exit code 4, so that it is started again; systemd was told that the end had begun."""
    assert deaths.exit_code == 4
    assert "STOPPING=1" in deaths.told
    assert "SIP workers keep dying" in deaths.log
    assert "Traceback" not in deaths.log


def test_its_calls_are_settled(deaths: Found) -> None:
    """What died with a worker is said as such; nothing is left open or on lease."""
    assert deaths.kinds["worker_lost"] >= 2
    assert set(deaths.kinds) <= {"worker_lost", "not_sent"}
    assert deaths.kinds == deaths.counts.dispositions
    assert (deaths.counts.in_attempt, deaths.counts.leased) == (0, 0)
