"""Which leads a command is about: one, some by their ids, those of a file, or those that pass a filter."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, Final

import click
from rich.console import RenderableType

from compliance.numbers import masked_text
from dialer.cli.base.arguments import SPAN_EXAMPLES, campaign_argument, span_s
from dialer.cli.base.failures import CliExit, Failure
from dialer.cli.base.invocation import now
from dialer.cli.base.output import progress_bar, table
from dialer.core.leads import lead_reasons
from dialer.core.model import Disposition
from dialer.language.translation import _
from dialer.operating.glossary import place_word, rule_word
from dialer.store.base.connection import Store, trip
from dialer.store.leads.bulk.selection import MOST, Filter, chosen, named
from dialer.store.leads.leads import LeadState, Seen

MOST_REASONS: Final = 8
"""So many reasons a preview names; the rest is counted together."""

UNSAID: Final = "-"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for. `given` is what the audit trail keeps of it."""

    campaign: str
    lead_ids: tuple[str, ...]
    file: Path | None
    criteria: Filter
    given: Mapping[str, Any]

    def leads(self, store: Store, default: tuple[LeadState, ...], progress: Callable[[int], None]) -> Iterator[Seen]:
        """The leads, as they are found; without a state of their own in one of the `default` ones."""
        criteria = self.criteria if self.criteria.states else with_states(self.criteria, default)
        if self.lead_ids or self.file is not None:
            ids = (*self.lead_ids, *(_ids_in(self.file) if self.file is not None else ()))
            return named(store, self.campaign, ids, criteria)
        return chosen(store, self.campaign, criteria, progress)


def with_states(criteria: Filter, states: tuple[LeadState, ...]) -> Filter:
    """A filter with other states."""
    values = {name: getattr(criteria, name) for name in Filter.__dataclass_fields__}
    return Filter(**(values | {"states": states}))


_OPTIONS: Final = (
    click.argument("lead_ids", metavar="[LEAD_ID]...", nargs=-1),
    click.option(
        "--file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Leads by id: one a line, or the column lead_id of a CSV file.",
    ),
    click.option("--all", "everything", is_flag=True, help="Every lead that the command may be about."),
    click.option("--state", "states", type=click.Choice([state.value for state in LeadState]), multiple=True),
    click.option(
        "--disposition",
        type=click.Choice([disposition.value for disposition in Disposition]),
        help="How its last attempt ended.",
    ),
    click.option("--outcome", metavar="WORD", help="What was said of its last attempt."),
    click.option("--reason", metavar="WORDS", help="Why it waits or is closed, as `campaign funnel` counts it."),
    click.option("--list", "list_name", metavar="NAME", help="The list that it came with."),
    click.option("--tries", metavar="N|N-M", help="How often it was tried."),
    click.option("--older-than", metavar="SPAN", help="Nothing happened to it for so long, such as 3d."),
    click.option("--age", metavar="SPAN", help="It came in so long ago or longer."),
    click.option("--due-from", metavar="TIME", help="It waits, and is due then or later: 2027-01-31T14:00, 14:00."),
    click.option("--due-to", metavar="TIME", help="It waits, and is due before."),
    click.option("--attr", "attrs", metavar="NAME=VALUE", multiple=True, help="What the CRM gave it in attrs."),
)


def choice_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options above, as one argument `choice`."""

    @wraps(function)
    def command(*positional: Any, campaign: str, **given: Any) -> Any:
        own = ("lead_ids", "file", "everything", "states", "disposition", "outcome", "reason", "tries", "older_than")
        taken = {name: given.pop(name) for name in (*own, "age", "due_from", "due_to", "attrs", "list_name")}
        return function(*positional, choice=_choice(campaign, **taken), **given)

    for option in reversed((campaign_argument, *_OPTIONS)):
        command = option(command)
    return command


def _choice(campaign: str, lead_ids: tuple[str, ...], file: Path | None, everything: bool, **given: Any) -> Choice:
    given_options = {name: value for name, value in given.items() if value}
    if not (given_options or lead_ids or file or everything):
        raise click.UsageError(_("say which leads: ids, --file, a filter such as --disposition no_answer, or --all"))
    moment = now()
    criteria = Filter(
        states=tuple(map(LeadState, given["states"])),
        disposition=given["disposition"] or "",
        outcome=given["outcome"] or "",
        reason=(given["reason"] or "").replace("_", " "),
        tries=_tries(given["tries"]),
        quiet_since=_ago(given["older_than"], "--older-than", moment),
        came_in_before=_ago(given["age"], "--age", moment),
        due_from=time_of(given["due_from"], "--due-from", moment),
        due_to=time_of(given["due_to"], "--due-to", moment),
        attrs=_attrs(given["attrs"]),
        list_name=given["list_name"] or "",
    )
    audited = {name: list(value) if isinstance(value, tuple) else value for name, value in given_options.items()}
    if lead_ids:
        audited["lead_ids"] = list(lead_ids[:20])
    if file is not None:
        audited["file"] = file.name
    return Choice(campaign, lead_ids, file, criteria, {"campaign": campaign, **audited})


def time_of(text: str | None, option: str, moment: float) -> float | None:
    """A time as people type it: 14:00 (today), a date, ISO 8601 with or without its offset (then by this machine's
    clock), or a span from now. Seconds since the epoch; None for no text. Raises `UsageError`."""
    if text is None:
        return None
    span = span_s(text)
    try:
        if span is not None:
            return moment + span
        if len(text) <= 5:
            hour, minute = map(int, text.split(":"))
            today = datetime.fromtimestamp(moment)
            return today.replace(hour=hour, minute=minute, second=0, microsecond=0).timestamp()
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise click.UsageError(
            _("{option} {text!r}: such as 14:00, 2027-01-31, 2027-01-31T14:00 or 3d", option=option, text=text)
        ) from None


def _ago(text: str | None, option: str, moment: float) -> float | None:
    if text is None:
        return None
    span = span_s(text)
    if span is None:
        raise click.UsageError(
            _(
                "{option} {text!r}: give a span such as {examples}",
                option=option,
                text=text,
                examples=SPAN_EXAMPLES,
            )
        )
    return moment - span


def _tries(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    first, dash, last = text.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()):
        raise click.UsageError(_("--tries {text!r}: a number such as 2, or two such as 1-3", text=text))
    return int(first), int(last) if dash else int(first)


def _attrs(pairs: tuple[str, ...]) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    bad = [pair for pair, (name, equals, _) in zip(pairs, split, strict=True) if not name or not equals]
    if bad:
        raise click.UsageError(_("--attr wants NAME=VALUE, got {bad!r}", bad=bad[0]))
    return {name: value for name, _, value in split}


def _ids_in(path: Path) -> Iterator[str]:
    """The ids of a file: a column lead_id, else the first word of each line."""
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        head = next(csv.reader([file.readline()]), [])
        names = [name.strip().lower() for name in head]
        place = names.index("lead_id") if "lead_id" in names else 0
        if "lead_id" not in names and head and head[0].strip():
            yield head[0].strip()
        for row in csv.reader(file):
            if len(row) > place and row[place].strip():
                yield row[place].strip()


# --- what was found ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of the leads that were found, and how many of them are where and why."""

    lead_ids: tuple[str, ...]
    kinds: Counter[tuple[str, str]]

    def page(self) -> RenderableType:
        """For people."""
        shown = self.kinds.most_common(MOST_REASONS)
        drawn = [(f"{number:,}", place_word(state), rule_word(reason)) for (state, reason), number in shown]
        rest = len(self.lead_ids) - sum(number for _, number in shown)
        if rest:
            drawn.append((f"{rest:,}", "", _("other reasons")))
        return table(("leads", "state", "why"), drawn, right=("leads",))

    def to_wire(self) -> list[dict[str, Any]]:
        """As plain data."""
        return [
            {"state": state, "reason": reason, "leads": leads} for (state, reason), leads in self.kinds.most_common()
        ]


@lru_cache(maxsize=4096)
def _reason(raw_why: bytes | None) -> str:
    why = lead_reasons.read((raw_why or b"").decode(errors="replace"))
    return masked_text(why.counted_as) or UNSAID


def find(store: Store, choice: Choice, default: tuple[LeadState, ...], *, hidden: bool = False) -> Found:
    """Look for the leads, with a progress bar. Fails where there are too many."""
    ids: list[str] = []
    kinds: Counter[tuple[str, str]] = Counter()
    total = trip(store, [("HLEN", store.keys.lead(choice.campaign))])[0]
    with progress_bar("looking", total, hidden=hidden) as bar:
        for seen in choice.leads(store, default, bar.advance):
            if len(ids) >= MOST:
                raise Failure(CliExit.REFUSED, _("more than {most:,} leads: choose fewer", most=MOST))
            ids.append(seen.lead_id)
            kinds[seen.state.value, _reason(seen.raw_why)] += 1
    return Found(tuple(ids), kinds)
