"""The pool's side of the zygote."""

from __future__ import annotations

import socket

import pytest
import trio

from sip.forking import ForkError, start_zygote


def test_stopped_zygote_is_gone_for_everybody():
    """After `stop`, listening ends at once, a fork is refused and a kill does nothing."""

    async def run() -> None:
        zygote = await start_zygote()
        assert zygote.slots >= 1
        await zygote.stop()
        await zygote.listen(lambda pid, status: None)
        ours, theirs = socket.socketpair()
        with ours, theirs, pytest.raises(ForkError):
            await zygote.fork(theirs)
        await zygote.kill(1)

    trio.run(run)


def test_exit_is_passed_on():
    """The status of a worker that was killed arrives."""

    async def run() -> None:
        zygote = await start_zygote()
        exits: list[tuple[int, int]] = []
        ended = trio.Event()

        def note(pid: int, status: int) -> None:
            exits.append((pid, status))
            ended.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(zygote.listen, note)
            ours, theirs = socket.socketpair()
            with ours:
                with theirs:
                    pid = await zygote.fork(theirs)
                await zygote.kill(pid)
                with trio.fail_after(10):
                    await ended.wait()
            await zygote.stop()
        assert exits == [(pid, -9)]

    trio.run(run)
