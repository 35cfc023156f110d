"""`dialer recordings play` and `export`: what was said, for the ears or for a file. Both are in the audit trail."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dialer.cli.base.failures import CliExit, Failure, warn
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now, pass_invocation
from dialer.cli.base.output import Answer, answering, progress_bar
from dialer.cli.base.text import say
from dialer.cli.recordings.chosen import Chosen, chosen_options, folder_of, readable, row_of
from dialer.language.translation import _, _n

if TYPE_CHECKING:
    from dialer.disk.recordings.index import Row
    from dialer.operating.desk import Desk

PLAYERS: Final = (
    ("mpv", "--no-video", "--really-quiet", "-"),
    ("ffplay", "-autoexit", "-nodisp", "-loglevel", "error", "-"),
)
"""Programs that play what comes on their standard input; the first that is installed is taken."""


@click.command()
@examples(
    "dialer recordings play 19a3f-2b7c-000017",
    "ssh dial-1 sudo -u dialer dialer recordings play 19a3f-2b7c-000017 | mpv -",
)
@click.argument("attempt")
@pass_invocation
def play(invocation: Invocation, attempt: str) -> None:
    """Listen to a recording: callee left, agent right. Who did is in the audit trail.

    On a terminal a player of this machine is started (mpv or ffplay). Otherwise the recording goes to standard output,
    as Ogg/Opus, so that it can be heard elsewhere.
    """
    from dialer.operating.recordings import note

    folder = folder_of(invocation)
    row = row_of(folder, attempt)
    command = None
    if sys.stdout.isatty():
        command = next((player for player in PLAYERS if shutil.which(player[0])), None)
        if command is None:
            raise Failure(
                CliExit.REFUSED,
                _("neither mpv nor ffplay is installed here"),
                _("Listen elsewhere: ssh HOST dialer recordings play {attempt} | mpv -", attempt=attempt),
            )
    with invocation.desk() as desk:
        data = _plain(desk, row)
        note(desk, "recording_play", [row], now())
    if command is None:
        sys.stdout.buffer.write(data)
    else:
        say(_("Playing with {command} ...", command=command[0]), error=True)
        subprocess.run(command, input=data, check=False)


@click.command()
@examples(
    "dialer recordings export 19a3f-2b7c-000017 --to /tmp/court --wav",
    "dialer recordings export --agent 17 --since 2026-11-30 --to /tmp/agent-17",
)
@click.argument("attempts", nargs=-1, metavar="[ATTEMPT]...")
@chosen_options
@click.option("--to", "target", required=True, type=click.Path(file_okay=False, path_type=Path), help="A folder.")
@click.option("--wav", "as_wav", is_flag=True, help="Two-channel WAV files instead of Opus.")
@answering
def export(invocation: Invocation, chosen: Chosen, attempts: tuple[str, ...], target: Path, as_wav: bool) -> Answer:
    """Copy recordings into a folder, not encrypted, for its owner alone. For the administrator.

    Name attempts, or choose by time, campaign and agent. What leaves, who took it and where to is written down before
    the first file is.
    """
    from dialer.operating.recordings import note
    from dialer.store.privacy.recordings import hand_over

    folder = folder_of(invocation)
    if not attempts and chosen.since == 0.0 and not chosen.campaign and not chosen.agent:
        raise click.UsageError(_("name attempts, or give --since, --campaign or --agent"))
    rows = [row_of(folder, attempt) for attempt in attempts] if attempts else chosen.rows(folder)
    if not rows:
        raise Failure(CliExit.NOT_FOUND, _("there is no such recording here"))
    names, detail = [row.attempt for row in rows], {"to": str(target.resolve())}
    with invocation.desk() as desk:
        hand_over(desk.store, "export", names, who=desk.who, now=now(), detail=detail)
        note(desk, "recording_export", rows, now(), **detail)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with progress_bar("writing", len(rows)) as bar:
        for row in rows:
            data = _plain(desk, row)
            _write(target / f"{row.attempt}.{'wav' if as_wav else 'opus'}", _wav(data) if as_wav else data)
            bar.advance(1)
    text = _(
        "Wrote {recordings} to {target}",
        recordings=_n("{number:,} recording", "{number:,} recordings", len(rows)),
        target=target,
    )
    return Answer({"recordings": names, "folder": str(target)}, text)


def _plain(desk: Desk, row: Row) -> bytes:
    """A recording as Ogg/Opus. Fails where it may not be read; says where it is not what was recorded."""
    from dialer.operating.recordings import plain

    with readable(Path(desk.settings.recordings.folder)):
        heard = plain(desk.settings.recordings, row)
    if not heard.as_made:
        warn(_("recording {attempt} is not as it was made: dialer recordings verify", attempt=row.attempt))
    return heard.audio


def _wav(data: bytes) -> bytes:
    from dialer.disk.recordings.opus import decoded

    samples, hz = decoded(data)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(hz)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def _write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
