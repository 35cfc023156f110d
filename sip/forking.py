"""The pool's side of the zygote: start it, have workers forked, hear of their ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from array import array
from pathlib import Path
from typing import Final

import trio

from sip.zygote import RECORD, Record

START_LIMIT_S: Final = 15.0
STOP_LIMIT_S: Final = 6.0
EXIT_LIMIT_S: Final = 1.0
EXITS_REMEMBERED: Final = 1000


class ForkError(Exception):
    """No worker was forked: the zygote is gone, or the system refuses."""


class Zygote:
    """A running zygote. Made by `start_zygote`."""

    def __init__(self, process: subprocess.Popen[bytes], control: trio.socket.SocketType, slots: int) -> None:
        self.slots = slots
        self._process = process
        self._control = control
        self._sending = trio.Lock()
        self._numbers = 0
        self._answers: dict[int, trio.MemorySendChannel[int]] = {}
        self._gone = False
        self._exits: dict[int, int] = {}
        self._exit_heard = trio.lowlevel.ParkingLot()

    async def fork(self, stream: socket.socket) -> int:
        """Fork a worker that owns `stream`; its pid. Raises `ForkError`."""
        self._numbers += 1
        number = self._numbers
        tell, answer = trio.open_memory_channel[int](1)
        self._answers[number] = tell
        try:
            async with self._sending:
                await self._send_descriptor(RECORD.pack(Record.FORK, number, 0), stream)
            with answer:
                pid = await answer.receive()
        except (OSError, trio.ClosedResourceError, trio.EndOfChannel) as error:
            raise ForkError("the zygote is gone") from error
        finally:
            self._answers.pop(number, None)
        if pid < 0:
            raise ForkError(f"no worker could be forked: {os.strerror(-pid)}")
        self._exits.pop(pid, None)  # of an earlier process
        return pid

    async def _send_descriptor(self, record: bytes, stream: socket.socket) -> None:
        descriptors = array("i", [stream.fileno()])
        if self._gone:
            raise BrokenPipeError
        await self._control.sendmsg([record], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])

    async def kill(self, pid: int) -> None:
        """SIGKILL a worker. The zygote does it because only it knows whether the pid is still that worker's."""
        try:
            async with self._sending:
                await self._control.send(RECORD.pack(Record.KILL, pid, 0))
        except (OSError, trio.ClosedResourceError):
            return  # the zygote is gone; the worker notices that its own stream ends

    async def exit_status(self, pid: int) -> int:
        """How a worker ended (negative: the signal); 0 if that is not heard in time."""
        with trio.move_on_after(EXIT_LIMIT_S):
            while pid not in self._exits and not self._gone:
                await self._exit_heard.park()
        return self._exits.get(pid, 0)

    async def listen(self) -> None:
        """Take in answers and exits until the zygote is gone."""
        buffer = b""
        try:
            while data := await self._control.recv(RECORD.size * 64):
                buffer += data
                whole = len(buffer) // RECORD.size * RECORD.size
                for kind, first, second in RECORD.iter_unpack(buffer[:whole]):
                    self._hear(kind, first, second)
                buffer = buffer[whole:]
        except (OSError, trio.ClosedResourceError):
            pass  # broken, or closed by `stop`: as good as the end of the stream
        finally:
            self._gone = True
            self._exit_heard.unpark_all()
            for tell in self._answers.values():
                tell.close()

    def _hear(self, kind: int, first: int, second: int) -> None:
        if kind == Record.EXITED:
            self._exits[first] = second
            while len(self._exits) > EXITS_REMEMBERED:
                self._exits.pop(next(iter(self._exits)))
            self._exit_heard.unpark_all()
        elif first in self._answers:
            self._answers[first].send_nowait(second if kind == Record.FORKED else -second)

    async def stop(self) -> None:
        """Let it see its workers off, and wait; kill it if that takes too long."""
        self._control.close()
        with trio.move_on_after(STOP_LIMIT_S):
            await trio.to_thread.run_sync(self._process.wait, abandon_on_cancel=True)
            return
        self._process.kill()
        self._process.wait()


async def start_zygote() -> Zygote:
    """Start a zygote and wait until it has its libraries. Raises `ForkError`."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(  # noqa: ASYNC220 - a few ms, once; `stop` waits for it in a thread
            [sys.executable, "-P", "-m", "sip.zygote", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": _search_path()},
        )
    control = trio.socket.from_stdlib_socket(ours)
    greeting = b""
    try:
        with trio.move_on_after(START_LIMIT_S):
            greeting = await control.recv(RECORD.size)
    finally:
        if len(greeting) != RECORD.size:
            control.close()
            process.kill()
            process.wait()
    if len(greeting) != RECORD.size:
        raise ForkError("the worker's code does not start; what it said is on stderr")
    _, slots, _ = RECORD.unpack(greeting)
    return Zygote(process, control, slots)


def _search_path() -> str:
    """This package's own folder first, so that `-m sip.zygote` finds the same code wherever it is started."""
    here = str(Path(__file__).resolve().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    return here if not inherited else f"{here}{os.pathsep}{inherited}"
