"""A daemon with its server, carriers, phones, CRM and desktops: what it does, and what it does with nonsense.

The tests share one daemon, because starting one is what takes time. They run in order; the last one ends it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import msgpack
import pytest
from click.testing import CliRunner

from compliance.blocks import of_number
from compliance.numbers import E164
from dialer.cli import main
from dialer.core.abandonment.windows import counting_day
from dialer.core.board import Board, TrunkRow
from dialer.store.base.connection import trip
from dialer.store.base.keys import digits, place
from dialer.store.leads.leads import story
from dialer.store.operators import status, trunks
from dialer.store.privacy import blocklist
from dialer.store.settlement import ledger
from pacing.api import Mode
from sip.loopback.process import Loopback, start_loopback
from tests.shell.rig import Dialer, Rig, Site, free_port, people

DARK = [f"+86137000000{i:02}" for i in range(12)]
"""Called through a trunk at whose port nobody is at first."""


class SourCarrier:
    """Refuses every INVITE with 402 and answers OPTIONS; `invites` are the Call-IDs of those that came."""

    def __init__(self) -> None:
        self.invites: set[str] = set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            packet, source = self.socket.recvfrom(8192)
            if not packet:
                return
            lines = packet.decode().split("\r\n")
            kept = [line for line in lines if line.startswith(("Via", "From", "To", "Call-ID", "CSeq"))]
            method = lines[0].partition(" ")[0]
            if method == "INVITE":
                self.invites.add(next(line for line in kept if line.startswith("Call-ID")))
            if method != "ACK":
                status = "402 Payment Required" if method == "INVITE" else "200 OK"
                answer = [f"SIP/2.0 {status}", *(f"{line};tag=sour" if line[:3] == "To:" else line for line in kept)]
                self.socket.sendto("\r\n".join([*answer, "Content-Length: 0", "", ""]).encode(), source)

    def close(self) -> None:
        self.socket.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join(5)
        self.socket.close()


@dataclass(slots=True)
class Running:
    """The daemon under test. `later` ends with it."""

    rig: Rig
    site: Site
    dialer: Dialer
    metrics_port: int
    dark_port: int
    pressing: Loopback
    sour: SourCarrier
    later: ExitStack

    def numbers(self, block: int, count: int, last: str = "") -> list[str]:
        """Numbers that no other test calls; `last` are their last digits, which decide what becomes of the call."""
        width = 6 - len(last)
        return [f"+86136{block:02}{i:0{width}}{last}" for i in range(count)]

    def trunk(self, name: str) -> TrunkRow:
        board = self.site.until(self.site.board, "the board is there")
        return next(row for row in board.trunks if row.name == name)

    def add(self, stream: str, **fields: bytes | str) -> str:
        """A raw stream entry, as some CRM would write it. Returns its id."""
        flat = [part for field in fields.items() for part in field]
        return str(trip(self.site.store, [("XADD", stream, "*", *flat)])[0].decode())


@pytest.fixture(scope="module")
def running(rig: Rig, scenarios: object) -> Iterator[Running]:
    """One daemon on both carriers, with a campaign that already dials into the dark; the scenarios run beside it."""
    dark_port, metrics_port = free_port(), free_port(socket.SOCK_STREAM)
    profile = people(rig.folder, "pressing", ring_s=0.3, talk_s=50.0)
    with profile.open("a") as file:
        file.write('\n[keys]\nshare = 1.0\nkey = "9"\nafter_s = 1.6\n')
    sour = SourCarrier()
    trunks = {"sour": sour.port, "quick": rig.quick.carrier_port, "chatty": rig.chatty.carrier_port, "dark": dark_port}
    with (
        start_loopback(profile, max_seconds=1500) as pressing,
        rig.site("floor", **trunks, pressing=pressing.carrier_port) as site,
        ExitStack() as later,
    ):
        dialer = site.start(metrics={"port": metrics_port}, sip={"max_lines": 24})
        site.campaign("dark", trunk="dark")
        site.leads("dark", DARK)
        site.log_in(rig.quick, [f"agent-dark-{i}" for i in range(5)], "dark")
        later.callback(sour.close)
        yield Running(rig, site, dialer, metrics_port, dark_port, pressing, sour, later)


def test_systemd_is_told(running: Running) -> None:
    """Ready with the number of workers, one of them for third parties, alive, and what it does."""
    site, dialer = running.site, running.dialer

    site.until(lambda: "WATCHDOG=1" in dialer.hear(), "the watchdog is fed")
    site.until(
        lambda: re.search(r"STATUS=running, \d+ of 24 lines, 5 agents", " ".join(dialer.hear())), "a status is told"
    )

    assert dialer.hear()[:2] == ["READY=1", "STATUS=13 SIP workers"]


def test_leads_become_talks_and_dispositions(running: Running) -> None:
    """From the CRM's stream to an agent and back: one screen pop, one disposition, a closed lead."""
    site = running.site
    site.campaign("plain", trunk="quick")
    site.leads("plain", [*running.numbers(1, 3), *running.numbers(1, 1, last="88")])
    site.log_in(running.rig.quick, ["agent-1", "agent-2"], "plain")

    site.until(lambda: len(site.ends("plain")) == 4, "all four have ended")

    assert site.kinds("plain") == {"connected": 3, "busy": 1}
    assert {event.id for event in site.talks("plain")} == {
        event.id for event in site.ends("plain") if event.data["disposition"] == "connected"
    }
    counts = site.counts("plain")
    assert (counts.accepted, counts.closed, counts.in_attempt, counts.leased) == (4, 4, 0, 0)
    end = site.ends("plain")[0].data
    today = counting_day(end["ended_at"], None)
    assert ledger.totals(site.store, "plain", [today])[0].answered == 3
    assert end["reserved_at"] <= end["dialled_at"] <= end["answered_at"] <= end["bridged_at"] <= end["ended_at"]
    board = site.until(lambda: _attempts(site.board(), "plain") == 4 and site.board(), "the board has counted")
    assert board.problems == () or all("dark" in problem for problem in board.problems)
    for agent in ("agent-1", "agent-2"):
        site.say(agent, "logout")


def _attempts(board: Board | None, campaign: str) -> int:
    return next((row.attempts for row in board.campaigns if row.name == campaign), 0) if board else 0


def test_a_trunk_where_nobody_is_rests(running: Running) -> None:
    """Its attempts are not charged to anybody, the breaker keeps calls off, and the board says so."""
    site = running.site

    board = site.until(lambda: _alarmed(site.board()), "the breaker is open and the board says so")

    assert any(problem.startswith("trunk dark rests: its calls failed") for problem in board.problems)
    site.until(lambda: site.kinds("dark").get("trunk_unreachable", 0) >= 5, "five attempts found nobody")
    assert set(site.kinds("dark")) <= {"trunk_unreachable", "not_sent"}  # a permit may come when the breaker has opened
    assert not any(event.data["charged"] for event in site.ends("dark"))
    fields = [digits(E164(number)) for number in DARK]
    histories = [("HGET", site.store.keys.history(place(field)), field) for field in fields]
    site.until(lambda: not any(trip(site.store, histories)), "nobody is charged, nor at a gate")
    profile = people(running.rig.folder, "dawn", ring_s=0.3, talk_s=1.0)
    running.later.enter_context(start_loopback(profile, carrier_port=running.dark_port, max_seconds=120))


def _alarmed(board: Board | None) -> Board | None:
    resting = board is not None and any(row.name == "dark" and row.resting_s > 0 for row in board.trunks)
    return board if resting else None


def test_a_call_that_a_trunk_gives_back_goes_through_the_next(running: Running) -> None:
    """402 from the first of two: one attempt, one INVITE after the other, connected; and when an operator has drained
    that trunk, no INVITE goes there any more."""
    site, sour = running.site, running.sour
    site.campaign("spill", trunks=("sour", "quick"))
    site.leads("spill", running.numbers(7, 2))
    site.log_in(running.rig.quick, ["agent-spill"], "spill")
    ends = [event.data for event in site.until(lambda: len(site.ends("spill")) == 2 and site.ends("spill"), "both end")]

    assert {(end["disposition"], end["trunk"], tuple(end["failed_trunks"])) for end in ends} == {
        ("connected", "quick", ("sour",))
    }
    assert len(sour.invites) == 2
    trunks.drain(site.store, "sour", who="ann", now=time.time(), reason="no credit")
    site.until(lambda: running.trunk("sour").why == "drained by ann: no credit", "the board says that it is drained")
    site.leads("spill", running.numbers(8, 1))
    last = site.until(lambda: len(site.ends("spill")) == 3 and site.ends("spill")[-1], "the third ends").data
    assert (last["trunk"], last["failed_trunks"]) == ("quick", [])
    assert len(sour.invites) == 2
    assert running.trunk("sour").quality.causes == {"given_back": 2}
    site.say("agent-spill", "logout")


def test_the_metrics_are_served(running: Running) -> None:
    """A scrape over HTTP shows the board's figures and the observed delays."""
    with urlopen(f"http://127.0.0.1:{running.metrics_port}/metrics", timeout=10) as answer:
        text = answer.read().decode()

    assert 'dialer_attempts_total{campaign="plain",disposition="connected"} 3.0' in text
    assert 'dialer_hand_over_seconds_count{campaign="plain"} 3.0' in text
    assert "dialer_redis_up 1.0" in text
    assert "dialer_sip_workers 13.0" in text


def test_no_agent_in_time_means_the_message_and_the_ledger(running: Running) -> None:
    """A phone that does not answer: after the limit the callee hears the message, the answer counts as abandoned, and
    the agent is paused with a reason."""
    site, carrier = running.site, running.rig.quick
    voiced = carrier.report().carrier.rtp_voiced_packets
    site.campaign("lonely", trunk="quick", abandon_message=site.message(), abandon_after_s=1.0)
    site.leads("lonely", running.numbers(2, 1))
    site.log_in(carrier, ["agent-deaf"], "lonely")

    end = site.until(lambda: site.ends("lonely"), "the call has ended")[0].data

    assert end["disposition"] == "abandoned"
    assert (end["live"], end["abandoned"], end["message_played"], end["agent"]) == (True, True, True, "")
    total = ledger.totals(site.store, "lonely", [end["day"]])[0]
    assert (total.answered, total.abandoned) == (1, 1)
    carrier.wait_for(lambda report: report.carrier.rtp_voiced_packets >= voiced + 20, limit_s=10)
    told = [event for event in site.events("abandoned") if event.data["campaign"] == "lonely"]
    assert [event.id for event in told] == [end["attempt_id"]]
    paused = site.until(lambda: _reasons(site, "agent-deaf", "paused")[1:], "the agent is paused")
    assert paused == ["phone did not answer"]
    site.say("agent-deaf", "logout")


def test_a_key_during_the_message_is_an_opt_out(running: Running) -> None:
    """The call ends, the CRM hears why, and no campaign calls the number again."""
    site, carrier, numbers = running.site, running.pressing, running.numbers(9, 1)
    who = of_number(E164(numbers[0]))
    site.campaign("opting", trunk="pressing", abandon_message=site.message(), abandon_after_s=1.0)
    site.leads("opting", numbers)
    site.log_in(carrier, ["agent-deaf"], "opting")

    end = site.until(lambda: site.ends("opting"), "the call has ended")[0].data

    assert (end["disposition"], end["opted_out"], end["next"]) == ("abandoned", True, "close")
    assert end["ended_by"] == "dialer"
    assert end["ended_at"] - end["answered_at"] < 5.0
    (block,) = site.until(lambda: blocklist.check(site.store, who, now=time.time()), "the number is blocked")
    assert (block.source, block.who, block.until) == ("keypress", "callee", None)
    site.say("agent-deaf", "logout")
    site.campaign("sequel", trunk="quick")
    site.leads("sequel", numbers)
    site.log_in(running.rig.quick, ["agent-again"], "sequel")
    refused = site.until(lambda: status.counts(site.store, "sequel", time.time()).refused_by, "the lead is refused")
    assert refused == {"blocklist": 1}
    site.say("agent-again", "logout")


def _reasons(site: Site, agent: str, state: str) -> list[str]:
    return [
        event.data["reason"]
        for event in site.events("agent_state")
        if event.data["agent"] == agent and event.data["state"] == state
    ]


def test_a_busy_phone_passes_the_callee_on(running: Running) -> None:
    """The callee gets the next agent; the one whose phone refused is paused with a reason."""
    site, carrier = running.site, running.rig.quick
    site.campaign("passing", trunk="quick", abandon_after_s=5.0)
    site.log_in(carrier, ["agent-busy"], "passing")
    site.until(lambda: "agent-busy" in site.agents_in("ready"), "the first agent waits")
    site.log_in(carrier, ["agent-3"], "passing")
    site.until(lambda: "agent-3" in site.agents_in("ready"), "the second agent waits")
    site.leads("passing", running.numbers(3, 1))

    talk = site.until(lambda: site.talks("passing"), "somebody takes the call")[0]

    assert talk.data["agent"] == "agent-3"
    assert _reasons(site, "agent-busy", "paused")[1:] == ["phone refused the call (busy, 486)"]
    for agent in ("agent-busy", "agent-3"):
        site.say(agent, "logout")


def test_who_comes_back_at_once_keeps_working(running: Running) -> None:
    """A desktop that is loaded anew logs out and in within a moment; the agent stays with this daemon."""
    site = running.site
    site.campaign("reload", trunk="quick")
    site.log_in(running.rig.quick, ["agent-4"], "reload")
    site.until(lambda: "agent-4" in site.agents_in("ready"), "the agent works")
    for _ in range(3):
        site.say("agent-4", "logout")
        site.log_in(running.rig.quick, ["agent-4"], "reload")
    heard = len(site.events("agent_state"))
    board = site.until(site.board, "a board")
    site.until(lambda: site.board().at > board.at + 1.5, "some beats pass")  # type: ignore[union-attr]
    site.leads("reload", running.numbers(4, 1))

    site.until(lambda: site.ends("reload"), "the agent serves a call")

    assert site.kinds("reload") == {"connected": 1}
    states = [event.data for event in site.events("agent_state")[heard:] if event.data["agent"] == "agent-4"]
    assert "no heartbeat" not in [state["reason"] for state in states]
    site.say("agent-4", "logout")
    claim = site.store.keys.agent_claim("agent-4")
    site.until(lambda: trip(site.store, [("EXISTS", claim)])[0] == 0, "the claim is given back")


def test_in_preview_the_agent_decides(running: Running) -> None:
    """One lead at a time: the first is dialled and talked to, the second skipped, the third refused at the gate because
    the number has come onto the no-call list while the agent looked at it."""
    site = running.site
    site.campaign("picky", mode=Mode.PREVIEW, trunk="quick")
    numbers = running.numbers(7, 3)
    site.leads("picky", numbers)
    site.log_in(running.rig.quick, ["agent-picky"], "picky")

    first = _offer(site, 1)
    assert site.until(lambda: site.agents_in("preview"), "the floor shows who decides") == {"agent-picky"}
    assert first["until"] == pytest.approx(first["at"] + 120.0, abs=1.0)
    assert "****" in first["phone"]
    site.say("agent-picky", "dial", lead_id="picky-77")
    site.say("agent-picky", "dial", lead_id=first["lead_id"])
    end = site.until(lambda: site.ends("picky"), "the talk is over")[0].data
    second = _offer(site, 2)
    site.say("agent-picky", "skip", lead_id=second["lead_id"], reason="spoke to her")
    last = _offer(site, 3)
    number = E164(numbers[int(last["lead_id"].removeprefix("picky-"))])
    asked = of_number(number).block(source="crm", reason="asked in writing", who="test", at=last["at"])
    blocklist.add(site.store, [asked])
    site.say("agent-picky", "dial", lead_id=last["lead_id"])
    site.until(lambda: len(_ended_offers(site)) == 3, "all three are decided")

    assert (end["disposition"], end["agent"], end["lead_id"]) == ("connected", "agent-picky", first["lead_id"])
    assert [offer["end"] for offer in _ended_offers(site)] == ["dialled", "skipped", "refused"]
    assert _ended_offers(site)[0]["attempt_id"] == end["attempt_id"]
    assert "asked in writing" in _ended_offers(site)[2]["reason"]
    refused = [event.data for event in site.events("agent_event_refused") if event.data["agent"] == "agent-picky"]
    assert "picky-77" in refused[0]["reason"]
    counts = site.until(lambda: site.counts("picky").waiting == 1 and site.counts("picky"), "the lead is put off")
    assert (counts.closed, counts.leased, counts.due) == (2, 0, 0)
    assert story(site.store, "picky", second["lead_id"]).row.why == "skipped by agent agent-picky: spoke to her"
    site.say("agent-picky", "logout")


def _offer(site: Site, number: int) -> Mapping[str, Any]:
    """The campaign's offer of this number, from 1."""
    offers = site.until(lambda: site.events("preview")[number - 1 :], f"offer {number} is made")
    found: Mapping[str, Any] = offers[0].data
    return found


def _ended_offers(site: Site) -> list[Mapping[str, Any]]:
    return [event.data for event in site.events("preview_ended")]


def test_nonsense_from_desktops_is_refused_with_a_reason(running: Running) -> None:
    """Entries that cannot be read, that name no campaign, or that come out of order: each is answered, once."""
    site = running.site
    stream, begin = site.store.keys.agents_in(), len(site.events("agent_event_refused"))
    running.add(stream, event=b"\x81\xa4type")
    running.add(stream, json='{"type": "juggle", "agent": "agent-5"}')
    running.add(stream, json='{"type": "login", "agent": "agent-5", "uri": "tel:12", "campaigns": []}')
    running.add(
        stream, json='{"type": "login", "agent": "agent-5", "uri": "sip:a@127.0.0.1", "campaigns": ["nowhere"]}'
    )
    running.add(stream, color="blue")
    site.say("agent-5", "wrapup_done")
    site.say("agent-5", "ready")
    site.log_in(running.rig.quick, ["agent-6"], "plain")
    site.say("agent-6", "wrapup_done")

    site.until(lambda: len(site.events("agent_event_refused")) >= begin + 8, "all are answered")

    refused = site.events("agent_event_refused")[begin:]
    reasons = " | ".join(event.data["reason"] for event in refused)
    assert len(refused) == len({event.id for event in refused}) == 8
    assert "type" in reasons
    assert "uri: must begin with sip:" in reasons
    assert "no campaign nowhere; existing campaigns: dark" in reasons
    assert "wrapup_done does not fit an agent who is offline" in reasons
    assert "wrapup_done does not fit an agent who is ready" in reasons
    site.say("agent-6", "logout")


def test_nonsense_from_the_crm_comes_back_with_reasons(running: Running) -> None:
    """Leads and requests that cannot be used, and a lead that is sent twice; the good one among them is called."""
    site = running.site
    site.campaign("messy", trunk="quick")
    (number,) = running.numbers(5, 1)
    lead = msgpack.packb({"lead_id": "good", "phone": number, "timezone": "Etc/GMT"})
    leads = site.store.keys.leads("messy")
    sent = [
        running.add(leads, lead=lead),
        running.add(leads, lead=lead),
        running.add(leads, lead=b"\xc1garbage"),
        running.add(leads, json='{"lead_id": "bad", "phone": "12", "colour": "red"}'),
        running.add(leads, json="[]"),
    ]
    requests = site.store.keys.crm_in()
    asked = [
        running.add(requests, request=b"\xff\xff"),
        running.add(requests, json='{"type": "dance"}'),
        running.add(requests, json='{"type": "outcome", "campaign": "messy", "attempt_id": "none", "outcome": "sale"}'),
        running.add(requests, json='{"type": "block", "number": "never", "who": "crm"}'),
    ]

    site.until(lambda: site.counts("messy").rejected == 4, "four leads are rejected")
    site.until(lambda: len(_refused(site, asked)) == 4, "four requests are refused")

    counts = site.counts("messy")
    assert (counts.accepted, counts.queued) == (1, 0)
    rejected = trip(site.store, [("XRANGE", site.store.keys.rejected("messy"), "-", "+")])[0]
    rows = [dict(zip(entry[1][::2], entry[1][1::2], strict=True)) for entry in rejected]
    assert [row[b"entry"].decode() for row in rows] == sent[1:]
    reasons = [json.loads(row[b"reasons"]) for row in rows]
    assert all(reasons)
    assert len(reasons[2]) == 2
    assert all(_refused(site, asked).values())
    site.log_in(running.rig.quick, ["agent-7"], "messy")
    site.until(lambda: site.kinds("messy") == {"connected": 1}, "the good lead is called")
    site.say("agent-7", "logout")


def _refused(site: Site, entries: list[str]) -> dict[str, list[str]]:
    told = [event.data for event in site.events("refused")]
    return {data["entry"]: data["reasons"] for data in told if data["entry"] in entries}


def test_a_worker_that_dies_takes_its_calls_along_and_no_others(running: Running) -> None:
    """The calls that it held end as worker_lost, once; the others talk on, and another worker takes its place."""
    site, dialer = running.site, running.dialer
    site.campaign("fragile", trunk="chatty")
    site.leads("fragile", running.numbers(6, 6))
    agents = [f"agent-fragile-{i}" for i in range(6)]
    site.log_in(running.rig.chatty, agents, "fragile")
    site.until(lambda: len(site.talks("fragile")) == 6, "six talk")
    victim = _holder_of_calls(dialer)

    os.kill(victim, signal.SIGKILL)

    ended = site.until(lambda: site.ends("fragile"), "its calls have ended")
    site.until(lambda: len(dialer.workers()) == 13 and victim not in dialer.workers(), "a new worker is there")
    board = site.until(lambda: _restarted(site.board()), "the board shows a full pool again")
    assert {event.data["disposition"] for event in site.ends("fragile")} == {"worker_lost"}
    lost = len(site.ends("fragile"))
    assert len(ended) <= lost <= 2
    assert board.lines_total == 24
    row = next(row for row in board.campaigns if row.name == "fragile")
    assert row.calls == {"talking": 6 - lost}
    assert trip(site.store, [("HLEN", site.store.keys.attempts("fragile"))]) == [6 - lost]


def _restarted(board: Board | None) -> Board | None:
    return board if board is not None and board.worker_restarts == 1 and board.workers == 13 else None


def _holder_of_calls(dialer: Dialer) -> int:
    """A worker with calls: one that has opened sockets for audio."""

    def sockets(pid: int) -> int:
        return sum(os.readlink(link).startswith("socket:") for link in _descriptors(pid))

    return max(dialer.workers(), key=sockets)


def _descriptors(pid: int) -> list[str]:
    return [f"/proc/{pid}/fd/{number}" for number in os.listdir(f"/proc/{pid}/fd")]


def test_a_trunk_comes_back(running: Running) -> None:
    """A probe finds out that the carrier is there again, and dialling goes on; the alarm is over."""
    site = running.site

    site.until(lambda: site.kinds("dark")["connected"] >= 3, "calls go through")

    site.until(lambda: "dark" not in str(site.board().problems), "the alarm is over")  # type: ignore[union-attr]
    assert running.trunk("dark").resting_s == 0.0


def test_a_campaign_that_cannot_run_here_is_said_and_does_not_run(running: Running) -> None:
    """A campaign whose trunk is not configured stays paused on this host, and the board says why."""
    site = running.site
    site.campaign("astray", trunk="elsewhere", mode=Mode.PROGRESSIVE)

    def problem() -> str:
        board = site.board()
        return next((row.problem for row in board.campaigns if row.name == "astray"), "") if board else ""

    assert "trunk 'elsewhere' is not configured here" in site.until(problem, "the board says so")


def test_a_clear_number_is_nowhere_but_where_it_must_be(running: Running) -> None:
    """Neither the log at its most talkative, nor any event, nor the board, nor the metrics hold a clear number."""
    site = running.site
    stored = trip(
        site.store, [("HKEYS", site.store.keys.numbers(name)) for name in ("plain", "fragile", "messy", "dark")]
    )
    numbers = [number.decode() for group in stored for number in group]
    said = {
        "log": running.dialer.log,
        "events": repr(site.events()),
        "boards": repr(status.read(site.store)),
        "metrics": urlopen(f"http://127.0.0.1:{running.metrics_port}/metrics", timeout=10).read().decode(),
    }

    assert len(numbers) > 20
    assert len(said["log"]) > 10_000
    for where, text in said.items():
        found = [number for number in numbers if number in text or number.removeprefix("86") in text]
        assert found == [], where


def test_the_end_is_clean(running: Running) -> None:
    """Two SIGTERMs: talks are hung up, everything is settled, the exit code is 0, and no process is left."""
    site, dialer = running.site, running.dialer
    family = dialer.family()
    dialer.stop()
    site.until(lambda: "STOPPING=1" in dialer.hear(), "systemd knows")
    dialer.stop()

    assert dialer.ended() == 0, dialer.log

    for name in ("plain", "lonely", "passing", "reload", "messy", "fragile", "dark"):
        counts = site.counts(name)
        assert (counts.in_attempt, counts.leased) == (0, 0), name
        assert counts.dispositions == site.kinds(name), name
    assert "Traceback" not in dialer.log
    anomalies = [line for line in dialer.log.splitlines() if '"event": "anomaly"' in line]
    assert all("campaign astray may use no trunk" in line for line in anomalies)
    assert not any(os.path.exists(f"/proc/{pid}") for pid in family)


def test_everything_is_on_record(running: Running) -> None:
    """Every attempt has its permit and its end there, no clear number; the rates counted from it are the ledger's."""
    site, dialer = running.site, running.dialer
    options = ["--config", str(dialer.folder / "dialer.toml"), "evidence"]
    records = [
        json.loads(line)
        for path in (dialer.folder / "evidence").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    attempts: dict[str, set[str]] = {}
    for one in records:
        attempts.setdefault(one["kind"], set()).add(one.get("attempt", ""))
    ended = {event.id for event in site.events("disposition")}

    verified = CliRunner().invoke(main, [*options, "verify"])
    rates = CliRunner().invoke(main, [*options, "rates", "--json"])

    assert verified.exit_code == 0, verified.output
    assert "(sealed)" in verified.stdout
    assert ended <= attempts["permit"]
    assert ended == attempts["settlement"]
    assert records[-1]["kind"] == "stopped"
    assert {record["rule"] for record in records if record["kind"] == "refusal"} >= {"blocklist"}
    assert [record["pressed"] for record in records if record["kind"] == "opt_out"] == ["9"]
    assert rates.exit_code == 0, rates.output
    days = json.loads(rates.stdout)["days"]
    assert {day["campaign"] for day in days} >= {"plain", "dark", "fragile"}
    assert all(day["agrees"] and day["ledger"]["answered"] == day["count"]["answered"] for day in days)
    assert sum(day["count"]["answered"] for day in days) > 10
    text = json.dumps(records)
    assert not [number for number in DARK if number[3:] in text]
