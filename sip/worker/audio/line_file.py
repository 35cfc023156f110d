"""What one callee says, in a file that somebody else reads while it grows."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pjsua2 as pj

from sip.detection.messages import Listening
from sip.worker.context import Context
from sip.worker.dialog import Dialog

CHECK_S: Final = 1.0

_NUMBERS: Final = itertools.count(1)


class LineFile:
    """Listens to one callee for `for_s`, and on while that `waits` for somebody. Whatever fails here costs the verdict,
    never the call."""

    def __init__(self, callee: Dialog, context: Context, for_s: float, waits: Callable[[], bool]) -> None:
        """Begin, and say so."""
        self._callee = callee
        self._context = context
        self._waits = waits
        self._until = context.now() + for_s
        self._recorder: pj.AudioMediaRecorder | None = pj.AudioMediaRecorder()
        path = Path(context.endpoint.listening) / f"{os.getpid()}-{next(_NUMBERS)}.wav"
        try:
            self._recorder.createRecorder(str(path))
            self.connect()
        except pj.Error as error:
            self._recorder = None
            context.emit(Listening(callee.call, context.now(), "", str(error.reason)))
        else:
            context.emit(Listening(callee.call, context.now(), str(path)))
            self._look()

    @property
    def is_open(self) -> bool:
        """Whether audio passes through the bridge for it."""
        return self._recorder is not None

    def connect(self) -> None:
        """The callee has audio; again after a re-INVITE."""
        if self._recorder is not None:
            self._context.endpoint.keep_clock(0.0)
            self._callee.audio().startTransmit(self._recorder)

    def listen_on(self, for_s: float) -> None:
        """Go on for so long from now."""
        self._until = self._context.now() + for_s

    def _look(self) -> None:
        """Whether it is time to stop. A leg that nobody listens to any more would fall behind by what its jitter buffer
        holds, so the file has it until an agent has, or a message plays."""
        left_s = self._until - self._context.now()
        if left_s <= 0 and not self._waits():
            self.close()
        elif self.is_open:
            self._context.after(max(left_s, CHECK_S), self._look)

    def close(self) -> None:
        """Listen no more."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.__swig_destroy__(recorder)
