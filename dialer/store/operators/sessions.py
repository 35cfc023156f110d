"""Who is signed in at the console. A session is kept under a digest of its token: whoever reads the server cannot use
it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import Time, packed, read

TOKEN_BYTES = 32
_Text = Annotated[str, Meta(max_length=128)]


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in. `csrf` stands in every form of the session, `credential` names the password (or other proof)
    that it was begun with: another one ends it. Times are seconds since the epoch."""

    user: _Text
    csrf: _Text
    credential: _Text
    began_at: Time
    ends_at: Time


def begin(store: Store, session: Session, now: float, idle_s: float) -> str:
    """Keep a new session; returns its token, which nobody else has. It ends after `idle_s` without `touch`."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    trip(store, [("SET", _key(store, token), packed(session), "PX", _ms(session, now, idle_s))])
    return token


def find(store: Store, token: str) -> Session | None:
    """The session of a token; None where it has ended, or there never was one."""
    raw = trip(store, [("GET", _key(store, token))])[0]
    try:
        return None if raw is None else read(Session, raw, "a session")
    except Undecodable:
        return None


def touch(store: Store, token: str, session: Session, now: float, idle_s: float) -> None:
    """Something was done in it: the time without doing begins anew."""
    trip(store, [("PEXPIRE", _key(store, token), _ms(session, now, idle_s))])


def end(store: Store, token: str) -> None:
    """End it now."""
    trip(store, [("DEL", _key(store, token))])


def _key(store: Store, token: str) -> str:
    return store.keys.web_session(hashlib.sha256(token.encode()).hexdigest())


def _ms(session: Session, now: float, idle_s: float) -> int:
    return max(1, round(1000 * min(idle_s, session.ends_at - now)))
