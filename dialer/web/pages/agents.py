"""The agents, what each is doing and for how long, and what a supervisor may do to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from dialer.core.agents.agent import AgentEvent, AgentEventKind
from dialer.core.board import CallRow
from dialer.language.translation import _
from dialer.operating.agent_lines import AgentLine
from dialer.operating.desk import Missing
from dialer.operating.floor_orders import hang_up, tell_agent
from dialer.operating.glossary import AGENT_GLYPHS
from dialer.store.operators import calls
from dialer.web.access import May
from dialer.web.feed import Draw, Picture
from dialer.web.moment import Moment
from dialer.web.office import Office, drawn
from dialer.web.visit import Page, Visit

_PLACES: Final = {state: place for place, state in enumerate(AGENT_GLYPHS)}

SORTS: Final[Mapping[str, Callable[[AgentLine], Any]]] = {
    "agent": lambda line: line.row.agent,
    "team": lambda line: (line.row.team, line.row.agent),
    "state": lambda line: (_PLACES.get(line.row.state, 99), line.row.since),
    "for": lambda line: line.row.since,
    "campaign": lambda line: (line.row.campaign, line.row.agent),
    "talks": lambda line: (-line.row.talks, line.row.agent),
    "sales": lambda line: (-line.row.outcomes.get("sale", 0), line.row.agent),
}


@dataclass(slots=True)
class Rows:
    """Rows of agents as HTML; that of an agent of whom nothing new was said is drawn once."""

    office: Office
    sort: str
    _drawn: dict[str, tuple[AgentLine, str]]

    def __call__(self, moment: Moment) -> Picture:
        before, self._drawn = self._drawn, {}
        for line in sorted(moment.lines, key=SORTS[self.sort]):
            known = before.get(line.row.agent)
            same = known is not None and known[0].row == line.row and (known[0].over >= 0) == (line.over >= 0)
            self._drawn[line.row.agent] = known if same and known else (line, self._row(line))
        parts = {f"agent-{name}": html for name, (_, html) in self._drawn.items()}
        summary = drawn(self.office.templates, "live/agents.html", "summary", moment=moment)
        return Picture({"summary": summary} | parts, {"agents": tuple(parts)})

    def _row(self, line: AgentLine) -> str:
        return drawn(self.office.templates, "live/agents.html", "agent_row", line=line)


def drawing_agents(office: Office, sort: str) -> Draw:
    """All of them, sorted by a column."""
    return Rows(office, sort if sort in SORTS else "state", {})


async def agents(visit: Visit) -> Response:
    """All of them."""
    asked = visit.asked("sort", "state")
    sort = asked if asked in SORTS else "state"
    topic = f"agents/{sort}"
    return visit.live("agents.html", topic, drawing_agents(visit.office, sort), sort=sort)


async def agent(visit: Visit) -> Response:
    """One of them, with the call and what may be done."""
    line = _line(visit)
    found = await visit.ask(calls.read, visit.office.store)
    own = [row for _, row in found.rows if row.agent == line.row.agent]
    return visit.page("agent.html", line=line, calls=own)


def _line(visit: Visit) -> AgentLine:
    name = visit.named("agent")
    line = next((line for line in visit.moment.lines if line.row.agent == name), None)
    if line is None:
        raise Missing(_("no agent {name!r} is logged in", name=name))
    return line


async def tell(visit: Visit) -> Response:
    """Pause an agent, or log one out."""
    name, what = visit.named("agent"), visit.form.get("what", "")
    kinds = {"pause": AgentEventKind.PAUSE, "logout": AgentEventKind.LOGOUT}
    if what not in kinds:
        raise Missing(_("there is no such order"))
    reason = (_one_line(visit.form.get("reason", ""))[:64] or "supervisor") if what == "pause" else ""
    await visit.ask(tell_agent, visit.desk, AgentEvent(kinds[what], name, reason=reason), visit.now)
    return visit.back("agents", name, done=what)


def _one_line(text: str) -> str:
    """Without what a daemon refuses in a reason: it would leave the whole order undone."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


async def line(visit: Visit) -> Response:
    """The calls on the line, the longest first."""
    found = await visit.ask(calls.read, visit.office.store)
    rows: list[tuple[str, CallRow]] = list(found.rows)
    return visit.page("calls.html", calls=rows, unreadable=found.unreadable)


async def ask_hang_up(visit: Visit) -> Response:
    """Whether it is meant."""
    found = await visit.ask(calls.read, visit.office.store)
    call = next((row for _, row in found.rows if row.attempt_id == visit.named("attempt")), None)
    if call is None:
        raise Missing(_("this call is not on the line any more"))
    return visit.page("hang_up.html", call=call)


async def do_hang_up(visit: Visit) -> Response:
    """Hang a call up."""
    await visit.ask(hang_up, visit.desk, visit.named("attempt"), visit.now)
    return visit.back("calls", done="hangup")


PAGES: Final = (
    Page("/agents", May.SEE_FLOOR, agents),
    Page("/agents/{agent}", May.SEE_FLOOR, agent),
    Page("/agents/{agent}", May.ORDER_FLOOR, tell, "POST"),
    Page("/calls", May.SEE_FLOOR, line),
    Page("/calls/{attempt}/hang-up", May.ORDER_FLOOR, ask_hang_up),
    Page("/calls/{attempt}/hang-up", May.ORDER_FLOOR, do_hang_up, "POST"),
)

TOPICS: Final[Mapping[str, tuple[May, Callable[[Office, str], Draw]]]] = {"agents": (May.SEE_FLOOR, drawing_agents)}
