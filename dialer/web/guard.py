"""What every request passes: who asks, whether they may, whether the form is ours, and what the browser is told."""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import quote, urlsplit

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.problems import ConfigError
from dialer.disk.errors import DiskError
from dialer.language.translation import _, speak, words_of
from dialer.operating.desk import Missing, Refused
from dialer.store.base import errors
from dialer.web.office import Office
from dialer.web.reader_language import language_of
from dialer.web.sessions import Person
from dialer.web.visit import Page, TooLarge, Visit, form_of

log = structlog.get_logger()

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
A_YEAR_S: Final = 31_536_000


class Headers:
    """Around the application: what browsers are told with every answer."""

    def __init__(self, app: ASGIApp, *, over_tls: bool) -> None:
        self.app, self.over_tls = app, over_tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
                if self.over_tls:
                    headers["strict-transport-security"] = f"max-age={A_YEAR_S}"
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def is_ours(connection: HTTPConnection) -> bool:
    """Whether a form was sent from a page of this console, as the browser says."""
    fetched_from = connection.headers.get("sec-fetch-site")
    if fetched_from is not None:
        return fetched_from == "same-origin"
    origin = connection.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == connection.headers.get("host", "")


def same(given: str, expected: str) -> bool:
    """Whether two secrets are the same, in a time that says nothing of them."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


async def guarded(office: Office, page: Page, request: Request) -> Response:
    """Answer a request, or say why not."""
    speak(language_of(request))
    try:
        person = await office.sessions.person(request)
    except (errors.StoreError, DiskError) as error:
        return failed(office, request, None, error)
    if person is None:
        return _not_signed_in(request)
    visit = Visit(request, office, person)
    if not person.may(page.may):
        log.warning("refused at the console", user=person.name, path=page.path)
        return visit.page("refused.html", 403, title=_("This is not for your role"), reasons=())
    try:
        if page.method == "POST":
            form = await form_of(request)
            if not is_ours(request) or not same(form.get("csrf", ""), person.csrf):
                return visit.page("refused.html", 403, title=_("This form is too old, or not ours"), reasons=())
            visit = Visit(request, office, person, form)
        return await page.answer(visit)
    except Exception as error:
        return failed(office, request, person, error)


def _not_signed_in(request: Request) -> Response:
    if request.method not in ("GET", "HEAD") or request.url.path.startswith("/live/"):
        return Response("not signed in", 401)
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse("/sign-in" if asked == "/" else f"/sign-in?next={quote(asked, safe='')}", 303)


def failed(office: Office, request: Request, person: Person | None, error: Exception) -> Response:
    """What somebody sees of something that went wrong."""
    status, title, reasons = _said_of(error)
    if status == 500:
        log.error("the console failed", path=request.url.path, exc_info=error)
    if person is None:
        return Response(f"{title}\n", status, media_type="text/plain")
    return Visit(request, office, person).page("refused.html", status, title=title, reasons=reasons)


def _said_of(error: Exception) -> tuple[int, str, tuple[str, ...]]:
    match error:
        case Missing() | errors.UnknownCampaign() | errors.UnknownLead():
            return 404, words_of(error), ()
        case Refused():
            return 409, words_of(error), error.reasons
        case errors.CampaignArchived() | errors.CampaignInUse() | errors.CampaignExists() | errors.StreamFull():
            return 409, words_of(error), ()
        case errors.StoreUnavailable():
            return 503, _("Redis does not answer: nothing was done; try again in a moment"), (words_of(error),)
        case errors.NotAllowed():
            return 403, _("the console's user at Redis may not do that"), (words_of(error),)
        case ConfigError():
            return 409, _("that cannot be done with what was given"), tuple(map(str, error.problems))
        case DiskError():
            return 500, words_of(error), ()
        case TooLarge():
            return 413, _("this form is too long"), ()
        case _:
            return 500, _("something went wrong here; the console's log says what"), ()
