"""The call to a third party: its phone, and an audio link that a talk in another worker joins."""

from __future__ import annotations

import sys
from typing import Final

import pjsua2 as pj

from sip.causes import Cause, Leg
from sip.messages import Command, Digit, Ended, HangUp
from sip.parties.messages import DialParty, LinkOpened, OpenLink
from sip.worker import cancelling
from sip.worker import dialog as fact
from sip.worker.agent_leg import CANCEL_PATIENCE_S, NOTHING_HEARD_S, cause_of_end
from sip.worker.context import Context
from sip.worker.dialog import Dialog
from sip.worker.endpoint import RefusedError
from sip.worker.parties.link import AudioLink

_OK: Final = 200
_CANCELLED: Final = 487


class PartyCall:
    """One party, from its `DialParty` to its `Ended`."""

    plays = False

    def __init__(self, order: DialParty, context: Context) -> None:
        self._order = order
        self._context = context
        self._phone: Dialog | None = None
        self._link: AudioLink | None = None
        self._over = False

    @property
    def needs_clock(self) -> bool:
        """Whether audio passes through the bridge."""
        return self._link is not None

    def start(self) -> None:
        """Ring the phone, now or as soon as the endpoint has room for its sockets."""
        if self._over:
            return
        now = self._context.now()
        room_at = self._context.endpoint.room_at(now, for_agent=True)
        if room_at > now:
            self._context.after(room_at - now, self.start)
            return
        order = self._order
        try:
            self._phone = self._context.endpoint.dial_phone(order)
        except RefusedError as error:
            self._finish(error.cause, Leg.DIALER, 0, str(error))
            return
        self._context.after(NOTHING_HEARD_S, self._check_heard)
        self._context.after(order.give_up_s, self._give_up)

    def obey(self, command: Command) -> None:
        """Carry out a command about this call."""
        match command:
            case OpenLink():
                self._open_link()
            case HangUp():
                self.end()

    def end(self, patience_s: float = CANCEL_PATIENCE_S) -> None:
        """CANCEL or BYE."""
        if self._phone is None or self._phone.answered:
            self._finish(Cause.CANCELLED if self._phone is None else Cause.NORMAL, Leg.DIALER, 0)
        else:
            cancelling.give_up(self._context, self._phone, patience_s)

    def abort(self) -> None:
        """Report the end of a call whose end the worker will not live to see."""
        self._finish(Cause.CANCELLED, Leg.DIALER, 0, "the worker stopped first")

    def break_off(self, reason: str) -> None:
        """End a call that cannot go on, for a reason of our own."""
        self._finish(Cause.PROTOCOL_ERROR, Leg.DIALER, 0, reason)

    def note(self, dialog: Dialog, what: fact.Fact) -> None:
        """Act on what was heard from the phone."""
        match what:
            case fact.Fault():
                self.break_off("a fault in the worker")
            case fact.Heard():
                cancelling.heard(self._context, dialog)
            case fact.Confirmed() if dialog.cancelling:
                self._finish(Cause.CANCELLED, Leg.DIALER, _CANCELLED)
            case fact.Confirmed() | fact.MediaReady():
                self._connect(dialog)
            case fact.Key(digit):
                self._context.emit(Digit(dialog.call, self._context.now(), digit))
            case fact.Vanished(cause):
                self._finish(cause, Leg.CALLEE, _OK)
            case fact.Gone(answer):
                self._finish(cause_of_end(dialog, answer), Leg.CALLEE, answer.code or _OK, answer.reason)

    def _connect(self, phone: Dialog) -> None:
        """Link and phone hear each other; again after a re-INVITE."""
        if not (phone.answered and phone.has_media) or phone.on_hold:
            return
        if self._link is None:
            self._open_link()
        elif not self._over:
            self._join_up(phone, self._link)

    def _open_link(self) -> None:
        phone = self._phone
        if self._over or phone is None or not phone.has_media:
            return
        self._close_link()
        try:
            link = AudioLink()
        except OSError as error:
            sys.stderr.write(f"sip worker: no audio link: {error.strerror}\n")
            self.break_off("no audio link could be opened")
            return
        self._link = link
        self._join_up(phone, link)
        self._context.emit(LinkOpened(self._order.call, self._context.now(), link.port, link.key))

    def _join_up(self, phone: Dialog, link: AudioLink) -> None:
        self._context.endpoint.keep_clock(0.0)
        if not phone.on_hold:
            audio = phone.audio()
            audio.startTransmit(link)
            link.startTransmit(audio)

    def _close_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _check_heard(self) -> None:
        if self._phone is not None and not self._phone.heard:
            cancelling.abandon(self._context, self._phone)

    def _give_up(self) -> None:
        if self._phone is not None and not (self._phone.answered or self._over):
            self.end()

    def _finish(self, cause: Cause, by: Leg, sip_code: int, reason: str = "") -> None:
        if self._over:
            return
        self._over = True
        at = self._context.now()
        try:
            self._close_link()
        except pj.Error as error:
            sys.stderr.write(f"sip worker: an audio link did not close: {error.reason}\n")
        phone, self._phone = self._phone, None
        if phone is not None:
            if phone.answered:
                phone.bye()
            else:
                cancelling.give_up(self._context, phone, CANCEL_PATIENCE_S)
            self._context.release(phone)
        self._context.finish(Ended(self._order.call, at, cause, by, sip_code, 0, reason))
