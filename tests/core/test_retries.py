"""What follows an attempt."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from config.campaign import RetrySettings, RetryTable
from dialer.core.calls import retries
from dialer.core.calls.retries import NOT_SENT_DELAY_S, row_of
from dialer.core.model import Close, Disposition, Lead, NextStep, Retry

D = Disposition
TABLE = RetryTable()
MONDAY_10 = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()


def next_step(lead: Lead, disposition: Disposition, table: RetryTable) -> NextStep:
    """An attempt that ended on a Monday at 10 where the callee is."""
    return retries.next_step(lead, disposition, table, MONDAY_10, lambda _: (ZoneInfo("Asia/Shanghai"),))


@pytest.mark.parametrize("disposition", list(Disposition), ids=str)
def test_every_disposition_has_a_next_step(make_lead, disposition):
    """Dispositions with a row are retried after its delay, the others close the lead."""
    step = next_step(make_lead(), disposition, TABLE)
    rule = TABLE.after(row_of(disposition))
    if disposition is D.NOT_SENT:
        assert step == Retry(NOT_SENT_DELAY_S, 0)
    elif rule.max_attempts:
        assert step == Retry(rule.delay_s, 0)
    else:
        assert isinstance(step, Close)


@pytest.mark.parametrize("disposition", [D.CONNECTED, D.INVALID, D.UNWANTED, D.BLOCKED, D.WORKER_LOST, D.UNKNOWN])
def test_some_ends_are_final(make_lead, disposition):
    """Nobody is called again who was reached, does not want it, or may have been reached."""
    assert isinstance(next_step(make_lead(), disposition, TABLE), Close)


def test_an_invalid_number_gives_way_to_the_next(make_lead):
    """A number that does not exist is finished; the lead's next one is due at once; after the last it is closed."""
    assert next_step(make_lead(numbers=2), D.INVALID, TABLE) == Retry(0.0, 1)
    assert isinstance(next_step(make_lead(numbers=2, number_index=1), D.INVALID, TABLE), Close)


def test_a_row_has_a_limit(make_lead):
    """After as many retries as the row allows the lead is closed."""
    assert next_step(make_lead(tries={D.BUSY: 2}), D.BUSY, TABLE) == Retry(1200.0, 0)
    assert next_step(make_lead(tries={D.BUSY: 3}), D.BUSY, TABLE) == Close("busy: all 3 retries are used")
    assert isinstance(next_step(make_lead(tries={D.BUSY: 3}), D.NO_ANSWER, TABLE), Retry)


@pytest.mark.parametrize(
    ("earlier", "now"),
    [(D.HUNG_UP, D.ABANDONED), (D.ABANDONED, D.HUNG_UP), (D.TRUNK_UNREACHABLE, D.ROUTE_ERROR)],
)
def test_dispositions_that_share_a_row_share_its_limit(make_lead, earlier, now):
    """Silence is silence, whoever hung up first, and a route is a route."""
    limit = TABLE.after(row_of(now)).max_attempts
    assert isinstance(next_step(make_lead(tries={earlier: limit}), now, TABLE), Close)
    assert isinstance(next_step(make_lead(tries={earlier: limit - 1}), now, TABLE), Retry)


def test_an_attempt_never_sent_is_always_repeated(make_lead):
    """What never left our side costs the callee nothing and has no limit."""
    assert next_step(make_lead(tries={D.NOT_SENT: 99}), D.NOT_SENT, TABLE) == Retry(NOT_SENT_DELAY_S, 0)


def test_a_row_may_ask_for_another_day_and_time(make_lead):
    """Due the next day at another time, behind new leads; from the next day on where nothing else is due."""
    row = RetrySettings(delay_s=3600.0, max_attempts=3, not_before="next_day", prefer="another_window")
    table = RetryTable(no_answer=row)

    step = next_step(make_lead(), D.NO_ANSWER, table)

    assert step == Retry(after_s=26 * 3600.0, number_index=0, yields_from_s=14 * 3600.0)
    assert isinstance(next_step(make_lead(tries={D.NO_ANSWER: 3}), D.NO_ANSWER, table), Close)


def test_another_day_alone_does_not_yield(make_lead):
    """It is a limit and no wish."""
    row = RetrySettings(delay_s=3600.0, max_attempts=3, not_before="next_day")

    assert next_step(make_lead(), D.BUSY, RetryTable(busy=row)) == Retry(14 * 3600.0, 0)
