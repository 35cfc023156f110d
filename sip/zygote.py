"""The process that workers are forked from: `python -m sip.zygote FD`.

It has pjsua2 and the worker's code imported and nothing else, so a fork shares all of it (9 MB private memory a
worker, 30 ms to start). multiprocessing's forkserver is not used because it imports the parent's `__main__`, here the
whole dialer with numba, into every worker.

FD is a unix stream socket. The pool sends a byte with two descriptors-to-be: one end of the worker's socketpair per
request (SCM_RIGHTS). The zygote answers with fixed records (`Record`): its capacity once, the pid of each worker
forked, and each worker's exit. When the stream ends, the daemon is gone; the workers notice the same on their own
sockets, get `FAREWELL_S` to hang up, and are then killed.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from enum import IntEnum
from typing import Final, NoReturn

FAREWELL_S: Final = 4.0
_TICK_S: Final = 0.05


class Record(IntEnum):
    """What a record says; it carries two numbers. FORK, KILL go to the zygote, the others come from it."""

    FORK = 1  # request number, 0; with the worker's descriptor
    KILL = 2  # pid, 0
    READY = 3  # slots of a worker, 0
    FORKED = 4  # request number, pid
    EXITED = 5  # pid, exit status (negative: the signal)
    FAILED = 6  # request number, errno


Work = Callable[[socket.socket], None]
"""The life of a worker, given its end of the stream to the daemon."""

RECORD: Final = struct.Struct(">Bii")


WORKER_NICENESS: Final = 5
"""One daemon decides for hundreds of workers. Where all want the processor at once it goes first, or the callee who
has just answered waits behind media clocks that have 20 ms to spare."""


def main() -> None:
    """Serve fork requests until the daemon is gone."""
    control = socket.socket(fileno=int(sys.argv[1]))
    # The library greets on stdout before its log can be configured.
    os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), 1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # the daemon decides when workers end
    os.nice(WORKER_NICENESS)
    # Imported here, not above: the daemon imports this module for its records, and must not load pjsua2. Not only when
    # a worker needs it: what is loaded before the fork is shared.
    from sip.worker import capacity, loop

    slots = capacity.probe_in_child()
    gc.collect()
    gc.freeze()
    control.sendall(RECORD.pack(Record.READY, slots, 0))
    _farewell(_serve(control, lambda stream: loop.run(stream, slots)))


def _serve(control: socket.socket, work: Work) -> set[int]:
    """Fork, kill and reap until the stream ends, or nobody reads it any more; the workers that are left."""
    child_ended, wakeup = socket.socketpair()
    wakeup.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
    workers: set[int] = set()
    try:
        _obey(control, work, workers, child_ended, wakeup)
    except ConnectionError:
        pass  # the daemon died while it was being told something: as good as the end of the stream
    finally:
        signal.set_wakeup_fd(-1)  # children go on ending after the socket is closed
    return workers


def _obey(
    control: socket.socket, work: Work, workers: set[int], child_ended: socket.socket, wakeup: socket.socket
) -> None:
    while True:
        ready, _, _ = select.select([control, child_ended], [], [])
        if child_ended in ready:
            child_ended.recv(4096)
            for pid, status in _reap(workers):
                control.sendall(RECORD.pack(Record.EXITED, pid, status))
        if control in ready:
            data, descriptors, _, _ = socket.recv_fds(control, RECORD.size, 1)
            if len(data) < RECORD.size:  # nothing: the end. A part of so short a record does not occur.
                return
            kind, number, _ = RECORD.unpack(data)
            if kind == Record.FORK:
                control.sendall(_fork(number, descriptors[0], work, workers, (control, child_ended, wakeup)))
            elif kind == Record.KILL and number in workers:
                os.kill(number, signal.SIGKILL)


def _fork(number: int, descriptor: int, work: Work, workers: set[int], ours: tuple[socket.socket, ...]) -> bytes:
    try:
        pid = os.fork()
    except OSError as error:
        os.close(descriptor)
        return RECORD.pack(Record.FAILED, number, error.errno or 0)
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for inherited in ours:
            inherited.close()
        _be_worker(descriptor, work)
    os.close(descriptor)
    workers.add(pid)
    return RECORD.pack(Record.FORKED, number, pid)


def _be_worker(descriptor: int, work: Work) -> NoReturn:
    status = 1
    try:
        work(socket.socket(fileno=descriptor))
        status = 0
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)  # the library's own destructors would abort


def _reap(workers: set[int]) -> list[tuple[int, int]]:
    exits = []
    while workers:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        workers.discard(pid)
        exits.append((pid, os.waitstatus_to_exitcode(status)))
    return exits


def _farewell(workers: set[int]) -> None:
    """Wait for the workers to hang up, then kill those that have not."""
    end = time.monotonic() + FAREWELL_S
    _reap(workers)
    while workers and time.monotonic() < end:
        time.sleep(_TICK_S)
        _reap(workers)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
