"""What keeps a campaign from running on this host."""

from __future__ import annotations

import wave
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import trio

from config.campaign import CampaignSettings
from config.daemon import DaemonSettings, RedisSettings, TrunkSettings
from dialer.core.inputs import CampaignChanged, Input, LedgerOfOthers
from dialer.core.windows import counting_day
from dialer.shell.campaign_watch import CampaignWatch, obstacles, unreliable
from dialer.shell.clock import Clock
from dialer.shell.tally import Tally
from dialer.store import campaigns
from dialer.store.connection import close_store, open_store
from dialer.store.registers import Shelf
from pacing.face import Mode
from tests.store.shelf import listed, made

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

    assert obstacles(campaign(mode=Mode.PREDICTIVE, abandon_message=message), DAEMON) == []


def test_every_reason_is_given_at_once(tmp_path: Path) -> None:
    """An operator sees all that is missing, not the first thing only."""
    missing = str(tmp_path / "missing.wav")

    reasons = obstacles(campaign(caller_id="", trunk="other", abandon_message=missing), DAEMON)

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
        assert obstacles(campaign(mode=Mode.PREDICTIVE, abandon_message=path), DAEMON) != []


def test_a_host_without_trunks_runs_nothing() -> None:
    """The reason names what is missing on this host."""
    assert obstacles(campaign(), DaemonSettings()) == ["no trunk is configured"]


def test_a_register_that_cannot_be_relied_on_is_an_obstacle_at_home(tmp_path: Path) -> None:
    """Where the campaign names it or is of its country; one of another country only keeps its own numbers back."""
    made(tmp_path / "old.reg", [1234567], "fr-list", "2020-01-01")
    shelf = Shelf((listed(tmp_path / "old.reg", "fr-list", "FR"), listed(tmp_path / "none.reg", "us-list", "US")))

    def reasons(**changes: object) -> list[str]:
        return unreliable(campaign(**changes), shelf, 1_772_500_000.0)

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
    inbox, inputs = trio.open_memory_channel[Input](10)
    tally = Tally("one", clock, clock.wall())

    trio.run(CampaignWatch(store, "one:1", clock, DAEMON, inbox, tally).look)
    close_store(store)

    assert isinstance(inputs.receive_nowait(), CampaignChanged)
    told = inputs.receive_nowait()
    assert isinstance(told, LedgerOfOthers)
    zone = ZoneInfo("Pacific/Kiritimati")
    assert told.day in {counting_day(clock.wall() - s, zone) for s in (0, 60)}
    assert [row.label for row in told.windows] == ["calendar_day", "successive_30_days", "rolling_hour"]
    last = datetime.fromtimestamp(created, zone).date() + timedelta(59)
    assert told.windows[1].name.startswith(f"30 days to {last.day} ")
    assert tally.zones == {"spring": zone}
