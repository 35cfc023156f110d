"""The language of a visitor: the one that was chosen here, else the browser's first that the console speaks."""

from __future__ import annotations

from typing import Final

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response

from dialer.language.translation import Language

COOKIE: Final = "dialer-language"
A_YEAR_S: Final = 31_536_000


def language_of(connection: HTTPConnection) -> Language:
    """Theirs."""
    accepted = connection.headers.get("accept-language", "")[:200].split(",")
    for wanted in (connection.cookies.get(COOKIE, ""), *accepted):
        for language in Language:
            if wanted.strip().lower().startswith(language.value):
                return language
    return Language.ENGLISH


async def choose(request: Request) -> Response:
    """Another one from now on, and back to where it was chosen. It changes nothing but what one reads."""
    wanted = request.path_params["language"]
    response = RedirectResponse("/", 303)
    if wanted in set(Language):
        response.set_cookie(COOKIE, wanted, max_age=A_YEAR_S, path="/", secure=True, httponly=True, samesite="lax")
    return response
