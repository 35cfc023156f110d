"""`dialer pace stdio` as another dialer meets it, a process with pipes; `dialer pace explain` on a real server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgpack
import pytest
from click.testing import CliRunner, Result

from dialer.cli import main
from dialer.cli.base.failures import CliExit
from dialer.cli.pacing.pace import OBSERVATIONS_KEPT, answers
from dialer.core.inputs import CampaignState
from dialer.language.decisions import sentence
from dialer.store.base.connection import Store, trip
from dialer.store.operators import campaigns, status
from dialer.store.operators import pacer_memory as learnt
from dialer.store.operators.pacer_memory import Learnt
from pacing.api import (
    CallAnswered,
    CallFailed,
    Decision,
    Ledger,
    Mode,
    Reason,
    Rule,
    Settings,
    Snapshot,
    TalkEnded,
    WrapupEnded,
)
from pacing.policies import make
from pacing.replay import LEADS_UNLIMITED, LINE_MOST_BYTES
from tests.cli.conftest import Dialer, board, data
from tests.pacing.cases import EXPERIENCED

COMMAND = [sys.executable, "-c", "from dialer.cli import main; main(prog_name='dialer')", "pace", "stdio"]
CONFIG = {"type": "config"}
READY = {"id": "ann", "state": "ready", "since": 0}
PACING = Path(__file__).parents[2] / "docs" / "pacing.md"


def lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def piped(told: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(COMMAND, input=told, capture_output=True, timeout=90, check=False)


def run(told: bytes) -> Result:
    """The same command in this process."""
    return CliRunner().invoke(main, ["pace", "stdio"], input=told, prog_name="dialer")


def tick(t: float, agents: list[dict[str, Any]], calls: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"type": "tick", "t": t, "agents": agents, "calls": calls or []}


def shift(seed: int, calls: int = 400) -> Iterator[dict[str, Any]]:
    """A shift of twenty agents: every second a call comes to its end, then a tick."""
    rng = Random(seed)
    for i in range(calls):
        t = float(i)
        if rng.random() < 0.4:
            yield {"type": "answered", "t": t, "call": i, "ring_s": rng.uniform(3.0, 20.0)}
            yield {"type": "connected", "t": t, "call": i, "agent": i % 20, "wait_s": 0.1}
            yield {"type": "talk_ended", "t": t, "call": i, "agent": i % 20, "talk_s": rng.expovariate(1 / 120)}
            yield {"type": "wrapup_ended", "t": t, "agent": i % 20, "wrapup_s": rng.expovariate(1 / 30)}
        else:
            yield {"type": "call_failed", "t": t, "call": i, "outcome": "no_answer", "ring_s": rng.uniform(1.0, 25.0)}
        states = rng.choices(["ready", "talking", "wrapup"], [2, 14, 4], k=20)
        agents = [{"id": j, "state": state, "since": t - rng.uniform(0, 90)} for j, state in enumerate(states)]
        ringing = [{"id": i + j, "state": "ringing", "since": t - rng.uniform(0, 9)} for j in range(rng.randrange(9))]
        yield tick(t, agents, ringing)


def test_exact_lines_in_and_out() -> None:
    """One line for each tick with its own t, none for events, and 0 at the end of the input."""
    done = piped(
        lines(
            {"type": "config", "mode": "progressive", "max_lines": 3},
            tick(10, [READY, {"id": 2, "state": "ready", "since": 1}]),
            {"type": "answered", "t": 10.25, "call": "c1", "ring_s": 0.25},
            {"type": "connected", "t": 10.25, "call": "c1", "agent": 2, "wait_s": 0},
            tick(10.5, [READY, {"id": 2, "state": "talking", "since": 10.25}]),
            tick(10.5, [{"id": 2, "state": "paused", "since": 10}]),
        )
    )

    assert done.stdout.decode().splitlines() == [
        '{"t":10,"dial":2,"reason":"dial 2: 2 ready, 0 ringing, one call for each ready agent"}',
        '{"t":10.5,"dial":1,"reason":"dial 1: 1 ready, 0 ringing, one call for each ready agent"}',
        '{"t":10.5,"dial":0,"reason":"dial 0: no agent is working (1 paused)"}',
    ]
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_ledger_counts_from_the_configuration() -> None:
    """Answered and abandoned lines spend the budget."""
    abandoned = {"type": "abandoned", "t": 1, "call": 1, "wait_s": 2}
    learnt = [line for line in shift(1, 60) if line["type"] != "tick"]
    answered = sum(line["type"] == "answered" for line in learnt)
    done = run(lines(CONFIG, *learnt, *([{**abandoned, "t": 60}] * 4), tick(60, [READY])))

    assert f"abandonment budget is spent (4 of {answered} live answers, cap 3 %)" in done.stdout


def test_machines_are_taken_off_the_ledger() -> None:
    """By their kind at once, or by a correction; the budget that their abandonment had spent is there again."""
    learnt = [line for line in shift(1, 60) if line["type"] != "tick"]
    lost = [{"type": "answered", "t": 60, "call": f"m{i}", "ring_s": 20, "kind": "person"} for i in range(4)]
    lost += [{"type": "abandoned", "t": 60, "call": f"m{i}", "wait_s": 2} for i in range(4)]
    found = [{"type": "answer_kind", "t": 60, "call": f"m{i}", "kind": "machine"} for i in range(4)]
    before, after = run(lines(CONFIG, *learnt, *lost, tick(60, [READY]), *found, tick(60, [READY]))).stdout.splitlines()

    assert "abandonment budget is spent" in before
    assert "abandonment budget is spent" not in after


def test_the_same_lines_give_the_same_answers() -> None:
    """In any process."""
    told = lines(CONFIG, *shift(7))
    first = piped(told)

    assert first.returncode == 0
    assert first.stdout.count(b"\n") == 400
    assert b"abandon risk of the next call" in first.stdout
    assert run(told).stdout_bytes == first.stdout


def test_it_is_the_pacer_of_the_daemon() -> None:
    """What `pacing.policies.make` gives says the same, told the same by hand."""
    pacer, ledger, observations, expected = make(Settings()), Ledger(), [], []
    for line in shift(3):
        match line:
            case {"type": "answered", "t": t, "ring_s": ring_s}:
                observations.append(CallAnswered(t, ring_s))
                ledger = Ledger(ledger.answered + 1)
            case {"type": "call_failed", "t": t, "ring_s": ring_s}:
                observations.append(CallFailed(t, ring_s))
            case {"type": "talk_ended", "t": t, "talk_s": talk_s}:
                observations.append(TalkEnded(t, talk_s))
            case {"type": "wrapup_ended", "t": t, "wrapup_s": wrapup_s}:
                observations.append(WrapupEnded(t, wrapup_s))
            case {"type": "tick", "t": t, "agents": agents, "calls": calls}:
                ages = {
                    state: tuple(t - row["since"] for row in (*agents, *calls) if row["state"] == state)
                    for state in ("ready", "talking", "wrapup", "ringing")
                }
                snapshot = Snapshot(
                    t,
                    len(ages["ready"]),
                    ages["talking"],
                    ages["wrapup"],
                    0,
                    ages["ringing"],
                    (),
                    2000 - len(calls),
                    LEADS_UNLIMITED,
                    ledger,
                )
                decision = pacer.step(tuple(observations), snapshot)
                expected.append({"t": t, "dial": decision.dial, "reason": sentence(decision)})
                observations = []

    assert [json.loads(answer) for answer in run(lines(CONFIG, *shift(3))).stdout.splitlines()] == expected


def test_every_answer_is_flushed() -> None:
    """A dialer that waits for the answer before it goes on gets it."""
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(lines(CONFIG))
        for t in range(3):
            process.stdin.write(lines(tick(t, [READY])))
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["t"] == t
        process.stdin.close()
        assert process.wait(30) == 0


def test_two_thousand_calls() -> None:
    """A tick of 500 agents and 2000 calls is one line like any other."""
    agents = [{"id": f"agent-{i}", "state": "talking" if i % 5 else "ready", "since": i / 10} for i in range(500)]
    calls = [{"id": f"call-{i}", "state": "ringing", "since": 100 - i / 100} for i in range(2000)]
    learnt = [line for line in shift(1, 99) if line["type"] != "tick"]
    done = run(lines({**CONFIG, "max_lines": 2500}, *learnt, tick(100, agents, calls), tick(101, agents, calls[:20])))
    full, early = (json.loads(line) for line in done.stdout.splitlines())

    assert full["dial"] == 0
    assert "2000 ringing" in full["reason"]
    assert early["dial"] > 80
    assert "20 ringing" in early["reason"]


@pytest.mark.parametrize(
    ("told", "number", "reason"),
    [
        (b"{}\n", 1, "type is missing"),
        (lines(tick(1, [])), 1, "the first line must be of type config"),
        (lines(CONFIG, tick(1, []), CONFIG), 3, "config may only be the first line"),
        (lines(CONFIG, tick(5, []), tick(4, [])), 3, "t falls from 5 to 4"),
        (lines(CONFIG) + b'{"type":"tick","t":NaN}\n', 2, "not JSON: NaN is no number"),
        (lines(CONFIG) + b"\n" + lines(tick(1, [])), 2, "empty"),
        (lines(CONFIG) + b'{"type":"ti', 2, "not JSON: Unterminated string"),
        (lines(CONFIG) + b" " * LINE_MOST_BYTES + lines(tick(1, [])), 2, "longer than 1048576 bytes"),
    ],
    ids=["no type", "no config", "config twice", "t falls", "NaN", "empty", "cut off", "too long"],
)
def test_a_bad_line_ends_it(told: bytes, number: int, reason: str) -> None:
    """Its number and what is wrong on standard error, exit code 2; the ticks before it have their answers."""
    done = run(told)

    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: line {number}: {reason}")
    assert done.stderr.count("\n") == 1
    assert done.stdout.count("\n") == max(0, number - 2)


def test_no_input_at_all() -> None:
    """Nothing was wrong with it; nor with a standard input that is closed."""
    nothing = piped(b"")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, b"", b"")

    closed = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *COMMAND], capture_output=True, timeout=90, check=False)
    assert (closed.returncode, closed.stderr) == (0, b"")


def test_the_last_line_needs_no_line_feed() -> None:
    """The end of the input ends it as well."""
    assert run(lines(CONFIG, tick(1, [READY])).rstrip()).stdout.count("\n") == 1


def test_a_reader_that_goes_away() -> None:
    """It ends quietly; so it does where standard output was closed from the start."""
    reader, writer = os.pipe()
    os.close(reader)
    told = lines(CONFIG, *(tick(t, [READY]) for t in range(100)))
    gone = subprocess.run(COMMAND, input=told, stdout=writer, stderr=subprocess.PIPE, timeout=90, check=False)
    os.close(writer)
    assert (gone.returncode, gone.stderr) == (0, b"")

    closed = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *COMMAND], input=told, stderr=subprocess.PIPE, timeout=90, check=False
    )
    assert (closed.returncode, closed.stderr) == (0, b"")


def test_events_without_ticks_have_a_limit() -> None:
    """Only the newest are kept; those the pacer would have forgotten go: here 20 calls that rang, for busy ones."""
    busy = lines({"type": "call_failed", "t": 1, "call": 1, "outcome": "busy", "ring_s": 1})
    answered = lines({"type": "answered", "t": 1, "call": 1, "ring_s": 1})

    def reason(busy_calls: int) -> str:
        told = [lines(CONFIG), *[answered] * 20, *[busy] * busy_calls, lines(tick(60, [READY]))]
        return str(json.loads(next(answers(told)))["reason"])

    assert "learning" not in reason(OBSERVATIONS_KEPT - 20)
    assert "20 finished calls to go" in reason(OBSERVATIONS_KEPT)


def test_help_and_mistakes_bring_no_numba() -> None:
    """A first line that is no configuration is refused before anything is compiled."""
    code = (
        "import sys\nfrom dialer.cli import main\n"
        "main(sys.argv[1:], prog_name='dialer', standalone_mode=False)\n"
        "sys.exit(99 if 'numba' in sys.modules else 0)"
    )
    for arguments in (["--help"], ["stdio", "--help"], ["stdio"]):
        done = subprocess.run(
            [sys.executable, "-c", code, "pace", *arguments], input=b"[]", capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr  # outside click's standalone mode the command's own code is returned
        assert (b"must be an object" in done.stderr) == (arguments == ["stdio"])


def test_the_example_of_the_manual() -> None:
    """docs/pacing.md shows a command and its answers; they are these."""
    section = PACING.read_text(encoding="utf-8").partition("## As a filter")[2]
    script, shown = re.findall(r"```(?:sh|json)\n(.*?)```", section, re.DOTALL)[:2]
    dialer = 'dialer() { "$PYTHON" -c "from dialer.cli import main; main(prog_name=\'dialer\')" "$@"; }\n'
    done = subprocess.run(
        ["sh", "-c", dialer + script],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert (done.stdout, done.stderr) == (shown, "")


# --- explain -----------------------------------------------------------------------------------------------------


@pytest.fixture
def learnt_spring(store: Store, spring: str) -> str:
    """A campaign of which a host has learnt something, and that is running."""
    now = time.time()
    settings = Settings(mode=Mode.PREDICTIVE)
    decision = Decision(2, Reason(Rule.OTHER, text="2 ready, 0 ringing"), 0.01)
    learnt.save(store, [Learnt(spring, "dial-1", "dial-1:1", now, settings, decision, now, {}, EXPERIENCED)])
    campaigns.set_state(store, spring, CampaignState.RUNNING, who="test", now=now)
    return spring


def test_explain(dialer: Dialer, store: Store, learnt_spring: str) -> None:
    """What a living daemon decides and has learnt."""
    now = time.time()
    status.publish(store, "dial-1", board(at=now).to_wire(), now=now, ttl=30.0)

    result = dialer("pace", "explain", learnt_spring)

    assert result.exit_code == 0
    for part in ("spring  ● running", "dial-1  ● predictive", "dial 3: 2 ready, 14 ringing", "30.0 % of the calls"):
        assert part in result.stdout
    assert "\x1b" not in result.stdout
    told = data(dialer("pace", "explain", learnt_spring, "--json"))
    assert told["hosts"][0]["learnt"]["answers"]["probability"] == pytest.approx(0.3)
    assert told["abandon_windows"][0]["name"] == "today"


def test_explain_without_a_daemon(dialer: Dialer, learnt_spring: str) -> None:
    """What was learnt is shown, and a script sees that nothing is alive."""
    result = dialer("pace", "explain", learnt_spring)

    assert result.exit_code == CliExit.NO_DAEMON
    assert "no daemon is alive" in result.stdout
    assert "dial-1  ● predictive   not alive" in result.stdout


def test_explain_a_campaign_that_does_not_run(dialer: Dialer, store: Store, spring: str) -> None:
    """It says so, and how to start it."""
    now = time.time()
    status.publish(store, "dial-1", board(at=now, campaigns=()).to_wire(), now=now, ttl=30.0)

    result = dialer("pace", "explain", spring)

    assert result.exit_code == 0
    assert "the campaign is stopped: nothing is dialled. Start it with: dialer campaign start spring" in result.stdout
    assert "Nothing was learnt of this campaign yet" in result.stdout


def test_explain_an_unknown_campaign(dialer: Dialer, spring: str) -> None:
    """The nearest one is named."""
    result = dialer("pace", "explain", "sprign")

    assert result.exit_code == CliExit.NOT_FOUND
    assert f"Did you mean {spring!r}?" in result.stderr


def test_explain_what_cannot_be_read(dialer: Dialer, store: Store, learnt_spring: str) -> None:
    """It is named, and the rest is shown."""
    trip(store, [("HSET", store.keys.learnt(learnt_spring), "dial-2", msgpack.packb([99, time.time(), {}]))])

    result = dialer("pace", "explain", learnt_spring)

    assert "host dial-2: is of version 99, this release reads 1 and 2" in result.stdout
    assert "30.0 % of the calls" in result.stdout
