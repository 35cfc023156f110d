"""The pacer's contract as lines of JSON, for other dialers and for replays: a configuration, what happened, ticks.

Pure: a line and what the lines before it left behind (`Past`) give an observation or a snapshot, or `BadLine` with the
reason. A line that is not exactly understood is refused, for a call counted twice or not at all is an abandoned call
too many. What each line means is in docs/pacing.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Final, NoReturn

from pacing.face import (
    CallAbandoned,
    CallAnswered,
    CallFailed,
    Ledger,
    Mode,
    Observation,
    Settings,
    Snapshot,
    TalkEnded,
    WrapupEnded,
)

LINE_MOST_BYTES: Final = 1 << 20
"""The longest line, its line feed not counted."""

LATEST_S: Final = 1e11
"""The farthest time and the longest duration: far beyond any clock in seconds, short of any epoch in milliseconds."""

LEADS_UNLIMITED: Final = 10**9
"""Stands for leads without end: more than lines can ever be."""

MAX_LINES_MOST: Final = 1_000_000
SECONDS_MOST: Final = 600.0
AGENT_STATES: Final = ("ready", "talking", "wrapup", "paused")
CALL_STATES: Final = ("ringing", "waiting")
EVENTS: Final = ("answered", "call_failed", "connected", "talk_ended", "wrapup_ended", "abandoned")
_MISSING: Final = object()


class BadLine(ValueError):
    """A line that is refused; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the lines so far left behind.

    `ledger` counts the `answered` and `abandoned` lines since the configuration. `t` is the time of the last line that
    had one, as it was written there (seconds from any origin); None before the first.
    """

    max_lines: int
    ledger: Ledger = field(default_factory=Ledger)
    t: float | None = None


def parse(line: bytes) -> object:
    """The JSON value of one line, with or without its end. Raises `BadLine`."""
    if len(line.removesuffix(b"\n")) > LINE_MOST_BYTES:
        raise BadLine(f"longer than {LINE_MOST_BYTES} bytes")
    if not line.strip():
        raise BadLine("empty")
    try:
        value: object = json.loads(line.decode("utf-8"), parse_constant=_no_number)
    except BadLine:
        raise
    except json.JSONDecodeError as error:
        raise BadLine(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except UnicodeDecodeError as error:
        raise BadLine(f"not UTF-8: {error.reason} at byte {error.start + 1}") from None
    except RecursionError:
        raise BadLine("nested too deep") from None
    except ValueError as error:  # a whole number of more digits than Python converts
        raise BadLine(f"not JSON: {error}") from None
    return value


def read_config(line: object) -> tuple[Settings, Past]:
    """The first line: the pacer's settings, and an empty past. Raises `BadLine`."""
    fields = _fields(line)
    if _kind(fields) != "config":
        raise BadLine(f"the first line must be of type config, not {_shown(fields['type'])}")
    usual = Settings()
    mode = fields.get("mode", usual.mode.value)
    if not isinstance(mode, str) or mode not in tuple(Mode):
        raise BadLine(f"mode must be one of {', '.join(Mode)}, not {_shown(mode)}")
    settings = Settings(
        mode=Mode(mode),
        max_abandon_rate=_number(fields, "max_abandon_rate", 0.0, 1.0, usual.max_abandon_rate),
        abandon_after_s=_number(fields, "abandon_after_s", 0.0, SECONDS_MOST, usual.abandon_after_s),
        ring_timeout_s=_number(fields, "ring_timeout_s", 1.0, SECONDS_MOST, usual.ring_timeout_s),
        seed=_whole(fields, "seed", 0, 2**63 - 1, usual.seed),
    )
    return settings, Past(_whole(fields, "max_lines", 0, MAX_LINES_MOST, 2000))


def read(line: object, past: Past) -> tuple[Past, Observation | Snapshot | None]:
    """Any line but the first: the past after it, and what the pacer is told.

    A tick is a `Snapshot`, an event an observation; None for `connected`, from which the pacer learns nothing. Raises
    `BadLine`.
    """
    fields = _fields(line)
    kind = _kind(fields)
    if kind == "config":
        raise BadLine("config may only be the first line")
    if kind != "tick" and kind not in EVENTS:
        raise BadLine(f"type must be tick or one of {', '.join(EVENTS)}, not {_shown(kind)}")
    t = _number(fields, "t", -LATEST_S, LATEST_S)
    if past.t is not None and t < past.t:
        raise BadLine(f"t falls from {past.t} to {t}")
    if kind == "tick":
        past = Past(past.max_lines, past.ledger, t)
        return past, _snapshot(fields, past, t)
    observation = _observation(kind, fields, t)
    ledger = past.ledger
    if kind == "answered":
        ledger = Ledger(ledger.answered + 1, ledger.abandoned)
    elif kind == "abandoned":
        ledger = Ledger(ledger.answered, ledger.abandoned + 1)
    return Past(past.max_lines, ledger, t), observation


def _observation(kind: str, fields: Mapping[str, object], t: float) -> Observation | None:
    if kind != "wrapup_ended":
        _identify(fields.get("call", _MISSING), "call")
    if kind in {"connected", "talk_ended", "wrapup_ended"}:
        _identify(fields.get("agent", _MISSING), "agent")
    match kind:
        case "answered":
            return CallAnswered(t, _number(fields, "ring_s", 0.0, LATEST_S))
        case "call_failed":
            outcome = fields.get("outcome", _MISSING)
            if not isinstance(outcome, str):
                _refuse(outcome, "outcome", "a text")
            return CallFailed(t, _number(fields, "ring_s", 0.0, LATEST_S))
        case "talk_ended":
            return TalkEnded(t, _number(fields, "talk_s", 0.0, LATEST_S))
        case "wrapup_ended":
            return WrapupEnded(t, _number(fields, "wrapup_s", 0.0, LATEST_S))
    _number(fields, "wait_s", 0.0, LATEST_S)
    return CallAbandoned(t) if kind == "abandoned" else None


def _snapshot(fields: Mapping[str, object], past: Past, t: float) -> Snapshot:
    agents = _ages(fields, "agents", AGENT_STATES, t)
    calls = _ages(fields, "calls", CALL_STATES, t)
    in_flight = sum(map(len, calls.values()))
    return Snapshot(
        now=float(t),
        ready=len(agents["ready"]),
        talking_age_s=tuple(agents["talking"]),
        wrapup_age_s=tuple(agents["wrapup"]),
        paused=len(agents["paused"]),
        ringing_age_s=tuple(calls["ringing"]),
        waiting_age_s=tuple(calls["waiting"]),
        lines_free=max(0, past.max_lines - in_flight),
        leads_available=LEADS_UNLIMITED,
        ledger=past.ledger,
    )


def _ages(fields: Mapping[str, object], name: str, states: tuple[str, ...], t: float) -> dict[str, list[float]]:
    """Seconds since each state began, by state. A row is checked where it is good, and named where it is bad."""
    rows = fields.get(name, _MISSING)
    if not isinstance(rows, list):
        _refuse(rows, name, "an array")
    ages: dict[str, list[float]] = {state: [] for state in states}
    ids: set[object] = set()
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            _refuse(row, f"{name}[{place}]", "an object")
        ids.add(_identify(row.get("id", _MISSING), name, place))
        if len(ids) == place:
            raise BadLine(f"{name}[{place}].id is {_shown(row['id'])} a second time")
        state, since = row.get("state", _MISSING), row.get("since", _MISSING)
        if not isinstance(state, str) or state not in ages:
            _refuse(state, f"{name}[{place}].state", f"one of {', '.join(states)}")
        if not isinstance(since, int | float) or isinstance(since, bool):
            _refuse(since, f"{name}[{place}].since", "a number")
        if not -LATEST_S <= since <= t:
            raise BadLine(f"{name}[{place}].since must be from {-LATEST_S:g} to t = {t}, not {_shown(since)}")
        ages[state].append(float(t - since))
    return ages


def _fields(line: object) -> Mapping[str, object]:
    if not isinstance(line, dict):
        _refuse(line, "a line", "an object")
    return line


def _kind(fields: Mapping[str, object]) -> str:
    kind = fields.get("type", _MISSING)
    if not isinstance(kind, str):
        _refuse(kind, "type", "a text")
    return kind


def _identify(value: object, name: str, place: int | None = None) -> object:
    """An id as it is, which is a number or a text; one in a tick is named by its place."""
    good = isinstance(value, str | int) and not isinstance(value, bool)
    if not good and not (isinstance(value, float) and isfinite(value)):
        _refuse(value, name if place is None else f"{name}[{place}].id", "a number or a text")
    return value


def _number(fields: Mapping[str, object], name: str, low: float, high: float, usual: float | None = None) -> float:
    value = fields.get(name, _MISSING if usual is None else usual)
    if not isinstance(value, int | float) or isinstance(value, bool):
        _refuse(value, name, "a number")
    if not low <= value <= high:
        raise BadLine(f"{name} must be from {low:g} to {high:g}, not {_shown(value)}")
    return value


def _whole(fields: Mapping[str, object], name: str, low: int, high: int, usual: int) -> int:
    value = fields.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool):
        _refuse(value, name, "a whole number")
    if not low <= value <= high:
        raise BadLine(f"{name} must be from {low} to {high}, not {_shown(value)}")
    return value


def _refuse(value: object, name: str, wanted: str) -> NoReturn:
    if value is _MISSING:
        raise BadLine(f"{name} is missing")
    raise BadLine(f"{name} must be {wanted}, not {_shown(value)}")


def _shown(value: object) -> str:
    """A value for a message: short, in ASCII, on one line."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > 1e300:
        return "a huge number"
    return json.dumps(value if not isinstance(value, str) or len(value) <= 40 else value[:40] + "...")


def _no_number(word: str) -> NoReturn:
    raise BadLine(f"not JSON: {word} is no number")
