"""`dialer audit`: who changed or looked at what, and when."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from dialer.cli.base.arguments import SPAN_EXAMPLES, campaign_option, limit_option, moment_of, more_than
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, table, when
from dialer.store.base.fields import EPOCH_MAX
from dialer.store.operators import control
from dialer.store.operators.control import Audited

TIMES: Final = ("at", "until", "not_before")
SPEAK_FOR_THEMSELVES: Final = ("changes", "fates", "hosts", "before", "after")
"""Maps of which each entry says what it is."""

LISTS: Final = ("lead_ids", "leads", "blocks", "campaigns", "fields")
COUNTED: Final = ("done", "matched", "unread", "leads", "skipped", "absent", "duplicate", "busy", "at_end")
CAMPAIGN_FIELDS: Final = ("campaign", "campaigns", "name")
"""Where a line says which campaign it is about."""


@click.command()
@click.option("--since", metavar="WHEN", help=f"From then on: {SPAN_EXAMPLES} ago, a date, or a time with its offset.")
@click.option("--until", metavar="WHEN", help="Up to then, a date with that day.")
@click.option("--by", metavar="TEXT", default="", help="Only where the Redis user, or the remark, has this in it.")
@click.option("--what", metavar="WORD", default="", help="Only what begins so, such as block or campaign_.")
@campaign_option
@limit_option(100)
@answering
def audit(
    invocation: Invocation, since: str | None, until: str | None, by: str, what: str, campaign: str, limit: int
) -> Answer:
    """Show the audit trail, the newest first: who changed or looked at what, and when. Numbers are masked.

    `user` is the Redis user, whom the server knows; `who` is what that one said of itself, or for whom it acted. About
    a million lines are kept.

    \b
    Example:
      dialer audit --since 7d --what block
      dialer audit --by anna --since 2026-11-01 --until 2026-11-30 --json
    """
    moment = now()
    first = moment_of(since, moment, "--since", whole_day=False) if since else 0.0
    last = moment_of(until, moment, "--until", whole_day=True) if until else EPOCH_MAX
    chosen: list[Audited] = []
    with invocation.store() as store:
        for line in control.audit_lines(store, first, last):
            if _is_wanted(line, by, what, campaign):
                chosen.append(line)
            if len(chosen) > limit:
                break
    shown = chosen[:limit]
    data = [{"at": row.at, "user": row.user, "who": row.who, "what": row.what, "detail": row.detail} for row in shown]
    page = table(("when", "who", "what"), _rows(shown)) if shown else "Nothing of this is in the audit trail."
    return Answer(data, page, more_than(limit) if len(chosen) > limit else "")


def _is_wanted(line: Audited, by: str, what: str, campaign: str) -> bool:
    if by.lower() not in f"{line.user} {line.who}".lower() or not line.what.startswith(what):
        return False
    named = [value for name in CAMPAIGN_FIELDS if (value := line.detail.get(name)) is not None]
    return not campaign or any(campaign == value or (isinstance(value, list) and campaign in value) for value in named)


def _rows(lines: list[Audited]) -> Iterator[tuple[str, str, str]]:
    for line in lines:
        who = line.who if line.user in ("", "default") or line.who.startswith(line.user) else f"{line.user}: {line.who}"
        yield when(line.at), who, f"{line.what}  {_words(line.detail)}".rstrip()


def _words(detail: Mapping[str, Any]) -> str:
    """What is known of it, short: what says nothing is left out."""
    parts = []
    before, after = detail.get("before"), detail.get("after")
    if isinstance(before, str) and isinstance(after, str) and before and after:
        rest = {name: value for name, value in detail.items() if name not in ("before", "after")}
        detail = {**rest, "was": [before, after]}
    for name, value in detail.items():
        if value in ("", None, [], {}, False):
            continue
        if name in TIMES and isinstance(value, int | float):
            value = when(value)
        parts.append(_named(name, value))
    return ", ".join(parts)


def _named(name: str, value: Any) -> str:
    """A value with its name, as people say it; what stands for itself without one."""
    shown = name.replace("_", " ")
    match value:
        case True:
            return shown
        case dict() if name in SPEAK_FOR_THEMSELVES:
            return ", ".join(_named(key, inner) for key, inner in value.items() if inner not in (0, "", None))
        case [before, after] if name == "was":
            return f"{before} -> {after}"
        case [before, after] if name not in LISTS and isinstance(before, str) and isinstance(after, str):
            return f"{name}: {before} -> {after}"
        case list() if all(isinstance(one, str | int | float) for one in value):
            return f"{shown}: {' '.join(map(str, value))}"
        case int() | float() if name in COUNTED:
            return f"{value:,} {shown}"
        case str() | int() | float():
            return f"{shown}: {value}"
    return f"{shown}: {json.dumps(value, ensure_ascii=False, default=str)}"
