"""What the demo sets up before the first call: the campaign, the daemon's settings, the message, a past."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from compliance.cap_windows import DAY_S
from compliance.contacts import Contact, Mark, crc16, group_of, repacked
from compliance.numbers import E164
from config.abandonment import AbandonWindow, WindowKind
from config.campaign import CampaignSettings, RetrySettings, RetryTable
from config.rules import CapSettings, Day, HoursSettings
from dialer.store.base.connection import Store, trip
from dialer.store.base.keys import digits, place

CALLEES: Final = Path(__file__).with_name("callees.toml")
"""How people and phones behave."""

CAMPAIGN: Final = "spring-sale"
WHO: Final = "demo"
CALLER_ID: Final = "+861012345678"
HOME_ZONE: Final = "Asia/Shanghai"
MOST_PER_NUMBER: Final = 2
WINDOWS: Final = (WindowKind.CALENDAR_DAY, WindowKind.SUCCESSIVE_DAYS, WindowKind.ROLLING_HOUR)
OPEN_AROUND_NOW: Final = timedelta(hours=3)
LINES_PER_AGENT: Final = 5
CPS_PER_AGENT: Final = 2
TALK_LIMIT_S: Final = 30
"""How long talks may go on in the drain."""

ARCHIVE: Final = "archive"
ARCHIVE_FLUSH_S: Final = 2

EARLIER: Final = "winter-sale"
EARLIER_DAYS: Final = (20, 8)
"""How many days ago people who were called often enough were called."""

_TONE_HZ: Final = 440.0
_RATE_HZ: Final = 8000


def campaign_settings(message: Path, now: float) -> CampaignSettings:
    """The campaign. Its hours lie around the present moment in Shanghai, so that the demo works at any time of day."""
    return CampaignSettings(
        name=CAMPAIGN,
        caller_id=CALLER_ID,
        abandon_message=str(message),
        # The rules of the usual policy, but for its hours: the demo is to work at any time of day.
        policies=(),
        hours=hours_around(now),
        caps=(CapSettings(limit=MOST_PER_NUMBER, window_days=30.0, rest_days=90.0),),
        abandon_windows=tuple(AbandonWindow(kind=kind) for kind in WINDOWS),
        max_abandon_rate=0.03,
        # Who is busy is called again soon, so that a minute shows the second call and the cap that forbids the third.
        retry=RetryTable(busy=RetrySettings(delay_s=5.0, max_attempts=3)),
    )


def hours_around(now: float) -> tuple[HoursSettings, ...]:
    """Three hours before and after the present moment in Shanghai, on every day; over midnight they are two rows."""
    here = datetime.fromtimestamp(now, ZoneInfo(HOME_ZONE))
    opens, closes = (f"{at:%H:%M}" for at in (here - OPEN_AROUND_NOW, here + OPEN_AROUND_NOW))
    spans = [(opens, closes)] if opens < closes else [(opens, "24:00"), ("00:00", closes)]
    return tuple(HoursSettings(days=tuple(Day), opens=a, closes=b) for a, b in spans if a < b)


@dataclass(frozen=True, slots=True)
class EdgePorts:
    """Where an edge on loopback listens: `public` at its address there, the others on 127.0.0.1."""

    public: int
    inside: int
    control: int


def edge_toml(ports: EdgePorts, address: str) -> str:
    """The part of the daemon's settings file that puts an edge between the workers and the carrier."""
    return f"""
[edge]
used = true
address = "{address}"
port = {ports.public}
inside_port = {ports.inside}
control_port = {ports.control}
rtp_port_min = 20000
rtp_port_max = 29999
processes = 2
keep_alive_s = 2
"""


def daemon_toml(folder: Path, *, redis_url: str, carrier_port: int, agents: int) -> str:
    """The daemon's settings file."""
    lines = LINES_PER_AGENT * agents
    return f"""\
[redis]
url = "{redis_url}"

[host]
name = "dialer-1"
heartbeat_s = 1.0

[sip]
max_lines = {lines}
media_timeout_s = 0

[[trunks]]
name = "loopback"
host = "127.0.0.1"
port = {carrier_port}
max_cps = {CPS_PER_AGENT * agents}
max_calls = {lines}

[agents]
heartbeat_timeout_s = 20

[spool]
dir = "{folder / "spool"}"

[evidence]
folder = "{folder / "evidence"}"
key_file = "{folder / "evidence.key"}"

[archive]
folder = "{folder / ARCHIVE}"
flush_s = {ARCHIVE_FLUSH_S}
time_zone = "{HOME_ZONE}"

[metrics]
port = 0

[log]
format = "json"

[drain]
talk_limit_s = {TALK_LIMIT_S}
"""


def write_message(path: Path) -> None:
    """The message for callers whom no agent can take: two soft beeps stand in for a voice."""
    frames = bytearray()
    for beep in range(2):
        for i in range(_RATE_HZ * 6 // 10):
            fades = min(1.0, i / 400, (_RATE_HZ * 4 // 10 - i) / 400)
            level = 6000 * max(0.0, fades) * math.sin(2 * math.pi * _TONE_HZ * (1 + beep / 4) * i / _RATE_HZ)
            frames += struct.pack("<h", round(level))
    with wave.open(str(path), "wb") as message:
        message.setnchannels(1)
        message.setsampwidth(2)
        message.setframerate(_RATE_HZ)
        message.writeframes(bytes(frames))


def call_earlier(store: Store, numbers: Iterable[str], now: float) -> None:
    """Give numbers a contact history, as if another campaign had called them twice this month."""
    calls = []
    codes = (crc16(EARLIER), crc16(group_of(EARLIER, "")))
    past = repacked(
        Contact(math.ceil(now - days * DAY_S), *codes, crc16(f"winter-{days}"), crc16(CALLER_ID), Mark.ENDED, 1)
        for days in EARLIER_DAYS
    )
    for field in (digits(E164(number)) for number in numbers):
        calls.append(("HSET", store.keys.history(place(field)), field, past))
    trip(store, calls)
