"""Why a lead or a number may be dialled now or not, gathered and put into words."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from compliance.listed import ALL_REGISTERS
from config.policies import AppliedSettings, applied
from dialer.core.abandonment.windows import zone_of
from dialer.core.calls.retries import row_of
from dialer.core.leads.lead_counts import clock_words
from dialer.disk.registers import NationalRegisters
from dialer.language.phrases import phrase
from dialer.language.refusals import detail
from dialer.language.terms import term
from dialer.language.translation import _, translated
from dialer.operating import hosts
from dialer.operating.desk import Desk
from dialer.operating.figures import duration
from dialer.operating.glossary import no_daemon, not_started
from dialer.store.leads import why as store_why
from dialer.store.leads.leads import LeadRow, LeadState
from dialer.store.leads.why import Asked, Reasons
from dialer.store.operators import campaigns
from dialer.store.operators.campaigns import Campaign


@dataclass(frozen=True, slots=True)
class Verdict:
    """What every rule says of one lead at `at` (seconds since the epoch). `problems` are what the daemons complain of
    in its campaign, `notes` what keeps all of it from being dialled, and what this machine cannot know."""

    campaign: Campaign
    settings: AppliedSettings
    asked: Asked
    reasons: Reasons
    problems: Sequence[str]
    notes: Sequence[str]
    at: float

    @property
    def zone(self) -> tzinfo | None:
        """The campaign's."""
        return zone_of(self.settings)

    @property
    def sentence(self) -> str:
        """When it may be dialled."""
        return sentence(self.asked, self.reasons, self.at, self.zone)

    @property
    def tries(self) -> list[str]:
        """How often it was tried, and what the retry table has left, a row of that each."""
        counts: dict[str, int] = {}
        for disposition, number in self.asked.lead.tries.items():
            counts[row_of(disposition)] = counts.get(row_of(disposition), 0) + number
        return [self._tried(name, number) for name, number in counts.items()]

    def _tried(self, name: str, number: int) -> str:
        rule = self.settings.retry.after(name)
        if not rule.max_attempts:
            return _("{end} {number} (never called again)", end=term(name), number=number)
        return _(
            "{end} {number} ({left} of {most} retries left, {delay} apart)",
            end=term(name),
            number=number,
            left=max(0, rule.max_attempts - number),
            most=rule.max_attempts,
            delay=duration(rule.delay_s),
        )


def explain(desk: Desk, campaign: str, lead_or_number: str, now: float) -> Verdict:
    """Ask every rule, and write into the audit trail that somebody looked. Raises `UnknownCampaign`, `UnknownLead`,
    `ConfigError`, `DiskError`."""
    national = NationalRegisters(desk.settings.registers)
    try:
        stored = campaigns.get(desk.store, campaign)
        settings = applied(stored.settings, desk.catalogue())
        asked = store_why.find(desk.store, settings, lead_or_number, campaigns.names(desk.store))
        reasons = store_why.reasons(desk.store, settings, asked, national, now)
        daemons = hosts.read(desk.store)
        notes = _notes(stored, settings, daemons, asked, national)
    finally:
        national.close()
    desk.note("lead_why", now, campaign=campaign, lead_id=asked.lead.lead_id, number=str(asked.lead.number))
    return Verdict(stored, settings, asked, reasons, daemons.problems(campaign), notes, now)


def _notes(
    campaign: Campaign, settings: AppliedSettings, daemons: hosts.Hosts, asked: Asked, national: NationalRegisters
) -> list[str]:
    name = settings.name
    notes = [*not_started(campaign.state, name), *map(translated, settings.missing_to_start()), *daemons.problems(name)]
    if not daemons.alive:
        notes.append(no_daemon())
    if ALL_REGISTERS in settings.registers and not national.registers:
        notes.append(
            _("no national register is configured on this machine; those of the daemons' hosts may refuse more")
        )
    if not asked.is_next:
        notes.append(_("the lead goes on with another one of its numbers first"))
    if asked.elsewhere:
        notes.append(_("the number is also in: {campaigns}", campaigns=", ".join(asked.elsewhere)))
    return notes


def sentence(asked: Asked, reasons: Reasons, at: float, zone: tzinfo | None) -> str:
    """When it may be dialled, in one sentence."""
    row, allowed = asked.row, reasons.foresight
    if row is not None and row.state is LeadState.CLOSED:
        return _("never: the lead is closed: {why}", why=row.why or phrase("nobody kept why"))
    if allowed is None:
        return _("in a call now: what follows is decided when the call has ended")
    if allowed.at is not None and allowed.at <= at:
        return _("diallable now")
    if allowed.at is not None:
        time_there = clock_words(allowed.at, at, zone)
        return _("diallable from {time} ({zone}) if nothing changes", time=time_there, zone=_zone_name(zone))
    assert allowed.left is not None
    if allowed.never:
        return _("never: {why}", why=detail(allowed.left))
    return _("not diallable, and nobody can say from when on: {why}", why=detail(allowed.left))


def _zone_name(zone: tzinfo | None) -> str:
    return str(zone) if zone is not None else time.strftime("%Z")


def when_there(row: LeadRow, at: float, zone: tzinfo | None) -> str:
    """Since when, or until when, a lead is where it is."""
    moment = clock_words(row.at, at, zone)
    match row.state:
        case LeadState.DUE | LeadState.CLOSED:
            return _("since {time}", time=moment)
        case LeadState.WAITING:
            return _("until {time}", time=moment)
        case LeadState.LEASED:
            return _("until {time} at most", time=moment)
    return ""
