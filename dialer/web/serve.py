"""The console as a process: Hypercorn on trio, the one reader beside it, an orderly end."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

import structlog
import trio
from hypercorn.config import Config, Sockets
from hypercorn.trio import serve as hypercorn_serve

from config.web.settings import WebSettings
from dialer.shell.watchdog import Notifier
from dialer.web.app import application
from dialer.web.office import Office

log = structlog.get_logger()

GRACE_S: Final = 3.0
"""What is being answered at the end may take so long."""

BACKLOG: Final = 200

SLOWEST_MS: Final = 15_000
"""A browser that takes nothing of what it is sent for so long is gone. Hypercorn waits for it without an end, also when
it is told to stop, and it would keep its place among the viewers; so the kernel ends the connection."""


class _Listening(Config):
    """Hypercorn's settings, with what its sockets need besides; connections have it from the socket they came in at."""

    def create_sockets(self) -> Sockets:
        sockets = super().create_sockets()
        for listener in (*sockets.secure_sockets, *sockets.insecure_sockets):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SLOWEST_MS)
        return sockets


async def serve(office: Office, notifier: Notifier, ready: Callable[[str], object] = lambda url: None) -> None:
    """Serve until SIGTERM or SIGINT; `ready` hears the address. Raises `OSError` where the port is taken."""
    stopping = trio.Event()
    await office.feed.read()
    async with trio.open_nursery() as around:
        around.start_soon(office.feed.run)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_signal, stopping)
            served = partial(
                hypercorn_serve,
                cast("Any", application(office)),
                _config(office.settings.web),
                shutdown_trigger=stopping.wait,
            )
            addresses = await nursery.start(served)
            log.info("console ready", address=addresses[0])
            notifier.ready(f"serves {addresses[0]}")
            ready(addresses[0])
            await stopping.wait()
            notifier.stopping("stopping")
            office.feed.close()
        around.cancel_scope.cancel()


async def _until_signal(stopping: trio.Event) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            stopping.set()
            return


def _config(settings: WebSettings) -> Config:
    config = _Listening()
    host = f"[{settings.bind_address}]" if ":" in settings.bind_address else settings.bind_address
    config.bind = [f"{host}:{settings.port}"]
    config.certfile = settings.tls_certificate_file or None
    config.keyfile = settings.tls_key_file or None
    config.graceful_timeout = GRACE_S
    config.backlog = BACKLOG
    config.include_server_header = False
    config.loglevel = "WARNING"
    return config
