"""A campaign's abandonment ledger while the daemon runs: its own counts at once, those of others when it is told.

Every count goes by the moment of the answer: a call that was answered before midnight and ends after it belongs to the
day before, here as in the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from config.policies import AppliedSettings
from dialer.core.abandonment.rate import AnswerCounts, one_more
from dialer.core.abandonment.windows import WindowCounts, counted_since, slot_of
from dialer.core.campaign_run import CampaignRun
from dialer.core.engine_state import EngineState
from dialer.core.inputs import LedgerOfOthers

KEPT_S: Final = 2 * 86_400
"""How far before today's beginning own counts are kept: yesterday, and a rolling window of up to 24 hours."""


def live_answer(run: CampaignRun, answered_at: float, *, abandoned: bool, hung_up: bool = False) -> None:
    """A call that somebody answered at `answered_at` (seconds since the epoch) is over: count it in every window that
    was open then. `hung_up`: abandoned because the callee was gone before the limit."""
    slot = slot_of(answered_at)
    run.slots[slot] = one_more(run.slots.get(slot, AnswerCounts()), abandoned=abandoned, hung_up=hung_up)
    if run.day_since is None or slot >= slot_of(run.day_since):
        run.own = one_more(run.own, abandoned=abandoned, hung_up=hung_up)
    run.windows = tuple(
        replace(window, own=one_more(window.own, abandoned=abandoned, hung_up=hung_up))
        if slot >= slot_of(window.window.since)
        else window
        for window in run.windows
    )


def others_counted(state: EngineState, ledger: LedgerOfOthers) -> None:
    """What everybody else has counted. Nobody starts a call of the campaign before the first such word."""
    run = state.campaigns.get(ledger.campaign)
    if run is None:
        return
    if ledger.since is not None:
        if ledger.since != run.day_since:
            run.own = counted_since(run.slots, ledger.since)
    elif run.day not in {"", ledger.day}:
        run.own = AnswerCounts()
    run.day, run.day_since, run.others = ledger.day, ledger.since, ledger.counts
    before = {(row.window.label, row.window.since): row.own for row in run.windows}
    run.windows = tuple([_with_own(run, row, before) for row in ledger.windows])
    _forget(run)


def _with_own(run: CampaignRun, row: WindowCounts, before: Mapping[tuple[str, float], AnswerCounts]) -> WindowCounts:
    own = before.get((row.window.label, row.window.since))
    return replace(row, own=counted_since(run.slots, row.window.since) if own is None else own)


def settings_changed(run: CampaignRun, settings: AppliedSettings) -> None:
    """Where the new settings count otherwise than those of `run`, the ledger is unknown until it is told anew."""
    before = run.settings
    if (before.max_abandon_rate, before.abandon_windows, before.abandonment, before.time_zone) != (
        settings.max_abandon_rate,
        settings.abandon_windows,
        settings.abandonment,
        settings.time_zone,
    ):
        run.day, run.windows = "", ()


def _forget(run: CampaignRun) -> None:
    """Drop the slots that no window can look back to, whatever the settings."""
    if run.day_since is not None:
        oldest = slot_of(run.day_since - KEPT_S)
        for slot in [slot for slot in run.slots if slot < oldest]:
            del run.slots[slot]
