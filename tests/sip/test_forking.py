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
        await zygote.listen()
        ours, theirs = socket.socketpair()
        with ours, theirs, pytest.raises(ForkError):
            await zygote.fork(theirs)
        await zygote.kill(1)

    trio.run(run)


def test_exit_is_passed_on():
    """The status of a worker that was killed arrives."""

    async def run() -> None:
        zygote = await start_zygote()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(zygote.listen)
            ours, theirs = socket.socketpair()
            with ours:
                with theirs:
                    pid = await zygote.fork(theirs)
                await zygote.kill(pid)
                assert await zygote.exit_status(pid) == -9
            await zygote.stop()

    trio.run(run)
