"""A phone's own call: it is rung by itself, and talks in other workers come to it."""

from __future__ import annotations

from typing import ClassVar

from sip.causes import Cause, Leg
from sip.messages import Ended
from sip.parties.messages import DialParty
from sip.standing.messages import DialStanding
from sip.worker import cancelling
from sip.worker import dialog as fact
from sip.worker.agent_leg import CANCEL_PATIENCE_S, CANCELLED, OK, cause_of_end
from sip.worker.context import Context
from sip.worker.dialog import Dialog
from sip.worker.endpoint import RefusedError


class PhoneCall:
    """One phone, from its order to its `Ended`."""

    plays = False
    far_end: ClassVar[Leg]
    nothing_heard_s: ClassVar[float]
    """A phone that has not said anything by then is unreachable."""

    def __init__(self, order: DialParty | DialStanding, context: Context) -> None:
        self._order = order
        self._context = context
        self._phone: Dialog | None = None
        self._over = False

    @property
    def _has_come(self) -> bool:
        """Whether the phone was there in time."""
        return self._phone is not None and self._phone.answered

    def start(self) -> None:
        """Ring the phone, now or as soon as the endpoint has room for its sockets."""
        if self._over:
            return
        now = self._context.now()
        room_at = self._context.endpoint.room_at(now, for_agent=True)
        if room_at > now:
            self._context.after(room_at - now, self.start)
            return
        try:
            self._phone = self._context.endpoint.dial_phone(self._order)
        except RefusedError as error:
            self._finish(error.cause, Leg.DIALER, 0, str(error))
            return
        self._context.after(self.nothing_heard_s, self._check_heard)
        self._context.after(self._order.give_up_s, self._give_up)

    def end(self, patience_s: float = CANCEL_PATIENCE_S) -> None:
        """CANCEL or BYE."""
        if self._phone is None:
            self._finish(Cause.CANCELLED, Leg.DIALER, CANCELLED)
        elif self._phone.answered:
            self._finish(Cause.NORMAL, Leg.DIALER, OK)
        else:
            cancelling.give_up(self._context, self._phone, patience_s)

    def abort(self) -> None:
        """Report the end of a call whose end the worker will not live to see."""
        self._finish(Cause.CANCELLED, Leg.DIALER, CANCELLED, "the worker stopped first")

    def break_off(self, reason: str) -> None:
        """End a call that cannot go on, for a reason of our own."""
        self._finish(Cause.PROTOCOL_ERROR, Leg.DIALER, 0, reason)

    def _note_phone(self, phone: Dialog, what: fact.Fact) -> None:
        match what:
            case fact.Heard():
                cancelling.heard(self._context, phone)
            case fact.Confirmed() if phone.cancelling:
                self._finish(Cause.CANCELLED, Leg.DIALER, CANCELLED)
            case fact.Confirmed() | fact.MediaReady() | fact.Held():
                self._connect()
            case fact.Key(digit):
                self._pressed(digit)
            case fact.Vanished(cause):
                self._finish(cause, self.far_end, OK)
            case fact.Gone(answer):
                self._finish(cause_of_end(phone, answer), self.far_end, answer.code or OK, answer.reason)

    def _connect(self) -> None:
        """Let whoever is there hear each other; again whenever a leg has changed."""
        raise NotImplementedError

    def _pressed(self, digit: str) -> None:
        """A key of the phone."""
        raise NotImplementedError

    def _close(self) -> None:
        """Let go of audio and talks: the call is over."""
        raise NotImplementedError

    def _check_heard(self) -> None:
        if self._phone is not None and not self._phone.heard:
            cancelling.abandon(self._context, self._phone)

    def _give_up(self) -> None:
        if not (self._has_come or self._over):
            self.end()

    def _finish(self, cause: Cause, by: Leg, sip_code: int, reason: str = "") -> None:
        if self._over:
            return
        self._over = True
        at = self._context.now()
        self._close()
        phone, self._phone = self._phone, None
        if phone is not None:
            if phone.answered:
                phone.bye()
            else:
                cancelling.give_up(self._context, phone, CANCEL_PATIENCE_S)
            self._context.release(phone)
        self._context.finish(Ended(self._order.call, at, cause, by, sip_code, 0, reason))
