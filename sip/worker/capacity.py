"""How many calls the installed pjsua2 can hold at once, found and not assumed.

`PJSUA_MAX_CALLS` is fixed when the library is built (4 in the stock wheel) and readable nowhere. But a library that is
asked for a conference bridge too small for its calls makes it two ports larger than the number of calls that it
will really hold, and that size is readable.
"""

from __future__ import annotations

import os
import struct
from typing import Final

import pjsua2 as pj

_kept: list[pj.Endpoint] = []  # its destructor would shut the library down, which takes a second

_ASKED: Final = 1_000_000
_NUMBER: Final = struct.Struct(">i")


def probe() -> int:
    """The number of call slots of this library. Uses up the process's only endpoint."""
    endpoint = pj.Endpoint()
    _kept.append(endpoint)
    endpoint.libCreate()
    config = pj.EpConfig()
    config.logConfig.level = 0
    config.logConfig.consoleLevel = 0
    config.uaConfig.maxCalls = _ASKED
    config.uaConfig.threadCnt = 0
    config.medConfig.threadCnt = 0
    config.medConfig.hasIoqueue = False
    config.medConfig.maxMediaPorts = 1
    endpoint.libInit(config)
    return int(endpoint.mediaMaxPorts()) - 2


def probe_in_child() -> int:
    """`probe` in a forked child. Raises `RuntimeError` if the library does not start."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, _NUMBER.pack(probe()))
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        answer = pipe.read(_NUMBER.size)
    os.waitpid(pid, 0)
    slots: int = _NUMBER.unpack(answer)[0] if len(answer) == _NUMBER.size else 0
    if slots < 1:
        raise RuntimeError("pjsua2 did not start, or has no room for a single call")
    return slots
