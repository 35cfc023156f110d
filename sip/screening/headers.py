"""The headers that the SIP library gets to see, each in a form that it can read.

PJSIP (2.15.1) drops a whole message for one header that it cannot parse, and for a line that is no header: a 503 whose
Retry-After is a date is then no answer at all. So the library sees only headers that somebody here reads, mended where
they can be, left out where not. Nobody may rely on another header of a message that went through here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from sip.screening.lines import parted

VALUE_LIMIT: Final = 1024
"""Characters of a header's value. The library reads 4,000 of a whole message."""

LINES_KEPT: Final = 1024
"""Lines whose readable form is remembered."""

MOST_SECONDS: Final = 999_999_999
"""A larger number counts as this one."""

_TOKEN: Final = r"[A-Za-z0-9.!%*_+`'~-]{1,256}"
_QUOTED: Final = r'"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*+"'
_HOST: Final = r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])"
_VALUE: Final = rf"(?>{_TOKEN}|{_QUOTED}|\[[0-9A-Fa-f:.]{{2,45}}\])"
_PARAMETERS: Final = rf"(?:\s*;\s*{_TOKEN}(?:\s*=\s*{_VALUE})?+)*+"
_USER: Final = r"[A-Za-z0-9_.!~*'()&=+$,;?/:%-]{1,256}"
_URI: Final = (
    rf"sips?:(?:{_USER}@)?{_HOST}(?::[0-9]{{1,5}})?"
    r"(?:;[A-Za-z0-9_.!~*'()\[\]/:&+$%=-]{1,256}){0,16}+(?:\?[A-Za-z0-9_.!~*'()&=+$/:%-]{0,256})?"
)
_STATUS: Final = re.compile(r"SIP/2\.0 +([1-6][0-9]{2})(?![0-9]) *(.*)", re.DOTALL)
_REQUEST: Final = re.compile(rf"[A-Z]{{3,32}} {_URI} SIP/2\.0")
_BARE: Final = rf"sips?:(?:[A-Za-z0-9_.!~*'()&=+$/:%-]{{1,256}}@)?{_HOST}(?::[0-9]{{1,5}})?"
"""A URI without angle brackets: what follows a semicolon belongs to the header."""

_NAMED: Final = re.compile(
    rf"(?:(?:{_QUOTED}\s*|(?:{_TOKEN}\s+)*+(?:{_TOKEN})?)<{_URI}>|{_BARE}){_PARAMETERS}\s*", re.IGNORECASE
)
_IN_BRACKETS: Final = re.compile(f"<{_URI}>")
_TAG: Final = re.compile(rf";\s*tag\s*=\s*({_TOKEN})", re.IGNORECASE)
_VIA: Final = re.compile(
    rf"SIP/2\.0/[A-Za-z]{{1,16}}\s+{_HOST}(?::[0-9]{{1,5}})?"
    rf"(?:\s*;\s*{_TOKEN}(?:\s*=\s*(?>[0-9A-Fa-f:.]{{2,45}}(?=[\s;]|\Z)|{_VALUE}))?+)*+\s*"
)
_BRANCH: Final = re.compile(rf";\s*branch\s*=\s*({_TOKEN})", re.IGNORECASE)
_CSEQ: Final = re.compile(r"[0-9]{1,10}\s+[A-Z]{3,32}")
_CALL_ID: Final = re.compile(r"[^\s\x00-\x1f\x7f-\xff]{1,256}")
_SECONDS: Final = re.compile(r"[0-9]{1,64}")
_REFRESHER: Final = re.compile(r";\s*refresher\s*=\s*(uac|uas)(?![A-Za-z0-9])", re.IGNORECASE)
_ROUTE: Final = re.compile(rf"\s*(?:{_QUOTED}\s*)?<{_URI}>{_PARAMETERS}\s*(?:,|\Z)")
_WORD: Final = rf"{_TOKEN}=(?>{_QUOTED}|{_TOKEN})"
_CHALLENGE: Final = re.compile(rf"Digest\s+{_WORD}(?:\s*,\s*{_WORD})*+", re.IGNORECASE)
_REPEATED: Final = frozenset({"to", "from", "call-id", "cseq"})
"""What an answer repeats of its request; our tag in From is ours alone."""

_WHOLE_TOKEN: Final = re.compile(_TOKEN)
_UNPRINTABLE: Final = re.compile(r"[^\x20-\x7e]+")

_LONG_NAMES: Final = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "k": "supported",
    "x": "session-expires",
    "c": "content-type",
}
"""Compact forms (RFC 3261, 7.3.3; RFC 4028)."""


def readable_response(head: str, own: str) -> str | None:
    """The headers of a response to a request of ours as the library can read them. `own` is our HOST:PORT. None for one
    that does not say what it answers."""
    first, *lines = head.split("\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        return None
    vias, rest = _readable(lines)
    via = _our_via(vias[0], own) if vias else ""
    if not via or not rest.keys() >= _REPEATED or _TAG.search(rest["from"].rpartition(">")[2]) is None:
        return None
    phrase = _UNPRINTABLE.sub(" ", status[2]).strip()[:VALUE_LIMIT] or "-"
    return "\r\n".join([f"SIP/2.0 {status[1]} {phrase}", f"Via: {via}", *rest.values()])


def readable_request(head: str) -> str | None:
    """The same for a request of the far end; None for one that the library could not answer."""
    first, *lines = head.split("\r\n")
    if not _REQUEST.fullmatch(first):
        return None
    vias, rest = _readable(lines)
    if not vias or not all(_is_vias(value) for value in vias) or not rest.keys() >= _REPEATED:
        return None
    return "\r\n".join([first, *(f"Via: {value}" for value in vias), *rest.values()])


def _readable(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    """The values of the Vias, and the lines that the library may see besides, by name; several of one name as one."""
    vias: list[str] = []
    rest: dict[str, str] = {}
    for line in lines:
        name, value = parted(line)
        name = _LONG_NAMES.get(name, name)
        if name == "via":
            vias.append(value)
        elif name in _MENDED and (mended := _mended(name, value)):
            if name not in rest:
                rest[name] = mended
            elif name in _LISTS:
                rest[name] += f"\r\n{mended}"
    return vias, rest


@lru_cache(maxsize=LINES_KEPT)
def _mended(name: str, value: str) -> str:
    """A whole line as the library can read it, empty where it cannot. The same ones come again and again."""
    mended = _MENDED[name](value)
    return f"{_SPELLED.get(name, name.title())}: {mended}" if mended else ""


# --- one header each: as the library can read it, empty where it cannot -----------------------------------------------


def _our_via(value: str, own: str) -> str:
    """Ours stands on top and is the only one that counts."""
    if _VIA.fullmatch(value):
        return value
    branch = _BRANCH.search(value)
    return f"SIP/2.0/UDP {own};branch={branch[1]}" if branch else ""


def _is_vias(value: str) -> bool:
    return len(value) <= VALUE_LIMIT and all(_VIA.fullmatch(each.strip()) for each in value.split(","))


def _party(value: str) -> str:
    """From or To. The library goes by its tag; who it is, is known from the INVITE."""
    if len(value) <= VALUE_LIMIT and _NAMED.fullmatch(value):
        return value
    tag = _TAG.search(value.rpartition(">")[2])
    return f"<sip:unreadable.invalid>;tag={tag[1]}" if tag else "<sip:unreadable.invalid>"


def _contact(value: str) -> str:
    """The first of what may be several."""
    if len(value) <= VALUE_LIMIT and _NAMED.fullmatch(value):
        return value
    uri = _IN_BRACKETS.search(value[:VALUE_LIMIT])
    return uri[0] if uri else ""


def _if(pattern: re.Pattern[str]) -> Callable[[str], str]:
    """As it is, if it has this form."""
    return lambda value: value if len(value) <= VALUE_LIMIT and pattern.fullmatch(value) else ""


def _challenge(value: str) -> str:
    """The first of several challenges, as far as it can be read."""
    match = _CHALLENGE.match(value[:VALUE_LIMIT])
    return match[0] if match else ""


def _seconds(value: str) -> str:
    """The number that it begins with."""
    match = _SECONDS.match(value)
    return str(min(int(match[0]), MOST_SECONDS)) if match else ""


def _session(value: str) -> str:
    """Session-Expires: seconds, and who refreshes."""
    seconds, refresher = _seconds(value), _REFRESHER.search(value[:VALUE_LIMIT])
    return f"{seconds};refresher={refresher[1].lower()}" if seconds and refresher else seconds


def _tokens(value: str) -> str:
    """Those of a list that are words."""
    words = (each.strip() for each in value[:VALUE_LIMIT].split(","))
    return ", ".join(word for word in words if _WHOLE_TOKEN.fullmatch(word))


def _routes(value: str) -> str:
    """A list of Record-Routes, as far as it can be read; what is behind an unreadable one leads nowhere."""
    end = 0
    while (match := _ROUTE.match(value, end)) is not None and match.end() > end:
        end = match.end()
    return value[:end].strip().rstrip(",")


def _text(value: str) -> str:
    return _UNPRINTABLE.sub(" ", value[:VALUE_LIMIT]).strip()


_MENDED: Final[dict[str, Callable[[str], str]]] = {
    "from": _party,
    "to": _party,
    "call-id": _if(_CALL_ID),
    "cseq": _if(_CSEQ),
    "contact": _contact,
    "record-route": _routes,
    "max-forwards": _seconds,
    "allow": _tokens,
    "supported": _tokens,
    "require": _tokens,
    "rseq": _if(re.compile("[0-9]{1,10}")),
    "rack": _text,
    "session-expires": _session,
    "min-se": _seconds,
    "retry-after": _seconds,
    "reason": _text,
    "www-authenticate": _challenge,
    "proxy-authenticate": _challenge,
    "content-type": _text,  # made anew with the body
}
"""The headers that the library sees, and how."""

_LISTS: Final = frozenset({"record-route", "allow", "supported", "require", "www-authenticate", "proxy-authenticate"})
"""Of these there may be several; of the others the first counts."""

_SPELLED: Final = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "www-authenticate": "WWW-Authenticate",
    "rseq": "RSeq",
    "min-se": "Min-SE",
}
