"""`python -m dialer.demo.watchdog SECONDS COMMAND ...`: run a command that ends with whoever started it.

The command runs in a session of its own, so that Ctrl-C in the terminal is ours to pass on. It is ended when our stdin
ends, as it does when our starter dies, however it dies, and when the seconds are over. SIGTERM is passed on. At the
end, whatever is left of the command's process group is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from types import FrameType
from typing import Final

DRAIN_S: Final = 3.0
"""After the first SIGTERM, so long until the second one, which tells a daemon to hang up."""

LAST_S: Final = 10.0


def main(arguments: list[str]) -> int:
    """Run it; returns its exit status, or 128 + the number of the signal that ended it."""
    limit_s, command = float(arguments[0]), arguments[1:]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def pass_on(_: int, __: FrameType | None) -> None:
        child.terminate()

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_stdin, args=(child,), name="stdin", daemon=True).start()
    try:
        status = child.wait(limit_s)
    except subprocess.TimeoutExpired:
        status = _end(child)
    _kill_group(child)
    return status if status >= 0 else 128 - status


def _end_with_stdin(child: subprocess.Popen[bytes]) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    _end(child)


def _end(child: subprocess.Popen[bytes]) -> int:
    """Ask, ask again, then do not ask."""
    for patience_s in (DRAIN_S, LAST_S):
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(patience_s)
    _kill_group(child)
    return child.wait()


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
