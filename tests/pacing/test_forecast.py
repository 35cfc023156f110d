"""From what was learnt and one snapshot to a proposal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from pacing.api import Snapshot
from pacing.compiled import floats
from pacing.forecast import HORIZONS, TABLES_LAST_S, Doubt, Proposal, Tables, make_tables, propose, stale
from pacing.learning.learn import Model
from tests.pacing.cases import EXPERIENCED, experienced, snapshot, snapshots

GRACE_S = 2.0
NO_DOUBT = Doubt(0.0, 1.0)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return make_tables(Model(25.0, EXPERIENCED), snapshot(), GRACE_S)


def proposed(tables: Tables, seen: Snapshot, doubt: Doubt = NO_DOUBT) -> Proposal:
    return propose(tables, seen, GRACE_S, doubt, 0.03, 50)


def test_tables_hold_probabilities_that_rise_with_the_horizon(tables: Tables) -> None:
    """The later the call is answered, the more agents are free and the more calls are answered."""
    assert tables.horizon_s.size == HORIZONS
    for table in (tables.talk_free, tables.wrapup_free, tables.answered):
        assert np.all((table >= 0.0) & (table <= 1.0))
        assert np.all(np.diff(table, axis=1) >= -1e-12)
    assert np.all(tables.answered <= tables.will[:, None] + 1e-12)
    assert tables.will[0] == pytest.approx(tables.law.probability)


def test_tables_are_made_anew_every_few_seconds() -> None:
    """When they are old, when the clock stepped back, and at once when the law of answers was moved."""
    model = Model(25.0, EXPERIENCED)
    tables = make_tables(model, snapshot(), GRACE_S)
    assert not stale(tables, model, tables.made_at)
    assert stale(tables, model, tables.made_at + TABLES_LAST_S)
    assert stale(tables, model, tables.made_at - 0.1)
    model.answers.moves += 1
    assert stale(tables, model, tables.made_at)


def test_tables_know_of_the_calls_that_ring() -> None:
    """Many that have rung long and were not answered make an answer less likely."""
    model = Model(25.0, EXPERIENCED)
    few = make_tables(model, snapshot(ringing_age_s=(20.0,)), GRACE_S).law
    many = make_tables(model, snapshot(ringing_age_s=(20.0,) * 200), GRACE_S).law
    assert many.probability < few.probability - 0.1
    assert many.calls > few.calls


def test_doubt_leaves_less_room(tables: Tables) -> None:
    """Answers that may be more likely than they seem; and with refusals fewer of the next calls are answered."""
    seen = snapshot(ready=4, ringing_age_s=(3.0,) * 6)
    plain, doubted = (proposed(tables, seen, Doubt(0.0, factor)) for factor in (1.0, 1.5))
    assert doubted.dial < plain.dial
    assert doubted.answers == pytest.approx(1.5 * plain.answers)
    refused = proposed(tables, seen, Doubt(0.7, 1.0))
    assert refused.dial > plain.dial
    assert refused.answers == pytest.approx(plain.answers)  # those that ring are past the age of refusals
    assert refused.probability == pytest.approx(0.3 * plain.probability)


@given(snapshots())
def test_a_proposal_keeps_to_what_is_tolerated(seen: Snapshot) -> None:
    """The calls proposed carry at most the tolerated risk each, the next one more, unless the limit is reached."""
    tables = make_tables(Model(25.0, EXPERIENCED), seen, GRACE_S)
    found = proposed(tables, seen)
    assert 0 <= found.dial <= 50
    assert 0.0 <= found.taken_risk <= 0.03 * found.dial + 1e-9
    assert found.dial == 50 or found.next_risk > 0.03
    assert 0.0 <= found.answers <= len(seen.ringing_age_s) + 1e-9
    assert 0.0 <= found.frees <= len(seen.talking_age_s) + len(seen.wrapup_age_s) + 1e-9


def test_a_waiting_call_past_its_grace_takes_no_agent(tables: Tables) -> None:
    """It is lost already; one within the grace takes the next agent."""
    lost, waiting = (proposed(tables, snapshot(waiting_age_s=(age_s,))) for age_s in (2.0, 1.9))
    assert lost == proposed(tables, snapshot())
    assert waiting.next_risk > lost.next_risk or waiting.dial < lost.dial


def test_calls_of_smaller_odds_leave_more_room(tables: Tables) -> None:
    """Ringing calls that are hardly ever answered count for less, those that are answered more often for more."""
    seen = snapshot(ready=4, ringing_age_s=(3.0,) * 10, ringing_trunk=("north",) * 10, next_trunk="north")
    expected = [proposed(replace(tables, odds={"north": odds}), seen).answers for odds in (0.25, 1.0, 4.0)]
    assert expected == sorted(expected)
    assert expected[0] < 0.4 * expected[1]
    assert expected[1] == proposed(replace(tables, odds={"south": 4.0}), seen).answers
    untold = replace(seen, ringing_trunk=())
    assert expected[1] == proposed(replace(tables, odds={"north": 4.0}), untold).answers


def test_tables_have_the_odds_of_the_trunks_that_differ() -> None:
    """Each once for all decisions until the next tables; an ordinary trunk and one without evidence have none."""
    trunks = {"usual": [45.0, 150.0], "dead": [0.0, 150.0], "new": [0.0, 5.0]}
    odds = make_tables(Model(25.0, experienced(trunks=trunks, hours={})), snapshot(), GRACE_S).odds
    assert set(odds) == {"dead"}
    assert odds["dead"] == pytest.approx(0.25)


def test_arrays_and_tuples_are_the_same(tables: Tables) -> None:
    """Ages in either form give the same proposal."""
    seen = snapshot(ringing_age_s=(3.0, 9.0), talking_age_s=(5.0,) * 7, wrapup_age_s=(3.0, 30.0), waiting_age_s=(1.0,))
    names = ("talking_age_s", "wrapup_age_s", "ringing_age_s", "waiting_age_s")
    as_arrays = replace(seen, **{name: floats(getattr(seen, name)) for name in names})
    assert proposed(tables, as_arrays) == proposed(tables, seen)
