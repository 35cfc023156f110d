"""Exit codes of the commands, besides the daemon's own (`dialer.shell.exits`), which they share where they mean the
same: 0 done, 2 wrong settings or wrong use, 3 Redis does not answer."""

from __future__ import annotations

from enum import IntEnum


class CliExit(IntEnum):
    """Why a command did not do what it was told. The numbers go on where the daemon's end."""

    NOT_FOUND = 6  # no such campaign or lead
    REFUSED = 7  # understood, and not done: it exists already, cannot be started, the stream is full
    PARTLY = 8  # some leads were rejected, all others were taken
    NO_DAEMON = 9  # no daemon is alive
    BROKEN = 10  # the evidence is not whole, or does not agree with the ledger
    UNFIT = 11  # this host cannot dial as it is, or must not
