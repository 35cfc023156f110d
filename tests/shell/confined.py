"""Become another program within what `systemd/dialer.service` allows, where no systemd runs: its system calls, its
families of addresses, no namespace of its own, no new rights, a read-only system. For Linux with libseccomp.

    python -m tests.shell.confined PROGRAM ARGUMENTS ...
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

UNIT: Final = Path(__file__).parents[2] / "systemd" / "dialer.service"
PR_SET_NO_NEW_PRIVS: Final = 38
ALLOW: Final = 0x7FFF0000
ERRNO: Final = 0x00050000
EPERM: Final = 1
MASKED_EQUAL: Final = 7
NOT_EQUAL: Final = 1
CLONE_FLAGS: Final = 0x7E020000
"""All flags of clone(2) that make a namespace, but that of time, which shares its bit with a signal."""


def unit_values(name: str) -> list[str]:
    """The values of a directive of the unit, in order."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), flags=re.MULTILINE)


def calls_in(group: str) -> Iterator[str]:
    """The system calls of a group such as @system-service, as systemd has them."""
    text = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True
    ).stdout
    for line in text.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            yield from calls_in(word)
        elif word and not word.startswith("#"):
            yield word


def allowed_calls() -> set[str]:
    """What the unit's filters leave."""
    allowed: set[str] = set()
    for value in unit_values("SystemCallFilter"):
        for group in value.removeprefix("~").split():
            names = set(calls_in(group)) if group.startswith("@") else {group}
            allowed = allowed - names if value.startswith("~") else allowed | names
    return allowed


class _Compare(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def confine() -> None:
    """Load the filter into this process, for it and everything that it becomes. Raises `OSError`."""
    library: Any = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add_array.argtypes = (
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Compare)),
    )
    library.seccomp_load.argtypes = (ctypes.c_void_p,)
    context = library.seccomp_init(ERRNO | EPERM)
    families = [getattr(socket, name) for value in unit_values("RestrictAddressFamilies") for name in value.split()]
    for name in sorted(allowed_calls() | {"execve"}):
        number = library.seccomp_syscall_resolve_name(name.encode())
        rules: Sequence[Sequence[_Compare]] = [()]
        if name == "socket":
            rules = [(_Compare(0, 4, family, 0),) for family in families]
        elif name == "clone":
            rules = [(_Compare(0, MASKED_EQUAL, CLONE_FLAGS, 0),)]
        elif name in ("unshare", "setns"):
            continue
        for rule in rules if number >= 0 else ():
            _checked(library.seccomp_rule_add_array(context, ALLOW, number, len(rule), (_Compare * len(rule))(*rule)))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    _checked(library.seccomp_load(context))


def _checked(answer: int) -> None:
    if answer < 0:
        raise OSError(-answer, os.strerror(-answer))


if __name__ == "__main__":
    confine()
    os.execvp(sys.argv[1], sys.argv[1:])
