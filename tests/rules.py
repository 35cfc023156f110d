"""Rules for tests: those of the default policy, and those of campaigns that may run at any time of day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from compliance.api import Refusal, Rule
from compliance.destinations import Destinations, NumberType
from config.abandonment import AbandonWindow, WindowKind
from config.campaign import CampaignSettings
from config.policies import applied
from config.rules import Day, HoursSettings
from dialer.language.refusals import detail
from pacing.api import Mode

EVERY_DAY: Final = frozenset(range(7))

ANYWHERE: Final = Destinations(number_types=frozenset(NumberType))

CN_DEFAULT: Final = replace(
    applied(CampaignSettings(name="test", mode=Mode.PROGRESSIVE)).policy(), retention_s=None, destinations=ANYWHERE
)
"""What holds for a campaign that names no policy, but for any number, and not for how long its leads are kept."""

AT_ANY_HOUR: Final[dict[str, Any]] = {
    "policies": (),
    "hours": (HoursSettings(days=tuple(Day), opens="00:00", closes="24:00"),),
    "abandon_windows": tuple(
        AbandonWindow(kind=kind)
        for kind in (WindowKind.CALENDAR_DAY, WindowKind.SUCCESSIVE_DAYS, WindowKind.ROLLING_HOUR)
    ),
    "max_abandon_rate": 0.03,
}
"""No policy and no caps; abandoned calls are counted as under the default policy."""


def in_words(refusal: object) -> tuple[Rule, str, float | None]:
    """A refusal as people see it: the rule, the words, until when."""
    assert isinstance(refusal, Refusal)
    return refusal.rule, detail(refusal), refusal.until
