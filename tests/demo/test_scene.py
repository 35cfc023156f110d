"""What the demo sets up: hours that are open now, settings that are valid, a message that can be played."""

from __future__ import annotations

import wave
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from compliance.api import Per, Refusal
from compliance.calling_hours.hours import Open, check
from compliance.calling_hours.places import Places
from compliance.caps import Scope, verdict
from compliance.numbers import E164
from config.load import load
from config.policies import applied
from config.redis import RedisSettings
from dialer.demo import scene
from dialer.demo.lead_list import FAR_ZONES
from dialer.store.base.connection import close_store, open_store
from dialer.store.base.keys import digits
from dialer.store.gate.contacts import history
from tests.rules import CN_DEFAULT

HOUR_S = 3600.0
WINTER = datetime(2026, 1, 15, tzinfo=UTC).timestamp()
SUMMER = datetime(2026, 7, 15, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("day", [WINTER, SUMMER])
@pytest.mark.parametrize("hour", range(24))
def test_open_here_and_closed_far_away(day: float, hour: int) -> None:
    """At any hour of the day, people in Shanghai may be called for two hours more, people far away may not."""
    now = day + hour * HOUR_S + 1234
    hours = applied(scene.campaign_settings(Path("/m.wav"), now)).policy().hours

    here = check(hours, Places((scene.HOME_ZONE,)), now, 25.0)
    assert isinstance(here, Open)
    assert here.closes_at - now > 2 * HOUR_S
    for zone in FAR_ZONES:
        assert isinstance(check(hours, Places((zone,)), now, 25.0), Refusal), (
            zone,
            datetime.fromtimestamp(now, ZoneInfo(zone)),
        )


def test_settings_are_valid(tmp_path: Path) -> None:
    """The daemon reads the settings file without a problem."""
    path = tmp_path / "dialer.toml"
    path.write_text(scene.daemon_toml(tmp_path, redis_url="redis://127.0.0.1:7/0", carrier_port=5060, agents=12))

    settings = load(path, {}, {}).settings

    assert settings.trunks[0].port == 5060
    assert settings.sip.max_lines == 60
    assert settings.spool.dir == str(tmp_path / "spool")


def test_message_can_be_played(tmp_path: Path) -> None:
    """The abandon message is 16 bit mono at 8 kHz and is not silence."""
    scene.write_message(tmp_path / "m.wav")

    with wave.open(str(tmp_path / "m.wav"), "rb") as message:
        frames = message.readframes(message.getnframes())
        assert (message.getnchannels(), message.getsampwidth(), message.getframerate()) == (1, 2, 8000)
    assert len(set(frames)) > 100


def test_earlier_calls_reach_the_cap(valkey_url: str) -> None:
    """A number with the given past is refused by the default caps."""
    store, number, now = open_store(RedisSettings(url=valkey_url)), E164("+8613800001234"), WINTER
    try:
        scene.call_earlier(store, [number.clear], now)

        attempts = history(store, digits(number))
    finally:
        close_store(store)

    assert len(attempts) == 2
    assert verdict({Per.NUMBER: attempts}, CN_DEFAULT.caps, scope=Scope(0, 0), now=now, zone=None) is not None
