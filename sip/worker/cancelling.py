"""Ending an INVITE that has not been answered: CANCEL, repeated, and a bounded patience for what comes back."""

from __future__ import annotations

from typing import Final

from sip.worker.context import Context
from sip.worker.dialog import Dialog

CANCEL_REPEATS_S: Final = (0.5, 1.5, 3.5)
"""When a CANCEL is sent again, after the first: timer E of RFC 3261 (T1, 2 T1, 4 T1)."""

TERMINATED: Final = (487, "Request Terminated")
TIMEOUT: Final = (408, "Request Timeout")


def give_up(context: Context, dialog: Dialog, patience_s: float) -> None:
    """CANCEL a ringing leg. What ends it is the far end's 487, its crossing 200, or after `patience_s` ourselves.

    RFC 3261 lets a CANCEL leave only after a provisional response; until then this waits for one (`heard`).
    """
    if dialog.cancelling or dialog.answered or dialog.ended:
        return
    dialog.cancelling = True
    if dialog.heard:
        _cancel_repeatedly(context, dialog)
    context.after(patience_s, lambda: _lose_patience(context, dialog))


def heard(context: Context, dialog: Dialog) -> None:
    """A response arrived; a CANCEL may have waited for it."""
    if dialog.cancelling and not dialog.cancel_sent:
        _cancel_repeatedly(context, dialog)


def abandon(context: Context, dialog: Dialog, answer: tuple[int, str] = TIMEOUT) -> None:
    """End a leg of which nothing was heard at all, now: a CANCEL in case it did arrive, and an answer of ours.

    The CANCEL is one that RFC 3261 would not send yet. It is sent because the INVITE may have arrived and only the
    answers be lost: without it, a telephone would go on ringing for a call that nobody holds any more.
    """
    if dialog.answered or dialog.ended:
        return
    _cancel_repeatedly(context, dialog)
    _end(context, dialog, *answer)


def _lose_patience(context: Context, dialog: Dialog) -> None:
    if not (dialog.answered or dialog.ended):
        heard(context, dialog)  # a CANCEL that still waits goes now, as in `abandon`
        _end(context, dialog, *TERMINATED)


def _cancel_repeatedly(context: Context, dialog: Dialog) -> None:
    dialog.cancelling = dialog.cancel_sent = True
    message = dialog.cancel_message()
    destination = dialog.destination
    context.endpoint.send(message, destination)
    for delay_s in CANCEL_REPEATS_S:
        context.after(delay_s, lambda: _again(context, dialog, message, destination))


def _again(context: Context, dialog: Dialog, message: bytes, destination: str) -> None:
    unanswered = dialog.answered_by_us and not dialog.answered
    if unanswered or not (dialog.ended or dialog.answered):
        context.endpoint.send(message, destination)


def _end(context: Context, dialog: Dialog, code: int, phrase: str) -> None:
    if not (dialog.ended or dialog.answered) and dialog.invite:
        context.endpoint.give_up(dialog, code, phrase)
