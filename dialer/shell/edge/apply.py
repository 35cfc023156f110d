"""A change of the settings reaches Kamailio and rtpengine, with as few calls lost as can be.

What Kamailio can read again while it runs (the carriers' addresses, registrations, phones, certificates) costs nothing.
Its routing is read at a start only, and so is everything of rtpengine. The files belong together: a new list of
carriers under an old routing would send calls the wrong way. So either all of them are written, or none.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dialer.shell.edge import files
from dialer.shell.edge.plan import EdgeError
from sip.edge.plan import Edge, File

COMMAND_LIMIT_S: Final = 10.0
RESTART_LIMIT_S: Final = 60.0
UP_LIMIT_S: Final = 20.0

KAMAILIO: Final = "kamailio"
RTPENGINE: Final = "rtpengine-daemon"

RELOADS: Final = {
    "dispatcher.list": ("dispatcher.reload",),
    "dbtext/uacreg": ("uac.reg_reload",),
    "dbtext/phones": ("htable.reload", "passwords"),
    "tls.cfg": ("tls.reload",),
}
"""Files that Kamailio reads again while it runs, and the command of kamcmd for it."""

COSTS: Final = {
    KAMAILIO: "talks go on; calls that are just ringing are lost, and none is placed for a second or two",
    RTPENGINE: "every talk loses its audio",
}
"""What a restart costs."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written, what Kamailio is told then, and which units have to be restarted instead."""

    stale: tuple[File, ...]
    reloads: tuple[tuple[str, ...], ...]
    restarts: tuple[str, ...]


def change(folder: Path, wanted: Iterable[File]) -> Change:
    """What has to be done for these files to be there and in use. Raises `EdgeError`."""
    stale = tuple(file for file in wanted if not files.is_current(folder, file))
    names = [file.name for file in stale]
    is_new = files.read(folder / "kamailio.cfg") is None
    read_at_start = [name for name in names if name not in RELOADS and name != "rtpengine.conf"]
    restarts = [RTPENGINE] if "rtpengine.conf" in names else []
    restarts += [KAMAILIO] if read_at_start or is_new else []
    reloads = [] if KAMAILIO in restarts else [RELOADS[name] for name in names if name in RELOADS]
    return Change(stale, tuple(reloads), tuple(restarts))


def apply(edge: Edge, wanted: Change) -> None:
    """Write the files and have them taken up; the old ones come back where that fails. Raises `EdgeError`."""
    folder = Path(edge.folder)
    before = [(file, files.read(folder / file.name)) for file in wanted.stale]
    files.write(folder, *wanted.stale)
    try:
        _take_up(edge, wanted)
    except EdgeError as error:
        kept = [File(file.name, text, file.secret) for file, text in before if text is not None]
        if not kept:
            raise  # the first files of this host: there is nothing to go back to
        files.write(folder, *kept)
        for file, text in before:
            if text is None:
                (folder / file.name).unlink(missing_ok=True)
        try:
            _take_up(edge, wanted)
        except EdgeError as second:
            raise EdgeError(
                *error.args, "The old files are back, and were not taken up either:", *second.args
            ) from error
        raise EdgeError(*error.args, "The old files are back, and in use.") from error


def _take_up(edge: Edge, wanted: Change) -> None:
    for unit in wanted.restarts:
        _run("systemctl", "restart", unit, limit_s=RESTART_LIMIT_S)
    if KAMAILIO in wanted.restarts:
        _await_kamailio(edge)
    for command in wanted.reloads:
        kamcmd(edge, *command)


def _await_kamailio(edge: Edge) -> None:
    until = time.monotonic() + UP_LIMIT_S
    while True:
        try:
            kamcmd(edge, "core.uptime")
            return
        except EdgeError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def kamcmd(edge: Edge, *command: str) -> str:
    """What the running Kamailio says to a command. Raises `EdgeError`, also where it says that it failed."""
    done = _run("kamcmd", "-s", f"unix:{edge.run_folder}/kamailio_ctl", *command, limit_s=COMMAND_LIMIT_S)
    if done.startswith("error:"):
        raise EdgeError(f"Kamailio refused {' '.join(command)}: {done.strip()}")
    return done


def _run(name: str, *arguments: str, limit_s: float) -> str:
    path = files.program(name)
    if path is None:
        raise EdgeError(f"{name} is not installed here")
    try:
        done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        raise EdgeError(f"{name} {' '.join(arguments)} did not end within {limit_s:g} s") from None
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise EdgeError(f"{name} {' '.join(arguments)} failed:", *last)
    return done.stdout
