"""Leads that are cancelled while a daemon has them: one whose phone rings, the others on lease."""

from __future__ import annotations

import time

from dialer.store.leads import leads
from dialer.store.leads.bulk import changes
from dialer.store.leads.leads import LeadState
from tests.shell.rig import LIMIT_S, Rig, Site


def states(site: Site) -> dict[str, LeadState]:
    return {row.lead_id: row.state for row in leads.page(site.store, "spring")[0]}


def test_a_cancelled_lead_is_not_dialled_and_a_ringing_one_ends(rig: Rig) -> None:
    """The phone rings for the legal minimum, not for longer; no other lead is dialled."""
    with rig.site("taken", quick=rig.quick.carrier_port) as site:
        site.campaign("spring", ring_timeout_s=LIMIT_S + 20)
        site.start()
        site.log_in(rig.quick, ["agent-1"], "spring")
        site.leads("spring", [f"+8613680017{number}99" for number in range(9)])
        site.until(lambda: LeadState.IN_ATTEMPT in states(site).values(), "a phone rings")
        named = sorted(states(site))

        told = changes.change(
            site.store, "spring", named, changes.cancelled("ann@desk"), who="ann@desk", now=time.time()
        )

        assert told.counts()[changes.Done.AT_END] >= 1
        ringing = told.counts()[changes.Done.AT_END]
        site.until(lambda: set(states(site).values()) == {LeadState.CLOSED}, "all are closed")
        assert site.kinds("spring") == {"no_answer": ringing}
        assert {row.why for row in leads.page(site.store, "spring")[0]} == {"cancelled by ann@desk"}
