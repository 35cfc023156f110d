"""One INVITE of ours: what pjsua2 says about it, as facts, and what can be done to it.

Callbacks only note facts; they are acted upon after `libHandleEvents` has returned, so that no call is touched from
inside the library. A `Dialog` must be destroyed as soon as `slot_is_free`, before another call is made: the library
reuses call ids, and the destructor of an old object would hang up the new call that got its id (seen with 2.15.1).
"""

from __future__ import annotations

import sys
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, TypeVar

import pjsua2 as pj

from sip.worker import sip_text

_NO_CALL: Final = -1
_REFUSED: Final = 603


@dataclass(frozen=True, slots=True)
class Sent:
    """The INVITE has left (again, with credentials, after a challenge)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A response to the INVITE."""

    answer: sip_text.Answer


@dataclass(frozen=True, slots=True)
class Confirmed:
    """200 OK received and acknowledged."""


@dataclass(frozen=True, slots=True)
class MediaReady:
    """An audio stream is up (again, after a re-INVITE)."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The INVITE failed, or the leg ended after its answer.

    `answer.code` is that of the response that ended it, 0 where the far end sent a BYE. A response after the answer
    is one to the library's own BYE, which it sends if the media cannot be used.
    """

    answer: sip_text.Answer


@dataclass(frozen=True, slots=True)
class Key:
    """A DTMF digit."""

    digit: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A callback failed; the traceback went to stderr."""


Fact = Sent | Heard | Confirmed | MediaReady | Gone | Key | Fault

_Callback = TypeVar("_Callback", bound=Callable[..., None])


def _noting_faults(callback: _Callback) -> _Callback:
    """An exception that leaves a callback would end the process inside C++."""

    @wraps(callback)
    def guarded(self: Dialog, prm: Any) -> None:
        try:
            callback(self, prm)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            self._facts.append((self, Fault()))

    return guarded  # type: ignore[return-value]


class Dialog(pj.Call):  # type: ignore[misc]
    """One outgoing leg of the call `call`. Facts go to `facts` as (dialog, fact)."""

    def __init__(self, call: str, account: Any, facts: deque[tuple[Dialog, Fact]]) -> None:
        super().__init__(account)
        self.call = call
        self._facts = facts
        self._last_response = ""
        self.invite = ""
        self.destination = ""
        self.heard = False
        self.answered = False
        self.cancelling = False
        self.cancel_sent = False
        self.answered_by_us = False
        self.ended = False
        self.has_media = False  # an audio stream is up, or was

    def place(self, uri: str, from_header: str) -> None:
        """Send the INVITE. Raises `pj.Error` if the library refuses."""
        parameters = pj.CallOpParam(True)
        parameters.opt.audioCount = 1
        parameters.opt.videoCount = 0
        parameters.txOption.localUri = from_header
        self.makeCall(uri, parameters)

    def bye(self) -> None:
        """Hang up an answered leg. Nothing more is heard of it; its slot is free when the far end has answered."""
        if not self.ended:
            self.ended = True
            self.hangup(pj.CallOpParam())

    def slot_is_free(self) -> bool:
        """Whether the library has let go of this call."""
        if not self.ended:
            return False
        if self.getId() == _NO_CALL:
            return True
        try:
            self.getInfo()
        except pj.Error:
            return True
        return False

    def destroy(self) -> None:
        """Free the library's object now, whoever still refers to this one. Only after `slot_is_free`."""
        self.__swig_destroy__(self)

    def audio(self) -> Any:
        """The leg's port on the conference bridge. Only after `MediaReady`."""
        return self.getAudioMedia(-1)

    # --- callbacks ------------------------------------------------------------------------------------------------

    @_noting_faults
    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.answered = True
            self._facts.append((self, Confirmed()))
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED and not self.ended:
            self.ended = True
            event = prm.e
            raw = ""
            if event.type == pj.PJSIP_EVENT_TSX_STATE and event.body.tsxState.type == pj.PJSIP_EVENT_RX_MSG:
                raw = event.body.tsxState.src.rdata.wholeMsg
            answer = sip_text.read(raw)
            if not raw or (answer.code == 0 and not raw.startswith("BYE ")):
                answer = sip_text.Answer(info.lastStatusCode, 0, info.lastReason, False)
            self.heard = self.heard or bool(raw and not self.answered_by_us)
            self._facts.append((self, Gone(answer)))

    @_noting_faults
    def onCallTsxState(self, prm: Any) -> None:
        state = prm.e.body.tsxState
        if state.tsx.method != "INVITE" or state.tsx.role != pj.PJSIP_ROLE_UAC or self.answered:
            return
        if state.type == pj.PJSIP_EVENT_TX_MSG and state.tsx.state == pj.PJSIP_TSX_STATE_CALLING:
            self.invite = state.src.tdata.wholeMsg
            self.destination = state.src.tdata.dstAddress
            self._last_response = ""
            self._facts.append((self, Sent()))
        elif state.type == pj.PJSIP_EVENT_RX_MSG and not self.answered_by_us:
            self.heard = True
            self._last_response = state.src.rdata.wholeMsg
            self._facts.append((self, Heard(sip_text.read(self._last_response))))

    @_noting_faults
    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()
        for media in info.media:
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.has_media = True
                self._facts.append((self, MediaReady()))

    @_noting_faults
    def onDtmfDigit(self, prm: Any) -> None:
        self._facts.append((self, Key(prm.digit)))

    @_noting_faults
    def onCallTransferRequest(self, prm: Any) -> None:
        prm.statusCode = _REFUSED  # a REFER would make us dial whatever the far end names

    @_noting_faults
    def onCallReplaceRequest(self, prm: Any) -> None:
        prm.statusCode = _REFUSED

    def onCallRedirected(self, prm: Any) -> int:
        return int(pj.PJSIP_REDIRECT_STOP)

    # --- messages written by hand, see `sip_text` -----------------------------------------------------------------

    def cancel_message(self) -> bytes:
        """The CANCEL for the INVITE as it was last sent."""
        return sip_text.cancel(self.invite)

    def local_answer(self, code: int, phrase: str) -> bytes:
        """A final answer of our own that ends the INVITE transaction when it is received on our own port."""
        self.answered_by_us = True
        return sip_text.local_answer(self.invite, self._last_response, code, phrase)
