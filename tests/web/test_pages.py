"""Every page and every order of the console, in the process, on a real server."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.daemon import DaemonSettings
from dialer.core.agents.agent import AgentEvent, AgentEventKind, AgentState
from dialer.core.inputs import CampaignState
from dialer.disk.recordings import index
from dialer.disk.recordings.index import Row
from dialer.store.base.connection import Store
from dialer.store.base.errors import StoreUnavailable
from dialer.store.operators import agents, campaigns, control, pacer_memory, scores
from dialer.store.operators.agents import Heard, Presence
from dialer.store.operators.pacer_memory import Learnt
from dialer.web.access import WebRole
from dialer.web.office import Office
from pacing.api import Decision, Memory, Mode, Reason, Rule, Settings
from tests.pacing.cases import EXPERIENCED
from tests.web.conftest import Browser
from tests.web.crowd import Crowd

SignedIn = Callable[[WebRole], Browser]
AUDIO = bytes(range(256)) * 8


@pytest.fixture
def anna(signed_in: SignedIn) -> Browser:
    """The administrator."""
    return signed_in(WebRole.ADMINISTRATOR)


def trail(store: Store) -> list[tuple[str, str]]:
    return [(line.what, line.who) for line in control.audit_trail(store, 10)]


def test_the_floor_says_what_the_daemons_say(anna: Browser, crowd: Crowd) -> None:
    """Campaigns, agents by state, trunks, alarms; and each page is light."""
    talking = sum(row.state == "talking" for row in crowd.rows)
    floor, wall, everybody = anna.get("/"), anna.get("/wall"), anna.get("/agents")

    assert "renewals" in floor.text
    assert f"<dd>{talking}</dd>" in floor.text
    assert "1 host" not in floor.text
    assert f"<b>{talking}</b> talking" in wall.text
    assert everybody.text.count('<tr id="agent-') == 30
    assert "seven calls in a row" in anna.get("/trunks").text
    assert len(floor.content) + sum(len(asset.zipped) for asset in anna.office.assets.values()) < 100_000


def test_without_a_daemon_there_is_no_floor(anna: Browser) -> None:
    """It says so, and nothing fails."""
    assert "no daemon is alive" in anna.get("/").text
    for path in ("/wall", "/agents", "/calls", "/trunks", "/campaigns", "/reports", "/people", "/audit", "/recordings"):
        assert anna.get(path).status_code == 200


@pytest.mark.usefixtures("crowd")
def test_a_campaign_says_why_it_dials_what_it_dials(anna: Browser) -> None:
    """The pacer's sentence, what holds it down, the budget, and where its leads are."""
    page = anna.get("/campaigns/renewals").text

    for words in ("the next call would be abandoned", "Held down by", "Budget of abandoned calls", "due now: 9"):
        assert words in page
    assert "due now: 9" in anna.get("/campaigns/renewals/funnel").text
    assert anna.get("/campaigns/nonesuch").status_code == 404


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize(("memory", "words"), [(EXPERIENCED, "of the calls are answered"), ({}, "still learning")])
def test_a_campaign_says_what_was_learnt_of_it(anna: Browser, store: Store, memory: Memory, words: str) -> None:
    """How often, how soon and when people answer, and how long they talk; or what is still to be seen."""
    now, decision = time.time(), Decision(2, Reason(Rule.OTHER, text="2 ready"), 0.01)
    learnt = Learnt("renewals", "dial-1", "dial-1:1", now, Settings(mode=Mode.PREDICTIVE), decision, now, {}, memory)
    pacer_memory.save(store, [learnt])

    page = anna.get("/campaigns/renewals")
    assert page.status_code == 200
    assert words in page.text
    assert "How long talks last" in page.text


def test_the_last_floor_stays_while_redis_is_away(anna: Browser, crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an alarm on top; orders say that nothing was done. It is as before when Redis is back."""

    def away(*_: object) -> None:
        raise StoreUnavailable("gone")

    assert "renewals" in anna.get("/").text
    with monkeypatch.context() as broken:
        broken.setattr("dialer.store.operators.status.raw_words", away)
        broken.setattr("dialer.store.operators.campaigns.get", away)
        page = anna.get("/").text
        assert "Redis does not answer, what is shown is old" in page
        assert "renewals" in page
        assert anna.post("/campaigns/renewals/state", to="paused").status_code == 503
    crowd.publish(time.time())
    assert "Redis does not answer" not in anna.get("/").text


@pytest.mark.usefixtures("crowd")
def test_a_campaign_is_paused_stopped_and_started(anna: Browser, store: Store) -> None:
    """Each is asked first, done by a form, and in the audit trail under the name of who did it."""
    for state, done in (("paused", "paused"), ("stopped", "stopped"), ("running", "started")):
        assert "campaign renewals?" in anna.get(f"/campaigns/renewals/state?to={state}").text
        answer = anna.post("/campaigns/renewals/state", to=state)

        assert answer.status_code == 303
        assert f"The campaign is {done}." in anna.get(answer.headers["location"]).text
        assert campaigns.get(store, "renewals").state == state
        assert campaigns.get(store, "renewals").changed_by == "the-administrator"
        assert trail(store)[0] == ("campaign_state", "the-administrator")
    assert anna.get("/campaigns/renewals/state?to=away").status_code == 404


@pytest.mark.usefixtures("crowd")
def test_a_list_that_is_refused_can_be_insisted_upon(
    anna: Browser, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start says why not, and what one may do; the audit trail says that it was forced."""
    monkeypatch.setattr("dialer.operating.campaign_orders.too_many_lost", lambda *_: "80.0 % are blocked")
    campaigns.set_state(store, "renewals", CampaignState.STOPPED, who="test", now=time.time())

    refused = anna.post("/campaigns/renewals/state", to="running")
    assert refused.status_code == 409
    assert "80.0 % are blocked" in refused.text
    assert campaigns.get(store, "renewals").state is CampaignState.STOPPED

    assert anna.post("/campaigns/renewals/state", to="running", force="yes").status_code == 303
    assert campaigns.get(store, "renewals").state is CampaignState.RUNNING
    (preflight, *_) = [line for line in control.audit_trail(store, 9) if line.what == "campaign_preflight"]
    assert preflight.detail["forced"] is True


@pytest.mark.usefixtures("crowd")
def test_a_list_is_judged(anna: Browser, store: Store) -> None:
    """As the gate would now; it is in the audit trail."""
    assert "9 leads" in anna.get("/campaigns/renewals/preflight").text
    page = anna.post("/campaigns/renewals/preflight").text

    assert "It may start" in page
    assert trail(store)[0][0] == "campaign_preflight"


def test_agents_are_paused_and_logged_out(anna: Browser, crowd: Crowd, store: Store) -> None:
    """As by their own desktops; who is not there is told to nobody."""
    agents.show(store, [Presence("1001", AgentState.TALKING, time.time(), "", ("renewals",), "dial-1:1")])

    for what in ("pause", "logout"):
        answer = anna.post("/agents/1001", what=what, reason="meeting")
        assert "is told to" in anna.get(answer.headers["location"]).text
    entries, _ = agents.read(store, "test", "0", 10, 0)
    said = [entry.event for entry in entries if isinstance(entry, Heard)]
    assert said == [
        AgentEvent(AgentEventKind.PAUSE, "1001", reason="meeting"),
        AgentEvent(AgentEventKind.LOGOUT, "1001"),
    ]
    assert trail(store)[0] == ("agent_logout", "the-administrator")
    assert anna.post("/agents/ghost", what="pause").status_code == 404
    assert anna.post("/agents/1001", what="dismiss").status_code == 404
    assert crowd.rows[0].agent in anna.get("/agents/1001").text


def test_a_call_is_hung_up(anna: Browser, crowd: Crowd, store: Store) -> None:
    """After a question; one that is over is said to be."""
    call = crowd.calls(time.time())[0]
    path = f"/calls/{call.attempt_id}/hang-up"
    assert call.phone in anna.get("/calls").text
    assert call.phone in anna.get(path).text

    assert anna.post(path).status_code == 303
    (order,), _ = control.read(store, "0", 10, 0)
    assert (order.command.name, order.command.args) == (control.HANG_UP, {"attempt_id": call.attempt_id})
    assert order.who == "the-administrator"
    assert anna.get("/calls/nonesuch/hang-up").status_code == 404
    assert anna.post("/calls/nonesuch/hang-up").status_code == 404


@pytest.mark.usefixtures("crowd")
def test_people_are_masked_and_looking_is_audited(anna: Browser, store: Store) -> None:
    """A lead by its id, a person by number; no clear number is in any page."""
    lead = anna.get("/campaigns/renewals/leads/L1")
    assert "diallable" in lead.text
    assert "calling hours" in lead.text
    person = anna.post("/people", who="13800000001")
    assert "renewals" in person.text
    found = anna.post("/people/why", who="138 0000 0001", campaign="renewals")
    assert found.headers["location"] == "/campaigns/renewals/leads/L1"
    stranger = anna.post("/people/why", who="13999999999", campaign="renewals")
    assert "no lead of this campaign" in stranger.text

    for answer in (lead, person, stranger):
        assert "13800000001" not in answer.text
        assert "13999999999" not in answer.text
    assert {what for what, _ in trail(store)} >= {"lead_why", "customer_show"}
    assert anna.get("/campaigns/renewals/leads/nonesuch").status_code == 404
    assert anna.post("/people", who="nobody").status_code == 404


@pytest.mark.usefixtures("crowd")
def test_the_audit_trail_is_read(anna: Browser) -> None:
    """Narrowed to who, what and when; a day that is none is said to be."""
    anna.post("/campaigns/renewals/state", to="paused")

    assert "renewals" in anna.get("/audit?what=campaign_state&by=the-admin").text
    assert "Nothing of this" in anna.get("/audit?by=somebody-else").text
    assert anna.get("/audit?since=yesterday").status_code == 409


def test_an_archive_that_is_not_there_is_said(anna: Browser) -> None:
    """So is a report, and a period, that does not exist."""
    assert "daily" in anna.get("/reports").text
    assert anna.get("/reports/nonesuch").status_code == 404
    assert anna.get("/reports/daily?period=someday").status_code == 409
    assert anna.get("/reports/daily").status_code == 404


# --- recordings -------------------------------------------------------------------------------------------------------


@pytest.fixture
def recorded(settings: DaemonSettings) -> Row:
    folder, at = Path(settings.recordings.folder), datetime(2026, 3, 1, 9, tzinfo=UTC).timestamp()
    row = Row(
        attempt="19a3f-000017", agent="1001", campaign="renewals", phone="138****0001", at=at, duration_s=64.0,
        sha256="", size_bytes=len(AUDIO), file="19a3f-000017.opus",
    )  # fmt: skip
    index.append(folder, row)
    index.path_of(folder, row).write_bytes(AUDIO)
    return row


SHEET = {"mark-greeting": "5"}


def test_a_recording_is_found_heard_and_marked(anna: Browser, recorded: Row, store: Store) -> None:
    """It is heard in parts, and is in the audit trail once; marks are those of the sheet, under one's own name."""
    path = f"/recordings/{recorded.day}/{recorded.attempt}"
    assert path in anna.get("/recordings?since=2026-03-01&until=2026-03-01&agent=1001").text
    assert path in anna.get("/recordings?since=2026-03-01&sample=yes").text
    assert path not in anna.get("/recordings?agent=1002").text

    part = anna.get(f"{path}/audio", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, AUDIO[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(AUDIO)}"
    assert anna.get(f"{path}/audio", headers={"range": "bytes=-5"}).content == AUDIO[-5:]
    assert anna.get(f"{path}/audio", headers={"range": "bytes=2040-"}).content == AUDIO[2040:]
    assert anna.get(f"{path}/audio", headers={"range": "bytes=9999-"}).status_code == 416
    assert anna.get(f"{path}/audio").content == AUDIO
    assert [what for what, _ in trail(store)].count("recording_play") == 1

    names = [line.split('"')[0] for line in anna.get(path).text.split('name="mark-')[1:]]
    assert anna.post(path, **{f"mark-{name}": "1" for name in names[1:]}).status_code == 409
    for wrong in ("99999", "00001", "-1", "1.5", "\u0663"):
        assert anna.post(path, **{f"mark-{name}": wrong for name in names}).status_code == 409
    assert scores.since(store, 0.0) == []
    answer = anna.post(path, note="good", **{f"mark-{name}": "1" for name in names})
    assert "Your marks are kept." in anna.get(answer.headers["location"]).text
    (score,) = scores.since(store, 0.0)
    assert (score.by, score.points, score.note) == ("the-administrator", len(names), "good")


@pytest.mark.parametrize(
    "path",
    [
        "2026-03-01/..%2f..%2fusers",
        "2026-03-01/%2e%2e",
        "2026-03-01/19a3f-000017.opus",
        "2026-03-01/19a3f-000018",
        "../2026-03-01/19a3f-000017",
        "2026-13-01/19a3f-000017",
        "2026-03-01/index.jsonl",
    ],
)
@pytest.mark.usefixtures("recorded")
def test_nothing_but_recordings_is_read(anna: Browser, path: str) -> None:
    """No path leads out of their folder, or to a file that is none."""
    for end in ("", "/audio"):
        assert anna.get(f"/recordings/{path}{end}").status_code in (303, 404)


def test_nothing_is_heard_that_is_not_in_the_trail(
    anna: Browser, recorded: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the audit trail cannot be written, nothing is played."""

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr("dialer.store.operators.control.audit", away)

    assert anna.get(f"/recordings/{recorded.day}/{recorded.attempt}/audio").status_code == 503


def test_the_office_has_one_reader(office: Office, crowd: Crowd) -> None:
    """However many look, Redis is read once; a picture is drawn once for all of them."""
    first, second = Browser(office), Browser(office)
    for browser in (first, second):
        browser.sign_in("the-supervisor")
        browser.get("/agents")

    assert len([name for name, _ in office.feed._topics if name.startswith("agents")]) == 1
    assert len(crowd.rows) == 30
