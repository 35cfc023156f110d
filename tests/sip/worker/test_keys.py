"""Key presses in the body of an INFO. What becomes of them in a talk is in test_in_dialog.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.worker.keys import KEYS_LIMIT, keys_of

KINDS = ["application/dtmf-relay", "application/dtmf", "application/vnd.nortelnetworks.digits"]


@pytest.mark.parametrize(
    ("kind", "body", "keys"),
    [
        ("application/dtmf-relay", "Signal=*\nDuration=100", "*"),
        ("Application/DTMF-Relay; charset=x", "signal = 11", "#"),
        ("application/dtmf-relay", "Duration=100", ""),
        ("application/dtmf", "d", "D"),
        ("application/dtmf", "", ""),
        ("application/vnd.nortelnetworks.digits", "y=Digits\nd=1\nd=2", "12"),
        ("text/plain", "5", None),
    ],
)
def test_forms(kind, body, keys):
    """Each form has its own place for the key."""
    assert keys_of(kind, body) == keys


@given(st.sampled_from(KINDS), st.text())
def test_only_keys_come_out(kind, body):
    """Whatever the body holds, there are keys or none, and not many."""
    keys = keys_of(kind, body)
    assert keys is not None
    assert set(keys) <= set("0123456789ABCD*#")
    assert len(keys) <= KEYS_LIMIT
