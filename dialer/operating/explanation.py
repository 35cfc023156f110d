"""Why a campaign is dialled as it is: what its pacers have learnt and decided, and what holds them down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from config.policies import applied
from dialer.core.board import Board, CampaignRow, WindowRow
from dialer.core.leads.lead_counts import NO_LEAD
from dialer.language.decisions import sentence, to_go
from dialer.language.translation import _, _n, translated, word
from dialer.operating.campaign_orders import abandon_windows
from dialer.operating.desk import Desk
from dialer.operating.figures import percent
from dialer.operating.glossary import no_daemon, not_started
from dialer.operating.hosts import Hosts
from dialer.store.operators import campaigns, pacer_memory
from dialer.store.operators.campaigns import Campaign
from dialer.store.operators.pacer_memory import Found, Learnt
from pacing.api import Brake, Decision, Mode, Rule, Settings
from pacing.learning.model_summary import ModelSummary, model_summary

IN_FLIGHT: Final = ("dialling", "ringing", "waiting")
"""States of calls that may still need an agent."""

ABOUT_RIGHT: Final = 1.15


@dataclass(frozen=True, slots=True)
class HostView:
    """One host's pacer of the campaign.

    `alive`: its daemon gives signs of life. `decision` is its last one, `sentence` the same in words, taken at
    `decided_at` (seconds since the epoch; 0: none yet). `held_by` says what holds the number down at the moment, in
    words. `record` is what it saved last, `drawn` what is learnt in it.
    """

    host: str
    alive: bool
    decision: Decision
    sentence: str
    decided_at: float
    held_by: tuple[str, ...]
    settings: Settings
    record: Learnt | None
    drawn: ModelSummary | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One campaign, live hosts first. `notes` are what keeps it from being dialled, and what could not be read.
    `abandon_after_s` is the campaign's own limit: pacers are told less, by what the hand-over takes."""

    campaign: str
    state: str
    windows: tuple[WindowRow, ...]
    hosts: tuple[HostView, ...]
    notes: tuple[str, ...]
    abandon_after_s: float = 2.0


def explain(desk: Desk, name: str, daemons: Hosts, now: float) -> Explanation:
    """Read what is needed of a campaign and put it together. Raises `UnknownCampaign`, `ConfigError`."""
    campaign = campaigns.get(desk.store, name)
    settings = applied(campaign.settings, desk.catalogue())
    windows = abandon_windows(desk.store, campaign, settings, now)
    memories = pacer_memory.read(desk.store, [name], now)
    return explanation(campaign, settings.pacing(), windows, daemons, memories)


def explanation(
    campaign: Campaign, pacing: Settings, windows: Sequence[WindowRow], daemons: Hosts, memories: Found
) -> Explanation:
    """Put together what the store and the daemons say of one campaign. `pacing` is what a pacer of it is explained."""
    name = campaign.settings.name
    records = {record.host: record for record in memories.records}
    live = {board.host: (board, row) for board in daemons.boards for row in board.campaigns if row.name == name}
    views = [_live(board, row, pacing, windows, records.get(host)) for host, (board, row) in sorted(live.items())]
    gone = sorted((record for host, record in records.items() if host not in live), key=lambda record: -record.at)
    views += [_saved(record) for record in gone]
    notes = [*memories.faults, *([_("daemons {notice}", notice=daemons.notice)] if daemons.notice else [])]
    notes += not_started(campaign.state.value, name)
    if not daemons.alive:
        notes.append(no_daemon())
    state = campaign.state.value
    return Explanation(name, state, tuple(windows), tuple(views), tuple(notes), pacing.abandon_after_s)


def _live(
    board: Board, row: CampaignRow, pacing: Settings, windows: Sequence[WindowRow], record: Learnt | None
) -> HostView:
    settings = pacing if record is None else record.settings
    drawn = None if record is None else model_summary(record.memory, record.settings)
    held = held_by(board, row, settings, windows, drawn)
    return HostView(
        host=board.host,
        alive=True,
        decision=row.decision,
        sentence=row.sentence,
        decided_at=row.decided_at,
        held_by=tuple(held),
        settings=settings,
        record=record,
        drawn=drawn,
    )


def _saved(record: Learnt) -> HostView:
    return HostView(
        host=record.host,
        alive=False,
        decision=record.decision,
        sentence=translated(sentence(record.decision)),
        decided_at=record.decided_at,
        held_by=(),
        settings=record.settings,
        record=record,
        drawn=model_summary(record.memory, record.settings),
    )


def held_by(
    board: Board, row: CampaignRow, settings: Settings, windows: Sequence[WindowRow], drawn: ModelSummary | None
) -> list[str]:
    """What keeps a host from dialling more at the moment, the hardest first; the last word is the policy's own."""
    if row.problem:
        return [row.problem]
    if row.state != "running":
        return [_("the campaign is {state} here", state=word(row.state))]
    if board.state == "draining":
        return [_("the daemon is draining: it starts no more calls")]
    reasons = list(board.no_new_calls)
    paused = row.agents.get("paused", 0)
    agents = sum(row.agents.values()) - paused
    if not agents:
        reasons.append(_("no agent is working") + (_(" ({paused} paused)", paused=paused) if paused else ""))
    if not row.leads_held:
        reasons.append(_no_lead(row))
    if board.lines_used >= board.lines_total:
        reasons.append(_("all {lines} are in use", lines=_n("{number:,} line", "{number:,} lines", board.lines_total)))
    in_flight = sum(row.calls.get(state, 0) for state in IN_FLIGHT)
    if agents and in_flight >= math.floor(settings.max_calls_per_agent * agents):
        reasons.append(
            _(
                "{calls} in flight: at most {max_calls_per_agent:g} for each working agent",
                calls=_n("{number:,} call", "{number:,} calls", in_flight),
                max_calls_per_agent=settings.max_calls_per_agent,
            )
        )
    if settings.mode.can_abandon:
        reasons += [
            _("the abandonment budget of {name} is spent", name=window.name) for window in windows if spent(window)
        ]
    return reasons or [_policy(row, settings, drawn)]


def _no_lead(row: CampaignRow) -> str:
    if row.due:
        return _("the leads that are due are not here yet")
    return _("{words} ({next})", words=NO_LEAD, next=row.next) if row.next else translated(NO_LEAD)


def spent(window: WindowRow) -> bool:
    """Whether the next live answer, were it abandoned, would be over the cap."""
    return window.cap * (window.answered + 1) - window.abandoned <= 0.0


def room_from(window: WindowRow) -> int:
    """The live answers from which a spent budget has room again."""
    return math.floor(window.abandoned / window.cap + 1e-9) if window.cap > 0.0 else 0


def _policy(row: CampaignRow, settings: Settings, drawn: ModelSummary | None) -> str:
    match settings.mode:
        case Mode.PREVIEW:
            return _("the mode: agents ask for each call themselves")
        case Mode.PROGRESSIVE:
            return _("the mode: one call for each ready agent")
        case Mode.RATIO:
            return _("the mode: {ratio:g} calls for each ready agent", ratio=settings.ratio)
        case Mode.SCRIPT:
            return _("the mode: as many calls in the script as lines and ready agents bear")
    reason = row.decision.reason
    if row.risk is None:  # no forecast was made
        if reason.rule is Rule.LEARNING:
            return _("it is still learning ({to_go} to go)", to_go=to_go(reason.figures["calls_to_go"]))
        return _("one call for each ready agent")
    over = _(", more than is tolerated now") if reason.brake is Brake.RISK else ""
    return _("the next call would be abandoned with a probability of {risk}{over}", risk=percent(row.risk), over=over)


def calibration_words(calibration: float) -> str:
    """How predicted and actual abandoned calls compare, and what is made of it."""
    if 1.0 / ABOUT_RIGHT <= calibration <= ABOUT_RIGHT:
        return _("as many calls are abandoned as are forecast")
    if calibration > 1.0:
        return _(
            "for each abandoned call that is forecast {calibration:.1f} happen, which is corrected for",
            calibration=calibration,
        )
    return _(
        "of {what:.1f} abandoned calls that are forecast one happens, which is corrected for", what=1.0 / calibration
    )


def as_json(explained: Explanation, at: float) -> Mapping[str, Any]:
    """Everything as plain data."""
    return {
        "campaign": explained.campaign,
        "state": explained.state,
        "at": at,
        "notes": list(explained.notes),
        "abandon_windows": [
            {**window.to_wire(), "spent": spent(window), "room_from": room_from(window)} for window in explained.windows
        ],
        "hosts": [_host_json(view) for view in explained.hosts],
    }


def _host_json(view: HostView) -> Mapping[str, Any]:
    record = view.record
    return {
        "host": view.host,
        "alive": view.alive,
        "mode": view.settings.mode,
        "settings": asdict(view.settings),
        "decision": _decision_json(view),
        "held_by": list(view.held_by),
        "saved": None if record is None else {"at": record.at, "owner": record.owner},
        "figures": {} if record is None else dict(record.figures),
        "learnt": None if view.drawn is None else _drawn_json(view.drawn),
    }


def _decision_json(view: HostView) -> Mapping[str, Any]:
    decision = view.decision
    why = {"rule": decision.reason.rule, "brake": decision.reason.brake, "figures": dict(decision.reason.figures)}
    return {
        "dial": decision.dial,
        "reason": view.sentence,
        "risk": decision.risk,
        **why,
        "window": decision.reason.window,
        "at": view.decided_at or None,
    }


def _drawn_json(drawn: ModelSummary) -> Mapping[str, Any]:
    plain = asdict(drawn)
    plain["missing"] = to_go(plain.pop("calls_to_go"))
    plain["hours"] = {str(hour): asdict(share) for hour, share in drawn.hours}
    plain["trunks"] = {trunk: asdict(share) for trunk, share in drawn.trunks}
    for law in ("ringing", "talk", "wrapup"):
        low, half, high = plain[law].pop("quantiles_s")
        plain[law] |= {"p10_s": low, "p50_s": half, "p90_s": high}
    return plain
