"""How calls of a trunk or under a caller id went of late: the figures that carriers judge callers by. Pure.

Carriers cut off or block who has too few answers (answer-seizure ratio, ASR: answers among attempts) or too many short
calls. Twilio, for one, asks for at most 10 % of calls of up to 12 s where more than 5 calls a second are started
(docs/sip-trunking, 2026).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from dialer.core.attempt_fields import durations_of
from dialer.core.model import Disposition, Settlement

NEWEST: Final = 500
"""Figures are of so many of the newest attempts."""

SHORT_CALL_S: Final = 12.0
SHORT_SHARE_LIMIT: Final = 0.1
GIVEN_BACK: Final = "given_back"
"""Stands among the causes for an attempt that another trunk went on with."""

NEVER_LEFT: Final = frozenset({Disposition.NOT_SENT})


@dataclass(frozen=True, slots=True)
class CallFigures:
    """The newest attempts: how many, how many were answered, how many answers were over within `SHORT_CALL_S`, the
    median and the 95th percentile of the time from INVITE to ringing in seconds, and how many ended by each cause."""

    attempts: int = 0
    answered: int = 0
    short: int = 0
    post_dial_p50_s: float = 0.0
    post_dial_p95_s: float = 0.0
    causes: Mapping[str, int] = field(default_factory=dict)

    @property
    def answer_seizure_ratio(self) -> float:
        """Answers among attempts, as a fraction."""
        return self.answered / self.attempts if self.attempts else 0.0

    @property
    def short_share(self) -> float:
        """Short calls among answers, as a fraction."""
        return self.short / self.answered if self.answered else 0.0


NO_CALLS: Final = CallFigures()


class _Sample(NamedTuple):
    cause: str
    answered: bool
    short: bool
    post_dial_s: float | None


@dataclass(slots=True)
class NewestCalls:
    """The newest attempts, and what they come to. `totals` counts all of them since the start, by cause."""

    samples: deque[_Sample] = field(default_factory=lambda: deque(maxlen=NEWEST))
    totals: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    short: int = 0
    _known: CallFigures | None = field(default_factory=CallFigures)

    def ended(self, settlement: Settlement) -> None:
        """An attempt ended here."""
        if settlement.disposition in NEVER_LEFT:
            return
        answered = settlement.answered_at is not None
        short = settlement.answered_at is not None and settlement.ended_at - settlement.answered_at <= SHORT_CALL_S
        self._add(
            _Sample(
                settlement.cause.value,
                answered,
                short,
                durations_of(settlement, "post_dial_delay_s")["post_dial_delay_s"],
            )
        )

    def gave_back(self) -> None:
        """An attempt went on elsewhere."""
        self._add(_Sample(GIVEN_BACK, False, False, None))

    def figures(self) -> CallFigures:
        """What the newest attempts come to."""
        if self._known is None:
            samples = self.samples
            delays = sorted(sample.post_dial_s for sample in samples if sample.post_dial_s is not None)
            self._known = CallFigures(
                attempts=len(samples),
                answered=sum([sample.answered for sample in samples]),
                short=sum([sample.short for sample in samples]),
                post_dial_p50_s=_at(delays, 0.5),
                post_dial_p95_s=_at(delays, 0.95),
                causes=dict(Counter(sample.cause for sample in samples).most_common()),
            )
        return self._known

    def _add(self, sample: _Sample) -> None:
        self.samples.append(sample)
        self.totals[sample.cause] += 1
        self.answered += sample.answered
        self.short += sample.short
        self._known = None


def _at(ordered: list[float], share: float) -> float:
    return round(ordered[round(share * (len(ordered) - 1))], 2) if ordered else 0.0
