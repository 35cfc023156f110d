"""`dialer edge`: the files of Kamailio and rtpengine, made from the settings."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dialer.cli.base.failures import CliExit, Failure, warn
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from config.daemon import DaemonSettings
    from config.edge import EdgeSettings
    from config.sip import TrunkSettings
    from sip.edge.plan import Carrier, Edge, File

CHECK_LIMIT_S: Final = 20.0
_MASK_KEY: Final = re.compile(r'"mask_key", "([0-9a-f]{32})"')


@click.group(cls=NearGroup)
def edge() -> None:
    """Kamailio and rtpengine between the workers and the carriers.

    \b
    Example:
      dialer edge render --into /etc/dialer/edge
      systemctl restart rtpengine-daemon kamailio
    """


@edge.command()
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the files; Kamailio and rtpengine read them there.",
)
@click.option(
    "--check", is_flag=True, help="Write nothing; say whether the files are current. The exit code is 7 if not."
)
@pass_invocation
def render(invocation: Invocation, into: Path, check: bool) -> None:
    """Write the files of Kamailio and rtpengine.

    Kamailio checks them first, where it is installed; what it does not take is not written. Files that are current
    stay untouched. Files with passwords are for their owner and group alone: let the folder belong to Kamailio's
    group and be setgid.

    \b
    Example:
      install -d -m 2755 -g kamailio /etc/dialer/edge
      dialer edge render --into /etc/dialer/edge
      dialer edge render --into /etc/dialer/edge --check
    """
    settings = invocation.effective().settings
    if not settings.edge.used:
        raise Failure(CliExit.REFUSED, "the edge is not used", "Set edge.used = true and edge.address in dialer.toml.")
    folder = into.absolute()
    files = _files(settings, folder)
    stale = [file for file in files if not _is_current(folder, file)]
    if check:
        if stale:
            names = ", ".join(file.name for file in stale)
            raise Failure(CliExit.REFUSED, f"not current in {folder}: {names}", "Run it without --check.")
        click.echo(f"All {len(files)} files in {folder} are current.")
        return
    _check_with_kamailio(files)
    for file in stale:
        _write(folder, file)
        click.echo(f"wrote {folder / file.name}")
    if stale:
        click.echo("Now: systemctl restart rtpengine-daemon kamailio, and dialer where trunks changed.")
    else:
        click.echo(f"All {len(files)} files in {folder} are current.")


def plan(settings: DaemonSettings, folder: Path) -> Edge:
    """The edge that the settings ask for, with its files in `folder`."""
    from sip.edge.plan import Edge, Tls

    wanted = settings.edge
    files = (wanted.certificate_file, wanted.key_file, wanted.ca_file)
    return Edge(
        address=wanted.address,
        folder=str(folder),
        carriers=tuple(_carrier(wanted, place, trunk) for place, trunk in enumerate(settings.trunks)),
        port=wanted.port,
        tls_port=wanted.tls_port,
        nat_address=wanted.nat_address,
        transports=tuple(str(transport) for transport in wanted.transports),
        rtp_port_first=wanted.rtp_port_min,
        rtp_port_last=wanted.rtp_port_max,
        control_port=wanted.control_port,
        processes=wanted.processes,
        keep_alive_s=wanted.keep_alive_s,
        stranger_limit=wanted.stranger_limit,
        ban_s=wanted.ban_s,
        carrier_cps=wanted.carrier_cps,
        tls=Tls(*files) if "tls" in wanted.transports else None,
    )


def _carrier(wanted: EdgeSettings, place: int, trunk: TrunkSettings) -> Carrier:
    from sip.edge.plan import Carrier

    own = trunk.edge
    return Carrier(
        name=trunk.name,
        inside_port=wanted.port_of(place),
        hosts=(trunk.where, *own.backup_hosts),
        domain=trunk.host,
        transport=str(own.transport),
        outbound_proxy=own.outbound_proxy,
        sources=own.sources,
        from_domain=own.from_domain,
        username=trunk.username,
        password=trunk.password.get_secret_value(),
        register=own.registration,
        register_interval_s=own.registration_interval_s,
        asserts_identity=own.assert_identity,
        hides_caller=own.privacy,
        diversion=own.diversion,
        keep_alive=own.keep_alive,
        srtp=own.srtp,
        first_answer_s=own.first_answer_s,
    )


def _files(settings: DaemonSettings, folder: Path) -> tuple[File, ...]:
    from sip.edge import files_of

    try:
        return files_of(plan(settings, folder), _mask_key(folder))
    except ValueError as error:
        raise Failure(CliExit.REFUSED, str(error)) from error


def _mask_key(folder: Path) -> str:
    """The key of the files that are there, so that calls in progress stay known; a new one where there are none."""
    try:
        found = _MASK_KEY.search((folder / "secrets.cfg").read_text(encoding="utf-8"))
    except FileNotFoundError:
        found = None
    except OSError as error:
        raise Failure(CliExit.REFUSED, f"{folder / 'secrets.cfg'} cannot be read: {error.strerror}") from error
    return found[1] if found else secrets.token_hex(16)


def _is_current(folder: Path, file: File) -> bool:
    path = folder / file.name
    try:
        return path.read_text(encoding="utf-8") == file.text and path.stat().st_mode & 0o777 == _mode(file)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Failure(CliExit.REFUSED, f"{path} cannot be read: {error.strerror}") from error


def _mode(file: File) -> int:
    return 0o640 if file.secret else 0o644


def _write(folder: Path, file: File) -> None:
    """Put a file there in one step; nobody ever sees half of it, or a secret with the wrong rights."""
    path = folder / file.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(file.text)
            os.fchmod(stream.fileno(), _mode(file))
        Path(name).replace(path)
    except OSError as error:
        raise Failure(CliExit.REFUSED, f"{path} cannot be written: {error.strerror}") from error


def _check_with_kamailio(files: Iterable[File]) -> None:
    """Let Kamailio read the files in a folder of their own. Raises `Failure` with its words."""
    program = shutil.which("kamailio", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        warn("kamailio is not installed here: the files were not checked")
        return
    with tempfile.TemporaryDirectory(prefix="dialer-edge-") as name:
        for file in files:
            _write(Path(name), file)
        try:
            done = subprocess.run(
                [program, "-c", "-f", f"{name}/kamailio.cfg"],
                capture_output=True,
                text=True,
                timeout=CHECK_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failure(CliExit.REFUSED, f"kamailio -c did not end within {CHECK_LIMIT_S:g} s") from None
    if done.returncode != 0:
        words = [line.strip() for line in done.stderr.splitlines() if "ERROR" in line or "CRITICAL" in line]
        raise Failure(CliExit.REFUSED, "Kamailio does not take the files; nothing was written:", *words[:10])
