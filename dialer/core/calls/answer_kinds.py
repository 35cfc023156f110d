"""Who answered, as it turns out: an agent or the CRM says later that it was a machine, or takes that back.

Only the pacer hears of it here. What the ledger makes of such a word is done in the store, for all hosts at once, and
comes back with the counts of the others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dialer.core.calls.call import Call, RecentAnswer
from dialer.core.engine_state import EngineState
from dialer.core.inputs import AnswerReported
from pacing.api import AnswerCorrected, AnswerKind

ANSWERS_KEPT: Final = 20_000
"""How many answers are remembered for a later word, the newest: hours of them, for the largest floor."""


def remember(state: EngineState, call: Call, at: float) -> None:
    """A call has been answered at `at`."""
    recent, kind = state.recent_answers, call.answer_kind
    recent[call.attempt] = RecentAnswer(call.campaign, at, at - call.started_at, call.trunk, kind, kind)
    if len(recent) > ANSWERS_KEPT:
        del recent[next(iter(recent))]


def reported(state: EngineState, event: AnswerReported, now: float) -> None:
    """Somebody has said what came of an attempt. One that is not known is another host's, or from long ago."""
    known = state.recent_answers.get(event.attempt)
    if known is None:
        return
    kind = AnswerKind.MACHINE if event.machine else known.heard
    run = state.campaigns.get(known.campaign)
    if kind is known.kind or run is None:
        return
    state.recent_answers[event.attempt] = replace(known, kind=kind)
    run.observations.append(AnswerCorrected(now, known.at, known.ring_s, known.kind, kind, known.trunk))
