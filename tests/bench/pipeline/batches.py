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


_libc = ctypes.CDLL(None, use_errno=True)


class Batches:
    """A bound UDP socket that gives what has come, stamped by the kernel, and sends it back to whom it came from."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.bind(("127.0.0.1", port))
        self.data = [bytearray(BYTES) for _ in range(BATCH)]
        self._addresses = (_Address * BATCH)()
        self._controls = (ctypes.c_char * _CONTROL_BYTES * BATCH)()
        self._pieces = (_Piece * BATCH)()
        self._messages = (_Message * BATCH)()
        self._control_at = ctypes.addressof(self._controls)
        self._used = BATCH
        self._buffers = [(ctypes.c_char * BYTES).from_buffer(data) for data in self.data]
        for place, header in enumerate(message.header for message in self._messages):
            self._pieces[place].base = ctypes.addressof(self._buffers[place])
            header.name = ctypes.addressof(self._addresses[place])
            header.pieces = ctypes.addressof(self._pieces[place])
            header.piece_count = 1

    def arrived(self) -> Iterator[tuple[int, int, int, float]]:
        """Place in `data`, bytes, sender's port and arrival (epoch seconds) of each datagram that has come, at most
        `BATCH`."""
        for place in range(self._used):
            header = self._messages[place].header
            header.name_bytes = ctypes.sizeof(_Address)
            header.control, header.control_bytes = self._control_at + place * _CONTROL_BYTES, _CONTROL_BYTES
            self._pieces[place].bytes = BYTES
        count = _libc.recvmmsg(self.socket.fileno(), self._messages, BATCH, socket.MSG_DONTWAIT, None)
        self._used = max(count, 0)
        for place in range(self._used):
            seconds, nanoseconds = _STAMP.unpack_from(self._controls[place], _STAMP_AT)
            port = socket.ntohs(self._addresses[place].port)
            yield place, self._messages[place].bytes, port, seconds + nanoseconds / 1e9

    def send_back(self, count: int) -> None:
        """Send the first `count` datagrams of the last batch to where they came from. What the kernel does not take is
        lost, and shows in the figures."""
        for place in range(count):
            self._pieces[place].bytes = self._messages[place].bytes
            self._messages[place].header.control_bytes = 0
            self._messages[place].header.control = None
        sent = 0
        while sent < count:
            at = ctypes.byref(self._messages, sent * ctypes.sizeof(_Message))
            done = _libc.sendmmsg(self.socket.fileno(), at, count - sent, socket.MSG_DONTWAIT)
            sent += max(done, 1)  # the first one was refused: the next gets its turn
