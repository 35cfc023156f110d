"""Sums over a period of the archive, by any grouping: what all measures of the reports are made of.

A period is opened once: its attempts, with the last word on each and the team of its agent, and its agents' time stand
in memory then. Every table of a report is a grouping of those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from dialer.disk.archive.database import Connection, connect, quoted, run
from dialer.disk.archive.partitions import check_folder
from dialer.disk.archive.views import create_views

KEYS: Final = ("day", "campaign", "team", "agent", "list", "trunk", "caller_id", "hour")
"""What can be grouped by, and (but for the hour and the day) filtered by."""

TIME_KEYS: Final = frozenset({"day", "campaign", "team", "agent", "hour"})
"""Of these, what is known of agents' time."""

SERVICE_LEVEL_S: Final = 2.0
COMPLAINT: Final = "complaint"

_PEOPLE: Final = "live AND NOT machine"

CALL_SUMS: Final[Mapping[str, str]] = {
    "attempts": "count(*)",
    "dialled": "count(dialled_at)",
    "charged": "count(*) FILTER (charged)",
    "live": "count(*) FILTER (live)",
    "machines": "count(*) FILTER (live AND machine)",
    "people": f"count(*) FILTER ({_PEOPLE})",
    "in_time": f"count(*) FILTER ({_PEOPLE} AND NOT abandoned AND wait_s <= {{service_s}})",
    "abandoned": "count(*) FILTER (abandoned)",
    "hung_up": "count(*) FILTER (hung_up)",
    "messages": "count(*) FILTER (abandoned AND message_played)",
    "opted_out": "count(*) FILTER (opted_out OR word_opt_out)",
    "handled": "count(talk_s)",
    "talk_s": "coalesce(sum(talk_s), 0)",
    "complaints": f"count(*) FILTER (outcome = '{COMPLAINT}')",
    "sales": "count(*) FILTER (outcome = 'sale')",
    "told": "count(*) FILTER (outcome IS NOT NULL AND talk_s IS NOT NULL)",
    "resolved": "count(*) FILTER (outcome = 'resolved')",
    "resolution_told": "count(*) FILTER (outcome IN ('resolved', 'unresolved'))",
    "recorded": "count(*) FILTER (recorded AND talk_s IS NOT NULL)",
    "marks": "count(score)",
    "score": "coalesce(sum(score), 0)",
    "leads": "count(DISTINCT lead)",
    "leads_reached": "count(DISTINCT lead) FILTER (talk_s IS NOT NULL)",
    "busy": "count(*) FILTER (disposition = 'busy')",
    "no_answer": "count(*) FILTER (disposition = 'no_answer')",
    "invalid": "count(*) FILTER (disposition = 'invalid')",
    "blocked": "count(*) FILTER (disposition IN ('blocked', 'unwanted'))",
    "faults": "count(*) FILTER (disposition IN ('congestion', 'route_error', 'auth_error', 'media_error', "
    "'redirected', 'trunk_unreachable'))",
    "own_faults": "count(*) FILTER (disposition IN ('not_sent', 'worker_lost', 'unknown'))",
    "unknown": "count(*) FILTER (disposition = 'unknown')",
    "short": "count(*) FILTER (talk_s < 10)",
    "agent_days": "count(DISTINCT (agent, day)) FILTER (talk_s IS NOT NULL)",
    "post_dial_delay_p50_s": "quantile_cont(post_dial_delay_s, 0.5)",
    "wait_p50_s": "quantile_cont(wait_s, 0.5) FILTER (talk_s IS NOT NULL)",
    "wait_p95_s": "quantile_cont(wait_s, 0.95) FILTER (talk_s IS NOT NULL)",
    "wait_p99_s": "quantile_cont(wait_s, 0.99) FILTER (talk_s IS NOT NULL)",
}
"""Sums over attempts."""

TIME_SUMS: Final[Mapping[str, str]] = {
    "talking_s": "coalesce(sum(seconds) FILTER (state = 'talking'), 0)",
    "hold_s": "0",
    "wrapup_s": "coalesce(sum(seconds) FILTER (state = 'wrapup'), 0)",
    "ready_s": "coalesce(sum(seconds) FILTER (state = 'ready'), 0)",
    "offered_s": "coalesce(sum(seconds) FILTER (state IN ('preview', 'dialling', 'ringing')), 0)",
    "pause_s": "coalesce(sum(seconds) FILTER (state = 'paused'), 0)",
    "logged_s": "coalesce(sum(seconds), 0)",
    "agents": "count(DISTINCT agent)",
}
"""Sums over agents' time. Nothing is held in this product: a talk has no hold."""


IDLE_SUMS: Final[Mapping[str, str]] = {
    "idle_p50_s": "quantile_cont(seconds, 0.5)",
    "idle_p95_s": "quantile_cont(seconds, 0.95)",
}
"""Sums over the times that agents were ready between two other states."""


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
    seconds an agent must be there to count for the service level."""

    period: Period
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    service_level_s: float = SERVICE_LEVEL_S


Sums = dict[str, Any]
"""Keys and sums of one group. In the total all keys are None."""


@contextmanager
def opened(folder: Path, question: Question, time_zone: str) -> Iterator[Connection]:
    """A period in memory. Raises `DiskError`."""
    check_folder(folder)
    connection = connect()
    try:
        create_views(connection, folder, time_zone)
        run(connection, _calls(question))
        run(connection, _stays(question))
        run(connection, _IDLES)
        yield connection
    finally:
        connection.close()


def _dates(period: Period, column: str = "date") -> str:
    """Files that may have a row of the period: a day of any zone lies in two UTC days, and a call may be answered on
    the day after it was reserved."""
    return f"{column} BETWEEN DATE '{period.first - timedelta(2)}' AND DATE '{period.last + timedelta(2)}'"


def _within(question: Question, columns: Sequence[str]) -> str:
    period = question.period
    conditions = [f"day BETWEEN DATE '{period.first}' AND DATE '{period.last}'"]
    for column, values in question.only.items():
        if column in columns and values:
            conditions.append(f"{column} IN ({', '.join(map(quoted, values))})")
        elif values:
            conditions.append("false")  # nothing is known of it here
    return " AND ".join(conditions)


def _calls(question: Question) -> str:
    dates = _dates(question.period)
    later = f"date >= DATE '{question.period.first - timedelta(2)}'"
    return f"""
        CREATE OR REPLACE TEMP TABLE calls AS
        WITH words AS (
            SELECT attempt_id, arg_max(outcome, said_at) AS outcome, bool_or(opt_out) AS word_opt_out
            FROM outcomes WHERE {later} GROUP BY attempt_id
        ), marks AS (
            SELECT attempt_id, avg(score) AS score FROM quality_marks WHERE {later} GROUP BY attempt_id
        ), tapes AS (
            SELECT DISTINCT attempt_id FROM recordings WHERE {later}
        ), teams AS (
            SELECT agent, day, arg_max(team, started_at) AS team FROM agent_intervals WHERE {dates} GROUP BY agent, day
        ), joined AS (
            SELECT a.attempt_id, a.day, a.campaign, coalesce(t.team, '') AS team,
                   coalesce(a.agent, '') AS agent, coalesce(a.list, '') AS list,
                   coalesce(a.trunk, '') AS trunk, coalesce(a.caller_id, '') AS caller_id,
                   hour(a.local_at) AS hour, a.disposition, a.live, a.abandoned, a.hung_up,
                   a.charged, a.message_played, a.opted_out, coalesce(w.word_opt_out, false) AS word_opt_out,
                   a.dialled_at, a.wait_s, a.talk_s, a.post_dial_delay_s, w.outcome,
                   coalesce(w.outcome = 'machine', false) AND NOT a.abandoned AS machine, m.score,
                   tapes.attempt_id IS NOT NULL AS recorded, hash(a.campaign, coalesce(a.lead_id, a.attempt_id)) AS lead
            FROM attempts a
            LEFT JOIN words w USING (attempt_id)
            LEFT JOIN marks m USING (attempt_id)
            LEFT JOIN tapes USING (attempt_id)
            LEFT JOIN teams t ON t.agent = a.agent AND t.day = a.day
            WHERE {_dates(question.period, "a.date")}
        )
        SELECT * FROM joined WHERE {_within(question, KEYS)}
    """


def _stays(question: Question) -> str:
    known = tuple(key for key in KEYS if key in TIME_KEYS)
    return f"""
        CREATE OR REPLACE TEMP TABLE stays AS
        SELECT day, campaign, team, agent, hour(local_at) AS hour, state, reason, started_at, seconds
        FROM agent_intervals WHERE {_dates(question.period)} AND {_within(question, known)}
    """


_IDLES: Final = """
    CREATE OR REPLACE TEMP TABLE idles AS
    WITH marked AS (
        SELECT *, state <> lag(state, 1, '') OVER (PARTITION BY agent ORDER BY started_at) AS begins FROM stays
    ), numbered AS (
        SELECT *, sum(begins::INT) OVER (PARTITION BY agent ORDER BY started_at) AS stay FROM marked
    )
    SELECT agent, min(day) AS day, min(hour) AS hour, any_value(team) AS team, any_value(campaign) AS campaign,
           sum(seconds) AS seconds
    FROM numbered WHERE state = 'ready' GROUP BY agent, stay
"""
"""Ready times that were cut at quarters, put together again."""


def sums(connection: Connection, question: Question, keys: Sequence[str], *, with_agent: bool = False) -> list[Sums]:
    """Each group's sums, in order of the keys, then the total; `with_agent` only of calls that an agent had.

    Groups of which only calls or only time is known have zeros for the other; where time is not known by these keys
    its sums are None.
    """
    calls = _grouped(connection, "calls WHERE agent <> ''" if with_agent else "calls", CALL_SUMS, keys, question)
    timed = set(keys) <= TIME_KEYS
    times = _grouped(connection, "stays", TIME_SUMS, keys, question) if timed else {}
    idles = _grouped(connection, "idles", IDLE_SUMS, keys, question) if timed else {}
    total = (None,) * len(keys)
    if "campaign" in keys:  # time for no campaign in particular is in the total alone
        times = {group: of for group, of in times.items() if group == total or group[keys.index("campaign")]}
    groups = sorted((calls.keys() | times.keys()) - {total}, key=lambda group: tuple(map(_order, group)))
    no_time = _nothing(TIME_SUMS) if timed else dict.fromkeys(TIME_SUMS)
    return [
        {
            **dict(zip(keys, group, strict=True)),
            **(calls.get(group) or _nothing(CALL_SUMS)),
            **(times.get(group) or no_time),
            **(idles.get(group) or _nothing(IDLE_SUMS)),
        }
        for group in [*groups, total]
    ]


def _order(key: Any) -> tuple[int, str]:
    """Hours by number, all else by its letters."""
    return (key, "") if isinstance(key, int) else (0, str(key))


def _nothing(of: Mapping[str, str]) -> dict[str, Any]:
    return {name: None if formula.startswith("quantile") else 0 for name, formula in of.items()}


def _grouped(
    connection: Connection, table: str, of: Mapping[str, str], keys: Sequence[str], question: Question
) -> dict[tuple[Any, ...], dict[str, Any]]:
    formulas = [formula.replace("{service_s}", f"{question.service_level_s!r}") for formula in of.values()]
    grouping = f"GROUP BY GROUPING SETS (({', '.join(keys)}), ())" if keys else ""
    whole = f"grouping({', '.join(keys)}) > 0" if keys else "true"
    rows = run(connection, f"SELECT {', '.join([whole, *keys, *formulas])} FROM {table} {grouping}")
    found = {}
    for is_total, *values in rows:
        group = (None,) * len(keys) if is_total else tuple(values[: len(keys)])
        found[group] = dict(zip(of, values[len(keys) :], strict=True))
    return found
