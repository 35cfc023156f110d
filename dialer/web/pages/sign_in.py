"""Signing in and out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
import trio
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from dialer.disk.errors import DiskError
from dialer.language.translation import _, speak
from dialer.store.base.errors import StoreError
from dialer.web.access import May
from dialer.web.guard import failed, is_ours, same
from dialer.web.office import Office
from dialer.web.reader_language import language_of
from dialer.web.sessions import COOKIE, WALL_S, Person, TooOften, set_cookie
from dialer.web.visit import TooLarge, form_of

log = structlog.get_logger()

LOGIN_COOKIE: Final = "__Host-dialer-sign-in"
FORM_S: Final = 3600.0

Endpoint = Callable[[Request], Awaitable[Response]]


def form(office: Office) -> Endpoint:
    """The form."""

    async def answer(request: Request) -> Response:
        speak(language_of(request))
        if office.settings.web.proxy_user_header:
            return PlainTextResponse(_("Sign in with the proxy in front; your name there needs a role here.\n"), 403)
        return _page(office, request.query_params.get("next", "/"))

    return answer


def _page(office: Office, onward: str, problem: str = "", name: str = "", status: int = 200) -> Response:
    csrf = secrets.token_urlsafe(16)
    template = office.templates.get_template("sign_in.html")
    text = template.render(csrf=csrf, onward=_inside(onward), problem=problem, name=name[:64])
    response = HTMLResponse(text, status)
    set_cookie(response, LOGIN_COOKIE, csrf, FORM_S)
    return response


def _inside(path: str) -> str:
    """A path of this console, or the first page."""
    is_plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and path.isascii()
    return path if is_plain and len(path) < 500 else "/"


def sign_in(office: Office) -> Endpoint:
    """A name and a password."""

    async def answer(request: Request) -> Response:
        speak(language_of(request))
        try:
            given = await form_of(request)
        except TooLarge:
            return PlainTextResponse(_("this form is too long\n"), 413)
        name, onward = given.get("name", "").strip(), given.get("onward", "/")
        if not is_ours(request) or not same(given.get("csrf", ""), request.cookies.get(LOGIN_COOKIE, "")):
            return _page(office, onward, _("This form was too old. Please try again."), name, 403)
        address = office.sessions.address(request)
        try:
            person = await office.sessions.sign_in(name[:64], given.get("password", ""), address)
            if person is None:
                log.warning("sign-in refused", user=name[:64], address=address)
                return _page(office, onward, _("This name and this password do not go together."), name, 403)
            await trio.to_thread.run_sync(_note, office, person, address)
        except TooOften as error:
            response = _page(office, onward, _("Too many tries. Please wait a while."), name, 429)
            response.headers["retry-after"] = f"{error.wait_s:.0f}"
            return response
        except (StoreError, DiskError) as error:
            return failed(office, request, None, error)
        first = _inside(onward) if person.may(May.SEE_FLOOR) else "/wall"
        response = RedirectResponse(first, 303)
        age_s = office.settings.web.session_longest_s if person.may(May.SEE_FLOOR) else WALL_S
        set_cookie(response, COOKIE, person.token, age_s)
        response.delete_cookie(LOGIN_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return response

    return answer


def _note(office: Office, person: Person, address: str) -> None:
    office.desk(person.name).note("web_sign_in", time.time(), address=address)


def sign_out(office: Office) -> Endpoint:
    """The end of a session."""

    async def answer(request: Request) -> Response:
        speak(language_of(request))
        try:
            given, person = await form_of(request), await office.sessions.person(request)
            if person is not None and is_ours(request) and same(given.get("csrf", ""), person.csrf):
                await office.sessions.sign_out(person)
        except TooLarge:
            return PlainTextResponse(_("this form is too long\n"), 413)
        except (StoreError, DiskError) as error:
            return failed(office, request, None, error)
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return response

    return answer
