"""Policies in words: every value with its source and its date, and for a campaign what holds and from where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from compliance.calling_hours.hours import HoursRule
from config.abandonment import HOUR_FACTOR, AbandonmentSettings, AbandonWindow, WindowKind
from config.campaign import RetryTable
from config.policies.composition import Composed
from config.policies.model import PolicySettings
from config.policies.weeks import open_weeks, week_of, week_text
from config.rules import CapSettings, Dated, HoursSettings, rules_of
from dialer.language.caps import cap_words


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule in words. `policy` is empty where the campaign says it itself; `holds` is False where a stricter one
    takes its place."""

    rule: str
    value: str
    policy: str
    source: str = ""
    as_of: str = ""
    holds: bool = True


def of_policy(name: str, policy: PolicySettings) -> tuple[RuleRow, ...]:
    """Every value of a policy."""
    return tuple(_rows(name, policy))


def of_campaign(whole: Composed) -> tuple[RuleRow, ...]:
    """Every rule of a campaign's policies and its own, its own first."""
    settings, ages = whole.settings, whole.scalars
    own: list[RuleRow] = [*_of_hours("", settings.hours), *_of_caps("", settings.caps)]
    own += [RuleRow(f"abandoned, {row.label}", _rate(row), "") for row in settings.abandon_windows]
    if settings.max_abandon_rate:
        value = f"at most {100 * settings.max_abandon_rate:g} %"
        own.append(RuleRow("abandoned", value, "", holds=settings.max_abandon_rate <= whole.rate))
    caps = {row.label: row.cap(whole.rate) for row in whole.windows}
    rows = [*own]
    for part in whole.parts:
        policy = part.settings
        looser = {f"abandoned, {row.label}" for row in policy.abandon_windows if row.max_rate > caps[row.label]}
        looser |= {
            name
            for name in ("retention_days", "consent_max_age_days")
            if (days := getattr(policy, name)) is not None and days.value > ages[name]
        }
        looser |= {
            name
            for name in ("consent_required", "believe_stated_zone", "same_caller_id_on_retry", "recording_announced")
            if (flag := getattr(policy, name)) is not None and flag.value != ages[name]
        }
        if policy.evidence_days is not None and policy.evidence_days.value < ages["evidence_days"]:
            looser.add("evidence_days")
        rows += [replace(row, holds=row.rule not in looser) for row in _rows(part.name, policy)]
    return tuple(rows)


def hours_by_region(whole: Composed) -> tuple[tuple[str, str], ...]:
    """For each region that a rule names, when calls may start there under all rules together; holidays are left
    aside."""
    return tuple((region or "everywhere else", week_text(week)) for region, week in open_weeks(whole.hours).items())


def _rows(name: str, policy: PolicySettings) -> Iterable[RuleRow]:
    yield from _of_hours(name, policy.hours)
    yield from _of_caps(name, policy.caps)
    for window in policy.abandon_windows:
        yield RuleRow(f"abandoned, {window.label}", _rate(window), name, window.source, window.as_of)
    if policy.abandonment is not None:
        yield _dated("abandoned, definition", _definition(policy.abandonment), name, policy.abandonment)
    if policy.retry is not None:
        yield _dated("retries", _retries(policy.retry.rows), name, policy.retry)
    for key, flag, words in (
        ("consent_required", policy.consent_required, ("only with consent", "consent is not asked for")),
        ("believe_stated_zone", policy.believe_stated_zone, ("the CRM's word alone", "the number's zones, too")),
        ("same_caller_id_on_retry", policy.same_caller_id_on_retry, ("the same number again", "any of the pool")),
        ("recording_announced", policy.recording_announced, ("who is recorded is told", "nothing is asked for")),
    ):
        if flag is not None:
            yield _dated(key, words[0] if flag.value else words[1], name, flag)
    for key, days in (
        ("consent_max_age_days", policy.consent_max_age_days),
        ("retention_days", policy.retention_days),
        ("evidence_days", policy.evidence_days),
    ):
        if days is not None:
            yield _dated(key, f"{days.value} days", name, days)
    for key, seconds in (
        ("min_ring_timeout_s", policy.min_ring_timeout_s),
        ("max_abandon_after_s", policy.max_abandon_after_s),
    ):
        if seconds is not None:
            yield _dated(key, f"{seconds.value:g} s", name, seconds)


def _retries(table: RetryTable) -> str:
    """What a policy changes of the retry table: `no answer: not on the same day, at another time of day`."""
    changed = []
    for name in RetryTable.model_fields:
        row, default = getattr(table, name), getattr(RetryTable(), name)
        words = [f"after {row.delay_s:g} s, {row.max_attempts} times"] if row.delay_s != default.delay_s else []
        words += ["not on the same day"] if row.not_before else []
        words += ["at another time of day, behind new leads"] if row.prefer else []
        if words and row != default:
            changed.append(f"{name.replace('_', ' ')}: {', '.join(words)}")
    return "; ".join(changed)


def _dated(rule: str, value: str, policy: str, dated: Dated) -> RuleRow:
    return RuleRow(rule, value, policy, dated.source, dated.as_of)


def _of_hours(policy: str, rows: Sequence[HoursSettings]) -> Iterable[RuleRow]:
    """One row for each region and source."""
    groups: dict[tuple[str, str, str], list[HoursSettings]] = {}
    for row in rows:
        key = (row.region, getattr(row, "source", ""), getattr(row, "as_of", ""))
        groups.setdefault(key, []).append(row)
    for (region, source, as_of), group in groups.items():
        (rule,) = rules_of(group)
        yield RuleRow(f"hours {region}".strip(), hours_text(rule), policy, source, as_of)


def _of_caps(policy: str, rows: Sequence[CapSettings]) -> Iterable[RuleRow]:
    for row in rows:
        source, as_of = getattr(row, "source", ""), getattr(row, "as_of", "")
        yield RuleRow("cap", cap_words(row.cap()), policy, source, as_of)


def hours_text(rule: HoursRule) -> str:
    """`mon-fri 10:00-13:00 14:00-20:00, no holidays`."""
    return week_text(week_of(rule)) + (", no holidays" if rule.closed_on_holidays else "")


def _rate(window: AbandonWindow) -> str:
    if window.max_rate:
        return f"at most {100 * window.max_rate:g} %"
    if window.kind is WindowKind.ROLLING_HOUR:
        return f"{HOUR_FACTOR:g} times max_abandon_rate"
    return "max_abandon_rate"


def _definition(definition: AbandonmentSettings) -> str:
    words = {
        "live_answers": "of all live answers",
        "put_through": "of those put through and the abandoned",
        "count": "hang-ups count",
        "leave_out": "hang-ups do not count",
        "keep": "machines stay",
        "estimate": "an estimate of machines is taken off",
    }
    values = (definition.denominator.value, definition.hang_ups.value, definition.machines.value)
    return ", ".join(words[word] for word in values if word)
