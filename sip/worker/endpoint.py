"""The SIP library of one worker: one endpoint, one UDP socket, one thread, an account per trunk and one for agents.

Everything runs in the thread that calls `poll`. The exception is the null sound device, whose 20 ms clock drives the
conference bridge from a thread of the library; it runs only while something is bridged or played, and shortly after.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

import pjsua2 as pj

from sip.messages import Dial, DialAgent, Settings
from sip.worker import address
from sip.worker.dialog import Dialog, Fact

CLOCK_GRACE_S: Final = 0.2
"""How long the clock runs on. The bridge removes the ports of ended calls on a clock tick; without one they pile up."""

SOCKET_COOLING_S: Final = 0.7
"""pjlib keeps the slot of a closed socket for 0.5 s (PJ_IOQUEUE_KEY_FREE_DELAY) before it can be used again."""

LEGS_WARM_PER_SLOT: Final = 7
"""Legs open or cooling per slot. Each has two sockets; the stock library (4 slots) aborts at 64 sockets."""

RESERVED_PER_SLOT: Final = 1
"""Of these, how many are left to agents' legs: a callee who has answered must not wait for one who has not."""

_KEPT_CODECS: Final = ("PCMU/8000", "PCMA/8000")
_DIGITS: Final = re.compile(r"\d{4,}")


_kept: list[Endpoint] = []
"""The library's destructor would wait a second for nothing; the process ends without it."""


class RefusedError(ValueError):
    """No INVITE left: a bad address, or the library refused. The text repeats no address."""


class _Log(pj.LogWriter):  # type: ignore[misc]
    """The library's own complaints, without anything that could be a telephone number."""

    def write(self, entry: Any) -> None:
        sys.stderr.write(_DIGITS.sub("****", str(entry.msg)))


class Endpoint:
    """pjsua2, started. One per process, and for the life of the process."""

    def __init__(self, settings: Settings, slots: int) -> None:
        """Start the library. Raises `pj.Error` (address in use or not ours) or `ValueError` (trunks)."""
        _kept.append(self)
        self.slots = slots
        self.facts: deque[tuple[Dialog, Fact]] = deque()
        self._host = settings.bind_address
        self._trunks = {trunk.name: trunk for trunk in settings.trunks}
        self._log = _Log()
        self._library = pj.Endpoint()
        self._library.libCreate()
        self._library.libInit(_configuration(settings, slots, self._log))
        transport = pj.TransportConfig()
        transport.boundAddress = settings.bind_address
        transport_id = self._library.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self._devices = self._library.audDevManager()
        self._devices.setNoDev()
        self._library.libStart()
        for codec in self._library.codecEnum2():
            self._library.codecSetPriority(codec.codecId, 128 if codec.codecId.startswith(_KEPT_CODECS) else 0)
        self.sip_port = int(self._library.transportGetInfo(transport_id).localName.rpartition(":")[2])
        self._socket = _own_socket(self.sip_port)
        self._accounts = {trunk.name: _account(settings, trunk.username, trunk.password) for trunk in settings.trunks}
        self._agents = _account(settings, "", "")
        self._closed_at: deque[float] = deque()
        self._open_legs = 0
        self._clock_runs = False
        self._clock_until = 0.0

    def poll(self, timeout_s: float) -> None:
        """Handle what has arrived and what is due; wait up to `timeout_s` for it. Any datagram wakes it."""
        self._library.libHandleEvents(int(timeout_s * 1000))

    # --- legs -----------------------------------------------------------------------------------------------------

    def dial(self, order: Dial) -> Dialog:
        """Send the INVITE to a callee. Raises `RefusedError`."""
        trunk = self._trunks.get(order.trunk)
        if trunk is None:
            raise RefusedError("no such trunk")
        return self._place(
            order.call,
            self._accounts[trunk.name],
            lambda: address.callee_uri(order.number, trunk.host, trunk.port),
            lambda: address.caller(order.caller_id, self._host),
        )

    def dial_agent(self, order: DialAgent) -> Dialog:
        """Send the INVITE to an agent's phone. Raises `RefusedError`."""
        return self._place(
            order.call,
            self._agents,
            lambda: address.agent_uri(order.uri),
            lambda: address.shown(order.about, self._host),
        )

    def _place(self, call: str, account: Any, uri: Callable[[], str], from_header: Callable[[], str]) -> Dialog:
        try:
            dialog = Dialog(call, account, self.facts)
            dialog.place(uri(), from_header())
        except address.AddressError as error:
            raise RefusedError(str(error)) from error
        except pj.Error as error:
            raise RefusedError(f"the SIP library says: {error.reason}") from error
        self._open_legs += 1
        return dialog

    def close(self, dialog: Dialog, now: float) -> None:
        """Let go of a leg whose slot is free; its sockets cool down."""
        if dialog.has_media:
            self.keep_clock(now + CLOCK_GRACE_S)
        dialog.destroy()
        self._open_legs -= 1
        self._closed_at.append(now)

    def room_at(self, now: float, *, for_agent: bool) -> float:
        """The moment from which another leg may be opened: `now`, unless too many sockets are still cooling."""
        while self._closed_at and self._closed_at[0] <= now - SOCKET_COOLING_S:
            self._closed_at.popleft()
        limit = (LEGS_WARM_PER_SLOT - (0 if for_agent else RESERVED_PER_SLOT)) * self.slots
        surplus = self._open_legs + len(self._closed_at) + 1 - limit
        return now if surplus <= 0 else self._closed_at[min(surplus, len(self._closed_at)) - 1] + SOCKET_COOLING_S

    # --- messages that pjsua2 cannot be asked for -----------------------------------------------------------------

    def send(self, message: bytes, destination: str) -> None:
        """Send a datagram from our SIP port to `HOST:PORT`. A lost one is repeated by the caller, or not."""
        host, _, port = destination.rpartition(":")
        self._send(message, host.strip("[]"), int(port))

    def send_to_self(self, message: bytes) -> None:
        """Let the library receive a message."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)
        self._send(message, host, self.sip_port)

    def _send(self, message: bytes, host: str, port: int) -> None:
        try:
            self._socket.sendto(message, socket.MSG_DONTWAIT, (host, port))
        except OSError as error:
            sys.stderr.write(f"sip worker: a datagram could not be sent: {error.strerror}\n")

    # --- media ----------------------------------------------------------------------------------------------------

    def bridge(self, one: Dialog, other: Dialog) -> None:
        """Let two answered legs hear each other."""
        self.keep_clock(0.0)
        first, second = one.audio(), other.audio()
        first.startTransmit(second)
        second.startTransmit(first)

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


def _configuration(settings: Settings, slots: int, log: _Log) -> Any:
    config = pj.EpConfig()
    config.uaConfig.maxCalls = slots
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.natTypeInSdp = 0
    config.uaConfig.userAgent = settings.user_agent
    config.medConfig.hasIoqueue = False
    config.medConfig.threadCnt = 0
    config.medConfig.clockRate = 8000
    config.medConfig.sndClockRate = 8000
    config.medConfig.ecTailLen = 0
    config.medConfig.noVad = True
    config.medConfig.maxMediaPorts = LEGS_WARM_PER_SLOT * slots + 8
    config.logConfig.level = min(settings.log_level, 1)
    config.logConfig.consoleLevel = min(settings.log_level, 1)
    config.logConfig.msgLogging = 0
    config.logConfig.writer = log
    return config


def _account(settings: Settings, username: str, password: str) -> Any:
    config = pj.AccountConfig()
    config.idUri = f"sip:dialer@{settings.bind_address}"
    config.natConfig.contactRewriteUse = 0
    config.natConfig.viaRewriteUse = 0
    config.natConfig.sipOutboundUse = 0
    config.natConfig.sdpNatRewriteUse = 0
    media = config.mediaConfig.transportConfig
    media.boundAddress = settings.bind_address
    media.port = settings.rtp_port_first
    media.portRange = max(settings.rtp_port_last - settings.rtp_port_first, 0)
    if username:
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", username, 0, password))
    account = pj.Account()
    account.create(config)
    return account


def _own_socket(port: int) -> socket.socket:
    """A duplicate of the library's SIP socket, found among the process's descriptors by its port."""
    for descriptor in _sockets():
        candidate = socket.socket(fileno=os.dup(descriptor))
        is_udp = candidate.type == socket.SOCK_DGRAM and candidate.family in (socket.AF_INET, socket.AF_INET6)
        if is_udp and candidate.getsockname()[1] == port:
            return candidate
        candidate.close()
    raise RuntimeError("the SIP library's socket was not found")


def _sockets() -> Iterator[int]:
    for descriptor in range(3, 256):
        try:
            mode = os.fstat(descriptor).st_mode
        except OSError:
            continue
        if stat.S_ISSOCK(mode):
            yield descriptor
