"""What the measures of reports are sums of, as data: formulas in SQL, by the table in memory that they are of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

KEYS: Final = ("day", "campaign", "team", "agent", "list", "trunk", "caller_id", "hour")
"""What calls can be grouped by, and (but for the hour and the day) filtered by."""

TIME_KEYS: Final = ("day", "campaign", "team", "agent", "hour")
LIST_KEYS: Final = ("campaign", "list")
"""Of these, what is known of agents' time, and of lists."""

ANSWER_KEYS: Final = ("day", "campaign", "agent", "script", "step", "key")
"""What answers to scripts and surveys can be grouped by."""

COMPLAINT: Final = "complaint"

_PEOPLE: Final = "live AND NOT machine"
_JUDGED: Final = "judged = 'machine'"
_DIALLED_TALK: Final = "talk_s IS NOT NULL AND NOT inbound"

CALL_SUMS: Final[Mapping[str, str]] = {
    "attempts": "count(*) FILTER (NOT inbound)",
    "dialled": "count(dialled_at)",
    "charged": "count(*) FILTER (charged)",
    "live": "count(*) FILTER (live)",
    "machines": "count(*) FILTER (live AND machine)",
    "judged_machines": f"count(*) FILTER ({_JUDGED})",
    "machines_checked": f"count(*) FILTER ({_JUDGED} AND outcome IS NOT NULL)",
    "machines_false": f"count(*) FILTER ({_JUDGED} AND outcome <> 'machine')",
    "people": f"count(*) FILTER ({_PEOPLE})",
    "in_time": f"count(*) FILTER ({_PEOPLE} AND NOT abandoned AND wait_s <= {{service_s}})",
    "abandoned": "count(*) FILTER (abandoned)",
    "hung_up": "count(*) FILTER (hung_up)",
    "messages": "count(*) FILTER (abandoned AND message_played)",
    "opted_out": "count(*) FILTER (opted_out OR word_opt_out)",
    "connected": "count(talk_s) FILTER (NOT inbound)",
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
    "surveyed": "count(survey_score)",
    "survey_score": "coalesce(sum(survey_score), 0)",
    "scripted": "count(*) FILTER (disposition IN ('script_done', 'script_left'))",
    "script_done": "count(*) FILTER (disposition = 'script_done')",
    "leads": "count(DISTINCT lead) FILTER (NOT inbound)",
    "leads_reached": "count(DISTINCT lead) FILTER (talk_s IS NOT NULL AND NOT inbound)",
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
    "wait_p50_s": f"quantile_cont(wait_s, 0.5) FILTER ({_DIALLED_TALK})",
    "wait_p95_s": f"quantile_cont(wait_s, 0.95) FILTER ({_DIALLED_TALK})",
    "wait_p99_s": f"quantile_cont(wait_s, 0.99) FILTER ({_DIALLED_TALK})",
}
"""Sums over calls: attempts, and talks of people who called."""


def _of_callers(condition: str) -> str:
    return f"CASE WHEN bool_or(inbound) THEN count(*) FILTER (inbound AND {condition}) END"


CALLER_SUMS: Final[Mapping[str, str]] = {
    "callers": _of_callers("true"),
    "callers_known": _of_callers("disposition <> 'stranger'"),
    "callers_served": _of_callers("talk_s IS NOT NULL"),
    "callers_in_time": _of_callers("talk_s IS NOT NULL AND wait_s <= {callers_s}"),
    "callers_hung_up": _of_callers("disposition = 'hung_up' AND NOT opted_out AND NOT wants_callback"),
    "callers_not_served": _of_callers("disposition = 'not_served'"),
    "callers_strange": _of_callers("disposition = 'stranger'"),
    "callers_callbacks": _of_callers("wants_callback"),
    "callers_wait_p50_s": "quantile_cont(wait_s, 0.5) FILTER (inbound AND talk_s IS NOT NULL)",
    "callers_wait_p95_s": "quantile_cont(wait_s, 0.95) FILTER (inbound AND talk_s IS NOT NULL)",
}
"""Sums over calls from outside; None where there were none."""

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
"""Sums over agents' time. Hold is part of the talk, and not told apart."""

IDLE_SUMS: Final[Mapping[str, str]] = {
    "idle_p50_s": "quantile_cont(seconds, 0.5)",
    "idle_p95_s": "quantile_cont(seconds, 0.95)",
}
"""Sums over the times that agents were ready between two other states."""

LIST_SUMS: Final[Mapping[str, str]] = {"list_leads": "sum(accepted)"}
"""Sums over lists: leads that have come in by the end of the period."""

ANSWER_SUMS: Final[Mapping[str, str]] = {
    "answers": "count(*)",
    "answers_of_question": "CASE WHEN count(DISTINCT question) = 1 THEN any_value(of_question) END",
    "answer_marks": "count(score)",
    "answer_score": "coalesce(sum(score), 0)",
}
"""Sums over answers to scripts and surveys; those to the same question only where it is one."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table of a period in memory, its sums by name, and what its rows can be grouped and filtered by."""

    table: str
    sums: Mapping[str, str]
    keys: Sequence[str]


CALLS: Final = Source("calls", {**CALL_SUMS, **CALLER_SUMS}, KEYS)

SOURCES: Final = (
    CALLS,
    Source("stays", TIME_SUMS, TIME_KEYS),
    Source("idles", IDLE_SUMS, TIME_KEYS),
    Source("list_sizes", LIST_SUMS, LIST_KEYS),
    Source("answers", ANSWER_SUMS, ANSWER_KEYS),
)
