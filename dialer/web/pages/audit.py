"""The audit trail: who changed or looked at what."""

from __future__ import annotations

from itertools import islice
from typing import Final

from starlette.responses import Response

from dialer.operating.audit_words import is_wanted, who_of, words_of
from dialer.store.base.connection import Store
from dialer.store.operators import control
from dialer.store.operators.control import Audited
from dialer.web.access import May
from dialer.web.days import day_given
from dialer.web.visit import Page, Visit
from dialer.web.words import when

MOST_LINES: Final = 200
MOST_READ: Final = 100_000


def _read(store: Store, first: float, last: float, by: str, what: str, campaign: str) -> list[Audited]:
    lines = islice(control.audit_lines(store, first, last), MOST_READ)
    return list(islice((line for line in lines if is_wanted(line, by, what, campaign)), MOST_LINES + 1))


async def audit(visit: Visit) -> Response:
    """The newest lines that are asked for."""
    asked = {name: visit.asked(name) for name in ("by", "what", "campaign", "since", "until")}
    span = day_given(asked["since"], asked["until"], visit.now)
    lines = await visit.ask(_read, visit.office.store, *span, asked["by"], asked["what"], asked["campaign"])
    rows = [(line.at, who_of(line), line.what, words_of(line.detail, when)) for line in lines[:MOST_LINES]]
    return visit.page("audit.html", asked=asked, rows=rows, more=len(lines) > MOST_LINES)


PAGES: Final = (Page("/audit", May.SEE_AUDIT, audit),)
