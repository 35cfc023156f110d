"""The application: every path, and what stands around all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import unquote

import trio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from dialer.web.feed import Feed, Topic
from dialer.web.guard import Headers, guarded
from dialer.web.office import Office
from dialer.web.pages import agents, audit, campaigns, floor, people, recordings, reports, sign_in, trunks
from dialer.web.reader_language import choose
from dialer.web.visit import Page, Visit

PAGES: Final = (
    *floor.PAGES,
    *campaigns.PAGES,
    *agents.PAGES,
    *trunks.PAGES,
    *people.PAGES,
    *reports.PAGES,
    *recordings.PAGES,
    *audit.PAGES,
)
"""All that needs somebody who is signed in."""

TOPICS: Final = {**floor.TOPICS, **campaigns.TOPICS, **agents.TOPICS, **trunks.TOPICS}
"""What moves: by the first part of a topic's name, what one must be allowed, and how it is drawn for the rest of it."""


def application(office: Office) -> Starlette:
    """The ASGI application."""
    routes = [
        Route("/static/{name}", _asset(office)),
        Route("/sign-in", sign_in.form(office), methods=["GET"]),
        Route("/sign-in", sign_in.sign_in(office), methods=["POST"]),
        Route("/sign-out", sign_in.sign_out(office), methods=["POST"]),
        Route("/language/{language}", choose),
        Route("/live/{topic:path}", _events(office)),
        *(Route(page.path, _answering(office, page), methods=[page.method]) for page in PAGES),
    ]
    over_tls = bool(office.settings.web.tls_certificate_file or office.settings.web.proxy_networks)
    return Starlette(routes=routes, middleware=[Middleware(Headers, over_tls=over_tls)])


Endpoint = Callable[[Request], Awaitable[Response]]


def _answering(office: Office, page: Page) -> Endpoint:
    async def answer(request: Request) -> Response:
        return await guarded(office, page, request)

    return answer


def _asset(office: Office) -> Endpoint:
    async def answer(request: Request) -> Response:
        asset = office.assets.get(request.path_params["name"])
        if asset is None:
            return PlainTextResponse("there is no such file\n", 404)
        headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(asset.zipped, headers={**headers, "content-encoding": "gzip"}, media_type=asset.kind)
        return Response(asset.plain, headers=headers, media_type=asset.kind)

    return answer


class EventStream(Response):
    """The events of a topic, for as long as the viewer is there."""

    def __init__(self, feed: Feed, topic: Topic, seen: str, still_may: Callable[[], Awaitable[bool]]) -> None:
        super().__init__(
            media_type="text/event-stream", headers={"cache-control": "no-store", "x-accel-buffering": "no"}
        )
        del self.headers["content-length"]
        self.feed, self.topic, self.seen, self.still_may = feed, topic, seen, still_may

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_part(part: bytes) -> None:
            await send({"type": "http.response.body", "body": part, "more_body": True})

        async def until_gone(scope: trio.CancelScope) -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            scope.cancel()

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(until_gone, nursery.cancel_scope)
            await self.feed.follow(self.topic, self.seen, send_part, self.still_may)
            nursery.cancel_scope.cancel()
        if not nursery.cancel_scope.cancelled_caught:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _events(office: Office) -> Endpoint:
    """What changes in a topic, as it happens."""

    async def answer(request: Request) -> Response:
        name = unquote(request.path_params["topic"])
        kind, _, rest = name.partition("/")
        known = TOPICS.get(kind)
        if known is None:
            return PlainTextResponse("there is no such topic\n", 404)
        may, drawing = known

        async def look(visit: Visit) -> Response:
            feed = office.feed
            if feed.is_full:
                return PlainTextResponse("too many look at once\n", 503)
            seen = request.headers.get("last-event-id") or visit.asked("seen")

            async def still_may() -> bool:
                person = await office.sessions.person(request, acts=False)
                return person is not None and person.may(may)

            return EventStream(feed, feed.topic(name, drawing(office, rest)), seen, still_may)

        return await guarded(office, Page("/live", may, look), request)

    return answer
