"""The trunks: how each does, and why one rests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from starlette.responses import Response

from dialer.web.access import May
from dialer.web.feed import Draw, Picture
from dialer.web.moment import Moment
from dialer.web.office import Office, drawn
from dialer.web.visit import Page, Visit


def drawing_trunks(office: Office, _: str) -> Draw:
    """A row for each trunk of each host."""

    def draw(moment: Moment) -> Picture:
        several = len(moment.hosts.boards) > 1
        rows = {
            f"trunk-{host}-{trunk.name}": drawn(
                office.templates, "live/trunks.html", "trunk_row", host=host, trunk=trunk, several=several
            )
            for host, trunk in moment.trunks
        }
        return Picture(rows, {"trunks": tuple(rows)})

    return draw


async def trunks(visit: Visit) -> Response:
    """All of them."""
    boards = visit.moment.hosts.boards
    shown = [(board.host, row) for board in boards for row in board.caller_ids]
    return visit.live("trunks.html", "trunks", drawing_trunks(visit.office, ""), caller_ids=shown)


PAGES: Final = (Page("/trunks", May.SEE_FLOOR, trunks),)

TOPICS: Final[Mapping[str, tuple[May, Callable[[Office, str], Draw]]]] = {"trunks": (May.SEE_FLOOR, drawing_trunks)}
