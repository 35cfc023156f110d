"""All policies that a host knows: those that come with the program, and those in the operator's folder.

A file that cannot be used does not hide: its name stays in the catalogue with what is wrong with it, and a campaign
that names it does not run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from config.campaign import NAME
from config.layers import Layers, put_tree, read_toml
from config.policies.model import PolicySettings
from config.problems import ConfigError, Problem, did_you_mean, problems_of

SHIPPED: Final = Path(__file__).parent
MAX_FILES: Final = 200


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Policies by name. `faults` has what is wrong with those that cannot be used, `files` where each came from."""

    policies: Mapping[str, PolicySettings] = field(default_factory=dict)
    faults: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)

    def get(self, name: str) -> PolicySettings:
        """The policy of that name. Raises `ConfigError` where it is not there, with the nearest name, or cannot be
        used, with every reason."""
        if name in self.faults:
            raise ConfigError(self.faults[name])
        policy = self.policies.get(name)
        if policy is None:
            near = did_you_mean(name, self.policies) or f" (there is: {', '.join(sorted(self.policies)) or 'none'})"
            raise ConfigError([Problem("", f'there is no policy "{name}" here{near}')])
        return policy


def read_policy(path: Path) -> PolicySettings:
    """A policy out of its file. Raises `ConfigError` with every problem."""
    layers = Layers(PolicySettings)
    tree = read_toml(layers, path)
    if not NAME.fullmatch(path.stem):
        layers.complain("", "the name of a policy's file has small letters, digits, - and _ before .toml")
    if not layers.unreadable:
        put_tree(layers, tree, f"file {path}", None)
        try:
            settings = PolicySettings.model_validate_json(json.dumps(layers.tree), strict=True)
        except ValidationError as error:
            layers.problems += problems_of(error, PolicySettings, layers.sources)
    if layers.problems:
        raise ConfigError(_with_file(path, layers.problems))
    return settings


def _with_file(path: Path, problems: Iterable[Problem]) -> list[Problem]:
    return [
        problem
        if problem.path == str(path)
        else Problem(f"{path.name}: {problem.path}".removesuffix(": "), problem.message)
        for problem in problems
    ]


def read_catalogue(folder: Path | None = None) -> Catalogue:
    """The shipped policies and those in `folder` (None, or not there: no others). Never raises: see `Catalogue.faults`.

    A name that is there twice cannot be used at all: nobody could say which one holds.
    """
    policies: dict[str, PolicySettings] = {}
    faults: dict[str, tuple[Problem, ...]] = {}
    files: dict[str, Path] = {}
    for path in [*_in(SHIPPED), *(_in(folder) if folder else ())]:
        name = path.stem
        if name in files:
            message = f'there are two policies "{name}", {files[name]} and {path}: rename yours'
            faults[name] = (Problem(path.name, message),)
            policies.pop(name, None)
            continue
        files[name] = path
        try:
            policies[name] = read_policy(path)
        except ConfigError as error:
            faults[name] = error.problems
    return Catalogue(policies, faults, files)


def _in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml")[:MAX_FILES]
    except OSError:
        return []


def stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes when a policy in `folder` does: names, times and sizes of its files."""
    files = []
    for path in _in(folder):
        try:
            about = path.stat()
        except OSError:
            continue
        files.append((path.name, about.st_mtime_ns, about.st_size))
    return tuple(files)


@lru_cache(maxsize=1)
def shipped() -> Catalogue:
    """The shipped policies alone."""
    return read_catalogue()
