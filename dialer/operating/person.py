"""Everything about one person, over all campaigns, and when each lead of theirs may be called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compliance.numbers import E164, BadNumber, masked_text
from compliance.numbers import parse as parse_number
from config.problems import ConfigError
from dialer.core.abandonment.windows import zone_of
from dialer.disk.registers import NationalRegisters
from dialer.language.translation import _
from dialer.operating.desk import Desk
from dialer.operating.why import sentence
from dialer.store.base.errors import StoreError
from dialer.store.leads import why as store_why
from dialer.store.operators import campaigns
from dialer.store.privacy import person as store_person
from dialer.store.privacy.person import Person


@dataclass(frozen=True, slots=True)
class LeadVerdict:
    """When a lead of the person may be called, in one sentence."""

    campaign: str
    lead_id: str
    sentence: str


def look_at(desk: Desk, number_or_id: str, region: str, now: float) -> tuple[Person, list[LeadVerdict]]:
    """A person by phone number (national ones are of `region`), customer_id or lead_id. The audit trail says who looked
    at whom. Raises `StoreError`, `ConfigError`, `DiskError`."""
    number = _number(number_or_id, region)
    names = campaigns.names(desk.store)
    person = store_person.of_number_or_id(desk.store, names, number=number, id_=number_or_id, now=now)
    verdicts = list(_verdicts(desk, person, now))
    asked = {"number": str(number)} if number is not None else {"id": masked_text(number_or_id)}
    desk.note("customer_show", now, **asked)
    return person, verdicts


def _number(text: str, region: str) -> E164 | None:
    try:
        return parse_number(text, region)
    except BadNumber:
        return None


def _verdicts(desk: Desk, person: Person, now: float) -> Iterator[LeadVerdict]:
    """When each lead may be called; a lead whose campaign cannot be judged here says why."""
    national = NationalRegisters(desk.settings.registers)
    for campaign, story in person.leads:
        lead_id = story.row.lead_id
        try:
            settings = desk.applied(campaign)
            asked = store_why.find(desk.store, settings, lead_id, ())
            reasons = store_why.reasons(desk.store, settings, asked, national, now)
            yield LeadVerdict(campaign, lead_id, sentence(asked, reasons, now, zone_of(settings)))
        except (ConfigError, StoreError) as error:
            yield LeadVerdict(campaign, lead_id, _("cannot be judged here: {error}", error=masked_text(str(error))))
    national.close()
