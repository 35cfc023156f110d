"""The floor at a glance: the first page, and the wall that is read from across the room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from starlette.responses import Response

from dialer.operating.host_totals import rank
from dialer.web.access import May
from dialer.web.feed import Draw, Picture
from dialer.web.moment import Moment
from dialer.web.office import Office, drawn
from dialer.web.visit import Page, Visit

AT_REST: Final = 2
"""The group of `rank` that is left out on the wall."""

MOST_CARDS: Final = 12


def drawing_floor(office: Office, _: str) -> Draw:
    """Alarms, totals, hosts, and a row for each campaign."""

    def draw(moment: Moment) -> Picture:
        def part(macro: str, **facts: object) -> str:
            return drawn(office.templates, "live/floor.html", macro, **facts)

        rows = {f"campaign-{row.name}": part("campaign_row", row=row) for row in moment.rows}
        parts = {"alarms": part("alarms", moment=moment), "totals": part("totals", moment=moment)}
        parts["hosts"] = part("hosts", moment=moment)
        return Picture(parts | rows, {"campaigns": tuple(rows)})

    return draw


def drawing_wall(office: Office, _: str) -> Draw:
    """Large figures, the agents as a field of signs, and a card for each campaign that works."""

    def draw(moment: Moment) -> Picture:
        def part(macro: str, **facts: object) -> str:
            return drawn(office.templates, "live/wall.html", macro, **facts)

        shown = [row for row in moment.rows if rank(row)[0] < AT_REST][:MOST_CARDS]
        cards = {f"card-{row.name}": part("card", row=row) for row in shown}
        parts = {
            "alarms": part("alarms", moment=moment),
            "people": part("people", moment=moment),
            "figures": part("figures_", moment=moment),
        }
        return Picture(parts | cards, {"cards": tuple(cards)})

    return draw


async def floor(visit: Visit) -> Response:
    """The first page."""
    if not visit.person.may(May.SEE_FLOOR):
        return visit.back("wall")
    return visit.live("floor.html", "floor", drawing_floor(visit.office, ""))


async def wall(visit: Visit) -> Response:
    """The wall."""
    return visit.live("wall.html", "wall", drawing_wall(visit.office, ""))


PAGES: Final = (Page("/", May.SEE_WALL, floor), Page("/wall", May.SEE_WALL, wall))

TOPICS: Final[Mapping[str, tuple[May, Callable[[Office, str], Draw]]]] = {
    "floor": (May.SEE_FLOOR, drawing_floor),
    "wall": (May.SEE_WALL, drawing_wall),
}
