"""Why one lead, or one number, may or may not be dialled: every rule of the gate asked, and from when on it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from compliance.api import Per, Refusal, Rule
from compliance.caller_ids import Wanted
from compliance.numbers import E164, BadNumber
from compliance.numbers import parse as parse_number
from config.policies import AppliedSettings
from dialer.core.leads.next_allowed import NextAllowed, next_allowed
from dialer.core.model import Lead
from dialer.disk.registers import NationalRegisters
from dialer.language.findings import Finding, explain
from dialer.language.phrases import phrase
from dialer.language.refusals import detail
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import UnknownLead
from dialer.store.base.keys import digits
from dialer.store.gate import caller_ids
from dialer.store.gate.evaluation import Screening
from dialer.store.leads import leads
from dialer.store.leads.lead_codec import unpack
from dialer.store.leads.leads import LeadRow, LeadState


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked about: a lead with the number that is looked at, and where the lead is. `row` is None for a number
    that is no lead of the campaign. `elsewhere` are other campaigns that have the number."""

    lead: Lead
    row: LeadRow | None
    elsewhere: tuple[str, ...] = ()

    @property
    def is_next(self) -> bool:
        """Whether the number is the one that the lead would be called at next."""
        return self.row is None or self.row.number == str(self.lead.number)


@dataclass(frozen=True, slots=True)
class Reasons:
    """What every rule says now, and what time brings. `foresight` is None for a lead that is done or in a call."""

    findings: tuple[Finding, ...]
    foresight: NextAllowed | None

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """What refuses now."""
        return tuple(finding.refusal for finding in self.findings if finding.refusal is not None)


def find(store: Store, settings: AppliedSettings, text: str, campaigns: Sequence[str]) -> Asked:
    """The lead of that id, else the lead that has that number, else the number alone. `campaigns` are all there are.

    Raises `UnknownLead` where it is neither a lead of the campaign nor a phone number.
    """
    name = settings.name
    raw, progress = trip(store, [("HGET", store.keys.lead(name), text), ("HGET", store.keys.progress(name), text)])
    if raw is not None:
        lead = unpack(raw, campaign=name, progress=progress)
        return Asked(lead, leads.story(store, name, text).row, _elsewhere(store, lead.number, name, campaigns))
    try:
        number = parse_number(text, settings.default_region)
    except BadNumber as error:
        raise UnknownLead(
            phrase(
                "campaign {name!r} has no lead of that id, and it is no phone number: {error}", name=name, error=error
            )
        ) from None
    lead_id = trip(store, [("HGET", store.keys.numbers(name), digits(number))])[0]
    elsewhere = _elsewhere(store, number, name, campaigns)
    if lead_id is None:
        return Asked(Lead("", name, (number,)), None, elsewhere)
    asked = find(store, settings, lead_id.decode(), ())
    index = asked.lead.numbers.index(number) if number in asked.lead.numbers else asked.lead.number_index
    return replace(asked, lead=replace(asked.lead, number_index=index), elsewhere=elsewhere)


def _elsewhere(store: Store, number: E164, campaign: str, campaigns: Sequence[str]) -> tuple[str, ...]:
    others = [name for name in campaigns if name != campaign]
    held = trip(store, [("HEXISTS", store.keys.numbers(name), digits(number)) for name in others])
    return tuple(name for name, there in zip(others, held, strict=True) if there)


def reasons(store: Store, settings: AppliedSettings, asked: Asked, registers: NationalRegisters, now: float) -> Reasons:
    """Ask every rule at `now` (seconds since the epoch), and again at later moments until nothing refuses."""
    verdicts = findings(store, settings, asked.lead, registers, now, now)
    row = asked.row
    if row is not None and row.state in (LeadState.CLOSED, LeadState.IN_ATTEMPT):
        return Reasons(verdicts, None)

    def judge(at: float) -> list[Refusal]:
        again = verdicts if at == now else findings(store, settings, asked.lead, registers, at, now)
        return [finding.refusal for finding in again if finding.refusal is not None]

    start = max(now, row.at) if row is not None and row.state is LeadState.WAITING else now
    return Reasons(verdicts, next_allowed(judge, start))


def findings(
    store: Store, settings: AppliedSettings, lead: Lead, registers: NationalRegisters, at: float, now: float
) -> tuple[Finding, ...]:
    """What each rule says of a lead at a moment, the number to show included. Registers are asked as of `now`: somebody
    will have brought them up to date by then."""
    screening = Screening.as_dialled(store, settings, now, registers)
    facts = screening.facts([lead])[0]
    explained = explain(facts, replace(screening, now=at).question())
    asked_for = Wanted(lead.number, tuple(facts.contacts[Per.NUMBER]))
    shown = caller_ids.foresee(store, settings, [asked_for], at)[0]
    if isinstance(shown, Refusal):
        return (*explained, Finding(Rule.CALLER_ID, (detail(shown),), shown))
    return (*explained, Finding(Rule.CALLER_ID, (phrase("would show {number}", number=str(shown)),), None))
