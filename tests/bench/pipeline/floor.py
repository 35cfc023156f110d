"""A floor that dials: leads in Redis, gates, pacing, SIP to SIPp, agents, dispositions, all of it set up and torn down.

Everything runs on this machine: Valkey, the daemon with its workers, a stand-in CRM with the agents' desktops, SIPp as
callees and as phones, Kamailio and rtpengine between them where asked for. So the figures are of a machine that does
both ends' work.
"""

from __future__ import annotations

import heapq
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import msgpack

from config.campaign import CampaignSettings
from config.redis import RedisSettings
from dialer.core.inputs import CampaignState
from dialer.demo import crm, parts, scene
from dialer.demo.lead_list import Kind, Row
from dialer.store.base.connection import Store, close_store, open_store
from dialer.store.operators import campaigns, control, status
from tests.bench.pipeline import edge
from tests.bench.pipeline.far_end import AGENT_PORT, CALLEE_PORT, FarEnds, far_ends
from tests.bench.pipeline.options import Options, Way
from tests.bench.pipeline.processes import Family, children, cpu_s, family
from tests.rules import AT_ANY_HOUR

LOGINS: Final = 5
"""Campaigns that each agent logs in for, at most."""

READY_LIMIT_S: Final = 180.0
DRAIN_LIMIT_S: Final = 120.0


@dataclass(slots=True)
class Bench:
    """The parts that are up."""

    options: Options
    folder: Path
    store: Store
    far: FarEnds
    family: Family
    desk: crm.Crm
    edge: tuple[int, ...] = ()
    server: tuple[int, ...] = ()

    def used(self) -> dict[str, float]:
        """Processor time so far, by what it was for."""
        used = {
            "daemon": cpu_s((self.family.daemon,)),
            "SIP workers": cpu_s((self.family.zygote, *self.family.workers)),
            "Valkey": cpu_s(self.server),
            "CRM and desktops": time.process_time(),
        }
        if self.edge:
            used["edge"] = cpu_s(self.edge)
        return {**used, **self.far.used()}


@contextmanager
def at_work(options: Options, sipp: str) -> Iterator[tuple[Bench, Callable[[], None]]]:
    """A floor that dials, and what drains it; everything is gone after the block."""
    folder = Path(tempfile.mkdtemp(prefix="dialer-bench-"))
    limit_s = int(READY_LIMIT_S + options.ramp_s + options.seconds + DRAIN_LIMIT_S)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        beside = set(children(os.getpid()))
        url = stack.enter_context(parts.valkey(folder))
        server = tuple(pid for child in set(children(os.getpid())) - beside for pid in (child, *children(child)))
        far = stack.enter_context(far_ends(sipp, folder, options, limit_s))
        store = open_store(RedisSettings(url=url))
        stack.callback(close_store, store)
        _campaigns(store, folder, options)
        settings = folder / "dialer.toml"
        settings.write_text(_settings(folder, url, options))
        between = stack.enter_context(edge.running(settings, folder)) if options.way is Way.EDGE else ()
        leash = stack.enter_context(parts.daemon(folder, settings, limit_s))
        _wait(lambda: bool(status.read(store)), READY_LIMIT_S, folder, "the daemon was not ready")
        names = [f"agent-{i:04}" for i in range(options.agents)]
        uris = {name: f"sip:{name}@127.0.0.1:{AGENT_PORT}" for name in names}
        desk = crm.connect(url, store.keys.prefix, options.names[0], uris, seed=1)
        stack.callback(desk.client.close)
        bench = Bench(options, folder, store, far, family(leash.pid), desk, between, server)
        stop = threading.Event()
        with ThreadPoolExecutor(1, "crm") as threads:
            stack.callback(stop.set)
            working = threads.submit(_work, desk, options, stop)
            _set_state(store, options, CampaignState.RUNNING)

            def drain() -> None:
                leash.terminate()
                leash.wait(DRAIN_LIMIT_S)
                stop.set()
                working.result(60)

            try:
                yield bench, drain
            finally:
                stop.set()


# --- set up ---------------------------------------------------------------------------------------------------------


def _campaigns(store: Store, folder: Path, options: Options) -> None:
    message = folder / "abandoned.wav"
    scene.write_message(message)
    for name in options.names:
        settings = CampaignSettings(
            name=name,
            caller_id=scene.CALLER_ID,
            abandon_message=str(message),
            ring_timeout_s=15.0,
            **AT_ANY_HOUR,
        )
        campaigns.create(store, settings, who="bench", now=time.time())
    _set_state(store, options, CampaignState.PAUSED)


def _set_state(store: Store, options: Options, state: CampaignState) -> None:
    for name in options.names:
        campaigns.set_state(store, name, state, who="bench", now=time.time())
        control.send(store, control.Command("campaign", {"campaign": name}), who="bench", now=time.time())


def _work(desk: crm.Crm, options: Options, stop: threading.Event) -> None:
    """The CRM's day: the leads of every campaign, the agents for some campaigns each, then whatever is to be heard."""
    names, rows = options.names, _rows(options.leads)
    crm.open_group(desk)
    for place, name in enumerate(names):
        crm.send_leads(replace(desk, campaign=name), rows[place :: len(names)])
    streams = [replace(desk, campaign=name).campaign_stream("leads") for name in names]
    while any(desk.client.xlen(stream) for stream in streams) and not stop.is_set():
        stop.wait(0.05)
    mine, now = cycle(names), time.time()
    for agent, uri in desk.agents.items():
        crm.say(desk, agent, "login", uri=uri, campaigns=list(islice(mine, min(LOGINS, len(names)))), team="bench")
        crm.say(desk, agent, "ready")
        heapq.heappush(desk.errands, crm.Errand(now + crm.HEARTBEAT_S, agent, "heartbeat"))
    crm.serve(desk, stop)
    crm.log_out(desk)


def _settings(folder: Path, url: str, options: Options) -> str:
    return f"""\
[redis]
url = "{url}"
[host]
name = "bench"
[sip]
media_timeout_s = 0
max_lines = {options.lines}
{"".join(_trunk(place, options) for place in range(options.trunks))}
[spool]
dir = "{folder / "spool"}"
[evidence]
folder = "{folder / "evidence"}"
key_file = "{folder / "evidence.key"}"
[metrics]
port = 0
[agents]
probe_limit_s = 0  # SIPp answers no OPTIONS
[log]
format = "json"
{edge.settings() if options.way is Way.EDGE else ""}
[drain]
talk_limit_s = 30
"""


def _trunk(place: int, options: Options) -> str:
    return f"""
[[trunks]]
name = "sipp-{place}"
host = "127.0.0.1"
port = {CALLEE_PORT}
weight = 1
max_cps = {-(-options.max_cps // options.trunks)}
max_calls = {-(-options.lines // options.trunks)}
options_s = 0  # SIPp would count them as calls
edge = {{ keep_alive = false }}  # and answer none
"""


def _rows(leads: int) -> list[Row]:
    return [Row(Kind.GOOD, f"bench-{i}", _phone(i), _lead(i)) for i in range(leads)]


def _phone(i: int) -> str:
    return f"+86138{10_000_000 + i}"


def _lead(i: int) -> bytes:
    packed: bytes = msgpack.packb({"lead_id": f"bench-{i}", "phone": _phone(i)})
    return packed


def _wait(condition: Callable[[], bool], limit_s: float, folder: Path, otherwise: str) -> None:
    until = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"{otherwise}: {parts.last_words(folder / 'daemon.log')}")
        time.sleep(0.2)
