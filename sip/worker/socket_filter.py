"""Programs for the kernel that decide which datagrams a socket of the SIP library gets: classic BPF, as data.

Two kinds. A filter on one socket (SO_ATTACH_FILTER) drops what does not come from a permitted sender; the kernel counts
it in `/proc/net/udp`. A selector over two sockets on one port (SO_ATTACH_REUSEPORT_CBPF) chooses which of them gets a
datagram. Offsets below `_NETWORK` count from the IPv4 header, which has no options here; others count from the UDP
header in a filter, and from the payload in a selector (Linux, net/core/filter.c).
"""

from __future__ import annotations

import ctypes
import os
import socket
import stat
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import Final

_SO_ATTACH_FILTER: Final = 26
_SO_ATTACH_REUSEPORT_CBPF: Final = 51

_NETWORK: Final = 0xFFF00000
_SOURCE: Final = _NETWORK + 12
_SOURCE_PORT: Final = _NETWORK + 20

_LOAD: Final = 0x20
_LOAD_HALF: Final = 0x28
_LOAD_BYTE: Final = 0x30
_AND: Final = 0x54
_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_WHOLE: Final = 0xFFFF

LIBRARY: Final = 0
SCREEN: Final = 1
"""Which socket of two gets a datagram, in the order in which they were bound."""

DESCRIPTORS: Final = 512
"""Descriptors that are looked at. The library's sockets are among them: it holds 64 of its own, we as many of them."""

PROGRAMS_KEPT: Final = 32
"""Programs kept as bytes: the legs of a worker mostly have the same ones."""

Instruction = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who may send: every host of a network, from any port or from one."""

    network: IPv4Network
    port: int | None = None


def permit(senders: Iterable[Sender]) -> list[Instruction]:
    """A filter that lets these senders in, and nobody else."""
    program: list[Instruction] = []
    for sender in senders:
        accept = [(_RETURN, 0, 0, _WHOLE)]
        if sender.port is not None:
            accept = [(_LOAD_HALF, 0, 0, _SOURCE_PORT), (_IF_EQUAL, 0, 1, sender.port), *accept]
        program.append((_LOAD, 0, 0, _SOURCE))
        if sender.network.prefixlen < 32:
            program.append((_AND, 0, 0, int(sender.network.netmask)))
        program += [(_IF_EQUAL, 0, len(accept), int(sender.network.network_address)), *accept]
    return [*program, (_RETURN, 0, 0, 0)]


def selector(own: IPv4Address, ports: Iterable[int]) -> list[Instruction]:
    """A selector for a SIP port of `own`: the library gets what we send to ourselves from one of `ports`. All else is
    for the screen."""
    to_library: list[Instruction] = [(_RETURN, 0, 0, LIBRARY)]
    ours = [step for port in ports for step in ((_IF_EQUAL, 0, 1, port), *to_library)]
    return [
        (_LOAD, 0, 0, _SOURCE),
        (_IF_EQUAL, 0, 1 + len(ours), int(own)),
        (_LOAD_HALF, 0, 0, _SOURCE_PORT),
        *ours,
        (_RETURN, 0, 0, SCREEN),
    ]


def attach_filter(target: socket.socket, program: Sequence[Instruction]) -> None:
    """Put a filter on a socket in place of the one before. Raises `OSError`."""
    _attach(target, _SO_ATTACH_FILTER, program)


def attach_selector(target: socket.socket, program: Sequence[Instruction]) -> None:
    """Put a selector on the group of sockets that share the port of `target`. Raises `OSError`."""
    _attach(target, _SO_ATTACH_REUSEPORT_CBPF, program)


def next_descriptor() -> int:
    """The descriptor that the next socket of this process will get."""
    descriptor = os.dup(0)
    os.close(descriptor)
    return descriptor


def udp_sockets(first: int = 0) -> Iterator[socket.socket]:
    """Duplicates of the process's UDP sockets from descriptor `first` on; the caller closes them."""
    for descriptor in range(first, DESCRIPTORS):
        try:
            is_socket = stat.S_ISSOCK(os.fstat(descriptor).st_mode)
        except OSError:
            continue
        if is_socket:
            duplicate = socket.socket(fileno=os.dup(descriptor))
            if duplicate.type == socket.SOCK_DGRAM and duplicate.family == socket.AF_INET:
                yield duplicate
            else:
                duplicate.close()


def socket_on(port: int) -> socket.socket:
    """A duplicate of the library's UDP socket on a port, found among the descriptors. Raises `RuntimeError`."""
    for each in udp_sockets():
        if each.getsockname()[1] == port:
            return each
        each.close()
    raise RuntimeError("the SIP library's socket was not found")


def pair_from(first: int) -> list[socket.socket]:
    """The RTP and the RTCP socket of a leg just made: one has the descriptor `first`, the other the port beside."""
    pair: list[socket.socket] = []
    for each in udp_sockets(first):
        if not pair or abs(each.getsockname()[1] - pair[0].getsockname()[1]) == 1:
            pair.append(each)
        else:
            each.close()
        if len(pair) == 2:
            return pair
    return pair


def _attach(target: socket.socket, option: int, program: Sequence[Instruction]) -> None:
    code = _code(tuple(program))
    target.setsockopt(socket.SOL_SOCKET, option, struct.pack("@HP", len(program), ctypes.addressof(code)))


@lru_cache(maxsize=PROGRAMS_KEPT)
def _code(program: tuple[Instruction, ...]) -> ctypes.Array[ctypes.c_char]:
    """A program as the kernel reads it; it makes a copy of its own."""
    return ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
