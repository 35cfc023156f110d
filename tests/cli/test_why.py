"""`dialer why` against a real server."""

from __future__ import annotations

import time

from dialer.cli.base.failures import CliExit
from dialer.core.model import Disposition
from dialer.store.base.connection import Store, trip
from dialer.store.leads import leases
from dialer.store.leads.lead_codec import pack_progress
from dialer.store.operators import campaigns, control
from tests.cli.conftest import Dialer, data
from tests.cli.test_preflight import listed, number


def rows(text: str) -> dict[str, str]:
    """The lines of the table by rule."""
    return {line.split("  ")[0].strip(): line for line in text.splitlines()}


def test_a_lead_that_nothing_is_against(dialer: Dialer, store: Store) -> None:
    """Every rule passes, in a row of its own, and the last line says so."""
    listed(store, 3, 1)

    told = dialer("why", "L2", "--campaign", "spring")

    lines = told.stdout.splitlines()
    assert told.exit_code == 0
    assert lines[-1] == "diallable now"
    assert all(
        "passes" in rows(told.stdout)[rule]
        for rule in ("calling hours", "caps", "no-call list", "time zone", "caller id", "consent")
    )
    assert number(2).clear not in told.stdout
    assert str(number(2)) in lines[0]


def test_a_number_on_the_no_call_list(dialer: Dialer, store: Store) -> None:
    """For good; found by the number as people write it."""
    listed(store, 3, 1)

    told = dialer("why", "138 0000 0000", "--campaign", "spring")
    plain = data(dialer("why", "138 0000 0000", "--campaign", "spring", "--json"))

    assert "lead L0" in told.stdout.splitlines()[0]
    assert "refuses" in rows(told.stdout)["no-call list"]
    assert told.stdout.splitlines()[-1].startswith("never: on the no-call list")
    assert (plain["lead_id"], plain["never"], plain["diallable_at"]) == ("L0", True, None)
    assert [row["rule"] for row in plain["rules"] if row["refused"]] == ["blocklist"]


def test_a_number_that_is_no_lead(dialer: Dialer, store: Store) -> None:
    """It is judged as one that has just come."""
    listed(store, 1, 0)

    told = dialer("why", "+86 139 1234 5678", "--campaign", "spring")

    assert "no lead of this campaign" in told.stdout
    assert told.stdout.splitlines()[-1] == "diallable now"


def test_where_the_lead_is_and_what_is_left_of_its_retries(dialer: Dialer, store: Store) -> None:
    """A lead that waits is diallable from its time on."""
    listed(store, 2, 0)
    now = time.time()
    (taken, _) = leases.lease(store, "spring", "host-a:1", 2, now, 60.0).leads
    again = {"until": now + 8 * 86_400, "why": "busy: called again", "now": now}
    leases.postpone(store, "spring", "host-a:1", [taken.lead_id], **again)
    progress = pack_progress(0, {Disposition.BUSY: 2})
    trip(store, [("HSET", store.keys.progress("spring"), taken.lead_id, progress)])

    lines = dialer("why", taken.lead_id, "--campaign", "spring").stdout.splitlines()

    assert any(line.startswith("place") and "waiting until" in line and "busy: called again" in line for line in lines)
    assert any(line.startswith("tried") and "busy 2 (1 of 3 retries left, 20 min apart)" in line for line in lines)
    assert lines[-1].startswith("diallable from ")
    assert lines[-1].endswith("if nothing changes")


def test_a_closed_lead(dialer: Dialer, store: Store) -> None:
    """Never, and why."""
    listed(store, 1, 0)
    now = time.time()
    leases.lease(store, "spring", "host-a:1", 1, now, 60.0)
    leases.close(store, "spring", "host-a:1", ["L0"], kind="sale", why="sale, says 17", now=now)

    told = dialer("why", "L0", "--campaign", "spring").stdout

    assert told.splitlines()[-1] == "never: the lead is closed: sale, says 17"


def test_what_holds_up_the_whole_campaign(dialer: Dialer, store: Store) -> None:
    """It is stopped and no daemon is alive; who asked is in the audit trail, the number masked."""
    listed(store, 1, 0)

    told = dialer("why", "L0", "--campaign", "spring").stdout

    assert "the campaign is stopped" in told
    assert "no daemon is alive" in told
    line = control.audit_trail(store, 1)[0]
    assert (line.what, line.who, line.detail["number"]) == ("lead_why", "tester@here", str(number(0)))
    assert campaigns.get(store, "spring").changed_by == "test"


def test_neither_a_lead_nor_a_number(dialer: Dialer, store: Store) -> None:
    """As for other things that are not there."""
    listed(store, 1, 0)

    told = dialer("why", "nobody", "--campaign", "spring")

    assert told.exit_code == CliExit.NOT_FOUND
    assert "no phone number" in told.stderr
