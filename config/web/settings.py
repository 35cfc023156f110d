"""The console in the browser: where it listens, who may sign in, and for how long."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from config.model import AbsolutePath, OptionalPath, Section


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("must be a network such as 10.1.0.0/16 or 127.0.0.1/32") from None


class WebSettings(Section):
    """The console: `dialer web run` serves it to browsers."""

    port: int = Field(default=8480, ge=0, le=65_535)
    """TCP port on which it listens; 0: one that is free"""
    tls_certificate_file: OptionalPath = ""
    """certificate with its chain, PEM, absolute path; empty: plain HTTP"""
    tls_key_file: OptionalPath = Field(default="", validate_default=True)
    """its key, PEM, absolute path"""
    proxy_networks: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(default=(), max_length=32)
    """networks of reverse proxies that speak TLS for it, such as 127.0.0.1/32"""
    proxy_user_header: str = Field(default="", pattern=r"^([A-Za-z][A-Za-z0-9-]{0,63})?$")
    """header in which these proxies say who has signed in with them, such as X-Remote-User; empty: people sign in here,
    by password"""
    bind_address: str = Field(default="127.0.0.1", validate_default=True)
    """IP address on which it listens; beyond this machine only with TLS or a proxy"""
    users_file: AbsolutePath = "/var/lib/dialer/web-users.json"
    """who may sign in, written by `dialer web user`, absolute path"""
    session_idle_s: float = Field(default=3600.0, ge=60, le=86_400)
    """a session in which nothing is done ends after this, in seconds"""
    session_longest_s: float = Field(default=43_200.0, ge=60, le=604_800)
    """a session ends after this, whatever is done in it, in seconds; that of a wall lasts a month"""

    @field_validator("tls_key_file")
    @classmethod
    def _both_or_none(cls, tls_key_file: str, info: ValidationInfo) -> str:
        if bool(tls_key_file) != bool(info.data.get("tls_certificate_file")):
            raise ValueError("and tls_certificate_file go together: give both or none")
        return tls_key_file

    @field_validator("proxy_user_header")
    @classmethod
    def _only_from_proxies(cls, header: str, info: ValidationInfo) -> str:
        if header and not info.data.get("proxy_networks"):
            raise ValueError("anybody could send it: name the proxies in proxy_networks")
        return header

    @field_validator("bind_address")
    @classmethod
    def _passwords_stay_secret(cls, address: str, info: ValidationInfo) -> str:
        try:
            parsed = ip_address(address)
        except ValueError:
            raise ValueError("must be an IP address such as 127.0.0.1 or ::1") from None
        if not (parsed.is_loopback or info.data.get("tls_certificate_file") or info.data.get("proxy_networks")):
            raise ValueError("passwords would cross the network in clear: give tls_certificate_file, or proxy_networks")
        return str(parsed)
