"""The program as a process: how it starts, refuses to start, and ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sip.loopback.counts import Report
from sip.loopback.process import LoopbackError, start_loopback

COMMAND = (sys.executable, "-m", "sip.loopback")


def start(*options: str) -> subprocess.Popen[bytes]:
    """The program with its three streams in our hands."""
    pipe = subprocess.PIPE
    return subprocess.Popen([*COMMAND, *options], stdin=pipe, stdout=pipe, stderr=pipe)


@pytest.mark.parametrize("ending", ["SIGTERM", "SIGINT", "stdin", "time"])
def test_program_ends_with_its_counts(ending: str) -> None:
    """On a signal, the end of stdin or of its time it prints its counts, says nothing else, and exits with 0."""
    with start("--profile", "sipp-like", "--max-seconds", "0.5" if ending == "time" else "60") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {"carrier_port", "phones_port"}
        if ending == "stdin":
            process.stdin.close()
            process.stdin = None
        elif ending != "time":
            process.send_signal(getattr(signal, ending))
        out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert Report.from_json(out).final
    assert err == b""


def test_calls_left_at_the_end_are_hung_up(bare_peer: Any) -> None:
    """Whoever is still talking gets a BYE, whoever is ringing a final response."""
    with start_loopback("sipp-like", forced={"2": "no_answer"}) as loopback:
        bare_peer.send(bare_peer.invite("1", call_id="talking"), loopback.carrier_port)
        bare_peer.receive("SIP/2.0 200")
        bare_peer.send(bare_peer.invite("2", call_id="ringing"), loopback.carrier_port)
        bare_peer.receive("SIP/2.0 180")
        carrier = loopback.stop().carrier
        bare_peer.receive("BYE")
        bare_peer.receive("SIP/2.0 480")
    assert (carrier.byes_at_stop, carrier.active) == (1, 0)
    assert carrier.finals == {"200": 1, "480": 1}


def test_report_is_served_while_it_runs(bare_peer: Any) -> None:
    """The counts can be read at any time; they are the final ones only after the stop."""
    with start_loopback("sipp-like") as loopback:
        bare_peer.send(bare_peer.invite("1"), loopback.carrier_port)
        live = loopback.wait_for(lambda report: report.carrier.answered == 1, limit_s=5)
        assert not live.final
        assert live.carrier.active == 1
        assert loopback.stop() is loopback.stop() is loopback.report()
        assert loopback.report().final


def test_what_is_asked_in_vain_times_out() -> None:
    """Waiting for what does not come ends with the last report in the message."""
    with start_loopback("sipp-like") as loopback, pytest.raises(TimeoutError, match="invites=0"):
        loopback.wait_for(lambda report: report.carrier.invites > 0, limit_s=0.2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--bind", "192.0.2.1"), "192.0.2.1 is not a loopback address"),
        (("--bind", "localhost"), "localhost"),
        (("--profile", "demmo"), "demmo: no such file"),
        (("--force", "1=asleep"), "must be one of answer"),
        (("--max-calls", "0"), "max_calls = 0"),
        (("--carrier-port", "70000"), "carrier_port = 70000"),
        (("--report-every", "0.001"), "report_every_s"),
        (("--report", "/nowhere/report.json"), "there is no folder /nowhere"),
    ],
)
def test_wrong_options_are_told(options: tuple[str, ...], message: str) -> None:
    """What cannot work is refused at the start, in one line, with status 2."""
    done = subprocess.run([*COMMAND, *options], stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert done.stdout == b""


def test_taken_port_is_told() -> None:
    """Two carriers do not share a port: the second one says so and exits with status 3."""
    with start_loopback("sipp-like") as loopback:
        done = subprocess.run(
            [*COMMAND, "--carrier-port", str(loopback.carrier_port)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
        )
    assert done.returncode == 3
    assert b"cannot listen on 127.0.0.1" in done.stderr


def test_start_that_fails_raises(tmp_path: Path) -> None:
    """A carrier that does not start is an error where it was started, and leaves no process."""
    with (
        pytest.raises(LoopbackError, match="exit status 2"),
        start_loopback(tmp_path / "missing.toml", stderr=subprocess.DEVNULL),
    ):
        pass


def test_killed_carrier_has_no_final_report() -> None:
    """A carrier that was killed is not taken for one that ended."""
    with start_loopback("sipp-like") as loopback:
        os.kill(loopback.pid, signal.SIGKILL)
        with pytest.raises(LoopbackError, match="no final report"):
            loopback.stop()


def test_carrier_speaks_ipv6_too(run_sipp: Any) -> None:
    """On ::1 a call works as on 127.0.0.1."""
    with start_loopback("sipp-like", host="::1") as loopback:
        assert loopback.phone_uri("agent-01") == f"sip:agent-01@[::1]:{loopback.phones_port}"
        run_sipp("hang_up", loopback.carrier_port, ["1"], host="[::1]")
        assert loopback.stop().carrier.byes_received == 1
