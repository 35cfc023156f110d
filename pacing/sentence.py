"""The sentence that goes with every decision."""

from __future__ import annotations

import math

from pacing.face import Ledger, Settings, Snapshot
from pacing.forecast import Proposal
from pacing.governor import Brake, Governed, budget_spent, ledgers, slack_calls


def plural(count: int, noun: str) -> str:
    """`1 lead`, `2 leads`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def percent(fraction: float) -> str:
    """A fraction for people: `2.4 %`, `0.03 %`, `3 %`."""
    value = 100.0 * fraction
    digits = 2 if 0.0 < value < 0.1 else 1
    return f"{value:.{digits}f}".removesuffix(".0") + " %"


def budget(settings: Settings, snapshot: Snapshot) -> str:
    """Where the abandonment ledger of the tightest window stands."""
    name, cap, ledger = _tightest(settings, snapshot)
    text = f"{ledger.abandoned} of {plural(ledger.answered, 'live answer')}, cap {percent(cap)}"
    return f"{name}: {text}" if name else text


def need(settings: Settings, snapshot: Snapshot) -> str:
    """How many live answers the abandoned calls of a spent budget need beside them: n > A / cap - 1.

    Not when there will be so many: calls pass out of a rolling window by time.
    """
    _, cap, ledger = _tightest(settings, snapshot)
    if cap <= 0.0:
        return ""
    needed = math.floor(ledger.abandoned / cap + 1e-9)
    verb = "needs" if ledger.abandoned == 1 else "need"
    return f": {plural(ledger.abandoned, 'abandoned call')} {verb} {plural(needed, 'live answer')}"


def _tightest(settings: Settings, snapshot: Snapshot) -> tuple[str, float, Ledger]:
    """The window with the least slack; the campaign's own has no name."""
    names = ("", *(window.name for window in snapshot.windows))
    windows = zip(names, ledgers(settings.max_abandon_rate, snapshot), strict=True)
    return min(
        ((name, cap, ledger) for name, (cap, ledger) in windows), key=lambda window: slack_calls(window[1], window[2])
    )


def nobody(snapshot: Snapshot) -> str:
    """No agent is working."""
    return f"no agent is working ({snapshot.paused} paused)" if snapshot.paused else "no agent is working"


def covering(snapshot: Snapshot) -> str:
    """Ready agents against the calls they cover."""
    ringing, waiting = len(snapshot.ringing_age_s), len(snapshot.waiting_age_s)
    in_flight = f"{ringing} ringing" + (f", {waiting} waiting" if waiting else "")
    if snapshot.ready == 0:
        return f"no agent is ready ({len(snapshot.talking_age_s)} talking, {len(snapshot.wrapup_age_s)} in wrap-up)"
    return f"{snapshot.ready} ready, {in_flight}"


def braked(brake: Brake, settings: Settings, snapshot: Snapshot) -> str:
    """Why a limit holds the number down."""
    if brake is Brake.NO_AGENT:
        return nobody(snapshot)
    if brake is Brake.SHIFT_END:
        return f"the agents leave in {max(0.0, snapshot.staffed_s):.0f} s, too soon to serve another call"
    if brake is Brake.BUDGET:
        return f"abandonment budget is spent ({budget(settings, snapshot)}), progressive{need(settings, snapshot)}"
    if brake is Brake.GUARANTEE:
        return f"the hard guarantee allows no more uncovered calls ({budget(settings, snapshot)})"
    if brake is Brake.NO_LINE:
        return f"{plural(snapshot.lines_free, 'line')} free" if snapshot.lines_free > 0 else "no line is free"
    if brake is Brake.NO_LEAD:
        return f"{plural(snapshot.leads_available, 'lead')} due" if snapshot.leads_available > 0 else "no lead is due"
    return f"at most {settings.max_calls_per_agent:g} calls in flight for each of {plural(snapshot.agents, 'agent')}"


def simple(governed: Governed, settings: Settings, snapshot: Snapshot, rule: str, why: str = "") -> str:
    """The sentence of a policy without a forecast; `rule` names what it does, `why` comes first if there is one."""
    if snapshot.agents <= 0:
        return f"dial 0: {nobody(snapshot)}"
    text = f"{why}; {covering(snapshot)}" if why else f"{covering(snapshot)}, {rule}"
    text = f"dial {governed.dial}: {text}"
    return f"{text}; {braked(governed.brake, settings, snapshot)}" if governed.brake else text


def forecasting(
    governed: Governed,
    settings: Settings,
    snapshot: Snapshot,
    proposal: Proposal,
    tolerated: float,
) -> str:
    """The sentence of a predictive decision."""
    waiting = len(snapshot.waiting_age_s)
    text = (
        f"dial {governed.dial}: {snapshot.ready} ready, {proposal.frees:.1f} expected to free up in "
        f"{proposal.horizon_s:.0f} s, {len(snapshot.ringing_age_s)} ringing, "
        + (f"{waiting} waiting, " if waiting else "")
        + f"p(answer) {proposal.probability:.2f}, "
    )
    if governed.brake is not None:
        return text + braked(governed.brake, settings, snapshot)
    text += f"abandon risk of the next call {percent(proposal.next_risk)}"
    if proposal.next_risk > tolerated:
        text += f", tolerated {percent(tolerated)}"
    if budget_spent(settings.max_abandon_rate, snapshot):
        text += (
            f"; abandonment budget is spent ({budget(settings, snapshot)}), almost no risk{need(settings, snapshot)}"
        )
    return text
