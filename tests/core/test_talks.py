"""What happens within a talk: supervisors, hold, conference, transfer. Whatever happens, one disposition."""

from __future__ import annotations

import pytest

from dialer.core.agents.agent import AgentEventKind as Kind
from dialer.core.agents.agent import AgentState
from dialer.core.calls.call import CallState
from dialer.core.effects import Listened, Publish, Settle
from dialer.core.inputs import Drain, Monitor
from dialer.core.model import Disposition
from dialer.core.talks.party import Party, PartyState
from sip.causes import Cause, Leg
from sip.messages import Digit, Ended, HangUp
from sip.parties.messages import DialParty, Hold, Join, Leave, LinkOpened, OpenLink, Voice
from sip.scripts.messages import AgentLeft, HangUpAgent
from tests.core.conftest import Stage, a_stage, of
from tests.core.scripts.test_steps import SURVEY

DESTINATIONS = {"second-level": "sip:800@10.0.0.5"}


@pytest.fixture
def stage() -> Stage:
    stage = a_stage(destinations=DESTINATIONS)
    stage.campaign()
    return stage


def opened(stage: Stage, party: str, port: int = 4000) -> list:
    """The party's phone has answered, or its link is another one now."""
    return stage.tell(LinkOpened(party, stage.now, port, f"key{port}"))


def over(stage: Stage, party: str, cause: Cause = Cause.NORMAL) -> list:
    return stage.tell(Ended(party, stage.now, cause, Leg.CALLEE, 200, 0, ""))


def talk_states(effects: list) -> list[str]:
    return [event.fields["talk"] for event in of(Publish, effects) if event.kind == "talk_state"]


def refusal(effects: list) -> str:
    (event,) = of(Publish, effects)
    assert event.kind == "agent_event_refused"
    return event.fields["reason"]


def only_party(stage: Stage) -> Party:
    (party,) = stage.state.parties.values()
    return party


def joined_by_colleague(stage: Stage, kind: Kind) -> tuple[str, str]:
    """17 talks, and 18 has joined on 17's word: the attempt, and 18's party."""
    stage.login("17")
    attempt = stage.talk()
    stage.login("18")
    (rings,) = of(DialParty, stage.say(kind, "17", to="18"))
    opened(stage, rings.call)
    return attempt, rings.call


def monitor(stage: Stage, **given) -> list:
    return stage.tell(Monitor(**{"order": "1-0", "who": "ann", "uri": "sip:9@phones", "shown": "sip:9", **given}))


# --- listening --------------------------------------------------------------------------------------------------------


def test_a_supervisor_follows_the_agent_from_talk_to_talk(stage: Stage) -> None:
    """Rung while the agent is ready, silent in the first talk, and there with the same voice in the next one."""
    stage.login("17")
    (rings,) = of(DialParty, monitor(stage, agent="17"))
    assert (rings.uri, rings.about) == ("sip:9@phones", "agent 17")
    assert opened(stage, rings.call) == []
    assert only_party(stage).state is PartyState.WAITING
    attempt = stage.talk()
    (join,) = of(Join, stage.done)
    assert join == Join(attempt, rings.call, 4000, "key4000", Voice.LISTEN, stays=False)
    (turn,) = of(Join, stage.tell(Digit(rings.call, stage.now, "5")))
    assert turn.voice is Voice.WHISPER
    stage.end(attempt)
    assert of(OpenLink, stage.done) == [OpenLink(rings.call)]
    stage.say(Kind.WRAPUP_DONE, "17")
    opened(stage, rings.call, 4002)
    second = stage.talk()
    join = of(Join, stage.done)[-1]
    assert (join.call, join.port, join.voice) == (second, 4002, Voice.WHISPER)
    heard = [(row.attempt, row.voice) for row in of(Listened, stage.done)]
    assert heard == [(attempt, "listen"), (attempt, "whisper"), (attempt, ""), (second, "whisper")]
    assert {row.who for row in of(Listened, stage.done)} == {"ann"}


def test_who_follows_an_agent_is_hung_up_on_when_the_last_talk_of_a_drain_ends(stage: Stage) -> None:
    """No next talk comes, and nobody waits on the phone for one."""
    stage.login("17")
    (rings,) = of(DialParty, monitor(stage, agent="17"))
    opened(stage, rings.call)
    attempt = stage.talk()
    stage.tell(Drain())
    stage.end(attempt)
    assert of(HangUp, stage.done) == [HangUp(rings.call)]


def test_nobody_listens_to_a_survey(stage: Stage) -> None:
    """When the agent has left the callee to it the supervisor waits for the agent's next talk."""
    stage.login("17")
    (rings,) = of(DialParty, monitor(stage, agent="17"))
    opened(stage, rings.call)
    attempt = stage.talk()
    assert of(OpenLink, stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))) == [OpenLink(rings.call)]
    assert only_party(stage).state is PartyState.WAITING


def test_one_talk_is_listened_to_until_it_ends(stage: Stage) -> None:
    """Who asked for an attempt is hung up on after it."""
    stage.login("17")
    attempt = stage.talk()
    (rings,) = of(DialParty, monitor(stage, attempt=attempt, voice=Voice.BARGE))
    (join,) = of(Join, opened(stage, rings.call))
    assert (join.voice, join.stays) == (Voice.BARGE, False)
    assert stage.end(attempt).disposition is Disposition.CONNECTED
    assert of(HangUp, stage.done) == [HangUp(rings.call)]
    over(stage, rings.call)
    stage.wait(61.0)
    assert stage.state.parties == {}


def test_the_end_of_listening_is_told_once_where_the_callee_is_asked(stage: Stage) -> None:
    """The talk is over at the survey, the call is not: neither its end nor the supervisor's is another end."""
    stage.campaign(survey={"steps": SURVEY})
    stage.login("17")
    attempt = stage.talk()
    (rings,) = of(DialParty, monitor(stage, attempt=attempt))
    opened(stage, rings.call)
    stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    over(stage, rings.call)
    stage.end(attempt)
    assert [row.voice for row in of(Listened, stage.done)] == ["listen", ""]


def test_who_asked_for_one_talk_hears_no_other(stage: Stage) -> None:
    """It ended while the supervisor's phone rang, and the agent has the next one."""
    stage.login("17")
    attempt = stage.talk()
    (rings,) = of(DialParty, monitor(stage, attempt=attempt))
    stage.end(attempt)
    stage.say(Kind.WRAPUP_DONE, "17")
    stage.talk()
    assert of(Join, opened(stage, rings.call)) == []


@pytest.mark.parametrize("cause", [Cause.NORMAL, Cause.WORKER_LOST, Cause.MEDIA_TIMEOUT])
def test_a_supervisor_who_is_gone_leaves_the_talk_alone(stage: Stage, cause: Cause) -> None:
    """By the phone or by a worker's death: the talk's worker lets go of the link, and nothing else happens."""
    stage.login("17")
    attempt = stage.talk()
    (rings,) = of(DialParty, monitor(stage, attempt=attempt))
    opened(stage, rings.call)
    effects = over(stage, rings.call, cause)
    assert of(Leave, effects) == [Leave(attempt, rings.call)]
    assert talk_states(effects) == ["unattended"]
    assert stage.agent("17").state is AgentState.TALKING
    assert of(Settle, effects) == []


def test_agents_hear_of_listeners_where_the_settings_say_so() -> None:
    """The audit trail hears of them in any case."""
    for told in (True, False):
        stage = a_stage(listeners_told=told)
        stage.campaign()
        stage.login("17")
        attempt = stage.talk()
        (rings,) = of(DialParty, monitor(stage, attempt=attempt))
        effects = opened(stage, rings.call)
        assert talk_states(effects) == (["listen"] if told else [])
        assert len(of(Listened, effects)) == 1


def test_an_order_changes_what_goes_on(stage: Stage) -> None:
    """Another voice, and the end; only of the same supervisor."""
    stage.login("17")
    attempt = stage.talk()
    (rings,) = of(DialParty, monitor(stage, agent="17"))
    opened(stage, rings.call)
    (join,) = of(Join, monitor(stage, order="2-0", agent="17", uri="", voice=Voice.BARGE))
    assert (join.call, join.voice) == (attempt, Voice.BARGE)
    monitor(stage, order="3-0", who="ben", agent="17", uri="", stops=True)
    assert "not listening there" in stage.state.parties["listen-3-0"].reason
    assert of(HangUp, monitor(stage, order="4-0", agent="17", uri="", stops=True)) == [HangUp(rings.call)]


def test_what_cannot_be_listened_to_is_said_in_words(stage: Stage) -> None:
    """And no phone rings. What is another host's is none of this one's."""
    stage.login("17")
    attempt = stage.dial()
    assert monitor(stage, agent="99") == []
    assert stage.state.parties == {}
    for order, given, words in (
        ("1-0", {"attempt": attempt}, "nobody talks there"),
        ("2-0", {"agent": "17", "obstacle": "uri: in no network of agents.hosts"}, "agents.hosts"),
    ):
        assert of(DialParty, monitor(stage, order=order, **given)) == []
        assert words in stage.state.parties[f"listen-{order}"].reason
    for number in range(4):
        monitor(stage, order=f"{number}-1", who=f"boss {number}", agent="17")
    monitor(stage, order="9-0", who="boss 9", agent="17")
    assert "sip.max_parties allows no more" in stage.state.parties["listen-9-0"].reason


def test_a_phone_that_does_not_answer_says_so(stage: Stage) -> None:
    """In words, for whoever asked; and it is kept for a while."""
    stage.login("17")
    (rings,) = of(DialParty, monitor(stage, agent="17"))
    over(stage, rings.call, Cause.BUSY)
    assert (only_party(stage).state, only_party(stage).reason) == (PartyState.ENDED, "the phone is busy")


def test_nobody_waits_for_an_agent_who_has_gone(stage: Stage) -> None:
    """The supervisor's line ends soon after the logout."""
    stage.login("17")
    (rings,) = of(DialParty, monitor(stage, agent="17"))
    opened(stage, rings.call)
    stage.say(Kind.LOGOUT, "17")
    assert of(HangUp, stage.wait(1.5)) == [HangUp(rings.call)]


# --- hold -------------------------------------------------------------------------------------------------------------


def test_hold_and_resume(stage: Stage) -> None:
    """Each is done once, answered, and refused where it makes no sense."""
    stage.login("17")
    attempt = stage.talk()
    effects = stage.say(Kind.HOLD, "17", ref="a")
    assert of(Hold, effects) == [Hold(attempt, on=True)]
    assert talk_states(effects) == ["held"]
    assert of(Publish, effects)[0].fields["ref"] == "a"
    assert "already" in refusal(stage.say(Kind.HOLD, "17"))
    assert of(Hold, stage.say(Kind.RESUME, "17")) == [Hold(attempt, on=False)]
    assert "not on hold" in refusal(stage.say(Kind.RESUME, "17"))


@pytest.mark.parametrize("kind", [Kind.HOLD, Kind.RESUME, Kind.TRANSFER, Kind.CONFERENCE])
def test_without_a_talk_there_is_nothing_to_do(stage: Stage, kind: Kind) -> None:
    """A desktop that is not in a talk is told so."""
    stage.login("17")
    assert "does not fit an agent who is ready" in refusal(stage.say(kind, "17", to="second-level"))


# --- conference -------------------------------------------------------------------------------------------------------


def test_a_colleague_joins_and_stays_when_the_agent_goes(stage: Stage) -> None:
    """Three-way; then the agent hangs up, and is free while the talk goes on; one disposition, with the colleague."""
    stage.login("17")
    attempt = stage.talk()
    stage.login("18")
    effects = stage.say(Kind.CONFERENCE, "17", to="18")
    (rings,) = of(DialParty, effects)
    assert (rings.uri, talk_states(effects)) == ("sip:18@phones", ["ringing"])
    assert stage.agent("18").state is AgentState.RINGING
    effects = opened(stage, rings.call)
    (join,) = of(Join, effects)
    assert (join.voice, join.stays) == (Voice.BARGE, True)
    (joined,) = of(Publish, [effect for effect in effects if isinstance(effect, Publish)])
    assert (joined.fields["talk"], joined.fields["colleague"]) == ("joined", "18")
    assert joined.fields["phone"].count("*") > 0
    assert stage.agent("18").state is AgentState.TALKING
    stage.wait(10.0)
    assert talk_states(stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))) == ["passed_on"]
    assert stage.agent("17").state is AgentState.WRAPUP
    stage.wait(5.0)
    end = stage.end(attempt, by=Leg.CALLEE)
    assert (end.disposition, end.agent) == (Disposition.CONNECTED, "18")
    assert stage.agent("18").state is AgentState.WRAPUP
    assert of(HangUp, stage.done) == [HangUp(rings.call)]
    assert stage.settled() == [Disposition.CONNECTED]
    assert stage.anomalies() == []


def test_a_colleague_who_goes_leaves_the_talk_as_it_was(stage: Stage) -> None:
    """And has wrap-up."""
    attempt, party = joined_by_colleague(stage, Kind.CONFERENCE)
    effects = over(stage, party)
    assert of(Leave, effects) == [Leave(attempt, party)]
    assert talk_states(effects) == ["left"]
    assert (stage.agent("17").state, stage.agent("18").state) == (AgentState.TALKING, AgentState.WRAPUP)


def test_a_consultation_is_passed_on_by_the_desktop(stage: Stage) -> None:
    """On hold, a word with the colleague, then `transfer` without a name: hold ends, and the agent's leg."""
    stage.login("17")
    attempt = stage.talk()
    assert "nobody has joined" in refusal(stage.say(Kind.TRANSFER, "17"))
    stage.say(Kind.HOLD, "17")
    (rings,) = of(DialParty, stage.say(Kind.CONFERENCE, "17", to="second-level"))
    opened(stage, rings.call)
    effects = stage.say(Kind.TRANSFER, "17")
    assert of(Hold, effects) == [Hold(attempt, on=False)]
    assert of(HangUpAgent, effects) == [HangUpAgent(attempt)]


# --- transfer ---------------------------------------------------------------------------------------------------------


def transferred(stage: Stage, to: str) -> tuple[str, str]:
    """A talk whose agent has asked for a transfer: the attempt, and the party that is rung."""
    stage.login("17")
    attempt = stage.talk()
    effects = stage.say(Kind.TRANSFER, "17", to=to)
    (rings,) = of(DialParty, effects)
    assert of(Hold, effects) == [Hold(attempt, on=True, awaits=True)]
    return attempt, rings.call


def test_a_talk_is_passed_on_when_the_other_answers(stage: Stage) -> None:
    """Music until then; the first agent stays so long and has wrap-up afterwards."""
    attempt, party = transferred(stage, "second-level")
    assert stage.agent("17").state is AgentState.TALKING
    effects = opened(stage, party)
    assert [type(command) for command in of(object, effects) if isinstance(command, Join | Hold | HangUpAgent)] == [
        Join,
        Hold,
        HangUpAgent,
    ]
    assert of(Hold, effects) == [Hold(attempt, on=False)]
    assert talk_states(stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))) == ["passed_on"]
    assert stage.agent("17").state is AgentState.WRAPUP
    over(stage, party)
    end = stage.end(attempt, by=Leg.AGENT)
    assert (end.disposition, end.agent) == (Disposition.CONNECTED, "17")
    assert stage.agent("17").state is AgentState.WRAPUP


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.CANCELLED, Cause.NOT_SENT, Cause.WORKER_LOST])
def test_a_transfer_that_fails_gives_the_callee_back(stage: Stage, cause: Cause) -> None:
    """Hold ends, the agent is told why, and who was rung is free again."""
    stage.login("18")
    stage.say(Kind.PAUSE, "18")
    stage.login("17")
    attempt = stage.talk()
    stage.say(Kind.READY, "18")
    (rings,) = of(DialParty, stage.say(Kind.TRANSFER, "17", to="18"))
    effects = over(stage, rings.call, cause)
    assert of(Hold, effects) == [Hold(attempt, on=False)]
    (failed,) = [event for event in of(Publish, effects) if event.kind == "talk_state"]
    assert failed.fields["talk"] == "failed"
    assert failed.fields["reason"]
    assert (stage.agent("17").state, stage.agent("18").state) == (AgentState.TALKING, AgentState.READY)


def test_an_agent_may_hang_up_while_the_other_is_still_rung(stage: Stage) -> None:
    """A blind transfer: wrap-up at once; the callee waits with music, and is passed on when the other answers."""
    attempt, party = transferred(stage, "second-level")
    assert talk_states(stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))) == []
    assert stage.agent("17").state is AgentState.WRAPUP
    effects = opened(stage, party)
    assert of(HangUpAgent, effects) == []
    assert talk_states(effects) == ["joined", "passed_on"]


def test_a_blind_transfer_that_fails_ends_the_talk(stage: Stage) -> None:
    """Nobody is left with the callee: the worker is told that nobody comes, and ends it."""
    attempt, party = transferred(stage, "second-level")
    stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    assert of(Hold, over(stage, party, Cause.BUSY)) == [Hold(attempt, on=False)]
    assert stage.end(attempt, by=Leg.AGENT).disposition is Disposition.CONNECTED


def test_a_callee_who_hangs_up_during_a_transfer_frees_everybody(stage: Stage) -> None:
    """The phone that rings is hung up on, its agent is ready, the first agent has wrap-up."""
    stage.login("17")
    attempt = stage.talk()
    stage.login("18")
    (rings,) = of(DialParty, stage.say(Kind.TRANSFER, "17", to="18"))
    stage.end(attempt)
    assert of(HangUp, stage.done) == [HangUp(rings.call)]
    assert (stage.agent("17").state, stage.agent("18").state) == (AgentState.WRAPUP, AgentState.READY)
    opened(stage, rings.call)  # it had answered just then
    over(stage, rings.call)
    assert stage.anomalies() == []


def test_a_desktop_names_no_number(stage: Stage) -> None:
    """Agents who are ready and names of the settings, nothing else; each refusal says why."""
    stage.login("17")
    stage.talk()
    stage.login("18")
    stage.say(Kind.PAUSE, "18")
    for to, words in (
        ("+491701234567", "no destination of agents.transfer_to"),
        ("sip:1@10.0.0.9", "no destination of agents.transfer_to"),
        ("18", "agent 18 is paused"),
        ("17", "that is you"),
    ):
        assert words in refusal(stage.say(Kind.TRANSFER, "17", to=to))
    assert "say who" in refusal(stage.say(Kind.CONFERENCE, "17"))
    stage.say(Kind.CONFERENCE, "17", to="second-level")
    assert "being rung" in refusal(stage.say(Kind.CONFERENCE, "17", to="second-level"))


def test_who_listens_goes_with_the_agent_and_not_with_the_talk(stage: Stage) -> None:
    """A supervisor of the first agent hears that agent's next talk, not what the colleague says."""
    stage.login("17")
    (listener,) = of(DialParty, monitor(stage, agent="17"))
    opened(stage, listener.call)
    attempt = stage.talk()
    (rings,) = of(DialParty, stage.say(Kind.TRANSFER, "17", to="second-level"))
    opened(stage, rings.call, 4004)
    effects = stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    assert of(Leave, effects) == [Leave(attempt, listener.call)]
    assert of(OpenLink, effects) == [OpenLink(listener.call)]
    assert stage.state.parties[listener.call].state is PartyState.WAITING
    stage.end(attempt)
    assert of(HangUp, stage.done) == [HangUp(rings.call)]


def test_who_waits_for_the_colleague_hears_the_talk_that_is_passed_on(stage: Stage) -> None:
    """From the moment that it is the colleague's."""
    stage.login("17")
    attempt = stage.talk()
    stage.login("18")
    (listener,) = of(DialParty, monitor(stage, agent="18"))
    opened(stage, listener.call)
    (rings,) = of(DialParty, stage.say(Kind.TRANSFER, "17", to="18"))
    opened(stage, rings.call, 4004)
    (join,) = of(Join, stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL)))
    assert (join.call, join.party, join.port) == (attempt, listener.call, 4000)


# --- the colleague has the talk ---------------------------------------------------------------------------------------


@pytest.fixture
def passed_on(stage: Stage) -> tuple[str, str]:
    """A talk that 17 has passed on to 18: the attempt, and 18's party. 17 is ready again."""
    attempt, party = joined_by_colleague(stage, Kind.TRANSFER)
    stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    stage.say(Kind.WRAPUP_DONE, "17")
    assert stage.call(attempt).agent == "18"
    return attempt, party


def test_a_talk_is_passed_on_again(stage: Stage, passed_on: tuple[str, str]) -> None:
    """The colleague's phone is a party's: it is that one which is hung up, and the third agent has the talk."""
    attempt, party = passed_on
    (rings,) = of(DialParty, stage.say(Kind.TRANSFER, "18", to="17"))
    effects = opened(stage, rings.call, 4004)
    assert (of(HangUp, effects), of(HangUpAgent, effects)) == ([HangUp(party)], [])
    assert talk_states(over(stage, party)) == ["left", "passed_on"]
    assert stage.agent("18").state is AgentState.WRAPUP
    assert stage.end(attempt).agent == "17"
    assert (stage.agent("17").state, stage.anomalies()) == (AgentState.WRAPUP, [])


def test_a_colleague_who_has_the_talk_may_leave_it_to_another(stage: Stage, passed_on: tuple[str, str]) -> None:
    """By the phone or by `transfer` without a name; alone, there is nobody to leave it to."""
    attempt, party = passed_on
    assert "nobody has joined" in refusal(stage.say(Kind.TRANSFER, "18"))
    (rings,) = of(DialParty, stage.say(Kind.CONFERENCE, "18", to="17"))
    opened(stage, rings.call, 4004)
    assert of(HangUp, stage.say(Kind.TRANSFER, "18")) == [HangUp(party)]
    over(stage, party)
    assert (stage.agent("18").state, stage.agent("17").state) == (AgentState.WRAPUP, AgentState.TALKING)
    assert stage.call(attempt).agent == "17"


def test_a_colleague_who_goes_while_another_is_rung_has_wrap_up(stage: Stage, passed_on: tuple[str, str]) -> None:
    """A blind transfer by the phone, the second of the talk."""
    attempt, party = passed_on
    (rings,) = of(DialParty, stage.say(Kind.TRANSFER, "18", to="17"))
    over(stage, party)
    assert stage.agent("18").state is AgentState.WRAPUP
    assert talk_states(opened(stage, rings.call, 4004)) == ["joined", "passed_on"]
    assert stage.end(attempt).agent == "17"


def test_a_colleague_may_end_the_talk_with_a_survey() -> None:
    """Where every talk ends with one, it is the colleague's phone that is hung up; the callee stays."""
    stage = a_stage(destinations=DESTINATIONS)
    stage.campaign(survey={"steps": SURVEY})
    attempt, party = joined_by_colleague(stage, Kind.TRANSFER)
    stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    assert of(HangUp, stage.say(Kind.HANGUP, "18")) == [HangUp(party)]
    over(stage, party)
    stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    assert (stage.call(attempt).state, stage.agent("18").state) == (CallState.SURVEY, AgentState.WRAPUP)


def test_a_colleague_may_ask_for_the_survey_where_agents_begin_it(make_stage) -> None:
    """The worker is told to keep the callee, and then the colleague's phone is hung up."""
    stage = make_stage(destinations=DESTINATIONS)
    stage.campaign(survey={"steps": SURVEY, "starts": "asked"})
    attempt, party = joined_by_colleague(stage, Kind.TRANSFER)
    stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    effects = stage.say(Kind.SURVEY, "18")
    assert [type(each) for each in of(object, effects) if isinstance(each, HangUp | HangUpAgent)] == [
        HangUpAgent,
        HangUp,
    ]
    over(stage, party)
    stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    assert (stage.call(attempt).state, stage.agent("18").state) == (CallState.SURVEY, AgentState.WRAPUP)


def test_a_talk_is_whose_it_was_passed_on_to(stage: Stage) -> None:
    """Somebody else was in a conference before."""
    stage.login("17")
    attempt = stage.talk()
    stage.login("18")
    (guest,) = of(DialParty, stage.say(Kind.CONFERENCE, "17", to="second-level"))
    opened(stage, guest.call)
    (rings,) = of(DialParty, stage.say(Kind.TRANSFER, "17", to="18"))
    opened(stage, rings.call, 4002)
    stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    assert stage.call(attempt).agent == "18"


def test_a_guest_leaves_the_talk_and_not_its_agent(stage: Stage) -> None:
    """A colleague in a conference who hangs up on the desktop is out; what is the agent's to do is refused."""
    attempt, party = joined_by_colleague(stage, Kind.CONFERENCE)
    for kind in (Kind.TRANSFER, Kind.CONFERENCE, Kind.HOLD):
        assert "17" in refusal(stage.say(kind, "18", to="second-level"))
    effects = stage.say(Kind.HANGUP, "18")
    assert of(HangUp, effects) == [HangUp(party)]
    assert stage.call(attempt).hung_up_for is None


@pytest.mark.parametrize("joined", [True, False])
def test_an_agent_who_had_gone_before_the_colleague_was_there_leaves_the_callee_to_the_survey(
    make_stage, joined: bool
) -> None:
    """What was asked for and the agent's hang-up crossed: the worker had nobody, so nobody has the talk."""
    stage = make_stage()
    stage.campaign(survey={"steps": SURVEY})
    stage.login("17")
    attempt = stage.talk()
    stage.login("18")
    (rings,) = of(DialParty, stage.say(Kind.CONFERENCE if joined else Kind.TRANSFER, "17", to="18"))
    if joined:
        opened(stage, rings.call)
    effects = stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL, alone=True))
    assert (stage.call(attempt).state, stage.agent("17").state) == (CallState.SURVEY, AgentState.WRAPUP)
    assert of(HangUp, effects) == [HangUp(rings.call)]
    assert stage.agent("18").state is (AgentState.WRAPUP if joined else AgentState.READY)


def test_an_end_that_is_told_late_or_twice_is_nothing(stage: Stage) -> None:
    """A party that is over stays so, whatever still comes of it."""
    stage.login("17")
    attempt = stage.talk()
    (rings,) = of(DialParty, stage.say(Kind.CONFERENCE, "17", to="second-level"))
    over(stage, rings.call, Cause.BUSY)
    assert opened(stage, rings.call) == []
    assert over(stage, rings.call) == []
    assert only_party(stage).state is PartyState.ENDED
    assert stage.end(attempt).agent == "17"


def test_hold_ends_when_the_talk_is_passed_on(stage: Stage) -> None:
    """The callee was on hold when the agent hung up, and hears the colleague: who may put it on hold again."""
    attempt, _ = joined_by_colleague(stage, Kind.CONFERENCE)
    stage.say(Kind.HOLD, "17")
    stage.tell(AgentLeft(attempt, stage.now, Cause.NORMAL))
    assert of(Hold, stage.say(Kind.HOLD, "18")) == [Hold(attempt, on=True)]
