"""What an INVITE from a trunk says: who calls, and whom. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sip.rewriting import rewritten
from sip.screening import headers, passing
from sip.worker import sdp, sip_text
from sip.worker.sip_text import Request

_USER: Final = re.compile(r"(?:sips?|tel):(\+?[0-9()./-]{1,40})(?=[@;>\s]|\Z)", re.IGNORECASE)
_PUNCTUATION: Final = re.compile(r"[()./-]")
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_HIDDEN: Final = frozenset({"id", "user", "header"})
"""What stands in Privacy where a caller is not to be known (RFC 3323, RFC 3325)."""


class UnreadableError(ValueError):
    """Nothing of this can be answered with a call; `line` is the answer instead."""

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.line = line


def caller_of(request: Request, rules: Sequence[str]) -> str:
    """Who calls, in E.164: what the carrier asserts (P-Asserted-Identity), else From; empty for who wants not to be
    known, or gives no number that can be called."""
    privacy = {word.strip().lower() for value in _values(request, "privacy") for word in re.split("[;,]", value)}
    if privacy & _HIDDEN:
        return ""
    for name in ("p-asserted-identity", "from", "f"):
        for value in _values(request, name):
            if user := _USER.search(value):
                return in_e164(user[1], rules)
    return ""


def called_of(request: Request, rules: Sequence[str]) -> tuple[str, ...]:
    """Whom the call may be to, in E.164: the request's own URI, and To, which has the number where the former has the
    name of a registration."""
    users = [_USER.search(text) for text in (request.head.partition("\r\n")[0], request.to)]
    numbers = [in_e164(user[1], rules) for user in users if user]
    return tuple(dict.fromkeys(number for number in numbers if number))


def in_e164(written: str, rules: Sequence[str]) -> str:
    """A number as the rules make it of what a trunk writes; one that none fits is international, with 00, with a plus
    sign or without. Empty where that is no number of E.164.

    >>> in_e164("01012345678", ("0=+86",)), in_e164("8613800138000", ()), in_e164("110", ())
    ('+861012345678', '+8613800138000', '')
    """
    plain = _PUNCTUATION.sub("", written)
    number = rewritten(plain, rules)
    if number == plain:
        number = f"+{plain.removeprefix('+').removeprefix('00')}"
    return number if _E164.fullmatch(number) else ""


def for_a_worker(request: Request, source: tuple[str, int], door: tuple[str, int]) -> str:
    """The INVITE as a worker may have it: readable, its SDP made anew, further requests going where they can, its
    answer to come back to `door`. Raises `UnreadableError`."""
    readable = headers.readable_request(passing.reachable_start(request.head, source))
    if readable is None:
        raise UnreadableError("400 Bad Request")
    body = ""
    if request.body.strip():
        body = (sdp.made_anew(request.body, is_offer=True) if sip_text.carries_sdp(request.head) else None) or ""
        if not body:
            raise UnreadableError("488 Not Acceptable Here")
    back_to = sip_text.reply_address(request, source)
    head = passing.passed_on(readable, sip_text.seen_via(request, source), door, back_to)
    return sip_text.with_body(head, body)


def _values(request: Request, name: str) -> list[str]:
    lines = (line.partition(":") for line in request.head.split("\r\n")[1:])
    return [value.strip() for header, _, value in lines if header.strip().lower() == name]
