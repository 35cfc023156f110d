"""One dialog that somebody opened with us, as something to ring, answer, refuse and hang up."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from sippy.CCEvents import CCEventConnect, CCEventDisconnect, CCEventFail, CCEventRing
from sippy.MsgBody import MsgBody
from sippy.SipReason import SipReason

from sip.loopback.sdp import Offer
from sip.loopback.stack import Dialog


class End(StrEnum):
    """How a leg ended by the caller's doing, or for want of it."""

    CANCELLED = "cancelled"
    EXPIRED = "expired"  # the INVITE's own Expires, 300 s if it has none
    HUNG_UP = "hung_up"  # BYE
    UNACKNOWLEDGED = "unacknowledged"  # no ACK to our 200 for 32 s


class Refusal(NamedTuple):
    """A final failure. `reason_header` is (protocol, cause, text) of a Reason header (RFC 3326), or None."""

    code: int
    text: str
    reason_header: tuple[str, int, str] | None = None


class Leg:
    """One dialog. What it is told after its end is ignored: the two crossed on the way.

    `user` is the user part of the request URI, `source` where the INVITE came from, `offer` None if it had no SDP.
    """

    def __init__(
        self, dialog: Dialog, *, user: str, call_id: str, source: tuple[str, int], offer: Offer | None
    ) -> None:
        self._dialog = dialog
        self._body: MsgBody | None = None
        self.user = user
        self.call_id = call_id
        self.source = source
        self.offer = offer
        self.answered = False
        self.cancelled = False
        self.over = False

    def ring(self, sdp: str | None) -> None:
        """Send 180 Ringing; or, given an SDP, 183 Session Progress with it: early media."""
        if not self.over and not self.answered:
            code, text = (180, "Ringing") if sdp is None else (183, "Session Progress")
            self._dialog.recvEvent(CCEventRing((code, text, None if sdp is None else MsgBody(sdp))))

    def answer(self, sdp: str) -> None:
        """Send 200 OK."""
        if not self.over and not self.answered:
            self.answered = True
            self._body = MsgBody(sdp)
            self._dialog.recvEvent(CCEventConnect((200, "OK", self._body)))

    def refuse(self, refusal: Refusal) -> None:
        """Send a final failure. The leg is over."""
        if not self.over and not self.answered:
            self.over = True
            event = CCEventFail((refusal.code, refusal.text))
            if refusal.reason_header is not None:
                protocol, cause, text = refusal.reason_header
                event.reason_rfc3326 = SipReason(protocol=protocol, cause=cause, reason=text)
            self._dialog.recvEvent(event)

    def hang_up(self) -> None:
        """Send BYE. The leg is over."""
        if not self.over and self.answered:
            self.over = True
            self._dialog.recvEvent(CCEventDisconnect())

    def renegotiate(self) -> None:
        """Answer a re-INVITE with the SDP that the leg already has."""
        self._dialog.recvEvent(CCEventConnect((200, "OK", self._body)))

    def end(self) -> End:
        """The caller's side is gone: the leg is over. Says how, from what was seen before."""
        self.over = True
        if self._dialog.unacknowledged:
            return End.UNACKNOWLEDGED
        if self.answered:
            return End.HUNG_UP
        return End.CANCELLED if self.cancelled else End.EXPIRED
