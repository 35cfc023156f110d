"""Secrets that others can read: on a command line, or in a file that is open to everybody."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from config.daemon import DaemonSettings
from config.load import Effective
from config.model import leaves
from config.problems import dotted


@dataclass(frozen=True, slots=True)
class Exposed:
    """What is wrong with where a secret is, and what to do; empty where only a look helps."""

    text: str
    remedy: str = ""


def exposed_secrets(effective: Effective[DaemonSettings]) -> tuple[Exposed, ...]:
    """Every secret of the daemon's settings that others can read. Looks at the files that they came from."""
    return tuple(dict.fromkeys(_exposed(effective)))


def _exposed(effective: Effective[DaemonSettings]) -> Iterator[Exposed]:
    for keys, value in leaves(effective.settings):
        path = dotted(keys)
        source = effective.sources[path]
        if isinstance(value, SecretStr) and value.get_secret_value():
            if source == "flag":
                yield Exposed(
                    f"{path} is on the command line: every user of this machine can read it there",
                    f"put it in a file and name that with {path}_file",
                )
            elif source.startswith(("file ", "secret file ")):
                yield from _open_file(Path(source.partition("file ")[2]), f"holds {path}")
        elif path.endswith("key_file") and isinstance(value, str) and value and source != "default":
            yield from _open_file(Path(value), f"is {path}")


def _open_file(path: Path, why: str) -> Iterator[Exposed]:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return  # who needs it says so
    except OSError as error:
        yield Exposed(f"{path} {why} and cannot be looked at: {error.strerror}")
        return
    if stat.S_IMODE(mode) & 0o007:
        yield Exposed(f"{path} {why} and everybody can read it", f"chmod o= {path}")
