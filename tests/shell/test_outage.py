"""Redis hangs and comes back; it goes away, and comes back to the next run of the daemon."""

from __future__ import annotations

from collections import Counter

from tests.shell.rehearse_outage import AGENTS, Found


def test_nobody_is_called_while_redis_is_away(outage: Found) -> None:
    """Whether it hangs or is gone: agents are free, leads are there, and no call starts."""
    assert outage.called_while_away == [0, 0, 0]


def test_ends_wait_on_disk(outage: Found) -> None:
    """Talks go on and end; the metrics say that Redis is away and that events wait."""
    assert outage.redis_up_while_hung == 0.0
    assert outage.spooled_while_hung > 0


def test_dialling_resumes(outage: Found) -> None:
    """When Redis is back the agents are still there and served, although their claims have lapsed meanwhile."""
    assert outage.talks_after_return >= 3
    assert outage.ready_after == set(AGENTS)


def test_a_drain_without_redis_leaves_facts_on_disk(outage: Found) -> None:
    """The exit code says so; the next run delivers them and ends well."""
    assert outage.exit_codes == [5, 0]


def test_every_attempt_has_one_disposition(outage: Found) -> None:
    """Also where the daemon was killed with facts on disk: the next run delivers them before it calls anything unknown,
    and nothing arrives twice."""
    assert outage.spool_files != []
    assert set(Counter(event.id for event in outage.ends).values()) == {1}
    assert outage.kinds["unknown"] == 0
    assert outage.counts.in_attempt == 0
    assert outage.talks == {event.id for event in outage.ends if event.data["disposition"] == "connected"}


def test_every_call_is_accounted_for(outage: Found) -> None:
    """As many INVITEs as the carrier counted have ended, and each of them is in the log."""
    dialled = {event.id for event in outage.ends if event.data["dialled_at"] is not None}

    assert len(dialled) == outage.invites
    assert dialled <= outage.attempts
