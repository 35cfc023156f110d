"""A leg that somebody else has placed."""

from __future__ import annotations

import sys
import traceback
from typing import Any, Final

import pjsua2 as pj

from sip.worker import sip_text
from sip.worker.dialog import Dialog

_OK: Final = 200


class CalledDialog(Dialog):
    """It has been answered when the far end's ACK has come. `said` is the last that we said to the INVITE."""

    said = ""

    @property
    def our_tag(self) -> str:
        named = sip_text.named(self.said) if self.said else None
        return "" if named is None else named.tag

    def take(self) -> None:
        """Say 200. Raises `pj.Error` if the library refuses."""
        parameters = pj.CallOpParam(True)
        parameters.statusCode = _OK
        parameters.opt.audioCount = 1
        parameters.opt.videoCount = 0
        self.answer(parameters)

    def onCallTsxState(self, prm: Any) -> None:
        try:
            state = prm.e.body.tsxState
            if not self.answered and state.tsx.role == pj.PJSIP_ROLE_UAS and state.type == pj.PJSIP_EVENT_TX_MSG:
                self.said = state.src.tdata.wholeMsg
        except Exception:  # one that leaves a callback would end the process inside C++
            traceback.print_exc(file=sys.stderr)
        super().onCallTsxState(prm)
