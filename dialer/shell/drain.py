"""An orderly end: what happens between the first signal and an empty floor."""

from __future__ import annotations

from typing import Any, Final

import structlog
import trio

from dialer.core.agents.agent import AgentState
from dialer.core.effects import AgentChanged
from dialer.core.engine import Engine
from dialer.core.inputs import Drain, HangUpAll
from dialer.shell.parts import Parts
from dialer.shell.tasks.claims import Claims
from dialer.store.base.errors import StoreError
from sip.pool import Pool

log = structlog.get_logger()

HANG_UP_LIMIT_S: Final = 75.0
"""After everything was hung up, so long for the last ends to come in."""


async def until_drained(parts: Parts, claims: Claims, signals: Any, pool: Pool) -> None:
    """Wait for the first signal, or for workers that keep dying; then for the floor to become empty. The next signal or
    the limit hangs up."""
    engine, inbox, limit_s = parts.engine, parts.queues.inbox, parts.settings.drain.talk_limit_s
    async with trio.open_nursery() as waiting:
        waiting.start_soon(_cancel_when_spent, pool, waiting.cancel_scope)
        await anext(signals)
        waiting.cancel_scope.cancel()
    parts.notifier.stopping("draining")
    log.info("draining", calls=len(engine.view().calls), talk_limit_s=limit_s)
    claims.closed = True
    with trio.move_on_after(limit_s):
        async with trio.open_nursery() as waiting:
            waiting.start_soon(inbox.send, Drain())
            waiting.start_soon(_cancel_when_idle, engine, waiting.cancel_scope)
            await anext(signals)
            waiting.cancel_scope.cancel()
    if engine.is_idle():
        return
    log.warning("hanging up", calls=len(engine.view().calls))
    with trio.move_on_after(HANG_UP_LIMIT_S):
        await inbox.send(HangUpAll())
        async with trio.open_nursery() as waiting:
            waiting.start_soon(_cancel_when_idle, engine, waiting.cancel_scope)
    if not engine.is_idle():
        log.error("calls without an end", calls=len(engine.view().calls))


async def _cancel_when_spent(pool: Pool, scope: trio.CancelScope) -> None:
    await pool.spent.wait()
    log.error("SIP workers keep dying: draining", detail=pool.statistics().last_failure)
    scope.cancel()


async def _cancel_when_idle(engine: Engine, scope: trio.CancelScope) -> None:
    # The Drain may still be in the queue, and a permit on its way; so "empty" has to hold for a moment.
    quiet = 0
    while quiet < 3:
        await trio.sleep(0.05)
        quiet = quiet + 1 if engine.is_idle() and engine.view().draining else 0
    scope.cancel()


async def dismiss(parts: Parts, claims: Claims) -> None:
    """Tell everybody that the agents are not served any more, and let other daemons have them."""
    now = parts.clock.now()
    for agent in parts.engine.view().agents.values():
        gone = AgentChanged(agent.agent, AgentState.OFFLINE, now, "the dialer has stopped", agent.campaigns)
        await parts.queues.facts.send(gone)
    try:
        await claims.give_up()
    except StoreError as error:
        log.warning("claims not given back", detail=str(error))
