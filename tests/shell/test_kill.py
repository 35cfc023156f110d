"""Daemons that are killed in the middle of talks, alone and beside another one."""

from __future__ import annotations

from collections import Counter

import pytest

from compliance.evidence import read, verify
from dialer.disk.evidence_files import lines, read_head, read_key, segments
from tests.shell.rehearse_kill import ALPHAS, BETAS, NUMBERS, Found
from tests.shell.rig import Rig


def test_each_daemon_serves_its_own_agents(killed: Found) -> None:
    """Two daemons share a campaign: an agent belongs to one, and both dial."""
    assert killed.owners == {**dict.fromkeys(ALPHAS, "alpha"), **dict.fromkeys(BETAS, "beta")}
    assert len(killed.dialled_by["alpha"]) == len(killed.dialled_by["beta"]) == 2


def test_no_process_outlives_its_daemon(killed: Found) -> None:
    """Zygote and SIP workers end with the daemon, however it ends: nobody talks on unseen."""
    assert killed.survivors == {"alpha": [], "beta": []}


def test_what_a_dead_daemon_left_ends_as_unknown_once(killed: Found) -> None:
    """Another daemon settles it, or the next run; each attempt has exactly one disposition."""
    lost = killed.at_the_kill["alpha"] | killed.at_the_kill["beta"]
    ended = Counter(event.id for event in killed.ends)

    assert {event.id for event in killed.ends if event.data["disposition"] == "unknown"} == lost
    assert set(ended.values()) == {1}


def test_nobody_is_called_twice(killed: Found) -> None:
    """Neither by two daemons nor again after a crash."""
    dialled = {number: times for number, times in killed.invites.items() if number in NUMBERS}

    assert set(dialled.values()) == {1}
    assert len(dialled) == len(killed.talks) == len(killed.ends)


def test_agents_log_in_again_at_once(killed: Found) -> None:
    """After the crash of their daemon agents are served by another one, or by the next run."""
    served = Counter(event.data["agent"] for event in killed.talks)

    assert served == dict.fromkeys([*ALPHAS, *BETAS], 2) | dict.fromkeys(ALPHAS, 2)


def test_a_second_sigterm_hangs_up(killed: Found) -> None:
    """Talks of 50 s end at once, by our hand, and are settled: exit code 0."""
    last = [event for event in killed.ends if event.data["disposition"] == "connected"]

    assert killed.exit_codes == [0]
    assert [event.data["ended_by"] for event in last] == ["dialer", "dialer"]
    assert killed.open_at_the_end == 0


@pytest.mark.parametrize("host", ["alpha", "beta"])
def test_what_a_killed_daemon_put_on_record_is_whole(killed: Found, rig: Rig, host: str) -> None:
    """Also where it was cut off; whoever took its calls over has their ends on record as unknown."""
    folders = {name: rig.folder / "kill" / name for name in ("alpha", "beta")}
    place = folders[host] / "evidence"
    found = [one for line in lines(segments(folders["alpha"] / "evidence")) if (one := read(line.raw)) is not None]
    unknown = {one.fields["attempt"] for one in found if one.fields.get("disposition") == "unknown"}

    assert verify(lines(segments(place)), read_head(place, read_key(folders[host] / "evidence.key"))).faults == []
    assert killed.at_the_kill[host] <= unknown
