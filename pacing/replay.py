"""The pacer's contract as lines of JSON, for other dialers and for replays: a configuration, what happened, ticks.

Pure: a line and what the lines before it left behind (`Past`) give an observation or a snapshot, or `BadLine` with the
reason. A line that is not exactly understood is refused, for a call counted twice or not at all is an abandoned call
too many. What each line means is in docs/pacing.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import inf, isfinite
from typing import Any, Final, NoReturn

from pacing.api import (
    AnswerCorrected,
    AnswerKind,
    CallAbandoned,
    CallAnswered,
    CallFailed,
    Guarantee,
    Ledger,
    Mode,
    Observation,
    Settings,
    Snapshot,
    TalkEnded,
    WrapupEnded,
)
from pacing.learning.answered_calls import CALLS_KEPT, AnsweredCalls

LINE_MOST_BYTES: Final = 1 << 20
"""The longest line, its line feed not counted."""

LATEST_S: Final = 1e11
"""The farthest time and the longest duration: far beyond any clock in seconds, short of any epoch in milliseconds."""

LEADS_UNLIMITED: Final = 10**9
"""Stands for leads without end: more than lines can ever be."""

MAX_LINES_MOST: Final = 1_000_000
SECONDS_MOST: Final = 600.0
CALLS_PER_AGENT_MOST: Final = 50.0
TRUNK_MOST: Final = 64
CONFIG_KEYS: Final = (
    "type",
    "mode",
    "max_abandon_rate",
    "guarantee",
    "abandon_after_s",
    "ring_timeout_s",
    "ratio",
    "max_calls_per_agent",
    "max_lines",
    "seed",
)
AGENT_STATES: Final = ("ready", "talking", "wrapup", "paused")
CALL_STATES: Final = ("ringing", "waiting")
EVENTS: Final = (
    "answered",
    "call_failed",
    "connected",
    "talk_ended",
    "wrapup_ended",
    "abandoned",
    "answer_kind",
)
KINDS: Final = tuple(AnswerKind)
_MISSING: Final = object()
_NUMBERS: Final = (int, float)
_IDS: Final = (str, int, float)


class BadLine(ValueError):
    """A line that is refused; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the lines so far left behind.

    `ledger` counts the `answered` and `abandoned` lines since the configuration, but for the calls that are known to
    have been answered by a machine. `t` is the time of the last line that had one, as it was written there (seconds
    from any origin); None before the first. `calls` are the newest answers, for what is said of them later.
    """

    max_lines: int
    ledger: Ledger = field(default_factory=Ledger)
    t: float | None = None
    calls: AnsweredCalls = field(default_factory=AnsweredCalls)


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
    for name in fields:
        if name not in CONFIG_KEYS:  # a mistyped knob would silently be the default
            near = get_close_matches(name, CONFIG_KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(CONFIG_KEYS)}"
            raise BadLine(f"the configuration has no key {_shown(name)}: {hint}")
    usual = Settings()
    settings = Settings(
        mode=Mode(_one_of(fields, "mode", tuple(Mode), usual.mode)),
        max_abandon_rate=_number(fields, "max_abandon_rate", 0.0, 1.0, usual.max_abandon_rate),
        guarantee=Guarantee(_one_of(fields, "guarantee", tuple(Guarantee), usual.guarantee)),
        abandon_after_s=_number(fields, "abandon_after_s", 0.0, SECONDS_MOST, usual.abandon_after_s),
        ring_timeout_s=_number(fields, "ring_timeout_s", 1.0, SECONDS_MOST, usual.ring_timeout_s),
        ratio=_number(fields, "ratio", 0.0, CALLS_PER_AGENT_MOST, usual.ratio),
        max_calls_per_agent=_number(
            fields, "max_calls_per_agent", 0.0, CALLS_PER_AGENT_MOST, usual.max_calls_per_agent
        ),
    )
    _whole(fields, "seed", 0, 2**63 - 1, 1)  # taken and not used: this pacer draws nothing at random
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
    if kind in {"answered", "abandoned", "answer_kind"}:
        return _answer(kind, fields, past, t)
    past = Past(past.max_lines, past.ledger, t, past.calls)
    return past, _snapshot(fields, past, t) if kind == "tick" else _observation(kind, fields, t)


def _answer(kind: str, fields: Mapping[str, object], past: Past, t: float) -> tuple[Past, Observation | None]:
    """A line about an answered call, which the ledger counts unless a machine answered."""
    call = _identify(fields.get("call", _MISSING), "call")
    trunk = _trunk(fields, "trunk")
    if kind == "answered":
        ring_s = _number(fields, "ring_s", 0.0, LATEST_S)
        who = AnswerKind(_one_of(fields, "kind", KINDS, AnswerKind.UNKNOWN))
        calls = past.calls.answer(call, t, ring_s, who, trunk)
        return _counted(past, t, calls, who, 1, 0), CallAnswered(t, ring_s, trunk, who)
    known = past.calls.get(call)
    if kind == "abandoned":
        _number(fields, "wait_s", 0.0, LATEST_S)
        if known is None:  # as if a person had answered
            return _counted(past, t, past.calls, AnswerKind.UNKNOWN, 0, 1), CallAbandoned(t)
        calls = past.calls.change(call, known._replace(abandoned=known.abandoned + 1))
        lost = None if known.kind is AnswerKind.MACHINE else CallAbandoned(t)
        return _counted(past, t, calls, known.kind, 0, 1), lost
    who = AnswerKind(_one_of(fields, "kind", KINDS))
    if known is None:
        raise BadLine(f"call {_shown(call)} is not among the {CALLS_KEPT:,} calls that were answered last")
    past = _counted(past, t, past.calls.change(call, known._replace(kind=who)), known.kind, -1, -known.abandoned)
    past = _counted(past, t, past.calls, who, 1, known.abandoned)
    if who is known.kind:
        return past, None
    return past, AnswerCorrected(t, known.at, known.ring_s, known.kind, who, known.trunk)


def _counted(past: Past, t: float, calls: AnsweredCalls, kind: AnswerKind, answered: int, abandoned: int) -> Past:
    """The past at `t` with so many more answered and abandoned calls, unless it was a machine that answered."""
    ledger = past.ledger
    if kind is not AnswerKind.MACHINE:
        ledger = Ledger(ledger.answered + answered, ledger.abandoned + abandoned)
    return Past(past.max_lines, ledger, t, calls)


def _observation(kind: str, fields: Mapping[str, object], t: float) -> Observation | None:
    if kind != "wrapup_ended":
        _identify(fields.get("call", _MISSING), "call")
    if kind in {"connected", "talk_ended", "wrapup_ended"}:
        _identify(fields.get("agent", _MISSING), "agent")
    trunk = _trunk(fields, "trunk")
    match kind:
        case "call_failed":
            outcome = fields.get("outcome", _MISSING)
            if not isinstance(outcome, str):
                _refuse(outcome, "outcome", "a text")
            return CallFailed(t, _number(fields, "ring_s", 0.0, LATEST_S), trunk)
        case "talk_ended":
            return TalkEnded(t, _number(fields, "talk_s", 0.0, LATEST_S))
        case "wrapup_ended":
            return WrapupEnded(t, _number(fields, "wrapup_s", 0.0, LATEST_S))
    _number(fields, "wait_s", 0.0, LATEST_S)
    return None


def _snapshot(fields: Mapping[str, object], past: Past, t: float) -> Snapshot:
    agents, _ = _ages(fields, "agents", AGENT_STATES, t)
    calls, trunks = _ages(fields, "calls", CALL_STATES, t)
    in_flight = sum(map(len, calls.values()))
    return Snapshot(
        now=float(t),
        ready=len(agents["ready"]),
        talking_age_s=tuple(agents["talking"]),
        wrapup_age_s=tuple(agents["wrapup"]),
        paused=len(agents["paused"]),
        ringing_age_s=tuple(calls["ringing"]),
        waiting_age_s=tuple(calls["waiting"]),
        lines_free=_whole(fields, "lines", 0, MAX_LINES_MOST, max(0, past.max_lines - in_flight)),
        leads_available=_whole(fields, "leads", 0, LEADS_UNLIMITED, LEADS_UNLIMITED),
        ledger=past.ledger,
        ringing_trunk=tuple(trunks) if any(trunks) else (),
        next_trunk=_trunk(fields, "trunk"),
        hour=_whole(fields, "hour", 0, 23, -1) if "hour" in fields else -1,
        staffed_s=_number(fields, "staffed_s", 0.0, LATEST_S) if "staffed_s" in fields else inf,
    )


def _ages(
    fields: Mapping[str, object], name: str, states: tuple[str, ...], t: float
) -> tuple[dict[str, list[float]], list[str]]:
    """Seconds since each state began, by state, and the trunk of every ringing call. Made for hundreds of rows: a good
    one is taken at a glance, a bad one is looked at again for what to say of it."""
    rows = fields.get(name, _MISSING)
    if not isinstance(rows, list):
        _refuse(rows, name, "an array")
    ages: dict[str, list[float]] = {state: [] for state in states}
    trunks: list[str] = []
    ids: set[object] = set()
    for place, row in enumerate(rows):
        try:
            state, since, known = row["state"], row["since"], row["id"]
            of_state = ages[state]
            good = type(since) in _NUMBERS and type(known) in _IDS and -LATEST_S <= since <= t
        except (TypeError, KeyError, IndexError):
            good = False
        if not good or (type(known) is float and not isfinite(known)):
            raise BadLine(_fault_in(row, f"{name}[{place}]", states, t))
        ids.add(known)
        if len(ids) == place:
            raise BadLine(f"{name}[{place}].id is {_shown(known)} a second time")
        of_state.append(float(t - since))
        if state == "ringing":
            trunks.append(_trunk(row, f"{name}[{place}].trunk") if "trunk" in row else "")
    return ages, trunks


def _fault_in(row: Any, name: str, states: tuple[str, ...], t: float) -> str:
    """What is wrong with a row of a tick."""
    try:
        if not isinstance(row, dict):
            _refuse(row, name, "an object")
        _identify(row.get("id", _MISSING), f"{name}.id")
        state, since = row.get("state", _MISSING), row.get("since", _MISSING)
        if not isinstance(state, str) or state not in states:
            _refuse(state, f"{name}.state", f"one of {', '.join(states)}")
        if not isinstance(since, int | float) or isinstance(since, bool):
            _refuse(since, f"{name}.since", "a number")
    except BadLine as bad:
        return str(bad)
    return f"{name}.since must be from {-LATEST_S:g} to t = {t}, not {_shown(since)}"


def _fields(line: object) -> Mapping[str, object]:
    if not isinstance(line, dict):
        _refuse(line, "a line", "an object")
    return line


def _kind(fields: Mapping[str, object]) -> str:
    kind = fields.get("type", _MISSING)
    if not isinstance(kind, str):
        _refuse(kind, "type", "a text")
    return kind


def _identify(value: object, name: str) -> object:
    """An id, a number or a text; anything else is refused."""
    good = isinstance(value, str | int) and not isinstance(value, bool)
    if not good and not (isinstance(value, float) and isfinite(value)):
        _refuse(value, name, "a number or a text")
    return value


def _trunk(fields: Mapping[str, object], name: str) -> str:
    """The name of a trunk, empty if there is none; `name` is where it stands, its last part the key."""
    trunk = fields.get(name.rpartition(".")[2], "")
    if not isinstance(trunk, str):
        _refuse(trunk, name, "a text")
    if len(trunk) > TRUNK_MOST:
        raise BadLine(f"{name} is longer than {TRUNK_MOST} characters")
    return trunk


def _one_of(fields: Mapping[str, object], name: str, choices: tuple[str, ...], usual: str | None = None) -> str:
    value = fields.get(name, _MISSING if usual is None else usual)
    if not isinstance(value, str) or value not in choices:
        _refuse(value, name, f"one of {', '.join(choices)}")
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
