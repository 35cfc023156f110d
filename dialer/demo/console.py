"""The console of the demo: a free port, and somebody who may do everything."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path
from typing import Final

from dialer.web import users
from dialer.web.access import WebRole

NAME: Final = "demo"
USERS: Final = "web-users.json"


def address() -> tuple[str, int]:
    """Where it may listen."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()
        return str(host), int(port)


def make_user(folder: Path) -> str:
    """Let somebody sign in; returns the password."""
    password = secrets.token_urlsafe(9)
    users.write(folder / USERS, {NAME: users.User(WebRole.ADMINISTRATOR, users.hashed(password))})
    return password


def toml(folder: Path, listens: tuple[str, int]) -> str:
    """Its settings."""
    return f'''
[web]
bind_address = "{listens[0]}"
port = {listens[1]}
users_file = "{folder / USERS}"
'''
