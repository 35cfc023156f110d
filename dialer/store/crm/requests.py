"""Reading what the CRM and the desktops ask for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from compliance.blocks import BadBlock, BlockKind, Target, of_number
from compliance.numbers import BadNumber, masked_text, parse
from config.campaign import NAME
from dialer.store.base.fields import Fields, Undecodable, decode

MAX_NOTE_LENGTH: Final = 500
MAX_TEXT_LENGTH: Final = 64
TYPES: Final = ("outcome", "block", "unblock")

OUTCOME_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")

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
    """An entry that cannot be carried out, with every reason. `about` is the attempt it names, if it does."""

    reasons: tuple[str, ...]
    about: str = ""


Request = Outcome | BlockRequest | BadRequest


@dataclass(frozen=True, slots=True)
class Received:
    """One stream entry, read."""

    entry_id: str
    request: Request

    @property
    def asked_at(self) -> float:
        """When it came into the stream: seconds since the epoch by the server's clock, and ascending."""
        ms, _, sequence = self.entry_id.partition("-")
        return (int(ms) + min(int(sequence), 999) / 1000) / 1000


def parse_request(
    fields: Mapping[bytes, bytes], default_region: str, regions: Mapping[str, str] = MappingProxyType({})
) -> Request:
    """Read one entry: one field, `request` (a msgpack map) or `json` (a JSON object).

    A number without a country code is one of its campaign's country in `regions`, else of `default_region`.
    """
    try:
        given = Fields(decode(fields, "request"))
    except Undecodable as error:
        return BadRequest((str(error),))
    kind = given.choice("type", TYPES)
    if not kind:
        return BadRequest(tuple(given.faults))
    return _outcome(given) if kind == "outcome" else _block(given, kind == "block", default_region, regions)


def _outcome(given: Fields) -> Outcome | BadRequest:
    campaign = _campaign(given, needed=True)
    attempt = given.text("attempt_id", MAX_TEXT_LENGTH, needed=True)
    outcome = given.text("outcome", MAX_TEXT_LENGTH, needed=True)
    if outcome and not OUTCOME_NAME.fullmatch(outcome):
        given.faults.append("outcome: must be small letters, digits and _, at most 32, beginning with a letter")
    elif masked_text(outcome) != outcome:
        given.faults.append("outcome: reads like a phone number, and outcomes are shown and counted by name")
    agent = given.text("agent", MAX_TEXT_LENGTH)
    note = given.text("note", MAX_NOTE_LENGTH)
    callback_at = given.time("callback_at")
    if outcome == CALLBACK and given.data.get("callback_at") is None:
        given.faults.append("callback_at: a callback needs it")
    if outcome != CALLBACK and callback_at is not None:
        given.faults.append("callback_at: only for the outcome callback")
    callback_agent = given.text("callback_agent", MAX_TEXT_LENGTH)
    if outcome != CALLBACK and callback_agent:
        given.faults.append("callback_agent: only for the outcome callback")
    opt_out = given.flag("opt_out")
    scope = given.choice("opt_out_scope", SCOPES, default="number")
    asked = Outcome(campaign, attempt, outcome, agent, note, callback_at, opt_out, scope, callback_agent)
    if given.data.get("opt_out_scope") is not None and not asked.blocks:
        given.faults.append(f"opt_out_scope: only with opt_out or the outcome {COMPLAINT}")
    given.finish()
    return BadRequest(tuple(given.faults), attempt) if given.faults else asked


def _block(given: Fields, blocked: bool, default_region: str, regions: Mapping[str, str]) -> BlockRequest | BadRequest:
    campaign = _campaign(given, needed=False)
    target = _target(given, campaign, regions.get(campaign, default_region))
    until = given.time("until")
    if until is not None and not blocked:
        given.faults.append("until: only to block; an unblock is for good")
    source = given.text("source", MAX_TEXT_LENGTH, default="crm") or "crm"
    reason = given.text("reason", MAX_NOTE_LENGTH)
    who = given.text("who", MAX_TEXT_LENGTH, needed=True)
    given.finish()
    if given.faults or target is None:
        return BadRequest(tuple(given.faults))
    return BlockRequest(target, blocked, source, reason, who, until)


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


def _campaign(given: Fields, *, needed: bool) -> str:
    campaign = given.text("campaign", MAX_TEXT_LENGTH, needed=needed)
    if campaign and not NAME.fullmatch(campaign):
        given.faults.append("campaign: not a campaign's name")
        return ""
    return campaign
