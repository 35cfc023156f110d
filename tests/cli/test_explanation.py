"""What holds a campaign down, in words, from what its daemons and the store say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from config.campaign import CampaignSettings
from config.policies import applied
from dialer.core.board import WindowRow
from dialer.core.inputs import CampaignState
from dialer.operating.explanation import (
    Explanation,
    as_json,
    calibration_words,
    explanation,
    held_by,
    room_from,
    spent,
)
from dialer.operating.hosts import Hosts
from dialer.store.operators.campaigns import Campaign
from dialer.store.operators.pacer_memory import Found, Learnt
from pacing.api import Brake, Decision, Mode, Reason, Rule, Settings
from tests.cli.conftest import NOW, board, campaign_row
from tests.pacing.cases import EXPERIENCED

TODAY = WindowRow("calendar_day", "today", 0.03, 967, 12)
SPENT = WindowRow("rolling_hour", "the last hour", 0.03, 95, 3)
RECORD = Learnt(
    campaign="spring",
    host="dial-1",
    owner="dial-1:1",
    at=NOW - 20,
    settings=Settings(),
    decision=Decision(7, Reason(Rule.OTHER, text="as it was"), 0.01),
    decided_at=NOW - 21,
    figures={"answer_probability": 0.3},
    memory=EXPERIENCED,
)


def campaign(state: CampaignState = CampaignState.RUNNING) -> Campaign:
    settings = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+862155550100")
    return Campaign(settings, state, NOW, NOW, "test")


def explain(
    *records: Learnt, boards: Any = (), state: CampaignState = CampaignState.RUNNING, faults: tuple[str, ...] = ()
) -> Explanation:
    found = campaign(state)
    return explanation(
        found, applied(found.settings).pacing(), (TODAY,), Hosts(tuple(boards), ()), Found(records, faults)
    )


JUMPED = "no new calls: the clock jumped"


@pytest.mark.parametrize(
    ("of_row", "of_board", "of_settings", "why"),
    [
        ({"problem": "no trunk is configured"}, {}, {}, ["no trunk is configured"]),
        ({"state": "paused"}, {}, {}, ["the campaign is paused here"]),
        ({}, {"state": "draining"}, {}, ["the daemon is draining: it starts no more calls"]),
        (
            {},
            {
                "problems": ("no new calls: the clock jumped", "other"),
                "no_new_calls": ("no new calls: the clock jumped",),
            },
            {},
            ["no new calls: the clock jumped"],
        ),
        ({"agents": {"paused": 3}}, {}, {}, ["no agent is working (3 paused)"]),
        ({"agents": {}, "leads_held": 0, "due": 0}, {}, {}, ["no agent is working", "no lead is due"]),
        ({"leads_held": 0, "due": 0, "next": "finished"}, {}, {}, ["no lead is due (finished)"]),
        ({"leads_held": 0}, {}, {}, ["the leads that are due are not here yet"]),
        ({}, {"lines_used": 100}, {}, ["all 100 lines are in use"]),
        ({}, {}, {"max_calls_per_agent": 1}, ["17 calls in flight: at most 1 for each working agent"]),
        ({}, {}, {"mode": Mode.PREVIEW}, ["the mode: agents ask for each call themselves"]),
        ({}, {}, {"mode": Mode.PROGRESSIVE}, ["the mode: one call for each ready agent"]),
        ({}, {}, {"mode": Mode.RATIO}, ["the mode: 1.5 calls for each ready agent"]),
        ({"risk": None}, {}, {}, ["one call for each ready agent"]),
        ({}, {}, {}, ["the next call would be abandoned with a probability of 2.0 %"]),
        (
            {"decision": Decision(3, Reason(Rule.PREDICTIVE, Brake.RISK))},
            {},
            {},
            ["the next call would be abandoned with a probability of 2.0 %, more than is tolerated now"],
        ),
    ],
)
def test_what_holds_it_down(
    of_row: dict[str, Any], of_board: dict[str, Any], of_settings: dict[str, Any], why: list[str]
) -> None:
    """The hardest reason first; where none binds, the policy's own."""
    row = campaign_row(**of_row)

    assert held_by(board(**of_board), row, replace(Settings(), **of_settings), (TODAY,), None) == why


def test_a_spent_budget_holds_it_down() -> None:
    """In the modes that can abandon, whichever window it is."""
    row, windows = campaign_row(), (TODAY, SPENT)

    assert held_by(board(), row, Settings(), windows, None) == ["the abandonment budget of the last hour is spent"]
    assert held_by(board(), row, Settings(mode=Mode.PROGRESSIVE), windows, None) == [
        "the mode: one call for each ready agent"
    ]


def test_a_budget_has_room_again() -> None:
    """As the pacer has it: three abandoned calls of at most 3 % need a hundred live answers."""
    assert (spent(TODAY), spent(SPENT), room_from(SPENT)) == (False, True, 100)
    assert not spent(replace(SPENT, answered=100))


def test_learning_holds_it_down() -> None:
    """Until enough was seen. The pacer's word of this second has more weight than what was saved a minute ago."""
    row = campaign_row(decision=Decision(2, Reason(Rule.LEARNING, figures={"calls_to_go": 9.0})), risk=None)
    learning = explain(replace(RECORD, memory={}), boards=[board(campaigns=(row,))])
    past_it = explain(replace(RECORD, memory={}), boards=[board()])

    assert learning.hosts[0].held_by == ("it is still learning (9 finished calls to go)",)
    assert "learning" not in past_it.hosts[0].held_by[0]


def test_a_live_host_is_heard_first() -> None:
    """Its decision is the board's, of this second; what it has learnt is of its last record. The gone come after."""
    gone = replace(RECORD, host="dial-0", at=NOW - 1e6)
    told = explain(gone, RECORD, boards=[board(campaigns=(campaign_row(decided_at=NOW - 1),))])
    live, old = told.hosts

    assert (live.host, live.alive, live.decided_at) == ("dial-1", True, NOW - 1)
    assert (live.decision.dial, live.sentence) == (3, "dial 3: 2 ready, 14 ringing")
    assert live.drawn is not None
    assert (old.host, old.alive, old.decision, old.held_by) == ("dial-0", False, RECORD.decision, ())


def test_a_host_that_has_saved_nothing_yet() -> None:
    """Its decision is known all the same, and the settings are those of the campaign."""
    (view,) = explain(boards=[board()]).hosts

    assert view.record is None
    assert view.drawn is None
    assert view.settings.mode is Mode.PROGRESSIVE


@pytest.mark.parametrize(
    ("state", "boards", "note"),
    [
        (CampaignState.PAUSED, [board()], "the campaign is paused: nothing is dialled. Go on with: "
         "dialer campaign resume spring"),
        (CampaignState.STOPPED, [board()], "the campaign is stopped: nothing is dialled. Start it with: "
         "dialer campaign start spring"),
        (CampaignState.RUNNING, [], "no daemon is alive: nothing is dialled until one runs (dialer run)"),
    ],
)  # fmt: skip
def test_notes(state: CampaignState, boards: list[Any], note: str) -> None:
    """Why nothing is dialled at all, and what to do about it."""
    assert explain(boards=boards, state=state).notes == (note,)


def test_what_could_not_be_read_is_noted() -> None:
    """Rather than passed over."""
    assert explain(boards=[board()], faults=("campaign spring, host x: empty",)).notes == (
        "campaign spring, host x: empty",
    )


@pytest.mark.parametrize(
    ("calibration", "words"),
    [
        (1.1, "as many calls are abandoned as are forecast"),
        (2.24, "for each abandoned call that is forecast 2.2 happen, which is corrected for"),
        (0.5, "of 2.0 abandoned calls that are forecast one happens, which is corrected for"),
    ],
)
def test_the_calibration_in_words(calibration: float, words: str) -> None:
    """Which way the forecast errs."""
    assert calibration_words(calibration) == words


def test_as_json() -> None:
    """Everything that the page has, under stable names."""
    told = json.loads(json.dumps(as_json(explain(RECORD, boards=[board()]), NOW)))
    (host,) = told["hosts"]

    assert (told["campaign"], told["state"], told["notes"]) == ("spring", "running", [])
    assert told["abandon_windows"][0]["left"] == TODAY.left
    assert host["decision"]["dial"] == 3
    assert host["settings"]["mode"] == "predictive"
    assert host["saved"] == {"at": NOW - 20, "owner": "dial-1:1"}
    assert host["learnt"]["answers"]["probability"] == pytest.approx(0.3)
    assert {"seen", "mean_s", "p10_s", "p50_s", "p90_s", "step_s", "lasting"} == set(host["learnt"]["talk"])
    assert {"tolerated", "calibration", "missing", "hours", "trunks"} <= set(host["learnt"])
