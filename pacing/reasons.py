"""Why a decision is what it is, as figures: what `dialer.language.decisions` puts into words."""

from __future__ import annotations

from collections.abc import Mapping

from pacing.api import Brake, Decision, Reason, Rule, Settings, Snapshot
from pacing.forecast import Proposal
from pacing.governor import Governed, tightest


def simple(governed: Governed, settings: Settings, snapshot: Snapshot, rule: Rule, **more: float) -> Decision:
    """The decision of a rule without a forecast; `more` are figures of its own."""
    brake = governed.brake if snapshot.agents > 0 or not settings.needs_agents else Brake.NO_AGENT
    return Decision(governed.dial, _reason(rule, brake, settings, snapshot, more))


def forecast(
    governed: Governed,
    settings: Settings,
    snapshot: Snapshot,
    proposal: Proposal,
    tolerated: float,
    bound: Mapping[str, float],
) -> Decision:
    """The decision of the predictive policy. Where nothing else held it down, the risk of the next call did.

    `bound` are the figures of the limit by counts, where that was it.
    """
    brake = governed.brake
    if brake is None and proposal.next_risk > tolerated:
        brake = Brake.RISK
    more = {
        "frees": proposal.frees,
        "horizon_s": proposal.horizon_s,
        "answer_probability": proposal.probability,
        "risk": proposal.next_risk,
        "tolerated_risk": tolerated,
        **bound,
    }
    return Decision(governed.dial, _reason(Rule.PREDICTIVE, brake, settings, snapshot, more), proposal.next_risk)


def _reason(rule: Rule, brake: Brake | None, settings: Settings, snapshot: Snapshot, more: dict[str, float]) -> Reason:
    figures = {
        "ready": snapshot.ready,
        "talking": len(snapshot.talking_age_s),
        "wrapup": len(snapshot.wrapup_age_s),
        "paused": snapshot.paused,
        "ringing": len(snapshot.ringing_age_s),
        "waiting": len(snapshot.waiting_age_s),
        **more,
    }
    window = ""
    if settings.can_abandon:
        tight = tightest(settings.max_abandon_rate, snapshot)
        window = tight.name
        figures |= {"cap": tight.cap, "answered": tight.ledger.answered, "abandoned": tight.ledger.abandoned}
    match brake:
        case Brake.SHIFT_END:
            figures["staffed_s"] = snapshot.staffed_s
        case Brake.NO_LINE:
            figures["lines_free"] = snapshot.lines_free
        case Brake.NO_LEAD:
            figures["leads"] = snapshot.leads_available
        case Brake.CALLS_PER_AGENT:
            figures["max_calls_per_agent"] = settings.max_calls_per_agent
    return Reason(rule, brake, figures, window)
