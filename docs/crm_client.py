"""A small CRM client: reads the events of one campaign as a reader of its own, and writes only what it is asked to.

    dialer crm register crm-example                                         # once: its events stay until it has them
    python docs/crm_client.py redis://127.0.0.1:6379/0 spring               # follow what happens, until interrupted
    python docs/crm_client.py redis://127.0.0.1:6379/0 spring --add leads.json
    python docs/crm_client.py redis://127.0.0.1:6379/0 spring --outcome A1 sale --agent 17
    python docs/crm_client.py redis://crm-north:PASSWORD@127.0.0.1:6379/0 spring --crm north   # streams of its own

`leads.json` holds a list of leads as docs/redis.md describes them. Needs the packages redis and msgpack. What a real
one does as well: it keeps the events that it has dealt with in its database (here: `--database`), and it never takes
the name of another program's reader.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import redis

EVENTS = ("dialer:crm:out", "dialer:crm:live")  # what must not be missed, and what is now
REQUESTS = "dialer:crm:in"  # of a CRM with streams of its own each of these three ends in a colon and its name
DESKTOPS = "dialer:agents:in"
READER = "crm-example"
QUEUE_LIMIT = 100_000


@dataclass(frozen=True)
class Event:
    """One event. (`kind`, `id`) is its idempotency key; it is acknowledged by `stream` and `entry_id`."""

    stream: str
    entry_id: str
    kind: str
    id: str
    data: dict[str, Any]


def of_crm(stream: str, crm: str) -> str:
    """A stream as the CRM of this name has it; one without a name has those that are shared."""
    return f"{stream}:{crm}" if crm else stream


# --- reading ----------------------------------------------------------------------------------------------------------


def is_registered(client: redis.Redis, reader: str, crm: str = "") -> bool:
    """Whether the reader's group is there: `dialer crm register` makes it, and this program does not."""
    try:
        return any(group["name"].decode() == reader for group in client.xinfo_groups(of_crm(EVENTS[0], crm)))
    except redis.ResponseError:  # nobody has registered, and nothing has happened yet
        return False


def events(client: redis.Redis, reader: str, consumer: str, block_ms: int, crm: str = "") -> Iterator[Event]:
    """Yield what there is to read, without acknowledging it. What this consumer read before and did not acknowledge,
    because it crashed, comes first."""
    streams = [of_crm(stream, crm) for stream in EVENTS]
    for start in ("0", ">"):
        replies: Any = client.xreadgroup(reader, consumer, dict.fromkeys(streams, start), count=100, block=block_ms)
        for stream, entries in replies:
            for entry_id, fields in entries:
                if fields:  # an entry that was deleted meanwhile has none
                    kind, name = fields[b"type"].decode(), fields[b"id"].decode()
                    yield Event(stream.decode(), entry_id.decode(), kind, name, decoded(fields[b"data"]))
                else:
                    client.xack(stream, reader, entry_id)


def decoded(data: bytes) -> dict[str, Any]:
    """The map of an event: msgpack, or JSON after `dialer crm set --format json`."""
    found: dict[str, Any] = json.loads(data) if data.startswith(b"{") else msgpack.unpackb(data)
    return found


def follow(
    client: redis.Redis,
    database: sqlite3.Connection,
    reader: str,
    campaign: str,
    block_ms: int = 1000,
    crm: str = "",
) -> int:
    """Deal with what there is to read, once each; returns how many events of the campaign were new.

    First the work is done and written down, then it is acknowledged: a crash in between repeats an event, and the
    database knows that it was dealt with. Events of other campaigns are none of ours, and acknowledged.
    """
    database.execute("CREATE TABLE IF NOT EXISTS heard (kind TEXT, id TEXT, data TEXT, PRIMARY KEY (kind, id))")
    new = 0
    for event in events(client, reader, "worker-1", block_ms, crm):
        if event.data.get("campaign") == campaign:
            row = (event.kind, event.id, json.dumps(event.data, ensure_ascii=False))
            with database:  # a real CRM does its work in the same transaction
                is_new = database.execute("INSERT OR IGNORE INTO heard VALUES (?, ?, ?)", row).rowcount == 1
            if is_new:
                new += 1
                show(event)
        client.xack(event.stream, reader, event.entry_id)
    return new


def show(event: Event) -> None:
    """A line for whoever watches."""
    words = (event.kind, event.id, event.data.get("lead_id"), event.data.get("disposition"), event.data.get("agent"))
    sys.stdout.write(" ".join(str(word) for word in words if word) + "\n")


# --- writing, when asked ----------------------------------------------------------------------------------------------


def add_leads(client: redis.Redis, campaign: str, leads: list[dict[str, Any]]) -> int:
    """Add leads until the stream is full; returns how many were added, the rest is for later. Check them first:
    `dialer crm validate leads.json --campaign spring`."""
    stream = f"dialer:{{{campaign}}}:leads"  # the braces are part of the key
    room = max(0, QUEUE_LIMIT - client.xlen(stream))
    with client.pipeline(transaction=False) as pipe:
        for lead in leads[:room]:
            pipe.xadd(stream, {"lead": msgpack.packb(lead)})
        pipe.execute()
    return min(room, len(leads))


def send_outcome(
    client: redis.Redis, campaign: str, attempt_id: str, outcome: str, *, crm: str = "", **more: Any
) -> None:
    """Say what came of an attempt, in the agent's words. It takes the place of what was said of it before, so send what
    somebody has said, and nothing that a program supposes."""
    request = {"type": "outcome", "campaign": campaign, "attempt_id": attempt_id, "outcome": outcome, **more}
    client.xadd(of_crm(REQUESTS, crm), {"request": msgpack.packb(request)})


def decide(client: redis.Redis, agent: str, lead_id: str, *, dial: bool, reason: str = "") -> None:
    """Answer the event `preview`: have the lead dialled for this agent, or skip it with a reason."""
    said = {"type": "dial" if dial else "skip", "agent": agent, "lead_id": lead_id}
    client.xadd(DESKTOPS, {"event": msgpack.packb(said if dial or not reason else {**said, "reason": reason})})


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="A small CRM client: follows one campaign, writes only when asked to.")
    parser.add_argument("url", help="of Redis")
    parser.add_argument("campaign")
    parser.add_argument("--reader", default=READER, help="name of the registered reader")
    parser.add_argument("--crm", default="", help="name of the CRM, where it has streams of its own")
    parser.add_argument("--database", default=":memory:", help="file of the events that were dealt with")
    parser.add_argument("--once", action="store_true", help="read what there is, and end")
    parser.add_argument("--add", type=Path, metavar="FILE", help="add the leads of a file, and end")
    parser.add_argument("--outcome", nargs=2, metavar=("ATTEMPT", "WORD"), help="say what came of an attempt, and end")
    parser.add_argument("--agent", help="who says so")
    given = parser.parse_args()
    client = redis.Redis.from_url(given.url, protocol=2)
    if given.add:
        sys.stdout.write(f"{add_leads(client, given.campaign, json.loads(given.add.read_text()))} leads added\n")
    elif given.outcome:
        more = {"agent": given.agent} if given.agent else {}
        send_outcome(client, given.campaign, *given.outcome, crm=given.crm, **more)
    elif not is_registered(client, given.reader, given.crm):
        sys.exit(f"{given.reader} is no registered reader: dialer crm register {given.reader}")
    else:
        database = sqlite3.connect(given.database)
        block_ms = 10 if given.once else 1000
        while follow(client, database, given.reader, given.campaign, block_ms, given.crm) or not given.once:
            pass
        database.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
