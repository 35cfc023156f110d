"""What goes on record: enough to judge a decision by, and no clear number."""

from __future__ import annotations

import json
from dataclasses import replace

from compliance.evidence import number_hash
from compliance.face import Cleared, Permit, Refusal, Reserved, Rule
from compliance.numbers import E164
from config.campaign import CampaignSettings
from dialer.core import evidence
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import Close, Disposition, Lead, Settlement
from sip.causes import Cause, Leg

KEY = bytes(range(32))
NUMBER = E164("+8613800001234")
LEAD = Lead("crm-8613800001234", "spring", (NUMBER,))
AT = 1_772_500_000.0
SETTINGS = CampaignSettings(name="spring", caller_id="+861065550000", abandon_message="/m.wav")


def test_a_permit_says_what_it_rests_on() -> None:
    """The rules passed, the settings in force, the number shown; of the number called only its hash."""
    permit = Permit(Cleared(NUMBER, AT, AT + 30, AT + 3600), Reserved("A1", NUMBER, AT, 2))

    entry = evidence.permit(Permitted(LEAD, permit), SETTINGS, "v1", "north", KEY)

    assert (entry.kind, entry.at_ms) == ("permit", 1_772_500_000_000)
    assert entry.fields["attempt"] == "A1"
    assert entry.fields["number"] == number_hash(KEY, NUMBER)
    assert entry.fields["passed"] == ["expired", "unknown_zone", "hours", "blocklist", "cap"]
    assert (entry.fields["policy"], entry.fields["caller_id"], entry.fields["ordinal"]) == ("v1", "+861065550000", 2)
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
    version = evidence.policy_version(SETTINGS)
    other = evidence.policy_version(SETTINGS.model_copy(update={"ring_timeout_s": 31.0}))

    assert version == evidence.policy_version(SETTINGS.model_copy()) != other
    entry = evidence.policy(SETTINGS, version, AT - 60, AT)
    assert CampaignSettings.model_validate(json.loads(json.dumps(entry.fields["settings"]))) == SETTINGS
    assert entry.fields["created"] == 1_772_499_940_000


def test_a_lead_id_without_a_number_stays() -> None:
    """It is what the CRM knows the lead by."""
    assert evidence.without_number(replace(LEAD, lead_id="crm-17")) == "crm-17"
