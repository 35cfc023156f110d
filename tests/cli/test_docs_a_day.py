"""docs/a-day.md: a manager's working day, by the commands that stand on the page, in their order."""

from __future__ import annotations

import re
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dialer.core.agents.agent import AgentState
from dialer.core.model import Close, Disposition
from dialer.store.base.connection import Store
from dialer.store.crm import inbox
from dialer.store.leads import intake, leads
from dialer.store.leads.leads import LeadState
from dialer.store.operators import agents, campaigns, status
from dialer.store.settlement.settle import settle
from tests.cli.conftest import Dialer, board
from tests.store.conftest import POLICY, Floor, end  # noqa: F401

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "a-day.md").read_text(encoding="utf-8")
HOUR = 3600.0


def day() -> Iterator[tuple[str, list[list[str]]]]:
    """Each section of the page with its commands."""
    for section in PAGE.split("\n## ")[1:]:
        blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
        yield section.split("\n", 1)[0], [shlex.split(line) for block in blocks for line in block.strip().split("\n")]


@contextmanager
def a_daemon(store: Store) -> Iterator[None]:
    """As much of a daemon as a manager sees: it says that it is alive, and takes leads in."""
    status.publish(store, "dial-1", board(campaigns=()).to_wire(), now=time.time(), ttl=120.0)
    done = threading.Event()

    def take_in() -> None:
        while not done.wait(0.02):
            for name in campaigns.names(store):
                intake.take_in(store, name, "dial-1", time.time(), 200)

    thread = threading.Thread(target=take_in)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(10)


def lists(folder: Path) -> None:
    """The day's files: ten customers, of whom the first two are in the list of the others, too."""
    rows = [f"C-{i},1380000000{i},王{i},{'上海' if i % 2 else '北京'},no" for i in range(10)]
    (folder / "customers.csv").write_text("\n".join(["lead_id,手机,姓名,city,vip", *rows]), encoding="gb18030")
    (folder / "served.csv").write_text("lead_id,phone\nS-1,13900000001\nS-2,13800000001\n")
    (folder / "wrong.csv").write_text("lead_id,phone\nX-1,13600000001\n")
    lapsed = ["W-1,13800000001,上海,no", "W-2,13700000002,北京,yes", "W-3,13700000003,北京,no"]
    (folder / "lapsed.csv").write_text("\n".join(["lead_id,phone,city,vip", *lapsed]), encoding="utf-8")


def morning_calls(store: Store, build: Callable[..., object]) -> None:
    """What the floor did: four hours ago two did not answer, one bought, one was promised a call by now."""
    floor = Floor(store, campaigns.get(store, "sales").settings, POLICY)
    then = time.time() - 4 * HOUR
    taken = floor.lease(100, time.time())
    dialled = [one for one in floor.screen(taken, time.time()) if hasattr(one, "permit")]
    ends = [Disposition.NO_ANSWER, Disposition.NO_ANSWER, Disposition.CONNECTED, Disposition.CONNECTED]
    called = list(zip(dialled, ends, strict=False))
    settle(store, [build(one, how, Close("done"), ended_at=then) for one, how in called], "host-a:1")  # type: ignore[misc]
    said = [
        inbox.Outcome("sales", dialled[2].permit.attempt, "sale", agent="ann"),
        inbox.Outcome(
            "sales", dialled[3].permit.attempt, "callback", agent="ann", callback_at=then, callback_agent="bob"
        ),
    ]
    inbox.apply(store, [inbox.Received(f"1-{place}", one) for place, one in enumerate(said)], now=time.time())


def test_a_working_day_by_the_documented_commands(
    dialer: Dialer,
    store: Store,
    tmp_path: Path,
    end: Callable[..., object],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of them does what the page says, from the line check to the end of the day."""
    monkeypatch.chdir(tmp_path)
    lists(tmp_path)
    said: dict[str, str] = {}
    with a_daemon(store):
        for title, commands in day():
            if title.startswith("12:00"):
                row = agents.Presence("ann", AgentState.READY, time.time(), "", ("sales",), "host-a:1")
                agents.show(store, [row])
                morning_calls(store, end)
            for program, *arguments in commands:
                assert program == "dialer"
                result = dialer(*arguments)
                assert result.exit_code == 0, (title, arguments, result.output)
                said[" ".join(arguments)] = result.stdout

    where = {row.lead_id: row.state for name in ("sales", "winback") for row in leads.page(store, name)[0]}
    assert where["W-2"] is not None, "moved to sales"
    assert where["C-1"] is LeadState.CLOSED, "complained"
    assert "W-3" not in where, "taken back"
    assert "Took back the list wrong: 1 lead deleted." in said["lists takeback survey wrong --yes"]
    assert 'hours[0].closes: "11:00" -> "20:00"' in said["campaign set survey hours[0].closes=20:00"]
    assert "Put first: 1 overdue callback" in said["callbacks replan"]
    assert "Reopened: 2 leads" in said["leads reopen sales --disposition no_answer --older-than 3h --yes"]
    assert (tmp_path / "sales-today.csv").read_text(encoding="utf-8-sig").count("\n") == 2
    assert all(one.state == "stopped" for one in campaigns.listing(store))


def test_the_chinese_page_has_the_same_day() -> None:
    """The same commands under the same hours."""
    chinese = (DOCS / "a-day.zh-CN.md").read_text(encoding="utf-8")
    commands, hours = re.compile(r"```sh\n(.*?)```", re.DOTALL), re.compile(r"^## (\d\d:\d\d)", re.MULTILINE)

    assert commands.findall(chinese) == commands.findall(PAGE)
    assert hours.findall(chinese) == hours.findall(PAGE)
