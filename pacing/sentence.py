"""The sentence that goes with every decision, made of its reason alone.

The one place where a decision is put into words: whoever shows it calls `sentence`, and nobody reads a sentence again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pacing.api import Brake, Decision, Reason, Rule

FIGURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ready": "agents who are ready",
        "talking": "agents who talk, the ones included whose phone is being rung",
        "wrapup": "agents in wrap-up",
        "paused": "agents who are paused, or will be when their call is over",
        "ringing": "calls without an answer so far",
        "waiting": "answered calls that have no agent yet",
        "frees": "agents expected to come free within horizon_s",
        "horizon_s": "the middle of the times by which a call started now is answered",
        "answer_probability": "probability that a call started now is answered",
        "risk": "probability that the next call, were it answered, would find no agent in time",
        "tolerated_risk": "the risk that is tolerated now",
        "in_script": "of the calls without an answer, those that have one and are in the script",
        "asks_upper": "the share of calls that may come to ask for an agent, by an upper bound",
        "ratio": "lines for each ready agent",
        "cap": "highest abandon rate of the tightest counting window, as a fraction",
        "answered": "live answers of that window so far",
        "abandoned": "abandoned calls of that window so far",
        "answer_rate_upper": "the share of calls that may be answered, by an upper bound",
        "answers_most": "answers that agents and budget have room for",
        "calls_most": "calls that may be in flight now: they may double in a ring time",
        "calls_to_go": "calls that must have had their whole ring time before there is a forecast",
        "staffed_s": "seconds until the last agent leaves",
        "lines_free": "lines that are free",
        "leads": "leads that are due and at hand",
        "max_calls_per_agent": "calls in flight allowed for each agent",
    }
)
"""What the figures of a `Reason` mean; a reason has those that its rule and its brake need."""


def plural(count: float, noun: str) -> str:
    """`1 lead`, `2 leads`."""
    return f"{count:.0f} {noun}" if count == 1 else f"{count:.0f} {noun}s"


def percent(fraction: float) -> str:
    """A fraction for people: `2.4 %`, `0.03 %`, `3 %`."""
    value = 100.0 * fraction
    digits = 2 if 0.0 < value < 0.1 else 1
    return f"{value:.{digits}f}".removesuffix(".0") + " %"


def sentence(decision: Decision) -> str:
    """One sentence for people: how many calls start, and why."""
    reason = decision.reason
    if reason.rule is Rule.NONE:
        return "not asked yet"
    return f"dial {decision.dial}: {_why(reason)}"


def _why(reason: Reason) -> str:
    if reason.brake is Brake.NO_AGENT:
        return nobody(reason.figures)
    match reason.rule:
        case Rule.PREVIEW:
            return "preview campaign, agents ask for each call themselves"
        case Rule.OTHER | Rule.NONE:
            return reason.text
        case Rule.PREDICTIVE:
            return _forecast(reason)
        case Rule.SCRIPT:
            return _script(reason)
    if reason.brake is Brake.BUDGET and reason.rule is not Rule.RATIO:
        return f"{braked(reason)}; {covering(reason.figures)}"
    text = _rule(reason)
    return f"{text}; {braked(reason)}" if reason.brake else text


def _script(reason: Reason) -> str:
    """The sentence of calls that go through a script."""
    figures = reason.figures
    ringing = figures["ringing"] - figures["in_script"]
    text = f"{ringing:.0f} ringing, {figures['in_script']:.0f} in the script"
    if "asks_upper" in figures:
        text = (
            f"{figures['ready']:.0f} ready, {text}, at most {percent(figures['asks_upper'])} of calls ask for an agent"
        )
    match reason.brake:
        case None:
            return text
        case Brake.EXPOSURE:
            return f"{text}; as many calls are in flight as the ready agents bear"
        case _:
            return f"{text}; {braked(reason)}"


def _rule(reason: Reason) -> str:
    """The sentence of a rule without a forecast."""
    figures = reason.figures
    match reason.rule:
        case Rule.LEARNING:
            seen_first = to_go(figures["calls_to_go"])
            return f"learning ({seen_first} to go), one call for each ready agent until then; {covering(figures)}"
        case Rule.LATE:
            return f"the forecast is late, one call for each ready agent; {covering(figures)}"
        case Rule.RATIO:
            return f"{covering(figures)}, {figures['ratio']:g} lines for each ready agent"
    return f"{covering(figures)}, one call for each ready agent"


def to_go(calls_to_go: float) -> str:
    """What is still to be seen before a forecast is worth anything; empty if nothing is."""
    calls = math.ceil(calls_to_go)
    return plural(calls, "finished call") if calls > 0 else ""


def _forecast(reason: Reason) -> str:
    """The sentence of a forecast."""
    figures = reason.figures
    waiting = f"{figures['waiting']:.0f} waiting, " if figures["waiting"] else ""
    text = (
        f"{figures['ready']:.0f} ready, {figures['frees']:.1f} expected to free up in {figures['horizon_s']:.0f} s, "
        f"{figures['ringing']:.0f} ringing, {waiting}p(answer) {figures['answer_probability']:.2f}, "
    )
    match reason.brake:
        case Brake.BUDGET:  # a forecast goes on beyond a spent budget, and stops at an overdrawn one
            return f"{text}abandonment budget is overdrawn ({budget(reason)}), progressive{need(figures)}"
        case None | Brake.RISK:
            text += f"abandon risk of the next call {percent(figures['risk'])}"
            if reason.brake is Brake.RISK:
                text += f", tolerated {percent(figures['tolerated_risk'])}"
        case Brake.EXPOSURE | Brake.GROWTH:
            text += braked(reason)
        case _:
            return text + braked(reason)
    if _spent(figures):
        text += f"; abandonment budget is spent ({budget(reason)}), almost no risk{need(figures)}"
    return text


def _spent(figures: Mapping[str, float]) -> bool:
    """Whether one more live answer leaves no call that may be abandoned. As `governor.slack_calls`."""
    return figures["cap"] * (figures["answered"] + 1) - figures["abandoned"] <= 0.0


def budget(reason: Reason) -> str:
    """Where the abandonment ledger of the tightest window stands."""
    figures = reason.figures
    answers = plural(figures["answered"], "live answer")
    text = f"{figures['abandoned']:.0f} of {answers}, cap {percent(figures['cap'])}"
    return f"{reason.window}: {text}" if reason.window else text


def need(figures: Mapping[str, float]) -> str:
    """How many live answers the abandoned calls of a spent budget need beside them: n > A / cap - 1.

    Not when there will be so many: calls pass out of a rolling window by time.
    """
    if figures["cap"] <= 0.0:
        return ""
    abandoned = figures["abandoned"]
    needed = math.floor(abandoned / figures["cap"] + 1e-9)
    verb = "needs" if abandoned == 1 else "need"
    return f": {plural(abandoned, 'abandoned call')} {verb} {plural(needed, 'live answer')}"


def nobody(figures: Mapping[str, float]) -> str:
    """No agent is working."""
    paused = figures.get("paused", 0.0)
    return f"no agent is working ({paused:.0f} paused)" if paused else "no agent is working"


def covering(figures: Mapping[str, float]) -> str:
    """Ready agents against the calls they cover."""
    if figures["ready"] == 0:
        return f"no agent is ready ({figures['talking']:.0f} talking, {figures['wrapup']:.0f} in wrap-up)"
    waiting = f", {figures['waiting']:.0f} waiting" if figures["waiting"] else ""
    return f"{figures['ready']:.0f} ready, {figures['ringing']:.0f} ringing{waiting}"


def braked(reason: Reason) -> str:
    """What held the number down."""
    figures = reason.figures
    match reason.brake:
        case Brake.NO_AGENT:
            return nobody(figures)
        case Brake.SHIFT_END:
            return f"the agents leave in {max(0.0, figures['staffed_s']):.0f} s, too soon to serve another call"
        case Brake.BUDGET:
            return f"abandonment budget is spent ({budget(reason)}), progressive{need(figures)}"
        case Brake.EXPOSURE:
            return (
                f"as many calls are in flight as may be answered: room for {figures['answers_most']:.1f} answers, and "
                f"up to {figures['answer_rate_upper']:.2f} of the calls may be answered"
            )
        case Brake.GROWTH:
            return f"calls in flight may at most double in a ring time: {figures['calls_most']:.0f} now"
        case Brake.GUARANTEE:
            return f"the hard guarantee allows no more uncovered calls ({budget(reason)})"
        case Brake.NO_LINE:
            return f"{plural(figures['lines_free'], 'line')} free" if figures["lines_free"] > 0 else "no line is free"
        case Brake.NO_LEAD:
            return f"{plural(figures['leads'], 'lead')} due" if figures["leads"] > 0 else "no lead is due"
        case Brake.CALLS_PER_AGENT:
            agents = plural(figures["ready"] + figures["talking"] + figures["wrapup"], "agent")
            return f"at most {figures['max_calls_per_agent']:g} calls in flight for each of {agents}"
    return ""
