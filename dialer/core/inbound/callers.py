"""Who calls at the moment and has called lately, and the numbers that may be called."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from compliance.numbers import BadNumber, parse
from config.inbound.settings import InboundSettings
from config.policies import AppliedSettings
from dialer.core.campaign_run import CampaignRun
from sip.inbound.messages import Arrived

HOUR_S: Final = 3600.0
CALLERS_KEPT: Final = 10_000
"""Numbers whose calls of the last hour are remembered, the newest."""


@dataclass(slots=True)
class Pending:
    """A call that nobody knows the caller of yet. `campaign` shows the `number` that was called; `gone` is when the
    caller gave up."""

    call: Arrived
    campaign: str
    number: str
    gone: float | None = None


@dataclass(slots=True)
class Callers:
    """The state of this room; `pending` is by call."""

    pending: dict[str, Pending] = field(default_factory=dict)
    _lately: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    _shown: dict[str, tuple[AppliedSettings, frozenset[str]]] = field(default_factory=dict)

    def calls_too_often(self, caller: str, settings: InboundSettings, now: float) -> bool:
        """Count a call of this number; whether there were too many in the last hour. Nobody's calls are not counted."""
        if not caller:
            return False
        times = self._lately.setdefault(caller, deque(maxlen=settings.calls_per_caller + 1))
        self._lately.move_to_end(caller)
        if len(self._lately) > CALLERS_KEPT:
            self._lately.popitem(last=False)
        times.append(now)
        return len(times) > settings.calls_per_caller and now - times[0] < HOUR_S

    def campaign_of(self, called: Iterable[str], runs: Iterable[CampaignRun]) -> tuple[str, str] | None:
        """The campaign that shows one of these numbers, and the number; the first by priority."""
        for number in called:
            showing = [run for run in runs if number in self._numbers(run.settings)]
            if showing:
                return min(showing, key=lambda run: run.rank).name, number
        return None

    def _numbers(self, settings: AppliedSettings) -> frozenset[str]:
        """The numbers that a campaign shows, in E.164."""
        known = self._shown.get(settings.name)
        if known is None or known[0] is not settings:
            numbers = set()
            for row in settings.caller_pool().rows:
                try:
                    numbers.add(parse(row.number, settings.default_region).clear)
                except BadNumber:  # a short number, or one that only our carrier knows
                    numbers.add(f"+{row.number.removeprefix('+')}")
            known = self._shown[settings.name] = settings, frozenset(numbers)
        return known[1]
