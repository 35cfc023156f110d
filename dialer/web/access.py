"""Who may see and do what at the console: the roles that people have at Redis, and one for screens on a wall. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class WebRole(StrEnum):
    """Whose work somebody does; as `dialer.store.operators.roles.Role`, where it is one of those."""

    WALL = "wall"  # a screen on the wall: it sees the floor in large letters, and nothing else
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class May(StrEnum):
    """Something that a page, or an order, needs."""

    SEE_WALL = "see_wall"
    SEE_FLOOR = "see_floor"  # campaigns, agents, trunks
    ORDER_FLOOR = "order_floor"  # pause agents, log them out, hang calls up
    ORDER_CAMPAIGNS = "order_campaigns"  # start, pause and stop; preflight
    SEE_PEOPLE = "see_people"  # leads and customers, masked, and why they are called or not
    SEE_REPORTS = "see_reports"
    HEAR = "hear"  # listen to recordings and mark them
    SEE_AUDIT = "see_audit"


_FLOOR: Final = frozenset({May.SEE_WALL, May.SEE_FLOOR, May.SEE_REPORTS})

ALLOWED: Final[Mapping[WebRole, frozenset[May]]] = {
    WebRole.WALL: frozenset({May.SEE_WALL}),
    WebRole.SUPERVISOR: _FLOOR | {May.ORDER_FLOOR, May.HEAR},
    WebRole.MANAGER: _FLOOR | {May.ORDER_FLOOR, May.ORDER_CAMPAIGNS, May.SEE_PEOPLE, May.HEAR},
    WebRole.AUDITOR: _FLOOR | {May.SEE_AUDIT},
    WebRole.ADMINISTRATOR: frozenset(May),
}
