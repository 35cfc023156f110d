"""What several hosts say about one campaign, put together, and what follows from it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from dialer.core.board import Board, CampaignRow, Delay, Trend, WindowRow
from dialer.core.calls.dispositions import ANSWERED
from dialer.core.model import Disposition
from dialer.language.translation import _, _n

AT_REST: Final = frozenset({"stopped", "paused"})
FOLDED: Final = 2
"""The last group of `rank`: one line for all of them."""


def campaigns(boards: Sequence[Board]) -> tuple[CampaignRow, ...]:
    """Each campaign once, by name.

    What every host counts for itself is summed. What all read from the same place (the ledger of today, leads due and
    waiting, the wish of the operator) is taken from the host that spoke last. Of delays and risks the worst is kept:
    percentiles of several hosts cannot be added up. Sentences and problems name their host where there are several.
    """
    rows: dict[str, list[tuple[Board, CampaignRow]]] = {}
    for board in sorted(boards, key=lambda board: (board.at, board.host)):
        for row in board.campaigns:
            rows.setdefault(row.name, []).append((board, row))
    return tuple(_together(rows[name]) for name in sorted(rows))


def _together(by_host: Sequence[tuple[Board, CampaignRow]]) -> CampaignRow:
    rows = [row for _, row in by_host]
    newest = rows[-1]
    if len(rows) == 1:
        return newest
    risks = [row.risk for row in rows if row.risk is not None]
    return replace(
        newest,
        problem=_by_host(by_host, lambda row: row.problem),
        sentence=_by_host(by_host, lambda row: row.sentence),
        risk=max(risks, default=None),
        leads_held=sum(row.leads_held for row in rows),
        attempts=sum(row.attempts for row in rows),
        agents=_sum(row.agents for row in rows),
        calls=_sum(row.calls for row in rows),
        dispositions=_sum(row.dispositions for row in rows),
        refusals=_sum(row.refusals for row in rows),
        causes=_sum(row.causes for row in rows),
        callers=_sum(row.callers for row in rows),
        decisions=sum(row.decisions for row in rows),
        hand_over=_worst([row.hand_over for row in rows]),
        trend=_trends([row.trend for row in rows]),
        answer_to_agent=_worst([row.answer_to_agent for row in rows]),
    )


def _by_host(by_host: Sequence[tuple[Board, CampaignRow]], text_of: Callable[[CampaignRow], str]) -> str:
    texts = sorted((board.host, text_of(row)) for board, row in by_host)
    return "\n".join(_("{host}: {problem}", host=host, problem=text) for host, text in texts if text)


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(total)


def _worst(delays: Sequence[Delay]) -> Delay:
    return Delay(
        sum(delay.samples for delay in delays),
        max(delay.p50_ms for delay in delays),
        max(delay.p99_ms for delay in delays),
        max(delay.max_ms for delay in delays),
    )


def _trends(trends: Sequence[Trend]) -> Trend:
    columns = [[trend.ended, trend.live, trend.abandoned] for trend in trends if trend.ended]
    sums = [tuple(map(sum, zip(*column, strict=True))) for column in zip(*columns, strict=True)]
    return Trend(*sums) if sums else Trend()


def answer_rate(row: CampaignRow) -> float | None:
    """Calls that a person answered among those that ended since the start, as a fraction; None before the first."""
    ended = sum(row.dispositions.values())
    return sum(row.dispositions.get(kind, 0) for kind in ANSWERED - {Disposition.MACHINE}) / ended if ended else None


def rank(row: CampaignRow) -> tuple[int, int, str]:
    """Campaigns that dial first, the busiest on top; then those that are held; then those at rest, by name."""
    at_rest = not row.problem and (row.state in AT_REST or row.finished) and not row.calls
    group = FOLDED if at_rest else 1 if row.problem else 0
    return group, -sum(row.calls.values()), row.name


def overdue_words(overdue: int) -> str:
    """`2 callbacks overdue`."""
    return _n("{number:,} callback overdue", "{number:,} callbacks overdue", overdue)


def present(row: CampaignRow) -> int:
    """Agents who work for a campaign now, those in a pause left out."""
    return sum(row.agents.values()) - row.agents.get("paused", 0)


def tightest(row: CampaignRow) -> WindowRow:
    """The counting window that is nearest to its cap."""
    return max(row.capped, key=lambda window: window.used)
