"""One INVITE of ours: what pjsua2 says about it, as facts, and what can be done to it.

Callbacks only note facts; they are acted upon after `libHandleEvents` has returned, so that no call is touched from
inside the library. A `Dialog` must be destroyed as soon as `slot_is_free`, before another call is made: the library
reuses call ids, and the destructor of an old object would hang up the new call that got its id (seen with 2.15.1).
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, TypeVar

import pjsua2 as pj

from sip.causes import Cause
from sip.worker import sip_text
from sip.worker.media_sockets import MediaSockets

CHECK_STEP_S: Final = 2.0
"""The longest time between two looks at a leg that counts as silence."""

_NO_CALL: Final = -1
_OK: Final = 200
_REFUSED: Final = 603
_FORGOTTEN: Final = frozenset({408, 481})


@dataclass(frozen=True, slots=True)
class Invited:
    """A far end has placed this leg, and waits for an answer."""


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
class Held:
    """The far end does not want to hear us for a while; `MediaReady` is the end of it."""


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
class Vanished:
    """The far end of an answered leg is no longer there: nothing came for too long, or it does not know the call."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class Fault:
    """A callback failed; the traceback went to stderr."""


Fact = Invited | Sent | Heard | Confirmed | MediaReady | Held | Gone | Key | Vanished | Fault

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
    """One leg of the call `call`, ours to place unless the library has its `number` already. Facts go to `facts` as
    (dialog, fact)."""

    def __init__(self, call: str, account: Any, facts: deque[tuple[Dialog, Fact]], number: int = _NO_CALL) -> None:
        super().__init__(account, number)
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
        self.on_hold = False  # it was, and is not at the moment
        self.call_id = ""
        self.contact = ""
        self.media: MediaSockets | None = None
        self._stream = -1  # the index of an audio stream that is not on hold
        self._packets = 0
        self._silent_s = 0.0
        self._checked_at = 0.0
        self._keeps_timer = False
        self._asked_at = 0.0

    @property
    def our_tag(self) -> str:
        """The tag that names us in the dialog; empty until there is one."""
        return sip_text.our_tag(self.invite)

    @property
    def may_repeat(self) -> bool:
        """Whether the library may have to send something again: nothing has come back for our INVITE, or no ACK for our
        answer to somebody else's."""
        return not self.heard or not (self.invite or self.answered)

    def place(self, uri: str, from_header: str, headers: Iterable[str] = ()) -> None:
        """Send the INVITE, with further `headers`. Raises `pj.Error` if the library refuses."""
        parameters = pj.CallOpParam(True)
        parameters.opt.audioCount = 1
        parameters.opt.videoCount = 0
        parameters.txOption.localUri = from_header
        for text in headers:
            header = pj.SipHeader()
            header.hName, _, header.hValue = text.partition(": ")
            parameters.txOption.headers.append(header)
        self.makeCall(uri, parameters)

    def bye(self) -> None:
        """Hang up an answered leg. Nothing more is heard of it; its slot is free when the far end has answered."""
        if not self.ended:
            self.ended = True
            self.hangup(pj.CallOpParam())
            self._close_media()

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

    def press(self, digit: str) -> None:
        """Send a key press (RFC 4733), where the far end takes any."""
        with contextlib.suppress(pj.Error):
            self.dialDtmf(digit)

    # --- whether the far end is still there -----------------------------------------------------------------------

    def check(self, now: float, media_timeout_s: float, session_refresh_s: float) -> None:
        """Look for signs of life of an answered leg; about once a second. A lasting silence becomes a fact."""
        if not self.answered or self.ended:
            return
        step_s = min(now - self._checked_at, CHECK_STEP_S)  # this process may have stood still
        self._checked_at = now
        if self._stream >= 0 and media_timeout_s:
            self._check_media(step_s, media_timeout_s)
        if session_refresh_s and not self._keeps_timer and now - self._asked_at >= session_refresh_s:
            if self._asked_at:
                self._ask()
            self._asked_at = now

    def _check_media(self, step_s: float, media_timeout_s: float) -> None:
        statistics = self.getStreamStat(self._stream).rtcp
        packets = statistics.rxStat.pkt + statistics.txStat.updateCount
        if packets != self._packets:
            self._packets, self._silent_s = packets, 0.0
            if self.media is not None:
                self.media.learn(self.getMedTransportInfo(self._stream).srcRtpName)
            return
        self._silent_s += step_s
        if self._silent_s >= media_timeout_s:
            self._silent_s = 0.0
            self._facts.append((self, Vanished(Cause.MEDIA_TIMEOUT)))

    def _ask(self) -> None:
        """An OPTIONS inside the dialog; 481, 408 or no answer at all means that the session is no more."""
        question = pj.CallSendRequestParam()
        question.method = "OPTIONS"
        self.sendRequest(question)

    def _close_media(self) -> None:
        if self.media is not None:
            self.media.close()
            self.media = None

    # --- callbacks ------------------------------------------------------------------------------------------------

    @_noting_faults
    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.answered = True
            self.contact = info.remoteContact
            self._facts.append((self, Confirmed()))
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED and not self.ended:
            self.ended = True
            self._close_media()
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
        if self.answered and not self._asked_at:
            return  # nothing of ours is on its way; each look at the library's structures is a copy of them
        state = prm.e.body.tsxState
        tsx = state.tsx
        method, is_ours = tsx.method, tsx.role == pj.PJSIP_ROLE_UAC
        if method == "OPTIONS" and is_ours and not self.ended:
            if tsx.state == pj.PJSIP_TSX_STATE_COMPLETED and tsx.statusCode in _FORGOTTEN:
                self._facts.append((self, Vanished(Cause.SESSION_EXPIRED)))
            return
        if method != "INVITE" or not is_ours or self.answered:
            return
        if state.type == pj.PJSIP_EVENT_TX_MSG and tsx.state == pj.PJSIP_TSX_STATE_CALLING:
            self.invite = state.src.tdata.wholeMsg
            self.destination = state.src.tdata.dstAddress
            self.call_id = sip_text.call_id(self.invite)
            self._last_response = ""
            self._facts.append((self, Sent()))
        elif state.type == pj.PJSIP_EVENT_RX_MSG and not self.answered_by_us:
            self.heard = True
            self._last_response = state.src.rdata.wholeMsg
            answer = sip_text.read(self._last_response)
            if answer.code >= _OK:
                self._keeps_timer = sip_text.keeps_timer(self._last_response)
            self._facts.append((self, Heard(answer)))

    @_noting_faults
    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()  # bound: `self.getInfo().media` would be read after it was freed
        self._stream, self._silent_s = -1, 0.0
        is_active = False
        for media in info.media:
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.has_media = is_active = True
                if media.dir & pj.PJMEDIA_DIR_DECODING:
                    self._stream = media.index
                if self.media is not None:
                    stream = self.getStreamInfo(media.index)
                    self.media.hear(stream.remoteRtpAddress, self.destination)
                self._facts.append((self, MediaReady()))
        self.on_hold = self.has_media and not is_active
        if self.on_hold:
            self._facts.append((self, Held()))

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
