"""What `dialer campaign preflight` shows. Pure."""

from __future__ import annotations

from datetime import tzinfo
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from compliance.api import Rule
from dialer.cli.base.figures import bar, stacked
from dialer.cli.base.output import alarm, table
from dialer.cli.campaigns.due_times import bar_width, due_times
from dialer.core.leads.lead_counts import clock_words
from dialer.core.leads.preflight import Preflight, RuleCount, refused_words, sentence
from dialer.language.translation import _, _n, translated, word
from dialer.operating.figures import ACCENT, BAD, GOOD, QUIET, WARN, count, percent

MOST_DETAILS: Final = 4
"""Reasons that are shown of each rule."""


def page(
    judgement: Preflight, zone: tzinfo | None, refuse_above_share: float, too_many: str, queued: int = 0
) -> RenderableType:
    """The sentence, a row for each rule, the reasons, when the others may be called, and whether the campaign may start
    so. `queued` leads were not taken in yet."""
    parts: list[RenderableType] = [Text(translated(sentence(judgement, zone)), "bold"), Text()]
    if judgement.judged:
        parts += [_rows(judgement, zone), Text()]
    if judgement.rules:
        parts += [_reasons(judgement), Text()]
    if judgement.when.total():
        parts += [_when(judgement, zone), Text()]
    parts += _notes(judgement, queued)
    parts.append(_verdict(judgement, refuse_above_share, too_many))
    return Group(*parts)


def _rows(judgement: Preflight, zone: tzinfo | None) -> RenderableType:
    places = [(judgement.diallable, GOOD, _("diallable now"), "")]
    if judgement.later:
        places.append(
            (
                judgement.later,
                ACCENT,
                _("not due yet"),
                _("{later_from}, the first", later_from=clock_words(judgement.later_from, judgement.at, zone)),
            )
        )
    places += [
        (row.leads, _style(rule, row), translated(refused_words(rule)), _until(row, judgement.at, zone))
        for rule, row in judgement.by_size()
    ]
    rows: list[tuple[RenderableType, ...]] = [
        (
            Text(words, style),
            Text(count(leads), "bold"),
            percent(leads / judgement.judged),
            bar(leads / judgement.judged, bar_width(), style),
            until,
        )
        for leads, style, words, until in places
    ]
    together = stacked([(leads, style) for leads, style, *_ in places], bar_width())
    rows.append((Text(word("judged"), "bold"), Text(count(judgement.judged), "bold"), "", together, ""))
    return table(("leads are", "leads", "share", "", "until"), rows, right=("leads", "share"))


def _style(rule: Rule, row: RuleCount) -> str:
    return BAD if row.for_good == row.leads else WARN


def _until(row: RuleCount, at: float, zone: tzinfo | None) -> str:
    if row.for_good == row.leads:
        return _("for good")
    first, last = clock_words(row.earliest, at, zone), clock_words(row.latest, at, zone)
    span = first if first == last else _("{first} to {last}", first=first, last=last)
    return _("{span}; {for_good:,} for good", span=span, for_good=row.for_good) if row.for_good else span


def _reasons(judgement: Preflight) -> RenderableType:
    """What the rules say, in their own words."""
    rows: list[tuple[RenderableType, ...]] = []
    for rule, row in judgement.by_size():
        shown = row.details.most_common(MOST_DETAILS)
        rows += [(Text(translated(refused_words(rule)), QUIET), count(leads), text) for text, leads in shown]
        left = row.leads - sum(leads for _, leads in shown)
        if left:
            rows.append(
                (Text(translated(refused_words(rule)), QUIET), count(left), Text(_("for other reasons"), QUIET))
            )
    return table(("", "leads", "because"), rows, right=("leads",))


def _when(judgement: Preflight, zone: tzinfo | None) -> RenderableType:
    """From when on the others may be asked about again: by the hour today and tomorrow, then by the day."""
    edges = [*judgement.edges[:-1], None]
    spans = [
        (judgement.edges[i - 1], edges[i] if i < len(edges) else None, leads)
        for i, leads in sorted(judgement.when.items())
    ]
    return due_times(_("judged again from"), spans, judgement.at, zone)


def _notes(judgement: Preflight, queued: int) -> list[Text]:
    notes = []
    if queued:
        more = _n("{number:,} more lead is", "{number:,} more leads are", queued)
        notes.append(Text(_("{more} in the CRM's stream, not taken in and not judged yet", more=more), WARN))
    if judgement.shared_numbers:
        named = ", ".join(f"{name} {count(leads)}" for name, leads in judgement.shared.most_common(5))
        notes.append(
            Text(
                _(
                    "{numbers} in other campaigns that run: {named}",
                    numbers=_n("{number:,} number is", "{number:,} numbers are", judgement.shared_numbers),
                    named=named,
                ),
                WARN,
            )
        )
    if judgement.unreadable:
        notes.append(
            alarm(
                _(
                    "{leads} cannot be read by this release",
                    leads=_n("{number:,} lead", "{number:,} leads", judgement.unreadable),
                ),
                BAD,
            )
        )
    return notes


def _verdict(judgement: Preflight, refuse_above_share: float, too_many: str) -> Text:
    if too_many:
        return alarm(_("campaign start refuses: {too_many}", too_many=too_many))
    lost = _("{lost_share} refused for good or over a cap", lost_share=percent(judgement.lost_share))
    return Text(_("may start: {lost}, up to {what:g} % are taken", lost=lost, what=100 * refuse_above_share), GOOD)
