"""Reading what the CRM and the desktops ask for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from compliance.numbers import E164, BadNumber, parse
from config.campaign import NAME
from dialer.store.fields import Fields, Undecodable, decode

MAX_NOTE_LENGTH: Final = 500
MAX_TEXT_LENGTH: Final = 64
TYPES: Final = ("outcome", "block", "unblock")

OUTCOME_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")

CALLBACK: Final = "callback"
MACHINE: Final = "machine"
COMPLAINT: Final = "complaint"
FINAL: Final = frozenset({"sale", "refused", COMPLAINT, "wrong_number"})
"""Outcomes after which a lead is not called again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt, in the agent's or the CRM's words. `callback_at` is seconds since the epoch."""

    campaign: str
    attempt: str
    outcome: str
    agent: str = ""
    note: str = ""
    callback_at: float | None = None
    opt_out: bool = False

    @property
    def blocks(self) -> bool:
        """Whether the number goes onto the no-call list."""
        return self.opt_out or self.outcome == COMPLAINT


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """Block or unblock a number. `campaign` empty: for the whole tenant."""

    number: E164
    blocked: bool
    campaign: str
    reason: str
    who: str


@dataclass(frozen=True, slots=True)
class BadRequest:
    """An entry that cannot be carried out, with every reason. `about` is the attempt it names, if it does."""

    reasons: tuple[str, ...]
    about: str = ""


Request = Outcome | BlockRequest | BadRequest


def parse_request(fields: Mapping[bytes, bytes], default_region: str) -> Request:
    """Read one entry: one field, `request` (a msgpack map) or `json` (a JSON object)."""
    try:
        given = Fields(decode(fields, "request"))
    except Undecodable as error:
        return BadRequest((str(error),))
    kind = given.choice("type", TYPES)
    if not kind:
        return BadRequest(tuple(given.faults))
    return _outcome(given) if kind == "outcome" else _block(given, kind == "block", default_region)


def _outcome(given: Fields) -> Outcome | BadRequest:
    campaign = _campaign(given, needed=True)
    attempt = given.text("attempt_id", MAX_TEXT_LENGTH, needed=True)
    outcome = given.text("outcome", MAX_TEXT_LENGTH, needed=True)
    if outcome and not OUTCOME_NAME.fullmatch(outcome):
        given.faults.append("outcome: must be small letters, digits and _, at most 32, beginning with a letter")
    agent = given.text("agent", MAX_TEXT_LENGTH)
    note = given.text("note", MAX_NOTE_LENGTH)
    callback_at = given.time("callback_at")
    if outcome == CALLBACK and given.data.get("callback_at") is None:
        given.faults.append("callback_at: a callback needs it")
    if outcome != CALLBACK and callback_at is not None:
        given.faults.append("callback_at: only for the outcome callback")
    opt_out = given.flag("opt_out")
    given.finish()
    if given.faults:
        return BadRequest(tuple(given.faults), attempt)
    return Outcome(campaign, attempt, outcome, agent, note, callback_at, opt_out)


def _block(given: Fields, blocked: bool, default_region: str) -> BlockRequest | BadRequest:
    raw = given.text("number", MAX_TEXT_LENGTH, needed=True)
    number: E164 | None = None
    if raw:
        try:
            number = parse(raw, default_region)
        except BadNumber as error:
            given.faults.append(f"number: {error}")
    campaign = _campaign(given, needed=False)
    reason = given.text("reason", MAX_NOTE_LENGTH)
    who = given.text("who", MAX_TEXT_LENGTH, needed=True)
    given.finish()
    if given.faults or number is None:
        return BadRequest(tuple(given.faults))
    return BlockRequest(number, blocked, campaign, reason, who)


def _campaign(given: Fields, *, needed: bool) -> str:
    campaign = given.text("campaign", MAX_TEXT_LENGTH, needed=needed)
    if campaign and not NAME.fullmatch(campaign):
        given.faults.append("campaign: not a campaign's name")
        return ""
    return campaign
