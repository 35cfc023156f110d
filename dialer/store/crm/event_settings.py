"""How the CRM's events are written and kept: one choice for all hosts, in Redis beside the streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from dialer.store.base.connection import Store, trip
from dialer.store.base.records import whole_of

LIVE_KEPT: Final = 100_000
"""About how many events `crm:live` keeps, the newest: screens want to know what is, not what was."""

_KEPT: Final = "event_settings"

LEAST_KEPT: Final = 1_000
MOST_KEPT: Final = 100_000_000


class Format(StrEnum):
    """How the `data` of an event is written."""

    MSGPACK = "msgpack"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class EventSettings:
    """`kept`: about how many events `crm:out` keeps at least, the newest. `limit`: the most that it keeps for a
    registered reader that is behind. `live_stream`: whether all but dispositions goes to `crm:live`.
    `campaign_requests`: whether the CRM may start and pause campaigns."""

    format: Format = Format.MSGPACK
    kept: int = 1_000_000
    limit: int = 2_000_000
    live_stream: bool = True
    campaign_requests: bool = False

    def __post_init__(self) -> None:
        if not LEAST_KEPT <= self.kept <= self.limit <= MOST_KEPT:
            raise ValueError(
                f"kept ({self.kept:,}) and limit ({self.limit:,}): wanted is {LEAST_KEPT:,} <= kept <= limit <= "
                f"{MOST_KEPT:,}"
            )


DEFAULTS: Final = EventSettings()


def load(store: Store) -> EventSettings:
    """What holds now. A value that cannot be read is that of a fresh installation."""
    settings = _read(trip(store, [("HGETALL", store.keys.crm_settings())])[0])
    store.kept[_KEPT] = settings
    return settings


def loaded(store: Store) -> EventSettings:
    """What held when last looked at: daemons look every few seconds (`shell/tasks/crm_streams.py`), so that no event
    waits for a trip more."""
    settings = store.kept.get(_KEPT)
    return settings if isinstance(settings, EventSettings) else load(store)


def save(store: Store, settings: EventSettings) -> None:
    """Change what holds; every host sees it within seconds."""
    values = {name: str(int(value) if isinstance(value, bool) else value) for name, value in asdict(settings).items()}
    trip(store, [("HSET", store.keys.crm_settings(), *(part for pair in values.items() for part in pair))])
    store.kept[_KEPT] = settings


def adopt_format(store: Store, wanted: Format) -> Format:
    """Set the format where nobody has chosen one yet; returns the one that holds."""
    trip(store, [("HSETNX", store.keys.crm_settings(), "format", wanted.value)])
    return load(store).format


def _read(flat: list[bytes]) -> EventSettings:
    stored: Mapping[bytes, bytes] = dict(zip(flat[::2], flat[1::2], strict=True))
    if not stored:
        return DEFAULTS
    raw_format = stored.get(b"format", b"").decode(errors="replace")
    chosen = Format(raw_format) if raw_format in set(Format) else DEFAULTS.format
    kept, limit = whole_of(stored.get(b"kept"), DEFAULTS.kept), whole_of(stored.get(b"limit"), DEFAULTS.limit)
    live_stream = stored.get(b"live_stream") != b"0"
    campaign_requests = stored.get(b"campaign_requests") == b"1"
    try:
        return EventSettings(chosen, kept, limit, live_stream, campaign_requests)
    except ValueError:
        return EventSettings(chosen, live_stream=live_stream, campaign_requests=campaign_requests)
