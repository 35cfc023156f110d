"""What a callee hears and says in a script: one WAV file at a time, one message at a time."""

from __future__ import annotations

from typing import Final

import pjsua2 as pj

from sip.messages import RecordingOrder
from sip.scripts.messages import PromptDone
from sip.worker.audio.player import Player
from sip.worker.audio.recorder import Recorder
from sip.worker.context import Context
from sip.worker.dialog import Dialog

TAIL_S: Final = 0.15
"""The player reports the end of its file; the last frames are then still on their way."""


NO_PROMPT: Final = 0
"""The number by which is told that a message cannot be recorded."""


class Prompts:
    """Plays to one callee and records what it says. Whatever fails is told; the daemon decides."""

    def __init__(self, callee: Dialog, context: Context) -> None:
        self._callee = callee
        self._context = context
        self._player: Player | None = None
        self._number = 0
        self._recorder: Recorder | None = None

    @property
    def plays(self) -> bool:
        """Whether something is being played."""
        return self._player is not None

    @property
    def needs_clock(self) -> bool:
        """Whether audio passes through the bridge."""
        return self.plays or self._recorder is not None

    def play(self, number: int, path: str) -> None:
        """Play a file, in place of what plays now. `PromptDone` with this number says that it has come to its end, or
        why it cannot be played."""
        self._stop_playing()
        self._number = number
        try:
            self._player = Player(path, lambda: self._context.after(TAIL_S, lambda: self._ended(number)))
        except pj.Error as error:
            self._context.emit(PromptDone(self._callee.call, number, self._context.now(), str(error.reason)))
            return
        self.connect()

    def take_message(self, order: RecordingOrder) -> None:
        """Record what the callee says; nothing is played meanwhile."""
        self._stop_playing()
        self.end_message()
        endpoint, call = self._context.endpoint, self._callee.call

        def report(on: bool, problem: str) -> None:
            if problem:
                self._context.emit(PromptDone(call, NO_PROMPT, self._context.now(), problem))

        self._recorder = Recorder(endpoint.recordings, order, endpoint.silence, report)
        self.connect()

    def end_message(self) -> None:
        """The message is complete."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.close()

    def connect(self) -> None:
        """The callee has audio; again after a re-INVITE."""
        if not (self.needs_clock and self._callee.has_media):
            return
        endpoint = self._context.endpoint
        endpoint.keep_clock(0.0)
        if self._player is not None:
            self._player.play_to(self._callee.audio())
        if self._recorder is not None:
            self._recorder.connect(self._callee.audio(), [endpoint.silence()])

    def close(self) -> None:
        """The call is over."""
        self._stop_playing()
        self.end_message()

    def _ended(self, number: int) -> None:
        if number == self._number and self._player is not None:
            self._stop_playing()
            self._context.emit(PromptDone(self._callee.call, number, self._context.now()))

    def _stop_playing(self) -> None:
        player, self._player = self._player, None
        if player is not None:
            player.close()
