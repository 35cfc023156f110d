"""Who competes, and when figures have to be found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.sim.baselines import BASELINES
from dialer.sim.study.scenario import find_scenario, load_scenario
from pacing.api import CallAnswered, Ledger, Snapshot
from pacing.policies import Ratio
from tests.scoreboard import entrants
from tests.scoreboard.entrants import (
    HARD,
    MINDLESS,
    NEXT_DAY,
    OTHERS_DAYS,
    OURS,
    TUNED,
    YARDSTICK,
    code_of,
    digest,
    pacer_again,
    pacer_of,
    seeds_of,
    stamp,
    with_cap,
)

R2 = load_scenario(find_scenario("r2"))
SPENT = Snapshot(1.0, 10, (5.0,) * 10, (), 0, (), (), 100, 100, Ledger(1000, 500))


def test_everybody_competes() -> None:
    """Ours first, ours on the next day, every baseline, the tuned ratio, and the yardstick."""
    names = entrants.entrants()

    assert names[0] == OURS
    assert set(BASELINES) | {NEXT_DAY, TUNED, YARDSTICK} <= set(names)
    assert set(names) > MINDLESS


@pytest.mark.parametrize("policy", sorted(MINDLESS))
def test_who_does_not_mind_the_cap_plays_alike_under_every_cap(policy: str) -> None:
    """The first decisions are the same whatever the cap, even far above it."""
    decisions = []
    for cap in (0.01, 0.03):
        pacer = pacer_of(policy, with_cap(R2, cap), 1)
        decisions.append([pacer.step((), SPENT).dial for _ in range(3)])

    assert decisions[0] == decisions[1]


def test_a_ratio_may_be_given_with_its_size() -> None:
    """`ratio:2.5` keeps two and a half lines for each ready agent."""
    pacer = pacer_of("ratio:2.5", R2, 1)

    assert isinstance(pacer, Ratio)
    assert pacer.settings.ratio == 2.5


def test_the_stamp_changes_with_what_is_played() -> None:
    """With the cap and the scenario, not with its title; each product has its own code."""
    longer = R2.model_copy(update={"hours": 4.0})
    renamed = R2.model_copy(update={"title": "another"})

    assert stamp("cisco", R2) == stamp("cisco", renamed)
    assert len({stamp("cisco", one) for one in (R2, longer, with_cap(R2, 0.01))}) == 3
    assert code_of("vicidial-average") == code_of("vicidial-ratio")
    assert len({code_of(policy) for policy in ("predictive", "progressive", "cisco", "wombat")}) == 4


def test_the_stamp_of_the_next_day_has_the_day_before_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code is ours and that of the warm-up day; a change of the warm-up day changes nobody else's stamp."""
    seen: dict[str, set[str]] = {}
    for policy in (OURS, HARD, NEXT_DAY):
        paths: list[Path] = []
        monkeypatch.setattr(entrants, "digest", lambda found, paths=paths: paths.extend(found) or "")
        code_of.__wrapped__(policy)
        seen[policy] = {f"{path.parent.name}/{path.name}" for path in paths}

    assert {"pacing/risk_control.py", "policies/predictive.py", "virtual_floor/kernel.py"} < seen[OURS] == seen[HARD]
    assert seen[NEXT_DAY] - seen[OURS] == {"scoreboard/warm_up_day.py"}


def test_only_ours_plays_all_days() -> None:
    """The promise is about each of them; the others show where it stands."""
    assert list(seeds_of(NEXT_DAY, range(1, 31))) == list(range(1, OTHERS_DAYS + 1))
    assert list(seeds_of(OURS, range(1, 31))) == list(range(1, 31))


def test_on_a_short_row_baselines_play_fewer_days() -> None:
    """The yardstick plays as many as on any other row."""
    days = {policy: len(seeds_of(policy, range(1, 31), 6)) for policy in (OURS, YARDSTICK, HARD, NEXT_DAY, "cisco")}

    assert days == {OURS: 30, YARDSTICK: OTHERS_DAYS, HARD: 6, NEXT_DAY: 6, "cisco": 6}


def test_after_a_restart_what_was_learnt_is_kept_by_those_who_learn() -> None:
    """Ours goes on from its memory if there is one; whoever remembers nothing begins anew."""
    before = pacer_of(OURS, R2, 1)
    before.model.observe(CallAnswered(1.0, 9.0))  # type: ignore[attr-defined]
    again, fresh = (pacer_again(NEXT_DAY, R2, 1, old) for old in (before, None))

    assert again.memory() == before.memory() != fresh.memory()
    assert pacer_again("ratio:2.5", R2, 1, pacer_of("ratio:2.5", R2, 1)).memory() == {}
    assert type(pacer_again("cisco", R2, 1, pacer_of("cisco", R2, 1))) is type(pacer_of("cisco", R2, 1))


def test_the_next_day_needs_a_day_before() -> None:
    """A fresh pacer would be a cold one under the wrong name."""
    with pytest.raises(KeyError):
        pacer_of(NEXT_DAY, R2, 1)


def test_comments_and_docstrings_do_not_count_as_code(tmp_path: Path) -> None:
    """Only what a module does is digested."""
    plain, told, other = tmp_path / "plain.py", tmp_path / "told.py", tmp_path / "other.py"
    plain.write_text("def f(x):\n    return x + 1\n")
    told.write_text('"""About f."""\n\n\ndef f(x):  # adds\n    """Add one."""\n    return (x + 1)\n')
    other.write_text("def f(x):\n    return x + 2\n")

    assert digest([plain]) == digest([told]) != digest([other])
