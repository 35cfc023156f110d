"""Settings out of their layers: defaults < file < credentials directory < environment < flags.

`load` reads the daemon's, `load_campaign` a campaign's. Both say every mistake at once, and where each effective value
came from. The environment is handed in; files are the only thing read here.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from pydantic import ValidationError

from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.layers import Layers, put_text, put_tree, read_secret, read_toml, split_path
from config.model import Key, Section, leaves, section_at
from config.problems import ConfigError, Problem, dotted, problems_of
from config.scripts.files import put_scripts, read_script
from config.scripts.settings import ScriptSettings

PREFIX: Final = "DIALER_"
STEP: Final = "__"
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""Where systemd puts what `LoadCredential=` names: `redis.password`, `redis.sentinel_password`,
`trunks.NAME.password`."""

NO_SETTINGS: Final = frozenset({"DIALER_CONFIG"})
"""Variables with our prefix that are no settings: `DIALER_CONFIG` names the file."""

S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True)
class Effective(Generic[S]):
    """Settings as they apply, and for each value where it came from.

    `sources` has one entry for each single value by its path (`trunks[0].max_cps`): "default", "file dialer.toml",
    "secret file PATH", "env DIALER_...", "flag", or "machine" for the host name.
    """

    settings: S
    sources: Mapping[str, str]


def load(path: Path | None, environ: Mapping[str, str], flags: Mapping[str, str]) -> Effective[DaemonSettings]:
    """The daemon's settings from a TOML file (None: no file), `DIALER_SECTION__KEY` variables and `section.key` flags.

    Raises `ConfigError` with every problem.
    """
    layers = Layers(DaemonSettings)
    if path is not None:
        put_tree(layers, read_toml(layers, path), f"file {path}", path.parent)
    _put_environment(layers, environ)
    _put_flags(layers, flags)
    if environ.get(CREDENTIALS):
        _put_credentials(layers, Path(environ[CREDENTIALS]))
    _name_host(layers)
    return _effective(layers, DaemonSettings)


def load_campaign(
    source: Path | Mapping[str, Any], flags: Mapping[str, str] | None = None, *, label: str = "stored"
) -> Effective[CampaignSettings]:
    """A campaign's settings from its TOML file, or from a mapping that `label` names as the source, with flags on top.

    In a file, a relative path of a message starts at the file. Raises `ConfigError` with every problem.
    """
    layers = Layers(CampaignSettings)
    if isinstance(source, Path):
        tree = read_toml(layers, source)
        paths = (
            *((tree, "abandon_message"), (tree, "whisper")),
            *((tree.get("recording"), "announcement"), (tree.get("machines"), "message")),
        )
        for section, name in paths:
            message = section.get(name) if isinstance(section, dict) else None
            if isinstance(section, dict) and isinstance(message, str) and message:
                section[name] = str(source.absolute().parent / message)
        put_tree(layers, tree, f"file {source}", source.parent)
    else:
        put_tree(layers, source, label, None)
    _put_flags(layers, flags or {})
    put_scripts(layers, label, source.absolute().parent if isinstance(source, Path) else None)
    return _effective(layers, CampaignSettings)


def load_model(source: Path, model: type[S]) -> S:
    """What a TOML file of its own kind says, such as a scoring sheet. Raises `ConfigError` with every problem."""
    layers = Layers(model)
    put_tree(layers, read_toml(layers, source), f"file {source}", source.parent)
    return _effective(layers, model).settings


def load_script(source: Path) -> ScriptSettings:
    """A script's own TOML file. Relative paths of WAV files start at it. Raises `ConfigError` with every problem."""
    layers = Layers(ScriptSettings)
    put_tree(layers, read_script(layers, source), f"file {source}", source.parent)
    return _effective(layers, ScriptSettings).settings


def _put_credentials(layers: Layers, folder: Path) -> None:
    """Every secret whose file is there and that neither the environment nor a flag gave.

    They come last because a trunk's goes by the trunk's name, as in `trunks.north.password`.
    """
    wanted: dict[str, tuple[Key, ...]] = {
        dotted(keys): keys for keys in (("redis", "password"), ("redis", "sentinel_password"), ("mail", "password"))
    }
    trunks = layers.tree.get("trunks")
    for index, trunk in enumerate(trunks if isinstance(trunks, list) else ()):
        name = trunk.get("name") if isinstance(trunk, dict) else None
        if isinstance(name, str) and "/" not in name:
            wanted[f"trunks.{name}.password"] = ("trunks", index, "password")
    for file_name, keys in wanted.items():
        file = folder / file_name
        if keys not in layers.from_text and file.is_file():
            text = read_secret(layers, dotted(keys), file)
            if text is not None:
                put_text(layers, dotted(keys), keys, text, f"secret file {file}")


def _put_environment(layers: Layers, environ: Mapping[str, str]) -> None:
    flat = {STEP.join(map(str, keys)).replace(STEP, "_"): STEP.join(map(str, keys)) for keys in _known(layers.model)}
    for name in sorted(environ, key=_in_order):
        if not name.startswith(PREFIX) or name in NO_SETTINGS:
            continue
        rest = name.removeprefix(PREFIX).lower()
        if STEP in rest:
            keys = split_path(rest.replace(STEP, "."))
            put_text(layers, name, keys, environ[name], f"env {name}")
        elif rest in flat:
            meant = f"{PREFIX}{flat[rest].upper()}"
            layers.complain(name, f"is not a setting (did you mean {meant}, with two underscores?)")


def _known(model: type[Section]) -> list[tuple[Key, ...]]:
    """The paths of all single values that a model has without any list."""
    paths: list[tuple[Key, ...]] = []
    for name, field in model.model_fields.items():
        inner = section_at(model, (name,))
        if inner is not None and isinstance(field.default, Section):
            paths += [(name, *keys) for keys in _known(inner)]
        else:
            paths.append((name,))
    return paths


def _put_flags(layers: Layers, flags: Mapping[str, str]) -> None:
    for name in sorted(flags, key=_in_order):
        put_text(layers, name, split_path(name), flags[name], "flag")


def _in_order(name: str) -> str:
    """Sorts numbered names by number, so that rows of a list are added one after the other."""
    return re.sub(r"[0-9]+", lambda number: number[0].zfill(9), name)


def _name_host(layers: Layers) -> None:
    host = layers.tree.setdefault("host", {})
    if isinstance(host, dict) and not host.get("name"):
        host["name"] = re.sub(r"[^A-Za-z0-9_.-]", "-", socket.gethostname())[:64]
        layers.sources["host", "name"] = "machine"


def _effective(layers: Layers, model: type[S]) -> Effective[S]:
    """Validate what was gathered, strictly: text is no number, and 1.0 is no whole number."""
    try:
        settings = model.model_validate_json(json.dumps(layers.tree), strict=True)
    except ValidationError as error:
        if not layers.unreadable:  # then what is missing is in the file that could not be read
            layers.problems += problems_of(error, model, layers.sources)
        layers.problems += _twice_named(layers.tree)
    if layers.problems:
        raise ConfigError(layers.problems)
    sources = {dotted(path): _source(layers, path, value) for path, value in leaves(settings)}
    return Effective(settings, sources)


def _source(layers: Layers, path: tuple[Key, ...], value: Any) -> str:
    inner = ((*path, key) for key in value) if isinstance(value, dict) else ()
    return next((layers.sources[known] for known in (path, *inner) if known in layers.sources), "default")


def _twice_named(tree: Mapping[str, Any]) -> list[Problem]:
    """Trunks that share a name, where another mistake keeps the model from looking."""
    rows = tree.get("trunks")
    names = [row.get("name") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    problems = []
    for index, name in enumerate(names):
        if isinstance(name, str) and name in names[:index]:
            problems.append(Problem(f"trunks[{index}].name", f'another trunk is called "{name}", too'))
    return problems
