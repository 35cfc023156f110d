"""Datagrams by the batch: recvmmsg and sendmmsg of Linux, which Python does not have. IPv4 only."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterator
from typing import Final

BATCH: Final = 128
BYTES: Final = 512
"""Of a datagram; an RTP packet of 20 ms has 172."""

_CONTROL_BYTES: Final = 64
_SO_TIMESTAMPNS: Final = 35
_STAMP: Final = struct.Struct("@qq")
_STAMP_AT: Final = 16  # behind the header of the only control message


class _Address(ctypes.Structure):
    _fields_ = (
        ("family", ctypes.c_uint16),
        ("port", ctypes.c_uint16),
        ("host", ctypes.c_uint32),
        ("zero", ctypes.c_uint64),
    )


class _Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("bytes", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_bytes", ctypes.c_uint32),
        ("pieces", ctypes.c_void_p),
        ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_bytes", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    _fields_ = (("header", _Header), ("bytes", ctypes.c_uint))


_MESSAGE_BYTES: Final = ctypes.sizeof(_Message)
_ADDRESS_BYTES: Final = ctypes.sizeof(_Address)
_SIZE_AT: Final = _Message.bytes.offset
_PORT_AT: Final = _Address.port.offset
_SIZE: Final = struct.Struct("@I")
_PORT: Final = struct.Struct("!H")

_libc = ctypes.CDLL(None, use_errno=True)


class Batches:
    """A bound UDP socket that gives what has come, stamped by the kernel, and sends it back to whom it came from.

    Everything is laid out once, and put back as it was by one copy: to set a field of a structure from Python takes as
    long as the kernel needs for a datagram.
    """

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.bind(("127.0.0.1", port))
        self.data = [bytearray(BYTES) for _ in range(BATCH)]
        self._buffers = [(ctypes.c_char * BYTES).from_buffer(data) for data in self.data]
        self._addresses = (_Address * BATCH)()
        self._controls = (ctypes.c_char * (_CONTROL_BYTES * BATCH))()
        self._incoming, self._pieces_in = self._laid_out()
        self._outgoing, self._pieces_out = self._laid_out()
        self._sizes = [BYTES] * BATCH
        for place in range(BATCH):
            header = self._incoming[place].header
            header.control, header.control_bytes = (
                ctypes.addressof(self._controls) + place * _CONTROL_BYTES,
                _CONTROL_BYTES,
            )
        self._fresh = bytes(self._incoming)

    def _laid_out(self) -> tuple[ctypes.Array[_Message], ctypes.Array[_Piece]]:
        """Messages over the same buffers and addresses."""
        messages, pieces = (_Message * BATCH)(), (_Piece * BATCH)()
        for place in range(BATCH):
            pieces[place].base, pieces[place].bytes = ctypes.addressof(self._buffers[place]), BYTES
            header = messages[place].header
            header.name = ctypes.addressof(self._addresses) + place * ctypes.sizeof(_Address)
            header.name_bytes = ctypes.sizeof(_Address)
            header.pieces = ctypes.addressof(pieces) + place * ctypes.sizeof(_Piece)
            header.piece_count = 1
        return messages, pieces

    def arrived(self) -> Iterator[tuple[int, int, int, float]]:
        """Place in `data`, bytes, sender's port and arrival (epoch seconds) of each datagram that has come, at most
        `BATCH`."""
        ctypes.memmove(self._incoming, self._fresh, len(self._fresh))
        count = _libc.recvmmsg(self.socket.fileno(), self._incoming, BATCH, socket.MSG_DONTWAIT, None)
        incoming, addresses, controls = (
            memoryview(each).cast("B") for each in (self._incoming, self._addresses, self._controls)
        )
        for place in range(max(count, 0)):
            (size,) = _SIZE.unpack_from(incoming, place * _MESSAGE_BYTES + _SIZE_AT)
            (port,) = _PORT.unpack_from(addresses, place * _ADDRESS_BYTES + _PORT_AT)
            seconds, nanoseconds = _STAMP.unpack_from(controls, place * _CONTROL_BYTES + _STAMP_AT)
            if size != self._sizes[place]:
                self._sizes[place] = self._pieces_out[place].bytes = size
            yield place, size, port, seconds + nanoseconds / 1e9

    def send_back(self, count: int) -> None:
        """Send the first `count` datagrams of the last batch to where they came from. What the kernel does not take is
        lost, and shows in the figures."""
        sent = 0
        while sent < count:
            at = ctypes.byref(self._outgoing, sent * _MESSAGE_BYTES)
            done = _libc.sendmmsg(self.socket.fileno(), at, count - sent, socket.MSG_DONTWAIT)
            sent += max(done, 1)  # the first one was refused: the next gets its turn
