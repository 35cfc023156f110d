"""What is wrong at the moment: reasons for which no new calls may start, and alarms.

Fail closed: any one reason is enough. The board shows alarms, the log has when each begins and ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from dialer.language.phrases import phrase
from dialer.language.terms import term

log = structlog.get_logger()


class NoCalls(StrEnum):
    """What keeps the daemon from starting calls."""

    REDIS = "Redis does not answer"
    SIGN_OF_LIFE = "this host's sign of life was not renewed in time"
    FORGOT = "Redis has forgotten something"
    SPOOL = "events wait on disk"
    EVIDENCE = "evidence cannot be written"
    CLOCK = "the clock jumped"
    CLOCKS = "this host's clock and that of Redis differ"


@dataclass(slots=True)
class Health:
    """`reasons` keep calls from starting, each with a detail; `alarms` are in words, by what they are about."""

    reasons: dict[NoCalls, str] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=dict)
    _logged: set[str] = field(default_factory=set)

    def stop_calls(self, reason: NoCalls, detail: str) -> None:
        """Something is wrong."""
        if reason not in self.reasons:
            log.warning("no new calls", why=reason.value, detail=detail)
        self.reasons[reason] = detail

    def allow_calls(self, reason: NoCalls) -> None:
        """It is mended."""
        if self.reasons.pop(reason, None) is not None:
            log.info("mended", what=reason.value)

    def alarm(self, about: str, words: str) -> None:
        """Raise an alarm, or end it (`words` empty)."""
        if words:
            self.alarms[about] = words
        else:
            self.alarms.pop(about, None)

    @property
    def healthy(self) -> bool:
        """Whether calls may start."""
        return not self.reasons

    @property
    def redis_healthy(self) -> bool:
        """Whether Redis answered when last asked."""
        return NoCalls.REDIS not in self.reasons

    @property
    def no_new_calls(self) -> dict[str, str]:
        """The reasons in words, by what they are about."""
        return {
            reason.value: phrase("no new calls: {reason} ({detail})", reason=term(reason.value), detail=detail)
            for reason, detail in self.reasons.items()
        }

    @property
    def problems(self) -> dict[str, str]:
        """All that is wrong, in words."""
        return self.alarms | self.no_new_calls

    def log_alarms(self) -> None:
        """Log what has become a problem, or is none any more: who reads the journal does not see the board."""
        problems = self.problems
        for about in problems.keys() - self._logged:
            log.warning("alarm", about=about, problem=problems[about])
        for about in self._logged - problems.keys():
            log.info("alarm over", about=about)
        self._logged = set(problems)
