"""`dialer campaign funnel`: where every lead of a campaign is, why, and what comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from typing import Final

import click
from rich.console import Group, RenderableType
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from dialer.cli.base.figures import ACCENT, BAD, GOOD, QUIET, WARN, bar, count, percent, stacked
from dialer.cli.base.invocation import Invocation, json_option, now, pass_invocation
from dialer.cli.base.output import console, show, show_json, table
from dialer.cli.campaigns.campaign_facts import name_argument
from dialer.cli.live.campaign_panels import state_text
from dialer.core.abandonment.windows import zone_of
from dialer.core.leads.lead_counts import LeadCounts, clock_words, last_word
from dialer.store.base.connection import Store
from dialer.store.leads import funnel as store_funnel
from dialer.store.leads.funnel import Bar, Funnel, Reasons
from dialer.store.operators import campaigns
from dialer.store.operators import status as store_status
from dialer.store.operators.campaigns import Campaign

BAR_WIDTH: Final = 40
PROGRESS_FROM: Final = 20_000
"""Leads from which on a progress bar is worth showing."""

MOST_REASONS: Final = 12
MOST_BARS: Final = 16

PLACES: Final = (
    ("due", "due", GOOD, "can be taken up now"),
    ("waiting", "waiting", WARN, "for their time"),
    ("leased", "with a daemon", ACCENT, "about to be dialled, or on offer to an agent"),
    ("in_attempt", "in a call", "magenta", "an attempt that has not ended"),
    ("closed", "closed", QUIET, "done"),
)
"""Field of the standing, word, style, explanation."""


@click.command()
@name_argument
@json_option
@pass_invocation
def funnel(invocation: Invocation, name: str, as_json: bool) -> None:
    """Show where every lead of a campaign is, and why: due, waiting and until when, in a call, closed and by what.

    The last line says what comes next: diallable now, nothing due until a time, or finished.

    \b
    Example:
      dialer campaign funnel spring-sale
    """
    with invocation.store() as store:
        found = campaigns.get(store, name)
        zone = zone_of(found.settings)
        counted = _read(store, name, zone)
    if as_json:
        show_json({"campaign": name, "state": found.state, **counted.to_wire()})
        return
    show(page(found, counted, zone))


def _read(store: Store, name: str, zone: tzinfo | None) -> Funnel:
    at = now()
    ahead = store_status.counts(store, name, at)
    with reading(ahead.waiting + ahead.closed, "reading reasons") as told:
        return store_funnel.read(store, name, at, zone, told)


@contextmanager
def reading(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, where the work is long and somebody looks."""
    screen = console(error=True)
    columns = (TextColumn(" {task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    idle = not screen.is_terminal or total < PROGRESS_FROM
    with Progress(*columns, console=screen, transient=True, disable=idle) as progress:
        task = progress.add_task(what, total=max(total, 1))
        yield lambda done: progress.update(task, completed=done)


def page(found: Campaign, counted: Funnel, zone: tzinfo | None) -> RenderableType:
    """For people."""
    standing = counted.counts.standing
    heading = Text.assemble((found.settings.name, "bold"), "  ", state_text(found.state), f"  {found.settings.mode}")
    heading.append(f"  counted at {clock_words(standing.at, standing.at, zone)} {_zone_words(zone)}".rstrip(), QUIET)
    parts: list[RenderableType] = [heading, Text(), _places(standing), Text(), *_sums(counted), Text()]
    if counted.waiting.by_name:
        parts += [_reasons("waiting for", "first due", counted.waiting, standing.at, zone), Text()]
    if any(one.leads for one in counted.coming):
        parts += [_coming(counted.coming, standing.at, zone), Text()]
    if counted.closed.by_name:
        parts += [_reasons("closed by", "since", counted.closed, standing.at, zone), Text()]
    parts.append(Text(last_word(standing, zone), f"bold {_word_style(standing)}"))
    return Group(*parts)


def _zone_words(zone: tzinfo | None) -> str:
    return "" if zone is None else str(zone)


def _word_style(standing: LeadCounts) -> str:
    return GOOD if standing.diallable or standing.finished else WARN


def _places(standing: LeadCounts) -> RenderableType:
    """A bar for each place, and all of them in one."""
    numbers = [(getattr(standing, field), word, style, meaning) for field, word, style, meaning in PLACES]
    total = standing.accepted
    rows: list[tuple[Text | str, ...]] = [
        (
            Text(word, style if number else QUIET),
            Text(count(number), "bold" if number else QUIET),
            percent(number / total) if total and number else "",
            bar(number / total if total else 0.0, BAR_WIDTH, style),
            Text(meaning, QUIET),
        )
        for number, word, style, meaning in numbers
    ]
    together = stacked([(number, style) for number, _, style, _ in numbers], BAR_WIDTH)
    rows.append(
        (Text("accepted", "bold"), Text(count(total), "bold"), "", together, Text("all leads that are here", QUIET))
    )
    return table(("place", "leads", "share", "", ""), rows, right=("leads", "share"))


def _sums(counted: Funnel) -> list[Text]:
    """What is outside the places, and whether everything adds up."""
    counts, standing = counted.counts, counted.counts.standing
    outside = Text("besides   ", QUIET)
    for number, words in (
        (counts.queued, "in the CRM's stream, not taken in yet"),
        (counts.rejected, "rejected at intake"),
        (counts.deleted, "deleted again"),
    ):
        outside.append(count(number), "bold" if number else QUIET)
        outside.append(f" {words}   ", "" if number else QUIET)
    lines = [outside]
    if counted.lost:
        what = "in no place" if counted.lost > 0 else "in a place and not stored"
        lines.append(
            Text(f"! {count(abs(counted.lost))} leads are {what}: the server has lost or kept what it should not", BAD)
        )
    moved = max(abs(counted.waiting.leads - standing.waiting), abs(counted.closed.leads - standing.closed))
    if moved:
        lines.append(Text(f"{count(moved)} leads moved while their reasons were read", QUIET))
    return lines


def _reasons(title: str, first: str, reasons: Reasons, at: float, zone: tzinfo | None) -> RenderableType:
    rows: list[tuple[Text | str, ...]] = []
    for place, (name, one) in enumerate(reasons.by_name.items()):
        if place == MOST_REASONS:
            left = sum(other.leads for other in list(reasons.by_name.values())[MOST_REASONS:])
            rows.append((Text(f"{len(reasons.by_name) - MOST_REASONS} others", QUIET), count(left), "", ""))
            break
        share = bar(one.leads / reasons.leads, BAR_WIDTH // 2, ACCENT)
        rows.append((name, Text(count(one.leads), "bold"), share, clock_words(one.first, at, zone)))
    return table((title, "leads", "", first), rows, right=("leads",))


def _coming(coming: tuple[Bar, ...], at: float, zone: tzinfo | None) -> RenderableType:
    """When waiting leads become due, the empty hours left out."""
    filled = [one for one in coming if one.leads]
    largest = max(one.leads for one in filled)
    rows: list[tuple[Text | str, ...]] = [
        (_span(one, at, zone), Text(count(one.leads), "bold"), bar(one.leads / largest, BAR_WIDTH, WARN))
        for one in filled[:MOST_BARS]
    ]
    if len(filled) > MOST_BARS:
        rows.append((Text("later", QUIET), count(sum(one.leads for one in filled[MOST_BARS:])), ""))
    return table(("becoming due", "leads", ""), rows, right=("leads",))


def _span(one: Bar, at: float, zone: tzinfo | None) -> str:
    """`up to 10:00`, `from 10:00`, `Mon 10:00`, `2026-03-09`."""
    words = clock_words(one.from_at, at, zone)
    if one.from_at == at:
        return f"now to {clock_words(one.to_at, at, zone)}"
    return words.removesuffix(" 00:00") if one.to_at - one.from_at > 2 * 3600 else words
