"""What the console makes of what no browser of ours sends, and of what CRMs call their leads."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote

import pytest
import trio
from starlette.requests import Request
from starlette.types import Message
from trio.testing import MockClock

from dialer.core.agents.agent import AgentState
from dialer.shell.watchdog import Notifier
from dialer.store.base.connection import Store
from dialer.store.leads import intake
from dialer.store.operators import agents
from dialer.store.operators.agents import Heard, Presence
from dialer.web import serve, users
from dialer.web.access import WebRole
from dialer.web.app import PAGES
from dialer.web.office import Office
from dialer.web.sessions import COOKIE
from dialer.web.visit import TooLarge, form_of
from tests.web.conftest import Browser, path_of
from tests.web.crowd import Crowd

SignedIn = Callable[[WebRole], Browser]

ODD = (
    "",
    "%00",
    "%ff%fe",
    "%ed%a0%80",  # half of a pair of UTF-16
    "%e2%80%ae%f0%9f%92%a9",  # writes backwards from here
    "%0d%0aset-cookie:%20a=b",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "-1",
    "1" + "0" * 30,
    "nan",
    "%d9%a3%c2%b2",  # digits, but not ours
    "{0.__class__}%25s'",
    "%3cscript%3ealert(1)%3c/script%3e",
    "0001-01-01",
    "9999-12-31",
    "a" * 3000,
)
KNOWN = {"campaign": "renewals", "agent": "1001", "attempt": "A1", "lead": "L1", "report": "daily", "day": "2026-01-01"}
ASKED = (
    *("since", "until", "agent", "campaign", "sample", "by", "what", "team", "period", "sort", "to", "done", "page"),
    *("seen", "next"),
)
MORE_THAN_BUFFERS_HOLD = 2000
"""Requests for some ten thousand bytes each."""

LIMIT_S = 20.0
SENT = ("who", "campaign", "to", "force", "what", "reason", "note", "mark-greeting")


@pytest.mark.usefixtures("crowd")
def test_no_path_and_no_query_makes_it_fail(signed_in: SignedIn) -> None:
    """Whatever stands there is refused in words, or shown as text."""
    browser = signed_in(WebRole.ADMINISTRATOR)
    for odd in ODD:
        query = "&".join(f"{field}={odd}" for field in ASKED)
        for page in (page for page in PAGES if page.method == "GET"):
            odd_path, odd_query = path_of(page, dict.fromkeys(KNOWN, odd)), f"{path_of(page, KNOWN)}?{query}"
            for path in (odd_path, odd_query):
                answer = browser.get(path)
                assert answer.status_code < 500, path
                assert "<script>" not in answer.text
                assert "a=b" not in answer.headers.get("set-cookie", "")
        assert browser.get(f"/live/nonesuch/{odd}").status_code == 404


@pytest.mark.usefixtures("crowd")
def test_no_form_makes_it_fail(signed_in: SignedIn) -> None:
    """Nor whatever is sent in one."""
    browser = signed_in(WebRole.ADMINISTRATOR)
    for odd in ODD:
        form = "&".join((f"csrf={browser.csrf}", *(f"{field}={odd}" for field in SENT)))
        for page in (page for page in PAGES if page.method == "POST"):
            for more in ("", "&what=pause&campaign=renewals"):
                path = path_of(page, KNOWN)
                answer = browser.ask("POST", path, content=form + more, headers={"sec-fetch-site": "same-origin"})
                assert answer.status_code < 500, (path, odd)
                assert "<script>" not in answer.text


@pytest.mark.parametrize("length", [b"9" * 5000, b"-1", b"1,2", b"", b"\xb2", b"0x10"])
def test_no_length_of_a_form_makes_it_fail(browser: Browser, length: bytes) -> None:
    """One that is no number, or has thousands of digits, is longer than any of ours."""
    for path in ("/sign-in", "/sign-out"):
        answer = browser.ask("POST", path, content=b"", headers={b"content-length": length})
        assert answer.status_code == 413


@pytest.mark.parametrize("lead_id", ["2026/001", "a/../b", "50 %?#&\"'<b>", "王/1"])
def test_a_lead_is_found_whatever_its_id(signed_in: SignedIn, crowd: Crowd, store: Store, lead_id: str) -> None:
    """The links to it lead to it."""
    intake.enqueue(store, "renewals", [{"lead_id": lead_id, "phone": "13800001234"}])
    intake.take_in(store, "renewals", "test:1", time.time(), 100)
    browser = signed_in(WebRole.MANAGER)
    path = f"/campaigns/renewals/leads/{quote(lead_id, safe='')}"

    assert f'href="{path}"' in browser.post("/people", who="13800001234").text
    assert browser.post("/people/why", who=lead_id, campaign="renewals").headers["location"] == path
    assert browser.get(path).status_code == 200


@pytest.mark.usefixtures("crowd")
def test_a_reason_is_one_that_daemons_take(signed_in: SignedIn, store: Store) -> None:
    """What cannot be seen in it is left out, or the daemon would leave the order undone."""
    agents.show(store, [Presence("1001", AgentState.TALKING, time.time(), "", ("renewals",), "dial-1:1")])
    browser = signed_in(WebRole.SUPERVISOR)
    for reason in ("  a\tlong\r\nmeet\x00ing ", "\x00"):
        browser.post("/agents/1001", what="pause", reason=reason)

    entries, _ = agents.read(store, "test", "0", 10, 0)
    assert [entry.event.reason for entry in entries if isinstance(entry, Heard)] == ["a long meeting", "supervisor"]


def test_who_has_an_account_cannot_try_others_at_will(browser: Browser, office: Office) -> None:
    """Signing in oneself makes none of the address's wrong tries forgotten."""
    office.sessions.clock = lambda: 0.0  # however slow the hashing is here
    for number in range(19):
        assert browser.sign_in(f"nobody-{number}", "wrong password").status_code == 403
    assert browser.sign_in("the-manager").status_code == 303
    assert browser.sign_in("nobody-19", "wrong password").status_code == 403
    assert browser.sign_in("nobody-20", "wrong password").status_code == 429


@pytest.mark.parametrize("password", ["$argon2id$nonsense", "$argon2id$v=19$m=8,t=1,p=1$!!!!$!!!!", "plain"])
def test_a_hash_that_is_none_fits_no_password(password: str) -> None:
    """Nor does it make signing in fail."""
    assert not users.is_password(users.User(WebRole.AUDITOR, password), "plain")


def test_a_form_comes_within_a_time() -> None:
    """Or whoever sends the beginning of many keeps the console's connections, without signing in."""

    async def slowly() -> Message:
        await trio.sleep(1.0)
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def send() -> None:
        with trio.fail_after(60.0), pytest.raises(TooLarge):
            await form_of(Request({"type": "http", "headers": []}, slowly))

    trio.run(send, clock=MockClock(autojump_threshold=0.0))


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(LIMIT_S):
        while True:
            if condition():
                return
            await trio.sleep(0.01)


@pytest.mark.usefixtures("crowd")
def test_who_takes_nothing_does_not_hold_up_the_end(
    office: Office, monkeypatch: pytest.MonkeyPatch, signed_in: SignedIn
) -> None:
    """A browser that asks and reads no more, as a laptop that was closed, is cut off; the console stops when told."""
    monkeypatch.setattr(serve, "SLOWEST_MS", 1500)
    monkeypatch.setattr(serve, "GRACE_S", 0.5)
    web = office.settings.web.model_copy(update={"port": 0})
    office = replace(office, settings=office.settings.model_copy(update={"web": web}))
    cookie = signed_in(WebRole.SUPERVISOR).cookies[COOKIE]
    request = f"GET /agents HTTP/1.1\r\nHost: console\r\nCookie: {COOKIE}={cookie}\r\n\r\n".encode()
    addresses: list[str] = []
    sending_since = [float("inf")]
    send_all = trio.SocketStream.send_all

    async def watched(stream: trio.SocketStream, data: bytes) -> None:
        sending_since[0] = trio.current_time()
        await send_all(stream, data)
        sending_since[0] = float("inf")

    monkeypatch.setattr(trio.SocketStream, "send_all", watched)

    async def ask_and_stop() -> None:
        with trio.fail_after(LIMIT_S), trio.socket.socket() as browser:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve.serve, office, Notifier(), addresses.append)
                await until(lambda: bool(addresses))
                browser.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_RCVBUF, 4096)
                await browser.connect(("127.0.0.1", int(addresses[0].rpartition(":")[2])))
                nursery.start_soon(ask, browser)
                await until(lambda: trio.current_time() - sending_since[0] > 0.2)
                os.kill(os.getpid(), signal.SIGTERM)

    async def ask(browser: trio.socket.SocketType) -> None:
        with suppress(OSError):  # it is cut off
            for _ in range(MORE_THAN_BUFFERS_HOLD):
                await browser.send(request)

    trio.run(ask_and_stop)
