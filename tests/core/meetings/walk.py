"""A walk: one engine, its workers, and whatever may happen next, drawn under a seed, in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from random import Random
from typing import Any, Final

from compliance.api import Refusal, Rule
from config.agents.settings import Connection
from config.campaign import CampaignSettings
from config.inbound.settings import InboundSettings
from config.policies import AppliedSettings, applied
from dialer.core import inputs
from dialer.core.abandonment.rate import AnswerCounts
from dialer.core.agents.agent import AgentEvent, AgentState
from dialer.core.agents.agent import AgentEventKind as Kind
from dialer.core.effects import Effect, FindCaller, Lease, Listen, Listened, OptOut, Publish, Reserve, Send, Settle
from dialer.core.model import Lead, Settlement
from pacing.api import Decision
from sip.causes import Answerer, Cause, Leg
from sip.detection.messages import Listening, Sign, Verdict
from sip.inbound.messages import Arrived, Reject
from sip.messages import AgentDialled, Answered, Bridged, Dialled, Digit, Ended, MessageDone, Progress
from sip.parties.messages import Voice
from sip.scripts.messages import PromptDone
from sip.standing.messages import StandingUp
from tests.core.conftest import DAY, Stage, a_lead, a_permit, a_stage
from tests.core.meetings.workers import Line, Workers
from tests.core.scripts.test_steps import STEPS, SURVEY

CAMPAIGN: Final = "sales"
AGENTS: Final = ("ann", "bob", "eve", "joe")
NAMED: Final = (*AGENTS, "second-level", f"queue:{CAMPAIGN}", "skill:none", "nobody", "sip:1@2.3.4.5", "", "\0")
WORDS: Final = (
    *((Kind.TRANSFER, Kind.CONFERENCE) * 8),
    *((Kind.HOLD, Kind.RESUME, Kind.HANGUP, Kind.SURVEY, Kind.READY) * 2),
    *(Kind.PAUSE, Kind.LOGIN, Kind.LOGOUT, Kind.LOST, Kind.RECORD_PAUSE, Kind.RECORD_RESUME, Kind.DIAL, Kind.SKIP),
)
RESTS: Final = {AgentState.PAUSED, AgentState.WRAPUP}
INBOUND: Final = InboundSettings(
    used=True, message="/who.wav", wait_music="/wait.wav", opt_out_key="9", callback_key="1", max_calls=3
)
DIES: Final = (Cause.NORMAL, Cause.NORMAL, Cause.WORKER_LOST, Cause.MEDIA_TIMEOUT)


@cache
def campaign(mode: str, survey: str, machines: str, talk_limit_s: float) -> AppliedSettings:
    """The campaign as an operator may set it."""
    given: dict[str, Any] = {"survey": {"steps": SURVEY, "starts": survey}} if survey else {}
    if mode == "script":
        given |= {"script": {"steps": STEPS, "limit_s": 60.0}, "max_lines": 50}
    if machines:
        given["machines"] = {"action": machines, "message": "/leave.wav", "sampled_share": 0.3}
    settings = CampaignSettings(
        name=CAMPAIGN,
        caller_id="+8610000",
        mode=mode,
        abandon_message="/sorry.wav",
        talk_limit_s=talk_limit_s,
        recording={"mode": "all"},
        **given,
    )
    return applied(settings)


@dataclass(slots=True)
class Walk:
    """One walk. `permits` are the attempts and callers that are owed an end, but for those `refused`; `held` are leads
    whose callees have called. `looking_for` and `at_gates` wait for the store, `listening` for a verdict."""

    dice: Random
    stage: Stage
    workers: Workers = field(default_factory=Workers)
    serial: int = 0
    settings: AppliedSettings = field(default_factory=lambda: campaign("predictive", "always", "", 0.0))
    permits: set[str] = field(default_factory=set)
    settlements: list[Settlement] = field(default_factory=list)
    listened: list[Listened] = field(default_factory=list)
    published: Counter[str] = field(default_factory=Counter)
    opted_out: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    looking_for: list[FindCaller] = field(default_factory=list)
    at_gates: list[tuple[Reserve, AppliedSettings]] = field(default_factory=list)
    listening: list[Listen] = field(default_factory=list)

    # --- the engine ---

    def tell(self, told: inputs.Input) -> None:
        """Tell the engine something."""
        self._do(self.stage.tell(told))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._do(self.stage.wait(seconds))
        self.workers.now = self.stage.now

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(command):
                    self.workers.send(command)
                    if isinstance(command, Reject):
                        self.refused.add(command.call)
                case Settle(settlement):
                    self.settlements.append(settlement)
                case Reserve():
                    self.at_gates.append((effect, self.settings))
                case FindCaller():
                    self.looking_for.append(effect)
                case Listen():
                    self.listening.append(effect)
                case Listened():
                    self.listened.append(effect)
                case OptOut():
                    self.opted_out.add(effect.attempt)
                case Publish():
                    self.published[effect.kind] += 1
                case Lease(count=count):
                    leads = tuple(self._lead() for _ in range(min(count, 3)))
                    self.stage.tell(inputs.LeadsLeased(CAMPAIGN, leads, 0, 0))

    def _lead(self) -> Lead:
        self.serial += 1
        agreed = {"consent_at": self.stage.wall} if self.dice.random() < 0.5 else {}
        return a_lead(self.serial, CAMPAIGN, **agreed)

    # --- what may happen next ---

    def step(self) -> None:
        """One thing happens, or time passes; then what crosses is let through, or not yet."""
        happens = self.dice.choice(_HAPPENINGS)
        happens(self)
        while self.dice.random() < 0.8 and self.let_through():
            pass
        for agent in self.stage.state.roster.agents:
            if self.dice.random() < 0.9:
                self.stage.tell(AgentEvent(Kind.HEARTBEAT, agent))

    def let_through(self) -> bool:
        """Whether there was anything on its way; something of it has arrived."""
        ways = [(self.workers.arrive, call) for call in self.workers.commands]
        ways += [(self._hear, call) for call in self.workers.events]
        if not ways:
            return False
        way, call = self.dice.choice(ways)
        way(call)
        return True

    def _hear(self, call: str) -> None:
        self.tell(self.workers.told(call))

    def _line(self, wanted: Callable[[Line], bool] = lambda line: True) -> tuple[str, Line] | None:
        lines = [(call, line) for call, line in self.workers.lines.items() if wanted(line)]
        return self.dice.choice(lines) if lines else None

    def time_passes(self) -> None:
        self.wait(self.dice.choice((0.1, 0.1, 0.1, 0.5, 0.5, 1.0, 3.0)))

    def a_desktop_speaks(self) -> None:
        agent = self.dice.choice(AGENTS)
        kind, known = self.dice.choice(WORDS), self.stage.state.roster.get(agent)
        if known is None:
            kind = Kind.LOGIN
        elif known.state in RESTS and self.dice.random() < 0.8:
            kind = Kind.READY
        elif known.state is AgentState.PREVIEW and self.dice.random() < 0.8:
            kind = self.dice.choice((Kind.DIAL, Kind.DIAL, Kind.SKIP))
        connection = self.dice.choice(list(Connection)).value
        on_offer = "" if known is None or known.lead is None else known.lead.lead_id
        event = AgentEvent(kind, agent, to=self.dice.choice(NAMED), lead_id=on_offer)
        if kind is Kind.LOGIN:
            event = replace(event, uri=f"sip:{agent}@phones", campaigns=(CAMPAIGN,), connection=connection)
        self.tell(event)

    def dial(self) -> None:
        self._do(self.stage.engine.lease_more(self.stage.now))
        self.tell(inputs.Paced(CAMPAIGN, Decision(self.dice.randint(1, 2))))

    def the_gates_answer(self) -> None:
        if not self.at_gates:
            return
        wish, settings = self.at_gates.pop(0)
        chance = self.dice.random()
        if chance < 0.05:
            self.tell(inputs.StoreFailed(CAMPAIGN, wish.leads, lease=False))
            return
        for lead in wish.leads:
            if chance < 0.15 or (settings.consent_required and lead.consent_at is None):
                self.tell(inputs.Refused(lead, Refusal(Rule.CONSENT, "consent_missing", None)))
                continue
            self.serial += 1
            attempt = f"out-{self.serial}"
            self.permits.add(attempt)
            self.tell(inputs.Permitted(lead, a_permit(lead, attempt, self.stage.wall)))

    def somebody_calls(self) -> None:
        self.serial += 1
        caller = self.dice.choice(("", "+8613800000100", f"+86139{self.serial:08d}"))
        called = ("+8610000",) if self.dice.random() < 0.9 else ("+8610001",)
        self.permits.add(f"in-{self.serial}")
        self.tell(Arrived(f"in-{self.serial}", self.stage.now, "north", caller, called))

    def the_store_knows_callers(self) -> None:
        if not self.looking_for:
            return
        wish = self.looking_for.pop(0)
        if self.dice.random() < 0.2:
            self.tell(Ended(wish.call, self.stage.now, Cause.CANCELLED, Leg.CALLEE, 487, 0, ""))
        lead = None if self.dice.random() < 0.2 else self._lead()
        due_at = self.dice.choice((None, self.stage.wall + 60.0))
        if lead is not None and due_at is not None:
            self.held.add(lead.lead_id)
        self.tell(inputs.CallerFound(wish.call, lead, 0, held=due_at is not None, due_at=due_at))

    def a_callee_answers(self) -> None:
        if chosen := self._line(lambda line: not line.answered):
            call, line = chosen
            if self.dice.random() < 0.8:
                line.answered = True
                if not call.startswith("in-"):
                    self.workers.tell(Dialled(call, self.stage.now))
                    self.workers.tell(Progress(call, self.stage.now, 180, early_media=False))
                kind = self.dice.choice((Answerer.UNKNOWN,) * 5 + (Answerer.MACHINE,))
                self.workers.tell(Answered(call, self.stage.now, False, kind))
                if not call.startswith("in-") and self.settings.machines.used:
                    self.workers.tell(Listening(call, self.stage.now, self.dice.choice(("", "/line.wav"))))
            else:
                self.workers.ends(call, self.dice.choice((Cause.BUSY, Cause.CONGESTION)), Leg.NETWORK)

    def a_callee_goes(self) -> None:
        if (chosen := self._line(lambda line: line.answered)) and self.dice.random() < 0.5:
            self.workers.ends(chosen[0], self.dice.choice(DIES), Leg.CALLEE)

    def a_callee_presses(self) -> None:
        if chosen := self._line(lambda line: line.answered):
            for _ in range(self.dice.choice((1, 1, 1, 20))):
                self.workers.tell(Digit(chosen[0], self.stage.now, self.dice.choice("123456789*0#")))

    def something_has_played(self) -> None:
        if chosen := self._line(lambda line: bool(line.prompt or line.message or line.forgotten)):
            call, line = chosen
            if line.message or line.forgotten:
                if line.message:
                    self.workers.tell(MessageDone(call, self.stage.now))
                self.workers.ends(call, Cause.NORMAL, Leg.DIALER)
            else:
                problem = "no such file" if self.dice.random() < 0.1 else ""
                self.workers.tell(PromptDone(call, line.prompt, self.stage.now, problem))

    def an_agents_phone_answers(self) -> None:
        if chosen := self._line(lambda line: bool(line.leg) and not line.talk):
            call, line = chosen
            if self.dice.random() < 0.85:
                line.talk, line.prompt = True, 0
                self.workers.tell(AgentDialled(call, line.leg, self.stage.now))
                self.workers.tell(Bridged(call, line.leg, self.stage.now))
            else:
                self.workers.agent_goes(call, line, self.dice.choice((Cause.BUSY, Cause.UNREACHABLE)))

    def an_agent_hangs_up(self) -> None:
        if (chosen := self._line(lambda line: bool(line.leg) and line.talk)) and self.dice.random() < 0.5:
            self.workers.agent_goes(*chosen, self.dice.choice(DIES[:2] + DIES[3:]))

    def a_third_phone_acts(self) -> None:
        if not self.workers.parties:
            return
        party, phone = self.dice.choice(list(self.workers.parties.items()))
        if not phone.is_up and self.dice.random() < 0.8:
            self.workers.answers(party)
        elif self.dice.random() < 0.6:
            self.workers.tell(Digit(party, self.stage.now, self.dice.choice("456*")))
        else:
            self.workers.phone_ends(party, self.dice.choice((*DIES, Cause.BUSY)), Leg.CALLEE)

    def a_standing_phone_acts(self) -> None:
        if not self.workers.standing:
            return
        call, phone = self.dice.choice(list(self.workers.standing.items()))
        if not phone.is_up and self.dice.random() < 0.8:
            phone.is_up = True
            self.workers.tell(StandingUp(call, self.stage.now))
        elif self.dice.random() < 0.2:
            self.workers.phone_ends(call, self.dice.choice(DIES), Leg.AGENT)

    def a_line_is_judged(self) -> None:
        if self.listening:
            wish = self.listening.pop(self.dice.randrange(len(self.listening)))
            verdict = Verdict(self.dice.choice(list(Answerer)), 0.9, Sign.LONG_GREETING, 2.0, 2.5)
            self.tell(inputs.Judged(wish.call, verdict))
            if wish.beep:
                self.tell(inputs.BeepEnded(wish.call))

    def a_supervisor_asks(self) -> None:
        self.serial += 1
        talk = self._line(lambda line: line.talk) or self._line()
        agent = self.dice.choice(("", "", "", *AGENTS))
        self.tell(
            inputs.Monitor(
                f"{self.serial}",
                "boss" if agent else "chief",
                agent=agent,
                attempt="" if agent else talk[0] if talk else "none",
                uri=self.dice.choice(("", "sip:9@phones", "sip:9@phones")),
                voice=self.dice.choice(list(Voice)),
                stops=self.dice.random() < 0.2,
            )
        )

    def an_operator_acts(self) -> None:
        chance = self.dice.random()
        if chance < 0.5:
            self.settings = campaign(
                self.dice.choice(("predictive", "progressive", "preview", "script")),
                self.dice.choice(("", "always", "asked")),
                self.dice.choice(("", "hang_up", "message")),
                self.dice.choice((0.0, 60.0)),
            )
            state = self.dice.choice(
                (inputs.CampaignState.RUNNING,) * 6 + (inputs.CampaignState.PAUSED, inputs.CampaignState.STOPPED)
            )
            self.tell(inputs.CampaignChanged(self.settings, state))
        elif chance < 0.7 and (chosen := self._line()):
            self.tell(inputs.HangUpCall(chosen[0].partition("/")[0]))
        elif chance < 0.8 and self.serial:
            self.tell(inputs.LeadsTaken(CAMPAIGN, frozenset({f"lead-{self.dice.randint(1, self.serial)}"})))
        elif chance < 0.9 and self.settlements:
            attempt = self.dice.choice(self.settlements).attempt
            self.tell(inputs.AnswerReported(attempt, machine=self.dice.random() < 0.5))
        else:
            self.tell(inputs.StoreHealth(healthy=self.dice.random() < 0.7))

    def a_worker_dies(self) -> None:
        """What it had still to hear is lost."""
        if (chosen := self._line()) and self.dice.random() < 0.2:
            self.workers.commands.pop(chosen[0], None)
            self.workers.ends(chosen[0], Cause.WORKER_LOST, Leg.DIALER)

    # --- the end ---

    def close(self) -> None:
        """inputs.Drain, hang up what is left, and let everybody go."""
        for last in (inputs.Drain(), inputs.HangUpAll()):
            self.tell(last)
            for _ in range(40):
                while self.let_through():
                    pass
                self.wait(5.0)
                while self.looking_for:
                    self.the_store_knows_callers()
                while self.at_gates:
                    self.the_gates_answer()
        for call in list(self.workers.lines):
            self.workers.ends(call, Cause.NORMAL, Leg.CALLEE)
        for phone in (*self.workers.parties, *self.workers.standing):
            self.workers.phone_ends(phone, Cause.NORMAL, Leg.CALLEE)
        while self.let_through():
            pass
        self.wait(130.0)


_HAPPENINGS: Final = (
    *((Walk.time_passes, Walk.a_desktop_speaks) * 8),
    *((Walk.dial, Walk.the_gates_answer, Walk.a_callee_answers, Walk.an_agents_phone_answers) * 4),
    *((Walk.the_store_knows_callers, Walk.a_third_phone_acts, Walk.a_standing_phone_acts) * 4),
    *((Walk.somebody_calls,) * 2),
    *((Walk.something_has_played, Walk.a_callee_presses, Walk.a_line_is_judged) * 2),
    *(Walk.a_supervisor_asks, Walk.a_callee_goes, Walk.an_agent_hangs_up, Walk.an_operator_acts, Walk.a_worker_dies),
)


def begin(seed: int) -> Walk:
    """A walk that has not begun."""
    dice = Random(seed)
    stage = a_stage(
        destinations={"second-level": "sip:800@10.0.0.5"},
        connection=dice.choice(list(Connection)[:2]),
        max_parties=dice.choice((2, 4, 8)),
        max_lines=6,
        inbound=INBOUND,
    )
    walk = Walk(dice, stage)
    walk.tell(inputs.CampaignChanged(walk.settings, inputs.CampaignState.RUNNING))
    walk.tell(inputs.LedgerOfOthers(CAMPAIGN, DAY, AnswerCounts(0, 0)))
    return walk
