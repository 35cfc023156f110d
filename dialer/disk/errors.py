"""What this host's files can raise.

DiskError      a file or folder is missing, damaged, in use, or is not ours to read
+-- SpoolFull  the spool has reached its limit
"""

from __future__ import annotations


class DiskError(Exception):
    """Something is wrong with a file or folder of this host; the message names it."""


class SpoolFull(DiskError):
    """The disk spool has reached its limit; nothing of the batch was written."""
