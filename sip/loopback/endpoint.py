"""A SIP user agent server on one loopback port: it makes legs of INVITEs and tells its listener about them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol

from sippy.CCEvents import CCEventDisconnect, CCEventTry, CCEventUpdate
from sippy.Exceptions.SdpParseError import SdpParseError
from sippy.SipAddress import SipAddress
from sippy.SipAuthorization import NameList2AlgMask
from sippy.SipContact import SipContact
from sippy.SipHeader import SipHeader
from sippy.SipProxyAuthenticate import SipProxyAuthenticate
from sippy.SipURL import SipURL

from sip.loopback.counts import Tally
from sip.loopback.leg import End, Leg
from sip.loopback.media import PCMA, PCMU
from sip.loopback.sdp import Offer
from sip.loopback.stack import Dialog, Silence, Transactions

_NAME: Final = "loopback"  # of the digest realm and in the Server and User-Agent headers
_REMEMBERED_S: Final = 5.0  # how long an ended dialog stays to answer what comes late


class Credentials(NamedTuple):
    """What a caller must know."""

    username: str
    password: str


class Listener(Protocol):
    """Who lives at an endpoint."""

    def invited(self, leg: Leg) -> None:
        """There is a new call. 100 Trying has been sent."""

    def ended(self, leg: Leg, end: End) -> None:
        """The caller ended it. Not called for the ends that we make ourselves."""


class Endpoint:
    """One loopback UDP port (0: the system chooses; `port` says which it is).

    Counts what only the signalling knows into `tally`. With `credentials`, INVITEs that lack them are challenged
    (407, digest MD5), and refused (403) if they are wrong. Raises OSError if the port is taken.
    """

    def __init__(
        self, host: str, port: int, listener: Listener, tally: Tally, credentials: Credentials | None = None
    ) -> None:
        self._listener = listener
        self._tally = tally
        self._credentials = credentials
        self._legs: dict[str, Leg] = {}
        self._host = f"[{host}]" if ":" in host else host
        self._config: dict[str, Any] = {"_sip_address": self._host, "_sip_port": port, "_sip_logger": Silence()}
        self._transactions = Transactions(self._config, self._request, self)
        self._config["_sip_tm"] = self._transactions
        (server,) = self._transactions.l4r.cache_l2s.values()
        self.port = int(server.uopts.laddress[1])

    def forget(self, leg: Leg) -> None:
        """The leg is over; its Call-ID means nothing any more."""
        self._legs.pop(leg.call_id, None)

    def saw_retransmission(self) -> None:
        """An INVITE came again."""
        self._tally.add("retransmissions")

    def saw_cancel(self, call_id: str, *, in_time: bool) -> None:
        """A CANCEL came: in time, or crossing our answer, or after the end."""
        leg = self._legs.get(call_id)
        if in_time and leg is not None:
            leg.cancelled = True
            self._tally.add("cancels")
        else:
            self._tally.add("cancels", "crossed_cancels" if leg is not None and leg.answered else "late_cancels")

    def _request(self, request: Any, transaction: Any) -> Any:
        """Take a request that belongs to no dialog we know, and give what sippy wants: a response, or a dialog's."""
        method = request.getMethod()
        if method == "OPTIONS":
            return self._reply(request, 200, "OK")
        if request.getHFBody("to").getTag() is not None:
            return self._reply(request, 481, "Call/Transaction Does Not Exist")
        if method != "INVITE":
            return self._reply(request, 501, "Not Implemented")
        call_id = str(request.getHFBody("call-id"))
        if request.countHFs("contact") == 0 or call_id in self._legs:
            self._tally.add("refused")
            return self._reply(request, 400, "Bad Request")
        if self._credentials is not None and (challenge := self._challenge(request, self._credentials)) is not None:
            return challenge
        try:
            offer = _read_offer(request.getBody())
        except (SdpParseError, ValueError, LookupError):
            self._tally.add("refused")
            return self._reply(request, 488, "Not Acceptable Here")
        return self._open(request, transaction, call_id, offer)

    def _open(self, request: Any, transaction: Any, call_id: str, offer: Offer | None) -> Any:
        dialog = Dialog(self._config)
        user = request.getRURI().username or ""
        dialog.local_ua = _NAME
        dialog.lContact = SipContact(address=SipAddress(url=SipURL(username=user, host=self._host, port=self.port)))
        dialog.godead_timeout = _REMEMBERED_S
        host, port = request.getSource()
        leg = Leg(dialog, user=user, call_id=call_id, source=(host, port), offer=offer)
        dialog.event_cb = lambda event, _dialog: self._event(leg, event)
        self._legs[call_id] = leg
        return dialog.recvRequest(request, transaction)

    def _event(self, leg: Leg, event: Any) -> None:
        if isinstance(event, CCEventTry):
            self._listener.invited(leg)
        elif isinstance(event, CCEventUpdate):
            leg.renegotiate()
        elif isinstance(event, CCEventDisconnect) and not leg.over:
            self._listener.ended(leg, leg.end())

    def _challenge(self, request: Any, wanted: Credentials) -> Any:
        """What to say to missing or stale credentials (407) and to wrong ones (403); None if they are right."""
        if request.countHFs("proxy-authorization"):
            given = request.getHFBody("proxy-authorization")
            body = str(request.getBody() or "")
            if given.username == wanted.username and given.verify(wanted.password, "INVITE", body):
                return None
            if given.ho.validate_challenge(given.nonce or "", NameList2AlgMask((given.algorithm,))):
                self._tally.add("auth_failures")
                return self._reply(request, 403, "Forbidden")
        self._tally.add("challenges")
        reply = self._reply(request, 407, "Proxy Authentication Required")
        reply[0].appendHeader(SipHeader(body=SipProxyAuthenticate(realm=_NAME)))
        return reply

    @staticmethod
    def _reply(request: Any, code: int, text: str) -> Any:
        return request.genResponse(code, text, server=_NAME), None, None


def _read_offer(body: Any) -> Offer | None:
    """What we need of an SDP offer; None if there is none. Raises ValueError if it has no G.711 audio."""
    if body is None:
        return None
    sdp = body.getCopy()  # parsing changes a body, and sippy compares bodies to see whether a re-INVITE changes them
    sdp.parse()
    for section in sdp.content.sections:
        media = section.m_header
        if media.stype.lower() != "audio" or media.port == 0:
            continue
        payload_type = next((kind for kind in media.formats if kind in (PCMU, PCMA)), None)
        if payload_type is not None:
            maps = (line.value.split() for line in section.a_headers if line.name == "rtpmap" and line.value)
            digits = [int(kind) for kind, encoding, *_ in maps if encoding.lower() == "telephone-event/8000"]
            return Offer(section.c_header.addr, media.port, payload_type, digits[0] if digits else None)
    raise ValueError("no G.711 audio in the offer")
