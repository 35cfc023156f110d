"""Where Redis is and how we get in: one server, Sentinels or a Cluster, TLS, users."""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from config.model import OptionalPath, Section

SENTINEL_PORT: Final = 26379
SERVER_PORT: Final = 6379
MAX_ADDRESSES: Final = 32


class ServerKind(StrEnum):
    """What stands at the URL."""

    SINGLE = "single"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


SCHEMES: Final = {
    "redis": ServerKind.SINGLE,
    "rediss": ServerKind.SINGLE,
    "unix": ServerKind.SINGLE,
    "redis+sentinel": ServerKind.SENTINEL,
    "redis+cluster": ServerKind.CLUSTER,
}


class RedisSettings(Section):
    """Where leads, agents and contact history live."""

    url: str = "redis://127.0.0.1:6379/0"
    """redis://HOST:PORT/DB, rediss:// (TLS), unix://PATH, redis+sentinel://HOST:PORT,HOST:PORT/MASTER or
    redis+cluster://HOST:PORT,HOST:PORT; without a password"""
    user: str = Field(default="", pattern=r"^[!-9;-~]{0,64}$")
    """ACL user; empty: the server's default user"""
    password: SecretStr = SecretStr("")
    """password of the Redis user; empty: none"""
    tls: bool = False
    """encrypt and check the servers' certificates, Sentinels' as well"""
    tls_ca_file: OptionalPath = ""
    """who may sign the servers' certificates, PEM, absolute path; empty: the system's"""
    tls_certificate_file: OptionalPath = ""
    """our own certificate, PEM, absolute path; empty: none is shown"""
    tls_key_file: OptionalPath = Field(default="", validate_default=True)
    """its key, PEM, absolute path"""
    sentinel_user: str = Field(default="", pattern=r"^[!-9;-~]{0,64}$")
    """ACL user at the Sentinels; empty: their default user"""
    sentinel_password: SecretStr = SecretStr("")
    """password at the Sentinels; empty: none"""
    prefix: str = Field(default="dialer:", pattern=r"^[A-Za-z0-9_.:-]{1,40}$")
    """begins every key"""
    shared_prefix: str = Field(default="", pattern=r"^([A-Za-z0-9_.:-]{1,40})?$")
    """begins the keys of contact histories, no-call list and caller ids: the redis.prefix of another installation on
    this server that ours shares them with; empty: they are our own"""
    timeout_s: float = Field(default=5.0, gt=0, le=60)
    """longest wait for one answer of Redis, in seconds"""
    json_events: bool = False
    """have all hosts write the CRM's events as JSON, if nobody has chosen a format (dialer crm set)"""
    forgotten_limit_s: float = Field(default=60.0, ge=0, le=7200)
    """a server that has forgotten more than this, in seconds, is dialled from only after `dialer store accept`; less is
    told to it again and the daemons go on"""

    @property
    def kind(self) -> ServerKind:
        """What stands at the URL."""
        return SCHEMES[self.url.partition("://")[0]]

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.tls or self.url.startswith("rediss://")

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each Sentinel or of some nodes of the Cluster."""
        return addresses_in(self.url)

    @property
    def master(self) -> str:
        """The name that the Sentinels know the master by."""
        return urlsplit(self.url).path.strip("/").partition("/")[0]

    @property
    def database(self) -> int:
        """The number of the database, behind the master's name; a Cluster has only 0."""
        return int(urlsplit(self.url).path.strip("/").partition("/")[2] or 0)

    @field_validator("url")
    @classmethod
    def _known_and_without_password(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            query = parse_qs(parts.query)
            secret = parts.password is not None or "password" in query
        except ValueError:
            raise ValueError("is not a URL") from None  # the reason would repeat what may be a password
        if secret:
            raise ValueError("must not hold a password: put it in redis.password or redis.password_file")
        kind = SCHEMES.get(parts.scheme)
        if kind is None:
            raise ValueError(f"must begin with {', '.join(f'{name}://' for name in SCHEMES)}")
        if kind is not ServerKind.SINGLE:
            _check_many(url, kind)
        return url

    @field_validator("user")
    @classmethod
    def _one_user(cls, user: str, info: ValidationInfo) -> str:
        if user and "@" in urlsplit(info.data.get("url", "")).netloc:
            raise ValueError("is given, and redis.url names a user as well: choose one")
        return user

    @field_validator("tls")
    @classmethod
    def _not_over_a_file(cls, tls: bool, info: ValidationInfo) -> bool:
        if tls and info.data.get("url", "").startswith("unix://"):
            raise ValueError("cannot be used with unix://: nothing leaves the machine there")
        return tls

    @field_validator("tls_ca_file", "tls_certificate_file", "tls_key_file")
    @classmethod
    def _only_with_tls(cls, file: str, info: ValidationInfo) -> str:
        if file and not (info.data.get("tls") or info.data.get("url", "").startswith("rediss://")):
            raise ValueError("is given, but nothing is encrypted: set redis.tls = true")
        return file

    @field_validator("tls_key_file")
    @classmethod
    def _key_and_certificate(cls, file: str, info: ValidationInfo) -> str:
        if bool(file) != bool(info.data.get("tls_certificate_file", file)):
            raise ValueError("and redis.tls_certificate_file belong together: give both or none")
        return file

    @field_validator("sentinel_user")
    @classmethod
    def _of_sentinels(cls, user: str, info: ValidationInfo) -> str:
        url = info.data.get("url", "")
        if user and not url.startswith("redis+sentinel://"):
            raise ValueError("is for redis+sentinel:// only")
        return user


def addresses_in(url: str) -> tuple[tuple[str, int], ...]:
    """The hosts and ports of a URL that may name several. Raises `ValueError`, which says what is wrong."""
    scheme, _, rest = url.partition("://")
    default = SENTINEL_PORT if SCHEMES.get(scheme) is ServerKind.SENTINEL else SERVER_PORT
    named = [text for text in rest.partition("/")[0].split(",") if text]
    if not 1 <= len(named) <= MAX_ADDRESSES:
        raise ValueError(f"must name 1 to {MAX_ADDRESSES} addresses, HOST:PORT with commas between them")
    addresses = []
    for text in named:
        parts = urlsplit(f"//{text}")
        try:
            port = parts.port
        except ValueError:
            raise ValueError(f"has a port that is none: {text[:60]}") from None
        if not parts.hostname:
            raise ValueError(f"has an address without a host: {text[:60]}")
        addresses.append((parts.hostname, port or default))
    return tuple(addresses)


def _check_many(url: str, kind: ServerKind) -> None:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ValueError("must not hold a user: put it in redis.user")
    if parts.query or parts.fragment:
        raise ValueError("takes nothing behind a question mark: there are settings for user, password and TLS")
    addresses_in(url)
    master, _, database = parts.path.strip("/").partition("/")
    if kind is ServerKind.SENTINEL and not master:
        raise ValueError("must end with the name that the Sentinels have for the master, such as /mymaster")
    if database and not (database.isascii() and database.isdecimal() and len(database) <= 4):
        raise ValueError("ends with a database that is no number")
    if kind is ServerKind.CLUSTER and parts.path.strip("/") not in ("", "0"):
        raise ValueError("must not name a database: a Cluster has only 0")
