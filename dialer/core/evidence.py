"""What goes on record of each compliance decision and of each attempt's end. Pure.

| kind | when | what |
|---|---|---|
| `policy` | a campaign's settings are in force | its version and all of its settings |
| `permit` | both gates let a number pass, before the INVITE | attempt, rules passed, policy version, caller id |
| `refusal` | a gate said no | rule, why, until when |
| `settlement` | an attempt ended | disposition, cause, all times, live answer or abandoned |
| `inbound` | a call from outside ended | how, the number that was called, who had it, all times |
| `started`, `stopped` | the daemon runs, or came to an orderly end | its owner name, HOST:RUN |
| `opt_out` | whoever was called pressed the key that says so | attempt, key |
| `purged` | what was kept long enough was deleted | what, of which campaign, how many, from before when |
| `recording` | a recording is on disk for good | its file and SHA-256, length, what is missing of it |
| `erased` | a person was erased on request | numbers, who asked, why, what was deleted |
| `audited` | a line came into the audit trail | its id, user, who, what, detail |
| `outcome` | an agent or the CRM said what came of it | the word; a machine leaves the live answers |

Times are milliseconds since the epoch (UTC). Numbers are keyed hashes, see `compliance.evidence`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from compliance.api import Rule
from compliance.evidence import Entry, customer_hash, number_hash
from compliance.gate import RULES
from compliance.numbers import E164, masked_data, masked_text
from config.policies import AppliedSettings
from dialer.core.attempt_fields import TIMES, fields_of
from dialer.core.inbound.ending import end_of
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import NOBODY, Lead, Settlement, shown_attempt
from dialer.language.refusals import detail

POLICY: Final = "policy"
PERMIT: Final = "permit"
REFUSAL: Final = "refusal"
SETTLEMENT: Final = "settlement"
INBOUND: Final = "inbound"
OPT_OUT: Final = "opt_out"
PURGED: Final = "purged"
RECORDING: Final = "recording"
ERASED: Final = "erased"
OUTCOME: Final = "outcome"
AUDITED: Final = "audited"
STARTED: Final = "started"
STOPPED: Final = "stopped"

PASSED: Final = tuple(rule for rule, _ in RULES if rule is not Rule.REGISTER)
"""The rules that every permitted number has passed; where registers are configured, theirs as well."""


def ms(at: float) -> int:
    """Seconds since the epoch as whole milliseconds, rounded down: a moment stays in its slot and its day."""
    return math.floor(at * 1000)


def without_number(lead: Lead) -> str:
    """The lead's id, masked where the CRM uses the phone number for it."""
    return masked_text(lead.lead_id) if lead.number.is_in(lead.lead_id) else lead.lead_id


def started(owner: str, at: float) -> Entry:
    """A run of the daemon begins."""
    return Entry(ms(at), STARTED, {"owner": owner})


def stopped(owner: str, at: float) -> Entry:
    """It ends in good order. A run without this record was cut off."""
    return Entry(ms(at), STOPPED, {"owner": owner})


def policy(settings: AppliedSettings, version: str, created_at: float, at: float) -> Entry:
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
    permitted: Permitted,
    settings: AppliedSettings,
    version: str,
    trunk: str,
    key: bytes,
    passed: Sequence[Rule] = PASSED,
) -> Entry:
    """A number may be dialled. The time is that of the reservation."""
    permit, lead = permitted.permit, permitted.lead
    fields: dict[str, Any] = {
        "campaign": settings.name,
        "attempt": permit.attempt,
        "lead": without_number(lead),
        "number": number_hash(key, permit.number),
        "policy": version,
        "passed": [rule.value for rule in passed],
        "valid_until": ms(permit.valid_until),
        "trunk": trunk,
        "caller_id": permit.caller_id,
    }
    if lead.consent_at is not None:
        fields["consent_at"] = ms(lead.consent_at)
        fields["consent_source"] = masked_text(lead.consent_source)
    if permit.cleared.closes_at is not None:
        fields["closes"] = ms(permit.cleared.closes_at)
    return Entry(ms(permit.reserved.at), PERMIT, fields)


def refusal(refused: Refused, version: str, key: bytes, at: float) -> Entry:
    """A number may not be dialled now, or not at all (`until` null)."""
    why, lead = refused.refusal, refused.lead
    fields = {
        "campaign": lead.campaign,
        "lead": without_number(lead),
        "number": number_hash(key, lead.number),
        "policy": version,
        "rule": why.rule.value,
        "case": masked_text(why.case),
        "facts": masked_data(dict(why.facts), masked_text),
        "why": masked_text(detail(why)),
        "until": None if why.until is None else ms(why.until),
    }
    return Entry(ms(at), REFUSAL, fields)


def settlement(ended: Settlement, day: str, owner: str, key: bytes, at: float) -> Entry:
    """An attempt ended. All times of `ended` are seconds since the epoch; `day` is its counting day in the ledger. The
    number is empty where the lead is gone."""
    fields: dict[str, Any] = {
        "campaign": ended.campaign,
        "attempt": ended.attempt,
        "lead": without_number(ended.lead),
        "number": "" if ended.lead.number == NOBODY else number_hash(key, ended.lead.number),
        **fields_of(ended, "crossed_cancel", "caller_id"),  # its permit has the caller id
        "day": day,
        "times": {name.removesuffix("_at"): ms(at) for name in TIMES if (at := getattr(ended, name)) is not None},
        "owner": owner,
    }
    if ended.inbound:
        words = {"disposition": end_of(ended).value, "called": ended.caller_id, "wants_callback": ended.wants_callback}
        fields |= words
        return Entry(ms(at), INBOUND, fields)
    return Entry(ms(at), SETTLEMENT, fields)


def opt_out(campaign: str, attempt: str, number: E164, pressed: str, key: bytes, at: float) -> Entry:
    """Whoever was called pressed a key not to be called again, or (`pressed` empty) their phone said 607."""
    fields = {"campaign": campaign, "attempt": attempt, "number": number_hash(key, number), "pressed": pressed}
    return Entry(ms(at), OPT_OUT, fields)


def outcome(campaign: str, attempt: str, word: str, at: float) -> Entry:
    """An agent or the CRM said what came of an attempt; the last word counts."""
    return Entry(ms(at), OUTCOME, {"campaign": campaign, "attempt": shown_attempt(attempt), "outcome": word})


def audited(entry: str, user: str, who: str, what: str, line: Mapping[str, Any], at: float) -> Entry:
    """A line of the audit trail, as it came: whoever cuts the trail short or writes another one does not reach this."""
    names = {"entry": entry, "user": masked_text(user), "who": masked_text(who), "what": masked_text(what)}
    return Entry(ms(at), AUDITED, {**names, "detail": masked_data(dict(line), masked_text)})


def purged(what: str, campaign: str, count: int, before: float, at: float) -> Entry:
    """So many `what` were deleted because they were from before an instant (seconds since the epoch)."""
    return Entry(ms(at), PURGED, {"what": what, "campaign": campaign, "count": count, "before": ms(before)})


def recording(
    campaign: str, attempt: str, file: str, sha256: str, duration_s: float, missing_s: float, at: float
) -> Entry:
    """The recording of an attempt's talk is on disk for good, as `file` with this digest."""
    fields = {
        "campaign": campaign,
        "attempt": attempt,
        "file": file,
        "sha256": sha256,
        "duration": ms(duration_s),
        "missing": ms(missing_s),
    }
    return Entry(ms(at), RECORDING, fields)


def erased(
    name: str,
    numbers: Sequence[E164],
    customer: str,
    who: str,
    reason: str,
    deleted: Mapping[str, int],
    key: bytes,
    at: float,
) -> Entry:
    """A person was erased, on the request that is called `name`; `customer` empty: not asked for by it. `deleted` says
    how many of what."""
    fields = {
        "erasure": name,
        "numbers": [number_hash(key, number) for number in numbers],
        "customer": customer_hash(key, customer) if customer else "",
        "who": who,
        "reason": masked_text(reason),
        "deleted": dict(deleted),
    }
    return Entry(ms(at), ERASED, fields)
