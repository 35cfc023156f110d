"""Read a profile from TOML: one of the built-in ones by name, or a file.

A file may start from another profile with `base = "demo"` and say only what differs. Everything wrong with a file is
reported at once, each problem with the path of its key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

from sip.loopback.profile import Media, Outcome, PhoneOutcome, Profile, ProfileError

BUILT_IN: Final = ("demo", "bench", "sipp-like")

_MAX_BYTES: Final = 10_000_000
_OUTCOMES: Final[dict[str, type[Outcome] | type[PhoneOutcome]]] = {
    "forced": Outcome,
    "forced_suffix": Outcome,
    "phones.forced": PhoneOutcome,
}
_Part = TypeVar("_Part")


def read_profile(name_or_path: str) -> Profile:
    """The built-in profile of that name, or the profile in that file.

    Raises ProfileError with every problem found, each headed by the name of the profile or file.
    """
    if name_or_path in BUILT_IN:
        source = files(__package__).joinpath(f"{name_or_path.replace('-', '_')}.toml").read_text(encoding="utf-8")
    else:
        source = _read_text(Path(name_or_path))
    try:
        return parse_profile(source, name=name_or_path)
    except ProfileError as error:
        raise ProfileError(*(f"{name_or_path}: {problem}" for problem in error.problems)) from None


def parse_profile(source: str, *, name: str = "unnamed") -> Profile:
    """The profile that a TOML text describes; raises ProfileError. `name` is used where the text gives none."""
    try:
        table: dict[str, Any] = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"not TOML: {error}") from error
    base = Profile()
    if (base_name := table.pop("base", None)) is not None:
        if base_name not in BUILT_IN:
            raise ProfileError(f"base = {base_name!r}: must be one of {', '.join(BUILT_IN)}")
        base = read_profile(base_name)
    problems: list[str] = []
    profile = _overlay(replace(base, name=name), table, "", problems)
    if problems:
        raise ProfileError(*problems)
    return profile


def parse_forced(text: str) -> tuple[str, Outcome]:
    """Read `NUMBER=OUTCOME`, as the command line has it; raises ProfileError."""
    number, equals, outcome = text.partition("=")
    if not number or not equals:
        raise ProfileError(f"{text!r}: must be NUMBER=OUTCOME")
    return number, Outcome(_enum(Outcome, outcome, number))


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ProfileError(f"larger than {_MAX_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProfileError(f"{path}: no such file, and not one of the profiles {', '.join(BUILT_IN)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: cannot be read: {error}") from error


def _overlay(part: _Part, table: Mapping[str, Any], path: str, problems: list[str]) -> _Part:
    """`part` with the keys of `table` laid over it; what cannot be used is added to `problems`."""
    known = {each.name: getattr(part, each.name) for each in fields(part)}  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{path}{key}"
        if key not in known:
            problems.append(f"{where}: no such key; known here are {', '.join(sorted(known))}")
            continue
        try:
            changes[key] = _value(known[key], value, where, problems)
        except ProfileError as error:
            problems.extend(error.problems)
    try:
        return replace(part, **changes)  # type: ignore[type-var]
    except ProfileError as error:
        problems.extend(f"{path}{problem}" for problem in error.problems)
        return part


def _value(old: Any, new: Any, where: str, problems: list[str]) -> Any:
    """`new` as a value of the same kind as `old`."""
    if is_dataclass(old) or isinstance(old, Mapping):
        if not isinstance(new, dict):
            raise ProfileError(f"{where}: must be a table")
        if is_dataclass(old):
            return _overlay(old, new, f"{where}.", problems)
        return {**old, **{key: _enum(_OUTCOMES[where], value, f"{where}.{key}") for key, value in new.items()}}
    if isinstance(old, Media):
        return _enum(Media, new, where)
    if isinstance(old, str):
        if not isinstance(new, str):
            raise ProfileError(f"{where} = {new!r}: must be a text")
        return new
    if isinstance(new, bool) or not isinstance(new, int | float):
        raise ProfileError(f"{where} = {new!r}: must be a number")
    return new


def _enum(kind: type[Outcome] | type[PhoneOutcome] | type[Media], value: object, where: str) -> str:
    if value not in [each.value for each in kind]:
        raise ProfileError(f"{where} = {value!r}: must be one of {', '.join(kind)}")
    return kind(value)
