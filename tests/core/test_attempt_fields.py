"""One table of what is told of an attempt: the event, the log line and the evidence say the same of it."""

from __future__ import annotations

from dataclasses import fields, replace

from compliance.numbers import E164
from dialer.core.attempt_fields import DURATIONS, FIELDS, TIMES, durations_of, fields_of
from dialer.core.model import Close, Disposition, Lead, Settlement
from sip.causes import Cause, Leg

BUSY = Settlement(
    attempt="A1",
    lead=Lead("L1", "spring", (E164("+8613800138000"),)),
    trunk="main",
    disposition=Disposition.BUSY,
    next_step=Close("busy"),
    live=False,
    abandoned=False,
    charged=True,
    cause=Cause.BUSY,
    ended_by=Leg.CALLEE,
    reason="call 13800138000",
    reserved_at=10.0,
    dialled_at=11.0,
    ended_at=18.0,
)


def test_a_call_that_was_never_heard_to_ring_rang_from_its_invite() -> None:
    """One meaning of `ring_s`, wherever it is told; what it did not come to has no length."""
    assert durations_of(BUSY, "ring_s", "talk_s") == {"ring_s": 7.0, "talk_s": None}
    assert durations_of(replace(BUSY, ringing_at=13.0), "ring_s", "post_dial_delay_s") == {
        "ring_s": 5.0,
        "post_dial_delay_s": 2.0,
    }


def test_every_part_of_an_answered_call_has_its_length() -> None:
    """Waited, handed over, talked; a clock that was set back makes nothing negative."""
    talked = replace(BUSY, ringing_at=13.0, answered_at=15.0, agent_dialled_at=15.25, bridged_at=15.5)

    assert durations_of(talked) == {
        "post_dial_delay_s": 2.0,
        "ring_s": 2.0,
        "wait_s": 0.5,
        "hand_over_s": 0.25,
        "talk_s": 2.5,
    }
    assert durations_of(replace(talked, bridged_at=20.0), "talk_s") == {"talk_s": 0.0}
    assert set(durations_of(talked)) == set(DURATIONS)


def test_nothing_of_a_settlement_is_left_out() -> None:
    """A field that is added to it is told, or stands here with who tells it; no number is shown whole."""
    told = {*FIELDS, *TIMES}
    elsewhere = {"attempt", "lead", "next_step", "day", "inbound", "wants_callback", "stands_for"}

    assert {field.name for field in fields(Settlement)} == told | elsewhere
    assert fields_of(BUSY)["reason"] == "call *******8000"
    assert "trunk" not in fields_of(BUSY, "trunk")
