"""The parts of a daemon for tests of one task: stand-ins for what a test does not look at."""

from __future__ import annotations

from typing import Any, cast

from config.daemon import DaemonSettings
from dialer.core.calls.trunk_load import TrunkLimits
from dialer.core.engine import Engine
from dialer.core.engine_state import EngineSettings
from dialer.core.inputs import Input
from dialer.disk.registers import NationalRegisters
from dialer.shell.clock import Clock
from dialer.shell.health import Health
from dialer.shell.metrics import Metrics
from dialer.shell.parts import Parts
from dialer.shell.statistics import Statistics
from dialer.shell.watchdog import Notifier
from dialer.store.base.connection import Store
from tests.shell.kept import kept

TRUNK = TrunkLimits("carrier", 10.0, 100)


def some_parts(
    store: Store, *, host: str = "one", owner: str = "one:1", settings: DaemonSettings | None = None, **given: Any
) -> Parts:
    """Parts on a store; nothing waits on disk, everything is taken as evidence. `given` goes before."""
    settings = settings or DaemonSettings()
    clock = given.pop("clock", None) or Clock.start()
    return Parts(
        **{
            "settings": settings.model_copy(update={"host": settings.host.model_copy(update={"name": host})}),
            "store": store,
            "spool": cast("Any", []),
            "evidence": kept(),
            "shelf": NationalRegisters(),
            "owner": owner,
            "clock": clock,
            "health": Health(),
            "statistics": Statistics(clock, clock.wall()),
            "metrics": Metrics(),
            "engine": Engine(EngineSettings((TRUNK,), max_lines=10)),
            "notifier": Notifier(),
            **given,
        }
    )


def inputs_of(parts: Parts) -> list[Input]:
    """What waits for the engine."""
    waiting = []
    while parts.queues.inputs.statistics().current_buffer_used:
        waiting.append(parts.queues.inputs.receive_nowait())
    return waiting
