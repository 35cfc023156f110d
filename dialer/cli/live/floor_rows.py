"""The lines of the live board's tables, campaigns and agents: what each column shows, the order, the filter. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Group
from rich.text import Text

from dialer.cli.base.figures import agent_state_text, sparkline, state_text
from dialer.cli.live.campaign_panels import abandoned_text
from dialer.cli.live.line_table import Column
from dialer.core.board import CampaignRow
from dialer.language.phrases import listed, phrase
from dialer.language.terms import term
from dialer.language.translation import _, _n, translated, word
from dialer.operating.agent_lines import AgentLine
from dialer.operating.figures import BAD, QUIET, WARN, duration, stopwatch
from dialer.operating.glossary import ABANDONED, AGENT_GLYPHS, ANSWERED, DUE, LINES, PRESENT, agent_state_word
from dialer.operating.host_totals import FOLDED, answer_rate, present, rank, tightest

_STATES: Final[Mapping[str, int]] = {state: place for place, state in enumerate(AGENT_GLYPHS)}


def _timer(line: AgentLine) -> Text:
    """How long the state has lasted; marked where that is too long, and more so at twice the limit."""
    if line.over < 0:
        return Text(stopwatch(line.for_s))
    limit_s = line.for_s - line.over
    return Text(f"{stopwatch(line.for_s)} !", f"bold {BAD if line.for_s >= 2 * limit_s else WARN}")


def _number(value: float | None, digits: int = 0) -> Text:
    return Text("–", QUIET) if value is None else Text(f"{value:,.{digits}f}")


AGENT_COLUMNS: Final[tuple[Column[AgentLine], ...]] = (
    Column("agent", "agent", lambda line: Text(line.row.agent, "bold"), lambda line: line.row.agent),
    Column("name", "name", lambda line: Text(line.row.name), lambda line: line.row.name, optional=True, least=10),
    Column("team", "team", lambda line: Text(line.row.team), lambda line: line.row.team, optional=True, least=6),
    Column(
        "state",
        "state",
        lambda line: agent_state_text(line.row.state),
        lambda line: (_STATES.get(line.row.state, 99), -line.for_s),
    ),
    Column("for", "for", _timer, lambda line: -line.for_s, right=True),
    Column("campaign", "campaign", lambda line: Text(line.row.campaign), lambda line: line.row.campaign, least=11),
    Column("talks", "talks", lambda line: _number(line.row.talks), lambda line: -line.row.talks, right=True),
    Column(
        "average",
        "avg talk",
        lambda line: Text("–", QUIET) if line.average_talk_s is None else Text(stopwatch(line.average_talk_s)),
        lambda line: -(line.average_talk_s or 0.0),
        right=True,
    ),
    Column(
        "per_hour", "per h", lambda line: _number(line.per_hour, 1), lambda line: -(line.per_hour or 0.0), right=True
    ),
    Column(
        "sales",
        "sales",
        lambda line: _number(line.row.outcomes.get("sale", 0)),
        lambda line: -line.row.outcomes.get("sale", 0),
        right=True,
    ),
)

CAMPAIGN_COLUMNS: Final[tuple[Column[CampaignRow], ...]] = (
    Column("campaign", "campaign", lambda row: Text(row.name, "bold"), lambda row: row.name, least=20),
    Column("state", "state", lambda row: state_text(row.state, row.problem), lambda row: rank(row)),
    Column(
        "agents",
        PRESENT.english,
        lambda row: Text(PRESENT.written(present(row))),
        lambda row: -present(row),
        right=True,
    ),
    Column(
        "lines",
        LINES.english,
        lambda row: Text(LINES.written(sum(row.calls.values()))),
        lambda row: -sum(row.calls.values()),
        right=True,
    ),
    Column("due", DUE.english, lambda row: Text(DUE.written(row.due)), lambda row: -row.due, right=True),
    Column(
        "answered",
        ANSWERED.english,
        lambda row: Text(ANSWERED.written(answer_rate(row))),
        lambda row: -(answer_rate(row) or 0.0),
        right=True,
    ),
    Column("abandoned", ABANDONED.english, abandoned_text, lambda row: -tightest(row).used, right=True),
    Column("hour", "last hour", lambda row: sparkline(row.trend.ended), lambda row: -sum(row.trend.ended)),
)


def campaign_lines(rows: Sequence[CampaignRow], words: str, *, at_rest: bool) -> list[CampaignRow]:
    """The campaigns that are shown, those that dial first; those `at_rest` only where asked for, or named."""
    named = [
        row
        for row in rows
        if all(part in f"{row.name} {row.state} {word(row.state)}".lower() for part in words.lower().split())
    ]
    return [row for row in sorted(named, key=rank) if at_rest or words or not rests(row)]


def rests(row: CampaignRow) -> bool:
    """Whether a campaign is stopped, paused or finished, and no call of it goes on."""
    return rank(row)[0] == FOLDED


def about_agent(line: AgentLine) -> Group:
    """Everything about one agent."""
    row = line.row
    first = Text.assemble((f" {row.agent} {row.name}".rstrip(), "bold"), f"  {agent_state_word(row.state)}")
    pending = _("then {state}", state=agent_state_word(row.pending)) if row.pending else ""
    for words in (word(row.reason), pending, _("daemon {host}", host=line.host)):
        if words:
            first.append(f"  {words}", QUIET)
    if row.logged_in_at:
        first.append(_("  logged in for {time}", time=duration(row.since + line.for_s - row.logged_in_at)), QUIET)
    outcomes = sorted(row.outcomes.items(), key=lambda item: (-item[1], item[0]))
    said = translated(listed(phrase("{name} {number}", name=term(name), number=number) for name, number in outcomes))
    today = _n(
        " today: {number:,} talk, {time}; {outcomes}",
        " today: {number:,} talks, {time}; {outcomes}",
        row.talks,
        time=duration(row.talk_s),
        outcomes=said or _("nothing said yet"),
    )
    return Group(first, Text(today))
