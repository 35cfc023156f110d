"""The live board: keys, the cursor, the filter, and what is asked before something is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from config.agents.settings import AgentSettings
from dialer.cli.live.floor_app import FloorApp, Order, Orders
from dialer.cli.live.line_table import LineTable
from dialer.core.board import AgentRow
from dialer.operating.hosts import Hosts
from dialer.store.base.errors import StoreError, StoreUnavailable
from tests.cli.conftest import board, campaign_row

Play = Callable[[FloorApp, Pilot[None]], Awaitable[None]]


class Floor:
    """What the daemons say, and what was ordered of them."""

    def __init__(self, campaigns: int = 3, agents: int = 3) -> None:
        now = time.time()
        states = ("talking", "ready", "wrapup", "paused")
        self.rows = [AgentRow(f"{100 + i}", "red", states[i % 4], now - i, "", "c0", f"Ann {i}") for i in range(agents)]
        self.campaigns = [campaign_row(f"c{i}", calls={"talking": 9 - min(i, 9)}) for i in range(campaigns)]
        self.failure: StoreError | None = None
        self.done: list[str] = []

    def read(self) -> Hosts:
        if self.failure is not None:
            raise self.failure
        return Hosts((board(at=time.time(), campaigns=tuple(self.campaigns), agents=tuple(self.rows)),), ())

    def orders(self) -> Orders:
        def order(what: str) -> Callable[[Any], Order | str]:
            def of(line: Any) -> Order | str:
                name = getattr(line, "name", "") or line.row.agent
                return Order(f"{what} {name}?", lambda: self.done.append(f"{what} {name}"), "done")

            return of

        return Orders(order("pause"), order("pause"), order("log out"), order("listen"))


def play(floor: Floor, script: Play, size: tuple[int, int] = (80, 24)) -> None:
    async def run() -> None:
        app = FloorApp(floor.read, 0.1, AgentSettings(), floor.orders())
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: bool(app.hosts.boards) or floor.failure is not None)
            await script(app, pilot)

    asyncio.run(run())


async def until(pilot: Pilot[None], what: Callable[[], bool]) -> None:
    """Wait for a condition, for ten seconds at most."""
    for _ in range(500):
        if what():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to that")


def screen_of(app: FloorApp) -> list[str]:
    """The lines of the terminal."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


def text_of(app: FloorApp) -> str:
    return "\n".join(screen_of(app))


def lines_of(app: FloorApp, name: str) -> list[str]:
    table = app.query_one(f"#{name}", LineTable)
    return [table.render_line(y).text.strip() for y in range(table.size.height)]


def test_campaigns_then_agents() -> None:
    """The busiest campaign first; 2 shows the agents, those who talk longest first."""

    async def script(app: FloorApp, pilot: Pilot[None]) -> None:
        assert [line.split()[0] for line in lines_of(app, "campaigns")[:4]] == ["campaign", "c0", "c1", "c2"]
        await pilot.press("2")
        await until(pilot, lambda: "Ann 0" in lines_of(app, "agents")[1])
        await until(pilot, lambda: "100 Ann 0" in text_of(app))

    play(Floor(), script)


def test_a_state_has_one_word() -> None:
    """The panel says what the line says, and what the key for it looks for."""

    async def script(app: FloorApp, pilot: Pilot[None]) -> None:
        await pilot.press("2", "slash", *"wrap-up", "enter")
        await until(pilot, lambda: "102 Ann 2  wrap-up" in text_of(app))

    play(Floor(), script)


def test_the_cursor_stays_on_its_line() -> None:
    """Also when the order changes under it."""
    floor = Floor()

    async def script(app: FloorApp, pilot: Pilot[None]) -> None:
        table = app.query_one("#campaigns", LineTable)
        await pilot.press("down", "down")
        assert table.selected == "c2"
        floor.campaigns = [
            campaign_row("c2", calls={"talking": 99}),
            *floor.campaigns[:2],
            campaign_row("new", calls={}),
        ]
        await until(pilot, lambda: lines_of(app, "campaigns")[1].startswith("c2"))
        assert table.selected == "c2"
        floor.campaigns = floor.campaigns[1:]
        await until(pilot, lambda: table.selected == "c0")

    play(floor, script)


def test_everything_can_be_reached() -> None:
    """Of 300 agents in a low terminal the last is a key away, and the page keys go through them."""

    async def script(app: FloorApp, pilot: Pilot[None]) -> None:
        await pilot.press("2", "end")
        await until(
            pilot,
            lambda: (
                app.query_one("#agents", LineTable).selected == app.query_one("#agents", LineTable).lines[-1].row.agent
            ),
        )
        await until(
            pilot, lambda: any(app.query_one("#agents", LineTable).selected in line for line in lines_of(app, "agents"))
        )
        await pilot.press("home", "pagedown")
        assert app.query_one("#agents", LineTable).selected != app.query_one("#agents", LineTable).lines[0].row.agent

    play(Floor(agents=300), script)


def test_campaigns_at_rest_are_folded_and_counted() -> None:
    """`a` shows them; so does their name in the filter."""
    floor = Floor()
    floor.campaigns += [campaign_row(f"old{i}", state="stopped", calls={}) for i in range(35)]

    async def script(app: FloorApp, pilot: Pilot[None]) -> None:
        assert "3 campaigns (35 at rest)" in text_of(app)
        await pilot.press("a")
        await until(pilot, lambda: "38 campaigns" in text_of(app))
        await pilot.press("a", "slash", *"old7", "enter")
        await until(pilot, lambda: "1 campaign (37 hidden" in text_of(app))
        await pilot.press("escape")
        await until(pilot, lambda: "3 campaigns (35 at rest)" in text_of(app))

    play(floor, script)


def test_agents_are_filtered_and_sorted() -> None:
    """By any words of a line; `s` goes to the next column."""

    async def script(app: FloorApp, pilot: Pilot[None]) -> None:
        await pilot.press("2", "slash", *"ann", "space", *"wrap", "enter")
        await until(pilot, lambda: "1 agent " in text_of(app))
        await pilot.press("escape", "s")
        await until(pilot, lambda: "by for" in text_of(app))
        assert app.query_one("#agents", LineTable).lines[0].row.agent == "102"

    play(Floor(), script)


@pytest.mark.parametrize(
    ("keys", "done"), [("py", ["pause c0"]), ("pn", []), ("2ly", ["log out 100"]), ("2my", ["listen 100"]), ("2pq", [])]
)
def test_nothing_is_done_without_a_yes(keys: str, done: list[str]) -> None:
    """Pausing, logging out and listening are asked for first; any other key is a no."""
    floor = Floor()

    async def script(app: FloorApp, pilot: Pilot[None]) -> None:
        for key in keys:
            await pilot.press(key)
        await until(pilot, lambda: len(app.screen_stack) == 1)
        await until(pilot, lambda: floor.done == done)

    play(floor, script)


def test_alarms_stand_above_and_never_hide_the_floor() -> None:
    """Two of them and how many more; `!` shows all."""
    floor = Floor()
    floor.campaigns = [campaign_row(f"c{i}", problem=f"reason {i}") for i in range(9)]

    async def script(app: FloorApp, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "7 alarms more: press !" in text_of(app))
        assert "c0 is held: reason 0" in text_of(app)
        assert lines_of(app, "campaigns")[1].startswith("c0")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "c8 is held: reason 8" in text_of(app))

    play(floor, script)


def test_redis_away_keeps_the_last_known_floor() -> None:
    """It is said above, and goes when Redis is back."""
    floor = Floor()

    async def script(app: FloorApp, pilot: Pilot[None]) -> None:
        floor.failure = StoreUnavailable("refused")
        await until(pilot, lambda: "Redis does not answer" in text_of(app))
        assert lines_of(app, "campaigns")[1].startswith("c0")
        floor.failure = None
        await until(pilot, lambda: "Redis does not answer" not in text_of(app))

    play(floor, script)


def test_without_a_daemon_it_says_how_to_start_one() -> None:
    """An empty screen would explain nothing."""

    async def script(app: FloorApp, pilot: Pilot[None]) -> None:
        app.read = lambda: Hosts((), ())
        await until(pilot, lambda: "dialer run" in text_of(app))

    play(Floor(), script)


@pytest.mark.parametrize("size", [(80, 24), (120, 50), (60, 16)])
def test_no_line_is_wider_than_the_terminal(size: tuple[int, int]) -> None:
    """With wide characters, too."""
    floor = Floor(campaigns=40, agents=40)
    floor.rows = [AgentRow("a" * 40, "客服一组", "talking", time.time() - 9999, "", "春季回访" * 4, "欧阳娜娜")]

    async def script(app: FloorApp, pilot: Pilot[None]) -> None:
        for key in "123":
            await pilot.press(key)
            await pilot.pause()
            assert max(map(cell_len, screen_of(app))) <= size[0]

    play(floor, script, size)
