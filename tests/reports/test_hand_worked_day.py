"""Every measure, on a day that was worked out by hand.

Ten calls. Nobody answers four of them, one is busy. Five are answered: four by a person who gets an agent after 0.5,
1.0, 1.5 and 3.0 s and talks for 60, 120, 180 and 40 s; one finds no agent and is abandoned. Of the talks one is a
sale, one a complaint, one was with a machine, as the agent says, and one is said to be resolved.

The agent is logged in from 09:00 to 10:00: talks for 400 s, wraps up for 200 s, is rung for 10 s, pauses for 600 s, and
is ready for the rest, 2,390 s.
"""

from __future__ import annotations

from datetime import date

import pytest

from tests.reports.conftest import DAY, Book, at, named


@pytest.fixture
def day(book: Book) -> Book:
    for minute in range(4):
        book.call(f"09:{minute:02}:00")
    book.call("09:05:00", "busy")
    talks = [
        book.call(f"09:1{place}:00", "connected", wait_s=wait_s, talk_s=talk_s)
        for place, (wait_s, talk_s) in enumerate([(0.5, 60), (1.0, 120), (1.5, 180), (3.0, 40)])
    ]
    book.call("09:20:00", "abandoned", wait_s=2.0)
    for attempt, word in zip(talks, ("sale", "complaint", "machine", "resolved"), strict=True):
        book.say(attempt, word)
    for state, since, until in (
        *(("ready", "09:00:00", "09:12:00"), ("ringing", "09:12:00", "09:12:10"), ("talking", "09:12:10", "09:15:00")),
        *(("talking", "09:15:00", "09:18:50"), ("wrapup", "09:18:50", "09:22:10"), ("ready", "09:22:10", "09:30:00")),
        *(("paused", "09:30:00", "09:40:00"), ("ready", "09:40:00", "09:45:00"), ("ready", "09:45:00", "10:00:00")),
    ):
        book.stay(state, since, until)
    return book


def test_calls(day: Book) -> None:
    """Counts, and the rates that follow. What an agent says was a machine is no live answer."""
    whole = named(day.table("daily", "The whole"))

    assert (whole["attempts"], whole["handled"], whole["abandoned"]) == (10, 4, 1)
    assert whole["live"] == 4  # five answers, one of them a machine's
    assert whole["live_rate"] == 4 / 10
    assert whole["connect_rate"] == 4 / 10
    assert whole["service_level"] == 2 / 4  # 0.5 and 1.0 s; 1.5 s was the machine, 3.0 s is late, one was abandoned
    assert whole["abandon_rate"] == 1 / 4
    assert whole["sales"] == 1
    assert whole["complaint_rate"] == 1 / 4
    assert whole["resolution_rate"] == 1 / 1
    assert whole["recording_rate"] == 0


def test_times(day: Book) -> None:
    """ATT, ACW, AHT, utilisation, calls per hour."""
    whole, agent = named(day.table("daily", "The whole")), named(day.table("agents"))

    assert whole["att_s"] == pytest.approx((60 + 120 + 180 + 40) / 4)
    assert whole["acw_s"] == pytest.approx(200 / 4)
    assert whole["aht_s"] == pytest.approx((400 + 200) / 4)
    assert whole["utilisation"] == pytest.approx((400 + 200) / (3600 - 600))
    assert agent["occupancy"] == pytest.approx((400 + 200) / (400 + 200 + 2390))
    assert whole["calls_per_hour"] == pytest.approx(4.0)
    assert agent["calls_per_day"] == 4.0
    assert (agent["logged_s"], agent["talking_s"], agent["wrapup_s"]) == pytest.approx((3600, 400, 200))
    assert (agent["ready_s"], agent["pause_s"]) == pytest.approx((2390, 600))


def test_delays(day: Book) -> None:
    """Waits of those whom an agent talked to: 0.5, 1.0, 1.5, 3.0; the agent was ready for 720, 470 and 1,200 s."""
    whole = named(day.table("daily", "The whole"))

    assert whole["wait_p50_s"] == pytest.approx(1.25)
    assert whole["wait_p95_s"] == pytest.approx(1.5 + 0.85 * 1.5)
    assert whole["idle_p50_s"] == pytest.approx(720)


def test_the_service_level_is_of_so_many_seconds_as_are_asked_for(day: Book) -> None:
    """Three of the four live answers had an agent within 5 s."""
    assert named(day.table("daily", "The whole", service_level_s=5.0))["service_level"] == 3 / 4


def test_recordings_and_marks(day: Book) -> None:
    """Three of four talks were recorded; two were marked, one of them by two listeners, of whom one thought again."""
    for attempt in ("A6", "A7", "A8"):
        about = {"attempt_id": attempt, "campaign": "spring", "agent": "17"}
        day.put("recordings", {**about, "finished_at": 1_772_500_000_000, "duration_s": 9.0})
    for attempt, scorer, score in (("A6", "q1", 20.0), ("A6", "q1", 80.0), ("A6", "q2", 60.0), ("A7", "q1", 100.0)):
        about = {"attempt_id": attempt, "campaign": "spring", "agent": "17", "scorer": scorer, "score": score}
        day.put("quality_marks", {**about, "sheet": "s 1", "marked_at": 1_772_500_000_000 + int(score)})

    agent = named(day.table("quality"))

    assert agent["recording_rate"] == 3 / 4
    assert (agent["marks"], agent["score"]) == (2, (70 + 100) / 2)


def test_callees_marks_and_scripts(day: Book) -> None:
    """Two callees were asked after the talk, one of them gave two marks; of two who heard a script one heard it out.
    A talk ends where the survey begins, and a wait begins where a script asks for an agent."""
    for attempt, step, key, score in (("A6", "agent", "5", 5.0), ("A6", "offer", "2", 2.0), ("A7", "agent", "4", 4.0)):
        about = {"attempt_id": attempt, "campaign": "spring", "agent": "17", "script": "survey"}
        day.put("script_answers", {**about, "step": step, "key": key, "score": score, "answered_at": 1_772_500_000_000})
    day.put("script_answers", {**about, "step": "why", "key": "9", "score": None, "answered_at": 1_772_500_000_000})
    for clock, end in (("10:00:00", "script_done"), ("10:01:00", "script_left")):
        day.call(clock, end, wait_s=20.0, live=False)
    day.call("10:02:00", "connected", wait_s=20.0, talk_s=80, transfer_at=at("10:02:31"), agent_left_at=at("10:03:02"))

    agent, campaign = named(day.table("quality")), named(day.table("campaigns"))

    assert (agent["surveyed"], agent["survey_score"]) == (2, (3.5 + 4) / 2)
    assert (campaign["scripted"], campaign["script_done_rate"]) == (2, 1 / 2)
    assert campaign["handled"] == 5
    assert campaign["att_s"] == pytest.approx((60 + 120 + 180 + 40 + 30) / 5)
    assert campaign["wait_p50_s"] == pytest.approx(1.0)  # 0.5, 1.0, 1.0, 1.5, 3.0


def test_people_who_called(day: Book) -> None:
    """Two are served after 5 and 30 s and talk for 100 and 20 s, one gives up, one hears the message, one is a
    stranger. Their talks are the agent's as any: of talks there are six now, of attempts as many as before."""
    before, campaign = named(day.table("daily", "The whole")), named(day.table("campaigns"))
    assert not {"callers", "callers_service_level"} & {*before, *campaign}
    sold = day.caller("09:31:00", wait_s=5, talk_s=100)
    day.caller("09:32:00", wait_s=30, talk_s=20)
    day.caller("09:33:00", "hung_up", wait_s=8)
    day.caller("10:34:00", "not_served", wait_s=60)
    day.caller("10:35:00", "stranger", wait_s=0)
    day.say(sold, "sale")

    whole, agent = named(day.table("daily", "The whole")), named(day.table("agents"))
    callers, (nine, ten) = named(day.table("callers")), day.table("callers", "By hour").rows

    same = ("attempts", "live", "abandoned", "abandon_rate", "live_rate", "connect_rate", "service_level", "wait_p50_s")
    assert [whole[name] for name in same] == [before[name] for name in same]
    assert (whole["handled"], whole["sales"], whole["calls_per_hour"]) == (6, 2, pytest.approx(6.0))
    assert whole["att_s"] == pytest.approx((400 + 100 + 20) / 6)
    assert whole["aht_s"] == pytest.approx((520 + 200) / 6)
    assert (agent["handled"], agent["callers_served"], agent["att_s"]) == (6, 2, whole["att_s"])
    assert (callers["callers"], callers["callers_served"], callers["callers_hung_up"]) == (5, 2, 1)
    assert (callers["callers_not_served"], callers["callers_strange"], callers["callers_callbacks"]) == (1, 1, 0)
    assert (callers["callers_abandon_rate"], callers["callers_service_level"]) == (1 / 4, 1 / 4)
    assert named(day.table("callers", callers_within_s=30.0))["callers_service_level"] == 2 / 4
    assert callers["callers_wait_p50_s"] == pytest.approx(17.5)
    assert (nine[:2], ten[:2]) == ((9, 3), (10, 2))
    assert named(day.table("callerids"))["callers"] == 5


def test_how_far_lists_were_called(day: Book) -> None:
    """Ten of forty leads; the newest count of the period is what counts, and a list that nobody called is there."""
    for clock, name, accepted in (("08:00:00", "march", 10), ("12:00:00", "march", 40), ("08:00:00", "april", 5)):
        day.put("lists", {"campaign": "spring", "list": name, "counted_at": at(clock), "accepted": accepted})
    day.put("lists", {"campaign": "spring", "list": "march", "counted_at": at("09:00:00", date(2026, 3, 4))})

    table = day.table("lists")

    april, march = (named(table, row) for row in table.rows)
    assert (march["list_leads"], march["leads"], march["penetration"]) == (40, 10, 10 / 40)
    assert (april["list"], april["list_leads"], april["leads"], april["penetration"]) == ("april", 5, 0, 0.0)
    assert named(table)["penetration"] == 10 / 45
    by_trunk = named(day.table("lists", only={"trunk": ["main"]}))
    assert by_trunk["leads"] == 10
    assert not {"list_leads", "penetration"} & by_trunk.keys()


def test_what_callees_answered(day: Book) -> None:
    """Question by question: how often each key, and the mean of those that are marks."""
    for attempt, script, step, key, score in (
        *(
            ("A6", "survey", "agent", "5", 5.0),
            ("A7", "survey", "agent", "5", 5.0),
            ("A8", "survey", "agent", "2", 2.0),
        ),
        *(("A6", "survey", "again", "1", None), ("A9", "script", "ask", "1", None)),
    ):
        about = {"attempt_id": attempt, "campaign": "spring", "agent": "17", "script": script}
        day.put("script_answers", {**about, "step": step, "key": key, "score": score, "answered_at": at("10:00:00")})

    questions, answers = day.table("answers"), day.table("answers", "By answer")

    assert questions.rows == (
        ("spring", "script", "ask", 1, None),
        ("spring", "survey", "again", 1, None),
        ("spring", "survey", "agent", 3, 4.0),
    )
    shares = {row[2:4]: row[4:] for row in answers.rows}
    assert shares[("agent", "5")] == (2, pytest.approx(2 / 3))
    assert shares[("again", "1")] == (1, 1.0)
    assert (named(answers)["answers"], named(answers)["answer_share"]) == (5, None)
    assert day.table("answers", first=date(2026, 3, 4)).rows == ()


def test_the_total_is_that_of_all_rows(day: Book) -> None:
    """By whatever it is grouped; no campaign, no agent is lost."""
    day.call("11:00:00", "connected", wait_s=1.0, talk_s=30, campaign="autumn", agent="18")
    day.stay("ready", "11:00:00", "11:10:00", agent="18", team="south", campaign="")

    for name in ("campaigns", "hours", "trunks", "callerids", "lists"):
        section = day.table(name)
        assert sum(named(section, row)["attempts"] for row in section.rows) == 11
        assert named(section)["attempts"] == 11
    teams = day.table("teams")
    assert [(row[0], named(teams, row)["handled"]) for row in teams.rows] == [("north", 4), ("south", 1)]
    assert [row[0] for row in day.table("campaigns").rows] == ["autumn", "spring"]


def test_filters_leave_only_what_is_asked_for(day: Book) -> None:
    """Of calls and of agents' time; a filter of which nothing is known of time leaves no time."""
    day.call("11:00:00", "connected", wait_s=1.0, talk_s=30, campaign="autumn", agent="18")

    assert named(day.table("daily", "The whole", only={"campaign": ["autumn"]}))["attempts"] == 1
    assert named(day.table("daily", "The whole", only={"campaign": ["spring", "autumn"]}))["attempts"] == 11
    by_team = named(day.table("daily", "The whole", only={"team": ["north"]}))
    assert (by_team["attempts"], by_team["calls_per_hour"]) == (4, pytest.approx(4.0))
    by_trunk = named(day.table("daily", "The whole", only={"trunk": ["main"]}))
    assert by_trunk["handled"] == 5
    assert not {"utilisation", "acw_s", "aht_s", "calls_per_hour"} & by_trunk.keys()


def test_days_are_the_ledgers_days(day: Book) -> None:
    """A call that was reserved before midnight and answered after it is of the next day."""
    late = date(2026, 3, 4)
    day.call("23:59:55", "connected", wait_s=0.5, talk_s=10, day=DAY)
    day.call("23:59:58", "connected", wait_s=0.5, talk_s=10, counted_on=late)

    assert named(day.table("daily", "The whole"))["attempts"] == 11
    assert named(day.table("daily", "The whole", first=late))["attempts"] == 1
    both = day.table("monthly", "By day", first=DAY, last=late)
    assert [(row[0], named(both, row)["attempts"]) for row in both.rows] == [("2026-03-03", 11), ("2026-03-04", 1)]


def test_the_last_word_on_a_call_counts(day: Book) -> None:
    """What was said first is as if it had not been said."""
    day.say("A6", "refused", "20:30:00")

    assert named(day.table("daily", "The whole"))["sales"] == 0


def test_a_day_without_calls_has_no_rates(book: Book) -> None:
    """Nothing is divided by nothing."""
    whole = named(book.table("daily", "The whole"))

    assert (whole["attempts"], whole["abandon_rate"], whole["utilisation"]) == (0, None, None)
    assert "wait_p50_s" not in whole
    assert book.table("agents").rows == ()
