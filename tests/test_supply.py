"""What the product is made of is pinned, with the hashes of its files, and installed so everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ("run", "test", "mutants")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def normal(name: str) -> str:
    """A package's name as all spellings of it are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(text: str) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\n\\]+)", text, re.MULTILINE)
    return {normal(name): version for name, version in found}


def lock(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text()


CHOSEN = pins((ROOT / "constraints.txt").read_text())


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_the_versions_that_were_chosen(name: str) -> None:
    """Run `make lock` after a change of constraints.txt or pyproject.toml."""
    different = {one: version for one, version in pins(lock(name)).items() if CHOSEN.get(one, version) != version}

    assert different == {}


@pytest.mark.parametrize("name", [*LOCKS, "tools"])
def test_every_pin_has_hashes_and_names_no_place(name: str) -> None:
    """`pip install --require-hashes` takes it as it is, from whichever registry."""
    entries = re.split(r"^(?=[A-Za-z0-9])", lock(name), flags=re.MULTILINE)[1:]

    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|--index|--find-links|^-e", lock(name), re.MULTILINE)


@pytest.mark.parametrize(("name", "extras"), [("run", ()), ("test", ("demo", "test")), ("mutants", ("mutants",))])
def test_what_is_needed_is_locked(name: str, extras: tuple[str, ...]) -> None:
    """Every direct dependency, and what the package is built with."""
    wanted = [*PROJECT["dependencies"], *(one for extra in extras for one in PROJECT["optional-dependencies"][extra])]
    names = {normal(re.split(r"[\[<>=!~; ]", one)[0]) for one in wanted} - {PROJECT["name"]}

    assert names | {"setuptools"} <= set(pins(lock(name)))


@pytest.mark.parametrize("file", ["Makefile", "systemd/README.md"])
def test_installing_checks_the_hashes(file: str) -> None:
    """The way that is shipped, and ours: first what is locked, then the product without looking for anything."""
    text = (ROOT / file).read_text()

    assert "--require-hashes" in text
    assert "--no-deps --no-build-isolation" in text
    assert "pip install ." not in text
