"""Adding policies to a campaign: all rules hold at once, the stricter wins, contradictions are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from config.abandonment import HOUR_FACTOR, WindowKind, strictest
from config.campaign import CampaignSettings, RetryTable
from config.policies.applied import AppliedCap, AppliedHours, AppliedSettings, AppliedWindow, PolicyVersion
from config.policies.catalogue import Catalogue, shipped
from config.policies.model import PolicySettings
from config.policies.weeks import covers, open_weeks
from config.problems import ConfigError, Problem, dotted
from config.scripts.settings import AutomatedCalls
from pacing.api import Mode

_KINDS: Final = tuple(WindowKind)


@dataclass(frozen=True, slots=True)
class Named:
    """A policy with its name."""

    name: str
    settings: PolicySettings


@dataclass(frozen=True, slots=True)
class Composed:
    """A campaign's own rules and those of its policies together, whether or not they can hold. `rate` is the cap of
    counting windows that have none of their own; 0: nobody says."""

    settings: CampaignSettings
    parts: tuple[Named, ...]
    hours: tuple[AppliedHours, ...]
    caps: tuple[AppliedCap, ...]
    windows: tuple[AppliedWindow, ...]
    rate: float
    scalars: Mapping[str, Any]


def composed(settings: CampaignSettings, catalogue: Catalogue) -> Composed:
    """Bring the rules together. Raises `ConfigError` for policies that are not there, or cannot be used."""
    parts = _named(settings, catalogue)
    windows, rate = _windows(settings, parts)
    return Composed(
        settings, parts, _hours(settings, parts), _caps(settings, parts), windows, rate, _scalars(settings, parts)
    )


def applied(settings: CampaignSettings, catalogue: Catalogue | None = None) -> AppliedSettings:
    """What holds for a campaign, with the policies that it names out of `catalogue` (None: the shipped ones).

    Rows of hours, caps and counting windows come together, and all hold; of rates and ages the least holds, of flags
    the stricter. Raises `ConfigError` with every reason why that cannot be: an unknown policy, no hours or nobody to
    say how many calls may be abandoned, hours that have nothing in common, a call that may not ring long enough.
    """
    if isinstance(settings, AppliedSettings):
        raise TypeError("the policies are applied already")
    whole = composed(settings, catalogue or shipped())
    problems = [*missing(whole), *contradictions(whole)]
    if problems:
        raise ConfigError(problems)
    own = settings.model_dump(exclude={"hours", "caps", "abandon_windows", "abandonment", "retry"})
    versions = [PolicyVersion(name=part.name, version=part.settings.version) for part in whole.parts]
    return AppliedSettings.model_validate(
        {
            **own,
            **whole.scalars,
            "hours": whole.hours,
            "caps": whole.caps,
            "abandon_windows": whole.windows,
            "max_abandon_rate": whole.rate,
            "retry": _retry(settings, whole.parts),
            "policy_versions": tuple(sorted(versions, key=lambda version: version.name)),
        }
    )


def _named(settings: CampaignSettings, catalogue: Catalogue) -> tuple[Named, ...]:
    parts: list[Named] = []
    problems: list[Problem] = []
    for index, name in enumerate(settings.policies):
        try:
            parts.append(Named(name, catalogue.get(name)))
        except ConfigError as error:
            problems += [Problem(dotted(("policies", index)), str(problem)) for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return tuple(parts)


# --- rows ------------------------------------------------------------------------------------------------------------


def _hours(settings: CampaignSettings, parts: Sequence[Named]) -> tuple[AppliedHours, ...]:
    own = [AppliedHours(**row.model_dump()) for row in settings.hours]
    return (
        *own,
        *(AppliedHours(**row.model_dump(), policy=part.name) for part in parts for row in part.settings.hours),
    )


def _caps(settings: CampaignSettings, parts: Sequence[Named]) -> tuple[AppliedCap, ...]:
    own = [AppliedCap(**row.model_dump()) for row in settings.caps]
    return (*own, *(AppliedCap(**row.model_dump(), policy=part.name) for part in parts for row in part.settings.caps))


def _windows(settings: CampaignSettings, parts: Sequence[Named]) -> tuple[tuple[AppliedWindow, ...], float]:
    """The counting windows, each once, and the cap where a window has none of its own (0: nobody says).

    The campaign's own come first: the first of all is the one that the pacer steers by.
    """
    own = [AppliedWindow(**row.model_dump()) for row in settings.abandon_windows]
    theirs = [
        AppliedWindow(**row.model_dump(), policy=part.name) for part in parts for row in part.settings.abandon_windows
    ]
    rates = [settings.max_abandon_rate, *(row.max_rate for row in theirs if row.kind is not WindowKind.ROLLING_HOUR)]
    if not any(rates):
        rates = [row.max_rate for row in own if row.kind is not WindowKind.ROLLING_HOUR]
    rate = min((each for each in rates if each), default=0.0)
    by_label: dict[str, AppliedWindow] = {row.label: row for row in own}
    for row in sorted(theirs, key=_window_order):
        row = _within(row, settings.max_abandon_rate)
        there = by_label.get(row.label)
        by_label[row.label] = row if there is None else _tighter(there, row, rate)
    return tuple(by_label.values()), rate


def _window_order(row: AppliedWindow) -> tuple[int, int, int, str]:
    return _KINDS.index(row.kind), row.days, row.hours, row.policy


def _within(row: AppliedWindow, own_rate: float) -> AppliedWindow:
    """A policy's window in a campaign with a rate of its own."""
    if not (row.max_rate and own_rate):
        return row
    bound = own_rate * (HOUR_FACTOR if row.kind is WindowKind.ROLLING_HOUR else 1.0)
    return row if row.max_rate <= bound else row.model_copy(update={"max_rate": bound})


def _tighter(row: AppliedWindow, other: AppliedWindow, rate: float) -> AppliedWindow:
    """One of two windows that are alike: the one with the lower cap, with the start that a campaign gave."""
    tight = other if other.cap(rate) < row.cap(rate) else row
    return tight.model_copy(update={"start": row.start or other.start})


# --- single values ---------------------------------------------------------------------------------------------------


def _scalars(settings: CampaignSettings, parts: Sequence[Named]) -> Mapping[str, Any]:
    def values_of(name: str) -> list[Any]:
        return [getattr(part.settings, name).value for part in parts if getattr(part.settings, name) is not None]

    automated = min(values_of("automated_calls"), key=tuple(AutomatedCalls).index, default=AutomatedCalls.CONSENT)
    asks_consent = settings.mode is Mode.SCRIPT and automated is not AutomatedCalls.FREE
    return {
        "consent_required": settings.consent_required or asks_consent or any(values_of("consent_required")),
        "automated_calls": automated,
        "consent_max_age_days": _least(settings.consent_max_age_days, values_of("consent_max_age_days")),
        "believe_stated_zone": settings.believe_stated_zone and all(values_of("believe_stated_zone")),
        "same_caller_id_on_retry": settings.same_caller_id_on_retry or any(values_of("same_caller_id_on_retry")),
        "retention_days": _least(settings.retention_days, values_of("retention_days")),
        "recording_announced": any(values_of("recording_announced")),
        "evidence_days": max(values_of("evidence_days"), default=0),
        "abandonment": strictest(
            (settings.abandonment, *(part.settings.abandonment for part in parts if part.settings.abandonment))
        ),
        "abandon_after_s": min(settings.abandon_after_s, *values_of("max_abandon_after_s"), 3600.0),
    }


def _retry(settings: CampaignSettings, parts: Sequence[Named]) -> RetryTable:
    """The campaign's own rows; where one is as by default, that of the first policy which says otherwise."""
    default = RetryTable()
    rows = {}
    for name in RetryTable.model_fields:
        theirs = [getattr(part.settings.retry.rows, name) for part in parts if part.settings.retry is not None]
        own = getattr(settings.retry, name)
        choices = [own, *theirs]
        rows[name] = next((row for row in choices if row != getattr(default, name)), own)
    return RetryTable(**rows)


def _least(own: float, stated: Sequence[float]) -> float:
    """The least of what is given; 0: nothing is."""
    return min((value for value in (own, *stated) if value), default=0)


# --- contradictions --------------------------------------------------------------------------------------------------


def missing(whole: Composed) -> Iterable[Problem]:
    """What the campaign still has to say itself, because none of its policies does."""
    names = ", ".join(whole.settings.policies)
    whose = f"of its policies ({names}) none" if names else "it has no policy, and none of its own"
    if not whole.hours:
        yield Problem("hours", f"there are none: {whose} says when people may be called, so nobody may")
    if not whole.windows:
        yield Problem("abandon_windows", f"there are none: {whose} says over which time abandoned calls are counted")
    if not whole.rate and (whole.windows or names):
        yield Problem(
            "max_abandon_rate",
            f"is needed: {whose} has a number of calls that may be abandoned. Give the one that you answer for",
        )


def contradictions(whole: Composed) -> Iterable[Problem]:
    """What cannot hold together."""
    ring_timeout_s = whole.settings.ring_timeout_s
    for part in whole.parts:
        least = part.settings.min_ring_timeout_s
        if least is not None and ring_timeout_s < least.value:
            yield Problem(
                "ring_timeout_s",
                f"must be at least {least.value:g} (seconds) under policy {part.name} ({least.source}, {least.as_of}), "
                f"got {ring_timeout_s:g}",
            )
        automated = part.settings.automated_calls
        if automated is not None and automated.value is AutomatedCalls.FORBIDDEN and whole.settings.mode is Mode.SCRIPT:
            yield Problem(
                "mode",
                f"script is forbidden under policy {part.name} ({automated.source}, {automated.as_of}): "
                "an agent must be there for whoever answers",
            )
        told, recording = part.settings.recording_announced, whole.settings.recording
        if told is not None and told.value and recording.used and not recording.announcement:
            yield Problem(
                "recording.announcement",
                f"is needed under policy {part.name} ({told.source}, {told.as_of}), because recording.mode is "
                f"{recording.mode}: whoever is recorded must be told (path of a WAV file)",
            )
    for region, week in open_weeks(whole.hours).items():
        if not week:
            who = sorted({row.policy or "the campaign itself" for row in whole.hours if covers(row.region, region)})
            where = f"in {region}" if region else "anywhere"
            yield Problem("hours", f"nobody {where} could ever be called: {' and '.join(who)} have no hour in common")
