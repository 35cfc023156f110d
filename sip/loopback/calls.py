"""The calls of one side while they last: acting out a plan, one step at a time, and counting what comes of it.

A call has at most one timer: for the next step before the answer, for the hanging up after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from sip.loopback.counts import SideReport, Tally
from sip.loopback.endpoint import Credentials, Endpoint
from sip.loopback.leg import End, Leg, Refusal
from sip.loopback.media import MediaSocket
from sip.loopback.profile import Media
from sip.loopback.sdp import write_sdp
from sip.loopback.stack import Timer, after

MOST_CALLS: Final = 1_000_000
"""Calls that a side takes in its life; each called number is remembered."""

OVER_LIMIT: Final = Refusal(503, "Service Unavailable", ("Q.850", 42, "Switching equipment congestion"))
STOPPING: Final = Refusal(480, "Temporarily Unavailable")


class Party(Protocol):
    """Who decides what becomes of the calls of a side."""

    def called(self, call: Call) -> None:
        """Give the call its first step."""

    def over(self, call: Call) -> None:
        """The call has ended, whoever ended it."""


class Call:
    """A leg and the next thing that will happen to it."""

    def __init__(self, leg: Leg, calls: Calls) -> None:
        self.leg = leg
        self._calls = calls
        self._timer: Timer | None = None

    def after(self, delay_s: float, step: Callable[[], None]) -> None:
        """Do `step` in `delay_s` unless the call ends before. It replaces what was to happen next."""
        self._cancel_timer()
        self._timer = after(delay_s, step)

    def ring(self, *, early_media: bool = False) -> None:
        """Send 180, or 183 with early media."""
        self.leg.ring(self._calls.sdp(self.leg) if early_media else None)

    def answer(self, *, hang_up_after_s: float) -> None:
        """Send 200, and BYE after that time unless the caller does first."""
        self.leg.answer(self._calls.sdp(self.leg))
        self._calls.answered(self.leg)
        self.after(hang_up_after_s, self.hang_up)

    def press(self, key: str, *, hang_up_after_s: float) -> None:
        """Press a key of the phone, and send BYE after that time."""
        self._calls.pressed(self.leg, key)
        self.after(hang_up_after_s, self.hang_up)

    def refuse(self, refusal: Refusal) -> None:
        """Send a final failure; the call is over."""
        self.leg.refuse(refusal)
        self._calls.count_final(refusal.code)
        self._calls.remove(self)

    def hang_up(self) -> None:
        """Send BYE; the call is over."""
        self.leg.hang_up()
        self._calls.tally.add("byes_sent")
        self._calls.remove(self)

    def stop(self) -> None:
        """End it because the program stops."""
        if self.leg.answered:
            self.leg.hang_up()
            self._calls.tally.add("byes_at_stop")
            self._calls.remove(self)
        else:
            self.refuse(STOPPING)

    def ended(self) -> None:
        """Nothing more will happen to it."""
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Calls:
    """All calls of one side: an endpoint, its media socket, its counts, at most `max_calls` calls at once."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        media: Media,
        max_calls: int,
        credentials: Credentials | None = None,
    ) -> None:
        self.tally = Tally()
        self._host = host
        self._max_calls = max_calls
        self._party: Party | None = None
        self._live: dict[str, Call] = {}
        self._media = MediaSocket(host, media)
        self._media_port = self._media.port
        self._endpoint = Endpoint(host, port, self, self.tally, credentials)
        self.port = self._endpoint.port

    def served_by(self, party: Party) -> None:
        """From now on `party` decides; INVITEs before that are refused."""
        self._party = party

    def invited(self, leg: Leg) -> None:
        """Begin a call, or refuse it if there are too many."""
        full = len(self._live) >= self._max_calls or self.tally.total >= MOST_CALLS
        if self._party is None or full:
            leg.refuse(OVER_LIMIT)
            self._endpoint.forget(leg)
            self.tally.add("refused")
            return
        call = Call(leg, self)
        self._live[leg.call_id] = call
        self._party.called(call)

    def ended(self, leg: Leg, end: End) -> None:
        """End a call that the caller ended."""
        match end:
            case End.HUNG_UP:
                self.tally.add("byes_received")
            case End.UNACKNOWLEDGED:
                self.tally.add("unacknowledged")
            case End.EXPIRED:
                self.tally.add("expired")
                self.count_final(487)
            case End.CANCELLED:
                self.count_final(487)
        self.remove(self._live[leg.call_id])

    def remove(self, call: Call) -> None:
        """The call is over."""
        del self._live[call.leg.call_id]
        call.ended()
        self._media.stop(call.leg.call_id)
        self._endpoint.forget(call.leg)
        self.tally.end()
        if self._party is not None:
            self._party.over(call)

    def answered(self, leg: Leg) -> None:
        """A 200 was sent: count it and let its media begin."""
        self.tally.add("answered")
        self.count_final(200)
        if leg.offer is not None:
            self._media.start(leg.call_id, (leg.offer.host, leg.offer.port), leg.offer.payload_type)

    def pressed(self, leg: Leg, key: str) -> None:
        """Send the key, if the caller's offer has a payload type for it."""
        if leg.offer is not None and leg.offer.digits_payload_type is not None:
            self._media.press(leg.call_id, (leg.offer.host, leg.offer.port), leg.offer.digits_payload_type, key)

    def count_final(self, code: int) -> None:
        """Count a final status code."""
        self.tally.finals[str(code)] += 1

    def sdp(self, leg: Leg) -> str:
        """Our SDP for this leg."""
        return write_sdp(host=self._host, port=self._media_port, offer=leg.offer)

    def stop_all(self) -> int:
        """End every call that is left and take no more; how many there were."""
        self._max_calls = 0
        left = list(self._live.values())
        for call in left:
            call.stop()
        return len(left)

    def report(self, *, final: bool) -> SideReport:
        """The counts of this side."""
        media = self._media
        return self.tally.report(final=final, rtp_packets=media.packets, rtp_voiced_packets=media.voiced_packets)
