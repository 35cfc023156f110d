"""People who call back, from the carrier's INVITE to what the CRM hears: a real daemon, Redis and SIP on both legs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from compliance.blocks import of_number
from compliance.numbers import E164
from dialer.disk.recordings import index
from dialer.store.leads import callbacks
from dialer.store.operators import agent_days
from dialer.store.privacy import blocklist
from tests.crm_events import Heard
from tests.shell.rig import Rig, Site
from tests.sip.inbound.conftest import CALLED, CallingCarrier, free_port
from tests.sip.worker.test_media import drained

NUMBERS = [f"+8613800{number:06}" for number in range(100, 103)]


@pytest.fixture(scope="module")
def caller() -> Iterator[CallingCarrier]:
    made = CallingCarrier(free_port())
    yield made
    made.close()


@pytest.fixture(scope="module")
def site(rig: Rig, caller: CallingCarrier) -> Iterator[Site]:
    """A daemon that has called some people, one agent at work, and a trunk that calls us."""
    with rig.site("inbound", quick=rig.quick.carrier_port, caller=caller.port) as site:
        message = site.message()
        site.start(
            inbound={
                "used": True,
                "port": caller.door[1],
                "message": message,
                "wait_music": message,
                "opt_out_key": "9",
                "callback_key": "1",
                "longest_wait_s": 60,
            }
        )
        site.campaign("back", trunks=("quick",), abandon_message=message, recording={"mode": "all"})
        site.log_in(rig.quick, ["agent-1"], "back")
        site.leads("back", NUMBERS)
        site.until(lambda: len(site.ends("back")) == len(NUMBERS), "everybody was called")
        yield site


def end_of(site: Site, before: int) -> Heard:
    """The next end of a call from outside."""
    site.until(lambda: len(site.events("inbound_call")) > before, "the call has ended")
    return site.events("inbound_call")[-1]


def is_answered(caller: CallingCarrier, number: str, called: str = CALLED) -> None:
    caller.forgets()
    caller.invites(caller=number, called=called)
    assert caller.hears() == 200
    caller.acknowledges()


def test_who_calls_back_talks_to_the_last_agent(site: Site, caller: CallingCarrier) -> None:
    """The screen pops up, the end says with whom; the lead's story and the agent's day have it, the ledger does not.
    The talk is recorded as any."""
    before, talks = len(site.events("inbound_call")), len(site.talks("back"))
    site.until(lambda: "agent-1" in site.agents_in("ready"), "the agent is free")
    counted = site.counts("back")
    is_answered(caller, NUMBERS[0])
    site.until(lambda: len(site.talks("back")) > talks, "an agent has the caller")
    talk = site.talks("back")[-1]
    assert (talk.data["direction"], talk.data["lead_id"], talk.data["agent"]) == ("inbound", "back-0", "agent-1")
    board = site.board()
    assert board is not None
    live = site.daemons[0].folder / "recordings" / "live" / talk.id
    site.until(lambda: sum(path.stat().st_size for path in live.glob("*.wav")) > 16_000, "there is something to record")
    caller.hangs_up()
    end = end_of(site, before)
    assert (end.data["end"], end.data["agent"], end.data["lead_id"]) == ("connected", "agent-1", "back-0")
    assert end.data["talk_s"] is not None
    after = site.counts("back")
    assert after.callers == {"connected": 1}
    assert after.dispositions == counted.dispositions
    days = agent_days.read(site.store, [("back", end.data["day"])])
    assert days["agent-1"].talks == len(site.talks("back"))
    site.until(lambda: end.id in {event.id for event in site.events("recording")}, "the talk is a recording")
    (told,) = [event.data for event in site.events("recording") if event.id == end.id]
    assert (told["agent"], told["campaign"]) == ("agent-1", "back")
    row = index.find(site.folder / "one" / "recordings", end.id)
    assert row is not None
    assert row.phone == end.data["phone"]


def test_a_stranger_hears_the_message(site: Site, caller: CallingCarrier) -> None:
    """And our BYE at its end."""
    before = len(site.events("inbound_call"))
    is_answered(caller, "+8613911139111")
    caller.answers_bye()
    end = end_of(site, before)
    assert (end.data["end"], end.data["lead_id"], end.data["message_played"]) == ("stranger", "", True)
    assert "3911139" not in repr(end.data)


def test_who_waits_can_opt_out(site: Site, caller: CallingCarrier, rig: Rig) -> None:
    """The number is blocked for good, and the lead closed."""
    before = len(site.events("inbound_call"))
    site.say("agent-1", "pause")
    site.until(lambda: "agent-1" in site.agents_in("paused"), "the agent is away")
    is_answered(caller, NUMBERS[1])
    drained(caller.rtp)  # music
    caller.presses("9")
    caller.answers_bye()
    end = end_of(site, before)
    assert end.data["opted_out"]
    blocked = blocklist.check(site.store, of_number(E164(NUMBERS[1])), ["back"], now=time.time())
    assert blocked
    site.say("agent-1", "ready")


def test_who_waits_can_ask_for_a_call(site: Site, caller: CallingCarrier) -> None:
    """A callback is owed."""
    before = len(site.events("inbound_call"))
    site.say("agent-1", "pause")
    site.until(lambda: "agent-1" in site.agents_in("paused"), "the agent is away")
    is_answered(caller, NUMBERS[2])
    drained(caller.rtp)  # music
    caller.presses("1")
    caller.answers_bye()
    assert end_of(site, before).data["wants_callback"]
    (owed,) = site.until(lambda: callbacks.owed(site.store, "back"), "the callback is promised")
    assert owed.lead_id == "back-2"
    site.say("agent-1", "ready")


def test_a_number_that_we_do_not_show_is_not_found(site: Site, caller: CallingCarrier) -> None:
    """404, at once."""
    caller.forgets()
    caller.invites(caller=NUMBERS[0], called="+861012345679")
    assert caller.hears() == 404


def test_each_call_is_on_record(site: Site, caller: CallingCarrier) -> None:
    """One record of its own kind, with the number as a hash."""
    ends = {event.id for event in site.events("inbound_call")}

    def on_record() -> set[str]:
        files = (site.folder / "one" / "evidence").glob("*.jsonl")
        records = [json.loads(line) for path in files for line in path.read_text().splitlines()]
        return {record["attempt"] for record in records if record.get("kind") == "inbound"}

    site.until(lambda: on_record() == ends, "the evidence has them")
