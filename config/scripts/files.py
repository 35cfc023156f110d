"""Scripts out of files: of their own, or within a campaign's."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from config.layers import Layers, note_sources, read_toml

SECTIONS: Final = ("script", "survey")
"""The settings of a campaign that hold one."""

_IN_FILE: Final = ("title", "limit_s", "steps")


def put_scripts(layers: Layers, stored: str, folder: Path | None) -> None:
    """Read the files that a campaign's scripts are in, but for those that its `stored` settings name: they have been
    read. `folder` is where relative paths of a campaign's own file begin; None: it comes from no file."""
    for name in SECTIONS:
        section = layers.tree.get(name)
        if not isinstance(section, dict):
            continue
        source = layers.sources.get((name, "file"), stored)
        if source == stored or not section.get("file"):
            if folder is not None:
                _locate(section, folder)
            continue
        if any(path[0] == name and path[1] in _IN_FILE and layers.sources[path] != stored for path in layers.sources):
            layers.complain(f"{name}.file", "takes the place of title, limit_s and steps: give only one of the two")
            continue
        path = ((folder if source != "flag" else None) or Path.cwd()) / str(section["file"])
        given = {key: value for key, value in section.items() if key not in _IN_FILE}
        layers.tree[name] = given | read_script(layers, path) | {"file": str(path)}
        for key in _IN_FILE:
            note_sources(layers, (name, key), layers.tree[name].get(key), f"file {path}")


def read_script(layers: Layers, path: Path) -> dict[str, Any]:
    """A script's file as plain values, its WAV files by their absolute paths."""
    tree = read_toml(layers, path)
    _locate(tree, path.absolute().parent)
    return tree


def _locate(tree: dict[str, Any], folder: Path) -> None:
    steps = tree.get("steps")
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict) and isinstance(step.get("play"), str) and step["play"]:
            step["play"] = str(folder / step["play"])
