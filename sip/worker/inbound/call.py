"""The rules of a call from outside: answered at once, music while its caller waits, then like any other."""

from __future__ import annotations

import sys
from typing import Final

import pjsua2 as pj

from sip.causes import Cause, Leg
from sip.inbound.messages import Answer, PlayMusic
from sip.messages import Command, PlayMessage
from sip.worker.audio.hold_music import HoldMusic
from sip.worker.call import CANCEL_PATIENCE_S, Call
from sip.worker.cancelling import TERMINATED
from sip.worker.context import Context
from sip.worker.dialog import Dialog
from sip.worker.endpoint import RefusedError

NO_ACK_S: Final = 34.0
"""When a caller who never acknowledged our 200 is given up: RFC 3261 repeats it for 64 T1 (32 s)."""


class ArrivedCall(Call):
    """One call, from its `Answer` to its `Ended`."""

    def __init__(self, order: Answer, context: Context) -> None:
        super().__init__(order.call, context)
        self._order = order
        self._music: HoldMusic | None = None

    @property
    def needs_clock(self) -> bool:
        return self._music is not None or super().needs_clock

    def obey(self, command: Command) -> None:
        if isinstance(command, PlayMusic):
            self._play_music(command)
        else:
            super().obey(command)

    def _play_music(self, command: PlayMusic) -> None:
        """Play on until an agent or a message comes. Ignored where one is there already."""
        if self._music is not None or not self.waits:
            return
        try:
            self._music = HoldMusic(command.path)
        except pj.Error as error:
            sys.stderr.write(f"sip worker: the music cannot be played: {error.reason}\n")
            return
        self._play_on()

    def play(self, command: PlayMessage) -> None:
        self._stop_music()
        super().play(command)

    def _open(self) -> None:
        try:
            caller = self._context.endpoint.answer(self._order)
        except RefusedError as error:
            self._finish(error.cause, Leg.DIALER, 0, reason=str(error))
            return
        self._callee = caller
        try:
            caller.take()
        except pj.Error as error:
            sys.stderr.write(f"sip worker: a call from outside cannot be answered: {error.reason}\n")
            self.break_off("it cannot be answered")
            return
        self._context.after(NO_ACK_S, self._give_up)

    def _let_go(self, callee: Dialog) -> None:
        callee.bye()

    def end(self, patience_s: float = CANCEL_PATIENCE_S) -> None:
        if self._callee is not None and not self._answered:
            self._finish(Cause.CANCELLED, Leg.DIALER, TERMINATED[0], reason="ended before the caller's ACK")
        else:
            super().end(patience_s)

    def _play_on(self) -> None:
        if self._music is not None and self._callee is not None and self._callee.has_media:
            self._context.endpoint.keep_clock(0.0)
            self._music.startTransmit(self._callee.audio())
        super()._play_on()

    def _bridged(self) -> None:
        self._stop_music()
        super()._bridged()

    def _stop_music(self) -> None:
        music, self._music = self._music, None
        if music is not None:
            music.close()
