"""One request of somebody who is signed in, as pages see it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote

import trio
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dialer.language.translation import language
from dialer.operating.desk import Desk
from dialer.web.access import May
from dialer.web.feed import Draw
from dialer.web.moment import Moment
from dialer.web.office import Office
from dialer.web.sessions import Person

T = TypeVar("T")

LONGEST_FORM_BYTES: Final = 65_536
LONGEST_LENGTH: Final = 12
"""Digits of a form's length; `int` refuses thousands of them."""

MOST_FIELDS: Final = 200
SLOWEST_FORM_S: Final = 10.0


class TooLarge(Exception):
    """A form that is longer than any of ours, or takes longer to come."""


@dataclass(frozen=True, slots=True)
class Visit:
    """`form` is what was sent with a POST, each field once; empty for others."""

    request: Request
    office: Office
    person: Person
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def desk(self) -> Desk:
        """Where the person works."""
        return self.office.desk(self.person.name)

    @property
    def moment(self) -> Moment:
        """The floor, in the language of the visitor."""
        return self.office.feed.moment.said(language())

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def asked(self, name: str, default: str = "") -> str:
        """A field of the query, without blanks around it."""
        return self.request.query_params.get(name, default).strip()[:200]

    def named(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    async def ask(self, question: Callable[..., T], *facts: Any) -> T:
        """Something that Redis or the disk must answer, in a thread."""
        return await trio.to_thread.run_sync(question, *facts, limiter=self.office.threads)

    def page(self, template: str, status: int = 200, **facts: Any) -> HTMLResponse:
        """A page out of a template."""
        shown = {
            "person": self.person,
            "may": self.person.may,
            "May": May,
            "moment": self.moment,
            "path": self.request.url.path,
            "done": self.asked("done"),
            "now": self.now,
        }
        text = self.office.templates.get_template(template).render(shown | facts)
        return HTMLResponse(text, status)

    def live(self, template: str, topic: str, draw: Draw, **facts: Any) -> HTMLResponse:
        """A page whose moving parts are those of a topic."""
        feed = self.office.feed
        known = feed.topic(topic, draw)
        live = {"topic": f"/live/{quote(topic)}", "version": feed.version(known)}
        return self.page(template, live=live, picture=known.picture, **facts)

    def back(self, *path: str, **query: str) -> RedirectResponse:
        """To a page, after something was done. Parts of the path are quoted, so that no name leads elsewhere."""
        url = "/" + "/".join(quote(part, safe="") for part in path)
        asked = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in query.items())
        return RedirectResponse(f"{url}?{asked}" if asked else url, 303)


Answering = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """Where something is, what one must be allowed to see it or do it, and who answers."""

    path: str
    may: May
    answer: Answering
    method: str = "GET"


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, each once. Raises `TooLarge`."""
    announced = request.headers.get("content-length", "0")
    if not announced.isdecimal() or len(announced) > LONGEST_LENGTH or int(announced) > LONGEST_FORM_BYTES:
        raise TooLarge
    body = b""
    with trio.move_on_after(SLOWEST_FORM_S) as limit:
        async with aclosing(request.stream()) as parts:
            async for part in parts:
                body += part
                if len(body) > LONGEST_FORM_BYTES:
                    raise TooLarge
    if limit.cancelled_caught:
        raise TooLarge
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}
