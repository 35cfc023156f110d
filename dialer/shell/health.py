"""Why no new calls may start, if there is a reason. Fail closed: any one reason is enough."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import structlog

log = structlog.get_logger()


class Ailment(StrEnum):
    """What keeps the daemon from starting calls."""

    REDIS = "Redis does not answer"
    SPOOL = "events wait on disk"
    EVIDENCE = "evidence cannot be written"
    CLOCK = "the clock jumped"
    CLOCKS = "this host's clock and that of Redis differ"


@dataclass(slots=True)
class Health:
    """The ailments of the moment."""

    ailments: dict[Ailment, str] = field(default_factory=dict)

    def ails(self, ailment: Ailment, detail: str) -> None:
        """Something is wrong."""
        if ailment not in self.ailments:
            log.warning("no new calls", why=ailment.value, detail=detail)
        self.ailments[ailment] = detail

    def well(self, ailment: Ailment) -> None:
        """It is mended."""
        if self.ailments.pop(ailment, None) is not None:
            log.info("mended", what=ailment.value)

    @property
    def healthy(self) -> bool:
        """Whether calls may start."""
        return not self.ailments

    @property
    def redis_healthy(self) -> bool:
        """Whether Redis answered when last asked."""
        return Ailment.REDIS not in self.ailments
