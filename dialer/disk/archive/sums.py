"""Sums over a period of the archive, by any grouping: what all measures of the reports are made of.

A period is opened once: its calls, with the last word on each and the team of its agent, and its agents' time stand
in memory then. Every table of a report is a grouping of those.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from dialer.disk.archive.database import Connection, connect, quoted, run
from dialer.disk.archive.formulas import ANSWER_KEYS, CALLS, KEYS, LIST_KEYS, SOURCES, TIME_KEYS
from dialer.disk.archive.partitions import check_folder
from dialer.disk.archive.views import create_views

SERVICE_LEVEL_S: Final = 2.0
CALLERS_WITHIN_S: Final = 20.0
"""Service levels of callees and of people who call: 80 per cent within 20 s is what inbound floors promise."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days `first` to `last`, both included: counting days of calls, days of the zone for agents' time."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked at: a period, only rows whose columns have one of the values of `only`, and within how many
    seconds an agent must be there to count for the service level, of callees and of callers."""

    period: Period
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    service_level_s: float = SERVICE_LEVEL_S
    callers_within_s: float = CALLERS_WITHIN_S


Sums = dict[str, Any]
"""Keys and sums of one group. In the total all keys are None."""


@contextmanager
def opened(folder: Path, question: Question, time_zone: str) -> Iterator[Connection]:
    """A period in memory. Raises `DiskError`."""
    check_folder(folder)
    with (
        tempfile.TemporaryDirectory(prefix="dialer-report-") as spill,
        closing(connect(spill=Path(spill))) as connection,
    ):
        create_views(connection, folder, time_zone, since=question.period.first - _MARGIN)
        for statement in (_quarters(question.period), _spans(question), _IDLES, _STAYS, _TEAMS, _NO_SPANS):
            run(connection, statement)
        run(connection, _calls(question))
        run(connection, _list_sizes(question))
        run(connection, _answers(question))
        yield connection


_MARGIN: Final = timedelta(2)
"""A day of any zone lies in two UTC days, and a call may be answered on the day after it was reserved."""


def _dates(period: Period) -> str:
    """Files that may have a row of the period."""
    return f"date BETWEEN DATE '{period.first - _MARGIN}' AND DATE '{period.last + _MARGIN}'"


def _within(question: Question, columns: Collection[str]) -> str:
    period = question.period
    conditions = [f"day BETWEEN DATE '{period.first}' AND DATE '{period.last}'"]
    for column, values in question.only.items():
        if column in columns and values:
            conditions.append(f"{column} IN ({', '.join(map(quoted, values))})")
        elif values:
            conditions.append("false")  # nothing is known of it here
    return " AND ".join(conditions)


_QUARTER: Final = "epoch_ms({0}) // 900000"


def _quarters(period: Period) -> str:
    """The day and hour of every quarter of an hour: a calendar asked once for each, and not for each call."""
    return f"""
        CREATE OR REPLACE TEMP TABLE quarters AS
        SELECT quarter, in_zone(make_timestamp_ms(quarter * 900000))::DATE AS day,
               hour(in_zone(make_timestamp_ms(quarter * 900000))) AS hour
        FROM range(epoch_ms(DATE '{period.first - 2 * _MARGIN}'::TIMESTAMP) // 900000,
                   epoch_ms(DATE '{period.last + 2 * _MARGIN}'::TIMESTAMP) // 900000) AS r(quarter)
    """


def _spans(question: Question) -> str:
    """Agents' time of the days around, with what may be grouped by; `asked`: it is of what is asked for."""
    return f"""
        CREATE OR REPLACE TEMP TABLE spans AS
        SELECT q.day, a.campaign, a.team, a.agent, q.hour, a.state, a.started_at, a.ended_at, a.seconds,
               {_within(question, TIME_KEYS)} AS asked
        FROM (SELECT * FROM agent_intervals WHERE {_dates(question.period)}) a
        JOIN quarters q ON q.quarter = {_QUARTER.format("a.started_at")}
    """.replace(" day BETWEEN", " q.day BETWEEN")


_STAYS: Final = """
    CREATE OR REPLACE TEMP TABLE stays AS
    SELECT day, campaign, team, agent, hour, state, sum(seconds) AS seconds FROM spans WHERE asked GROUP BY ALL
"""
_TEAMS: Final = """
    CREATE OR REPLACE TEMP TABLE teams AS
    SELECT agent, day, arg_max(team, started_at) AS team FROM spans GROUP BY agent, day
"""
_NO_SPANS: Final = "DROP TABLE spans"


def _calls(question: Question) -> str:
    later = f"date >= DATE '{question.period.first - _MARGIN}'"
    period = f"day BETWEEN DATE '{question.period.first}' AND DATE '{question.period.last}'"
    rows = f"{_dates(question.period)} AND {period}"
    return f"""
        CREATE OR REPLACE TEMP TABLE calls AS
        WITH words AS (
            SELECT attempt_id, arg_max(outcome, said_at) AS outcome, bool_or(opt_out) AS word_opt_out
            FROM outcomes WHERE {later} GROUP BY attempt_id
        ), marks AS (
            SELECT attempt_id, avg(score) AS score FROM (
                SELECT attempt_id, arg_max(score, marked_at) AS score
                FROM quality_marks WHERE {later} GROUP BY attempt_id, scorer, sheet
            ) GROUP BY attempt_id
        ), surveys AS (
            SELECT attempt_id, avg(score) AS survey_score FROM script_answers WHERE {later} GROUP BY attempt_id
        ), tapes AS (
            SELECT DISTINCT attempt_id FROM recordings WHERE {later}
        ), joined AS (
            SELECT a.day, a.campaign, coalesce(t.team, '') AS team, coalesce(a.agent, '') AS agent,
                   coalesce(a.list, '') AS list, coalesce(a.trunk, '') AS trunk,
                   coalesce(a.caller_id, '') AS caller_id, q.hour, a.disposition, a.live, a.abandoned, a.hung_up,
                   a.charged, a.message_played, a.opted_out, coalesce(w.word_opt_out, false) AS word_opt_out,
                   a.inbound, coalesce(a.wants_callback, false) AS wants_callback,
                   a.judged, a.dialled_at, a.wait_s, a.talk_s, a.post_dial_delay_s, w.outcome,
                   hash(a.campaign, coalesce(a.lead_id, a.attempt_id)) AS lead,
                   coalesce(w.outcome = 'machine', false) AND NOT a.abandoned AS machine, m.score,
                   s.survey_score,
                   tapes.attempt_id IS NOT NULL AS recorded
            FROM (
                SELECT *, false AS inbound, reserved_at AS began_at FROM attempts WHERE {rows}
                UNION ALL BY NAME
                SELECT *, called AS caller_id, true AS inbound, arrived_at AS began_at FROM inbound_calls WHERE {rows}
            ) a
            LEFT JOIN words w USING (attempt_id)
            LEFT JOIN marks m USING (attempt_id)
            LEFT JOIN surveys s USING (attempt_id)
            LEFT JOIN tapes USING (attempt_id)
            LEFT JOIN teams t ON t.agent = a.agent AND t.day = a.day
            LEFT JOIN quarters q ON q.quarter = {_QUARTER.format("a.began_at")}
        )
        SELECT * FROM joined WHERE {_within(question, KEYS)}
    """


def _list_sizes(question: Question) -> str:
    within = _within(question, LIST_KEYS).replace("day BETWEEN", "in_zone(counted_at)::DATE BETWEEN")
    return f"""
        CREATE OR REPLACE TEMP TABLE list_sizes AS
        SELECT campaign, list, arg_max(accepted, counted_at) AS accepted
        FROM lists WHERE {_dates(question.period)} AND {within} GROUP BY campaign, list
    """


def _answers(question: Question) -> str:
    return f"""
        CREATE OR REPLACE TEMP TABLE answers AS
        SELECT *, count(*) OVER (PARTITION BY question) AS of_question FROM (
            SELECT q.day, campaign, coalesce(agent, '') AS agent, script, step, key, score,
                   concat(campaign, '/', script, '.', step) AS question
            FROM (SELECT * FROM script_answers WHERE {_dates(question.period)}) a
            JOIN quarters q ON q.quarter = {_QUARTER.format("a.answered_at")}
        ) WHERE {_within(question, ANSWER_KEYS)}
    """


_IDLES: Final = """
    CREATE OR REPLACE TEMP TABLE idles AS
    WITH ready AS (
        SELECT day, hour, team, campaign, agent, started_at, ended_at, seconds
        FROM spans WHERE asked AND state = 'ready'
    ), joints AS (
        SELECT DISTINCT agent, started_at AS at FROM ready
        SEMI JOIN (SELECT agent, ended_at AS started_at FROM ready) USING (agent, started_at)
    ), marked AS (
        SELECT ready.*, b.at IS NULL AS begins, e.at IS NULL AS ends FROM ready
        LEFT JOIN joints b ON b.agent = ready.agent AND b.at = ready.started_at
        LEFT JOIN joints e ON e.agent = ready.agent AND e.at = ready.ended_at
    ), numbered AS (
        SELECT *, sum(begins::INT) OVER (PARTITION BY agent ORDER BY started_at) AS stay
        FROM marked WHERE NOT (begins AND ends)
    )
    SELECT agent, min(day) AS day, min(hour) AS hour, any_value(team) AS team, any_value(campaign) AS campaign,
           sum(seconds) AS seconds
    FROM numbered GROUP BY agent, stay
    UNION ALL SELECT agent, day, hour, team, campaign, seconds FROM marked WHERE begins AND ends
"""
"""Ready times that were cut at quarters, put together again. Most are whole, and need no sorting."""


def sums(
    connection: Connection,
    question: Question,
    keys: Sequence[str],
    wanted: Collection[str],
    *,
    with_agent: bool = False,
) -> list[Sums]:
    """The sums of those names for each group, in order of the keys, then the total; `with_agent` only of calls that an
    agent had.

    Groups of which only calls or only time is known have zeros for the other; what is not known by these keys, or by
    what is narrowed to, is None.
    """
    total = (None,) * len(keys)
    asked = {*keys, *(key for key, values in question.only.items() if values)}
    groups: dict[tuple[Any, ...], Sums] = {total: {}}
    missing: Sums = {}
    for source in SOURCES:
        of = {name: formula for name, formula in source.sums.items() if name in wanted}
        if not of:
            continue
        if not asked <= set(source.keys):
            missing |= dict.fromkeys(of)
            continue
        missing |= _nothing(of)
        table = "calls WHERE agent <> ''" if with_agent and source is CALLS else source.table
        for group, values in _grouped(connection, table, of, keys, question).items():
            if group == total or "campaign" not in keys or group[keys.index("campaign")]:
                groups.setdefault(group, {}).update(values)  # time for no campaign in particular is in the total alone
    order = sorted(groups.keys() - {total}, key=lambda group: tuple(map(_order, group)))
    return [{**dict(zip(keys, group, strict=True)), **missing, **groups[group]} for group in [*order, total]]


def _order(key: Any) -> tuple[int, str]:
    """Hours by number, all else by its letters."""
    return (key, "") if isinstance(key, int) else (0, str(key))


def _nothing(of: Mapping[str, str]) -> dict[str, Any]:
    return {name: None if formula.startswith(("quantile", "CASE", "sum(")) else 0 for name, formula in of.items()}


def _grouped(
    connection: Connection, table: str, of: Mapping[str, str], keys: Sequence[str], question: Question
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Each group's sums by its keys; the total's by as many None. Asked for apart from each other: it is half the work
    of grouping sets."""
    limits = {"{service_s}": f"{question.service_level_s!r}", "{callers_s}": f"{question.callers_within_s!r}"}
    formulas = list(of.values())
    for name, limit in limits.items():
        formulas = [formula.replace(name, limit) for formula in formulas]
    found = {}
    for by in dict.fromkeys((tuple(keys), ())):
        grouping = f"GROUP BY {', '.join(by)}" if by else ""
        for row in run(connection, f"SELECT {', '.join([*by, *formulas, '1'])} FROM {table} {grouping}"):
            group = row[: len(by)] if by else (None,) * len(keys)
            found[group] = dict(zip(of, row[len(by) : -1], strict=True))
    return found
