"""Everything that the store knows of one person: leads of all campaigns, calls that the caps count, blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from compliance.api import Per, Subject
from compliance.blocks import Block, BlockKind, Target, of_number
from compliance.contacts import Mark, crc16
from compliance.contacts import unpacked as contacts_of
from compliance.numbers import E164
from dialer.language.phrases import N_, Phrase, listed, phrase
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import UnknownLead
from dialer.store.base.keys import digits, place, subject_field
from dialer.store.leads.lead_codec import stored_of
from dialer.store.leads.leads import LeadStory, story
from dialer.store.privacy import blocklist
from dialer.store.privacy.erase import FoundLead, find

MOST_LEADS: Final = 200
"""So many leads of one person are told of; more are a filler id that many people share."""

_WORDS: Final = {
    Mark.CONVERSATION: N_("talked to an agent"),
    Mark.REFUSED: N_("refused"),
    Mark.ABANDONED: N_("abandoned"),
    Mark.MACHINE: N_("machine"),
    Mark.NETWORK_BLOCKED: N_("blocked by the network"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt, or a call that they made, as the caps see it, also of leads that are gone. `at` is seconds since the
    epoch; `campaign` is empty where no campaign of today has that name. `number` is masked."""

    at: float
    number: str
    campaign: str
    what: Phrase


@dataclass(frozen=True, slots=True)
class Person:
    """What is known. `leads` has each lead with its campaign, `more_leads` how many were left out."""

    numbers: tuple[E164, ...]
    customers: tuple[str, ...]
    leads: tuple[tuple[str, LeadStory], ...]
    more_leads: int
    calls: tuple[Call, ...]
    blocks: tuple[Block, ...]


def of_number_or_id(store: Store, campaigns: Sequence[str], *, number: E164 | None, id_: str, now: float) -> Person:
    """Everything known of a number, or of a customer's or a lead's id. Leads are looked for by number, and by customer
    in every campaign. Raises `UnknownLead` where nothing is known of an id."""
    if number is not None:
        leads = list(find(store, campaigns, number=number).leads)
    else:
        leads = [*find(store, campaigns, customer=id_).leads, *_by_lead_id(store, campaigns, id_)]
        if not leads:
            raise UnknownLead(phrase("no campaign has a lead, or a customer, with the id {id!r}", id=id_))
    for customer in _customers(leads):
        leads += find(store, campaigns, customer=customer).leads
    for each in _numbers(leads):
        leads += find(store, campaigns, number=each).leads
    unique = {(lead.campaign, lead.lead_id): lead for lead in leads}
    numbers = list(dict.fromkeys([*([] if number is None else [number]), *_numbers(unique.values())]))
    customers = _customers(unique.values())
    shown = list(unique)[:MOST_LEADS]
    return Person(
        numbers=tuple(numbers),
        customers=tuple(customers),
        leads=tuple((campaign, story(store, campaign, lead_id)) for campaign, lead_id in shown),
        more_leads=len(unique) - len(shown),
        calls=_calls(store, campaigns, numbers),
        blocks=_blocks(store, campaigns, numbers, customers, now),
    )


def _customers(leads: Iterable[FoundLead]) -> list[str]:
    return list(dict.fromkeys(lead.customer for lead in leads if lead.customer))


def _numbers(leads: Iterable[FoundLead]) -> list[E164]:
    return list(dict.fromkeys(each for lead in leads for each in lead.numbers))


def _by_lead_id(store: Store, campaigns: Sequence[str], lead_id: str) -> list[FoundLead]:
    raws = trip(store, [("HGET", store.keys.lead(name), lead_id) for name in campaigns])
    numbers = [E164(each) for raw in raws if raw is not None for each in stored_of(raw).numbers]
    return [lead for number in dict.fromkeys(numbers) for lead in find(store, campaigns, number=number).leads]


def _calls(store: Store, campaigns: Sequence[str], numbers: Sequence[E164]) -> tuple[Call, ...]:
    names = {crc16(name): name for name in campaigns}
    subjects = [subject_field(Subject(Per.NUMBER, digits(number))) for number in numbers]
    raws = trip(store, [("HGET", store.keys.history(place(field)), field) for field in subjects])
    calls = [
        Call(contact.at, str(number), names.get(contact.campaign_crc, ""), _what(contact.marks))
        for number, raw in zip(numbers, raws, strict=True)
        for contact in contacts_of(raw or b"")
    ]
    return tuple(sorted(calls, key=lambda call: call.at))


def _what(marks: int) -> Phrase:
    words = [phrase("they called")] if marks & Mark.INBOUND else []
    words += [phrase(word) for mark, word in _WORDS.items() if marks & mark]
    if not words and marks & Mark.CONNECTED:
        words = [phrase("answered")]
    if not words:
        words = [phrase("not answered") if marks & Mark.ENDED else phrase("not ended, or nobody knows how")]
    return listed(words)


def _blocks(
    store: Store, campaigns: Sequence[str], numbers: Sequence[E164], customers: Sequence[str], now: float
) -> tuple[Block, ...]:
    targets = [of_number(number) for number in numbers]
    targets += [Target(BlockKind.CUSTOMER, customer) for customer in customers]
    blocks = [block for target in targets for block in blocklist.check(store, target, campaigns, now=now)]
    return tuple(dict.fromkeys(blocks))
