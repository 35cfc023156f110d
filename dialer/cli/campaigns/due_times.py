"""When leads become due or may be judged again, as bars by the hour and by the day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from dialer.cli.base.figures import bar
from dialer.cli.base.output import page_width, table
from dialer.core.leads.lead_counts import clock_words, local_time
from dialer.language.moments import at_weekday, day_in_week
from dialer.language.translation import _, translated
from dialer.operating.figures import QUIET, WARN, count

MOST_BARS: Final = 16
LONGEST_HOUR_S: Final = 2 * 3600.0
LONGEST_DAY_S: Final = 26 * 3600.0

Span = tuple[float, float | None, int]
"""Begin and end in seconds since the epoch (None: no end), and how many leads have their time in between."""


def bar_width() -> int:
    """Columns of a bar that stands in a table with words."""
    return 40 if page_width() >= 110 else 20


def due_times(head: str, spans: Iterable[Span], at: float, zone: tzinfo | None) -> RenderableType:
    """A bar for each span that has leads, on the clock of `zone`; `at` is now."""
    filled = [span for span in spans if span[2]]
    largest = max(leads for _, _, leads in filled)
    rows: list[tuple[RenderableType, ...]] = [
        (span_words(begin, end, at, zone), Text(count(leads), "bold"), bar(leads / largest, bar_width(), WARN))
        for begin, end, leads in filled[:MOST_BARS]
    ]
    if len(filled) > MOST_BARS:
        rows.append((Text("later", QUIET), count(sum(leads for _, _, leads in filled[MOST_BARS:])), ""))
    return table((head, "leads", ""), rows, right=("leads",))


def span_words(begin: float, end: float | None, at: float, zone: tzinfo | None) -> str:
    """`now to 10:00`, `Mon 10:00` (an hour), `Tue 10:00 to 24:00` (the rest of a day), `Wed 4 Mar`, `Wed 4 Mar or
    later`. Days have their date, because the weekday of today comes again in a week."""
    if begin == at and end is not None:
        return _("now to {end}", end=clock_words(end, at, zone))
    if end is not None and end - begin <= LONGEST_HOUR_S:
        return translated(clock_words(begin, at, zone))
    local = local_time(begin, zone)
    day = day_in_week(local)
    if end is None or end - begin > LONGEST_DAY_S:
        return _("{day} or later", day=day)
    if (local.hour, local.minute) == (0, 0):
        return translated(day)
    return _("{time} to 24:00", time=at_weekday(local))
