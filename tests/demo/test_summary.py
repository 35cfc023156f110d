"""The figures of a demo come from the side that knows them."""

from __future__ import annotations

from random import Random
from unittest.mock import Mock

from dialer.core.board import Board, CampaignRow
from dialer.core.leads.lead_counts import LeadCounts
from dialer.demo.crm import Crm
from dialer.demo.lead_list import Kind, Row
from dialer.demo.summary import sum_up
from dialer.store.operators.status import Counts
from sip.loopback.counts import SideReport

GOOD = Row(Kind.GOOD, "L1", "+8613800000001", b"")
ASLEEP = Row(Kind.ASLEEP, "L2", "+8613800000002", b"")
BAD = Row(Kind.NO_PHONE, "L3", "", b"")


def board(**agent_s: float) -> Board:
    """A board of one campaign with one abandoned call, and agents' time by state."""
    row = CampaignRow(
        name="spring-sale",
        state="running",
        mode="predictive",
        problem="",
        sentence="",
        risk=None,
        max_abandon_rate=0.03,
        leads_held=0,
        due=0,
        waiting=1,
        answered=4,
        abandoned=1,
        attempts=1,
    )
    return Board(
        host="h",
        version="1",
        at=0.0,
        started_at=0.0,
        state="running",
        redis_healthy=True,
        spooled=0,
        lines_used=0,
        lines_total=4,
        workers=1,
        worker_restarts=0,
        pacing_late=0,
        anomalies=0,
        campaigns=(row,),
        agent_s=agent_s,
    )


def test_every_figure_has_its_side() -> None:
    """Utilisation from the boards of the dialling, the ledger from the last one, rejections from the CRM's own rows."""
    desk = Crm(Mock(), "dialer:", "spring-sale", {}, Random(1))
    desk.sent = {"1-0": GOOD, "2-0": ASLEEP, "3-0": BAD}
    desk.heard = {"a-1": "no_answer"}
    counts = Counts(
        standing=LeadCounts(waiting=2, next_due_at=60.0),
        stored=2,
        accepted=2,
        rejected=1,
        deleted=0,
        dispositions={"no_answer": 1},
        closed_by={},
        refused_by={"hours": 1},
        outcomes={},
    )

    summary = sum_up(
        archived={"no_answer": 1},
        rows=(GOOD, ASLEEP, BAD),
        crm=desk,
        rejects={"3-0": ("phone: missing",)},
        requests_left=0,
        counts=counts,
        carrier=SideReport(invites=1, users={"8613800000001": 1}),
        halfway=board(talking=1.0, ready=9.0),
        dialling=board(talking=7.0, wrapup=2.0, ready=11.0),
        last=board(ready=100.0),
    )

    assert summary.balances
    assert (summary.utilisation, summary.late_utilisation) == (0.45, 0.8)
    assert summary.abandon_rate == 0.25
    assert summary.rejections == {"no phone": 1}
    assert summary.refusals == {"hours": 1}
