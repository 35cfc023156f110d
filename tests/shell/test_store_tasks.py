"""Leases and gates when the store does not answer."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import trio

from compliance.api import Rule
from compliance.blocks import of_number
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.policies import applied
from dialer.core.campaign_run import CampaignRun
from dialer.core.effects import Lease, Postpone, Reserve, Settle
from dialer.core.inputs import CampaignState, Input, LeadsLeased, Permitted, Refused, StoreFailed
from dialer.core.leads.lead_reasons import Kind, Why
from dialer.core.model import Disposition
from dialer.disk.registers import NationalRegisters
from dialer.shell.clock import Clock
from dialer.shell.parts import Queues
from dialer.shell.tasks.store_tasks import DOUBT_S, StoreTasks, attempt_ids
from dialer.store.base.connection import Store
from dialer.store.leads.leads import LeadState, story
from dialer.store.operators import campaigns, status
from dialer.store.privacy import blocklist
from dialer.store.settlement import settle
from dialer.store.settlement.recovery import open_attempts
from pacing.api import Mode
from tests.disk.made_registers import listed, made
from tests.rules import AT_ANY_HOUR
from tests.shell.fickle import Moods, fickle
from tests.shell.rig import noon_zone
from tests.shell.some_parts import inputs_of, nothing_forgotten, some_parts
from tests.store.conftest import OWNER, Floor, number

DEADLINE_S = 10.0
SPRING = CampaignSettings.model_validate(
    {"name": "spring", "mode": Mode.PROGRESSIVE, "caller_id": "+861065550000", **AT_ANY_HOUR}
)


class Wall:
    """A clock of the test's own."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self.ahead_s = clock, 0.0

    def now(self) -> float:
        return self._clock.now() + self.ahead_s

    def wall(self) -> float:
        return self._clock.wall() + self.ahead_s

    def is_off(self) -> bool:
        return self._clock.is_off()


@pytest.fixture
def floor(store: Store) -> Floor:
    """A campaign with three leads that may be called now."""
    campaigns.create(store, SPRING, who="test", now=0.0)
    floor = Floor(store, SPRING)
    floor.fill(3, timezone=noon_zone())
    return floor


def desk_on(store: Store, settings: CampaignSettings | None = None, **given: Any) -> StoreTasks:
    """The tasks of a daemon whose engine knows one campaign."""
    parts = some_parts(store, owner=OWNER, clock=Wall(Clock.start()), **given)
    applied_settings = applied(settings or SPRING)
    parts.engine.state.campaigns["spring"] = CampaignRun(applied_settings, CampaignState.RUNNING)
    return StoreTasks(parts, (f"A{number}" for number in count()), nothing_forgotten())


def told(desk: StoreTasks) -> list[Input]:
    return inputs_of(desk.parts)


def lease(desk: StoreTasks, number: int) -> None:
    wish(desk, Lease("spring", number))


def wish(desk: StoreTasks, wanted: Lease | Postpone) -> None:
    async def main() -> None:
        desk.parts.queues = queues = replaced(desk)
        async with queues.leases:
            await queues.leases.send(wanted)
        with trio.fail_after(DEADLINE_S):
            await desk.lease_leads()

    trio.run(main)


def replaced(desk: StoreTasks) -> Queues:
    """Queues to put one wish in: new ones, but for what goes to the engine."""
    queues, before = Queues(), desk.parts.queues
    queues.inbox, queues.inputs = before.inbox, before.inputs
    return queues


def screen(desk: StoreTasks, wish: Reserve) -> None:
    async def main() -> None:
        desk.parts.queues = queues = replaced(desk)
        async with queues.gates:
            await queues.gates.send(wish)
        with trio.fail_after(DEADLINE_S):
            await desk.pass_gates()

    trio.run(main)


def settled(desk: StoreTasks, after_s: float = DOUBT_S) -> list[Settle]:
    async def main() -> list[Settle]:
        await desk.settle_doubtful(after_s=after_s)
        waiting, settles = desk.parts.queues.facts_to_write, []
        while waiting.statistics().current_buffer_used:
            settles.append(waiting.receive_nowait())
        return settles  # type: ignore[return-value]

    return trio.run(main)


def test_attempt_ids_differ_between_runs() -> None:
    """Two runs that begin in the same millisecond give out different ids."""
    first, second = attempt_ids("19a"), attempt_ids("19a")

    assert next(first) != next(first)
    assert {next(first), next(first)}.isdisjoint({next(second), next(second)})


def test_a_lease_that_fails_is_said(floor: Floor, store: Store) -> None:
    """The engine hears of it and may ask again; no call starts."""
    moods = Moods(down=True)
    desk = desk_on(fickle(store, moods))

    lease(desk, 2)

    assert told(desk) == [StoreFailed("spring", (), lease=True)]
    assert not desk.parts.health.healthy


@pytest.mark.parametrize("lost", [0, 1])
def test_an_attempt_in_doubt_is_never_dialled_and_ends(floor: Floor, store: Store, lost: int) -> None:
    """The store did its work and its answer was lost: no permit, and later a settlement that gives everything back."""
    moods = Moods()
    desk = desk_on(fickle(store, moods))
    lease(desk, 2)
    (leased,) = told(desk)
    assert isinstance(leased, LeadsLeased)
    moods.lost = {moods.trips + lost}

    screen(desk, Reserve("spring", "main", leased.leads))

    assert told(desk) == [StoreFailed("spring", leased.leads, lease=False)]
    assert [one.attempt for one in desk.doubtful] == ["A0", "A1"]
    assert settled(desk) == [], "a late answer may still open them"
    desk.parts.clock.ahead_s = DOUBT_S + 1  # type: ignore[attr-defined]
    ends = settled(desk)
    assert [end.settlement.disposition for end in ends] == [Disposition.NOT_SENT] * 2
    assert not any(end.settlement.charged for end in ends)
    clock = Clock.start()
    settle.settle(store, [settle.settled(end.settlement, clock=clock.to_wall, day="2026-03-03") for end in ends], OWNER)
    assert open_attempts(store, "spring") == ()


def test_the_gates_ask_the_registers_of_this_host(floor: Floor, store: Store, tmp_path: Path) -> None:
    """What is on one is closed and no call; the day of its data is today, so that it may be relied on."""
    desk = desk_on(store)
    today = datetime.fromtimestamp(desk.parts.clock.wall(), UTC).date().isoformat()
    made(tmp_path / "cn.reg", [number(0)], as_of=today)
    desk.parts.shelf = NationalRegisters((listed(tmp_path / "cn.reg"),))
    lease(desk, 2)
    (leased,) = told(desk)
    assert isinstance(leased, LeadsLeased)

    screen(desk, Reserve("spring", "main", leased.leads))

    on, off = told(desk)
    assert isinstance(on, Refused)
    assert on.refusal.rule is Rule.REGISTER
    assert isinstance(off, Permitted)
    desk.parts.shelf.close()


def test_at_the_end_no_doubt_is_left(floor: Floor, store: Store) -> None:
    """A daemon that stops settles what is in doubt at once, or its next run would call it unknown."""
    moods = Moods()
    desk = desk_on(fickle(store, moods))
    lease(desk, 2)
    (leased,) = told(desk)
    moods.down = True
    screen(desk, Reserve("spring", "main", leased.leads))  # type: ignore[union-attr]

    assert [end.settlement.attempt for end in settled(desk, after_s=0.0)] == ["A0", "A1"]
    assert not desk.doubtful


def test_no_call_without_its_permit_on_record(floor: Floor, store: Store) -> None:
    """The disk does not take the permits: nobody dials, and the attempts end as never sent."""
    desk = desk_on(store)
    lease(desk, 2)
    (leased,) = told(desk)
    assert isinstance(leased, LeadsLeased)
    desk.parts.evidence.takes = False  # type: ignore[attr-defined]

    screen(desk, Reserve("spring", "main", leased.leads))

    assert told(desk) == [StoreFailed("spring", leased.leads, lease=False)]
    ends = settled(desk, after_s=0.0)
    assert [(end.settlement.attempt, end.settlement.disposition) for end in ends] == [
        ("A0", Disposition.NOT_SENT),
        ("A1", Disposition.NOT_SENT),
    ]
    assert "on record" in ends[0].settlement.reason


def test_while_nothing_can_be_put_on_record_nobody_comes_to_the_gates(floor: Floor, store: Store) -> None:
    """No attempt is reserved that could not be dialled."""
    desk = desk_on(store)
    lease(desk, 1)
    (leased,) = told(desk)
    desk.parts.evidence.failing = True  # type: ignore[misc]

    screen(desk, Reserve("spring", "main", leased.leads))  # type: ignore[union-attr]

    assert told(desk) == [StoreFailed("spring", leased.leads, lease=False)]  # type: ignore[union-attr]
    assert open_attempts(store, "spring") == ()


def test_a_clock_that_has_just_jumped_opens_no_gate_and_takes_no_lead(
    floor: Floor, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anybody has noticed: by that clock it may be another hour, and others' leases may have ended."""
    desk, wall = desk_on(store), time.time
    leads = floor.lease(1)
    monkeypatch.setattr(time, "time", lambda: wall() + 3600.0)
    screen(desk, Reserve("spring", "main", leads))
    lease(desk, 5)

    assert told(desk) == [StoreFailed("spring", leads, lease=False), StoreFailed("spring", (), lease=True)]
    assert list(open_attempts(store, "spring")) == []


def test_leads_pass_the_gates(floor: Floor, store: Store) -> None:
    """The usual way: leased, permitted, written down."""
    desk = desk_on(store)
    lease(desk, 3)
    (leased,) = told(desk)

    screen(desk, Reserve("spring", "main", leased.leads))  # type: ignore[union-attr]

    permits = told(desk)
    assert len(permits) == 3
    assert all(isinstance(permit, Permitted) for permit in permits)
    assert permits == desk.parts.evidence.entries, "on record"  # type: ignore[attr-defined]
    assert [row.kind for row in desk.parts.evidence.journal] == ["permit"] * 3  # type: ignore[attr-defined]
    assert {attempt.attempt for attempt in open_attempts(store, "spring")} == {"A0", "A1", "A2"}


def test_a_skipped_lead_waits_with_its_reason(floor: Floor, store: Store) -> None:
    """As long as the campaign says; it is not an attempt."""
    desk = desk_on(store)
    lease(desk, 1)
    (leased,) = told(desk)
    (lead,) = leased.leads  # type: ignore[union-attr]

    wish(
        desk,
        Postpone("spring", lead, 600.0, Why(Kind.SKIPPED, facts={"agent": "17", "reason": "not today"})),
    )

    row = story(store, "spring", lead.lead_id).row
    assert (row.state, row.why, row.tries) == (LeadState.WAITING, "skipped by agent 17: not today", 0)
    assert row.at == pytest.approx(desk.parts.clock.wall() + 600.0, abs=5.0)


def test_in_preview_only_leads_that_may_be_called_are_handed_out(floor: Floor, store: Store) -> None:
    """The rest is postponed or closed with its reason, and counted, as at the gates."""
    desk = desk_on(store, floor.settings.model_copy(update={"mode": Mode.PREVIEW}))
    blocklist.add(store, [of_number(number(1)).block(source="crm", reason="asked in writing", who="qa", at=1.0)])

    wish(desk, Lease("spring", 3))

    refused, leased = told(desk)
    assert isinstance(refused, Refused)
    assert (refused.lead.lead_id, refused.refusal.rule) == ("L1", Rule.BLOCKLIST)
    assert isinstance(leased, LeadsLeased)
    assert {lead.lead_id for lead in leased.leads} == {"L0", "L2"}
    assert story(store, "spring", "L1").row.state is LeadState.CLOSED
    assert status.counts(store, "spring", desk.parts.clock.wall()).refused_by == {"blocklist": 1}


@pytest.mark.parametrize(
    ("trunk", "shown"),
    [("north", {"+861065550000"}), ("south", {"+861065550001"}), ("any", {"+861065550000", "+861065550001"})],
)
def test_only_caller_ids_that_the_trunk_may_show_are_shown(store: Store, trunk: str, shown: set[str]) -> None:
    """The campaign has two, which take turns; a trunk with a list shows those on it."""
    rows = ({"number": "+861065550000"}, {"number": "+861065550001"})
    given = {"name": "spring", "mode": Mode.PROGRESSIVE, "caller_ids": rows, **AT_ANY_HOUR}
    pool = CampaignSettings.model_validate(given)
    campaigns.create(store, pool, who="test", now=0.0)
    Floor(store, pool).fill(4, timezone=noon_zone())
    trunks = [
        {"name": "north", "host": "127.0.0.1", "caller_ids": ["+861065550000"]},
        {"name": "south", "host": "127.0.0.1", "caller_ids": ["+861065550001", "+861065550009"]},
        {"name": "any", "host": "127.0.0.1"},
    ]
    desk = desk_on(store, pool)
    host = desk.parts.settings
    desk.parts.settings = host.model_copy(update={"trunks": DaemonSettings.model_validate({"trunks": trunks}).trunks})
    lease(desk, 4)
    (leased,) = told(desk)

    screen(desk, Reserve("spring", trunk, leased.leads))  # type: ignore[union-attr]

    assert {permitted.permit.caller_id for permitted in told(desk)} == shown  # type: ignore[union-attr]
