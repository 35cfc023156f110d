"""Settings on their way together: a tree of plain values, and where each of them came from.

Layers are put on in order: the file, the credentials directory, the environment, flags. A later layer replaces single
values of an earlier one.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from config.model import Key, Section, item_type, leaf_type, section_at
from config.problems import Problem, did_you_mean, dotted

MAX_FILE_BYTES: Final = 1_048_576
MAX_SECRET_BYTES: Final = 4096
MAX_ITEMS: Final = 64
ROW_KEYS_SHOWN: Final = 3
SECRET_FILE: Final = "_file"
"""`password_file = "path"` stands in for any secret `password`."""

_PART: Final = re.compile(r"([^.\[\]]+)|\[([0-9]{1,4})\]")
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


@dataclass(slots=True)
class Layers:
    """Values by path and their sources, while they are being gathered for a model.

    `from_text` has the paths that the environment and flags set; `unreadable` says that the file could not be read.
    """

    model: type[Section]
    tree: dict[str, Any] = field(default_factory=dict)
    sources: dict[tuple[Key, ...], str] = field(default_factory=dict)
    from_text: set[tuple[Key, ...]] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    unreadable: bool = False

    def complain(self, path: str, message: str) -> None:
        """Note a mistake and go on, so that all are found at once."""
        self.problems.append(Problem(path, message))


def read_toml(layers: Layers, path: Path) -> dict[str, Any]:
    """A TOML file as plain values; an empty one and a problem if it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) <= MAX_FILE_BYTES:
            return tomllib.loads(data.decode())
        layers.complain(str(path), f"is larger than {MAX_FILE_BYTES} bytes")
    except OSError as error:
        layers.complain(str(path), f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        layers.complain(str(path), f"is not UTF-8 text (at byte {error.start})")
    except tomllib.TOMLDecodeError as error:
        layers.complain(str(path), f"is not TOML: {error}")
    except ValueError:  # the parser lets Python's own complaint about a number of thousands of digits through
        layers.complain(str(path), "is not TOML: a value in it cannot be read")
    except RecursionError:
        layers.complain(str(path), "is nested too deeply")
    layers.unreadable = True
    return {}


def put_tree(layers: Layers, tree: Mapping[str, Any], source: str, folder: Path | None) -> None:
    """Put a whole tree of values on. `folder` is where relative names of secret files start."""
    plain = json.loads(json.dumps(dict(tree), default=str))  # TOML dates and times become text
    layers.tree = plain
    for path in _paths(plain):
        layers.sources[path] = source
    for path in [path for path in layers.sources if _is_secret_file(layers.model, path)]:
        _replace_by_secret(layers, path, folder)


def _paths(value: Any, path: tuple[Key, ...] = ()) -> Iterator[tuple[Key, ...]]:
    match value:
        case dict():
            for key, item in value.items():
                yield from _paths(item, (*path, key))
        case list() if any(isinstance(item, dict) for item in value):
            for index, item in enumerate(value):
                yield from _paths(item, (*path, index))
        case _:
            yield path


def _is_secret_file(model: type[Section], path: tuple[Key, ...]) -> bool:
    return path_of_secret(model, path) is not None


def path_of_secret(model: type[Section], path: tuple[Key, ...]) -> tuple[Key, ...] | None:
    """The path of the secret that a `..._file` setting stands for, or None if `path` is no such setting."""
    if not path or not isinstance(path[-1], str) or not path[-1].endswith(SECRET_FILE):
        return None
    secret = (*path[:-1], path[-1].removesuffix(SECRET_FILE))
    return secret if leaf_type(model, secret) is SecretStr else None


def _replace_by_secret(layers: Layers, path: tuple[Key, ...], folder: Path | None) -> None:
    secret = path_of_secret(layers.model, path)
    assert secret is not None
    holder: Any = layers.tree
    for key in path[:-1]:
        holder = holder[key]
    name = holder.pop(path[-1])
    del layers.sources[path]
    if secret[-1] in holder:
        layers.complain(dotted(path), f"and {secret[-1]} are both given: choose one")
    elif not isinstance(name, str) or not name:
        layers.complain(dotted(path), "must be the path of a file")
    else:
        file = Path(name) if folder is None else folder / name
        text = read_secret(layers, dotted(path), file)
        if text is not None:
            holder[secret[-1]] = text
            layers.sources[secret] = f"secret file {file}"


def read_secret(layers: Layers, path: str, file: Path) -> str | None:
    """The secret in a file, without the line end; None and a problem if there is none."""
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_SECRET_BYTES + 1)
        text = data.decode().rstrip("\r\n")
    except OSError as error:
        layers.complain(path, f"cannot read {file}: {error.strerror}")
        return None
    except ValueError:
        layers.complain(path, f"{file} is not UTF-8 text")
        return None
    if not text or len(data) > MAX_SECRET_BYTES:
        layers.complain(path, f"{file} is empty" if not text else f"{file} is longer than {MAX_SECRET_BYTES} bytes")
        return None
    return text


def put_text(layers: Layers, name: str, keys: tuple[Key, ...], text: str, source: str) -> None:
    """Put one value on that came as text. `name` is what the user called it, for messages."""
    secret = path_of_secret(layers.model, keys)
    if secret is not None:
        read = read_secret(layers, name, Path(text))
        if read is None:
            return
        keys, text, source = secret, read, f"secret file {text}"
    target = leaf_type(layers.model, keys)
    if not keys or target is None or isinstance(keys[-1], int):
        layers.complain(name, f"is not a setting{_nearest(layers.model, keys)}")
    elif section_at(layers.model, keys) is not None:
        layers.complain(name, "is a section: set one of its values")
    elif section_at(layers.model, (*keys, 0)) is not None:
        _put_rows(layers, name, keys, text, source)
    elif not text.isprintable():
        layers.complain(name, "has characters that cannot be printed")
    elif _store(layers, name, keys, _typed(target, text)):
        layers.sources[keys] = source
        layers.from_text.add(keys)


def _put_rows(layers: Layers, name: str, keys: tuple[Key, ...], text: str, source: str) -> None:
    """All rows of a list of sections at once, as TOML has them: `[{ limit = 2, window_days = 30 }]`."""
    if not text.lstrip().startswith("["):
        section = section_at(layers.model, (*keys, 0))
        known = ", ".join(f"{field} = ..." for field in islice(section.model_fields if section else (), ROW_KEYS_SHOWN))
        layers.complain(
            name, f"is a list of rows: give all of them, '[{{ {known} }}]', or one value: {name}[0].KEY=VALUE"
        )
        return
    try:
        rows = tomllib.loads(f"rows = {text}")["rows"]
    except (ValueError, RecursionError) as error:
        layers.complain(name, f"is not TOML: {str(error)[:200]}")
        return
    rows = json.loads(json.dumps(rows, default=str))
    if len(rows) > MAX_ITEMS:
        layers.complain(name, f"has {len(rows)} rows, at most {MAX_ITEMS} can be given so")
    elif _store(layers, name, keys, rows):
        note_sources(layers, keys, rows, source)


def note_sources(layers: Layers, keys: tuple[Key, ...], value: Any, source: str) -> None:
    """Everything at and below `keys` comes from one source now."""
    for path in [path for path in layers.sources if path[: len(keys)] == keys]:
        del layers.sources[path]
    layers.sources.update((path, source) for path in _paths(value, keys))


def split_path(text: str) -> tuple[Key, ...]:
    """`trunks[0].password` or `trunks.0.password` as keys; () where it is no path."""
    parts = _PART.findall(text)
    rebuilt = "".join(f"[{index}]" if index else f".{name}" for name, index in parts).removeprefix(".")
    if rebuilt != text:
        return ()
    return tuple(int(index or name) if index or _is_index(name) else name for name, index in parts)


def _is_index(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) <= 4


def _nearest(model: type[Section], keys: tuple[Key, ...]) -> str:
    for length in range(len(keys)):
        section = section_at(model, keys[:length])
        if section is not None and leaf_type(model, keys[: length + 1]) is None:
            return did_you_mean(str(keys[length]), section.model_fields)
    return ""


def _typed(target: Any, text: str) -> Any:
    """Text as the plain value that it stands for; left as it is where it stands for none, for the model to refuse."""
    if item_type(target) is not None:
        return [] if text.strip() == "[]" else [part.strip() for part in text.split(",") if part.strip()]
    if target is bool and text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    if target is int or target is float:
        try:
            return target(text)
        except ValueError:
            return text
    return text


def _store(layers: Layers, name: str, keys: tuple[Key, ...], value: Any) -> bool:
    holder: Any = layers.tree
    for place, key in enumerate(keys[:-1]):
        if isinstance(holder, list) and isinstance(key, int):
            if key > len(holder) or key >= MAX_ITEMS:
                layers.complain(name, f"leaves a gap: the next free place in the list is {len(holder)}")
                return False
            if key == len(holder):
                holder.append({})
            holder = holder[key]
        elif isinstance(holder, dict):
            if key not in holder:
                holder[key] = _default(layers.model, keys[: place + 1])
            holder = holder[key]
        else:
            return False  # the file has something else there, which the model refuses
    if not isinstance(holder, dict):
        return False
    holder[keys[-1]] = value
    return True


def _default(model: type[Section], keys: tuple[Key, ...]) -> Any:
    """What a single value is put into where nothing was given: an empty section, or the default rows of a list."""
    if section_at(model, keys) is not None:
        return {}
    section = section_at(model, keys[:-1])
    assert section is not None
    rows = section.model_fields[str(keys[-1])].default
    return [row.model_dump(mode="json") for row in rows]
