"""A daemon under faults of its surroundings: files that hang, campaigns that vanish, a process that is stopped.

The tests share one daemon and run in order; the last one ends it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dialer.core.inputs import CampaignState
from dialer.store.base.connection import trip
from pacing.api import Mode
from sip.loopback.process import Loopback, start_loopback
from tests.shell.rig import Dialer, Rig, Site, people


@dataclass(frozen=True, slots=True)
class Running:
    """The daemon under test."""

    carrier: Loopback
    site: Site
    dialer: Dialer

    def problems(self) -> str:
        """The alarms on its board."""
        board = self.site.board()
        return "" if board is None else "; ".join(board.problems)


@pytest.fixture(scope="module")
def running(rig: Rig) -> Iterator[Running]:
    """One daemon with two agents."""
    profile = people(rig.folder, "patient", ring_s=0.3, talk_s=5.0)
    with (
        start_loopback(profile, max_seconds=900) as carrier,
        rig.site("faults", patient=carrier.carrier_port) as site,
    ):
        pipe = site.folder / "pipe.wav"
        os.mkfifo(pipe)
        site.campaign("piped", mode=Mode.PREDICTIVE, abandon_message=str(pipe))
        site.campaign("spring")
        dialer = site.start()
        site.log_in(carrier, ["agent-1", "agent-2"], "spring")
        yield Running(carrier, site, dialer)


def test_a_pipe_in_the_place_of_a_message_keeps_its_campaign_alone(running: Running) -> None:
    """It says why it does not run; the other one is dialled, and stops when it is told to."""
    site = running.site
    site.until(lambda: "pipe.wav is no regular file" in running.problems(), "the board says so")
    site.leads("spring", [f"+8613680000{number:03}" for number in range(3)])
    site.until(lambda: site.talks("spring"), "a talk begins")

    site.order("spring", CampaignState.PAUSED)

    site.until(lambda: site.board().campaigns[-1].state == "paused", "it is paused")  # type: ignore[union-attr]
    site.order("spring", CampaignState.RUNNING)


def test_a_stopped_process_goes_on_where_it_was(running: Running) -> None:
    """SIGSTOP for a while, as a snapshot of a machine does: no call is lost, no worker replaced, nobody taken over."""
    site, dialer = running.site, running.dialer
    site.until(lambda: len(site.ends("spring")) == 3, "the first calls have ended")
    site.leads("spring", [f"+8613680001{number:03}" for number in range(2)])
    site.until(lambda: len(site.talks("spring")) == 5, "two talks have begun")
    workers = dialer.workers()

    dialer.process.send_signal(signal.SIGSTOP)
    stopped_at = time.monotonic()
    site.until(lambda: time.monotonic() - stopped_at > 4.0, "it stood still")
    dialer.process.send_signal(signal.SIGCONT)

    site.until(lambda: "the process stood still" in dialer.log, "it notices")
    site.until(lambda: len(site.ends("spring")) == 5, "both talks have ended")
    assert set(site.kinds("spring")) == {"connected"}
    assert dialer.workers() == workers


def test_a_campaign_that_vanishes_is_not_dialled_on(running: Running) -> None:
    """Its key is gone: no call of it starts any more, and the alarm says why."""
    site = running.site
    site.leads("spring", [f"+8613680002{number:03}" for number in range(200)])
    site.until(lambda: len(site.ends("spring")) >= 6, "calls go out")

    trip(site.store, [("DEL", site.store.keys.campaign("spring"))])

    site.until(
        lambda: "spring cannot run here: it is not in Redis any more" in running.problems(), "the alarm is there"
    )
    site.until(lambda: running.carrier.report().carrier.active == 0, "calls in progress have ended")
    invites = running.carrier.report().carrier.invites
    seen_at = site.board().at  # type: ignore[union-attr]
    site.until(lambda: site.board().at >= seen_at + 2.0, "two more seconds")  # type: ignore[union-attr]
    assert running.carrier.report().carrier.invites == invites


def test_it_drains_all_the_same(running: Running) -> None:
    """Nothing of that is in the way of SIGTERM."""
    running.dialer.stop()

    assert running.dialer.ended() == 0, running.dialer.log
