"""The rules of one call: the callee's leg from the INVITE to the end, and exactly one `Ended`."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Final

import pjsua2 as pj

from sip.causes import Cause, Leg, classify
from sip.detection.messages import ListenOn
from sip.messages import (
    Answered,
    Cancel,
    CancelAgent,
    Command,
    Dial,
    DialAgent,
    Dialled,
    Digit,
    Ended,
    HangUp,
    MessageDone,
    PlayMessage,
    Progress,
    Record,
    RecordingOrder,
)
from sip.parties.messages import Hold, Join, Leave
from sip.scripts.messages import EndMessage, HangUpAgent, Prompt, TakeMessage
from sip.worker import cancelling
from sip.worker import dialog as fact
from sip.worker.agent_leg import AgentLeg, cause_after_answer
from sip.worker.audio.line_file import LineFile
from sip.worker.audio.player import Player
from sip.worker.audio.prompts import TAIL_S, Prompts
from sip.worker.context import Context
from sip.worker.dialog import Dialog
from sip.worker.endpoint import RefusedError
from sip.worker.sip_text import Answer

CANCEL_PATIENCE_S: Final = 5.0
"""How long a callee's leg may take to end after our CANCEL."""

FORGOTTEN_S: Final = 5.0
"""How long a call that was answered across our CANCEL, or that an agent has left, waits to be told what to do."""

MESSAGE_LIMIT_S: Final = 180.0
"""A message that has not come to its end by now never will: the callee's audio never started, or the file is huge."""

_OK: Final = 200
_CANCELLED: Final = 487
_BY_CALLEE: Final = frozenset({Cause.NORMAL, Cause.BUSY, Cause.NO_ANSWER, Cause.DECLINED, Cause.UNWANTED})


class Call(ABC):
    """One call, until its `Ended`. What opens it is its kind's own (`_open`, `_let_go`)."""

    def __init__(self, name: str, context: Context) -> None:
        self._name = name
        self._context = context
        self._callee: Dialog | None = None
        self._agent_leg: AgentLeg | None = None
        self._message: Player | None = None
        self._line: LineFile | None = None
        self._listen_s = 0.0
        self._prompts: Prompts | None = None
        self._dialled = False
        self._answered = False
        self._instructed = False
        self._progress = (0, False)
        self._over = False
        self._limits: list[Callable[[], None]] = []

    @property
    def needs_clock(self) -> bool:
        """Whether audio passes through the bridge."""
        if self._prompts is not None and self._prompts.needs_clock:
            return True
        if self._line is not None and self._line.is_open:
            return True
        return self._message is not None or (self._agent_leg is not None and self._agent_leg.bridged)

    @property
    def waits(self) -> bool:
        """Whether it is answered, and neither agent nor message has come yet."""
        return self._agent_leg is not None and not self._agent_leg.bridged and self._message is None

    @property
    def plays(self) -> bool:
        """Whether a message, or a script's recording, is being played."""
        return self._message is not None or (self._prompts is not None and self._prompts.plays)

    # --- commands -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the leg, now or as soon as the endpoint has room for its sockets."""
        if self._over:
            return
        now = self._context.now()
        room_at = self._context.endpoint.room_at(now, for_agent=False)
        if room_at > now:
            self._context.after(room_at - now, self.start)
            return
        self._open()

    def end(self, patience_s: float = CANCEL_PATIENCE_S) -> None:
        """CANCEL or BYE. An unanswered leg may take `patience_s` to end."""
        if self._callee is None:
            self._finish(Cause.CANCELLED, Leg.DIALER, _CANCELLED)
        elif self._answered:
            self._finish(Cause.NORMAL, Leg.DIALER, _OK)
        else:
            cancelling.give_up(self._context, self._callee, patience_s)

    def cancel(self) -> None:
        """CANCEL; an answer that came first stands."""
        if not self._answered:
            self.end()

    def abort(self) -> None:
        """Report the end of a call whose end the worker will not live to see."""
        self._finish(Cause.CANCELLED, Leg.DIALER, _CANCELLED, reason="the worker stopped first")

    def break_off(self, reason: str) -> None:
        """End a call that cannot go on, for a reason of our own."""
        self._finish(Cause.PROTOCOL_ERROR, Leg.DIALER, 0, reason=reason)

    def obey(self, command: Command) -> None:
        """Carry out a command about this call. What is about an agent is ignored before the answer, and an agent is
        refused once a message plays."""
        leg = self._agent_leg
        match command:
            case Cancel():
                self.cancel()
            case HangUp():
                self.end()
            case PlayMessage():
                self.play(command)
            case Prompt() | TakeMessage() | EndMessage():
                self.prompt(command)
            case DialAgent() if leg is not None:
                self._instructed = True
                self._quieten()
                leg.dial(command)
            case CancelAgent() if leg is not None:
                leg.cancel(command)
            case Join() if leg is not None:
                leg.join(command)
            case Leave(_, party) if leg is not None:
                leg.leave(party)
            case ListenOn(_, for_s) if self._line is not None:
                self._instructed = True
                self._line.listen_on(for_s)
            case HangUpAgent() if leg is not None:
                leg.hang_up()
            case Record(_, on) if leg is not None and leg.talk is not None:
                leg.talk.record(on=on)
            case Hold() if leg is not None:
                leg.hold(command)

    def prompt(self, command: Prompt | TakeMessage | EndMessage) -> None:
        """A step of a script. Ignored before the answer, while an agent is rung or talks, and once a message plays."""
        if self._prompts is None or self._message is not None or (self._agent_leg and self._agent_leg.occupied):
            return
        self._instructed = True
        match command:
            case Prompt(_, number, path):
                self._prompts.play(number, path)
            case TakeMessage(_, name, facts):
                self._prompts.take_message(RecordingOrder(name, facts))
            case EndMessage():
                self._prompts.end_message()

    def play(self, command: PlayMessage) -> None:
        """Play a message in place of an agent. Ignored before the answer and while an agent talks."""
        if self._agent_leg is None or not self.waits:
            return
        self._instructed = True
        self._quieten()
        self._agent_leg.withdraw()
        try:
            self._message = Player(command.path, self._message_ended)
        except pj.Error as error:
            sys.stderr.write(f"sip worker: the message cannot be played: {error.reason}\n")
            self._finish(Cause.MEDIA_ERROR, Leg.DIALER, _OK, reason="the message cannot be played")
            return
        self._context.after(MESSAGE_LIMIT_S, self._message_stuck)
        self._play_on()

    # --- facts ----------------------------------------------------------------------------------------------------

    def note(self, dialog: Dialog, what: fact.Fact) -> None:
        """Act on what was heard from one of the legs."""
        if isinstance(what, fact.Fault):
            self.break_off("a fault in the worker")
        elif dialog is self._callee:
            self._note_callee(dialog, what)
        elif self._agent_leg is not None:
            self._agent_leg.note(dialog, what)

    def _note_callee(self, dialog: Dialog, what: fact.Fact) -> None:
        match what:
            case fact.Sent() if not self._dialled:
                self._dialled = True
                self._context.emit(Dialled(dialog.call, self._context.now()))
            case fact.Heard(answer) if answer.code >= _OK:
                if answer.code < 300:
                    self._note_answer(dialog)
            case fact.Heard(answer):
                cancelling.heard(self._context, dialog)
                self._note_progress(dialog, answer)
            case fact.Confirmed():
                self._note_answer(dialog)
            case fact.MediaReady() | fact.Held():
                if self._agent_leg is not None:
                    self._agent_leg.connect()
                if self._prompts is not None:
                    self._prompts.connect()
                self._listen()
                self._play_on()
            case fact.Key(digit):
                self._context.emit(Digit(dialog.call, self._context.now(), digit))
                if self._agent_leg is not None:
                    self._agent_leg.press(digit)
            case fact.Vanished(cause):
                self._finish(cause, Leg.CALLEE, _OK)
            case fact.Gone(answer):
                self._note_gone(dialog, answer)

    def _note_progress(self, dialog: Dialog, answer: Answer) -> None:
        progress = (answer.code, answer.has_sdp)
        if answer.code > 100 and progress != self._progress and not self._answered:
            self._progress = progress
            self._context.emit(Progress(dialog.call, self._context.now(), answer.code, early_media=answer.has_sdp))

    def _note_answer(self, dialog: Dialog) -> None:
        if self._answered:
            return
        self._answered = True
        self._agent_leg = AgentLeg(dialog, self._context, self._bridged, self._agent_left)
        self._prompts = Prompts(dialog, self._context)
        self._context.emit(Answered(dialog.call, self._context.now(), crossed_cancel=dialog.cancelling))
        self._listen()
        if self._context.stopping:
            self.end()
        elif dialog.cancelling:
            self._context.after(FORGOTTEN_S, self._end_if_forgotten)

    def _note_gone(self, dialog: Dialog, answer: Answer) -> None:
        if 200 <= answer.code < 300:
            self._note_answer(dialog)
        if self._answered:
            cause = cause_after_answer(dialog, answer)
            by = Leg.CALLEE if cause is Cause.NORMAL else Leg.NETWORK
            self._finish(cause, by, _OK, q850=answer.q850, reason=answer.reason)
            return
        if dialog.cancelling and answer.code == _CANCELLED:
            cause, by = Cause.CANCELLED, Leg.DIALER
        else:
            cause = classify(sip_code=answer.code, q850=answer.q850, reason=answer.reason, heard_anything=dialog.heard)
            by = Leg.CALLEE if cause in _BY_CALLEE else Leg.NETWORK
        self._finish(cause, by, answer.code, answer.q850, answer.reason, answer.retry_after_s)

    # --- steps ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def _open(self) -> None:
        """Open the leg of the far end, or finish."""

    def _let_go(self, callee: Dialog) -> None:
        """End the leg, however far it got."""
        if callee.answered:
            callee.bye()
        else:
            cancelling.give_up(self._context, callee, CANCEL_PATIENCE_S)

    def _give_up(self) -> None:
        if not (self._answered or self._over):
            self.end()

    def _end_if_forgotten(self) -> None:
        if not (self._instructed or self._over):
            self.end()

    def _bridged(self) -> None:
        limit_s = self._context.endpoint.talk_limit_s
        if limit_s:
            end = partial(self._finish, Cause.TALK_LIMIT, Leg.DIALER, _OK)
            self._limits.append(self._context.after(limit_s, end))

    def _agent_left(self, cause: Cause, *, keeps_callee: bool) -> None:
        if not keeps_callee:
            self._finish(cause, Leg.AGENT, _OK)
            return
        self._instructed = False
        self._context.after(FORGOTTEN_S, self._end_if_forgotten)

    def _listen(self) -> None:
        callee = self._callee
        if callee is None or not (self._answered and callee.has_media and self._listen_s):
            return
        if self._line is not None:
            self._line.connect()
        elif self._context.endpoint.listening:
            self._line = LineFile(callee, self._context, self._listen_s, lambda: self.waits)

    def _quieten(self) -> None:
        if self._prompts is not None:
            self._prompts.close()

    def _play_on(self) -> None:
        if self._message is not None and self._callee is not None and self._callee.has_media:
            self._context.endpoint.keep_clock(0.0)
            self._message.play_to(self._callee.audio())

    def _message_ended(self) -> None:
        self._context.after(TAIL_S, self._message_heard)

    def _message_heard(self) -> None:
        if not self._over:
            self._context.emit(MessageDone(self._name, self._context.now()))
            self._finish(Cause.NORMAL, Leg.DIALER, _OK)

    def _message_stuck(self) -> None:
        self._finish(Cause.MEDIA_ERROR, Leg.DIALER, _OK, reason="the message did not end")

    def _finish(
        self, cause: Cause, by: Leg, sip_code: int, q850: int = 0, reason: str = "", retry_after_s: float = 0.0
    ) -> None:
        if self._over:
            return
        self._over = True
        at = self._context.now()
        for forget in self._limits:
            forget()
        if self._message is not None:
            self._message.close()
            self._message = None
        self._quieten()
        if self._line is not None:
            self._line.close()
        if self._agent_leg is not None:
            self._agent_leg.end()
        callee, self._callee = self._callee, None
        if callee is not None:
            self._let_go(callee)
            self._context.release(callee)
        self._context.finish(Ended(self._name, at, cause, by, sip_code, q850, reason, retry_after_s))


class DialledCall(Call):
    """One call, from its `Dial` on."""

    def __init__(self, order: Dial, context: Context) -> None:
        super().__init__(order.call, context)
        self._order = order
        self._listen_s = order.listen_s

    def _open(self) -> None:
        try:
            self._callee = self._context.endpoint.dial(self._order)
        except RefusedError as error:
            self._finish(error.cause, Leg.DIALER, 0, reason=str(error))
            return
        after, first_answer_s = self._context.after, self._context.endpoint.first_answer_s(self._order.trunk)
        self._limits = [after(first_answer_s, self._check_heard), after(self._order.give_up_s, self._give_up)]

    def _check_heard(self) -> None:
        if self._callee is not None and not self._callee.heard:
            cancelling.abandon(self._context, self._callee)
