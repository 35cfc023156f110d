"""The live board as a program in the terminal: tables to sort, filter and act on. `dialer watch` opens it.

What it shows comes from `floor_rows.py` and from the panels that `dialer status` prints; here are keys, the cursor and
the question before something is done.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar

from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import ContentSwitcher, Footer, Input, Static

from config.agents.settings import AgentSettings
from dialer.cli.base.failures import failure_of
from dialer.cli.live import floor_rows
from dialer.cli.live.board import alarm, host_line, host_panel, no_daemon_line, overdue_line
from dialer.cli.live.campaign_panels import card
from dialer.cli.live.floor_rows import AGENT_COLUMNS, CAMPAIGN_COLUMNS, about_agent
from dialer.cli.live.line_table import Column, LineTable
from dialer.core.board import CampaignRow
from dialer.language.phrases import N_
from dialer.language.translation import _, _n, word
from dialer.operating.agent_lines import AgentLine, agent_lines, matches
from dialer.operating.alarms import alarms_of
from dialer.operating.figures import QUIET, WARN
from dialer.operating.host_totals import campaigns
from dialer.operating.hosts import Hosts
from dialer.store.base.errors import StoreError

T = TypeVar("T")

ALARMS_SHOWN: Final = 3
DETAIL_SHARE: Final = 0.6
"""So much of the room below the top the details may take, and more where the table does not need it."""

VIEWS: Final = ("campaigns", "agents", "hosts")


@dataclass(frozen=True, slots=True)
class Order:
    """Something that a key does to a campaign or an agent: what is asked before it, and the doing. `do` speaks to
    Redis; it runs in a thread and raises `StoreError`, or `Failure` where it is refused."""

    question: str
    do: Callable[[], object]
    done: str


@dataclass(frozen=True, slots=True)
class Orders:
    """What can be done from the board, by key: an order for a line, or why there is none."""

    pause_campaign: Callable[[CampaignRow], Order | str]
    pause_agent: Callable[[AgentLine], Order | str]
    log_out_agent: Callable[[AgentLine], Order | str]
    listen: Callable[[AgentLine], Order | str]


class Confirm(ModalScreen[bool]):
    """A question that `y` answers with yes and anything else with no."""

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm > Static { width: auto; max-width: 70; padding: 1 3; border: round $warning; }
    """

    def __init__(self, question: str) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        yield Static(
            Text.assemble(self.question, "\n\n", ("y", "bold"), _(" yes    "), (_("any other key"), "bold"), _(" no"))
        )

    def on_key(self, event: Any) -> None:
        event.stop()
        self.dismiss(event.key == "y")


class FloorApp(App[None]):
    """The board. `read` asks the daemons (in a thread) every `interval_s` seconds and raises `StoreError`."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: vertical; }
    #top { height: auto; max-height: 7; }
    #views { height: 1; }
    #words { height: 3; display: none; }
    #words.asked { display: block; }
    ContentSwitcher { height: 1fr; }
    LineTable { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; }
    #hosts { height: 1fr; overflow-y: auto; }
    #detail { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "view('campaigns')", show=False),
        Binding("2", "view('agents')", show=False),
        Binding("3", "view('hosts')", show=False),
        Binding("escape", "no_filter", "", show=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]
    KEYS: ClassVar = (
        ("s", "sort", N_("sort"), None),
        ("slash", "filter", N_("filter"), "/"),
        ("a", "at_rest", N_("at rest"), None),
        ("d", "detail", N_("details"), None),
        ("w", "why", N_("why"), None),
        ("p", "pause", N_("pause"), None),
        ("l", "log_out", N_("log out"), None),
        ("m", "listen", N_("listen"), None),
        ("exclamation_mark", "alarms", N_("alarms"), "!"),
        ("q", "quit", N_("quit"), None),
    )
    """The keys that stand in the last line: key, action, what it says, and how the key is shown."""

    def __init__(self, read: Callable[[], Hosts], interval_s: float, limits: AgentSettings, orders: Orders) -> None:
        super().__init__(ansi_color=True)
        self.read, self.interval_s, self.limits, self.orders = read, interval_s, limits, orders
        self.hosts, self.notice = Hosts((), ()), _("asking the daemons")
        self.campaign_rows: dict[str, CampaignRow] = {}
        self.agent_lines: dict[str, AgentLine] = {}
        self.at_rest = self.all_alarms = self.why = False
        self.details = True
        self.sorted_by = {"campaigns": "state", "agents": "state"}
        for key, action, english, shown in self.KEYS:
            self.bind(key, action, description=_(english), key_display=shown)

    def compose(self) -> ComposeResult:
        yield Static(id="top")
        yield Static(id="views")
        yield Input(placeholder=_("part of a name, team or state; Enter keeps it, Esc shows all"), id="words")
        with ContentSwitcher(initial="campaigns"):
            yield LineTable(CAMPAIGN_COLUMNS, lambda row: row.name, id="campaigns")
            yield LineTable(AGENT_COLUMNS, lambda line: line.row.agent, id="agents")
            yield Vertical(Static(id="hosts_text"), id="hosts")
        yield Static(id="detail")
        yield Footer(show_command_palette=False, compact=True)

    async def on_mount(self) -> None:
        self._table("campaigns").focus()
        for number in (signal.SIGINT, signal.SIGTERM):  # from outside; Ctrl-C in the terminal is a key
            asyncio.get_running_loop().add_signal_handler(number, self.exit)
        self.run_worker(self._look(), exclusive=True)

    # --- looking -----------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            try:
                self.hosts = await asyncio.to_thread(self.read)
                self.notice = self.hosts.notice
            except StoreError as error:
                self.notice = _("Redis does not answer ({error}); trying again", error=str(error))
            self.draw()
            await asyncio.sleep(self.interval_s)

    def draw(self) -> None:
        """Everything, from what the daemons said last. Only what has changed is written to the screen."""
        if not self.floor.query("#top"):
            return  # the screen is being taken down
        now = time.time()
        self.campaign_rows = {row.name: row for row in campaigns(self.hosts.boards)}
        lines = agent_lines(self.hosts.boards, now, self.limits)
        self.agent_lines = {line.row.agent: line for line in lines}
        words = self.words
        of_campaigns, of_agents = (words if self.view == view else "" for view in ("campaigns", "agents"))
        rows = list(self.campaign_rows.values())
        shown = floor_rows.campaign_lines(rows, of_campaigns, at_rest=self.at_rest)
        matching = [line for line in lines if matches(line, of_agents)]
        self.floor.query_one("#top", Static).update(self._top(now))
        self.floor.query_one("#views", Static).update(self._views(len(shown), len(matching), words))
        if self.view == "campaigns":
            self._table("campaigns").show(self._sorted(CAMPAIGN_COLUMNS, shown))
        elif self.view == "agents":
            self._table("agents").show(self._sorted(AGENT_COLUMNS, matching))
        else:
            width = self.size.width
            panels = [host_panel(board, now, width) for board in self.hosts.boards]
            self.floor.query_one("#hosts_text", Static).update(Group(*panels))
        self._draw_detail()

    @property
    def floor(self) -> Screen[Any]:
        """The board itself, also while a question stands above it."""
        return self.screen_stack[0]

    @property
    def words(self) -> str:
        """What the lines of the table must hold."""
        return self.floor.query_one("#words", Input).value

    @property
    def view(self) -> str:
        return self.floor.query_one(ContentSwitcher).current or "campaigns"

    def _table(self, name: str) -> LineTable[Any]:
        return self.floor.query_one(f"#{name}", LineTable)

    def _sorted(self, columns: Sequence[Column[T]], lines: Sequence[T]) -> list[T]:
        by = next(column for column in columns if column.key == self.sorted_by[self.view])
        return sorted(lines, key=by.order)  # type: ignore[arg-type]  # each column's values are of one kind

    def _top(self, now: float) -> Group:
        boards = self.hosts.boards
        texts = [self.notice] * bool(self.notice)
        texts += [text for board in boards for text in alarms_of(board, now, len(boards) > 1)]
        texts += [
            _("{name} is held: {problem}", name=row.name, problem=row.problem)
            for row in self.campaign_rows.values()
            if row.problem
        ]
        texts = list(dict.fromkeys(texts))
        room = len(texts) if self.all_alarms or len(texts) <= ALARMS_SHOWN else ALARMS_SHOWN - 1
        lines: list[RenderableType] = [alarm(text, self.size.width) for text in texts[:room]]
        if room < len(texts):
            more = _n("{number:,} alarm more: press !", "{number:,} alarms more: press !", len(texts) - room)
            lines.append(alarm(more, self.size.width))
        overdue = sum(row.overdue for row in self.campaign_rows.values())
        lines += [overdue_line(overdue)] if overdue else []
        lines += [host_line(board) for board in boards[: 1 if len(boards) > 2 else 2]]
        if len(boards) > 2:
            more = _n("   and {number:,} host more: press 3", "   and {number:,} hosts more: press 3", len(boards) - 1)
            lines.append(Text(more, QUIET))
        return Group(*lines) if lines else Group(no_daemon_line())

    def _views(self, shown: int, matching: int, words: str) -> Text:
        resting = sum(floor_rows.rests(row) for row in self.campaign_rows.values())
        hidden = len(self.campaign_rows) - shown
        kinds = ""
        if hidden:
            kinds = _(" ({hidden} hidden, {resting} at rest)", hidden=hidden, resting=resting)
            if hidden == resting:
                kinds = _(" ({resting} at rest)", resting=resting)
        hosts = len(self.hosts.boards)
        parts = [
            ("campaigns", _n("1: {number:,} campaign", "1: {number:,} campaigns", shown) + kinds),
            ("agents", _n("2: {number:,} agent", "2: {number:,} agents", matching)),
            ("hosts", _n("3: {number:,} host", "3: {number:,} hosts", hosts)),
        ]
        text = Text(" ")
        for name, label in parts:
            text.append(f" {label} ", "bold reverse" if name == self.view else QUIET).append("  ")
        if self.view in self.sorted_by:
            text.append(_("by {column}", column=word(self.sorted_by[self.view])), QUIET)
        if words:
            text.append(_("   with “{words}”", words=words), WARN)
        return text

    def _draw_detail(self) -> None:
        detail, width = self.floor.query_one("#detail", Static), self.size.width
        row = self.campaign_rows.get(self._table("campaigns").selected) if self.view == "campaigns" else None
        line = self.agent_lines.get(self._table("agents").selected) if self.view == "agents" else None
        detail.display = (self.details or self.why) and (row is not None or line is not None)
        detail.styles.max_height = self._detail_room()
        if row is not None:
            detail.update(Text(f" {row.name}: {row.problem or row.sentence}") if self.why else card(row, width))
        elif line is not None:
            detail.update(about_agent(line))

    def _detail_room(self) -> int:
        """Lines that the details may take."""
        used = sum(self.floor.query_one(name).outer_size.height for name in ("#top", "#views", "#words", "Footer"))
        room = max(self.size.height - used, 2)
        table = self._table(self.view) if self.view in self.sorted_by else None
        needed = 1 if table is None else len(table.lines) + 1
        return max(round(DETAIL_SHARE * room), room - needed)

    def on_line_table_moved(self) -> None:
        """The cursor has moved."""
        self._draw_detail()

    def on_resize(self) -> None:
        """The terminal has another size."""
        self._draw_detail()

    # --- keys --------------------------------------------------------------------------------------------------------

    def action_view(self, name: str) -> None:
        self.floor.query_one(ContentSwitcher).current = name
        if name != "hosts":
            self._table(name).focus()
        self.draw()

    def action_sort(self) -> None:
        """By the next column."""
        if self.view not in self.sorted_by:
            return
        keys = [column.key for column in (CAMPAIGN_COLUMNS if self.view == "campaigns" else AGENT_COLUMNS)]
        self.sorted_by[self.view] = keys[(keys.index(self.sorted_by[self.view]) + 1) % len(keys)]
        self.draw()

    def action_filter(self) -> None:
        words = self.floor.query_one("#words", Input)
        words.add_class("asked")
        words.focus()

    def action_no_filter(self) -> None:
        self.floor.query_one("#words", Input).value = ""
        self._close_filter()

    def on_input_changed(self) -> None:
        """The words of the filter have changed."""
        self.draw()

    def on_input_submitted(self) -> None:
        """Enter keeps the words."""
        self._close_filter()

    def _close_filter(self) -> None:
        self.floor.query_one("#words", Input).remove_class("asked")
        if self.view != "hosts":
            self._table(self.view).focus()
        self.draw()

    def action_at_rest(self) -> None:
        self.at_rest = not self.at_rest
        self.draw()

    def action_detail(self) -> None:
        self.details, self.why = not self.details, False
        self.draw()

    def action_why(self) -> None:
        self.why = not self.why
        self.draw()

    def action_alarms(self) -> None:
        self.all_alarms = not self.all_alarms
        self.floor.query_one("#top").styles.max_height = "70%" if self.all_alarms else 7
        self.draw()

    def action_pause(self) -> None:
        if self.view == "campaigns" and (row := self.campaign_rows.get(self._table("campaigns").selected)):
            self._give(self.orders.pause_campaign(row))
        elif self.view == "agents" and (line := self.agent_lines.get(self._table("agents").selected)):
            self._give(self.orders.pause_agent(line))

    def action_log_out(self) -> None:
        if self.view == "agents" and (line := self.agent_lines.get(self._table("agents").selected)):
            self._give(self.orders.log_out_agent(line))

    def action_listen(self) -> None:
        if self.view == "agents" and (line := self.agent_lines.get(self._table("agents").selected)):
            self._give(self.orders.listen(line))

    def _give(self, order: Order | str) -> None:
        if isinstance(order, str):
            self.notify(order, severity="warning")
            return

        async def do(yes: bool | None) -> None:
            if not yes:
                return
            try:
                await asyncio.to_thread(order.do)
            except Exception as error:
                failure = failure_of(error, _("the server"))
                if failure is None:
                    raise
                self.notify("\n".join((str(failure), *failure.hints)), severity="error", timeout=15)
            else:
                self.notify(order.done)

        self.push_screen(Confirm(order.question), do)
