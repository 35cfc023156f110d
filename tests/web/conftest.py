"""A console in the process of the tests, on a real server, and somebody who uses it as a browser would."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import argon2
import httpx
import pytest
import trio

from config.archive import ArchiveSettings
from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.policies import Catalogue, read_catalogue
from config.recordings.settings import RecordingsSettings
from config.web.settings import WebSettings
from dialer.core.inputs import CampaignState
from dialer.store.base.connection import Store
from dialer.store.leads import intake
from dialer.store.operators import campaigns
from dialer.web import users
from dialer.web.access import WebRole
from dialer.web.app import application
from dialer.web.office import Office, opened
from dialer.web.visit import Page
from pacing.api import Mode
from tests.web.crowd import CAMPAIGNS, Crowd

PASSWORD = "correct horse battery"
HASH = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)  # quick, for tests
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


def catalogue() -> Catalogue:
    """The shipped policies."""
    return read_catalogue(Path("/nonexistent"))


def path_of(page: Page, places: Mapping[str, str]) -> str:
    """Where a page is, with everything that its path names."""
    return page.path.replace(":path", "").format(**places)


@dataclass
class Browser:
    """Somebody at a browser, with its cookies. It tells the console where a form comes from, as browsers do."""

    office: Office
    cookies: httpx.Cookies = field(default_factory=httpx.Cookies)
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return trio.run(partial(self._ask, method, path, **more))

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        await self.office.feed.read()
        transport = httpx.ASGITransport(application(self.office), client=("127.0.0.1", 5))
        async with httpx.AsyncClient(
            transport=transport, base_url="https://console", cookies=self.cookies, headers=self.headers
        ) as client:
            answer = await client.request(method, path, **more)
        self.cookies = client.cookies
        if found := CSRF.search(answer.text):
            self.csrf = found[1]
        return answer

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, site: str = "same-origin", **form: str) -> httpx.Response:
        return self.ask("POST", path, data={"csrf": self.csrf, **form}, headers={"sec-fetch-site": site})

    def sign_in(self, name: str, password: str = PASSWORD, onward: str = "/") -> httpx.Response:
        self.get("/sign-in")
        return self.post("/sign-in", name=name, password=password, onward=onward)


@pytest.fixture
def settings(tmp_path: Path) -> DaemonSettings:
    users.write(tmp_path / "users.json", {f"the-{role}": users.User(role, HASH) for role in WebRole})
    return DaemonSettings(
        web=WebSettings(users_file=str(tmp_path / "users.json")),
        archive=ArchiveSettings(folder=str(tmp_path / "archive")),
        recordings=RecordingsSettings(folder=str(tmp_path / "recordings")),
    )


@pytest.fixture
def office(store: Store, settings: DaemonSettings) -> Office:
    return opened(store, settings, catalogue)


@pytest.fixture
def browser(office: Office) -> Browser:
    return Browser(office)


@pytest.fixture
def signed_in(office: Office) -> Callable[[WebRole], Browser]:
    """Somebody in a role."""

    def sign_in(role: WebRole) -> Browser:
        browser = Browser(office)
        assert browser.sign_in(f"the-{role}").status_code == 303
        browser.get("/")
        return browser

    return sign_in


@pytest.fixture
def crowd(store: Store) -> Crowd:
    """A floor of thirty agents, and its campaigns with some leads."""
    now = time.time()
    for name in CAMPAIGNS:
        settings = CampaignSettings(name=name, mode=Mode.PROGRESSIVE, caller_id="+862155550100")
        campaigns.create(store, settings, who="test", now=now)
        campaigns.set_state(store, name, CampaignState.RUNNING, who="test", now=now)
        leads = [{"lead_id": f"L{i}", "phone": f"1380000{i:04}", "customer_id": f"C{i}"} for i in range(9)]
        intake.enqueue(store, name, leads)
        intake.take_in(store, name, "test:1", now, 100)
    crowd = Crowd(store, 30)
    crowd.begin(now)
    crowd.publish(now)
    return crowd
