"""The agent's leg of an answered call: dialled, perhaps cancelled for another one, bridged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from sip.causes import Cause, classify
from sip.messages import AgentDialled, AgentEnded, Bridged, CancelAgent, DialAgent, RecordingOrder
from sip.parties.messages import Hold, Join
from sip.scripts.messages import AgentLeft
from sip.standing.messages import NO_CUE
from sip.worker import cancelling
from sip.worker import dialog as fact
from sip.worker.context import Context
from sip.worker.dialog import Dialog
from sip.worker.endpoint import RefusedError
from sip.worker.parties.talk import Talk
from sip.worker.sip_text import Answer

NOTHING_HEARD_S: Final = 2.0
"""An agent's phone that has not said anything by now is unreachable. A person is waiting on the other leg."""

CANCEL_PATIENCE_S: Final = 1.0
"""How long an agent's phone may take to end after our CANCEL."""

OK: Final = 200
CANCELLED: Final = 487


class AgentLeaves(Protocol):
    """Told when a bridged agent is gone, and whether the callee stays."""

    def __call__(self, cause: Cause, *, keeps_callee: bool) -> None: ...


class AgentLeg:
    """Brings one agent at a time to the callee; `has_bridged` is called once both hear each other,
    `agent_left` when a bridged agent is gone, with whether the callee stays."""

    def __init__(
        self, callee: Dialog, context: Context, has_bridged: Callable[[], None], agent_left: AgentLeaves
    ) -> None:
        self.talk: Talk | None = None
        self._callee = callee
        self._context = context
        self._has_bridged = has_bridged
        self._agent_left = agent_left
        self._agent: Dialog | None = None
        self._leg = ""
        self._next: DialAgent | None = None
        self._order, self._cue = RecordingOrder(), NO_CUE
        self._keeps_callee = False
        self._over = False

    @property
    def bridged(self) -> bool:
        """Whether both hear each other, or did: until the call ends."""
        return self.talk is not None

    @property
    def occupied(self) -> bool:
        """Whether an agent talks, is rung, or is about to be."""
        return self._agent is not None or self._next is not None

    def dial(self, command: DialAgent) -> None:
        """Dial an agent; the next one may be named while the one before is still being cancelled."""
        vacant = self._agent is None or (self._agent.cancelling and not self.bridged)
        if self._over or not vacant or self._next is not None:
            self._failed(command.leg, Cause.NOT_SENT, 0)
            return
        self._next = command
        self._start_next()

    def cancel(self, command: CancelAgent) -> None:
        """Give up on an agent who has not answered."""
        if self._next is not None and command.leg == self._next.leg:
            self._next = None
            self._failed(command.leg, Cause.CANCELLED, 0)
        elif command.leg == self._leg:
            self._cancel()

    def hang_up(self) -> None:
        """Hang up on a bridged agent, and keep the callee, or leave it with a third party that stays. Where one is in
        the agent's place already, keep the callee when that one goes."""
        if self.talk is None:
            return
        self._keeps_callee = self._keeps_callee or self._agent is None or not self.talk.has_successor
        if self._agent is not None:
            self._let_go(self._agent, Cause.NORMAL, OK)

    def withdraw(self) -> None:
        """No agent is wanted any more; the callee stays on the line."""
        if self._next is not None:
            self._failed(self._next.leg, Cause.CANCELLED, 0)
            self._next = None
        self._over = True
        self._cancel()

    def end(self) -> None:
        """The call is over: hang up, report nothing."""
        self._over = True
        if self.talk is not None:
            self.talk.close()
        self._next = None
        agent, self._agent = self._agent, None
        if agent is None:
            return
        if agent.answered:
            agent.bye()
        else:
            cancelling.give_up(self._context, agent, CANCEL_PATIENCE_S)
        self._context.release(agent)

    def note(self, dialog: Dialog, what: fact.Fact) -> None:
        """Act on what was heard from the agent's phone."""
        if dialog is not self._agent:
            return
        match what:
            case fact.Sent():
                self._context.emit(AgentDialled(dialog.call, self._leg, self._context.now()))
            case fact.Heard():
                cancelling.heard(self._context, dialog)
            case fact.Confirmed() if self._over:
                self._let_go(dialog, Cause.CANCELLED, CANCELLED)
            case fact.Confirmed() | fact.MediaReady() | fact.Held():
                self.connect()
            case fact.Gone(answer):
                self._let_go(dialog, cause_of_end(dialog, answer), answer.code or OK)
            case fact.Key(digit) if self.bridged:
                self._callee.press(digit)
            case fact.Vanished(cause):
                self._let_go(dialog, cause, OK)

    def press(self, digit: str) -> None:
        """The callee pressed a key: pass it on to an agent who talks."""
        if self.talk is not None and self._agent is not None:
            self._agent.press(digit)

    def connect(self) -> None:
        """Bridge the legs if both are answered and have audio; again after a re-INVITE."""
        callee, agent = self._callee, self._agent
        if self._over:
            return
        if self.talk is not None:
            self.talk.connect()
        elif agent is not None and _is_heard(callee) and _is_heard(agent):
            self.talk = Talk(callee, agent, self._context, self._order)
            self._next_is_not_needed()
            self._context.emit(Bridged(agent.call, self._leg, self._context.now()))
            self._has_bridged()
            self.talk.connect()
            self.talk.play_cue(self._cue)

    def join(self, order: Join) -> None:
        """A third party comes into the talk, or is to be heard by others."""
        if self.talk is not None and not self._over:
            self.talk.join(order)

    def leave(self, party: str) -> None:
        """A third party has left, and with it perhaps the last who was with the callee."""
        if self.talk is not None and not self._over:
            self.talk.leave(party)
            self._end_if_alone(self.talk)

    def hold(self, order: Hold) -> None:
        """Put the callee on hold, or go on; the one that was waited for may not come."""
        if self.talk is not None and not self._over:
            self.talk.hold(on=order.on, awaits=order.awaits)
            self._end_if_alone(self.talk)

    def _end_if_alone(self, talk: Talk) -> None:
        if not talk.goes_on:
            self._has_left(Cause.NORMAL)

    def _start_next(self) -> None:
        command = self._next
        if command is None or self._agent is not None or self._over:
            return
        now = self._context.now()
        room_at = self._context.endpoint.room_at(now, for_agent=True)
        if room_at > now:
            self._context.after(room_at - now, self._start_next)
            return
        self._next = None
        try:
            agent = self._context.endpoint.dial_phone(command)
        except RefusedError as error:
            self._failed(command.leg, error.cause, 0)
            return
        self._agent, self._leg, self._order, self._cue = agent, command.leg, command.recording, command.cue
        self._keeps_callee = command.keeps_callee
        self._context.after(NOTHING_HEARD_S, lambda: self._check_heard(agent))

    def _check_heard(self, agent: Dialog) -> None:
        if agent is self._agent and not agent.heard:
            cancelling.abandon(self._context, agent)

    def _cancel(self) -> None:
        agent = self._agent
        if agent is None or self.bridged:
            return
        if agent.answered:
            self._let_go(agent, Cause.CANCELLED, CANCELLED)
        elif agent.heard:
            cancelling.give_up(self._context, agent, CANCEL_PATIENCE_S)
        else:
            cancelling.abandon(self._context, agent, cancelling.TERMINATED)

    def _let_go(self, agent: Dialog, cause: Cause, sip_code: int) -> None:
        agent.bye()
        self._context.release(agent)
        self._agent = None
        if self.talk is None:
            self._failed(self._leg, cause, sip_code)
            # The leg's slot is free only after the facts of this round have been dealt with.
            self._context.after(0.0, self._start_next)
            return
        self.talk.agent_left()
        self._has_left(cause)

    def _has_left(self, cause: Cause) -> None:
        """The agent is gone, or the last who stayed in the agent's place."""
        if self.talk is not None and not self.talk.goes_on:
            self.talk.close()
            self.talk = None
        if self.talk is not None or self._keeps_callee:
            self._context.emit(AgentLeft(self._callee.call, self._context.now(), cause, alone=self.talk is None))
        if self.talk is None:
            self._agent_left(cause, keeps_callee=self._keeps_callee)

    def _next_is_not_needed(self) -> None:
        if self._next is not None:
            self._failed(self._next.leg, Cause.CANCELLED, 0)
            self._next = None

    def _failed(self, leg: str, cause: Cause, sip_code: int) -> None:
        self._context.emit(AgentEnded(self._callee.call, leg, self._context.now(), cause, sip_code))


def cause_after_answer(dialog: Dialog, answer: Answer) -> Cause:
    """Why an answered leg ended: by the far end's BYE (code 0), or by the library's own."""
    if not answer.code:
        return Cause.NORMAL
    return Cause.SESSION_EXPIRED if dialog.has_media else Cause.MEDIA_ERROR


def _is_heard(leg: Dialog) -> bool:
    return leg.answered and leg.has_media and not leg.on_hold


def cause_of_end(agent: Dialog, answer: Answer) -> Cause:
    """Why the leg of a phone ended."""
    if agent.answered:
        return cause_after_answer(agent, answer)
    if agent.cancelling and answer.code == CANCELLED:
        return Cause.CANCELLED
    if not agent.heard:
        return Cause.UNREACHABLE
    return classify(sip_code=answer.code, q850=answer.q850, reason=answer.reason)
