"""A relay in front of a server that can be cut: the partition of one host."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Final

CHUNK: Final = 65_536
ACCEPT_EVERY_S: Final = 0.2


class Relay:
    """Passes connections to a port of this machine on. While it is `cut` it refuses new ones and has ended the rest."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(ACCEPT_EVERY_S)
        self.port = int(self._listener.getsockname()[1])
        self.cut = False
        self._over = False
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="relay", daemon=True)
        self._thread.start()

    def cut_off(self) -> None:
        """Nothing passes any more."""
        self.cut = True
        with self._lock:
            for pair in self._pairs:
                _end(pair)

    def mend(self) -> None:
        """New connections pass again."""
        self.cut = False

    def close(self) -> None:
        """End everything."""
        self._over = True
        self.cut_off()
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._over:
            with suppress(TimeoutError):
                near, _ = self._listener.accept()
                if self.cut:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._target), timeout=1.0)
                except OSError:
                    near.close()
                    continue
                self._join(near, far)

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        far.settimeout(None)
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (near, far)
        with self._lock:
            self._pairs.add(pair)
        for source, target in ((near, far), (far, near)):
            threading.Thread(target=self._pass_on, args=(source, target, pair), name="relay", daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, pair: tuple[socket.socket, socket.socket]) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                target.sendall(data)
        with self._lock:
            self._pairs.discard(pair)
        _end(pair)


def _end(pair: tuple[socket.socket, socket.socket]) -> None:
    for one in pair:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
