"""What goes on record of each compliance decision and of each attempt's end. Pure.

| kind | when | what |
|---|---|---|
| `policy` | a campaign's settings are in force | its version and all of its settings |
| `permit` | both gates let a number pass, before the INVITE | attempt, rules passed, policy version, caller id |
| `refusal` | a gate said no | rule, why, until when |
| `settlement` | an attempt ended | disposition, cause, all times, live answer or abandoned |
| `started`, `stopped` | the daemon runs, or came to an orderly end | its owner name, HOST:RUN |
| `outcome` | an agent or the CRM said what came of it | the word; a machine leaves the live answers |

Times are milliseconds since the epoch (UTC). Numbers are keyed hashes, see `compliance.evidence`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from typing import Any, Final

from compliance.evidence import Entry, number_hash
from compliance.face import Rule
from compliance.numbers import masked_text
from config.campaign import CampaignSettings
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import Lead, Settlement

POLICY: Final = "policy"
PERMIT: Final = "permit"
REFUSAL: Final = "refusal"
SETTLEMENT: Final = "settlement"
OUTCOME: Final = "outcome"
STARTED: Final = "started"
STOPPED: Final = "stopped"

NATIONAL_DIGITS: Final = 8
"""So many digits of a number, its last ones, are enough to know it again."""

PASSED: Final = (Rule.EXPIRED, Rule.UNKNOWN_ZONE, Rule.HOURS, Rule.BLOCKLIST, Rule.CAP)
"""The rules that every permitted number has passed; where registers are configured, theirs as well."""

_TIMES: Final = ("reserved", "dialled", "ringing", "answered", "agent_dialled", "bridged", "ended")


def ms(at: float) -> int:
    """Seconds since the epoch as whole milliseconds, rounded down: a moment stays in its slot and its day."""
    return math.floor(at * 1000)


def without_number(lead: Lead) -> str:
    """The lead's id, masked where the CRM uses the phone number for it."""
    national = lead.number.clear[-NATIONAL_DIGITS:]
    return masked_text(lead.lead_id) if national in lead.lead_id else lead.lead_id


def policy_version(settings: CampaignSettings) -> str:
    """Names the settings in force: the first 16 hexadecimal digits of the SHA-256 of them all."""
    text = json.dumps(settings.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def started(owner: str, at: float) -> Entry:
    """A run of the daemon begins."""
    return Entry(ms(at), STARTED, {"owner": owner})


def stopped(owner: str, at: float) -> Entry:
    """It ends in good order. A run without this record was cut off."""
    return Entry(ms(at), STOPPED, {"owner": owner})


def policy(settings: CampaignSettings, version: str, created_at: float, at: float) -> Entry:
    """The settings that a version names. `created_at` is when the campaign was created, which some counting windows
    count from; both times are seconds since the epoch."""
    fields = {
        "campaign": settings.name,
        "policy": version,
        "created": ms(created_at),
        "settings": settings.model_dump(mode="json"),
    }
    return Entry(ms(at), POLICY, fields)


def permit(
    told: Permitted, settings: CampaignSettings, version: str, trunk: str, key: bytes, passed: Sequence[Rule] = PASSED
) -> Entry:
    """A number may be dialled. The time is that of the reservation."""
    one = told.permit
    fields: dict[str, Any] = {
        "campaign": settings.name,
        "attempt": one.attempt,
        "lead": without_number(told.lead),
        "number": number_hash(key, one.number),
        "policy": version,
        "passed": [rule.value for rule in passed],
        "valid_until": ms(one.valid_until),
        "ordinal": one.reserved.ordinal,
        "trunk": trunk,
        "caller_id": settings.caller_id,
    }
    if one.cleared.closes_at is not None:
        fields["closes"] = ms(one.cleared.closes_at)
    return Entry(ms(one.reserved.at), PERMIT, fields)


def refusal(told: Refused, version: str, key: bytes, at: float) -> Entry:
    """A number may not be dialled now, or not at all (`until` null)."""
    why = told.refusal
    fields = {
        "campaign": told.lead.campaign,
        "lead": without_number(told.lead),
        "number": number_hash(key, told.lead.number),
        "policy": version,
        "rule": why.rule.value,
        "why": masked_text(why.detail),
        "until": None if why.until is None else ms(why.until),
    }
    return Entry(ms(at), REFUSAL, fields)


def settlement(one: Settlement, day: str, owner: str, key: bytes, at: float) -> Entry:
    """An attempt ended. All times of `one` are seconds since the epoch; `day` is its counting day in the ledger."""
    fields: dict[str, Any] = {
        "campaign": one.campaign,
        "attempt": one.attempt,
        "lead": without_number(one.lead),
        "number": number_hash(key, one.lead.number),
        "disposition": one.disposition.value,
        "live": one.live,
        "abandoned": one.abandoned,
        "charged": one.charged,
        "message_played": one.message_played,
        "day": day,
        "times": {name: ms(when) for name in _TIMES if (when := getattr(one, f"{name}_at")) is not None},
        "agent": one.agent,
        "trunk": one.trunk,
        "cause": one.cause.value,
        "ended_by": one.ended_by.value,
        "sip_code": one.sip_code,
        "q850": one.q850,
        "reason": masked_text(one.reason),
        "owner": owner,
    }
    return Entry(ms(at), SETTLEMENT, fields)


def outcome(campaign: str, attempt: str, said: str, at: float) -> Entry:
    """An agent or the CRM said what came of an attempt; the last word counts."""
    return Entry(ms(at), OUTCOME, {"campaign": campaign, "attempt": attempt, "outcome": said})
