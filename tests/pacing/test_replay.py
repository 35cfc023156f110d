"""Lines of JSON become what a pacer is told, or a reason why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from pacing.learning.answered_calls import AnsweredCalls
from pacing.policies import make
from pacing.replay import (
    AGENT_STATES,
    CONFIG_KEYS,
    EVENTS,
    LATEST_S,
    LEADS_UNLIMITED,
    LINE_MOST_BYTES,
    BadLine,
    Past,
    parse,
    read,
    read_config,
)
from tests.pacing.cases import EXPERIENCED

GOOD: dict[str, dict[str, Any]] = {
    "answered": {"type": "answered", "t": 10.5, "call": 7, "ring_s": 8},
    "call_failed": {"type": "call_failed", "t": 10.5, "call": "c-7", "outcome": "machine", "ring_s": 25.0},
    "connected": {"type": "connected", "t": 10.5, "call": 7, "agent": "ann", "wait_s": 0.2},
    "talk_ended": {"type": "talk_ended", "t": 10.5, "call": 7, "agent": "ann", "talk_s": 93.1},
    "wrapup_ended": {"type": "wrapup_ended", "t": 10.5, "agent": 1.5, "wrapup_s": 0},
    "abandoned": {"type": "abandoned", "t": 10.5, "call": 7, "wait_s": 2.0},
    "answer_kind": {"type": "answer_kind", "t": 10.5, "call": 7, "kind": "machine"},
    "tick": {
        "type": "tick",
        "t": 100,
        "agents": [
            {"id": 1, "state": "ready", "since": 90.5},
            {"id": 2, "state": "talking", "since": 40},
            {"id": "3", "state": "wrapup", "since": 100},
            {"id": 3, "state": "paused", "since": -5},
        ],
        "calls": [{"id": 1, "state": "ringing", "since": 97.5}, {"id": "x", "state": "waiting", "since": 99}],
    },
}
CONFIG: dict[str, Any] = {
    "type": "config",
    "max_abandon_rate": 0.01,
    "abandon_after_s": 3,
    "ring_timeout_s": 30,
    "max_lines": 10,
    "mode": "ratio",
    "guarantee": "hard",
    "ratio": 1.2,
    "max_calls_per_agent": 4,
    "seed": 5,
}
PAST = Past(10, Ledger(50, 1), 10.0, AnsweredCalls().answer(7, 9.5, 6.0, AnswerKind.UNKNOWN, "north"))

T = TypeVar("T")

finite = st.floats(allow_nan=False, allow_infinity=False)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def refused(line: object, past: Past = PAST) -> str:
    with pytest.raises(BadLine) as bad:
        read(line, past)
    return str(bad.value)


def test_a_configuration_needs_its_type_only() -> None:
    """What is left out is as the pacer's own settings have it; 2000 lines."""
    assert read_config({"type": "config"}) == (Settings(), Past(2000, Ledger(), None))


def test_a_configuration_is_taken_over() -> None:
    """Every key; a seed is taken and not used."""
    settings, past = read_config(CONFIG)

    assert set(CONFIG) == set(CONFIG_KEYS)
    assert settings == Settings(
        mode=Mode.RATIO,
        max_abandon_rate=0.01,
        guarantee=Guarantee.HARD,
        abandon_after_s=3,
        ring_timeout_s=30,
        ratio=1.2,
        max_calls_per_agent=4,
    )
    assert past == Past(10)


@pytest.mark.parametrize("mode", tuple(Mode))
def test_every_mode(mode: Mode) -> None:
    """Each is taken, and its pacer decides on a tick."""
    settings, past = read_config({"type": "config", "mode": mode.value})
    _, tick = read(GOOD["tick"], past)

    assert settings.mode is mode
    assert isinstance(tick, Snapshot)
    assert make(settings).step((), tick).dial >= 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "tick"}, 'the first line must be of type config, not "tick"'),
        ({"type": 1}, "type must be a text, not 1"),
        ({"mode": "manual"}, 'mode must be one of preview, progressive, ratio, predictive, script, not "manual"'),
        ({"mode": ["ratio"]}, "mode must be one of preview, progressive, ratio, predictive, script, not an array"),
        ({"max_abandon_rate": 3}, "max_abandon_rate must be from 0 to 1, not 3"),
        ({"max_abandon_rate": True}, "max_abandon_rate must be a number, not true"),
        ({"abandon_after_s": -1}, "abandon_after_s must be from 0 to 600, not -1"),
        ({"ring_timeout_s": None}, "ring_timeout_s must be a number, not null"),
        ({"max_lines": 10.5}, "max_lines must be a whole number, not 10.5"),
        ({"max_lines": -1}, "max_lines must be from 0 to 1000000, not -1"),
        ({"seed": "1"}, 'seed must be a whole number, not "1"'),
        ({"guarantee": "soft"}, 'guarantee must be one of statistical, hard, not "soft"'),
        ({"ratio": -1}, "ratio must be from 0 to 50, not -1"),
        ({"max_calls_per_agent": 51}, "max_calls_per_agent must be from 0 to 50, not 51"),
        ({"max_line": 5}, 'the configuration has no key "max_line": did you mean max_lines?'),
        ({"\n": 5}, f'the configuration has no key "\\n": there are {", ".join(CONFIG_KEYS)}'),
    ],
)
def test_a_wrong_configuration(changes: dict[str, Any], reason: str) -> None:
    """The first key that is wrong is named, with what it may be."""
    with pytest.raises(BadLine) as bad:
        read_config({**CONFIG, **changes})

    assert str(bad.value) == reason


@pytest.mark.parametrize(
    ("kind", "observation"),
    [
        ("answered", CallAnswered(10.5, 8)),
        ("call_failed", CallFailed(10.5, 25.0)),
        ("connected", None),
        ("talk_ended", TalkEnded(10.5, 93.1)),
        ("wrapup_ended", WrapupEnded(10.5, 0)),
        ("abandoned", CallAbandoned(10.5)),
        ("answer_kind", AnswerCorrected(10.5, 9.5, 6.0, AnswerKind.UNKNOWN, AnswerKind.MACHINE, "north")),
    ],
)
def test_events(kind: str, observation: Observation | None) -> None:
    """Each is one observation; the pacer learns nothing from a connection."""
    past, told = read({**GOOD[kind], "extra": [1]}, PAST)

    assert told == observation
    assert past.t == 10.5


@pytest.mark.parametrize(
    ("kind", "observation"),
    [
        ("answered", CallAnswered(10.5, 8, "north")),
        ("call_failed", CallFailed(10.5, 25.0, "north")),
        ("abandoned", CallAbandoned(10.5)),
    ],
)
def test_the_trunk_of_an_event(kind: str, observation: Observation) -> None:
    """Any event may have one; the pacer learns it with answers and failures."""
    assert read({**GOOD[kind], "trunk": "north"}, PAST)[1] == observation


def test_the_ledger() -> None:
    """Answered lines below, abandoned lines above, nothing else; a tick shows what came before it."""
    past = Past(10)
    for kind in (*EVENTS[:-1], "answered"):
        past, _ = read(GOOD[kind], past)
    _, told = read(GOOD["tick"], past)

    assert past.ledger == Ledger(answered=2, abandoned=1)
    assert isinstance(told, Snapshot)
    assert told.ledger == past.ledger


def test_a_tick() -> None:
    """Agents are counted by state, ages reach from since to t, lines are those of the configuration less the calls."""
    past, told = read(GOOD["tick"], PAST)

    assert told == Snapshot(
        now=100.0,
        ready=1,
        talking_age_s=(60.0,),
        wrapup_age_s=(0.0,),
        paused=1,
        ringing_age_s=(2.5,),
        waiting_age_s=(1.0,),
        lines_free=8,
        leads_available=LEADS_UNLIMITED,
        ledger=Ledger(50, 1),
    )
    assert past == replace(PAST, t=100)


def test_what_else_a_tick_may_say() -> None:
    """Lines and leads of this moment, the hour, the end of the staffing, the trunks of calls."""
    more = {"hour": 9, "staffed_s": 600, "leads": 3, "lines": 2, "trunk": "south"}
    calls = [
        {"id": 1, "state": "ringing", "since": 90, "trunk": "north"},
        {"id": 2, "state": "waiting", "since": 99, "trunk": "north"},
        {"id": 3, "state": "ringing", "since": 91},
    ]
    _, told = read({**GOOD["tick"], **more, "calls": calls}, PAST)

    assert isinstance(told, Snapshot)
    assert (told.hour, told.staffed_s, told.leads_available, told.lines_free) == (9, 600, 3, 2)
    assert (told.next_trunk, told.ringing_age_s, told.ringing_trunk) == ("south", (10.0, 9.0), ("north", ""))


def test_more_calls_than_lines() -> None:
    """No line is free; there are no negative ones."""
    _, told = read(GOOD["tick"], Past(1))

    assert isinstance(told, Snapshot)
    assert told.lines_free == 0


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        ("answered", {"type": "hangup"}, "type must be tick or one of answered, call_failed, connected, talk_ended, "
         'wrapup_ended, abandoned, answer_kind, not "hangup"'),
        ("answered", {"kind": "robot"}, 'kind must be one of person, machine, unknown, not "robot"'),
        ("answered", {"kind": None}, "kind must be one of person, machine, unknown, not null"),
        ("answer_kind", {"kind": True}, "kind must be one of person, machine, unknown, not true"),
        ("answer_kind", {"call": "7"}, 'call "7" is not among the 100,000 calls that were answered last'),
        ("answer_kind", {"call": []}, "call must be a number or a text, not an array"),
        ("answered", {"type": "config"}, "config may only be the first line"),
        ("answered", {"t": 9.9}, "t falls from 10.0 to 9.9"),
        ("answered", {"t": 1.7e12}, "t must be from -1e+11 to 1e+11, not 1700000000000.0"),
        ("answered", {"t": float("nan")}, "t must be from -1e+11 to 1e+11, not NaN"),
        ("answered", {"t": float("inf")}, "t must be from -1e+11 to 1e+11, not a huge number"),
        ("answered", {"call": True}, "call must be a number or a text, not true"),
        ("answered", {"call": float("inf")}, "call must be a number or a text, not a huge number"),
        ("answered", {"ring_s": -0.1}, "ring_s must be from 0 to 1e+11, not -0.1"),
        ("answered", {"ring_s": "\x1b[2J" * 50}, 'ring_s must be a number, not "' + "\\u001b[2J" * 10 + '..."'),
        ("call_failed", {"outcome": 486}, "outcome must be a text, not 486"),
        ("connected", {"agent": None}, "agent must be a number or a text, not null"),
        ("abandoned", {"wait_s": False}, "wait_s must be a number, not false"),
        ("tick", {"agents": {}}, "agents must be an array, not an object"),
        ("tick", {"calls": [7]}, "calls[0] must be an object, not 7"),
        ("tick", {"calls": [{"id": [], "state": "ringing", "since": 1}]}, "calls[0].id must be a number or a text, not "
         "an array"),
        ("tick", {"calls": [{"id": 1, "state": "talking", "since": 1}]}, "calls[0].state must be one of ringing, "
         'waiting, not "talking"'),
        ("tick", {"calls": [{"id": 1, "state": "ringing"}]}, "calls[0].since is missing"),
        ("tick", {"calls": [{"id": 1, "state": "ringing", "since": 100.5}]}, "calls[0].since must be from -1e+11 to "
         "t = 100, not 100.5"),
        ("tick", {"calls": [{"id": i % 2, "state": "ringing", "since": 1} for i in range(3)]}, "calls[2].id is 0 a "
         "second time"),
        ("tick", {"calls": [{"id": 1, "state": "ringing", "since": 1, "trunk": 5}]}, "calls[0].trunk must be a text, "
         "not 5"),
        ("tick", {"agents": [{"id": float("nan"), "state": "ready", "since": 1}]}, "agents[0].id must be a number or "
         "a text, not NaN"),
        ("tick", {"hour": 24}, "hour must be from 0 to 23, not 24"),
        ("tick", {"hour": 9.5}, "hour must be a whole number, not 9.5"),
        ("tick", {"staffed_s": -1}, "staffed_s must be from 0 to 1e+11, not -1"),
        ("tick", {"leads": None}, "leads must be a whole number, not null"),
        ("tick", {"lines": -1}, "lines must be from 0 to 1000000, not -1"),
        ("tick", {"trunk": "x" * 65}, "trunk is longer than 64 characters"),
        ("answered", {"trunk": ["north"]}, "trunk must be a text, not an array"),
    ],
)  # fmt: skip
def test_a_wrong_line(kind: str, changes: dict[str, Any], reason: str) -> None:
    """The first thing that is wrong is named, with what it may be and what it was."""
    assert refused({**GOOD[kind], **changes}) == reason


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, line in GOOD.items() for key in line])
def test_nothing_may_be_missing(kind: str, key: str) -> None:
    """Every key of every line is named if it is not there."""
    assert refused({name: value for name, value in GOOD[kind].items() if name != key}) == f"{key} is missing"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\n", "empty"),
        (b"{'t': 1}\n", "not JSON: Expecting property name enclosed in double quotes at character 2"),
        (b'{"t": NaN}', "not JSON: NaN is no number"),
        (b'{"t": -Infinity}', "not JSON: -Infinity is no number"),
        (b'{"t": 1} {}', "not JSON: Extra data at character 10"),
        (b'{"t": "\xff"}', "not UTF-8: invalid start byte at byte 8"),
        (b"[" * LINE_MOST_BYTES, "nested too deep"),
        (b"1" * 5000, "not JSON: Exceeds the limit"),
        (b" " * LINE_MOST_BYTES + b"1\n", "longer than 1048576 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_that_is_no_json(line: bytes, reason: str) -> None:
    """It is refused with where it goes wrong, NaN and Infinity too."""
    with pytest.raises(BadLine) as bad:
        parse(line)

    assert str(bad.value).startswith(reason)


def test_the_longest_line() -> None:
    """The line feed does not count."""
    assert parse(b" " * (LINE_MOST_BYTES - 1) + b"1\n") == 1


def outcome(reader: Callable[[], T]) -> T | str:
    """What a reader gives, or its reason: one line of printable ASCII that is not empty."""
    try:
        return reader()
    except BadLine as bad:
        reason = str(bad)
    assert reason
    assert reason.isascii()
    assert reason.isprintable()
    return reason


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_reason(line: bytes) -> None:
    """Nothing else comes out."""
    outcome(lambda: parse(line))


@given(anything)
def test_any_json_value_is_refused_with_a_reason(value: object) -> None:
    """Made of anything, it is no line."""
    value = parse(json.dumps(value).encode())

    assert isinstance(outcome(lambda: read_config(value)), str)
    assert isinstance(outcome(lambda: read(value, PAST)), str)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A good line with one value, or one of a row, replaced by anything."""
    line = json.loads(json.dumps(draw(st.sampled_from([*GOOD.values(), CONFIG]))))
    rows = [*line.get("agents", ()), *line.get("calls", ())]
    target = draw(st.sampled_from([line, *rows]))
    target[draw(st.sampled_from(sorted(target)))] = draw(
        anything | st.sampled_from([*EVENTS, *AGENT_STATES, 1e308, -1e308])
    )
    return line


@given(damaged())
def test_a_damaged_line_is_taken_or_refused(line: dict[str, Any]) -> None:
    """And what is taken, the pacer can decide on."""
    config = outcome(lambda: read_config(line))
    if not isinstance(config, str):
        settings, _ = config
        make(settings, EXPERIENCED).step((), good_tick())
    told = outcome(lambda: read(line, PAST))
    if not isinstance(told, str):
        assert_decided(told[1])


def good_tick() -> Snapshot:
    _, tick = read(GOOD["tick"], PAST)
    assert isinstance(tick, Snapshot)
    return tick


def assert_decided(told: Observation | Snapshot | None) -> None:
    """A pacer past its cold start takes it in and decides."""
    pacer = make(Settings(), EXPERIENCED)
    if isinstance(told, Snapshot):
        assert pacer.step((), told).dial >= 0
    elif told is not None:
        assert pacer.step((told,), good_tick()).dial >= 0


@given(st.floats(0.0, LATEST_S), st.floats(-LATEST_S, LATEST_S))
def test_the_widest_numbers_are_decided_on(duration_s: float, t: float) -> None:
    """Times and durations up to the limits do not break the pacer's arithmetic."""
    row = {"since": -LATEST_S}
    tick = {
        "type": "tick",
        "t": t,
        "agents": [{**row, "id": state, "state": state} for state in AGENT_STATES],
        "calls": [{**row, "id": state, "state": state} for state in ("ringing", "waiting")],
    }
    assert_decided(read(tick, Past(10))[1])
    assert_decided(read({**GOOD["answered"], "ring_s": duration_s}, PAST)[1])
    assert_decided(read({**GOOD["talk_ended"], "talk_s": duration_s}, PAST)[1])


ages = st.lists(st.integers(0, 10_000).map(float), max_size=20).map(tuple)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Whole seconds, so that ages come back exactly."""
    return Snapshot(
        now=float(draw(st.integers(-(10**9), 10**9))),
        ready=draw(st.integers(0, 20)),
        talking_age_s=draw(ages),
        wrapup_age_s=draw(ages),
        paused=draw(st.integers(0, 5)),
        ringing_age_s=draw(ages),
        waiting_age_s=draw(ages),
        lines_free=draw(st.integers(0, 100)),
        leads_available=LEADS_UNLIMITED,
        ledger=Ledger(draw(st.integers(0, 1000)), draw(st.integers(0, 50))),
    )


def rows(now: float, **states: tuple[float, ...]) -> list[dict[str, Any]]:
    listed = [(state, now - age_s) for state, of_state in states.items() for age_s in of_state]
    return [{"id": place, "state": state, "since": since} for place, (state, since) in enumerate(listed)]


@given(snapshots())
def test_a_snapshot_comes_back(snapshot: Snapshot) -> None:
    """Written as a tick and read again it is the same."""
    now, idle = snapshot.now, (0.0,)
    line = {
        "type": "tick",
        "t": now,
        "agents": rows(
            now,
            ready=idle * snapshot.ready,
            talking=snapshot.talking_age_s,
            wrapup=snapshot.wrapup_age_s,
            paused=idle * snapshot.paused,
        ),
        "calls": rows(now, ringing=snapshot.ringing_age_s, waiting=snapshot.waiting_age_s),
    }
    past = Past(snapshot.lines_free + len(line["calls"]), snapshot.ledger)

    assert read(parse(json.dumps(line).encode()), past) == (Past(past.max_lines, past.ledger, now), snapshot)


@given(
    st.sampled_from(
        [("answered", "ring_s"), ("call_failed", "ring_s"), ("talk_ended", "talk_s"), ("wrapup_ended", "wrapup_s")]
    ),
    st.floats(10.0, LATEST_S),
    st.floats(0.0, LATEST_S),
)
def test_an_observation_comes_back(kind: tuple[str, str], t: float, duration_s: float) -> None:
    """With the very time and duration that were written."""
    name, key = kind
    _, told = read(parse(json.dumps({**GOOD[name], "t": t, key: duration_s}).encode()), PAST)

    assert told is not None
    assert not isinstance(told, Snapshot)
    assert (told.at, getattr(told, key)) == (t, duration_s)
