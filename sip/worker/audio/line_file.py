"""What one callee says, in a file that somebody else reads while it grows."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Final

import pjsua2 as pj

from sip.detection.messages import Listening
from sip.worker.context import Context
from sip.worker.dialog import Dialog

_NUMBERS: Final = itertools.count(1)


class LineFile:
    """Listens to one callee from the answer until `close`. Whatever fails here costs the verdict, never the call."""

    def __init__(self, callee: Dialog, context: Context) -> None:
        """Begin, and say so."""
        self._callee = callee
        self._context = context
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

    @property
    def is_open(self) -> bool:
        """Whether audio passes through the bridge for it."""
        return self._recorder is not None

    def connect(self) -> None:
        """The callee has audio; again after a re-INVITE."""
        if self._recorder is not None:
            self._context.endpoint.keep_clock(0.0)
            self._callee.audio().startTransmit(self._recorder)

    def close(self) -> None:
        """Listen no more."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.__swig_destroy__(recorder)
