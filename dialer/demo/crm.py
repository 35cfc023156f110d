"""A stand-in for the CRM and the agents' desktops: an example of everything that a real one does with the dialer.

It knows nothing but the streams of docs/redis.md:

    leads, crm:in, agents:in    it writes: leads, no-call numbers, outcomes, what desktops say
    crm:out, crm:live           it reads as a consumer group, acknowledges, and takes each disposition once
    rejected                    it reads: its own rows that were no good, with every reason

Three rules make it safe to crash at any point. An event is acknowledged after it was dealt with. What was read and not
acknowledged is read again at the next start. What comes twice is known by its type and id, and does nothing twice.
"""

from __future__ import annotations

import heapq
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import msgpack
import redis

from dialer.demo.lead_list import Row

EVENTS: Final = ("crm:live", "crm:out")
GROUP: Final = "crm"
CONSUMER: Final = "demo"
AT_ONCE: Final = 200
BLOCK_MS: Final = 50
HEARTBEAT_S: Final = 5.0
BACK_FROM_PAUSE_S: Final = 2.0
DECISION_S: Final = (1.0, 4.0)
SKIPPED_SHARE: Final = 0.2
WRAPUP_S: Final = (1.0, 3.0)
OUTCOMES: Final = {"refused": 0.60, "sale": 0.15, "callback": 0.20, "complaint": 0.05}
CALLBACK_IN_S: Final = 3600.0


@dataclass(order=True, slots=True)
class Errand:
    """Something that an agent will do in a moment: say `event`, of a lead if `lead_id` names one, after `outcome` is
    sent, if there is one."""

    at: float
    agent: str
    event: str
    outcome: dict[str, Any] | None = field(default=None, compare=False)
    lead_id: str = ""


@dataclass(slots=True)
class Crm:
    """The CRM's own memory. `agents` maps names to the SIP URIs of their phones.

    `heard` has the disposition of every attempt, `talks` the attempts that were announced as connected, `sent` the
    stream entry of every row, `outcomes` what agents said came of their talks, `refused` what the dialer would not do.
    """

    client: redis.Redis
    prefix: str
    campaign: str
    agents: Mapping[str, str]
    random: Random
    heard: dict[str, str] = field(default_factory=dict)
    talks: set[str] = field(default_factory=set)
    sent: dict[str, Row] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    repeats: int = 0
    contradictions: int = 0
    errands: list[Errand] = field(default_factory=list)

    def stream(self, name: str) -> str:
        """A stream that all campaigns share."""
        return f"{self.prefix}{name}"

    def campaign_stream(self, name: str) -> str:
        """A stream of the campaign; the braces keep its keys together on a Redis cluster."""
        return f"{self.prefix}{{{self.campaign}}}:{name}"


def connect(url: str, prefix: str, campaign: str, agents: Mapping[str, str], seed: int) -> Crm:
    """A CRM that has sent and heard nothing yet."""
    return Crm(redis.Redis.from_url(url, protocol=2), prefix, campaign, agents, Random(seed))


def work(crm: Crm, rows: Sequence[Row], blocked: Iterable[str], stop: threading.Event) -> None:
    """A day's work: hand in the no-call list and the leads, log the agents in, serve until `stop` is set and
    everything was heard."""
    open_group(crm)
    block(crm, blocked)
    send_leads(crm, rows)
    while crm.client.xlen(crm.campaign_stream("leads")) and not stop.is_set():
        stop.wait(0.05)
    log_in(crm)
    serve(crm, stop)
    log_out(crm)


# --- what the CRM sends ---------------------------------------------------------------------------------------------


def block(crm: Crm, numbers: Iterable[str]) -> None:
    """Numbers that must not be called, by whatever campaign."""
    with crm.client.pipeline(transaction=False) as pipe:
        for number in numbers:
            request = {"type": "block", "number": number, "reason": "asked not to be called", "who": "crm"}
            pipe.xadd(crm.stream("crm:in"), {"request": msgpack.packb(request)})
        pipe.execute()


def send_leads(crm: Crm, rows: Sequence[Row]) -> None:
    """The list. The id of its stream entry is how a rejected row is known again."""
    for start in range(0, len(rows), AT_ONCE):
        batch = rows[start : start + AT_ONCE]
        with crm.client.pipeline(transaction=False) as pipe:
            for row in batch:
                pipe.xadd(crm.campaign_stream("leads"), {"lead": row.payload})
            ids = pipe.execute()
        crm.sent.update({entry_id.decode(): row for entry_id, row in zip(ids, batch, strict=True)})


def say(crm: Crm, agent: str, event: str, **fields: Any) -> None:
    """What a desktop says about its agent."""
    message = {"type": event, "agent": agent, **fields}
    crm.client.xadd(crm.stream("agents:in"), {"event": msgpack.packb(message)})


def log_in(crm: Crm) -> None:
    """Every agent comes to work and is ready for calls."""
    now = time.time()
    for agent, uri in crm.agents.items():
        say(crm, agent, "login", uri=uri, campaigns=[crm.campaign], team="demo")
        say(crm, agent, "ready")
        heapq.heappush(crm.errands, Errand(now + HEARTBEAT_S, agent, "heartbeat"))


def log_out(crm: Crm) -> None:
    """Whatever agents still had to write down is sent, and everybody goes home."""
    for errand in crm.errands:
        send_outcome(crm, errand)
    crm.errands.clear()
    for agent in crm.agents:
        say(crm, agent, "logout")


def send_outcome(crm: Crm, errand: Errand) -> None:
    """What came of a talk, in the agent's words."""
    if errand.outcome is None:
        return
    crm.outcomes[errand.outcome["outcome"]] += 1
    crm.client.xadd(crm.stream("crm:in"), {"request": msgpack.packb(errand.outcome)})


# --- what the CRM hears ---------------------------------------------------------------------------------------------


def open_group(crm: Crm) -> None:
    """The consumer group outlives the CRM, so that nothing is missed while it is away."""
    for name in EVENTS:
        try:
            crm.client.xgroup_create(crm.stream(name), GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise


def serve(crm: Crm, stop: threading.Event) -> None:
    """Hear and do, until `stop` is set and nothing is left to be heard."""
    cursor = "0"  # first what an earlier run had read and not acknowledged, then what is new
    while True:
        stopping = stop.is_set()
        reply: Any = crm.client.xreadgroup(
            GROUP, CONSUMER, {crm.stream(name): cursor for name in EVENTS}, count=AT_ONCE, block=BLOCK_MS
        )
        heard = [(stream, entries) for stream, entries in reply or () if entries]
        for stream, entries in heard:
            for _, entry in entries:
                hear(crm, entry[b"type"].decode(), entry[b"id"].decode(), msgpack.unpackb(entry[b"data"]))
            crm.client.xack(stream, GROUP, *(entry_id for entry_id, _ in entries))
        if not heard and cursor == "0":
            cursor = ">"
        elif not heard and stopping:
            return
        run_errands(crm)


def hear(crm: Crm, kind: str, event_id: str, data: Mapping[str, Any]) -> None:
    """One event. Kinds that the CRM has no use for are acknowledged like any other."""
    match kind:
        case "connected":  # the screen pop: name, masked number and attrs are in it
            crm.talks.add(event_id)
        case "disposition":
            if event_id in crm.heard:
                crm.repeats += 1
                crm.contradictions += crm.heard[event_id] != data["disposition"]
                return
            crm.heard[event_id] = data["disposition"]
            if data["agent"]:
                wrap_up(crm, event_id, data["agent"], data.get("campaign", crm.campaign))
        case "agent_state" if data["state"] == "paused" and data["reason"] != "login":
            heapq.heappush(crm.errands, Errand(time.time() + BACK_FROM_PAUSE_S, data["agent"], "ready"))
        case "preview":
            decide(crm, data["agent"], data["lead_id"])
        case "refused":
            crm.refused.append(f"{data['stream']} {data['entry']}: {'; '.join(data['reasons'])}")
        case "agent_event_refused":
            crm.refused.append(f"agents:in {data['agent']} {data['event']}: {data['reason']}")


def decide(crm: Crm, agent: str, lead_id: str) -> None:
    """A lead is on offer (mode preview): in a moment the agent has looked at it."""
    event = "skip" if crm.random.random() < SKIPPED_SHARE else "dial"
    heapq.heappush(crm.errands, Errand(time.time() + crm.random.uniform(*DECISION_S), agent, event, lead_id=lead_id))


def wrap_up(crm: Crm, attempt: str, agent: str, campaign: str) -> None:
    """The talk is over: in a moment the agent has written down what came of it and is free again."""
    (outcome,) = crm.random.choices(list(OUTCOMES), list(OUTCOMES.values()))
    request: dict[str, Any] = {
        "type": "outcome",
        "campaign": campaign,
        "attempt_id": attempt,
        "outcome": outcome,
        "agent": agent,
    }
    if outcome == "callback":
        request["callback_at"] = time.time() + CALLBACK_IN_S
    done_at = time.time() + crm.random.uniform(*WRAPUP_S)
    heapq.heappush(crm.errands, Errand(done_at, agent, "wrapup_done", request))


def run_errands(crm: Crm) -> None:
    """Do what agents have to do by now."""
    now = time.time()
    while crm.errands and crm.errands[0].at <= now:
        errand = heapq.heappop(crm.errands)
        send_outcome(crm, errand)
        say(crm, errand.agent, errand.event, **({"lead_id": errand.lead_id} if errand.lead_id else {}))
        if errand.event == "heartbeat":
            heapq.heappush(crm.errands, Errand(now + HEARTBEAT_S, errand.agent, "heartbeat"))


def read_rejects(crm: Crm) -> dict[str, tuple[str, ...]]:
    """Every reason for every row that came back, by the id of the row's stream entry."""
    entries: Any = crm.client.xrange(crm.campaign_stream("rejected"))
    return {entry[b"entry"].decode(): tuple(json.loads(entry[b"reasons"])) for _, entry in entries}


def requests_left(crm: Crm) -> int:
    """How many of the CRM's requests no daemon has dealt with yet: those that it has are deleted."""
    return int(crm.client.xlen(crm.stream("crm:in")))
