"""Reading what the CRM and the desktops ask for. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final

from compliance.blocks import BadBlock, BlockKind, Target, of_number
from compliance.numbers import BadNumber, masked_text, parse
from dialer.store.base.fields import Fields, Undecodable, decode
from dialer.store.crm import lead_requests
from dialer.store.crm.lead_requests import CampaignRequest, LeadRequest

MAX_NOTE_LENGTH: Final = 500
MAX_TEXT_LENGTH: Final = 64
MAX_OUTCOME_LENGTH: Final = 32

CUSTOMER: Final = "customer"
SCOPES: Final = ("number", CUSTOMER)
"""What a complaint or an opt-out blocks: the number that was dialled, or all numbers of the lead and its customer."""

TARGETS: Final = {
    "number": BlockKind.NUMBER,
    "prefix": BlockKind.PREFIX,
    "customer_id": BlockKind.CUSTOMER,
    "account_id": BlockKind.ACCOUNT,
}
"""The fields of which a block request has exactly one."""

CALLBACK: Final = "callback"
MACHINE: Final = "machine"
COMPLAINT: Final = "complaint"
FINAL: Final = frozenset({"sale", "refused", COMPLAINT, "wrong_number"})
"""Outcomes after which a lead is not called again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt, in the agent's or the CRM's words. `callback_at` is seconds since the epoch,
    `callback_agent` who is to have that call; empty: anybody."""

    campaign: str
    attempt: str
    outcome: str
    agent: str = ""
    note: str = ""
    callback_at: float | None = None
    opt_out: bool = False
    opt_out_scope: str = "number"
    callback_agent: str = ""

    @property
    def blocks(self) -> bool:
        """Whether somebody goes onto the no-call list for it; `opt_out_scope` says who."""
        return self.opt_out or self.outcome == COMPLAINT


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """Block or unblock somebody. `until` is seconds since the epoch; None: for good."""

    target: Target
    blocked: bool
    source: str
    reason: str
    who: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class BadRequest:
    """An entry that cannot be carried out, with every reason. `about` is the attempt or lead it names, if it does."""

    reasons: tuple[str, ...]
    about: str = ""


Request = Outcome | BlockRequest | LeadRequest | CampaignRequest | BadRequest


@dataclass(frozen=True, slots=True)
class Received:
    """One stream entry, read. `ref` is what its sender calls it, and comes back in every answer; `sender` who that is,
    as far as the entry says; `fields` the entry as it came."""

    entry_id: str
    request: Request
    ref: str = ""
    sender: str = ""
    fields: Mapping[bytes, bytes] = field(default_factory=dict, compare=False, repr=False)

    @property
    def asked_at(self) -> float:
        """When it came into the stream: seconds since the epoch by the server's clock, and ascending."""
        ms, _, sequence = self.entry_id.partition("-")
        return (int(ms) + min(int(sequence), 999) / 1000) / 1000


def parse_request(
    entry_id: str,
    fields: Mapping[bytes, bytes],
    default_region: str,
    regions: Mapping[str, str] = MappingProxyType({}),
) -> Received:
    """Read one entry: one field, `request` (a msgpack map) or `json` (a JSON object).

    A number without a country code is one of its campaign's country in `regions`, else of `default_region`.
    """
    try:
        given = Fields(decode(fields, "request"))
    except Undecodable as error:
        return Received(entry_id, BadRequest((str(error),)))
    kind = given.choice("type", tuple(READERS))
    ref = given.ref()
    if not kind:
        return Received(entry_id, BadRequest(tuple(given.faults)), ref, _sender(given))
    request = READERS[kind](given, default_region, regions)
    given.finish()
    if given.faults or request is None:
        about = _first_name(given.data.get("attempt_id"), given.data.get("lead_id"))
        request = BadRequest(tuple(given.faults), about)
    return Received(entry_id, request, ref, _sender(given))


def _sender(given: Fields) -> str:
    """Who an entry says that it is from, also where that is a number."""
    return _first_name(given.data.get("who"), given.data.get("agent"))


def _first_name(*names: object) -> str:
    """The first that can be shown; empty where none can."""
    shown = [str(name) for name in names if isinstance(name, str | int) and not isinstance(name, bool)]
    return next((name for name in shown if Fields.text_fault(name, MAX_TEXT_LENGTH) is None), "")


def _outcome(given: Fields, *_: object) -> Outcome:
    campaign = lead_requests.campaign_of(given, needed=True)
    attempt = given.text("attempt_id", MAX_TEXT_LENGTH, needed=True)
    outcome = unicodedata.normalize("NFC", given.text("outcome", MAX_TEXT_LENGTH, needed=True))
    if outcome and (fault := outcome_fault(outcome)):
        given.faults.append(f"outcome: {fault}")
    agent = given.agent(MAX_TEXT_LENGTH)
    note = given.text("note", MAX_NOTE_LENGTH)
    callback_at = given.time("callback_at")
    if outcome == CALLBACK and given.data.get("callback_at") is None:
        given.faults.append("callback_at: a callback needs it")
    if outcome != CALLBACK and callback_at is not None:
        given.faults.append("callback_at: only for the outcome callback")
    callback_agent = given.text("callback_agent", MAX_TEXT_LENGTH)
    if outcome != CALLBACK and given.data.get("callback_agent") is not None:
        given.faults.append("callback_agent: only for the outcome callback")
    opt_out = given.flag("opt_out")
    scope = given.choice("opt_out_scope", SCOPES, default="number")
    asked = Outcome(campaign, attempt, outcome, agent, note, callback_at, opt_out, scope, callback_agent)
    if given.data.get("opt_out_scope") is not None and not asked.blocks:
        given.faults.append(f"opt_out_scope: only with opt_out or the outcome {COMPLAINT}")
    return asked


def outcome_fault(word: str) -> str:
    """Why a word cannot be an outcome's name; empty: it can. Letters may be of any script; where a script has capitals,
    small ones, so that one outcome has one name."""
    if len(word) > MAX_OUTCOME_LENGTH:
        return f"longer than {MAX_OUTCOME_LENGTH} characters"
    kinds = [unicodedata.category(char) for char in word]
    named = kinds[0][0] == "L" and all(
        kind in ("Ll", "Lo", "Lm", "Mn", "Mc", "Nd") or char == "_" for kind, char in zip(kinds, word, strict=True)
    )
    if not named:
        return "must be small letters of any script, digits and _, beginning with a letter"
    if masked_text(word) != word:
        return "reads like a phone number, and outcomes are shown and counted by name"
    return ""


def _block(
    given: Fields, default_region: str, regions: Mapping[str, str], *, blocked: bool = True
) -> BlockRequest | None:
    campaign = lead_requests.campaign_of(given, needed=False)
    target = _target(given, campaign, regions.get(campaign, default_region))
    until = given.time("until")
    if until is not None and not blocked:
        given.faults.append("until: only to block; an unblock is for good")
    source = given.text("source", MAX_TEXT_LENGTH, default="crm") or "crm"
    reason = given.text("reason", MAX_NOTE_LENGTH)
    who = given.text("who", MAX_TEXT_LENGTH, needed=True)
    return None if target is None else BlockRequest(target, blocked, source, reason, who, until)


def _target(given: Fields, campaign: str, region: str) -> Target | None:
    values = {name: given.text(name, MAX_TEXT_LENGTH, needed=name in given.data) for name in TARGETS}
    named = [name for name in TARGETS if given.data.get(name) is not None]
    if len(named) != 1:
        given.faults.append(f"exactly one of {', '.join(TARGETS)} is needed, got {' and '.join(named) or 'none'}")
        return None
    (name,) = named
    if not values[name]:
        return None
    try:
        if TARGETS[name] is BlockKind.NUMBER:
            return of_number(parse(values[name], region), campaign)
        return Target(TARGETS[name], values[name].removeprefix("+" if name == "prefix" else ""), campaign)
    except BadNumber as error:
        given.faults.append(f"{name}: {error}")
    except BadBlock as error:
        given.faults.append(str(error))
    return None


READERS: Final[Mapping[str, Callable[[Fields, str, Mapping[str, str]], Request | None]]] = {
    "outcome": _outcome,
    "block": _block,
    "unblock": partial(_block, blocked=False),
    "cancel": lead_requests.cancel,
    "update": lead_requests.update,
    "query": lead_requests.query,
    "campaign": lead_requests.campaign_request,
}
"""The types of requests: each reads the fields of one, and leaves what is wrong with them in `Fields.faults`."""
