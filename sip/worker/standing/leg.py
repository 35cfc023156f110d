"""An agent's phone that stays on the line: music between talks, and in each the voices of both workers joined.

The phone's audio is always read by somebody, if only by the null device: a leg that was heard once and has no listener
any more is not read by the bridge, and the agent's voice would be half a second late from then on.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Final

import pjsua2 as pj

from sip.causes import Cause, Leg
from sip.messages import Command, Ended, HangUp
from sip.standing.messages import DialStanding, FreeStanding, StandingUp
from sip.worker import cancelling
from sip.worker import dialog as fact
from sip.worker.agent_leg import CANCEL_PATIENCE_S, cause_of_end
from sip.worker.audio.hold_music import HoldMusic
from sip.worker.context import Context
from sip.worker.dialog import Dialog
from sip.worker.endpoint import RefusedError
from sip.worker.standing.reception import InnerDialog

NOTHING_HEARD_S: Final = 5.0
"""A phone that has not said anything by now is unreachable. Nobody waits, so it has more time than in a call."""

_OK: Final = 200
_CANCELLED: Final = 487


class StandingLeg:
    """One agent's phone, from its `DialStanding` to its `Ended`."""

    plays = False

    def __init__(self, order: DialStanding, context: Context) -> None:
        self._order = order
        self._context = context
        self._phone: Dialog | None = None
        self._inner: InnerDialog | None = None
        self._music: HoldMusic | None = None
        self._is_up = False
        self._holds = False
        self._over = False

    @property
    def needs_clock(self) -> bool:
        """Whether audio passes through the bridge: a silent phone would be taken for dead by those around it."""
        return self._is_up

    def start(self) -> None:
        """Ring the phone, now or as soon as the endpoint has room for its sockets."""
        if self._over:
            return
        now, order = self._context.now(), self._order
        room_at = self._context.endpoint.room_at(now, for_agent=True)
        if room_at > now:
            self._context.after(room_at - now, self.start)
            return
        try:
            self._phone = self._context.endpoint.dial_phone(order)
        except RefusedError as error:
            self._finish(error.cause, Leg.DIALER, 0, str(error))
            return
        self._context.after(NOTHING_HEARD_S, self._check_heard)
        self._context.after(order.give_up_s, self._give_up)

    def obey(self, command: Command) -> None:
        """Carry out a command about this leg."""
        match command:
            case HangUp():
                self.end()
            case FreeStanding() if self._inner is not None:
                self._context.endpoint.end_for_far_end(self._inner)

    def end(self, patience_s: float = CANCEL_PATIENCE_S) -> None:
        """CANCEL or BYE."""
        if self._phone is None:
            self._finish(Cause.CANCELLED, Leg.DIALER, _CANCELLED)
        elif self._phone.answered:
            self._finish(Cause.NORMAL, Leg.DIALER, _OK)
        else:
            cancelling.give_up(self._context, self._phone, patience_s)

    def abort(self) -> None:
        """Report the end of a leg whose end the worker will not live to see."""
        self._finish(Cause.CANCELLED, Leg.DIALER, _CANCELLED, "the worker stopped first")

    def break_off(self, reason: str) -> None:
        """End a leg that cannot go on, for a reason of our own."""
        self._finish(Cause.PROTOCOL_ERROR, Leg.DIALER, 0, reason)

    def note(self, dialog: Dialog, what: fact.Fact) -> None:
        """Act on what was heard from the phone, or from the worker of a talk."""
        if isinstance(what, fact.Fault):
            self.break_off("a fault in the worker")
        elif isinstance(dialog, InnerDialog):
            self._note_inner(dialog, what)
        elif dialog is self._phone:
            self._note_phone(dialog, what)

    # --- the phone ------------------------------------------------------------------------------------------------

    def _note_phone(self, phone: Dialog, what: fact.Fact) -> None:
        match what:
            case fact.Heard():
                cancelling.heard(self._context, phone)
            case fact.Confirmed() if phone.cancelling:
                self._finish(Cause.CANCELLED, Leg.DIALER, _CANCELLED)
            case fact.Confirmed() | fact.MediaReady() | fact.Held():
                self._connect()
            case fact.Key(digit) if self._inner is not None:
                self._inner.press(digit)
            case fact.Vanished(cause):
                self._finish(cause, Leg.AGENT, _OK)
            case fact.Gone(answer):
                self._finish(cause_of_end(phone, answer), Leg.AGENT, answer.code or _OK, answer.reason)

    def _check_heard(self) -> None:
        if self._phone is not None and not self._phone.heard:
            cancelling.abandon(self._context, self._phone)

    def _give_up(self) -> None:
        if not (self._is_up or self._over):
            self.end()

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
            self._context.endpoint.reception.expect(self._order.token, self._order.call)
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

    def _finish(self, cause: Cause, by: Leg, sip_code: int, reason: str = "") -> None:
        if self._over:
            return
        self._over = True
        at = self._context.now()
        self._stop_music()
        self._context.endpoint.reception.forget(self._order.token)
        self._let_go_of_talk()
        phone, self._phone = self._phone, None
        if phone is not None:
            if phone.answered:
                phone.bye()
            else:
                cancelling.give_up(self._context, phone, CANCEL_PATIENCE_S)
            self._context.release(phone)
        self._context.finish(Ended(self._order.call, at, cause, by, sip_code, 0, reason))
