"""What is wrong with settings, said so that it can be put right: the path, the rule, the unit, what was given.

A value is repeated only where it cannot be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from types import NoneType
from typing import Any, Final

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from compliance.numbers import masked_text
from config.model import Key, Section, as_section, explanation, item_type, leaf_type, section_at, unit

MAX_PROBLEMS: Final = 100
_MAX_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where (`trunks[1].max_cps`, or the name of a file or variable) and what."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class ConfigError(ValueError):
    """Settings that cannot be used. Its text has one line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = tuple(dict.fromkeys(problems))
        self.problems = unique[:MAX_PROBLEMS]
        lines = [str(problem) for problem in self.problems]
        if len(unique) > MAX_PROBLEMS:
            lines.append(f"and {len(unique) - MAX_PROBLEMS} more")
        super().__init__("\n".join(lines))


def dotted(keys: Iterable[Key]) -> str:
    """A path as people write it: ("trunks", 1, "max_cps") is `trunks[1].max_cps`."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean "x"?)`, or nothing where no known word is near."""
    near = get_close_matches(word.lower(), list(known), n=1)
    return f' (did you mean "{near[0]}"?)' if near else ""


def problems_of(
    error: ValidationError, model: type[Section], sources: Mapping[tuple[Key, ...], str]
) -> tuple[Problem, ...]:
    """Every mistake that pydantic found in settings of type `model`, in our words.

    Where the value came from a variable or a flag, the message says so: nobody would look for it in the file.
    """
    problems = []
    for details in error.errors(include_url=False, include_input=True):
        if details["type"] == "too_short" and details["input"]:
            continue  # rows that are wrong themselves and therefore do not count
        path = _path(details)
        source = sources.get(path, "")
        origin = f" (from {source})" if source.startswith(("env ", "flag", "secret file ")) else ""
        error_given = details.get("ctx", {}).get("error")
        if isinstance(error_given, ConfigError):  # several mistakes at once, with paths of their own within
            within = f"{dotted(path)}." if path else ""
            problems += [Problem(within + each.path, each.message + origin) for each in error_given.problems]
            continue
        problems.append(Problem(dotted(path), _message(details, model) + origin))
    return tuple(problems)


def _path(details: ErrorDetails) -> tuple[Key, ...]:
    return tuple(details["loc"])


_NUMBERS: Final = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}

_KINDS: Final = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "model_type": "must be a section of settings",
    "tuple_type": "must be a list",
}


def _message(details: ErrorDetails, model: type[Section]) -> str:
    path, kind, given = _path(details), details["type"], details["input"]
    context: Mapping[str, Any] = details.get("ctx", {})
    target = leaf_type(model, path)
    got = _got(target, given)
    if kind in _NUMBERS:
        words, bound = _NUMBERS[kind]
        measure = unit(str(path[-1]))
        return f"must be {words} {context[bound]:.12g}{f' ({measure})' if measure else ''}{got}"
    if kind in _KINDS:
        return _KINDS[kind] + got
    match kind:
        case "missing":
            return f"is missing: {explanation(model, path)}"
        case "extra_forbidden":
            siblings = section_at(model, path[:-1])
            return "is not a setting" + did_you_mean(str(path[-1]), siblings.model_fields if siblings else ())
        case "enum":
            known = (
                [str(member) for member in target] if isinstance(target, type) and issubclass(target, StrEnum) else []
            )
            near = did_you_mean(given, known) if isinstance(given, str) else ""
            return f"must be one of {', '.join(known)}{got}{near}"
        case "string_pattern_mismatch" | "string_too_short":
            return f"is not of the right form: {explanation(model, path)}{got}"
        case "string_too_long":
            return f"must be at most {context['max_length']} characters long"
        case "too_short":
            return f"must have at least {context['min_length']}"
        case "too_long":
            return f"must have at most {context['max_length']}"
        case "value_error":
            return str(context["error"])
        case _:
            return details["msg"]


def _got(target: Any, given: Any) -> str:
    if target is SecretStr:
        return ""
    match given:
        case bool():
            return f", got {str(given).lower()}"
        case int() | float():
            return f", got {given:.15g}" if isinstance(given, float) else f", got {given}"
        case str() if _is_single(target):
            text = masked_text(given)
            return f', got "{text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "..."}"'
        case str():
            return ", got text"
        case dict():
            return ", got a section"
        case list() | tuple():
            return ", got a list"
        case NoneType():
            return ", got nothing"
        case _:
            return ""


def _is_single(target: Any) -> bool:
    """Whether a setting has one plain value, so that text in its place is no section with a password in it."""
    return target is not None and as_section(target) is None and item_type(target) is None
