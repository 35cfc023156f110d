"""`dialer audit`: who changed or looked at what, and when."""

from __future__ import annotations

from collections.abc import Iterator

import click

from dialer.cli.base.arguments import SPAN_EXAMPLES, campaign_option, limit_option, moment_of, more_than
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, answering, table, when
from dialer.language.translation import _
from dialer.operating.audit_words import is_wanted, who_of, words_of
from dialer.store.base.fields import EPOCH_MAX
from dialer.store.operators import control
from dialer.store.operators.control import Audited


@click.command()
@examples("dialer audit --since 7d --what block", "dialer audit --by anna --since 2026-11-01 --until 2026-11-30 --json")
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
    """
    moment = now()
    first = moment_of(since, moment, "--since", whole_day=False) if since else 0.0
    last = moment_of(until, moment, "--until", whole_day=True) if until else EPOCH_MAX
    chosen: list[Audited] = []
    with invocation.store() as store:
        for line in control.audit_lines(store, first, last):
            if is_wanted(line, by, what, campaign):
                chosen.append(line)
            if len(chosen) > limit:
                break
    shown = chosen[:limit]
    data = [{"at": row.at, "user": row.user, "who": row.who, "what": row.what, "detail": row.detail} for row in shown]
    page = table(("when", "who", "what"), _rows(shown)) if shown else _("Nothing of this is in the audit trail.")
    return Answer(data, page, more_than(limit) if len(chosen) > limit else "")


def _rows(lines: list[Audited]) -> Iterator[tuple[str, str, str]]:
    for line in lines:
        yield when(line.at), who_of(line), f"{line.what}  {words_of(line.detail, when)}".rstrip()
