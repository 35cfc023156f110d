"""What a verdict on who answered does to a call, its agent, the ledger and the pacer."""

from __future__ import annotations

from typing import Any

import pytest

from config.machines.settings import MachineSettings
from dialer.core.agents.agent import AgentEventKind, AgentState
from dialer.core.calls.call import CallState
from dialer.core.calls.recording import is_drawn
from dialer.core.effects import Effect, Listen, Publish, VerdictChecked
from dialer.core.inputs import AnswerReported, BeepEnded, Judged, Monitor
from dialer.core.machines import judging
from dialer.core.model import Disposition
from dialer.core.talks.party import PartyState
from pacing.api import AnswerCorrected, AnswerKind
from sip.causes import Answerer, Cause, Leg
from sip.detection.messages import NOTHING_HEARD, Listening, ListenOn, Sign, Verdict
from sip.messages import CancelAgent, Dial, DialAgent, Digit, HangUp, PlayMessage
from sip.parties.messages import DialParty, Hold, Leave, LinkOpened, OpenLink
from sip.scripts.messages import AgentLeft, HangUpAgent
from tests.core.conftest import Stage, of, rung

MACHINE = Verdict(Answerer.MACHINE, 0.9, Sign.LONG_GREETING, 2.1, 2.6)
PERSON = Verdict(Answerer.PERSON, 0.97, Sign.SHORT_GREETING, 0.5, 1.3)


def machines(stage: Stage, action: str, **given: Any) -> None:
    """The campaign deals with machines; hardly a call is drawn for the sample."""
    message = {"message": "/leave.wav"} if action == "message" else {}
    settings = {"sampled_share": 0.01, **message, **given}
    stage.campaign(machines=MachineSettings(action=action, **settings))


def drawn(stage: Stage, action: str) -> str:
    """An answered call that stays with its agent for the sample."""
    machines(stage, action, sampled_share=1.0)
    stage.login("ann")
    return stage.talk()


def told(effects: list[Effect]) -> dict[str, Any]:
    (event,) = [each for each in of(Publish, effects) if each.kind == "answer_judged"]
    return event.fields


def test_nobody_listens_by_default(stage: Stage) -> None:
    """Detection is off unless the campaign wants it."""
    stage.login("ann")
    attempt = stage.dial()

    assert of(Dial, stage.done)[0].listen_s == 0.0
    assert stage.state.campaigns["sales"].settings.machines.used is False
    assert rung(stage.answer(attempt)) == ["sip:ann@phones"]


def test_the_agent_is_rung_at_once_and_the_line_is_judged_meanwhile(stage: Stage) -> None:
    """Listening takes nothing from the hand-over."""
    machines(stage, "tell", longest_greeting_s=1.8)
    stage.login("ann")
    attempt = stage.dial()
    assert of(Dial, stage.done)[0].listen_s == 4.5

    assert rung(stage.answer(attempt)) == ["sip:ann@phones"]
    (listen,) = of(Listen, stage.tell(Listening(attempt, stage.now, "/dev/shm/1.wav")))

    assert (listen.call, listen.file, listen.beep) == (attempt, "/dev/shm/1.wav", False)
    assert (listen.rules.longest_greeting_s, listen.rules.within_s) == (1.8, 4.0)


@pytest.mark.parametrize("verdict", [MACHINE, PERSON, NOTHING_HEARD])
def test_a_verdict_is_told_and_changes_nothing_else(stage: Stage, verdict: Verdict) -> None:
    """With action tell the agent keeps every call, and the ledger counts people."""
    machines(stage, "tell")
    stage.login("ann")
    attempt = stage.talk()

    effects = stage.tell(Judged(attempt, verdict))
    fields = told(effects)

    assert (fields["judged"], fields["confidence"], fields["sign"]) == (
        verdict.kind,
        verdict.confidence,
        verdict.sign,
    )
    assert (fields["attempt_id"], fields["agent"], fields["action"]) == (attempt, "ann", "none")
    assert len(effects) == 1
    settlement = stage.end(attempt)
    assert (settlement.disposition, settlement.live, settlement.answer_kind) == (
        Disposition.CONNECTED,
        True,
        AnswerKind.UNKNOWN,
    )
    assert (settlement.judged, settlement.confidence) == (verdict.kind, verdict.confidence)


def test_the_first_verdict_counts(stage: Stage) -> None:
    """One attempt has one verdict."""
    machines(stage, "hang_up")
    stage.login("ann")
    attempt = stage.talk()
    stage.tell(Judged(attempt, PERSON))

    assert stage.tell(Judged(attempt, MACHINE)) == []


@pytest.mark.parametrize("state", [CallState.WAITING, CallState.CONNECTING, CallState.TALKING])
def test_a_machine_is_hung_up_on_and_is_nobody_in_the_ledger(stage: Stage, state: CallState) -> None:
    """Wherever the call is; the agent is ready again without wrap-up, and the pacer learns who answered."""
    machines(stage, "hang_up")
    if state is not CallState.WAITING:
        stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt)
    if state is CallState.TALKING:
        stage.bridge(attempt)
    assert stage.call(attempt).state is state

    effects = stage.tell(Judged(attempt, MACHINE))

    assert of(HangUp, effects) == [HangUp(attempt)]
    assert told(effects)["action"] == "hang_up"
    observed = stage.state.campaigns["sales"].observations
    assert [each.kind for each in observed if isinstance(each, AnswerCorrected)] == [AnswerKind.MACHINE]
    settlement = stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert settlement.disposition is Disposition.MACHINE
    assert (settlement.cause, settlement.live, settlement.abandoned) == (Cause.MACHINE, False, False)
    if state is not CallState.WAITING:
        assert stage.agent("ann").state is AgentState.READY


@pytest.mark.parametrize(("share", "stands_for"), [(0.5, {1}), (1.0, {0}), (0.01, {99}), (0.3, {2, 3})])
def test_a_sampled_machine_stands_for_those_that_are_hung_up_on(share: float, stands_for: set[int]) -> None:
    """So many on average, in whole calls; none where nobody is hung up on."""
    assert {judging.stands_for(f"a{number}", share) for number in range(50)} == stands_for


@pytest.mark.parametrize("action", ["hang_up", "tell"])
def test_what_a_sampled_machine_stands_for_is_in_its_end(stage: Stage, action: str) -> None:
    """Only where others like it are hung up on."""
    attempt = drawn(stage, action)
    stage.campaign(machines=MachineSettings(action=action, sampled_share=0.5))
    while not is_drawn(f"machine {attempt}", 0.5):
        stage.end(attempt)
        stage.say(AgentEventKind.WRAPUP_DONE, "ann")
        attempt = stage.talk()
    stage.tell(Judged(attempt, MACHINE))
    assert stage.end(attempt).stands_for == (1 if action == "hang_up" else 0)


@pytest.mark.parametrize("bridged", [True, False])
def test_who_asked_for_an_agent_by_a_key_is_no_machine(stage: Stage, bridged: bool) -> None:
    """In mode script the verdict may come after the key: it is told, and the callee keeps the agent."""
    ask = {"name": "ask", "play": "/ask.wav", "keys": {"1": "transfer"}, "next": "hang_up"}
    stage.campaign(mode="script", max_lines=9, script={"steps": [ask]}, machines=MachineSettings(action="hang_up"))
    stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt)
    stage.tell(Digit(attempt, stage.now, "1"))
    if bridged:
        stage.bridge(attempt)
    effects = stage.tell(Judged(attempt, MACHINE))
    assert (told(effects)["action"], of(HangUp, effects)) == ("none", [])
    assert stage.end(attempt).live


def test_a_person_is_never_hung_up_on(stage: Stage) -> None:
    """Neither is who could not be judged."""
    machines(stage, "hang_up")
    stage.login("ann")
    for verdict in (PERSON, NOTHING_HEARD):
        attempt = stage.talk()
        assert of(HangUp, stage.tell(Judged(attempt, verdict))) == []
        stage.end(attempt)
        stage.wait(60.0)


def test_a_share_of_machines_stays_with_agents(stage: Stage) -> None:
    """They are told of, live until the agent says `machine`, and the share is drawn by the attempt."""
    attempt = drawn(stage, "hang_up")

    fields = told(stage.tell(Judged(attempt, MACHINE)))

    assert (fields["sampled"], fields["action"]) == (True, "none")
    assert stage.end(attempt).live
    assert sum(is_drawn(f"machine {number}", 0.1) for number in range(10_000)) == pytest.approx(1000, abs=120)


@pytest.mark.parametrize("machine", [True, False])
def test_what_agents_say_checks_the_verdict(stage: Stage, machine: bool) -> None:
    """A person among the sampled machines is a false one."""
    attempt = drawn(stage, "hang_up")
    stage.tell(Judged(attempt, MACHINE))
    stage.end(attempt)

    assert of(VerdictChecked, stage.tell(AnswerReported(attempt, machine))) == [VerdictChecked("sales", machine)]


def test_who_was_judged_a_person_is_not_checked(stage: Stage) -> None:
    """Only machines are."""
    machines(stage, "tell")
    stage.login("ann")
    attempt = stage.talk()
    stage.tell(Judged(attempt, PERSON))

    assert of(VerdictChecked, stage.tell(AnswerReported(attempt, True))) == []


def test_a_message_is_left_after_the_beep(stage: Stage) -> None:
    """The agent is free at once, the machine is listened to, and hears the message when it records."""
    machines(stage, "message")
    stage.login("ann")
    attempt = stage.talk()

    effects = stage.tell(Judged(attempt, MACHINE))

    assert of(HangUpAgent, effects) == [HangUpAgent(attempt)]
    assert of(ListenOn, effects) == [ListenOn(attempt, 30.0)]
    assert stage.agent("ann").state is AgentState.READY
    stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    stage.wait(12.0)
    assert of(PlayMessage, stage.tell(BeepEnded(attempt))) == [PlayMessage(attempt, "/leave.wav")]
    assert of(PlayMessage, stage.tell(BeepEnded(attempt))) == []
    stage.wait(25.0)
    settlement = stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (settlement.disposition, settlement.message_left, settlement.message_played) == (
        Disposition.MACHINE,
        True,
        False,
    )
    assert (settlement.live, settlement.agent) == (False, "")
    assert stage.anomalies() == []


def test_whoever_listens_goes_with_the_agent_whom_a_machine_is_taken_from(stage: Stage) -> None:
    """The supervisor hears the next talk, and a colleague who was rung is free."""
    machines(stage, "message")
    stage.login("ann")
    stage.tell(Monitor("1-0", "boss", agent="ann", uri="sip:9@phones", shown="sip:9"))
    stage.tell(LinkOpened("listen-1-0", stage.now, 4000, "key"))
    attempt = stage.talk()
    stage.login("bob")
    (rings,) = of(DialParty, stage.say(AgentEventKind.TRANSFER, "ann", to="bob"))
    stage.say(AgentEventKind.RESUME, "ann")

    effects = stage.tell(Judged(attempt, MACHINE))

    assert of(OpenLink, effects) == [OpenLink("listen-1-0")]
    assert of(HangUp, effects) == [HangUp(rings.call)]
    orders = [command for command in of(object, effects) if isinstance(command, Leave | Hold | HangUpAgent)]
    assert orders == [Leave(attempt, "listen-1-0"), Hold(attempt, on=False), HangUpAgent(attempt)]
    assert stage.state.parties["listen-1-0"].state is PartyState.WAITING
    assert (stage.agent("ann").state, stage.agent("bob").state) == (AgentState.READY, AgentState.READY)


def test_a_machine_is_not_passed_on_to_a_colleague(stage: Stage) -> None:
    """Who had joined is hung up on with the agent, and free."""
    machines(stage, "message")
    stage.login("ann")
    attempt = stage.talk()
    stage.login("bob")
    (rings,) = of(DialParty, stage.say(AgentEventKind.CONFERENCE, "ann", to="bob"))
    stage.tell(LinkOpened(rings.call, stage.now, 4000, "key"))
    stage.tell(Judged(attempt, MACHINE))
    assert stage.agent("bob").state is AgentState.WRAPUP
    assert stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL)) == []
    assert stage.call(attempt).agent == ""


def test_an_agent_who_is_being_rung_is_left_alone(stage: Stage) -> None:
    """A machine that is found out before the agent answers."""
    machines(stage, "message")
    stage.login("ann")
    attempt = stage.dial()
    stage.answer(attempt)

    effects = stage.tell(Judged(attempt, MACHINE))

    assert of(CancelAgent, effects) == [CancelAgent(attempt, f"{attempt}.1")]
    assert of(HangUpAgent, effects) == []
    stage.leg_ends(attempt, Cause.CANCELLED, 487)
    assert stage.agent("ann").state is AgentState.READY
    assert stage.call(attempt).state is CallState.MESSAGE


def test_without_a_beep_the_call_is_hung_up(stage: Stage) -> None:
    """No message is spoken into a greeting."""
    machines(stage, "message", beep_wait_s=20.0)
    stage.login("ann")
    attempt = stage.talk()
    stage.tell(Judged(attempt, MACHINE))

    assert of(HangUp, stage.wait(19.0)) == []
    assert of(HangUp, stage.wait(2.0)) == [HangUp(attempt)]
    settlement = stage.end(attempt, Cause.NORMAL, Leg.DIALER)
    assert (settlement.disposition, settlement.message_left) == (Disposition.MACHINE, False)


def test_a_beep_on_a_talk_plays_nothing(stage: Stage) -> None:
    """Only machines that were dealt with hear a message."""
    machines(stage, "message", sampled_share=1.0)
    stage.login("ann")
    attempt = stage.talk()
    stage.tell(Judged(attempt, MACHINE))

    assert stage.tell(BeepEnded(attempt)) == []


class TestHeldBack:
    """With `wait_s` agents have a call when it is judged, or when that has taken too long."""

    @pytest.fixture
    def attempt(self, stage: Stage) -> str:
        machines(stage, "hang_up", wait_s=1.5)
        stage.login("ann")
        attempt = stage.dial()
        assert rung(stage.answer(attempt)) == []
        return attempt

    def test_a_person_is_handed_over_with_the_verdict(self, stage: Stage, attempt: str) -> None:
        stage.wait(1.0)
        assert rung(stage.tell(Judged(attempt, PERSON))) == ["sip:ann@phones"]

    def test_nobody_waits_longer(self, stage: Stage, attempt: str) -> None:
        assert rung(stage.wait(1.4)) == []
        assert rung(stage.wait(0.2)) == ["sip:ann@phones"]

    def test_a_machine_never_rings_an_agent(self, stage: Stage, attempt: str) -> None:
        stage.wait(1.0)
        effects = stage.tell(Judged(attempt, MACHINE))
        assert of(HangUp, effects) == [HangUp(attempt)]
        assert of(DialAgent, stage.wait(2.0)) == []

    def test_who_cannot_be_listened_to_is_handed_over(self, stage: Stage, attempt: str) -> None:
        effects = stage.tell(Listening(attempt, stage.now, "", "no space left"))
        assert rung(effects) == ["sip:ann@phones"]
        assert told(effects)["sign"] == "no_audio"

    def test_the_limit_of_abandonment_holds(self, stage: Stage, attempt: str) -> None:
        """A call that is judged after it was abandoned stays abandoned."""
        stage.wait(1.6)
        stage.wait(0.5)
        assert stage.call(attempt).state is CallState.MESSAGE
        assert told(stage.tell(Judged(attempt, MACHINE)))["action"] == "none"
        settlement = stage.end(attempt, Cause.NORMAL, Leg.DIALER)
        assert (settlement.disposition, settlement.abandoned) == (Disposition.ABANDONED, True)


def test_a_verdict_after_the_end_is_nothing(stage: Stage) -> None:
    """The two crossed."""
    machines(stage, "hang_up")
    stage.login("ann")
    attempt = stage.talk()
    stage.end(attempt)

    assert stage.tell(Judged(attempt, MACHINE)) == []
    assert stage.tell(BeepEnded(attempt)) == []
