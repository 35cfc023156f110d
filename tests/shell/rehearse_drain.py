"""Scenario: SIGTERM while one call talks, one is about to be answered and one rings in vain."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from dialer.store.operators import pacer_memory as learnt
from dialer.store.operators.pacer_memory import Learnt
from dialer.store.operators.status import Counts
from sip.loopback.process import start_loopback
from tests.shell.rig import Heard, Rig, people

TALKING, ANSWERING, RINGING = "+8613810000001", "+8613810000002", "+8613810000099"
LATER = [f"+86138100001{i:02}" for i in range(5)]


@dataclass(frozen=True, slots=True)
class Found:
    """`ends` by number; `invites` by number as the carrier counted them."""

    exit_code: int
    told: list[str]
    kinds: Counter[str]
    ends: dict[str, Heard]
    invites: dict[str, int]
    counts: Counts
    present: set[str]
    last_states: dict[str, str]
    learnt: tuple[Learnt, ...]


def run(rig: Rig) -> Found:
    """Drain a daemon with calls in every state."""
    profile = people(rig.folder, "unhurried", ring_s=2.5, talk_s=4.0)
    with (
        start_loopback(profile, max_seconds=200) as carrier,
        rig.site("drain", unhurried=carrier.carrier_port) as site,
    ):
        dialer = site.start()
        site.campaign("spring")
        site.log_in(carrier, ["agent-1", "agent-2", "agent-3"], "spring")
        site.leads("spring", [TALKING])
        site.until(lambda: site.talks("spring"), "the first talk begins")
        site.leads("spring", [RINGING, ANSWERING])
        site.until(lambda: carrier.report().carrier.invites == 3, "all three are called")
        site.leads("spring", LATER)
        dialer.stop()
        exit_code = dialer.ended()
        states = {event.data["agent"]: event.data["state"] for event in site.events("agent_state")}
        return Found(
            exit_code=exit_code,
            told=dialer.hear(),
            kinds=site.kinds("spring"),
            ends={event.data["lead_id"]: event for event in site.ends("spring")},
            invites=dict(carrier.report().carrier.users),
            counts=site.counts("spring"),
            present=site.agents_in("ready") | site.agents_in("paused") | site.agents_in("wrapup"),
            last_states=states,
            learnt=learnt.read(site.store, ["spring"], time.time()).records,
        )
