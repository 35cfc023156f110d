"""The call to a third party: its phone, and an audio link that a talk in another worker joins."""

from __future__ import annotations

import sys

import pjsua2 as pj

from sip.causes import Leg
from sip.messages import Command, Digit, HangUp
from sip.parties.messages import DialParty, LinkOpened, OpenLink
from sip.worker import dialog as fact
from sip.worker.agent_leg import NOTHING_HEARD_S
from sip.worker.context import Context
from sip.worker.dialog import Dialog
from sip.worker.parties.link import AudioLink
from sip.worker.parties.phone_call import PhoneCall


class PartyCall(PhoneCall):
    """One party, from its `DialParty` to its `Ended`."""

    far_end = Leg.CALLEE
    nothing_heard_s = NOTHING_HEARD_S

    def __init__(self, order: DialParty, context: Context) -> None:
        super().__init__(order, context)
        self._link: AudioLink | None = None

    @property
    def needs_clock(self) -> bool:
        """Whether audio passes through the bridge."""
        return self._link is not None

    def obey(self, command: Command) -> None:
        """Carry out a command about this call."""
        match command:
            case OpenLink():
                self._open_link()
            case HangUp():
                self.end()

    def note(self, dialog: Dialog, what: fact.Fact) -> None:
        """Act on what was heard from the phone."""
        if isinstance(what, fact.Fault):
            self.break_off("a fault in the worker")
        else:
            self._note_phone(dialog, what)

    def _pressed(self, digit: str) -> None:
        self._context.emit(Digit(self._order.call, self._context.now(), digit))

    def _connect(self) -> None:
        """Link and phone hear each other; again after a re-INVITE."""
        phone = self._phone
        if phone is None or not (phone.answered and phone.has_media) or phone.on_hold:
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

    def _close(self) -> None:
        try:
            self._close_link()
        except pj.Error as error:
            sys.stderr.write(f"sip worker: an audio link did not close: {error.reason}\n")
