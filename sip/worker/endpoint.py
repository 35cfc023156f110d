"""The SIP library of one worker: one endpoint, one UDP socket, one thread, an account for trunks and one for phones.

Everything runs in the thread that calls `poll`. The exception is the null sound device, whose 20 ms clock drives the
conference bridge from a thread of the library; it runs only while something is bridged or played, and shortly after.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Any, Final

import pjsua2 as pj

from sip import address, rewriting
from sip.causes import Cause
from sip.inbound.messages import Answer
from sip.messages import Dial, DialAgent
from sip.parties.messages import DialParty
from sip.settings import Trunk, WorkerSettings
from sip.standing.messages import DialStanding
from sip.worker.dialog import Dialog, Fact, Key
from sip.worker.inbound.arrivals import Arrivals, ArrivedDialog
from sip.worker.library_settings import Account, Codecs, endpoint_settings
from sip.worker.media_sockets import MediaSockets
from sip.worker.peers import Peers
from sip.worker.screen import Screen
from sip.worker.socket_filter import (
    Sender,
    attach_filter,
    attach_selector,
    next_descriptor,
    pair_from,
    permit,
    selector,
    socket_on,
)
from sip.worker.standing.reception import InnerDialog, Reception

CLOCK_GRACE_S: Final = 0.2
"""How long the clock runs on. The bridge removes the ports of ended calls on a clock tick; without one they pile up."""

SOCKET_COOLING_S: Final = 0.7
"""pjlib keeps the slot of a closed socket for 0.5 s (PJ_IOQUEUE_KEY_FREE_DELAY) before it can be used again."""

LEGS_WARM_PER_SLOT: Final = 7
"""Legs open or cooling per slot. Each has two sockets; the stock library (4 slots) aborts at 64 sockets."""

RESERVED_PER_SLOT: Final = 1
"""Of these, how many are left to agents' legs: a callee who has answered must not wait for one who has not."""

CONTACT_BYTES: Final = 4
"""Of the user in our Contact, which is another one in each worker."""

EDGE: Final = "127.0.0.1"

_DIGITS: Final = re.compile(r"\d{4,}")


_kept: list[Endpoint] = []
"""The library's destructor would wait a second for nothing; the process ends without it."""


class RefusedError(ValueError):
    """No INVITE left: a bad address, or the library refused. The text repeats no address."""

    def __init__(self, text: str, cause: Cause = Cause.NOT_SENT) -> None:
        super().__init__(text)
        self.cause = cause


class _Log(pj.LogWriter):  # type: ignore[misc]
    """The library's own complaints, without anything that could be a telephone number."""

    def write(self, entry: Any) -> None:
        sys.stderr.write(_DIGITS.sub("****", str(entry.msg)))


class Endpoint:
    """pjsua2, started. One per process, and for the life of the process."""

    def __init__(self, settings: WorkerSettings, slots: int) -> None:
        """Start the library. Raises `pj.Error` or `OSError` (address in use or not ours), `ValueError` (trunks)."""
        _kept.append(self)
        self.slots = slots
        self.talk_limit_s = settings.talk_limit_s
        self.hold_music = settings.hold_music
        self.recordings = settings.recordings
        self.listening = settings.listening
        self.standing_music = settings.standing_music
        self.facts: deque[tuple[Dialog, Fact]] = deque()
        self._settings = settings
        self._host = settings.bind_address
        self._own = IPv4Address("127.0.0.1" if self._host == "0.0.0.0" else self._host)
        self._legs: dict[Dialog, list[IPv4Address]] = {}
        self._closed_at: deque[float] = deque()
        self._clock_runs = False
        self._clock_until = 0.0
        self._poller = select.epoll()
        self._signalling: set[int] = set()
        self._ready: set[int] = set()
        self._log = _Log()
        self._library = pj.Endpoint()
        self._handle_events = self._library.libHandleEvents
        self._library.libCreate()
        self._library.libInit(endpoint_settings(settings, slots, LEGS_WARM_PER_SLOT * slots, self._log))
        transport = pj.TransportConfig()
        transport.boundAddress = settings.bind_address
        transport_id = self._library.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.sip_port = int(self._library.transportGetInfo(transport_id).localName.rpartition(":")[2])
        contact = secrets.token_hex(CONTACT_BYTES)
        self._socket = self._guard_port()
        self.set_trunks(settings.trunks)
        self._devices = self._library.audDevManager()
        self._devices.setNoDev()
        self._library.libStart()
        self._codecs = Codecs(self._library)
        # The stock library has room for eight accounts: all trunks share one.
        self._arrivals = Arrivals(self._screen, self._handle_events, self.facts, self.reception.came)
        self._carriers = Account(settings, contact, self._arrivals.came)
        self._phones = Account(settings, contact, self._arrivals.came)

    def _guard_port(self) -> socket.socket:
        """Put the screen on the library's port; a duplicate of the library's socket."""
        library = socket_on(self.sip_port)
        library.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.reception = Reception(self.facts)
        self._screen = Screen(self._host, self.sip_port, self._leg_of, self._press, self.reception.welcomes)
        self._own_ports = (self.sip_port, int(self._screen.relay.getsockname()[1]))
        attach_selector(library, selector(self._own, self._own_ports))
        for each in (library, self._screen.socket, self._screen.relay):
            self.watch(each)
        return library

    def watch(self, source: socket.socket) -> None:
        """Have `poll` return when there is something to read."""
        self._poller.register(source, select.EPOLLIN)
        self._signalling.add(source.fileno())

    def forget(self, source: socket.socket) -> None:
        """It has ended; there is nothing to wait for."""
        self._poller.unregister(source)
        self._signalling.discard(source.fileno())

    def is_ready(self, source: socket.socket) -> bool:
        """Whether something could be read from it when `poll` returned."""
        return source.fileno() in self._ready

    def poll(self, timeout_s: float) -> None:
        """Wait up to `timeout_s` for something to arrive; handle it, and what is due.

        Audio comes 50 times a second for each leg and is the library's alone: it does not end the wait.
        """
        until = time.monotonic() + timeout_s
        while True:
            ready = {descriptor for descriptor, _ in self._poller.poll(max(timeout_s, 0.0))}
            if not ready or not ready.isdisjoint(self._signalling):
                break
            self._handle_events(0)
            timeout_s = until - time.monotonic()
            if self.facts or timeout_s <= 0:
                break
        self._ready = ready
        self._screen.handle(ready)
        self._handle_events(0)

    # --- whom we hear ---------------------------------------------------------------------------------------------

    def set_trunks(self, trunks: tuple[Trunk, ...]) -> None:
        """The trunks from now on. Only they, and whom we dial, are heard. Raises `ValueError` for no network."""
        self._trunks = {trunk.name: trunk for trunk in trunks}
        self._sources = {trunk.name: [IPv4Network(text) for text in trunk.sources] for trunk in trunks}
        addresses = [IPv4Network(each) for trunk in trunks for each, _ in address.targets_of(trunk)]
        networks = [*addresses, *(network for sources in self._sources.values() for network in sources)]
        networks += [IPv4Network(self._own)] if self._settings.keeps_phones else []
        own = [Sender(IPv4Network(self._own), port) for port in (*self._own_ports, self._settings.inbound_port) if port]
        self._peers = Peers(own, networks)
        for leg_addresses in self._legs.values():
            for leg_address in leg_addresses:
                self._peers.use(leg_address)
        self._apply_peers()

    def hear_contact(self, dialog: Dialog) -> None:
        """An answered leg names whom further requests go to: their answers come from there."""
        host = address.host_of(dialog.contact)
        if host is not None and dialog in self._legs and host not in self._legs[dialog]:
            self._hear(dialog, host)

    def may_repeat(self) -> bool:
        """Whether the library may have to send something again."""
        return any(leg.may_repeat for leg in self._legs)

    def check_legs(self, now: float) -> None:
        """Look whether the far ends of answered legs are still there; about once a second."""
        for dialog in self._legs:
            with contextlib.suppress(pj.Error):  # it is just ending, or the library has no room for the question
                dialog.check(now, self._settings.media_timeout_s, self._settings.session_refresh_s)

    def _hear(self, dialog: Dialog, host: IPv4Address) -> None:
        self._legs[dialog].append(host)
        if self._peers.use(host):
            self._apply_peers()

    def _apply_peers(self) -> None:
        program = permit(self._peers.senders())
        for each in (self._socket, self._screen.socket):
            attach_filter(each, program)

    def _leg_of(self, call_id: str) -> Dialog | None:
        """The leg of a Call-ID, if it has not ended."""
        return next((leg for leg in self._legs if leg.call_id == call_id and not leg.ended), None)

    def _press(self, call_id: str, digit: str) -> None:
        for dialog in self._legs:
            if dialog.call_id == call_id:
                self.facts.append((dialog, Key(digit)))

    # --- legs -----------------------------------------------------------------------------------------------------

    def dial(self, order: Dial) -> Dialog:
        """Send the INVITE to a callee. Raises `RefusedError`."""
        trunk = self._trunks.get(order.trunk)
        if trunk is None:
            raise RefusedError("no such trunk")
        with _refusals():
            targets = address.targets_of(trunk)
            if not targets:
                raise RefusedError("the trunk's name has no IPv4 address", Cause.TRUNK_UNREACHABLE)
            number = rewriting.rewritten(order.number, trunk.called_rules)
            caller_id = rewriting.rewritten(order.caller_id, trunk.caller_rules)
            uri = address.callee_uri(number, trunk.host, trunk.port)
            host, port = targets[0]
            proxy = "" if trunk.host == host else f"{host}:{port}"
            account = self._carriers.use(proxy, trunk.username, trunk.password)
            from_header = address.caller(caller_id, self._host)
            self._codecs.offer(trunk.codecs)
            return self._place(order.call, account, uri, from_header, host, self._sources[trunk.name])

    def answer(self, order: Answer) -> ArrivedDialog:
        """Let a call from outside in; it is the caller's to `take`. Raises `RefusedError`."""
        trunk = self._trunks.get(order.trunk)
        if trunk is None:
            raise RefusedError("no such trunk")
        self._codecs.offer(trunk.codecs)
        dialog = self._arrivals.let_in(order)
        if dialog is None:
            raise RefusedError("the SIP library makes no call of the INVITE", Cause.PROTOCOL_ERROR)
        self._legs[dialog] = []
        self._hear(dialog, address.ipv4(order.source.rpartition(":")[0]))
        dialog.media = MediaSockets(dialog.sockets, self._poller, self._sources[trunk.name])
        return dialog

    def dial_phone(self, order: DialAgent | DialParty | DialStanding) -> Dialog:
        """Send the INVITE to the phone of an agent or a third party, or to the worker that keeps it on the line. Raises
        `RefusedError`."""
        is_kept = not isinstance(order, DialStanding) and bool(order.standing)
        with _refusals():
            uri = address.agent_uri(order.uri)
            host, way = order.address or str(address.host_of(uri) or ""), ""
            if self._settings.phones_port and not is_kept:
                host, way = EDGE, f"{EDGE}:{self._settings.phones_port}"
            elif not host:
                raise RefusedError("the phone's host has no IPv4 address", Cause.UNREACHABLE)
            elif order.address and address.host_of(uri) is None:
                way = f"{host}:{address.port_of(uri)}"
            account = self._phones.use(way)
            self._codecs.offer()
            attempt = "" if isinstance(order, DialStanding) else order.attempt
            headers = [text.replace("{attempt}", attempt) for text in self._settings.phone_headers if attempt]
            return self._place(order.call, account, uri, address.shown(order.about, self._host), host, (), headers)

    def admit(self, dialog: InnerDialog) -> None:
        """Hear another worker of this host, which has placed this leg."""
        self._legs[dialog] = []
        self._hear(dialog, self._own)
        dialog.media = MediaSockets(pair_from(dialog.first_descriptor), self._poller)

    def _place(
        self,
        call: str,
        account: Any,
        uri: str,
        from_header: str,
        host: str,
        sources: Iterable[IPv4Network],
        headers: Iterable[str] = (),
    ) -> Dialog:
        dialog = Dialog(call, account, self.facts)
        self._legs[dialog] = []
        self._hear(dialog, address.ipv4(host))
        first = next_descriptor()
        try:
            dialog.place(uri, from_header, headers)
        except pj.Error:
            self._forget(dialog)
            raise
        dialog.media = MediaSockets(pair_from(first), self._poller, sources)
        return dialog

    def first_answer_s(self, trunk: str) -> float:
        """How long a trunk may take to say anything at all."""
        return self._trunks[trunk].first_answer_s

    def close(self, dialog: Dialog, now: float) -> None:
        """Let go of a leg whose slot is free; its sockets cool down."""
        if dialog.has_media:
            self.keep_clock(now + CLOCK_GRACE_S)
        if dialog.invite and not dialog.answered:
            # An edge may have spoken for a carrier that was silent, and that answers after all.
            self._screen.hang_up_later(dialog.call_id, dialog.invite)
        self._forget(dialog)
        dialog.destroy()
        self._closed_at.append(now)

    def _forget(self, dialog: Dialog) -> None:
        for host in self._legs.pop(dialog, ()):  # one that was refused was never admitted
            self._peers.leave(host)

    def room_at(self, now: float, *, for_agent: bool) -> float:
        """The moment from which another leg may be opened: `now`, unless too many sockets are still cooling."""
        while self._closed_at and self._closed_at[0] <= now - SOCKET_COOLING_S:
            self._closed_at.popleft()
        limit = (LEGS_WARM_PER_SLOT - (0 if for_agent else RESERVED_PER_SLOT)) * self.slots
        surplus = len(self._legs) + len(self._closed_at) + 1 - limit
        return now if surplus <= 0 else self._closed_at[min(surplus, len(self._closed_at)) - 1] + SOCKET_COOLING_S

    # --- messages that pjsua2 cannot be asked for -----------------------------------------------------------------

    def send(self, message: bytes, destination: str) -> None:
        """Send a datagram from our SIP port to `HOST:PORT`. A lost one is repeated by the caller, or not."""
        host, _, port = destination.rpartition(":")
        self._send(message, host.strip("[]"), int(port))

    def give_up(self, dialog: Dialog, code: int, phrase: str) -> None:
        """Answer an INVITE of ours in the far end's place. Should it answer later after all, it is hung up on."""
        self._screen.hang_up_later(dialog.call_id, dialog.invite)
        self.tell_library(dialog.local_answer(code, phrase))

    def tell_library(self, message: bytes) -> None:
        """Give the library a message in the far end's place."""
        self._send(message, str(self._own), self.sip_port)

    def end_for_far_end(self, dialog: InnerDialog) -> None:
        """End a leg whose worker is dead, as if it had said so."""
        self.tell_library(dialog.bye_of_far_end(f"{self._own}:{self.sip_port}"))

    def _send(self, message: bytes, host: str, port: int) -> None:
        try:
            self._socket.sendto(message, socket.MSG_DONTWAIT, (host, port))
        except OSError as error:
            sys.stderr.write(f"sip worker: a datagram could not be sent: {error.strerror}\n")

    # --- media ----------------------------------------------------------------------------------------------------

    def silence(self) -> Any:
        """A port of the bridge on which nothing is ever heard: the null device's microphone."""
        return self._devices.getCaptureDevMedia()

    def nobody(self) -> Any:
        """A port of the bridge that nobody hears: the null device's loudspeaker."""
        return self._devices.getPlaybackDevMedia()

    def keep_clock(self, until: float) -> None:
        """Run the media clock at least until `until` (monotonic seconds)."""
        self._clock_until = max(self._clock_until, until)
        if not self._clock_runs:
            self._devices.setNullDev()
            self._clock_runs = True

    def rest_clock(self, now: float, in_use: bool) -> float | None:
        """Stop the clock if nothing needs it any more; otherwise the moment to ask again, None while it is in use."""
        if not self._clock_runs or in_use:
            return None
        if now < self._clock_until:
            return self._clock_until
        self._devices.setNoDev()
        self._clock_runs = False
        return None


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (address.AddressError, AddressValueError) as error:
        raise RefusedError(str(error)) from error
    except pj.Error as error:
        raise RefusedError(f"the SIP library says: {error.reason}") from error
