"""`dialer why` and the preflight say what the gate does, and when it will do otherwise: on a real server."""

from __future__ import annotations

import random
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from compliance.api import Cleared, Refusal, Rule
from compliance.blocks import Block, BlockKind
from compliance.contacts import Contact, Mark, crc16, repacked
from config.campaign import CampaignSettings
from config.policies import AppliedSettings, applied
from dialer.core.inputs import CampaignState, Permitted, Refused
from dialer.core.leads.next_allowed import NextAllowed
from dialer.core.leads.preflight import Preflight
from dialer.core.model import Lead
from dialer.disk.registers import NationalRegisters
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import UnknownLead
from dialer.store.base.keys import digits, place
from dialer.store.gate.evaluation import Screening
from dialer.store.gate.gate import screen
from dialer.store.leads import intake, leases, preflight, why
from dialer.store.operators import campaigns
from dialer.store.privacy import blocklist
from pacing.api import Mode
from tests.disk.made_registers import listed, made
from tests.store.conftest import OWNER, number

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 3, 11, 0, tzinfo=SHANGHAI).timestamp()
NIGHT = datetime(2026, 3, 3, 21, 30, tzinfo=SHANGHAI).timestamp()
DAY_S = 86_400
NO_REGISTERS = NationalRegisters()


@pytest.fixture
def settings(store: Store) -> AppliedSettings:
    """A campaign under the default policy: 9 to 12 and 14 to 20 h, twice in 30 days, then 90 days of rest."""
    return campaign(store, "spring")


def campaign(store: Store, name: str, **more: Any) -> AppliedSettings:
    made = CampaignSettings(
        name=name, mode=Mode.PROGRESSIVE, caller_id="+861065550000", time_zone="Asia/Shanghai", **more
    )
    campaigns.create(store, made, who="test", now=NOON)
    return applied(made)


def fill(store: Store, campaign: str, *leads: dict[str, Any], now: float = NOON) -> None:
    intake.enqueue(store, campaign, leads)
    report = intake.take_in(store, campaign, OWNER, now, 1000)
    assert report.accepted == len(leads)


def attempted(store: Store, index: int, *ago_s: float, marks: Mark = Mark.ENDED, now: float = NOON) -> None:
    """Attempts in a number's history, so many seconds before `now`."""
    field = digits(number(index))
    contacts = [Contact(int(now - ago), crc16("other"), crc16("@other"), 1, 1, int(marks), 1) for ago in ago_s]
    trip(store, [("HSET", store.keys.history(place(field)), field, repacked(sorted(contacts)))])


def block(store: Store, index: int, until: float | None = None) -> None:
    blocklist.add(
        store, [Block(BlockKind.NUMBER, digits(number(index)), "", "test", "asked", "test", NOON - DAY_S, until)]
    )


def by_the_gate(
    store: Store, settings: AppliedSettings, now: float, count: int = 1000
) -> dict[str, Permitted | Refused]:
    """What the gate says of leads that are due, each by its id."""
    leads = leases.lease(store, settings.name, OWNER, count, now, 120.0).leads
    ids = [f"A-{lead.lead_id}" for lead in leads]
    screening = Screening(store, settings, settings.policy(), now)
    answers = screen(screening, leads, trunk="main", owner=OWNER, attempt_ids=ids)
    return {answer.lead.lead_id: answer for answer in answers}


def look(store: Store, settings: AppliedSettings, text: str, now: float) -> tuple[why.Asked, why.Reasons]:
    asked = why.find(store, settings, text, campaigns.names(store))
    return asked, why.reasons(store, settings, asked, NO_REGISTERS, now)


def flown(store: Store, settings: AppliedSettings, now: float) -> Preflight:
    flight, stretches = preflight.plan(store, settings, now)
    whole = Preflight(flight.at, flight.edges)
    for stretch in stretches:
        whole.add(preflight.judge_stretch(store, flight, NO_REGISTERS, stretch))
    return whole


def mixed(store: Store, settings: AppliedSettings, chance: random.Random, leads: int) -> None:
    """Leads with all kinds of pasts."""
    for i in range(leads):
        more: dict[str, Any] = {}
        if chance.random() < 0.2:
            more["timezone"] = chance.choice(["America/New_York", "Europe/Berlin", "Asia/Urumqi"])
        if chance.random() < 0.1:
            more["expires_at"] = NOON + 3600
        fill(store, settings.name, {"lead_id": f"L{i}", "phone": number(i).clear, **more})
        if chance.random() < 0.6:
            ago = [chance.uniform(0, 150 * DAY_S) for _ in range(chance.randrange(1, 4))]
            attempted(store, i, *ago, marks=chance.choice([Mark.ENDED, Mark.ENDED | Mark.NETWORK_BLOCKED]))
        if chance.random() < 0.15:
            block(store, i, chance.choice([None, NOON + 5 * DAY_S, NOON - 60]))


@pytest.mark.parametrize("now", [NOON, NIGHT])
def test_why_and_the_preflight_agree_with_the_gate(store: Store, settings: AppliedSettings, now: float) -> None:
    """Lead by lead: who is permitted has no refusal, and who is refused has the gate's among them."""
    mixed(store, settings, random.Random(5), 80)
    told = {f"L{i}": look(store, settings, f"L{i}", now)[1] for i in range(80)}
    before = flown(store, settings, now)

    gate = by_the_gate(store, settings, now)

    for lead_id, answer in gate.items():
        refusals = told[lead_id].refusals
        if isinstance(answer, Permitted):
            assert not refusals, lead_id
        else:
            assert answer.refusal in refusals, lead_id
    refused = [answer.refusal for answer in gate.values() if isinstance(answer, Refused)]
    assert before.judged == len(gate) == 80
    assert before.diallable == 80 - len(refused)
    assert {rule: row.leads for rule, row in before.rules.items()} == {
        rule: sum(one.rule is rule for one in refused) for rule in {one.rule for one in refused}
    }
    assert len(before.rules) >= (1 if now == NIGHT else 3)


def test_the_moment_that_is_foreseen_is_the_first(store: Store, settings: AppliedSettings) -> None:
    """The gate permits then, and refuses a second before; who is said to be refused for good is closed."""
    mixed(store, settings, random.Random(9), 60)
    seen = {f"L{i}": look(store, settings, f"L{i}", NIGHT) for i in range(60)}
    checked = 0
    for lead_id, (asked, reasons) in seen.items():
        foresight = reasons.foresight
        assert foresight is not None
        if foresight.at is None:
            assert foresight.never, lead_id
            continue
        assert permitted_at(store, settings, asked.lead, foresight.at), lead_id
        if foresight.at > NIGHT:
            checked += 1
            assert not permitted_at(store, settings, asked.lead, foresight.at - 1), lead_id
    assert checked > 20


def permitted_at(store: Store, settings: AppliedSettings, lead: Lead, at: float) -> bool:
    """Whether the gate would let a lead pass at a moment; what it did is undone."""
    screening = Screening(store, settings, settings.policy(), at)
    return isinstance(screening.foreseen(screening.facts([lead]))[0], Cleared)


def test_a_cap_that_ends_at_night_waits_for_the_morning(store: Store, settings: AppliedSettings) -> None:
    """Both steps are foreseen, in order."""
    fill(store, "spring", {"lead_id": "L1", "phone": number(1).clear})
    attempted(store, 1, 10 * DAY_S, 20 * DAY_S, now=NIGHT)

    foresight = look(store, settings, "L1", NOON)[1].foresight

    assert foresight is not None
    assert [step.rule for step in foresight.steps] == [Rule.CAP, Rule.HOURS]
    assert foresight.at is not None
    assert f"{datetime.fromtimestamp(foresight.at, SHANGHAI):%H:%M}" == "09:00"


def test_a_lead_that_waits_is_judged_at_its_time(store: Store, settings: AppliedSettings) -> None:
    """Nothing is against it now, but it is not due before the night, so it is called in the morning."""
    fill(store, "spring", {"lead_id": "L1", "phone": number(1).clear, "not_before": NIGHT})

    asked, told = look(store, settings, "L1", NOON)

    assert asked.row is not None
    assert not told.refusals
    assert told.foresight is not None
    assert told.foresight.at == datetime(2026, 3, 4, 9, 0, tzinfo=SHANGHAI).timestamp()


def test_registers_are_asked_as_of_now(store: Store, settings: AppliedSettings, tmp_path: Path) -> None:
    """One that is good today does not stand against a call in three months; one that is too old today does, and nobody
    can say until when; on it is for good."""
    made(tmp_path / "cn.reg", [number(2)])
    fill(store, "spring", *({"lead_id": f"L{i}", "phone": number(i).clear} for i in (1, 2)))
    attempted(store, 1, DAY_S, 2 * DAY_S)
    good, old = (
        NationalRegisters((listed(tmp_path / "cn.reg"),)),
        NationalRegisters((listed(tmp_path / "cn.reg", max_age_days=1),)),
    )

    def seen(lead_id: str, shelf: NationalRegisters) -> NextAllowed | None:
        asked = why.find(store, settings, lead_id, ())
        return why.reasons(store, settings, asked, shelf, NOON).foresight

    capped, doubted, on_it = seen("L1", good), seen("L1", old), seen("L2", good)

    assert capped is not None
    assert capped.at is not None
    assert capped.at > NOON + 80 * DAY_S
    assert doubted is not None
    assert doubted.left is not None
    assert (doubted.at, doubted.never, doubted.left.rule) == (None, False, Rule.REGISTER_OUTDATED)
    assert on_it is not None
    assert on_it.never


def test_a_number_is_looked_up(store: Store, settings: AppliedSettings) -> None:
    """By any of a lead's numbers, as people write them; a number that is no lead is judged alone; other campaigns that
    have it are named."""
    campaign(store, "autumn")
    fill(store, "spring", {"lead_id": "L1", "phones": [number(1).clear, number(2).clear]})
    fill(store, "autumn", {"lead_id": "X", "phone": number(2).clear})
    block(store, 3)

    second = look(store, settings, "138 0000 0002", NOON)[0]
    bare, told = look(store, settings, number(3).clear, NOON)

    assert (second.lead.lead_id, second.lead.number, second.is_next, second.elsewhere) == (
        *("L1", number(2), False),
        ("autumn",),
    )
    assert (bare.row, bare.is_next) == (None, True)
    assert [refusal.rule for refusal in told.refusals] == [Rule.BLOCKLIST]
    with pytest.raises(UnknownLead, match="no phone number"):
        look(store, settings, "L2", NOON)


def test_closed_leads_and_open_calls_have_no_foresight(store: Store, settings: AppliedSettings) -> None:
    """What comes next is not the rules' to say."""
    fill(store, "spring", *({"lead_id": f"L{i}", "phone": number(i).clear} for i in range(2)))
    block(store, 1)
    by_the_gate(store, settings, NOON)

    told = [look(store, settings, f"L{i}", NOON + 1) for i in range(2)]

    assert [str(asked.row and asked.row.state) for asked, _ in told] == ["in_attempt", "closed"]
    assert [reasons.foresight for _, reasons in told] == [None, None]


def test_the_preflight_changes_nothing_and_leaves_out_calls(store: Store, settings: AppliedSettings) -> None:
    """Every key is as before; a lead in a call is nobody's to judge, one on lease is."""
    fill(store, "spring", *({"lead_id": f"L{i}", "phone": number(i).clear} for i in range(10)))
    by_the_gate(store, settings, NOON, count=3)
    leases.lease(store, "spring", OWNER, 2, NOON, 120.0)
    before = content(store)

    found = flown(store, settings, NOON)

    assert content(store) == before
    assert (found.judged, found.diallable) == (7, 7)


def content(store: Store) -> dict[bytes, bytes]:
    names = sorted(trip(store, [("KEYS", "*")])[0])
    return dict(zip(names, trip(store, [("DUMP", name) for name in names]), strict=True))


def test_numbers_that_other_running_campaigns_have(store: Store, settings: AppliedSettings) -> None:
    """Counted once, however many have them; campaigns that do not run do not count."""
    for name in ("autumn", "winter", "summer"):
        campaign(store, name)
    for name in ("autumn", "winter"):
        campaigns.set_state(store, name, CampaignState.RUNNING, who="test", now=NOON)
    fill(store, "spring", *({"lead_id": f"L{i}", "phone": number(i).clear} for i in range(6)))
    fill(store, "autumn", *({"lead_id": f"L{i}", "phone": number(i).clear} for i in range(3)))
    fill(store, "winter", {"lead_id": "L0", "phone": number(2).clear}, {"lead_id": "L1", "phone": number(4).clear})
    fill(store, "summer", {"lead_id": "L0", "phone": number(5).clear})

    found = flown(store, settings, NOON)

    assert found.shared_numbers == 4
    assert found.shared == {"autumn": 3, "winter": 2}


def test_more_leads_than_a_stretch(store: Store, settings: AppliedSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches and pages put together are the list, each lead once."""
    monkeypatch.setattr(preflight, "PAGE", 7)
    monkeypatch.setattr(preflight, "STRETCH", 20)
    fill(store, "spring", *({"lead_id": f"L{i}", "phone": number(i).clear} for i in range(50)))
    fill(
        store, "spring", *({"lead_id": f"W{i}", "phone": number(100 + i).clear, "not_before": NIGHT} for i in range(9))
    )
    trip(store, [("HSET", store.keys.lead("spring"), "L3", b"\xc1")])

    found = flown(store, settings, NOON)

    assert (found.judged, found.diallable, found.later, found.unreadable) == (58, 49, 9, 1)


def test_a_campaign_without_a_number_to_show(store: Store, settings: AppliedSettings) -> None:
    """The rule of caller ids is part of both."""
    fill(store, "spring", {"lead_id": "L1", "phone": number(1).clear})
    abroad = replace_caller_ids(settings)

    told = look(store, abroad, "L1", NOON)[1]
    found = flown(store, abroad, NOON)

    assert [refusal.rule for refusal in told.refusals] == [Rule.CALLER_ID] == list(found.rules)
    assert isinstance(told.findings[-1].refusal, Refusal)


def replace_caller_ids(settings: AppliedSettings) -> AppliedSettings:
    """The same campaign with a number that may be shown in the US alone."""
    rows = [{"number": "+12025550123", "countries": ["US"]}]
    return AppliedSettings.model_validate({**settings.model_dump(), "caller_id": "", "caller_ids": rows})
