"""Exit codes of the daemon, by name. systemd and scripts read them; `dialer run --help` lists them."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Why the process ended."""

    OK = 0
    CRASH = 1
    CONFIG = 2  # the settings have mistakes; nothing was started
    REDIS = 3  # Redis was not there at the start
    SIP = 4  # no SIP worker could be started, or they kept dying
    SPOOLED = 5  # drained, but events wait on disk for Redis: start again to deliver them
    LOST = 12  # drained, but records were lost: neither Redis nor this host's disks took them


class StartFailed(Exception):
    """The daemon cannot start; `exit_code` says why to machines, the message to people."""

    def __init__(self, exit_code: Exit, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code
