"""What the archive holds: its tables as data. docs/archive.md is held to this by a test. Pure.

Times are UTC, to the millisecond. Personal columns lose their values when a person is erased, and for everybody when
`retention.leads_days` have passed; all else stays, so that no count changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Column:
    """One column: DuckDB's type, what it means, and whether it tells of a person."""

    name: str
    type: str
    meaning: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table. A row is known by its `id` columns; of two rows of one id the one with the higher `rank` stays, else
    the first. `time` is the column whose UTC day and hour say which file a row is in."""

    name: str
    meaning: str
    id: tuple[str, ...]
    time: str
    columns: tuple[Column, ...]
    rank: str = ""

    @property
    def types(self) -> dict[str, str]:
        """The type of each column, in order."""
        return {column.name: column.type for column in self.columns}

    @property
    def personal(self) -> tuple[str, ...]:
        """The columns that tell of a person."""
        return tuple(column.name for column in self.columns if column.personal)


_TEXT: Final = "VARCHAR"
_TIME: Final = "TIMESTAMP_MS"

ATTEMPTS: Final = Table(
    "attempts",
    "Every attempt that has ended, once. What somebody saw has taken the place of `unknown`.",
    ("attempt_id",),
    "reserved_at",
    (
        Column("attempt_id", _TEXT, "the attempt; the key of everything that is told of it"),
        Column("campaign", _TEXT, "the campaign"),
        Column("lead_id", _TEXT, "the lead, as the CRM calls it", personal=True),
        Column("number", "UBIGINT", "keyed hash of the number that was dialled", personal=True),
        Column("customer", "UBIGINT", "keyed hash of the CRM's customer_id", personal=True),
        Column("phone", _TEXT, "the number, masked", personal=True),
        Column("list", _TEXT, "the list that the lead came with"),
        Column("try", "USMALLINT", "which attempt of the lead it was"),
        Column("disposition", _TEXT, "how it ended"),
        Column("answer_kind", _TEXT, "who answered: person, machine, unknown; empty: nobody"),
        Column("judged", _TEXT, "who answered, by ear: person, machine, unknown; empty: nobody listened"),
        Column("message_left", "BOOLEAN", "a machine was left a message"),
        Column("live", "BOOLEAN", "counts as answered by a person"),
        Column("abandoned", "BOOLEAN", "counts as abandoned"),
        Column("hung_up", "BOOLEAN", "abandoned because the callee was gone before the limit"),
        Column("charged", "BOOLEAN", "counts for the frequency caps"),
        Column("message_played", "BOOLEAN", "the message for abandoned calls was heard"),
        Column("opted_out", "BOOLEAN", "the callee pressed the key not to be called again"),
        Column("agent", _TEXT, "who had the call"),
        Column("trunk", _TEXT, "the trunk that it ended on"),
        Column("failed_trunks", _TEXT, "trunks that gave it back before, with commas"),
        Column("caller_id", _TEXT, "the number that was shown"),
        Column("cause", _TEXT, "what the network said, or why this side ended it"),
        Column("ended_by", _TEXT, "callee, agent, dialer or network"),
        Column("sip_code", "USMALLINT", "the last SIP status"),
        Column("q850", "UTINYINT", "the Q.850 cause"),
        Column("reserved_at", _TIME, "when it was allowed and counted"),
        Column("dialled_at", _TIME, "when the INVITE left"),
        Column("ringing_at", _TIME, "when ringing was heard"),
        Column("answered_at", _TIME, "when it was answered"),
        Column("agent_dialled_at", _TIME, "when the agent's phone was rung"),
        Column("bridged_at", _TIME, "when agent and callee heard each other"),
        Column("transfer_at", _TIME, "when a script asked for an agent"),
        Column("agent_left_at", _TIME, "when the agent left and the callee was asked (a survey)"),
        Column("ended_at", _TIME, "when it ended"),
        Column("next", _TEXT, "retry or close"),
        Column("day", "DATE", "the counting day of the ledger: that of the answer in the campaign's zone"),
        Column("settled_by", _TEXT, "the daemon that settled it"),
        Column("corrects", _TEXT, "the disposition that this one took the place of"),
    ),
    rank="disposition <> 'unknown'",
)

INBOUND_CALLS: Final = Table(
    "inbound_calls",
    "Calls from outside that were let in, once; they are no attempts.",
    ("attempt_id",),
    "arrived_at",
    (
        Column("attempt_id", _TEXT, "the call; outcomes, recordings and marks name it so"),
        Column("campaign", _TEXT, "the campaign of the lead, or the one that shows the number"),
        Column("lead_id", _TEXT, "the lead, as the CRM calls it", personal=True),
        Column("number", "UBIGINT", "keyed hash of the caller's number", personal=True),
        Column("customer", "UBIGINT", "keyed hash of the CRM's customer_id", personal=True),
        Column("phone", _TEXT, "the caller's number, masked; a stranger's is not kept", personal=True),
        Column("list", _TEXT, "the list that the lead came with"),
        Column("disposition", _TEXT, "how it ended: connected, hung_up, not_served, stranger, failed"),
        Column("called", _TEXT, "the number that was called"),
        Column("message_played", "BOOLEAN", "the message was played"),
        Column("opted_out", "BOOLEAN", "the caller pressed the key not to be called again"),
        Column("wants_callback", "BOOLEAN", "the caller pressed the key to be called"),
        Column("agent", _TEXT, "who had the call"),
        Column("trunk", _TEXT, "the trunk that it came over"),
        Column("cause", _TEXT, "why it ended"),
        Column("ended_by", _TEXT, "callee (who is the caller here), agent, dialer or network"),
        Column("sip_code", "USMALLINT", "the last SIP status"),
        Column("arrived_at", _TIME, "when it came"),
        Column("answered_at", _TIME, "when it was answered, by the music or the message"),
        Column("bridged_at", _TIME, "when agent and caller heard each other"),
        Column("agent_left_at", _TIME, "when the agent left and the caller was asked (a survey)"),
        Column("ended_at", _TIME, "when it ended"),
        Column("next", _TEXT, "retry or close"),
        Column("day", "DATE", "the counting day: that of the answer in the campaign's zone"),
        Column("settled_by", _TEXT, "the daemon that settled it"),
        Column("corrects", _TEXT, "failed, where this end took the place of one that nobody saw"),
    ),
    rank="disposition <> 'failed'",
)

CALLS: Final = (ATTEMPTS, INBOUND_CALLS)
"""The tables that tell of persons, and whose ends may be corrected later."""

OUTCOMES: Final = Table(
    "outcomes",
    "What agents or the CRM said of attempts and of calls from outside; the last word on each counts.",
    ("attempt_id", "word"),
    "said_at",
    (
        Column("attempt_id", _TEXT, "the attempt"),
        Column("word", "UBIGINT", "which word on it, by the entry that it came in"),
        Column("campaign", _TEXT, "the campaign"),
        Column("outcome", _TEXT, "what was said"),
        Column("agent", _TEXT, "who said it, where that was told"),
        Column("opt_out", "BOOLEAN", "the callee asked not to be called again"),
        Column("callback_at", _TIME, "when a call back was promised for"),
        Column("said_at", _TIME, "when it was said"),
    ),
)

AGENT_INTERVALS: Final = Table(
    "agent_intervals",
    "What agents did: each interval lies in one quarter of an hour.",
    ("agent", "started_at"),
    "started_at",
    (
        Column("agent", _TEXT, "the agent"),
        Column("name", _TEXT, "the agent's name, for people"),
        Column("team", _TEXT, "the team or partner of the login"),
        Column("campaign", _TEXT, "the campaign of the call; else the only one of the login, or empty"),
        Column("state", _TEXT, "ready, preview, dialling, ringing, talking, wrapup or paused"),
        Column("reason", _TEXT, "of a pause"),
        Column("started_at", _TIME, "from when on"),
        Column("ended_at", _TIME, "until when"),
        Column("host", _TEXT, "the daemon's host"),
    ),
    rank="ended_at",
)

PACING_MINUTES: Final = Table(
    "pacing_minutes",
    "How each campaign was paced by each host, by the minute.",
    ("campaign", "host", "minute_at"),
    "minute_at",
    (
        Column("campaign", _TEXT, "the campaign"),
        Column("host", _TEXT, "the daemon's host"),
        Column("minute_at", _TIME, "the beginning of the minute"),
        Column("mode", _TEXT, "how it dials"),
        Column("decisions", "UINTEGER", "decisions of the pacer"),
        Column("dialled", "UINTEGER", "calls that it asked for"),
        Column("ended", "UINTEGER", "attempts that ended"),
        Column("rule", _TEXT, "what the last decision was made by"),
        Column("brake", _TEXT, "what held it down"),
        Column("risk", "FLOAT", "of the next call to be abandoned, as it thought"),
        Column("ready", "USMALLINT", "agents who were ready at the end of the minute"),
        Column("talking", "USMALLINT", "agents who talked"),
        Column("wrapup", "USMALLINT", "agents in wrap-up"),
        Column("paused", "USMALLINT", "agents who paused"),
        Column("calls", "USMALLINT", "calls on the line"),
        Column("answered_today", "UINTEGER", "live answers of the day so far, of all hosts"),
        Column("abandoned_today", "UINTEGER", "abandoned calls of the day so far"),
        Column("abandons_left", "INTEGER", "calls that could be abandoned on end before a cap is broken"),
    ),
)

CAMPAIGN_CHANGES: Final = Table(
    "campaign_changes",
    "Who changed a campaign, and how.",
    ("entry",),
    "changed_at",
    (
        Column("entry", _TEXT, "the line of the audit trail"),
        Column("changed_at", _TIME, "when"),
        Column("campaign", _TEXT, "the campaign"),
        Column("what", _TEXT, "what was done, such as campaign_start"),
        Column("redis_user", _TEXT, "the Redis user"),
        Column("who", _TEXT, "what that one said of itself"),
        Column("detail", _TEXT, "the rest, JSON"),
    ),
)

RECORDINGS: Final = Table(
    "recordings",
    "Talks that were recorded. One that a daemon finished twice may be there twice: count attempts.",
    ("attempt_id",),
    "finished_at",
    (
        Column("attempt_id", _TEXT, "the attempt"),
        Column("campaign", _TEXT, "the campaign"),
        Column("agent", _TEXT, "who talked"),
        Column("finished_at", _TIME, "when the file was on the host's disk for good"),
        Column("duration_s", "FLOAT", "how long it is"),
        Column("missing_s", "FLOAT", "what of the talk never came to the disk"),
        Column("host", _TEXT, "the host that has it"),
    ),
)

QUALITY_MARKS: Final = Table(
    "quality_marks",
    "Marks that somebody who listened gave; the last of each listener and sheet counts.",
    ("attempt_id", "scorer", "sheet", "marked_at"),
    "marked_at",
    (
        Column("attempt_id", _TEXT, "the attempt"),
        Column("campaign", _TEXT, "the campaign"),
        Column("agent", _TEXT, "whose talk it was"),
        Column("scorer", _TEXT, "who listened"),
        Column("sheet", _TEXT, "the scoring sheet, with its version"),
        Column("score", "FLOAT", "the share of its points, 0 to 100"),
        Column("marked_at", _TIME, "when"),
    ),
)

SCRIPT_ANSWERS: Final = Table(
    "script_answers",
    "Keys that callees answered steps of a script or a survey with.",
    ("attempt_id", "script", "step"),
    "answered_at",
    (
        Column("attempt_id", _TEXT, "the attempt"),
        Column("campaign", _TEXT, "the campaign"),
        Column("agent", _TEXT, "who had talked with the callee; empty: nobody"),
        Column("script", _TEXT, "script or survey"),
        Column("step", _TEXT, "the step that asked"),
        Column("key", _TEXT, "the key"),
        Column("score", "FLOAT", "the mark that the key is, where it is one"),
        Column("answered_at", _TIME, "when"),
    ),
)

LISTS: Final = Table(
    "lists",
    "How many leads have come in with each list, by the hour.",
    ("campaign", "list"),
    "counted_at",
    (
        Column("campaign", _TEXT, "the campaign"),
        Column("list", _TEXT, "the list; empty: leads of the stream that named none"),
        Column("counted_at", _TIME, "when"),
        Column("accepted", "UINTEGER", "leads accepted so far"),
        Column("rejected", "UINTEGER", "leads rejected so far"),
    ),
    rank="counted_at",
)

TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        *(*CALLS, OUTCOMES, AGENT_INTERVALS, PACING_MINUTES, CAMPAIGN_CHANGES),
        *(RECORDINGS, QUALITY_MARKS, SCRIPT_ANSWERS, LISTS),
    )
}

TIMES: Final = frozenset({_TIME})
