"""The table of SIP results: what each answer says about the call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.causes import Cause, classify

TABLE = [
    # SIP, Q.850, reason, cause
    (486, 0, "", Cause.BUSY),
    (600, 0, "", Cause.BUSY),
    (486, 17, "", Cause.BUSY),
    (487, 19, "", Cause.NO_ANSWER),
    (480, 19, "", Cause.NO_ANSWER),
    (480, 0, "", Cause.NO_ANSWER),
    (480, 18, "", Cause.UNREACHABLE),
    (480, 20, "", Cause.UNREACHABLE),
    (408, 18, "", Cause.UNREACHABLE),
    (408, 102, "", Cause.UNREACHABLE),
    (408, 0, "", Cause.UNREACHABLE),
    (404, 1, "", Cause.INVALID_NUMBER),
    (404, 3, "", Cause.INVALID_NUMBER),
    (404, 0, "", Cause.INVALID_NUMBER),
    (410, 22, "", Cause.INVALID_NUMBER),
    (484, 28, "", Cause.INVALID_NUMBER),
    (604, 0, "", Cause.INVALID_NUMBER),
    (403, 0, "", Cause.ROUTE_ERROR),
    (503, 34, "", Cause.CONGESTION),
    (503, 38, "", Cause.CONGESTION),
    (503, 41, "", Cause.CONGESTION),
    (503, 42, "", Cause.CONGESTION),
    (500, 0, "", Cause.CONGESTION),
    (502, 0, "", Cause.CONGESTION),
    (504, 0, "", Cause.CONGESTION),
    (603, 21, "Decline", Cause.DECLINED),
    (603, 0, "Decline", Cause.DECLINED),
    (603, 0, "Network Blocked", Cause.BLOCKED),
    (603, 21, "NETWORK BLOCKED", Cause.BLOCKED),
    (607, 21, "Unwanted", Cause.UNWANTED),
    (608, 21, "Rejected", Cause.BLOCKED),
    (488, 65, "", Cause.MEDIA_ERROR),
    (488, 88, "", Cause.MEDIA_ERROR),
    (415, 0, "", Cause.MEDIA_ERROR),
    (406, 0, "", Cause.MEDIA_ERROR),
    (401, 0, "", Cause.AUTH_ERROR),
    (407, 0, "", Cause.AUTH_ERROR),
    (402, 0, "Payment Required", Cause.ROUTE_ERROR),
    (420, 0, "Bad Extension", Cause.ROUTE_ERROR),
    (421, 0, "Extension Required", Cause.ROUTE_ERROR),
    (429, 0, "Provide Referrer Identity", Cause.ROUTE_ERROR),
    (482, 0, "Loop Detected", Cause.ROUTE_ERROR),
    (505, 0, "Version Not Supported", Cause.ROUTE_ERROR),
    (503, 3, "", Cause.ROUTE_ERROR),
    (500, 3, "", Cause.ROUTE_ERROR),
    (503, 1, "", Cause.ROUTE_ERROR),
    (503, 21, "", Cause.ROUTE_ERROR),
    (599, 28, "", Cause.ROUTE_ERROR),
    (402, 21, "Payment Required", Cause.ROUTE_ERROR),
    (403, 1, "Forbidden", Cause.ROUTE_ERROR),
    (407, 21, "", Cause.AUTH_ERROR),
    (488, 3, "", Cause.MEDIA_ERROR),
    (403, 17, "", Cause.BUSY),
    (480, 21, "", Cause.DECLINED),
    (301, 0, "", Cause.REDIRECTED),
    (302, 0, "", Cause.REDIRECTED),
    (200, 0, "", Cause.NORMAL),
]


@pytest.mark.parametrize(("sip_code", "q850", "reason", "cause"), TABLE)
def test_table(sip_code, q850, reason, cause):
    """Each row of the table gives its cause."""
    assert classify(sip_code=sip_code, q850=q850, reason=reason) is cause


def test_q850_says_more_than_the_sip_code():
    """A Reason header decides over the code that carries it."""
    assert classify(sip_code=503, q850=17) is Cause.BUSY
    assert classify(sip_code=480, q850=1) is Cause.INVALID_NUMBER


def test_silence_is_the_trunks_fault():
    """A 408 that our own timer made up is not the callee's."""
    assert classify(sip_code=408, heard_anything=False) is Cause.TRUNK_UNREACHABLE


@given(st.integers(-10, 2000), st.integers(-10, 300), st.text(max_size=20), st.booleans())
def test_every_answer_has_a_cause(sip_code, q850, reason, heard_anything):
    """No answer is left without a cause, and nonsense is a protocol error or falls back on its class."""
    assert isinstance(classify(sip_code=sip_code, q850=q850, reason=reason, heard_anything=heard_anything), Cause)
