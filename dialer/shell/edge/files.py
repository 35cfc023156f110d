"""The edge's files on this host: what they should be, whether they are, and writing them in one step each."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from dialer.shell.edge.plan import EdgeError
from sip.edge import files_of
from sip.edge.plan import Edge, File

CHECK_LIMIT_S: Final = 20.0
_MASK_KEY: Final = re.compile(r'"mask_key", "([0-9a-f]{32})"')


def rendered(edge: Edge) -> tuple[File, ...]:
    """The files that the edge should have in its folder. Raises `EdgeError`."""
    try:
        return files_of(edge, _mask_key(Path(edge.folder)))
    except ValueError as error:
        raise EdgeError(str(error)) from error


def _mask_key(folder: Path) -> str:
    """The key of the files that are there, so that calls in progress stay known; a new one where there are none."""
    match = _MASK_KEY.search(read(folder / "secrets.cfg") or "")
    return match[1] if match else secrets.token_hex(16)


def read(path: Path) -> str | None:
    """The text of a file; None where there is none. Raises `EdgeError`."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise EdgeError(f"{path} cannot be read: {error}") from error


def is_current(folder: Path, file: File) -> bool:
    """Whether a file is there as it should be. Raises `EdgeError`."""
    path = folder / file.name
    return read(path) == file.text and path.stat().st_mode & 0o777 == _mode(file)


def _mode(file: File) -> int:
    return 0o640 if file.secret else 0o644


def write(folder: Path, *wanted: File) -> None:
    """Put files there, each in one step: nobody ever sees half of it, or a secret with the wrong rights. What a disk
    does not take is found out before the first of them is there.

    Raises `EdgeError`.
    """
    path = folder
    made: list[tuple[Path, Path]] = []
    try:
        for file in wanted:
            path = folder / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            made.append((Path(name), path))
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(file.text)
                os.fchmod(stream.fileno(), _mode(file))
            _put_later(Path(name), path)
        for part, path in made:
            part.replace(path)
    except OSError as error:
        for part, _ in made:
            part.unlink(missing_ok=True)
        raise EdgeError(f"{path} cannot be written: {error.strerror}") from error


def _put_later(made: Path, before: Path) -> None:
    """Let a file be at least a second younger than the one before: by that Kamailio tells that a table has changed."""
    if before.exists():
        at_s = max(int(made.stat().st_mtime), int(before.stat().st_mtime) + 1)
        os.utime(made, (at_s, at_s))


def program(name: str) -> str | None:
    """Where a program of Kamailio or rtpengine is, or None."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")


def check_with_kamailio(files: Iterable[File]) -> bool:
    """Let Kamailio read the files in a folder of their own; False where it is not installed. Raises `EdgeError` with
    its words."""
    kamailio = program("kamailio")
    if kamailio is None:
        return False
    with tempfile.TemporaryDirectory(prefix="dialer-edge-") as name:
        for file in files:
            write(Path(name), file)
        try:
            done = subprocess.run(
                [kamailio, "-c", "-f", f"{name}/kamailio.cfg"],
                capture_output=True,
                text=True,
                timeout=CHECK_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise EdgeError(f"kamailio -c did not end within {CHECK_LIMIT_S:g} s") from None
    if done.returncode != 0:
        words = [line.strip() for line in done.stderr.splitlines() if "ERROR" in line or "CRITICAL" in line]
        raise EdgeError("Kamailio does not take the files; nothing was written:", *words[:10])
    return True
