"""What goes on record: enough to judge a decision by, and no clear number."""

from __future__ import annotations

import json
from dataclasses import replace

from compliance.api import Cleared, Permit, Refusal, Reserved, Rule
from compliance.evidence import number_hash
from compliance.numbers import E164
from config.campaign import CampaignSettings
from config.policies import AppliedSettings, applied, shipped
from dialer.core import evidence
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import Close, Disposition, Lead, Settlement
from sip.causes import Cause, Leg

KEY = bytes(range(32))
NUMBER = E164("+8613800001234")
LEAD = Lead("crm-8613800001234", "spring", (NUMBER,))
AT = 1_772_500_000.0
SETTINGS = applied(CampaignSettings(name="spring", caller_id="+861065550000", abandon_message="/m.wav"))


def test_a_permit_says_what_it_rests_on() -> None:
    """The rules passed, the settings in force, the number shown; of the number called only its hash."""
    permit = Permit(Cleared(NUMBER, AT, AT + 30, AT + 3600), Reserved("A1", NUMBER, AT, "+861066660000"))

    entry = evidence.permit(Permitted(LEAD, permit), SETTINGS, "v1", "north", KEY)

    assert (entry.kind, entry.at_ms) == ("permit", 1_772_500_000_000)
    assert entry.fields["attempt"] == "A1"
    assert entry.fields["number"] == number_hash(KEY, NUMBER)
    assert entry.fields["passed"] == ["expired", "consent", "destination", "unknown_zone", "hours", "blocklist", "cap"]
    assert (entry.fields["policy"], entry.fields["caller_id"]) == ("v1", "+861066660000")
    assert entry.fields["closes"] == 1_772_503_600_000
    assert "00001234" not in json.dumps(dict(entry.fields))


def test_a_refusal_says_its_rule() -> None:
    """And until when; numbers in free text are masked."""
    refused = Refused(LEAD, Refusal(Rule.BLOCKLIST, "asked for +8613800001234 to be left alone", None))

    entry = evidence.refusal(refused, "v1", KEY, AT)

    assert (entry.fields["rule"], entry.fields["until"]) == ("blocklist", None)
    assert "00001234" not in json.dumps(dict(entry.fields))


def test_a_settlement_is_the_whole_story() -> None:
    """Times in milliseconds, rounded down, and only those that there are."""
    settlement = Settlement(
        attempt="A1",
        lead=LEAD,
        trunk="north",
        disposition=Disposition.ABANDONED,
        next_step=Close("done"),
        live=True,
        abandoned=True,
        charged=True,
        cause=Cause.NORMAL,
        ended_by=Leg.DIALER,
        reason="to +8613800001234",
        reserved_at=AT,
        answered_at=AT + 10.0019,
        ended_at=AT + 13,
        message_played=True,
    )

    fields = evidence.settlement(settlement, "2026-03-03", "one:1", KEY, AT + 13).fields

    assert fields["times"] == {"reserved": 1_772_500_000_000, "answered": 1_772_500_010_001, "ended": 1_772_500_013_000}
    assert (fields["live"], fields["abandoned"], fields["message_played"], fields["day"]) == (
        True,
        True,
        True,
        "2026-03-03",
    )
    assert "00001234" not in json.dumps(dict(fields))
    assert "bridged" not in fields["times"]


def test_a_version_names_all_settings() -> None:
    """Any change makes another one; the record of the policy has what it names."""
    version = SETTINGS.version
    other = SETTINGS.model_copy(update={"ring_timeout_s": 31.0}).version

    assert version == SETTINGS.model_copy().version != other
    entry = evidence.policy(SETTINGS, version, AT - 60, AT)
    assert AppliedSettings.model_validate(json.loads(json.dumps(entry.fields["settings"]))) == SETTINGS
    assert entry.fields["created"] == 1_772_499_940_000
    (applied_then,) = entry.fields["settings"]["policy_versions"]
    assert applied_then == {"name": "cn-default", "version": shipped().get("cn-default").version}
    assert {row["policy"] for row in entry.fields["settings"]["caps"]} == {"cn-default"}
    assert all(row["source"] for row in entry.fields["settings"]["hours"])


def test_a_lead_id_without_a_number_stays() -> None:
    """It is what the CRM knows the lead by."""
    assert evidence.without_number(replace(LEAD, lead_id="crm-17")) == "crm-17"


def test_an_outcome_of_no_attempt_does_not_bring_a_number_on_record() -> None:
    """Somebody took a phone number for the attempt's id; ours stay readable."""
    ours = "19a3f5b7c21-1234-000017"

    assert evidence.outcome("spring", "13800001234", "sale", 0.0).fields["attempt"] == "*******1234"
    assert evidence.outcome("spring", ours, "sale", 0.0).fields["attempt"] == ours


def test_consent_goes_on_record_with_the_permit() -> None:
    """When it was given and where it is to be found."""
    lead = replace(LEAD, consent_at=AT - 60, consent_source="a call from 138 0000 1234")
    permit = Permit(Cleared(NUMBER, AT, AT + 30, AT + 3600), Reserved("A1", NUMBER, AT, "+861066660000"))

    fields = evidence.permit(Permitted(lead, permit), SETTINGS, "v1", "north", KEY).fields

    assert (fields["consent_at"], fields["consent_source"]) == (1_772_499_940_000, "a call from *******1234")


def test_an_opt_out_names_the_key_and_no_number():
    """Which attempt, which key, and the number as its keyed hash."""
    entry = evidence.opt_out("sales", "a-1", LEAD.number, "9", KEY, AT)
    assert (entry.at_ms, entry.kind) == (evidence.ms(AT), "opt_out")
    assert entry.fields == {
        "campaign": "sales",
        "attempt": "a-1",
        "number": number_hash(KEY, LEAD.number),
        "pressed": "9",
    }
