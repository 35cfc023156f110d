"""An agent's phone that stays on the line: music between talks, and in each the voices of both workers joined.

The phone's audio is always read by somebody, if only by the null device: a leg that was heard once and has no listener
any more is not read by the bridge, and the agent's voice would be half a second late from then on.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Final

import pjsua2 as pj

from sip.causes import Leg
from sip.messages import Command, HangUp
from sip.standing.messages import DialStanding, FreeStanding, StandingUp
from sip.worker import dialog as fact
from sip.worker.audio.hold_music import HoldMusic
from sip.worker.context import Context
from sip.worker.dialog import Dialog
from sip.worker.parties.phone_call import PhoneCall
from sip.worker.standing.reception import InnerDialog

NOTHING_HEARD_S: Final = 5.0
"""A phone that has not said anything by now is unreachable. Nobody waits, so it has more time than in a call."""


class StandingLeg(PhoneCall):
    """One agent's phone, from its `DialStanding` to its `Ended`."""

    far_end = Leg.AGENT
    nothing_heard_s = NOTHING_HEARD_S

    def __init__(self, order: DialStanding, context: Context) -> None:
        super().__init__(order, context)
        self._token = order.token
        self._inner: InnerDialog | None = None
        self._music: HoldMusic | None = None
        self._is_up = False
        self._holds = False

    @property
    def needs_clock(self) -> bool:
        """Whether audio passes through the bridge: a silent phone would be taken for dead by those around it."""
        return self._is_up

    def obey(self, command: Command) -> None:
        """Carry out a command about this leg."""
        match command:
            case HangUp():
                self.end()
            case FreeStanding() if self._inner is not None:
                self._context.endpoint.end_for_far_end(self._inner)

    def note(self, dialog: Dialog, what: fact.Fact) -> None:
        """Act on what was heard from the phone, or from the worker of a talk."""
        if isinstance(what, fact.Fault):
            self.break_off("a fault in the worker")
        elif isinstance(dialog, InnerDialog):
            self._note_inner(dialog, what)
        elif dialog is self._phone:
            self._note_phone(dialog, what)

    @property
    def _has_come(self) -> bool:
        return self._is_up

    def _pressed(self, digit: str) -> None:
        if self._inner is not None:
            self._inner.press(digit)

    # --- talks ----------------------------------------------------------------------------------------------------

    def _note_inner(self, inner: InnerDialog, what: fact.Fact) -> None:
        match what:
            case fact.Invited():
                self._take(inner)
            case _ if inner is not self._inner:
                pass
            case fact.Confirmed() | fact.MediaReady() | fact.Held():
                self._connect()
            case fact.Key(digit) if self._phone is not None:
                self._phone.press(digit)
            case fact.Vanished() | fact.Gone():
                self._let_go_of_talk()

    def _take(self, inner: InnerDialog) -> None:
        """A talk comes. One that is still here has lost its worker, or is on its way out: there is one at a time."""
        if self._over or not self._is_up:
            inner.refuse()
            self._context.release(inner)
            return
        self._let_go_of_talk()
        self._inner = inner
        try:
            self._context.endpoint.admit(inner)
            inner.take()
        except pj.Error as error:
            sys.stderr.write(f"sip worker: a talk cannot be taken: {error.reason}\n")
            self._let_go_of_talk()

    def _let_go_of_talk(self) -> None:
        inner, self._inner = self._inner, None
        if inner is not None:
            self._holds = False
            inner.bye()
            self._context.release(inner)
            self._connect()

    # --- audio ----------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        """Let whoever is there hear each other; again whenever a leg has changed."""
        phone, inner = self._phone, self._inner
        if self._over or phone is None or phone.ended or not (phone.answered and phone.has_media):
            return
        if not self._is_up:
            self._is_up = True
            self._context.endpoint.keep_clock(0.0)
            self._context.endpoint.reception.expect(self._token, self._order.call)
            self._context.emit(StandingUp(self._order.call, self._context.now()))
        self._pass_hold_on(phone, inner)
        if phone.on_hold:
            return
        audio = phone.audio()
        self._context.endpoint.silence().startTransmit(audio)  # so that something is sent to it at any time
        audio.startTransmit(self._context.endpoint.nobody())
        if inner is None:
            self._play_music(phone)
            return
        self._stop_music()
        if inner.has_media and not (inner.on_hold or inner.ended):
            audio.startTransmit(inner.audio())
            inner.audio().startTransmit(audio)

    def _pass_hold_on(self, phone: Dialog, inner: InnerDialog | None) -> None:
        """The phone's hold is the talk's: its worker has music for the callee."""
        if inner is None or not inner.answered or self._holds is phone.on_hold:
            return
        self._holds = phone.on_hold
        with contextlib.suppress(pj.Error):  # it is just ending
            inner.hold(on=self._holds)

    def _play_music(self, phone: Dialog) -> None:
        path = self._context.endpoint.standing_music
        if path and self._music is None:
            try:
                self._music = HoldMusic(path)
            except pj.Error as error:
                sys.stderr.write(f"sip worker: the music between calls cannot be played: {error.reason}\n")
                return
        if self._music is not None:
            self._music.startTransmit(phone.audio())

    def _stop_music(self) -> None:
        music, self._music = self._music, None
        if music is not None:
            music.close()

    def _close(self) -> None:
        self._stop_music()
        self._context.endpoint.reception.forget(self._token)
        self._let_go_of_talk()
