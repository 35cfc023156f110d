"""What `dialer campaign preflight` shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from compliance.api import Rule
from dialer.cli.base.figures import ACCENT, BAD, GOOD, QUIET, WARN, bar, count, percent, stacked
from dialer.cli.base.output import table
from dialer.core.leads.lead_counts import clock_words
from dialer.core.leads.preflight import WORDS, Preflight, RuleCount, sentence

BAR_WIDTH: Final = 40
MOST_BARS: Final = 14
MOST_DETAILS: Final = 4
"""Reasons that are shown of each rule."""


def page(
    found: Preflight, zone: tzinfo | None, refuse_above_share: float, too_many: str, queued: int = 0
) -> RenderableType:
    """The sentence, a row for each rule, the reasons, when the others may be called, and whether the campaign may start
    so. `queued` leads were not taken in yet."""
    parts: list[RenderableType] = [Text(sentence(found, zone), "bold"), Text()]
    if found.judged:
        parts += [_rows(found, zone), Text()]
    if found.rules:
        parts += [_reasons(found), Text()]
    if found.when.total():
        parts += [_when(found, zone), Text()]
    parts += _notes(found, queued)
    parts.append(_verdict(found, refuse_above_share, too_many))
    return Group(*parts)


def _rows(found: Preflight, zone: tzinfo | None) -> RenderableType:
    places = [(found.diallable, GOOD, "diallable now", "")]
    if found.later:
        places.append(
            (found.later, ACCENT, "not due yet", f"{clock_words(found.later_from, found.at, zone)}, the first")
        )
    places += [
        (row.leads, _style(rule, row), WORDS.get(rule, rule.value), _until(row, found.at, zone))
        for rule, row in found.by_size()
    ]
    rows: list[tuple[Text | str, ...]] = [
        (
            Text(words, style),
            Text(count(leads), "bold"),
            percent(leads / found.judged),
            bar(leads / found.judged, BAR_WIDTH, style),
            until,
        )
        for leads, style, words, until in places
    ]
    together = stacked([(leads, style) for leads, style, *_ in places], BAR_WIDTH)
    rows.append((Text("judged", "bold"), Text(count(found.judged), "bold"), "", together, ""))
    return table(("leads are", "leads", "share", "", "until"), rows, right=("leads", "share"))


def _style(rule: Rule, row: RuleCount) -> str:
    return BAD if row.for_good == row.leads else WARN


def _until(row: RuleCount, at: float, zone: tzinfo | None) -> str:
    if row.for_good == row.leads:
        return "for good"
    first, last = clock_words(row.earliest, at, zone), clock_words(row.latest, at, zone)
    span = first if first == last else f"{first} to {last}"
    return f"{span}; {count(row.for_good)} for good" if row.for_good else span


def _reasons(found: Preflight) -> RenderableType:
    """What the rules say, in their own words."""
    rows: list[tuple[Text | str, ...]] = []
    for rule, row in found.by_size():
        shown = row.details.most_common(MOST_DETAILS)
        rows += [(Text(WORDS.get(rule, rule.value), QUIET), count(leads), text) for text, leads in shown]
        left = row.leads - sum(leads for _, leads in shown)
        if left:
            rows.append((Text(WORDS.get(rule, rule.value), QUIET), count(left), Text("for other reasons", QUIET)))
    return table(("", "leads", "because"), rows, right=("leads",))


def _when(found: Preflight, zone: tzinfo | None) -> RenderableType:
    """From when on the others may be asked about again: by the hour today and tomorrow, then by the day."""
    bars = sorted(found.when.items())
    largest = max(leads for _, leads in bars)
    rows: list[tuple[Text | str, ...]] = [
        (_span(found.edges, i, found.at, zone), Text(count(leads), "bold"), bar(leads / largest, BAR_WIDTH, WARN))
        for i, leads in bars[:MOST_BARS]
    ]
    if len(bars) > MOST_BARS:
        rows.append((Text("later", QUIET), count(sum(leads for _, leads in bars[MOST_BARS:])), ""))
    return table(("judged again from", "leads", ""), rows, right=("leads",))


def _span(edges: Sequence[float], i: int, at: float, zone: tzinfo | None) -> str:
    low = edges[i - 1]
    if i == 1:
        return f"now to {clock_words(edges[1], at, zone)}"
    words = clock_words(low, at, zone)
    by_day = i >= len(edges) or edges[i] - low > 2 * 3600
    last = i >= len(edges) - 1
    return (words.removesuffix(" 00:00") if by_day else words) + (" or later" if last else "")


def _notes(found: Preflight, queued: int) -> list[Text]:
    notes = []
    if queued:
        notes.append(Text(f"{count(queued)} leads more are in the CRM's stream, not taken in and not judged yet", WARN))
    if found.shared_numbers:
        named = ", ".join(f"{name} {count(leads)}" for name, leads in found.shared.most_common(5))
        notes.append(Text(f"{count(found.shared_numbers)} numbers are in other campaigns that run: {named}", WARN))
    if found.unreadable:
        leads = "lead" if found.unreadable == 1 else "leads"
        notes.append(Text(f"! {count(found.unreadable)} {leads} cannot be read by this release", BAD))
    return notes


def _verdict(found: Preflight, refuse_above_share: float, too_many: str) -> Text:
    if too_many:
        return Text(f"! campaign start refuses: {too_many}", f"bold {BAD}")
    lost = f"{percent(found.lost_share)} refused for good or over a cap"
    return Text(f"may start: {lost}, up to {100 * refuse_above_share:g} % are taken", GOOD)
