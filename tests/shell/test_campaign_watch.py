"""What keeps a campaign from running on this host."""

from __future__ import annotations

import os
import threading
import wave
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio

from compliance.api import Per
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.policies import AppliedSettings, Catalogue, applied
from config.redis import RedisSettings
from config.sip import TrunkSettings
from dialer.core.abandonment.windows import counting_day
from dialer.core.inputs import CampaignChanged, CampaignState, LedgerOfOthers
from dialer.disk.registers import NationalRegisters
from dialer.shell.clock import Clock
from dialer.shell.tasks import campaign_watch
from dialer.shell.tasks.campaign_watch import CampaignWatch, obstacles, unreliable
from dialer.store.base.connection import Store, close_store, open_store, trip
from dialer.store.gate import caller_ids
from dialer.store.leads import intake, leases
from dialer.store.operators import campaigns, status
from pacing.api import Mode
from tests.disk.made_registers import listed, made
from tests.shell.some_parts import inputs_of, some_parts

DAEMON = DaemonSettings(trunks=(TrunkSettings(name="carrier", host="127.0.0.1"),))


def write_wav(path: Path, *, rate_hz: int = 8000, channels: int = 1, frames: int = 800) -> str:
    """A WAV file of silence."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate_hz)
        sound.writeframes(bytes(2 * channels * frames))
    return str(path)


def campaign(**changes: object) -> CampaignSettings:
    """A campaign that can run, with changes."""
    settings = {"name": "spring", "mode": Mode.PROGRESSIVE, "caller_id": "+861012345678", **changes}
    return CampaignSettings.model_validate(settings)


def test_a_complete_campaign_has_no_obstacles(tmp_path: Path) -> None:
    """A trunk, a caller id and a playable message are all it takes."""
    message = write_wav(tmp_path / "sorry.wav")

    assert obstacles(applied(campaign(mode=Mode.PREDICTIVE, abandon_message=message)), DAEMON) == []


def test_every_reason_is_given_at_once(tmp_path: Path) -> None:
    """An operator sees all that is missing, not the first thing only."""
    missing = str(tmp_path / "missing.wav")

    reasons = obstacles(applied(campaign(caller_id="", trunk="other", abandon_message=missing)), DAEMON)

    assert len(reasons) == 3
    assert any("there is: carrier" in reason for reason in reasons)


def test_a_message_that_no_worker_could_play_is_refused(tmp_path: Path) -> None:
    """Stereo, odd rates, empty files and files that are no WAV are found before the first call."""
    files = [
        write_wav(tmp_path / "stereo.wav", channels=2),
        write_wav(tmp_path / "cd.wav", rate_hz=44100),
        write_wav(tmp_path / "empty.wav", frames=0),
    ]
    text = tmp_path / "text.wav"
    text.write_text("not audio")

    for path in [*files, str(text)]:
        assert obstacles(applied(campaign(mode=Mode.PREDICTIVE, abandon_message=path)), DAEMON) != []


def test_a_host_without_trunks_runs_nothing() -> None:
    """The reason names what is missing on this host."""
    assert obstacles(applied(campaign()), DaemonSettings()) == ["no trunk is configured"]


def test_a_campaign_whose_trunks_do_not_fit_is_not_dialled() -> None:
    """Every trunk that is not here is named; so is a caller id that none of its trunks may show."""
    trunks = [
        {"name": "north", "host": "127.0.0.1", "caller_ids": ["+861065550001"]},
        {"name": "south", "host": "127.0.0.1", "caller_ids": ["+861065550002"]},
        {"name": "any", "host": "127.0.0.1"},
    ]
    daemon = DaemonSettings.model_validate({"trunks": trunks})

    def reasons(caller_id: str, *names: str) -> list[str]:
        return obstacles(applied(campaign(caller_id=caller_id, trunks=names)), daemon)

    assert reasons("+861065550003", "north", "west", "east") == [
        "trunk 'west' is not configured here (there is: north, south, any)",
        "trunk 'east' is not configured here (there is: north, south, any)",
    ]
    assert reasons("+861065550003", "north", "south") == ["no trunk may show caller id +861065550003"]
    assert reasons("+861065550002", "north", "south") == []
    assert reasons("+861065550003") == []


def test_a_register_that_cannot_be_relied_on_is_an_obstacle_at_home(tmp_path: Path) -> None:
    """Where the campaign names it or is of its country; one of another country only keeps its own numbers back."""
    made(tmp_path / "old.reg", [1234567], "fr-list", "2020-01-01")
    shelf = NationalRegisters(
        (listed(tmp_path / "old.reg", "fr-list", "FR"), listed(tmp_path / "none.reg", "us-list", "US"))
    )

    def reasons(**changes: object) -> list[str]:
        return unreliable(applied(campaign(**changes)), shelf, 1_772_500_000.0)

    assert reasons() == []
    assert reasons(registers=()) == []
    assert reasons(default_region="FR") == ["the register fr-list of 2020-01-01 is 2253 days old, more than 31"]
    assert reasons(registers=("us-list",)) == [f"{tmp_path}/none.reg: is not there (made by: dialer register import)"]
    assert reasons(registers=("x",)) == ["the register 'x' is not configured here (there is: fr-list, us-list)"]
    shelf.close()


def test_the_engine_hears_of_every_window(valkey_url: str) -> None:
    """Periods count from the day the campaign was created; days end at the campaign's midnight."""
    store, clock = open_store(RedisSettings(url=valkey_url)), Clock.start()
    settings = campaign(time_zone="Pacific/Kiritimati")
    created = clock.wall() - 40 * 86_400
    campaigns.create(store, settings, who="test", now=created)

    parts = some_parts(store, settings=DAEMON)
    trio.run(CampaignWatch(parts).look)
    close_store(store)

    changed, told = inputs_of(parts)
    assert isinstance(changed, CampaignChanged)
    assert isinstance(told, LedgerOfOthers)
    zone = ZoneInfo("Pacific/Kiritimati")
    assert told.day in {counting_day(clock.wall() - s, zone) for s in (0, 60)}
    assert [row.window.label for row in told.windows] == ["calendar_day", "successive_30_days", "rolling_hour"]
    last = datetime.fromtimestamp(created, zone).date() + timedelta(59)
    assert told.windows[1].window.name.startswith(f"30 days to {last.day} ")


def test_caller_ids_that_rest_are_an_alarm_and_without_any_the_campaign_waits(store: Store) -> None:
    """One that the network blocked too often is an alarm while it rests; if all rest nothing is dialled, and the board
    says why. Woken, the campaign goes on by itself."""
    first, second, clock = "+861065550001", "+861065550002", Clock.start()
    now = clock.wall()
    settings = campaign(caller_id="", caller_ids=[{"number": first}, {"number": second}], caller_id_rest_min_calls=0)
    campaigns.create(store, settings, who="test", now=now)
    campaigns.set_state(store, "spring", CampaignState.RUNNING, who="test", now=now)
    trip(store, [("ZADD", store.keys.caller_id_blocks(), now - i, f"{first}|x{i}") for i in range(3)])
    watch = CampaignWatch(some_parts(store, settings=DAEMON))

    def looked() -> tuple[CampaignState, list[str]]:
        trio.run(watch.look)
        return watch.sent["spring"].state, sorted(watch.parts.health.alarms)

    assert looked() == (CampaignState.RUNNING, [f"caller id {first}"])
    alarm = watch.parts.health.alarms[f"caller id {first}"]
    assert "the network blocked 3 of its calls within a day" in alarm
    assert f"dialer callerid wake {first}" in alarm
    caller_ids.rest(store, second, caller_ids.Rest(now + 3600, "complaints", "ann", now))
    assert looked() == (CampaignState.PAUSED, [f"caller id {first}", "campaign spring"])
    assert f"{second} rests: complaints (ann)" in watch.parts.statistics.campaigns["spring"].problem
    caller_ids.wake(store, first)
    assert looked() == (CampaignState.RUNNING, [])


def test_holidays_that_run_out_are_an_alarm(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as a campaign runs whose rules close on them; it goes on being dialled."""
    clock = Clock.start()
    week = {"days": ["mon"], "opens": "09:00", "closes": "20:00", "closed_on_holidays": True}
    settings = campaign(hours=[week, {**week, "region": "FR"}])
    campaigns.create(store, settings, who="test", now=clock.wall())
    watch = CampaignWatch(some_parts(store, settings=DAEMON))
    known = {"CN": datetime.now().year - 1, "FR": 2100}
    monkeypatch.setattr("compliance.calling_hours.days_off.known_until", known.__getitem__)

    def looked() -> list[str]:
        trio.run(watch.look)
        return sorted(watch.parts.health.alarms)

    assert looked() == []
    campaigns.set_state(store, "spring", CampaignState.RUNNING, who="test", now=clock.wall())
    assert looked() == ["holidays CN"]
    assert "bring the package holidays up to date" in watch.parts.health.alarms["holidays CN"]
    assert watch.sent["spring"].state is CampaignState.RUNNING
    known["CN"] = 2100
    assert looked() == []


def test_leads_must_name_whom_the_caps_of_the_policies_count_per(store: Store) -> None:
    """So the intake can say it at once; of a campaign that nobody has looked at nothing is known."""
    clock = Clock.start()
    campaigns.create(
        store, campaign(policies=("us-telemarketing", "us-collections-regf")), who="test", now=clock.wall()
    )
    watch = CampaignWatch(some_parts(store, settings=DAEMON))

    assert watch.ids_needed("spring") == frozenset()
    trio.run(watch.look)
    assert watch.ids_needed("spring") == {Per.ACCOUNT}


def test_policies_are_applied_only_where_something_has_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at every look, at which the settings are read anew."""
    asked: list[str] = []

    def counted(settings: CampaignSettings, catalogue: Catalogue) -> AppliedSettings:
        asked.append(settings.caller_id)
        return applied(settings, catalogue)

    monkeypatch.setattr(campaign_watch, "applied", counted)
    clock = Clock.start()
    campaigns.create(store, campaign(), who="test", now=clock.wall())
    watch = CampaignWatch(some_parts(store, settings=DAEMON))

    trio.run(watch.look)
    trio.run(watch.look)
    assert len(asked) == 1
    campaigns.update(store, campaign(caller_id="+862155550199"), who="test", now=clock.wall())
    trio.run(watch.look)
    assert asked[1:] == ["+862155550199"]


def test_settings_that_say_the_same_are_not_applied_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they were read: many campaigns are no reason to apply the policies of each at every look."""
    asked: list[str] = []

    def counted(settings: CampaignSettings, catalogue: Catalogue) -> AppliedSettings:
        asked.append(settings.name)
        return applied(settings, catalogue)

    monkeypatch.setattr(campaign_watch, "applied", counted)
    clock = Clock.start()
    names = [f"c{number:03}" for number in range(70)]
    for name in names:
        campaigns.create(store, campaign(name=name), who="test", now=clock.wall())
    watch = CampaignWatch(some_parts(store, settings=DAEMON))

    trio.run(watch.look)
    campaigns.settings_of.cache_clear()
    trio.run(watch.look)
    assert asked == names


def test_stored_settings_are_read_once(store: Store) -> None:
    """Also where there are many campaigns."""
    for number in range(70):
        campaigns.create(store, campaign(name=f"c{number:03}"), who="test", now=1.0)

    first, second = campaigns.listing(store), campaigns.listing(store)

    assert all(one.settings is other.settings for one, other in zip(first, second, strict=True))


OURS = """
title = "Client A"
jurisdiction = "Our contract with client A"
not_legal_advice = "Not legal advice. A contract."
[[caps]]
limit = 1
calendar_days = 1
source = "Contract of 15 Jan 2026"
as_of = 2026-01-15
"""


def test_evidence_that_is_not_kept_for_long_enough_is_an_obstacle() -> None:
    """The policy says how long; this host's settings say less."""
    short = DAEMON.model_copy(update={"evidence": DAEMON.evidence.model_copy(update={"keep_days": 1000})})

    assert obstacles(applied(campaign(policies=("us-telemarketing",))), DAEMON) == []
    assert obstacles(applied(campaign(policies=("us-telemarketing",))), short) == [
        "evidence.keep_days is 1000 here, and its policies want 1826"
    ]


def test_a_campaign_runs_by_the_policies_of_this_host_as_they_are_now(store: Store, tmp_path: Path) -> None:
    """Without its policy it is not dialled, and the board says why; with it, it is; a changed file holds at once, a
    broken one stops it, and a campaign that is not started raises no alarm."""
    folder, clock = tmp_path / "policies", Clock.start()
    daemon = DAEMON.model_copy(update={"policies": DAEMON.policies.model_copy(update={"folder": str(folder)})})
    campaigns.create(store, campaign(policies=("cn-default", "client-a")), who="test", now=clock.wall())
    watch = CampaignWatch(some_parts(store, settings=daemon))

    def looked(text: str | None) -> str:
        folder.mkdir(exist_ok=True)
        (folder / "client-a.toml").unlink(missing_ok=True)
        if text is not None:
            (folder / "client-a.toml").write_text(text)
        trio.run(watch.look)
        return watch.parts.statistics.campaigns["spring"].problem

    assert looked(None) == ""
    campaigns.set_state(store, "spring", CampaignState.RUNNING, who="test", now=clock.wall())
    assert 'policies[1]: there is no policy "client-a" here' in looked(None)
    assert watch.sent == {}
    assert "campaign spring" in watch.parts.health.alarms

    assert looked(OURS) == ""
    assert watch.sent["spring"].state is CampaignState.RUNNING
    assert {cap.limit for cap in watch.sent["spring"].settings.policy().caps} == {1, 2}
    before = watch.sent["spring"].settings.version

    assert looked(OURS.replace("limit = 1", "limit = 3")) == ""
    assert {cap.limit for cap in watch.sent["spring"].settings.policy().caps} == {2, 3}
    assert watch.sent["spring"].settings.version != before

    assert "client-a.toml: caps[0].limit: must be at least 1" in looked(OURS.replace("limit = 1", "limit = 0"))
    assert watch.sent["spring"].state is CampaignState.PAUSED
    assert looked(OURS) == ""
    assert watch.sent["spring"].state is CampaignState.RUNNING


def vanished(store: Store, how: str) -> None:
    """A campaign is not in Redis any more: the server was emptied, or somebody deleted its key or its name."""
    match how:
        case "emptied":
            trip(store, [("FLUSHALL",)])
        case "deleted":
            trip(store, [("DEL", store.keys.campaign("spring"))])
        case _:
            trip(store, [("SREM", store.keys.campaigns(), "spring")])


@pytest.mark.parametrize("how", ["emptied", "deleted", "forgotten"])
def test_a_campaign_that_vanishes_is_not_dialled_any_more(store: Store, how: str) -> None:
    """At once, with an alarm that says so, until it is there again."""
    clock = Clock.start()
    campaigns.create(store, campaign(), who="test", now=clock.wall())
    campaigns.set_state(store, "spring", CampaignState.RUNNING, who="test", now=clock.wall())
    raw = trip(store, [("HGETALL", store.keys.campaign("spring"))])[0]
    watch = CampaignWatch(some_parts(store, settings=DAEMON))
    trio.run(watch.look)

    vanished(store, how)
    trio.run(watch.look)
    trio.run(watch.look)

    changes = [told for told in inputs_of(watch.parts) if isinstance(told, CampaignChanged)]
    assert [change.state for change in changes] == [CampaignState.RUNNING, CampaignState.PAUSED]
    assert watch.parts.health.alarms == {
        "campaign spring": "campaign spring cannot run here: it is not in Redis any more"
    }
    trip(store, [("HSET", store.keys.campaign("spring"), *raw), ("SADD", store.keys.campaigns(), "spring")])
    trio.run(watch.look)
    assert watch.parts.health.alarms == {}
    assert watch.sent["spring"].state is CampaignState.RUNNING


def test_the_intake_notices_first_that_a_campaign_has_vanished(store: Store) -> None:
    """It reads the list of campaigns far more often than anybody looks at each of them."""
    clock = Clock.start()
    campaigns.create(store, campaign(), who="test", now=clock.wall())
    campaigns.set_state(store, "spring", CampaignState.RUNNING, who="test", now=clock.wall())
    watch = CampaignWatch(some_parts(store, settings=DAEMON))
    trio.run(watch.look)

    trio.run(watch.halt_all_but, {"spring"})
    assert watch.sent["spring"].state is CampaignState.RUNNING
    trio.run(watch.halt_all_but, set())
    assert watch.sent["spring"].state is CampaignState.PAUSED


def test_a_message_that_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A pipe would never answer whoever opens it; nobody waits for it."""
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)

    for path in (pipe, tmp_path):
        (reason,) = obstacles(applied(campaign(mode=Mode.PREDICTIVE, abandon_message=str(path))), DAEMON)
        assert "is no regular file" in reason


def test_a_file_that_does_not_answer_holds_up_no_stop(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its campaign waits with a reason; the operator's word on others is heard at once. Nobody asks twice."""
    hanging, asked = threading.Event(), []

    def hangs(path: Path) -> list[str]:
        asked.append(path)
        assert hanging.wait(20.0)
        return []

    monkeypatch.setattr(campaign_watch, "unplayable", hangs)
    monkeypatch.setattr(campaign_watch, "FILE_LIMIT_S", 0.05)
    clock = Clock.start()
    message = str(tmp_path / "m.wav")
    for name in ("other", "spring"):
        settings = campaign(name=name, abandon_message=message) if name == "spring" else campaign(name=name)
        campaigns.create(store, settings, who="test", now=clock.wall())
        campaigns.set_state(store, name, CampaignState.RUNNING, who="test", now=clock.wall())
    watch = CampaignWatch(some_parts(store, settings=DAEMON))

    async def steps() -> None:
        with trio.fail_after(20.0):
            for _ in range(3):
                await watch.look()
            campaigns.set_state(store, "other", CampaignState.PAUSED, who="test", now=clock.wall())
            inputs_of(watch.parts)
            await watch.look()
            first = watch.parts.queues.inputs.receive_nowait()
            assert isinstance(first, CampaignChanged)
            assert (first.settings.name, first.state) == ("other", CampaignState.PAUSED)
            assert len(asked) == 1
            assert "has not answered for 0.05 s" in watch.parts.health.alarms["campaign spring"]
            hanging.set()
            while watch.parts.health.alarms:
                await watch.look()

    trio.run(steps)
    assert watch.sent["spring"].state is CampaignState.RUNNING


def test_leads_that_wait_for_old_rules_are_due_again_when_these_change(store: Store) -> None:
    """Also where the change came while no daemon ran; what says the same is judged once."""
    clock = Clock.start()
    now = clock.wall()
    campaigns.create(store, campaign(), who="test", now=now)
    intake.enqueue(store, "spring", [{"lead_id": f"L{i}", "phone": f"1380000000{i}"} for i in range(3)])
    intake.take_in(store, "spring", "one", now, 10)

    def put_off() -> None:
        ids = [lead.lead_id for lead in leases.lease(store, "spring", "one", 10, now, 60.0).leads]
        leases.postpone(store, "spring", "one", ids, until=now + 9000, why='["refused","hours","shut"]', now=now)

    def due(watch: CampaignWatch) -> int:
        trio.run(watch.look)
        return status.counts(store, "spring", now).due

    first = CampaignWatch(some_parts(store, settings=DAEMON))
    put_off()
    assert due(first) == 0
    campaigns.update(store, campaign(believe_stated_zone=False), who="test", now=now)
    assert due(first) == 3
    put_off()
    assert due(first) == 0
    campaigns.update(store, campaign(), who="test", now=now)
    assert due(CampaignWatch(some_parts(store, settings=DAEMON))) == 3


def test_leads_are_due_again_when_a_number_may_be_shown_again(store: Store) -> None:
    """Somebody ended its rest."""
    clock = Clock.start()
    now = clock.wall()
    campaigns.create(store, campaign(), who="test", now=now)
    campaigns.set_state(store, "spring", CampaignState.RUNNING, who="test", now=now)
    caller_ids.rest(store, "+861012345678", caller_ids.Rest(now + 9000, "complaints", "ann", now))
    intake.enqueue(store, "spring", [{"lead_id": "L0", "phone": "13800000000"}])
    intake.take_in(store, "spring", "one", now, 10)
    watch = CampaignWatch(some_parts(store, settings=DAEMON))
    trio.run(watch.look)
    leases.lease(store, "spring", "one", 10, now, 60.0)
    why = '["refused","caller_id","no_caller_id_now"]'
    leases.postpone(store, "spring", "one", ["L0"], until=now + 9000, why=why, now=now)

    caller_ids.wake(store, "+861012345678")
    trio.run(watch.look)

    assert status.counts(store, "spring", now).due == 1
