"""`dialer campaign` against a real server."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from dialer.cli.base.failures import CliExit
from dialer.core.abandonment.windows import counting_day
from dialer.core.agents.agent import AgentState
from dialer.core.inputs import CampaignState
from dialer.store.base.connection import Store, trip
from dialer.store.leads import intake
from dialer.store.operators import agents, campaigns, control, status
from dialer.store.operators.agents import Presence
from tests.cli.conftest import Dialer, board, campaign_row, data


def test_create_from_a_file_with_settings_on_top(dialer: Dialer, store: Store, tmp_path: Path) -> None:
    """The name comes from the command, `--set` wins over the file."""
    file = tmp_path / "c.toml"
    file.write_text('name = "other"\nmode = "progressive"\nring_timeout_s = 20\n', encoding="utf-8")

    result = dialer("campaign", "create", "autumn", "--file", str(file), "--set", "ring_timeout_s=30")

    made = campaigns.get(store, "autumn")
    assert result.exit_code == 0
    assert (made.settings.mode, made.settings.ring_timeout_s, made.state) == ("progressive", 30.0, "stopped")
    assert made.changed_by == "tester@here"
    assert "caller_id" in result.stdout


def test_all_mistakes_are_named_at_once(dialer: Dialer) -> None:
    """With their paths, and the nearest right word; the exit code is 2."""
    result = dialer("campaign", "create", "autumn", "--set", "mode=progresive", "--set", "ring_timeout_s=3")

    assert result.exit_code == 2
    assert "2 mistakes" in result.stderr
    assert 'did you mean "progressive"' in result.stderr
    assert "ring_timeout_s: must be at least 15" in result.stderr


def test_the_example_is_a_campaign_file(dialer: Dialer, tmp_path: Path) -> None:
    """What `campaign example` prints can be created."""
    file = tmp_path / "example.toml"
    file.write_text(dialer("campaign", "example").stdout, encoding="utf-8")

    assert dialer("campaign", "create", "autumn", "--file", str(file)).exit_code == 0


def test_a_second_campaign_of_the_name_is_refused(dialer: Dialer, spring: str) -> None:
    """Nothing is overwritten."""
    result = dialer("campaign", "create", spring, "--set", "mode=progressive")

    assert result.exit_code == CliExit.REFUSED


def test_an_unknown_campaign_says_which_exist(dialer: Dialer, spring: str) -> None:
    """And which one was meant."""
    result = dialer("campaign", "start", "sprnig")

    assert result.exit_code == CliExit.NOT_FOUND
    assert "existing campaigns: spring" in result.stderr
    assert "Did you mean 'spring'?" in result.stderr


def test_start_is_refused_with_every_reason(dialer: Dialer, store: Store) -> None:
    """A campaign that cannot run stays stopped."""
    dialer("campaign", "create", "autumn", "--set", "mode=progressive")

    result = dialer("campaign", "start", "autumn")

    assert result.exit_code == CliExit.REFUSED
    for reason in campaigns.get(store, "autumn").settings.missing_to_start():
        assert reason in result.stderr
    assert campaigns.get(store, "autumn").state is CampaignState.STOPPED


def test_start_warns_of_what_keeps_it_from_dialling(dialer: Dialer, spring: str) -> None:
    """No daemon, no agent, no leads: it is started, and each is said."""
    result = dialer("campaign", "start", spring)

    assert result.exit_code == 0
    assert "is running (was stopped)" in result.stdout
    for words in ("no daemon is alive", "no agent is logged in", "no leads"):
        assert words in result.stderr


def test_start_has_nothing_to_warn_of_on_a_working_floor(dialer: Dialer, store: Store, spring: str) -> None:
    """A daemon, an agent and a lead are there."""
    row = campaign_row(spring)
    status.publish(store, "dial-1", board(at=time.time() + 60, campaigns=(row,)).to_wire(), now=time.time(), ttl=30.0)
    agents.show(store, [Presence("ann", AgentState.READY, time.time(), "", (spring,), "dial-1:1")])
    intake.enqueue(store, spring, [{"lead_id": "L1", "phone": "13800001234"}])

    result = dialer("campaign", "start", spring)

    assert (result.exit_code, result.stderr) == (0, "")


def test_start_repeats_what_the_daemon_complains_of(dialer: Dialer, store: Store, spring: str) -> None:
    """The daemon is told, its answer is waited for, and a problem that only it can see is shown with its host."""
    old, new = campaign_row(spring, state="stopped"), campaign_row(spring, problem="no such trunk: west")
    status.publish(store, "dial-1", board(campaigns=(old,)).to_wire(), now=time.time(), ttl=30.0)

    def answer() -> None:
        control.read(store, "0", 10, 2000)
        at = time.time() + 1
        status.publish(store, "dial-1", board(at=at, campaigns=(new,)).to_wire(), now=at, ttl=30.0)

    daemon = threading.Thread(target=answer)
    daemon.start()
    started = dialer("campaign", "start", spring)
    daemon.join(10)

    assert "dial-1: no such trunk: west" in started.stderr
    assert "is started, and held" in started.stdout
    for command in ("show", "funnel"):
        page = dialer("campaign", command, spring).stdout
        assert "● held" in page
        assert "dial-1: no such trunk: west" in page
    assert "● held" in dialer("campaign", "list").stdout


def test_more_closings_than_closed_leads_are_explained(dialer: Dialer, store: Store, spring: str) -> None:
    """A lead that was reopened and closed again has been closed twice; the page says which number is which."""
    trip(store, [("HSET", store.keys.counts(spring), "closed:done", 5, "closed:expired", 1)])

    page = dialer("campaign", "show", spring).stdout

    assert "done 5  expired 1  (6 closings so far; 0 leads closed now: others were reopened or deleted)" in page


def test_pause_resume_stop(dialer: Dialer, store: Store, spring: str) -> None:
    """Each changes the wish of the operator, and the audit trail has who."""
    seen = []
    for command in ("start", "pause", "resume", "stop"):
        assert dialer("campaign", command, spring).exit_code == 0
        seen.append(campaigns.get(store, spring).state.value)

    assert seen == ["running", "paused", "running", "stopped"]
    trail = control.audit_trail(store, 4)
    assert {(line.who, line.what, line.detail["campaign"]) for line in trail} == {
        ("tester@here", "campaign_state", spring)
    }
    assert [line.detail["after"] for line in reversed(trail)] == seen


def test_resume_needs_a_pause(dialer: Dialer, spring: str) -> None:
    """A stopped campaign is started, not resumed: starting has the checks."""
    result = dialer("campaign", "resume", spring)

    assert result.exit_code == CliExit.REFUSED
    assert "dialer campaign start spring" in result.stderr


def test_set_shows_what_changed(dialer: Dialer, store: Store, spring: str) -> None:
    """Old and new, also of settings within sections."""
    result = dialer("campaign", "set", spring, "ring_timeout_s=40", "retry.busy.delay_s=900")

    assert result.stdout.splitlines() == ["ring_timeout_s: 25.0 -> 40.0", "retry.busy.delay_s: 1200.0 -> 900.0"]
    assert campaigns.get(store, spring).settings.retry.busy.delay_s == 900.0
    assert control.audit_trail(store, 1)[0].detail["changes"]["ring_timeout_s"] == ["25.0", "40.0"]


def test_set_from_a_file_replaces_all(dialer: Dialer, store: Store, spring: str, tmp_path: Path) -> None:
    """What the file does not say is the default again."""
    dialer("campaign", "set", spring, "ring_timeout_s=40")
    file = tmp_path / "c.toml"
    file.write_text('mode = "progressive"\ncaller_id = "+862155550199"\n', encoding="utf-8")

    result = dialer("campaign", "set", spring, "--file", str(file), "--json")

    assert set(data(result)["changes"]) == {"ring_timeout_s", "caller_id"}


@pytest.mark.parametrize(
    "arguments", [[], ["ring_timeout_s"], ["name=other"], ["ratio=1", "ratio=2"], ["ring_timout_s=20"]]
)
def test_set_refuses_nonsense(dialer: Dialer, store: Store, spring: str, arguments: list[str]) -> None:
    """Wrong use ends with 2 and changes nothing."""
    before = campaigns.get(store, spring)

    assert dialer("campaign", "set", spring, *arguments).exit_code == 2
    assert campaigns.get(store, spring) == before


def test_list_and_show(dialer: Dialer, store: Store, spring: str) -> None:
    """Where the leads are, and the settings that differ from the defaults."""
    intake.enqueue(store, spring, [{"lead_id": f"L{i}", "phone": f"1380000123{i}"} for i in range(3)])

    listed = data(dialer("campaign", "list", "--json"))
    shown = dialer("campaign", "show", spring)

    assert [(row["name"], row["counts"]["queued"]) for row in listed] == [("spring", 3)]
    assert "queued 3" in shown.stdout
    assert '"+862155550100"' in shown.stdout
    assert data(dialer("campaign", "show", spring, "--json"))["settings"]["caller_id"] == "+862155550100"
    assert "spring" in dialer("campaign", "list").stdout


def test_show_has_every_counting_window(dialer: Dialer, store: Store, spring: str) -> None:
    """What all daemons counted, the budget left, and what is left of the abandoned calls without machines."""
    today = counting_day(time.time(), None)
    key = store.keys.ledger(spring, today)
    counts = ("a:1|answered", 150, "a:1|abandoned", 1, "b:1|answered", 50, "b:1|abandoned", 2, "machine|answered", -10)
    trip(store, [("HSET", key, *counts)])

    shown = dialer("campaign", "show", spring).stdout
    (day, days, hour) = data(dialer("campaign", "show", spring, "--json"))["abandon_windows"]

    assert "today 1.58 % of 3 %, 2 left   3 of 190 live answers" in shown
    assert "about 2.8 abandoned without machines (10 found by agents)" in shown
    assert (day["label"], day["answered"], day["abandoned"], day["machines"]) == ("calendar_day", 190, 3, 10)
    assert (days["label"], days["answered"], days["left"]) == ("successive_30_days", 190, 2)
    assert (hour["label"], hour["answered"], hour["cap"]) == ("rolling_hour", 0, 0.06)


def test_an_empty_list_says_what_to_do(dialer: Dialer) -> None:
    """The first thing that a new user sees."""
    assert "dialer campaign create" in dialer("campaign", "list").stdout


def test_every_screen_says_the_same_of_a_campaign_whose_only_number_rests(
    dialer: Dialer, store: Store, spring: str
) -> None:
    """Held, why and until when, and how many are due: the list, the campaign, the funnel, also without a
    daemon; the preflight refuses its leads with the same words."""
    campaigns.set_state(store, spring, CampaignState.RUNNING, who="test", now=time.time())
    intake.enqueue(store, spring, [{"lead_id": "L0", "phone": "13800000000", "timezone": "Asia/Shanghai"}])
    intake.take_in(store, spring, "one", time.time(), 10)
    assert dialer("callerid", "rest", "+862155550100", "--for", "7d", "--reason", "labelled").exit_code == 0
    why = "no caller id can be shown now: +862155550100 rests: labelled (tester@here)"

    listed = dialer("campaign", "list").stdout
    shown, funnel = dialer("campaign", "show", spring).stdout, dialer("campaign", "funnel", spring).stdout

    for screen in (listed, shown, funnel):
        assert "● held" in screen
        assert why in " ".join(screen.split())
    for screen in (shown, funnel):
        assert "held with 1 due" in screen
    assert data(dialer("campaign", "list", "--json"))[0]["problems"][0].startswith(why)
    assert "0 diallable now" in dialer("campaign", "preflight", spring).stdout
