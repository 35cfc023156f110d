"""The daemon's HTTP endpoint: `/metrics` for Prometheus, `/live` and `/ready` for whoever looks after services.

A handful of threads of their own, so that it answers while the daemon is busy; a connection that says nothing is closed
after `IDLE_S`, and more than `MOST_CONNECTIONS` at once wait for nobody: they are turned away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

from dialer.core.board import Board

IDLE_S: Final = 5.0
MOST_CONNECTIONS: Final = 16
STALE_S: Final = 10.0
"""A daemon that has not made a board for so long does not live any more, whatever its process does."""

INDEX: Final = """dialer
/metrics  figures for Prometheus
/live     200 while the daemon works through its events; else 503: restart it
/ready    200 while new calls may start; else 503 and why not (also as /health)
"""

Answer = tuple[str, str]
"""Status line and text."""


def live(board: Board | None, now: float) -> Answer:
    """Whether the daemon works. `now` is seconds since the epoch."""
    if board is None:
        return "503 Service Unavailable", "starting\n"
    silent_s = now - board.at
    if silent_s > STALE_S:
        return "503 Service Unavailable", f"stands still for {silent_s:.0f} s\n"
    return "200 OK", "live\n"


def ready(board: Board | None, now: float) -> Answer:
    """Whether new calls may start on this host, and if not each reason in a line."""
    status, text = live(board, now)
    if board is None or status != "200 OK":
        return status, text
    reasons = list(board.no_new_calls) + ([] if board.state == "running" else [f"the daemon is {board.state}"])
    return (
        ("503 Service Unavailable", "".join(f"{reason}\n" for reason in reasons)) if reasons else ("200 OK", "ready\n")
    )


def application(
    registry: CollectorRegistry, board: Callable[[], Board | None], clock: Callable[[], float] = time.time
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """The endpoint as a WSGI application; `board` is the newest one, None before the first."""
    metrics = make_wsgi_app(registry)

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            pages: Iterable[bytes] = metrics(environ, start)
            return pages
        if path == "/live":
            status, text = live(board(), clock())
        elif path in {"/ready", "/health"}:
            status, text = ready(board(), clock())
        elif path == "/":
            status, text = "200 OK", INDEX
        else:
            status, text = "404 Not Found", INDEX
        start(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [text.encode()]

    return answer


class _Request(WSGIRequestHandler):
    timeout = IDLE_S

    def log_message(self, *_: Any) -> None:
        """Scrapes are not worth a line."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away or sent no HTTP; it hears nothing and nobody needs to know."""


def serve(address: str, port: int, app: Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]) -> WSGIServer:
    """Listen, in threads. Raises `OSError`. Port 0: any; the server knows which."""
    server = make_server(address, port, app, _Server, _Request)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
