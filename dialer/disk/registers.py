"""The national no-call registers of this host: opened when they are needed, and again when their files change.

Files are read, not mapped: a mapped file that somebody cuts short under a running daemon would kill it, calls and all.
The pages are in the page cache either way, and half a microsecond more a look-up is what it costs.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from compliance.api import Refusal
from compliance.listed import ALL_REGISTERS, on_register, outdated, register_outdated, register_unreadable
from compliance.numbers import E164, may_be_of
from compliance.register import Facts, Register, RegisterUnreadable, read_register
from config.daemon import RegisterSettings

LOOK_EVERY_S: Final = 1.0
"""A changed file is noticed after this, at the latest."""

_Identity = tuple[int, int, int, int]


@contextmanager
def open_register(path: Path) -> Iterator[Register]:
    """The register in a file. Raises `RegisterUnreadable`."""
    register, descriptor = _opened(str(path))
    try:
        yield register
    finally:
        os.close(descriptor)


def _opened(path: str) -> tuple[Register, int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise RegisterUnreadable(path, "is not there (made by: dialer register import)") from None
    except OSError as error:
        raise RegisterUnreadable(path, f"cannot be opened: {error.strerror}") from error
    try:
        size = os.fstat(descriptor).st_size
        return read_register(path, size, lambda offset, length: os.pread(descriptor, length, offset)), descriptor
    except BaseException:
        os.close(descriptor)
        raise


@dataclass(slots=True)
class _Held:
    """One register as it was found last. `fault` says why it cannot be relied on; empty where it can."""

    identity: _Identity | None = None
    looked_at: float | None = None
    register: Register | None = None
    descriptor: int = -1
    fault: str = ""


@dataclass(frozen=True, slots=True)
class RegisterState:
    """One register of the settings. `facts` is None where it cannot be read; `fault` says what keeps it from being
    relied on, its age included; empty where nothing does."""

    settings: RegisterSettings
    facts: Facts | None
    fault: str


@dataclass(slots=True)
class NationalRegisters:
    """The registers that this host's settings name. Threads may share it; times are seconds since the epoch."""

    registers: tuple[RegisterSettings, ...] = ()
    _held: dict[str, _Held] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def verdicts(self, names: Sequence[str], numbers: Sequence[E164], now: float) -> list[Refusal | None]:
        """What the registers `names` (or `ALL_REGISTERS`) say of each number; None: nothing against it.

        A register concerns the numbers of its country. One that is not configured, not there, damaged or too old
        refuses what it concerns.
        """
        if not names or not (self.registers or any(name != ALL_REGISTERS for name in names)):
            return [None] * len(numbers)
        unknown = self.unknown(names)
        if unknown:
            return [register_unreadable(unknown[0], now)] * len(numbers)
        asked = self._asked(names)
        with self._lock:
            return [self._verdict(asked, number, now) for number in numbers]

    def unknown(self, names: Sequence[str]) -> list[str]:
        """A sentence for each register that is wanted and not in this host's settings."""
        known = [register.name for register in self.registers]
        there = ", ".join(known) or "none"
        missing = [name for name in names if name != ALL_REGISTERS and name not in known]
        return [f"the register {name!r} is not configured here (there is: {there})" for name in missing]

    def standings(self, names: Sequence[str], now: float) -> list[RegisterState]:
        """How each of the registers `names` that are configured stands."""
        with self._lock:
            return [self._standing(register, now) for register in self._asked(names)]

    def membership(self, register: RegisterSettings, number: E164, now: float) -> bool:
        """Whether a number is in one register, of whatever age. Raises `RegisterUnreadable`."""
        with self._lock:
            held = self._look(register, now)
            if held.register is None:
                raise RegisterUnreadable(register.path, held.fault.removeprefix(f"{register.path}: "))
            return held.register.contains(number)

    def close(self) -> None:
        """Let go of the files. What is asked afterwards opens them again."""
        with self._lock:
            for held in self._held.values():
                _let_go(held)
            self._held.clear()

    def _asked(self, names: Sequence[str]) -> list[RegisterSettings]:
        return [register for register in self.registers if ALL_REGISTERS in names or register.name in names]

    def _verdict(self, asked: Sequence[RegisterSettings], number: E164, now: float) -> Refusal | None:
        """The first register that holds the number refuses it for good; else the first that cannot be relied on does
        for now. Whether a register concerns the number is asked last: it takes longer than looking the number up."""
        doubt: Refusal | None = None
        for register in asked:
            refusal = self._judged(register, number, now)
            if refusal is not None and may_be_of(number, register.country):
                if refusal.until is None:
                    return refusal
                doubt = doubt or refusal
        return doubt

    def _judged(self, register: RegisterSettings, number: E164, now: float) -> Refusal | None:
        held = self._look(register, now)
        try:
            if held.register is not None and held.register.contains(number):
                return on_register(held.register.facts)
        except RegisterUnreadable as error:
            held.fault = str(error)
            _let_go(held)
        if held.register is None:
            return register_unreadable(held.fault, now)
        old = outdated(held.register.facts, register.max_age_days, now)
        return register_outdated(old, now) if old else None

    def _standing(self, register: RegisterSettings, now: float) -> RegisterState:
        held = self._look(register, now)
        if held.register is None:
            return RegisterState(register, None, held.fault)
        facts = held.register.facts
        return RegisterState(register, facts, outdated(facts, register.max_age_days, now))

    def _look(self, settings: RegisterSettings, now: float) -> _Held:
        """The register as it is now. Its file is looked at once a second at most, and read where it changed; one that
        was found damaged stays so until then."""
        held = self._held.setdefault(settings.name, _Held())
        if held.looked_at is not None and abs(now - held.looked_at) < LOOK_EVERY_S:
            return held
        held.looked_at = now
        identity = _identity(settings.path)
        if identity is not None and identity == held.identity:
            return held
        _let_go(held)
        held.identity, held.fault = identity, ""
        try:
            register, descriptor = _opened(settings.path)
            if register.facts.name != settings.name:
                os.close(descriptor)
                wrong = f"is the register {register.facts.name!r}, not {settings.name!r}"
                raise RegisterUnreadable(settings.path, wrong)
            held.register, held.descriptor = register, descriptor
        except RegisterUnreadable as error:
            held.fault = str(error)
        return held


def _let_go(held: _Held) -> None:
    if held.register is not None:
        os.close(held.descriptor)
        held.register, held.descriptor = None, -1


def _identity(path: str) -> _Identity | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size
