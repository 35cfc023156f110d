"""A small CRM client: adds leads, reads dispositions with a consumer group, reports an outcome for each talk.

    python docs/crm_client.py redis://127.0.0.1:6379/0 spring leads.json

`leads.json` holds a list of leads as docs/redis.md describes them. Needs the packages redis and msgpack.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import redis

EVENTS = "dialer:crm:out"
REQUESTS = "dialer:crm:in"
DESKTOPS = "dialer:agents:in"
GROUP = "crm"
QUEUE_LIMIT = 100_000


def add_leads(client: redis.Redis, campaign: str, leads: list[dict[str, Any]]) -> int:
    """Add leads until the stream is full; returns how many were added, the rest is for later."""
    stream = f"dialer:{{{campaign}}}:leads"
    room = max(0, QUEUE_LIMIT - client.xlen(stream))
    with client.pipeline(transaction=False) as pipe:
        for lead in leads[:room]:
            pipe.xadd(stream, {"lead": msgpack.packb(lead)})
        pipe.execute()
    return min(room, len(leads))


def join(client: redis.Redis) -> None:
    """Create the consumer group, from the oldest event on, if it is not there yet."""
    try:
        client.xgroup_create(EVENTS, GROUP, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def events(client: redis.Redis, consumer: str, block_ms: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (type, id, data) and acknowledge each event once the caller comes back for the next.

    What this consumer read before and did not acknowledge, because it crashed, comes first.
    """
    for start in ("0", ">"):
        found = client.xreadgroup(GROUP, consumer, {EVENTS: start}, count=100, block=block_ms)
        for _, entries in found:
            for entry_id, fields in entries:
                if fields:  # an entry that was trimmed meanwhile has none
                    data = decoded(fields[b"data"])
                    yield fields[b"type"].decode(), fields[b"id"].decode(), data
                client.xack(EVENTS, GROUP, entry_id)


def decoded(data: bytes) -> dict[str, Any]:
    """The map of an event: msgpack, or JSON where the dialer's setting `redis.json_events` is true."""
    found: dict[str, Any] = json.loads(data) if data.startswith(b"{") else msgpack.unpackb(data)
    return found


def send_outcome(client: redis.Redis, campaign: str, attempt_id: str, outcome: str, **more: Any) -> None:
    """Say what came of an attempt."""
    request = {"type": "outcome", "campaign": campaign, "attempt_id": attempt_id, "outcome": outcome, **more}
    client.xadd(REQUESTS, {"request": msgpack.packb(request)})


def decide(client: redis.Redis, agent: str, lead_id: str, *, dial: bool, reason: str = "") -> None:
    """Answer the event `preview`: have the lead dialled for this agent, or skip it with a reason."""
    said = {"type": "dial" if dial else "skip", "agent": agent, "lead_id": lead_id}
    client.xadd(DESKTOPS, {"event": msgpack.packb(said if dial or not reason else {**said, "reason": reason})})


def main(url: str, campaign: str, path: str) -> None:
    """Add the leads of a file, then follow what becomes of them until interrupted."""
    client = redis.Redis.from_url(url, protocol=2)
    join(client)
    added = add_leads(client, campaign, json.loads(Path(path).read_text()))
    sys.stdout.write(f"{added} leads added\n")
    seen: set[tuple[str, str]] = set()  # a real CRM keeps this in its database
    while True:
        for kind, name, data in events(client, "crm-1", block_ms=1000):
            if (kind, name) in seen:
                continue
            seen.add((kind, name))
            sys.stdout.write(f"{kind} {name} {data.get('lead_id', '')} {data.get('disposition', '')}\n")
            if kind == "disposition" and data["disposition"] == "connected":
                send_outcome(client, data["campaign"], data["attempt_id"], "sale", agent=data["agent"])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} REDIS_URL CAMPAIGN LEADS_FILE")
    main(*sys.argv[1:])
