"""Signing in and out, and who somebody is from then on: by a session's cookie, or by a proxy's header."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final

import trio
from starlette.requests import HTTPConnection
from starlette.responses import Response

from config.web.settings import WebSettings
from dialer.language.translation import _
from dialer.store.base.connection import Store
from dialer.store.base.errors import StoreError
from dialer.store.operators import sessions as kept
from dialer.store.operators.sessions import Session
from dialer.web.access import ALLOWED, May, WebRole
from dialer.web.throttle import Throttle
from dialer.web.users import User, Users, is_password

COOKIE: Final = "__Host-dialer"
WALL_S: Final = 30 * 86_400.0
TRUSTED_S: Final = 5.0
"""A session that was found is not asked for again before; one that was ended elsewhere lasts so long at most."""

MOST_REMEMBERED: Final = 10_000
HASHING_AT_ONCE: Final = 2
"""Passwords that are checked at a time: each takes 64 MB."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in. `csrf` stands in every form that is theirs; without a `token` a proxy vouches."""

    name: str
    role: WebRole
    csrf: str
    token: str = ""

    def may(self, what: May) -> bool:
        """Whether they may."""
        return what in ALLOWED[self.role]


class TooOften(Exception):
    """Somebody has tried to sign in too often; `wait_s` until the next try."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(_("too many tries; the next is possible in {wait_s:.0f} s", wait_s=wait_s))
        self.wait_s = wait_s


@dataclass(slots=True)
class Sessions:
    """Who is signed in. `clock` is the monotonic one by which tries are counted."""

    store: Store
    settings: WebSettings
    users: Users
    clock: Callable[[], float] = time.monotonic
    _by_name: Throttle = field(default_factory=lambda: Throttle(5, 60.0))
    _by_address: Throttle = field(default_factory=lambda: Throttle(20, 15.0))
    _seen: dict[str, tuple[float, Session]] = field(default_factory=dict)
    _hashing: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(HASHING_AT_ONCE))
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    async def sign_in(self, name: str, password: str, address: str) -> Person | None:
        """A new session; None where name or password are wrong. Raises `TooOften`, `StoreError`, `DiskError`."""
        now = self.clock()
        wait_s = max(self._by_name.wait_s(name, now), self._by_address.wait_s(address, now))
        if wait_s:
            raise TooOften(wait_s)
        self._by_name.count(name, now)  # before the hashing, or many tries at once would count as none
        self._by_address.count(address, now)
        user = self.users.get(name)
        if not await trio.to_thread.run_sync(is_password, user, password, limiter=self._hashing) or user is None:
            return None
        self._by_name.forgive(name)
        self._by_address.take_back(address)  # or who has an account could try others at will
        return await self._begin(name, user)

    async def _begin(self, name: str, user: User) -> Person:
        now = time.time()
        longest_s = WALL_S if user.role is WebRole.WALL else self.settings.session_longest_s
        session = Session(name, secrets.token_urlsafe(16), user.credential, now, now + longest_s)
        token = await trio.to_thread.run_sync(kept.begin, self.store, session, now, self._idle_s(user))
        return Person(name, user.role, session.csrf, token)

    def _idle_s(self, user: User) -> float:
        return WALL_S if user.role is WebRole.WALL else self.settings.session_idle_s

    async def person(self, connection: HTTPConnection, *, acts: bool = True) -> Person | None:
        """Who asks; None: nobody who is signed in. Looking without doing anything (`acts`) keeps no session alive.
        Raises `StoreError` where Redis does not answer, `DiskError`."""
        if self.settings.proxy_user_header:
            return self._vouched_for(connection)
        token = connection.cookies.get(COOKIE, "")
        return await self._of_token(token, acts=acts) if token else None

    def _vouched_for(self, connection: HTTPConnection) -> Person | None:
        name = connection.headers.get(self.settings.proxy_user_header, "")
        if not name or not self._is_proxy(_peer(connection)):
            return None
        user = self.users.get(name)
        csrf = hmac.new(self._secret, name.encode(), hashlib.sha256).hexdigest()
        return None if user is None else Person(name, user.role, csrf)

    async def _of_token(self, token: str, *, acts: bool) -> Person | None:
        now = time.time()
        seen_at, session = self._seen.get(token, (0.0, None))
        if session is None or now - seen_at > TRUSTED_S:
            try:
                session = await trio.to_thread.run_sync(self._found, token, now, acts)
            except StoreError:
                if session is None:
                    raise
        if session is None or session.ends_at <= now:
            self._seen.pop(token, None)
            return None
        user = self.users.get(session.user)
        if user is None or user.credential != session.credential:
            return None
        return Person(session.user, user.role, session.csrf, token)

    def _found(self, token: str, now: float, acts: bool) -> Session | None:
        session = kept.find(self.store, token)
        user = None if session is None else self.users.get(session.user)
        if session is None or user is None:
            self._seen.pop(token, None)
            return None
        if not acts:
            return session
        kept.touch(self.store, token, session, now, self._idle_s(user))
        if len(self._seen) >= MOST_REMEMBERED:
            self._seen.clear()
        self._seen[token] = (now, session)
        return session

    async def sign_out(self, person: Person) -> None:
        """End a session. Raises `StoreError`."""
        self._seen.pop(person.token, None)
        if person.token:
            await trio.to_thread.run_sync(kept.end, self.store, person.token)

    def address(self, connection: HTTPConnection) -> str:
        """Where somebody is, as far as one can know: what a proxy says of it, if a proxy asks."""
        peer = _peer(connection)
        if not self._is_proxy(peer):
            return peer
        said = ",".join(connection.headers.getlist("x-forwarded-for"))  # some proxies add a line of their own
        return said.rpartition(",")[2].strip()[:64] or peer

    def _is_proxy(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in ip_network(network) for network in self.settings.proxy_networks)


def _peer(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client is not None else ""


def set_cookie(response: Response, name: str, value: str, age_s: float) -> None:
    """A cookie for this host alone, over TLS (or on this machine), out of scripts' sight."""
    response.set_cookie(name, value, max_age=round(age_s), path="/", secure=True, httponly=True, samesite="lax")
