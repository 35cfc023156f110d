"""A worker process: one thread that turns commands into SIP and what comes of it into events.

It sleeps until a datagram or a command arrives, or something is due. The end of the command stream means that the
daemon is gone: hang up everything and exit.
"""

from __future__ import annotations

import heapq
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import pjsua2 as pj

from sip import wire
from sip.inbound.messages import Answer
from sip.messages import CallEvent, Command, Dial, Ended, Event, Ping, Pong, Ready, SlotsHeld, StartFailed, Stop
from sip.parties.messages import DialParty
from sip.settings import WorkerSettings
from sip.standing.messages import DialStanding
from sip.worker import dialog as fact
from sip.worker.call import Call, DialledCall
from sip.worker.dialog import Dialog
from sip.worker.endpoint import Endpoint
from sip.worker.inbound.call import ArrivedCall
from sip.worker.parties.party_call import PartyCall
from sip.worker.standing.leg import StandingLeg

AnyCall = Call | PartyCall | StandingLeg

IDLE_S: Final = 5.0
CALLS_S: Final = 1.0
"""Longest sleep without calls, and with some: so often the far ends of answered legs are looked after."""

REPEATING_S: Final = 0.5
"""The library's own timers are noticed when it is asked, so it is asked this often while it may have to repeat
something."""

PLAYING_S: Final = 0.02
"""The end of a message is only noticed when `libHandleEvents` returns."""

SETTINGS_WAIT_S: Final = 30.0
STOP_S: Final = 2.0
STOP_CANCEL_PATIENCE_S: Final = 0.8
SLOT_PATIENCE_S: Final = 1.0
"""How long an `Ended` waits for the far end to answer our BYE, which frees the slot."""

OUTPUT_LIMIT_BYTES: Final = 4 * 1024 * 1024
"""Events that the daemon has not read. Beyond this it is taken to be gone."""


def run(stream: socket.socket, slots: int) -> None:
    """The life of a worker with `slots` call slots. Returns when it is told to stop or the daemon is gone."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # the daemon decides when calls end
    os.umask(0o077)  # what the library writes, recordings, is for nobody else
    settings, decoder, early = _first_frame(stream)
    if settings is None:
        return
    stream.setblocking(False)
    try:
        endpoint = Endpoint(settings, slots)
    except (pj.Error, OSError, RuntimeError, ValueError) as error:
        reason = error.reason if isinstance(error, pj.Error) else str(error)
        stream.setblocking(True)
        stream.sendall(wire.encode(StartFailed(f"the SIP library did not start: {reason}")))
        return
    worker = Worker(endpoint, stream, decoder)
    worker.say(Ready(slots, endpoint.sip_port, os.getpid()))
    worker.run(early)


def _first_frame(stream: socket.socket) -> tuple[WorkerSettings | None, wire.Decoder, list[wire.Message]]:
    decoder = wire.Decoder()
    stream.settimeout(SETTINGS_WAIT_S)
    while data := stream.recv(wire.READ_BYTES):  # a TimeoutError ends the process
        messages = decoder.feed(data)
        if messages:
            if not isinstance(messages[0], WorkerSettings):
                raise wire.WireError("the first frame must be WorkerSettings")
            return messages[0], decoder, messages[1:]
    return None, decoder, []


@dataclass(order=True, slots=True)
class _Timer:
    at: float
    number: int
    action: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        self.action = None


class Worker:
    """The endpoint, the daemon's stream, the calls and the timers of one process."""

    def __init__(self, endpoint: Endpoint, stream: socket.socket, decoder: wire.Decoder) -> None:
        self.endpoint = endpoint
        self.stopping = False
        self._stream = stream
        self._decoder = decoder
        self._output = bytearray()
        self._calls: dict[str, AnyCall] = {}
        self._timers: list[_Timer] = []
        self._checked_at = 0.0
        self._timer_numbers = itertools.count()
        self._closing: list[Dialog] = []
        self._ended: dict[str, tuple[float, Ended]] = {}
        self._held = 0
        self._stop_by = 0.0
        self._has_ended = False

    # --- what a call sees (`context.Context`) -------------------------------------------------------------------------

    def now(self) -> float:
        return time.monotonic()

    def after(self, delay_s: float, action: Callable[[], None]) -> Callable[[], None]:
        timer = _Timer(self.now() + delay_s, next(self._timer_numbers), action)
        heapq.heappush(self._timers, timer)
        return timer.cancel

    def emit(self, event: CallEvent) -> None:
        self.say(event)

    def release(self, dialog: Dialog) -> None:
        self._closing.append(dialog)

    def finish(self, ended: Ended) -> None:
        self._calls.pop(ended.call, None)
        self._ended[ended.call] = (self.now() + SLOT_PATIENCE_S, ended)

    # --- the loop -------------------------------------------------------------------------------------------------

    def say(self, event: Event) -> None:
        """Queue an event; it leaves at the end of this turn."""
        self._output += wire.encode(event)

    def run(self, early: list[wire.Message]) -> None:
        """Turn until stopped. `early` came together with the settings."""
        self.endpoint.watch(self._stream)
        self._obey(early)
        self._flush()
        while not self._is_done():
            self.endpoint.poll(self._patience_s())
            self._act_on_facts()
            self._sweep()
            if self.endpoint.is_ready(self._stream):
                self._obey(self._read())
            self._run_timers()
            self._check_legs()
            self._act_on_facts()
            self._sweep()
            self._flush()
        for call in list(self._calls.values()):
            call.abort()
        for _, ended in self._ended.values():
            self.say(ended)
        self._flush()

    def _is_done(self) -> bool:
        if not self.stopping:
            return False
        return not (self._calls or self._ended or self._closing) or self.now() >= self._stop_by

    def _patience_s(self) -> float:
        limit_s = max(self._checked_at + CALLS_S - self.now(), 0.0) if self._calls else IDLE_S
        if self._closing or self.endpoint.may_repeat():
            limit_s = min(limit_s, REPEATING_S)
        if self._output or any(call.plays for call in self._calls.values()):
            limit_s = PLAYING_S
        while self._timers and self._timers[0].action is None:
            heapq.heappop(self._timers)
        if self._timers:
            limit_s = min(limit_s, max(self._timers[0].at - self.now(), 0.0) + 0.001)
        if self._ended:
            limit_s = min(limit_s, SLOT_PATIENCE_S / 4)
        return limit_s

    def _act_on_facts(self) -> None:
        facts = self.endpoint.facts
        while facts:
            dialog, what = facts.popleft()
            if isinstance(what, fact.Confirmed):
                self.endpoint.hear_contact(dialog)
            call = self._calls.get(dialog.call)
            if call is not None:
                self._spare_the_others(call, partial(call.note, dialog, what))
            elif isinstance(what, fact.Confirmed):
                dialog.bye()  # it answered across the CANCEL of a call that is over

    def _spare_the_others(self, call: AnyCall, step: Callable[[], None]) -> None:
        """What the library refuses ends this call, not the worker with all its calls."""
        try:
            step()
        except pj.Error as error:
            sys.stderr.write(f"sip worker: the SIP library refused a step of a call: {error.reason}\n")
            call.break_off("the SIP library refused a step")

    def _check_legs(self) -> None:
        now = self.now()
        if now - self._checked_at >= CALLS_S:
            self._checked_at = now
            self.endpoint.check_legs(now)

    def _run_timers(self) -> None:
        now = self.now()
        while self._timers and self._timers[0].at <= now:
            action = heapq.heappop(self._timers).action
            if action is not None:
                action()

    def _sweep(self) -> None:
        """Destroy legs whose slots are free, then report the calls that have no leg left."""
        if not (self._closing or self._ended):
            return
        now = self.now()
        remaining: list[Dialog] = []
        for dialog in self._closing:
            if dialog.slot_is_free():
                self.endpoint.close(dialog, now)
            else:
                remaining.append(dialog)
        if len(remaining) != len(self._closing):
            self._rest_clock()
        self._closing = remaining
        waiting = {dialog.call for dialog in remaining}
        for call, (patience_until, ended) in list(self._ended.items()):
            if call not in waiting or now >= patience_until or self.stopping:
                del self._ended[call]
                self._tell_held()
                self.say(ended)
        self._tell_held()

    def _tell_held(self) -> None:
        held = sum(dialog.call not in self._ended and dialog.call not in self._calls for dialog in self._closing)
        if held != self._held:
            self._held = held
            self.say(SlotsHeld(held))

    def _rest_clock(self) -> None:
        now = self.now()
        again_at = self.endpoint.rest_clock(now, any(call.needs_clock for call in self._calls.values()))
        if again_at is not None:
            self.after(again_at - now, self._rest_clock)

    # --- the daemon's stream --------------------------------------------------------------------------------------

    def _read(self) -> list[wire.Message]:
        messages: list[wire.Message] = []
        while True:
            try:
                data = self._stream.recv(wire.READ_BYTES)
            except BlockingIOError:
                return messages
            except ConnectionError:
                data = b""
            if not data:
                self._stream_ended()
                return messages
            messages += self._decoder.feed(data)

    def _stream_ended(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self.endpoint.forget(self._stream)
            self._stop()

    def _flush(self) -> None:
        while self._output:
            try:
                sent = self._stream.send(self._output)
            except BlockingIOError:
                if len(self._output) > OUTPUT_LIMIT_BYTES:
                    sys.stderr.write("sip worker: the daemon does not read its events; stopping\n")
                    self._output.clear()
                    self._stop()
                return
            except ConnectionError:
                self._output.clear()
                self._stop()
                return
            del self._output[:sent]

    def _obey(self, messages: list[wire.Message]) -> None:
        for message in messages:
            match message:
                case Dial():
                    self._begin(message.call, DialledCall(message, self))
                case Answer():
                    self._begin(message.call, ArrivedCall(message, self))
                case DialParty():
                    self._begin(message.call, PartyCall(message, self))
                case DialStanding():
                    self._begin(message.call, StandingLeg(message, self))
                case Ping(number):
                    self.say(Pong(number))
                case WorkerSettings(trunks):
                    self.endpoint.set_trunks(trunks)
                case Stop():
                    self._stop()
                case _ if isinstance(message, Command):
                    held = self._calls.get(message.call)
                    if held is not None:
                        self._spare_the_others(held, partial(held.obey, message))
                case _:
                    raise wire.WireError(f"{type(message).__name__} is no command")

    def _begin(self, name: str, call: AnyCall) -> None:
        if name in self._calls or name in self._ended:
            raise wire.WireError("a call of this name is there already")
        self._calls[name] = call
        if self.stopping:
            call.end()
        else:
            call.start()

    def _stop(self) -> None:
        if self.stopping:
            return
        self.stopping = True
        self._stop_by = self.now() + STOP_S
        for call in list(self._calls.values()):
            call.end(STOP_CANCEL_PATIENCE_S)
