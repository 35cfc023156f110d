"""Answered lines are listened to by a process of its own, at a low priority; it is started for the first of them, and
again after it died. Whatever fails here costs verdicts, which is told, and no call."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec
import structlog
import trio

from dialer.core.effects import Listen
from dialer.core.inputs import BeepEnded, Input, Judged
from dialer.shell.health import Health
from dialer.shell.slow_work import end_program, start_program
from sip.detection.messages import NOTHING_HEARD
from sip.detection.orders import Order, Reply

log = structlog.get_logger()

PROGRAM: Final = "sip.detection.program"
MEMORY: Final = Path("/dev/shm")
PREFIX: Final = "dialer-listening-"

MOST_ORDERS: Final = 1000
"""Orders that wait to be told; who comes on top gets no verdict."""

RESTART_S: Final = 2.0
"""What is answered in the meantime has no verdict."""

MOST_FOLDERS: Final = 10
LONGEST_REPLY_BYTES: Final = 65_536
ALARM: Final = "machine detection"


@contextmanager
def listening_folder(host: str) -> Iterator[str]:
    """A folder for the files of answered lines, in memory where the system has such a place, for this user alone. It is
    locked while this process lives, so what is not locked was left behind by a run that died, and is deleted; so is the
    folder, in the end."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    for left in place.glob(f"{PREFIX}*"):
        with ExitStack() as stack:
            if _locked(left, stack):
                shutil.rmtree(left, ignore_errors=True)
    prefix = f"{PREFIX}{''.join(char if char.isalnum() else '_' for char in host)}-"
    with ExitStack() as stack:
        for _ in range(MOST_FOLDERS):
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
            if _locked(folder, stack):
                break  # else another start took it for one that was left behind
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield str(folder)


def _locked(folder: Path, stack: ExitStack) -> bool:
    """Whether the folder is there, is this user's, and now locked by this process, until the stack ends."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        stack.callback(os.close, descriptor)
        if os.fstat(descriptor).st_uid != os.getuid():
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return folder.stat().st_ino == os.fstat(descriptor).st_ino
    except OSError:
        return False


class Ear:
    """Takes orders from the engine, and tells it what was heard."""

    def __init__(self, inbox: trio.MemorySendChannel[Input], health: Health) -> None:
        self._inbox = inbox
        self._health = health
        self._orders, self._wanted = trio.open_memory_channel[Listen](MOST_ORDERS)
        self._pending: dict[str, None] = {}

    def order(self, listen: Listen) -> None:
        """Have a line listened to. Never waits; a line too many is not."""
        try:
            self._orders.send_nowait(listen)
        except trio.WouldBlock:
            self._give_up(listen.call)

    async def keep(self) -> None:
        """Listen until cancelled."""
        while True:
            first = await self._wanted.receive()
            try:
                await self._serve(first)
            except* (OSError, EOFError, trio.BrokenResourceError, msgspec.MsgspecError) as errors:
                reason = str(errors.exceptions[0]) or "it died"
                log.error("the process that listens to answered lines ended", reason=reason)
                self._health.alarm(ALARM, f"answered lines are not listened to: {reason}. It is started again.")
            for call in self._pending:
                self._give_up(call)
            self._pending.clear()
            with trio.move_on_after(RESTART_S):
                async for listen in self._wanted:
                    self._give_up(listen.call)

    async def _serve(self, listen: Listen) -> None:
        self._pending[listen.call] = None
        process = await start_program(PROGRAM)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._hear, process)
                await self._tell(process, listen)
                async for another in self._wanted:
                    await self._tell(process, another)
        finally:
            await end_program(process)

    async def _tell(self, process: trio.Process, listen: Listen) -> None:
        assert process.stdin is not None
        self._pending[listen.call] = None
        order = Order(listen.call, listen.file, listen.rules, listen.beep)
        await process.stdin.send_all(msgspec.json.encode(order) + b"\n")

    async def _hear(self, process: trio.Process) -> None:
        assert process.stdout is not None
        replies, unread = msgspec.json.Decoder(Reply), b""
        while data := await process.stdout.receive_some(LONGEST_REPLY_BYTES):
            self._health.alarm(ALARM, "")
            *whole, unread = (unread + data).split(b"\n")
            for reply in map(replies.decode, whole):
                self._pending.pop(reply.call, None)
                heard = BeepEnded(reply.call) if reply.verdict is None else Judged(reply.call, reply.verdict)
                await self._inbox.send(heard)
        raise EOFError("it died")

    def _give_up(self, call: str) -> None:
        """Tell that there is no verdict. The engine's inbox is full only where the engine itself waits; then nobody is
        told, and who is held back comes to an agent in its time."""
        try:
            self._inbox.send_nowait(Judged(call, NOTHING_HEARD))
        except trio.WouldBlock:
            log.warning("a call has no verdict", call=call)
