"""Daemons that drain, are killed, lose Redis and lose their workers: what was found when it had happened.

The four happen beside each other, and take as long as the slowest; that is why their tests are in one file.
"""

from __future__ import annotations

from collections import Counter

import pytest

from compliance.evidence import read, verify
from dialer.disk.evidence_files import lines, read_head, read_key, segments
from pacing.api import Mode, Rule
from tests.shell import rehearse_deaths, rehearse_drain, rehearse_kill, rehearse_outage
from tests.shell.rehearse_kill import ALPHAS, BETAS, NUMBERS
from tests.shell.rehearse_outage import AGENTS
from tests.shell.rig import Rig

# --- SIP workers that die faster than they can be replaced -----------------------------------------------------------


def test_a_daemon_whose_workers_keep_dying_drains_and_says_so(deaths: rehearse_deaths.Found) -> None:
    """Exit code 4, so that it is started again; systemd was told that the end had begun."""
    assert deaths.exit_code == 4
    assert "STOPPING=1" in deaths.told
    assert "SIP workers keep dying" in deaths.log
    assert "Traceback" not in deaths.log


def test_its_calls_are_settled(deaths: rehearse_deaths.Found) -> None:
    """What died with a worker is said as such; nothing is left open or on lease."""
    assert deaths.kinds["worker_lost"] >= 2
    assert set(deaths.kinds) <= {"worker_lost", "not_sent"}
    assert deaths.kinds == deaths.counts.dispositions
    assert (deaths.counts.in_attempt, deaths.counts.leased) == (0, 0)


# --- an orderly end: ringing calls ring for their legal minimum, talks come to their end -----------------------------


def test_a_drained_daemon_ends_well(drained: rehearse_drain.Found) -> None:
    """Exit code 0, and systemd was told first that the end has begun."""
    assert drained.exit_code == 0
    assert "STOPPING=1" in drained.told


def test_a_talk_comes_to_its_end(drained: rehearse_drain.Found) -> None:
    """Neither the talk in progress nor the one that began in the drain is cut off."""
    assert drained.kinds["connected"] == 2
    for lead in ("spring-0", "spring-2"):
        assert drained.ends[lead].data["ended_by"] == "callee"


def test_a_phone_rings_for_its_legal_minimum(drained: rehearse_drain.Found) -> None:
    """A call that nobody answers rings for 15 s, and in a drain no longer than it must."""
    ring_s = drained.ends["spring-1"].data["ring_s"]

    assert drained.ends["spring-1"].data["disposition"] == "no_answer"
    assert 15.0 <= ring_s < 20.0


def test_a_drain_starts_no_call(drained: rehearse_drain.Found) -> None:
    """Leads that were handed in last are not dialled."""
    assert sorted(drained.invites.values()) == [1, 1, 1]


def test_nothing_is_left_behind(drained: rehearse_drain.Found) -> None:
    """No attempt is open and no lead on lease; who waits is due for the next run."""
    assert drained.counts.in_attempt == 0
    assert drained.counts.leased == 0
    assert drained.counts.queued + drained.counts.due == 5


def test_agents_hear_that_the_dialer_has_stopped(drained: rehearse_drain.Found) -> None:
    """A desktop must not show a ready agent whom nobody calls."""
    assert drained.last_states == dict.fromkeys(["agent-1", "agent-2", "agent-3"], "offline")
    assert drained.present == set()


def test_what_was_learnt_is_kept(drained: rehearse_drain.Found) -> None:
    """The next run goes on from it."""
    (record,) = drained.learnt

    assert record.host == "one"
    assert record.decision.reason.rule is not Rule.NONE
    assert record.settings.mode is Mode.PROGRESSIVE


# --- daemons that are killed in the middle of talks, alone and beside another one ------------------------------------


def test_each_daemon_serves_its_own_agents(killed: rehearse_kill.Found) -> None:
    """Two daemons share a campaign: an agent belongs to one, and both dial."""
    assert killed.owners == {**dict.fromkeys(ALPHAS, "alpha"), **dict.fromkeys(BETAS, "beta")}
    assert len(killed.dialled_by["alpha"]) == len(killed.dialled_by["beta"]) == 2


def test_no_process_outlives_its_daemon(killed: rehearse_kill.Found) -> None:
    """Zygote and SIP workers end with the daemon, however it ends: nobody talks on unseen."""
    assert killed.survivors == {"alpha": [], "beta": []}


def test_what_a_dead_daemon_left_ends_as_unknown_once(killed: rehearse_kill.Found) -> None:
    """Another daemon settles it, or the next run; each attempt has exactly one disposition."""
    lost = killed.at_the_kill["alpha"] | killed.at_the_kill["beta"]
    ended = Counter(event.id for event in killed.ends)

    assert {event.id for event in killed.ends if event.data["disposition"] == "unknown"} == lost
    assert set(ended.values()) == {1}


def test_nobody_is_called_twice(killed: rehearse_kill.Found) -> None:
    """Neither by two daemons nor again after a crash."""
    dialled = {number: times for number, times in killed.invites.items() if number in NUMBERS}

    assert set(dialled.values()) == {1}
    assert len(dialled) == len(killed.talks) == len(killed.ends)


def test_agents_log_in_again_at_once(killed: rehearse_kill.Found) -> None:
    """After the crash of their daemon agents are served by another one, or by the next run."""
    served = Counter(event.data["agent"] for event in killed.talks)

    assert served == dict.fromkeys([*ALPHAS, *BETAS], 2) | dict.fromkeys(ALPHAS, 2)


def test_a_second_sigterm_hangs_up(killed: rehearse_kill.Found) -> None:
    """Talks of 50 s end at once, by our hand, and are settled: exit code 0."""
    last = [event for event in killed.ends if event.data["disposition"] == "connected"]

    assert killed.exit_codes == [0]
    assert [event.data["ended_by"] for event in last] == ["dialer", "dialer"]
    assert killed.open_at_the_end == 0


@pytest.mark.parametrize("host", ["alpha", "beta"])
def test_what_a_killed_daemon_put_on_record_is_whole(killed: rehearse_kill.Found, rig: Rig, host: str) -> None:
    """Also where it was cut off; whoever took its calls over has their ends on record as unknown."""
    folders = {name: rig.folder / "kill" / name for name in ("alpha", "beta")}
    place = folders[host] / "evidence"
    found = [one for line in lines(segments(folders["alpha"] / "evidence")) if (one := read(line.raw)) is not None]
    unknown = {one.fields["attempt"] for one in found if one.fields.get("disposition") == "unknown"}

    assert verify(lines(segments(place)), read_head(place, read_key(folders[host] / "evidence.key"))).faults == []
    assert killed.at_the_kill[host] <= unknown


# --- Redis hangs and comes back; it goes away, and comes back to the next run ----------------------------------------


def test_nobody_is_called_while_redis_is_away(outage: rehearse_outage.Found) -> None:
    """Whether it hangs or is gone: agents are free, leads are there, and no call starts."""
    assert outage.called_while_away == [0, 0, 0]


def test_ends_wait_on_disk(outage: rehearse_outage.Found) -> None:
    """Talks go on and end; the metrics say that Redis is away and that events wait."""
    assert outage.redis_up_while_hung == 0.0
    assert outage.spooled_while_hung > 0


def test_dialling_resumes(outage: rehearse_outage.Found) -> None:
    """When Redis is back the agents are still there and served, although their claims have lapsed meanwhile."""
    assert outage.talks_after_return >= 3
    assert outage.ready_after == set(AGENTS)


def test_a_drain_without_redis_leaves_facts_on_disk(outage: rehearse_outage.Found) -> None:
    """The exit code says so; the next run delivers them and ends well."""
    assert outage.exit_codes == [5, 0]


def test_every_attempt_has_one_disposition(outage: rehearse_outage.Found) -> None:
    """Also where the daemon was killed with facts on disk: the next run delivers them before it calls anything unknown,
    and nothing arrives twice."""
    assert outage.spool_files != []
    assert set(Counter(event.id for event in outage.ends).values()) == {1}
    assert outage.kinds["unknown"] == 0
    assert outage.counts.in_attempt == 0
    assert outage.talks == {event.id for event in outage.ends if event.data["disposition"] == "connected"}


def test_every_call_is_accounted_for(outage: rehearse_outage.Found) -> None:
    """As many INVITEs as the carrier counted have ended, and each of them is in the log."""
    dialled = {event.id for event in outage.ends if event.data["dialled_at"] is not None}

    assert len(dialled) == outage.invites
    assert dialled <= outage.attempts
