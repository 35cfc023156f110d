"""An orderly end: SIGTERM lets ringing calls ring for their legal minimum and talks come to their end."""

from __future__ import annotations

from pacing.api import Mode, Rule
from tests.shell.rehearse_drain import Found


def test_a_drained_daemon_ends_well(drained: Found) -> None:
    """Exit code 0, and systemd was told first that the end has begun."""
    assert drained.exit_code == 0
    assert "STOPPING=1" in drained.told


def test_a_talk_comes_to_its_end(drained: Found) -> None:
    """Neither the talk in progress nor the one that began in the drain is cut off."""
    assert drained.kinds["connected"] == 2
    for lead in ("spring-0", "spring-2"):
        assert drained.ends[lead].data["ended_by"] == "callee"


def test_a_phone_rings_for_its_legal_minimum(drained: Found) -> None:
    """A call that nobody answers rings for 15 s, and in a drain no longer than it must."""
    ring_s = drained.ends["spring-1"].data["ring_s"]

    assert drained.ends["spring-1"].data["disposition"] == "no_answer"
    assert 15.0 <= ring_s < 20.0


def test_a_drain_starts_no_call(drained: Found) -> None:
    """Leads that were handed in last are not dialled."""
    assert sorted(drained.invites.values()) == [1, 1, 1]


def test_nothing_is_left_behind(drained: Found) -> None:
    """No attempt is open and no lead on lease; who waits is due for the next run."""
    assert drained.counts.in_attempt == 0
    assert drained.counts.leased == 0
    assert drained.counts.queued + drained.counts.due == 5


def test_agents_hear_that_the_dialer_has_stopped(drained: Found) -> None:
    """A desktop must not show a ready agent whom nobody calls."""
    assert drained.last_states == dict.fromkeys(["agent-1", "agent-2", "agent-3"], "offline")
    assert drained.present == set()


def test_what_was_learnt_is_kept(drained: Found) -> None:
    """The next run goes on from it."""
    (record,) = drained.learnt

    assert record.host == "one"
    assert record.decision.reason.rule is not Rule.NONE
    assert record.settings.mode is Mode.PROGRESSIVE
