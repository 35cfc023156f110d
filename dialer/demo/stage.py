"""The stage: starts the parts, lets them work for a while, drains the daemon, and ends everything it started.

Valkey, the carrier with the phones, and the daemon are processes. The stand-in CRM is a thread that speaks to Valkey
alone. Whoever calls `run` draws: `show` is called twice a second with what there is to be seen.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compliance.blocks import of_number
from compliance.numbers import E164
from config.redis import RedisSettings
from dialer.archive.sources import Sources
from dialer.core.board import Board, from_wire
from dialer.core.inputs import CampaignState
from dialer.demo import console, crm, edge, lead_list, parts, scene
from dialer.demo.crm import Crm
from dialer.demo.lead_list import Kind, Row
from dialer.demo.parts import DemoFailed
from dialer.demo.summary import Summary, sum_up
from dialer.disk.archive.asking import ask
from dialer.store.base.connection import Store, close_store, open_store
from dialer.store.base.errors import StoreError
from dialer.store.crm import readers
from dialer.store.operators import campaigns, control, status
from dialer.store.privacy import blocklist
from sip.loopback.process import Loopback, LoopbackError, start_loopback
from sip.loopback.profile import Outcome
from sip.loopback.profile_file import read_profile

LOOK_EVERY_S: Final = 0.5
READY_LIMIT_S: Final = 180.0
"""The first start of an installation compiles the pacing model, which takes its time on a small machine."""

LIST_LIMIT_S: Final = 60.0
DRAIN_LIMIT_S: Final = scene.TALK_LIMIT_S + 90.0
LAST_WORDS_LIMIT_S: Final = 15.0
DISPOSITIONS: Final = "SELECT disposition, count(*) FROM attempts GROUP BY disposition"
MOST_DISPOSITIONS: Final = 100


@dataclass(frozen=True, slots=True)
class Options:
    """What the demo shows. `web` serves the console, too; `edge` puts Kamailio and rtpengine before the carrier;
    `profile` is how callees and phones behave: a profile of `sip.loopback`, by name or file."""

    seconds: float = 60.0
    agents: int = 12
    leads: int = 3000
    seed: int = 1
    keep: bool = False
    edge: bool = False
    web: bool = False
    profile: str = str(scene.CALLEES)


@dataclass(frozen=True, slots=True)
class Moment:
    """What there is to be seen. `left_s` is the seconds of dialling that are left, None before and after it."""

    phase: str
    left_s: float | None = None
    boards: tuple[Board, ...] = ()
    note: str = ""  # where the console is


Show = Callable[[Moment], None]


@dataclass(slots=True)
class Stage:
    """The parts that are up. `crm_work` ends when `closing` is set and everything was heard."""

    folder: Path
    store: Store
    loopback: Loopback
    daemon: subprocess.Popen[bytes]
    crm: Crm
    threads: ThreadPoolExecutor
    closing: threading.Event
    rows: tuple[Row, ...]
    show: Show
    note: str = ""
    crm_work: Future[None] | None = None
    board: Board | None = None


def run(options: Options, show: Show) -> Summary:
    """Show a whole dialer at work. Everything that was started has ended when this returns or raises.

    Raises `DemoFailed`, `ProfileError`, and `KeyboardInterrupt` where the user has seen enough.
    """
    read_profile(options.profile)  # a mistake in it is better said before anything is started
    folder = Path(tempfile.mkdtemp(prefix="dialer-demo-"))
    keep = options.keep
    try:
        with ExitStack() as stack:
            stage = _set_up(options, folder, stack, show)
            _open_the_floor(stage, stack, options)
            halfway, at_the_end = _dial(stage, options.seconds)
            _drain(stage)
            summary = _take_stock(stage, halfway, at_the_end)
        keep = keep or not summary.balances
        return summary.with_folder(str(folder)) if keep else summary
    except (DemoFailed, LoopbackError, StoreError) as failure:
        keep = True
        raise DemoFailed(f"{failure}\nThe logs are kept in {folder}") from failure
    except Exception:
        keep = True
        raise
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


# --- before the first call ------------------------------------------------------------------------------------------


def _set_up(options: Options, folder: Path, stack: ExitStack, show: Show) -> Stage:
    most_s = options.seconds + READY_LIMIT_S + LIST_LIMIT_S + DRAIN_LIMIT_S + LAST_WORDS_LIMIT_S
    show(Moment("starting Valkey, the carrier and the phones"))
    url = stack.enter_context(parts.valkey(folder))
    carrier_log = stack.enter_context((folder / "carrier.log").open("wb"))
    rows = lead_list.draw(options.leads, options.seed)
    loopback = stack.enter_context(
        start_loopback(
            options.profile,
            seed=options.seed,
            forced={row.number: Outcome.BUSY for row in rows if row.kind is Kind.ALWAYS_BUSY},
            max_seconds=most_s,
            stderr=carrier_log,
        )
    )
    store = open_store(RedisSettings(url=url))
    stack.callback(close_store, store)

    now, message, settings = time.time(), folder / "abandoned.wav", folder / "dialer.toml"
    scene.write_message(message)
    text = scene.daemon_toml(folder, redis_url=url, carrier_port=loopback.carrier_port, agents=options.agents)
    if options.edge:
        show(Moment("starting Kamailio and rtpengine"))
        text += scene.edge_toml(edge.free_ports(), edge.PUBLIC)
        settings.write_text(text)
        stack.enter_context(edge.between(settings, folder / "edge", most_s))
    note = ""
    if options.web:
        address, password = console.address(), console.make_user(folder)
        text += console.toml(folder, address)
        note = f"console: http://{address[0]}:{address[1]}  name {console.NAME}, password {password}"
    settings.write_text(text)
    show(Moment("starting the daemon; the very first start compiles the pacing model"))
    campaigns.create(store, scene.campaign_settings(message, now), who=scene.WHO, now=now)
    campaigns.set_state(store, scene.CAMPAIGN, CampaignState.PAUSED, who=scene.WHO, now=now)
    scene.call_earlier(store, [row.number for row in rows if row.kind is Kind.CALLED_ENOUGH], now)
    daemon = stack.enter_context(parts.daemon(folder, settings, most_s))

    names = [f"agent-{i + 1:02}" for i in range(options.agents)]
    phones = {name: loopback.phone_uri(name) for name in names}
    stand_in = crm.connect(url, store.keys.prefix, scene.CAMPAIGN, phones, options.seed)
    stack.callback(stand_in.client.close)
    threads = stack.enter_context(ThreadPoolExecutor(1, "crm"))
    closing = threading.Event()
    stack.callback(closing.set)
    return Stage(folder, store, loopback, daemon, stand_in, threads, closing, rows, show, note)


def _open_the_floor(stage: Stage, stack: ExitStack, options: Options) -> None:
    """The CRM hands in the no-call list and the leads and logs the agents in; then the campaign is started. The archive
    begins when the daemon has made the key of the hashes."""
    store, phase = stage.store, "starting the daemon; the very first start compiles the pacing model"
    _until(stage, phase, lambda: stage.board is not None, READY_LIMIT_S, "the daemon was not ready")
    most_s = options.seconds + LIST_LIMIT_S + DRAIN_LIMIT_S + LAST_WORDS_LIMIT_S
    for name in ("archive", *(["web"] if options.web else [])):
        stack.enter_context(parts.service(name, stage.folder, stage.folder / "dialer.toml", most_s))
    blocked = [row.number for row in stage.rows if row.kind is Kind.BLOCKED]
    stage.crm_work = stage.threads.submit(crm.work, stage.crm, stage.rows, blocked, stage.closing)

    def taken_in() -> bool:
        now = time.time()
        counts, last = status.counts(store, scene.CAMPAIGN, now), of_number(E164(blocked[-1]))
        return counts.accepted + counts.rejected == len(stage.rows) and bool(blocklist.check(store, last, now=now))

    _until(stage, "the CRM hands in its leads", taken_in, LIST_LIMIT_S, "the list was not taken in")
    campaigns.set_state(store, scene.CAMPAIGN, CampaignState.RUNNING, who=scene.WHO, now=time.time())
    control.send(store, control.Command("campaign_start", {"campaign": scene.CAMPAIGN}), who=scene.WHO, now=time.time())


# --- while calls are made -------------------------------------------------------------------------------------------


def _dial(stage: Stage, seconds: float) -> tuple[Board, Board]:
    """Watch the floor for a while. Returns the boards halfway and at the end."""
    boards: list[Board] = []
    began = time.monotonic()
    for until in (began + seconds / 2, began + seconds):
        while (rest_s := until - time.monotonic()) > 0:
            _still_runs(stage)
            _look(stage, "dialling", began + seconds - time.monotonic())
            time.sleep(min(LOOK_EVERY_S, rest_s))
        assert stage.board is not None  # there was one before the floor was opened
        boards.append(stage.board)
    return boards[0], boards[1]


def _drain(stage: Stage) -> None:
    """Tell the daemon to stop, and watch it finish its calls."""
    stage.daemon.send_signal(signal.SIGTERM)
    until = time.monotonic() + DRAIN_LIMIT_S
    while (exit_status := stage.daemon.poll()) is None:
        if time.monotonic() > until:
            raise DemoFailed(f"the daemon did not end within {DRAIN_LIMIT_S:g} s after SIGTERM")
        _look(stage, "draining: no new calls, those in progress go on to their end", None)
        time.sleep(LOOK_EVERY_S / 2)
    if exit_status:
        raise DemoFailed(f"the daemon ended with status {exit_status} after SIGTERM: {_last_words(stage)}")
    _look(stage, "hearing the rest", None)


def _look(stage: Stage, phase: str, left_s: float | None) -> None:
    """Read the daemon's board and show it. Raises `DemoFailed` where the CRM has failed meanwhile."""
    if stage.crm_work is not None and stage.crm_work.done():
        raise DemoFailed(f"the CRM failed: {stage.crm_work.exception()!r}") from stage.crm_work.exception()
    boards = tuple(from_wire(host.snapshot) for host in status.read(stage.store))
    if boards:
        stage.board = boards[0]
    stage.show(Moment(phase, left_s, boards, stage.note))


def _until(stage: Stage, phase: str, condition: Callable[[], bool], limit_s: float, otherwise: str) -> None:
    """Wait for something. Raises `DemoFailed` where it does not come, or where the daemon ends instead."""
    until = time.monotonic() + limit_s
    while not condition():
        _still_runs(stage)
        if time.monotonic() > until:
            raise DemoFailed(f"{otherwise} within {limit_s:g} s: {_last_words(stage)}")
        _look(stage, phase, None)
        time.sleep(LOOK_EVERY_S / 5)


def _still_runs(stage: Stage) -> None:
    if (exit_status := stage.daemon.poll()) is not None:
        raise DemoFailed(f"the daemon ended by itself with status {exit_status}: {_last_words(stage)}")


def _last_words(stage: Stage) -> str:
    return parts.last_words(stage.folder / "daemon.log")


# --- afterwards -----------------------------------------------------------------------------------------------------


def _take_stock(stage: Stage, halfway: Board, at_the_end: Board) -> Summary:
    """Let the CRM hear the rest, stop the carrier, and put everybody's counts side by side."""
    stage.closing.set()
    assert stage.crm_work is not None
    try:
        stage.crm_work.result(LAST_WORDS_LIMIT_S)
    except TimeoutError:
        raise DemoFailed(f"the CRM did not hear everything within {LAST_WORDS_LIMIT_S:g} s") from None
    return sum_up(
        archived=_archived(stage),
        rows=stage.rows,
        crm=stage.crm,
        rejects=crm.read_rejects(stage.crm),
        requests_left=crm.requests_left(stage.crm),
        counts=status.counts(stage.store, scene.CAMPAIGN, time.time()),
        carrier=stage.loopback.stop().carrier,
        halfway=halfway,
        dialling=at_the_end,
        last=stage.board or at_the_end,
    )


def _archived(stage: Stage) -> dict[str, int]:
    """The attempts in the archive by disposition, when it has read everything."""
    until = time.monotonic() + LAST_WORDS_LIMIT_S
    sources = Sources(stage.store)
    while sources.coming() or not readers.listing(stage.store):
        if time.monotonic() > until:
            words = parts.last_words(stage.folder / "archive.log")
            raise DemoFailed(f"the archive has not read everything within {LAST_WORDS_LIMIT_S:g} s: {words}")
        time.sleep(LOOK_EVERY_S)
    asked = ask(stage.folder / scene.ARCHIVE, scene.HOME_ZONE, DISPOSITIONS, MOST_DISPOSITIONS)
    return {str(name): int(count) for name, count in asked.rows}
