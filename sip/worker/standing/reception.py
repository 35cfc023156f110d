"""Talks that come to agents' phones: INVITEs of this host's other workers, known by a token in the Request-URI."""

from __future__ import annotations

import re
from collections import deque
from typing import Any, Final

import pjsua2 as pj

from sip.worker import sip_text
from sip.worker.dialog import Dialog, Fact, Invited
from sip.worker.inbound.called import CalledDialog
from sip.worker.socket_filter import next_descriptor

_USER: Final = re.compile(r"sips?:([^@>\s]{1,64})@")
_NOBODY: Final = 480


class InnerDialog(CalledDialog):
    """The leg between a talk's worker, which has placed it, and an agent's phone in this one. `first_descriptor` is
    that of its RTP or RTCP socket."""

    def __init__(self, account: Any, facts: deque[tuple[Dialog, Fact]], number: int, first_descriptor: int) -> None:
        super().__init__("", account, facts, number)
        info = self.getInfo()
        self.first_descriptor = first_descriptor
        self.token = _user(info.localUri)
        self.call_id = info.callIdString
        self.heard = True

    def refuse(self) -> None:
        """Say that nobody is here."""
        self.ended = True
        parameters = pj.CallOpParam()
        parameters.statusCode = _NOBODY
        self.hangup(parameters)

    def hold(self, *, on: bool) -> None:
        """Let the other worker know that the phone is on hold, or no longer. Raises `pj.Error`."""
        parameters = pj.CallOpParam(True)
        if on:
            self.setHold(parameters)
        else:
            parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
            self.reinvite(parameters)

    def bye_of_far_end(self, own: str) -> bytes:
        """What the other worker would say at the end, if it were not dead: nobody will answer a BYE of ours, and the
        library would keep the slot for 32 s. `own` is our HOST:PORT."""
        return sip_text.bye_of_far_end(self.said, own)


class Reception:
    """Which tokens lead to which calls of this worker."""

    def __init__(self, facts: deque[tuple[Dialog, Fact]]) -> None:
        self._facts = facts
        self._calls: dict[str, str] = {}
        self._next_descriptor = 0

    def expect(self, token: str, call: str) -> None:
        """From now on this token leads to a call."""
        self._calls[token] = call

    def forget(self, token: str) -> None:
        """It leads nowhere any more."""
        self._calls.pop(token, None)

    def welcomes(self, request: sip_text.Request) -> bool:
        """Whether an INVITE outside of any dialog may come in; it is the library's next."""
        self._next_descriptor = next_descriptor()
        return _user(request.head.partition("\r\n")[0]) in self._calls

    def came(self, account: Any, number: int) -> None:
        """The library has a new call."""
        dialog = InnerDialog(account, self._facts, number, self._next_descriptor)
        self._next_descriptor = next_descriptor()  # of another INVITE that came together with this one
        call = self._calls.get(dialog.token)
        if call is None:
            dialog.refuse()
            return
        dialog.call = call
        self._facts.append((dialog, Invited()))


def _user(text: str) -> str:
    match = _USER.search(text)
    return match[1] if match else ""
