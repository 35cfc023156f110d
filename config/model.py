"""What all settings have in common: they are frozen, know every key, and say what each value means."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from types import NoneType, UnionType
from typing import Annotated, Any, Final, get_args, get_origin

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Key = str | int
"""One step of a path: the name of a setting, or the place in a list (0 is the first)."""

_UNITS: Final = {
    "_s": "seconds",
    "_cps": "calls per second",
    "_bytes": "bytes",
    "_mb": "MB",
    "_days": "days",
    "_rate": "a fraction: 0.03 is 3 %",
}


def _known_region(region: str) -> str:
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("is not a known country: two capital letters such as CN, US, DE")
    return region


Region = Annotated[str, AfterValidator(_known_region)]
"""A country of phone numbers, ISO 3166."""


TrunkName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]

AbsolutePath = Annotated[str, Field(pattern=r"^/[^\x00]*$")]
OptionalPath = Annotated[str, Field(pattern=r"^(/[^\x00]*)?$")]
"""An absolute path, or empty."""

WavPath = Annotated[str, Field(pattern=r"^(/[^\x00]{1,1000})?$")]
"""The absolute path of a WAV file, or empty."""

PhoneKey = Annotated[str, Field(pattern=r"^[0-9*#]?$")]
"""A key of a telephone, or empty."""

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""What a campaign, or a CRM, may be called."""


class Section(BaseModel):
    """A group of settings. Unknown keys are mistakes. A secret given wrongly is never repeated in the message. The text
    below each setting is what its users read (`explanation`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


def unit(name: str) -> str:
    """The unit in which a setting is given, by the end of its name; empty where it has none."""
    return next((text for suffix, text in _UNITS.items() if name.endswith(suffix)), "")


def item_type(annotation: Any) -> Any:
    """The type of one item of a list of settings (`tuple[X, ...]`), or None where `annotation` is no list."""
    if get_origin(annotation) is tuple:
        return _plain(get_args(annotation)[0])
    return None


def leaf_type(model: type[Section], path: tuple[Key, ...]) -> Any:
    """The type of what `path` leads to: a Section class, a list type, a plain type; None where it leads nowhere."""
    annotation: Any = model
    for key in path:
        if isinstance(key, int):
            annotation = item_type(annotation)
        elif (section := as_section(annotation)) and key in section.model_fields:
            annotation = _plain(section.model_fields[key].annotation)
        else:
            return None
    return annotation


def as_section(kind: Any) -> type[Section] | None:
    """`kind` if it is a Section class, else None."""
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def section_at(model: type[Section], path: tuple[Key, ...]) -> type[Section] | None:
    """The section that `path` leads to, or None if it leads to none."""
    return as_section(leaf_type(model, path))


def explanation(model: type[Section], path: tuple[Key, ...]) -> str:
    """What the setting at `path` means, in one line; empty where there is none. A row of a list is what the list is."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    section = section_at(model, path[:-1]) if path else None
    classes = section.__mro__ if section else ()
    texts = (_texts(each) for each in classes if issubclass(each, Section) and each is not Section)
    return next((known[str(path[-1])] for known in texts if path[-1] in known), "")


@cache
def _texts(section: type[Section]) -> Mapping[str, str]:
    """The texts below the settings of one class. They are read off its code when somebody asks: pydantic, which can do
    so, does it for all classes, at each start of a command."""
    (definition,) = ast.parse(inspect.getsource(section)).body
    assert isinstance(definition, ast.ClassDef)
    return {
        setting.target.id: " ".join(text.value.value.split())
        for setting, text in pairwise(definition.body)
        if isinstance(setting, ast.AnnAssign)
        and isinstance(setting.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _plain(annotation: Any) -> Any:
    if get_origin(annotation) is UnionType:  # "X | None": a setting that may be absent
        annotation = next(kind for kind in get_args(annotation) if kind is not NoneType)
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def leaves(settings: Section, path: tuple[Key, ...] = ()) -> Iterator[tuple[tuple[Key, ...], Any]]:
    """Every single value of `settings` with its path, in the order of the models."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        match value:
            case Section():
                yield from leaves(value, (*path, name))
            case tuple() if any(isinstance(item, Section) for item in value):
                for index, item in enumerate(value):
                    yield from leaves(item, (*path, name, index))
            case _:
                yield (*path, name), value


def named_twice(names: Iterable[str]) -> str:
    """The names that are there more than once, as a list for people; empty where each differs from the others."""
    return ", ".join(sorted(name for name, times in Counter(names).items() if times > 1))


def each_name_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names. Raises `ValueError` where one is there more than once."""
    if twice := named_twice(names):
        raise ValueError(f"{twice} is there more than once")
    return names
