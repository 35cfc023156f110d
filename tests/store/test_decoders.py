"""Every decoder of the store and of this host's files is total: whatever it is given becomes a value or a reason."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.store.base.fields import Undecodable
from dialer.store.base.streams import Entry
from dialer.store.crm.requests import BadRequest, parse_request
from dialer.store.leads.lead_codec import Rejection, parse
from dialer.store.operators import agents, control
from tests.store import hostile
from tests.store.conftest import NOW

PHONE = "+8613800001234"
LEAD = {
    "lead_id": "L1",
    "phone": PHONE,
    "name": "Wang",
    "timezone": "Asia/Shanghai",
    "priority": 7,
    "not_before": NOW,
    "expires_at": NOW + 60,
    "customer_id": "C1",
    "account_id": "A1",
    "region": "CN",
    "consent_at": NOW,
    "consent_until": NOW + 60,
    "consent_source": "form",
    "attrs": {"x": 1},
}
EVENT = {"type": "login", "agent": "17", "uri": "sip:17@x", "campaigns": ["spring"], "team": "a", "shift_ends_at": NOW}
OUTCOME = {
    "type": "outcome",
    "campaign": "spring",
    "attempt_id": "A0",
    "outcome": "callback",
    "callback_at": NOW,
    "agent": "17",
    "note": "x",
    "opt_out": True,
    "opt_out_scope": "customer",
}
BLOCK = {"type": "block", "number": PHONE, "who": "x", "until": NOW, "campaign": "spring", "source": "a", "reason": "b"}
COMMAND = {"name": "drain", "args": {"host": "a"}, "who": "x", "at": NOW}

LONGEST_REASON = 600


def said(reasons: tuple[str, ...]) -> None:
    """A reason is text that can be written down, and there is one."""
    assert reasons
    assert all(reason.encode() and len(reason) <= LONGEST_REASON for reason in reasons)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_lead_is_taken_or_refused(data: st.DataObject) -> None:
    """Whatever stands in a campaign's stream."""
    read = parse(data.draw(hostile.entries("lead", LEAD)), campaign="spring", default_region="CN", now=NOW)

    if isinstance(read, Rejection):
        said(read.reasons)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_an_agents_word_is_heard_or_refused(data: st.DataObject) -> None:
    """Whatever stands in the agents' stream."""
    heard = agents.parse(Entry("1-0", data.draw(hostile.entries("event", EVENT))))

    if isinstance(heard, agents.Malformed):
        said(heard.reasons)


@given(st.data(), st.sampled_from([OUTCOME, BLOCK, {**BLOCK, "type": "unblock"}]))
@settings(max_examples=600, deadline=None)
def test_the_crms_request_is_read_or_refused(data: st.DataObject, good: dict[str, Any]) -> None:
    """Whatever stands in the CRM's stream."""
    asked = parse_request(data.draw(hostile.entries("request", good)), "CN", {"spring": "CN"})

    if isinstance(asked, BadRequest):
        said(asked.reasons)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_command_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever stands in the control stream."""
    try:
        control.parse(Entry("1-0", data.draw(hostile.entries("command", COMMAND))))
    except Undecodable as refusal:
        said((str(refusal),))


@pytest.mark.parametrize("digits", [309, 4000])
@pytest.mark.parametrize("name", ["not_before", "expires_at", "consent_at"])
def test_a_time_of_hundreds_of_digits_is_no_time(name: str, digits: int) -> None:
    """JSON has integers of any length; one beyond a float is refused like any other that is no time."""
    entry = {b"json": hostile.as_json({"lead_id": "L1", "phone": PHONE, name: 10**digits})}
    read = parse(entry, campaign="spring", default_region="CN", now=NOW)

    assert isinstance(read, Rejection)
    assert f"{name}: not a time between 1970 and 2100 in seconds since the epoch" in read.reasons
