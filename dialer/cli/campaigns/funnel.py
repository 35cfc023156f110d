"""`dialer campaign funnel`: where every lead of a campaign is, why, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final

import click
from rich.console import Group, RenderableType
from rich.text import Text

from dialer.cli.base.arguments import name_argument
from dialer.cli.base.figures import bar, flowed, labelled, stacked, state_text
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation, now
from dialer.cli.base.output import Answer, alarm, answering, page_width, progress_bar, table
from dialer.cli.campaigns.due_times import bar_width, due_times
from dialer.core.abandonment.windows import zone_of
from dialer.core.leads.lead_counts import LeadCounts, clock_words, last_word
from dialer.core.leads.retry_windows import Window
from dialer.language.translation import _, _n, translated, word
from dialer.operating import hosts
from dialer.operating.campaign_orders import held_by
from dialer.operating.figures import ACCENT, BAD, GOOD, QUIET, WARN, count, percent
from dialer.operating.glossary import PLACES
from dialer.store.base.connection import Store
from dialer.store.leads import funnel as store_funnel
from dialer.store.leads.funnel import Funnel, Reasons
from dialer.store.operators import campaigns
from dialer.store.operators import status as store_status
from dialer.store.operators.campaigns import Campaign
from dialer.store.settlement.settlements import MOST_TRIES_TOLD

PROGRESS_FROM: Final = 20_000
"""Leads from which on a progress bar is worth showing."""

MOST_REASONS: Final = 12
LABEL: Final = 10


@click.command()
@examples("dialer campaign funnel spring-sale")
@name_argument
@answering
def funnel(invocation: Invocation, name: str) -> Answer:
    """Show where every lead of a campaign is, and why: due, waiting and until when, in a call, closed and by what.

    The last line says what comes next: so many due now, nothing due until a time, or finished.
    """
    with invocation.store() as store:
        campaign = campaigns.get(store, name)
        zone = zone_of(campaign.settings)
        counts = _read(store, name, zone)
        problems = held_by(store, campaign, hosts.read(store), now())
    data = {"campaign": name, "state": campaign.state, "problems": problems, **counts.to_wire()}
    return Answer(data, page(campaign, counts, zone, problems))


def _read(store: Store, name: str, zone: tzinfo | None) -> Funnel:
    at = now()
    ahead = store_status.counts(store, name, at)
    total = ahead.waiting + ahead.closed
    with progress_bar(_("reading reasons"), total, hidden=total < PROGRESS_FROM) as progress:
        return store_funnel.read(store, name, at, zone, progress.reach)


def page(campaign: Campaign, counts: Funnel, zone: tzinfo | None, problems: list[str]) -> RenderableType:
    """For people. `problems` are why it is held."""
    standing = counts.counts.standing
    heading = Text.assemble((campaign.settings.name, "bold"), "  ", state_text(campaign.state, "".join(problems[:1])))
    clock = f"{translated(clock_words(standing.at, standing.at, zone))} {zone or ''}".rstrip()
    heading.append(f"  {word(campaign.settings.mode)}").append(_("  counted at {clock}", clock=clock), QUIET)
    parts: list[RenderableType] = [heading, *map(alarm, problems), Text(), _places(standing), Text()]
    parts += [*_sums(counts), Text()]
    if counts.waiting.by_name:
        parts += [_reasons(_("waiting for"), _("first due"), counts.waiting, standing.at, zone), Text()]
    if any(span.leads for span in counts.coming):
        spans = [(span.from_at, span.to_at, span.leads) for span in counts.coming]
        parts += [due_times(_("becoming due"), spans, standing.at, zone), Text()]
    if counts.closed.by_name:
        parts += [_reasons(_("closed by"), "since", counts.closed, standing.at, zone), Text()]
    if counts.counts.windows:
        parts += [_windows(counts.counts.windows), Text()]
    style = GOOD if (standing.diallable and not problems) or standing.finished else WARN
    parts.append(Text(translated(last_word(standing, zone, held=bool(problems))), f"bold {style}"))
    return Group(*parts)


def _places(standing: LeadCounts) -> RenderableType:
    """A bar for each place, and all of them in one."""
    numbers = [(place, getattr(standing, place.field)) for place in PLACES]
    total = standing.accepted
    rows: list[tuple[RenderableType, ...]] = [
        (
            Text(place.word, place.style if number else QUIET),
            Text(count(number), "bold" if number else QUIET),
            percent(number / total) if number else "",
            bar(number / total if total else 0.0, bar_width(), place.style),
            Text(place.meaning, QUIET),
        )
        for place, number in numbers
    ]
    together = stacked([(number, place.style) for place, number in numbers], bar_width())
    meaning = Text(_("all leads that are here"), QUIET)
    rows.append((Text(word("accepted"), "bold"), Text(count(total), "bold"), "", together, meaning))
    return table(("place", "leads", "share", "", ""), rows, right=("leads", "share"))


def _windows(windows: Mapping[str, int]) -> RenderableType:
    """How often people answered, by the time of their day and by which attempt it was."""
    tries = sorted({name.split(":")[1] for name in windows})
    rows: list[tuple[RenderableType, ...]] = []
    for window in Window:
        cells = [
            (windows.get(f"{window}:{each}:live", 0), windows.get(f"{window}:{each}:attempts", 0)) for each in tries
        ]
        if any(attempts for _, attempts in cells):
            rows.append((Text(word(window.value)), *(_rate(live, attempts) for live, attempts in cells)))
    heads = [f"attempt {each}{'+' if each == str(MOST_TRIES_TOLD) else ''}" for each in tries]
    return table(("answered by people", *heads), rows, right=heads)


def _rate(live: int, attempts: int) -> Text:
    if not attempts:
        return Text("")
    return Text.assemble((percent(live / attempts), "bold"), (_(" of {attempts:,}", attempts=attempts), QUIET))


def _sums(counts: Funnel) -> list[RenderableType]:
    """What is outside the places, and whether everything adds up."""
    totals, standing = counts.counts, counts.counts.standing
    outside = [
        Text.assemble((count(number), "bold" if number else QUIET), (f" {words}", "" if number else QUIET))
        for number, words in (
            (totals.queued, _("in the CRM's stream, not taken in yet")),
            (totals.rejected, _("rejected at intake")),
            (totals.deleted, _("deleted again")),
        )
    ]
    lines: list[RenderableType] = [labelled([("besides", flowed(outside, page_width() - LABEL))], LABEL)]
    if counts.lost:
        what = _("in no place") if counts.lost > 0 else _("in a place and not stored")
        leads = _n("{number:,} lead is", "{number:,} leads are", abs(counts.lost))
        lines.append(
            alarm(_("{leads} {what}: the server has lost or kept what it should not", leads=leads, what=what), BAD)
        )
    moved = max(abs(counts.waiting.leads - standing.waiting), abs(counts.closed.leads - standing.closed))
    if moved:
        lines.append(
            Text(
                _(
                    "{leads} moved while their reasons were read",
                    leads=_n("{number:,} lead", "{number:,} leads", moved),
                ),
                QUIET,
            )
        )
    return lines


def _reasons(title: str, first: str, reasons: Reasons, at: float, zone: tzinfo | None) -> RenderableType:
    named = list(reasons.by_name.items())
    rows: list[tuple[RenderableType, ...]] = [
        (
            word(name),
            Text(count(reason.leads), "bold"),
            bar(reason.leads / reasons.leads, bar_width() // 2, ACCENT),
            clock_words(reason.first, at, zone),
        )
        for name, reason in named[:MOST_REASONS]
    ]
    others = named[MOST_REASONS:]
    if others:
        leads = count(sum(reason.leads for _, reason in others))
        rows.append((Text(_n("{number:,} other", "{number:,} others", len(others)), QUIET), leads, "", ""))
    return table((title, "leads", "", first), rows, right=("leads",))
