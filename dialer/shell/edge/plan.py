"""The edge that the settings ask for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from config.daemon import DaemonSettings
from config.edge import EdgeSettings
from config.sip import TrunkSettings
from sip.edge.plan import Carrier, Edge, Phones, Tls

MOST_PHONES: Final = 5000
_PHONE_USER: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class EdgeError(RuntimeError):
    """The edge cannot be made or changed as it was wanted. Each argument is a line for the operator."""


def plan(settings: DaemonSettings, folder: Path) -> Edge:
    """The edge of these settings, with its files in `folder`. Raises `EdgeError`."""
    if not settings.edge.used:
        raise EdgeError("the edge is not used", "Set edge.used = true and edge.address in dialer.toml.")
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
        inbound_port=settings.inbound.port if settings.inbound.used else 0,
        tls=Tls(*files) if "tls" in wanted.transports or wanted.websocket_port else None,
        phones=_phones(wanted) if wanted.has_phones else None,
    )


def _phones(wanted: EdgeSettings) -> Phones:
    passwords = _passwords(wanted)
    return Phones(wanted.phones_domain, wanted.phones_port, passwords, websocket_port=wanted.websocket_port)


def _passwords(wanted: EdgeSettings) -> dict[str, str]:
    """The phones' passwords by user. Raises `EdgeError` for a line that is none; the message does not repeat it."""
    path = Path(wanted.phones_file)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EdgeError(f"edge.phones_file {path} cannot be read: {error}") from error
    passwords: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, _, password = line.strip().partition(" ")
        if not _PHONE_USER.fullmatch(user) or not password.strip() or user in passwords:
            raise EdgeError(f"{path} line {number}: must be USER PASSWORD, each user once")
        passwords[user] = password.strip()
    if len(passwords) > MOST_PHONES:
        raise EdgeError(f"{path} has {len(passwords)} phones; {MOST_PHONES} is the limit")
    return passwords


def _carrier(wanted: EdgeSettings, place: int, trunk: TrunkSettings) -> Carrier:
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
