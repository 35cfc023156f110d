"""The sentence that goes with every decision, made of its reason alone.

The one place where a decision is put into words: whoever shows it calls `sentence`, and nobody reads a sentence again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from dialer.language.phrases import Phrase, listed, phrase, phrases
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


def percent(fraction: float) -> str:
    """A fraction for people: `2.4 %`, `0.03 %`, `3 %`."""
    value = 100.0 * fraction
    digits = 2 if 0.0 < value < 0.1 else 1
    return phrase("{percent} %", percent=f"{value:.{digits}f}".removesuffix(".0"))


def sentence(decision: Decision, windows: Mapping[str, str] = MappingProxyType({})) -> str:
    """One sentence for people: how many calls start, and why. `windows` are the counting windows as phrases, by their
    names in reasons."""
    reason = replace(decision.reason, window=windows.get(decision.reason.window, decision.reason.window))
    if reason.rule is Rule.NONE:
        return phrase("not asked yet")
    return phrase("dial {dial}: {why}", dial=decision.dial, why=_why(reason))


def _why(reason: Reason) -> str:
    if reason.brake is Brake.NO_AGENT:
        return nobody(reason.figures)
    match reason.rule:
        case Rule.PREVIEW:
            return phrase("preview campaign, agents ask for each call themselves")
        case Rule.OTHER | Rule.NONE:
            return reason.text
        case Rule.PREDICTIVE:
            return _forecast(reason)
        case Rule.SCRIPT:
            return _script(reason)
    if reason.brake is Brake.BUDGET and reason.rule is not Rule.RATIO:
        return listed([braked(reason), covering(reason.figures)], "; ")
    text = _rule(reason)
    return listed([text, braked(reason)], "; ") if reason.brake else text


def _script(reason: Reason) -> str:
    """The sentence of calls that go through a script."""
    figures = reason.figures
    clauses: list[str] = [
        phrase("{ringing:.0f} ringing", ringing=figures["ringing"] - figures["in_script"]),
        phrase("{calls:.0f} in the script", calls=figures["in_script"]),
    ]
    if "asks_upper" in figures:
        asks = phrase("at most {share} of calls ask for an agent", share=percent(figures["asks_upper"]))
        clauses = [phrase("{ready:.0f} ready", ready=figures["ready"]), *clauses, asks]
    text = listed(clauses)
    match reason.brake:
        case None:
            return text
        case Brake.EXPOSURE:
            return listed([text, phrase("as many calls are in flight as the ready agents bear")], "; ")
        case _:
            return listed([text, braked(reason)], "; ")


def _rule(reason: Reason) -> str:
    """The sentence of a rule without a forecast."""
    figures, cover = reason.figures, covering(reason.figures)
    match reason.rule:
        case Rule.LEARNING:
            to_see = to_go(figures["calls_to_go"])
            return phrase(
                "learning ({to_see} to go), one call for each ready agent until then; {cover}",
                to_see=to_see,
                cover=cover,
            )
        case Rule.LATE:
            return phrase("the forecast is late, one call for each ready agent; {cover}", cover=cover)
        case Rule.RATIO:
            return phrase("{cover}, {ratio:g} lines for each ready agent", cover=cover, ratio=figures["ratio"])
    return phrase("{cover}, one call for each ready agent", cover=cover)


def to_go(calls_to_go: float) -> str:
    """What is still to be seen before a forecast is worth anything; empty if nothing is."""
    calls = math.ceil(calls_to_go)
    return phrases("{number} finished call", "{number} finished calls", calls) if calls > 0 else ""


def _forecast(reason: Reason) -> str:
    """The sentence of a forecast."""
    figures = reason.figures
    clauses: list[str] = [
        phrase("{ready:.0f} ready", ready=figures["ready"]),
        phrase(
            "{frees:.1f} expected to free up in {horizon_s:.0f} s",
            frees=figures["frees"],
            horizon_s=figures["horizon_s"],
        ),
        phrase("{ringing:.0f} ringing", ringing=figures["ringing"]),
        *_waiting(figures),
        phrase("p(answer) {probability:.2f}", probability=figures["answer_probability"]),
    ]
    match reason.brake:
        case Brake.BUDGET:  # a forecast goes on beyond a spent budget, and stops at an overdrawn one
            overdrawn = phrase(
                "abandonment budget is overdrawn ({budget}), progressive{need}",
                budget=budget(reason),
                need=need(figures),
            )
            return listed([*clauses, overdrawn])
        case None | Brake.RISK:
            clauses.append(phrase("abandon risk of the next call {risk}", risk=percent(figures["risk"])))
            if reason.brake is Brake.RISK:
                clauses.append(phrase("tolerated {risk}", risk=percent(figures["tolerated_risk"])))
        case Brake.EXPOSURE | Brake.GROWTH:
            clauses.append(braked(reason))
        case _:
            return listed([*clauses, braked(reason)])
    text = listed(clauses)
    if not _spent(figures):
        return text
    almost = phrase(
        "abandonment budget is spent ({budget}), almost no risk{need}", budget=budget(reason), need=need(figures)
    )
    return listed([text, almost], "; ")


def _waiting(figures: Mapping[str, float]) -> list[Phrase]:
    """Answered calls without an agent, where there are any."""
    waiting = figures["waiting"]
    return [phrase("{waiting:.0f} waiting", waiting=waiting)] if waiting else []


def _spent(figures: Mapping[str, float]) -> bool:
    """Whether one more live answer leaves no call that may be abandoned. As `governor.slack_calls`."""
    return figures["cap"] * (figures["answered"] + 1) - figures["abandoned"] <= 0.0


def budget(reason: Reason) -> str:
    """Where the abandonment ledger of the tightest window stands."""
    figures = reason.figures
    text = phrases(
        "{abandoned:.0f} of {number} live answer, cap {cap}",
        "{abandoned:.0f} of {number} live answers, cap {cap}",
        round(figures["answered"]),
        abandoned=figures["abandoned"],
        cap=percent(figures["cap"]),
    )
    if not reason.window:
        return text
    return phrase("{window}: {budget}", window=reason.window, budget=text)


def need(figures: Mapping[str, float]) -> str:
    """How many live answers the abandoned calls of a spent budget need beside them: n > A / cap - 1.

    Not when there will be so many: calls pass out of a rolling window by time.
    """
    if figures["cap"] <= 0.0:
        return ""
    abandoned = round(figures["abandoned"])
    answers = math.floor(figures["abandoned"] / figures["cap"] + 1e-9)
    return phrases(
        ": {number} abandoned call needs {answers}",
        ": {number} abandoned calls need {answers}",
        abandoned,
        answers=phrases("{number} live answer", "{number} live answers", answers),
    )


def nobody(figures: Mapping[str, float]) -> str:
    """No agent is working."""
    paused = figures.get("paused", 0.0)
    if paused:
        return phrase("no agent is working ({paused:.0f} paused)", paused=paused)
    return phrase("no agent is working")


def covering(figures: Mapping[str, float]) -> str:
    """Ready agents against the calls they cover."""
    if figures["ready"] == 0:
        return phrase(
            "no agent is ready ({talking:.0f} talking, {wrapup:.0f} in wrap-up)",
            talking=figures["talking"],
            wrapup=figures["wrapup"],
        )
    ready = phrase("{ready:.0f} ready", ready=figures["ready"])
    ringing = phrase("{ringing:.0f} ringing", ringing=figures["ringing"])
    return listed([ready, ringing, *_waiting(figures)])


def braked(reason: Reason) -> str:
    """What held the number down."""
    figures = reason.figures
    match reason.brake:
        case Brake.NO_AGENT:
            return nobody(figures)
        case Brake.SHIFT_END:
            return phrase(
                "the agents leave in {left_s:.0f} s, too soon to serve another call",
                left_s=max(0.0, figures["staffed_s"]),
            )
        case Brake.BUDGET:
            return phrase(
                "abandonment budget is spent ({budget}), progressive{need}", budget=budget(reason), need=need(figures)
            )
        case Brake.EXPOSURE:
            return phrase(
                "as many calls are in flight as may be answered: room for {answers:.1f} answers, and up to {rate:.2f} "
                "of the calls may be answered",
                answers=figures["answers_most"],
                rate=figures["answer_rate_upper"],
            )
        case Brake.GROWTH:
            return phrase(
                "calls in flight may at most double in a ring time: {calls:.0f} now", calls=figures["calls_most"]
            )
        case Brake.GUARANTEE:
            return phrase("the hard guarantee allows no more uncovered calls ({budget})", budget=budget(reason))
        case Brake.NO_LINE:
            lines = round(figures["lines_free"])
            return phrases("{number} line free", "{number} lines free", lines) if lines else phrase("no line is free")
        case Brake.NO_LEAD:
            leads = round(figures["leads"])
            return phrases("{number} lead due", "{number} leads due", leads) if leads else phrase("no lead is due")
        case Brake.CALLS_PER_AGENT:
            return phrases(
                "at most {calls:g} calls in flight for each of {number} agent",
                "at most {calls:g} calls in flight for each of {number} agents",
                round(figures["ready"] + figures["talking"] + figures["wrapup"]),
                calls=figures["max_calls_per_agent"],
            )
    return ""
