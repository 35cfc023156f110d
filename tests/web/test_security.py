"""Who gets in at the console, for how long, and what they are kept from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from starlette.requests import HTTPConnection

from config.daemon import DaemonSettings
from config.web.settings import WebSettings
from dialer.core.inputs import CampaignState
from dialer.store.base.connection import Store, trip
from dialer.store.operators import campaigns, control
from dialer.web import users
from dialer.web.access import ALLOWED, May, WebRole
from dialer.web.app import PAGES, TOPICS
from dialer.web.office import Office, opened
from dialer.web.sessions import COOKIE
from dialer.web.throttle import Throttle
from tests.web.conftest import HASH, PASSWORD, Browser, catalogue, path_of
from tests.web.crowd import Crowd

SignedIn = Callable[[WebRole], Browser]
PLACES = {
    "campaign": "renewals",
    "agent": "1001",
    "attempt": "A1",
    "lead": "L1",
    "report": "daily",
    "day": "2026-01-01",
}


def test_nobody_sees_anything_before_signing_in(browser: Browser) -> None:
    """Every page asks to sign in and leads back; every order and every stream is refused."""
    for page in PAGES:
        answer = browser.ask(page.method, path_of(page, PLACES))
        if page.method == "GET":
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in")
        else:
            assert answer.status_code == 401
    for topic in TOPICS:
        assert browser.get(f"/live/{topic}").status_code == 401


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("role", list(WebRole))
def test_each_role_is_kept_to_its_own(signed_in: SignedIn, store: Store, role: WebRole) -> None:
    """What a role may not see or do is refused, whatever form comes with it, and changes nothing."""
    browser = signed_in(role)
    before = len(control.audit_trail(store, 100))
    links = browser.get("/wall").text
    for page in PAGES:
        assert (page.may in ALLOWED[role]) or f'href="{page.path}"' not in links
        if page.may not in ALLOWED[role]:
            path = path_of(page, PLACES)
            answer = browser.post(path, to="stopped", what="logout") if page.method == "POST" else browser.get(path)
            assert answer.status_code == 403, page

    assert len(control.audit_trail(store, 100)) == before
    assert campaigns.get(store, "renewals").state is CampaignState.RUNNING


def test_the_wall_is_all_that_a_wall_sees(signed_in: SignedIn) -> None:
    """Its first page is the wall."""
    assert signed_in(WebRole.WALL).get("/").headers["location"] == "/wall"


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize(
    ("site", "csrf"), [("cross-site", None), ("same-site", None), ("same-origin", "forged"), ("same-origin", "")]
)
def test_a_form_from_elsewhere_is_refused(signed_in: SignedIn, store: Store, site: str, csrf: str | None) -> None:
    """An order needs the token of the session, and the browser's word that the form is ours."""
    browser = signed_in(WebRole.MANAGER)
    if csrf is not None:
        browser.csrf = csrf

    assert browser.post("/campaigns/renewals/state", site=site, to="stopped").status_code == 403
    assert campaigns.get(store, "renewals").state is CampaignState.RUNNING


@pytest.mark.usefixtures("crowd")
def test_an_old_browser_is_asked_for_the_origin(signed_in: SignedIn, store: Store) -> None:
    """One that does not say where a form is from says the origin, or is refused."""
    browser = signed_in(WebRole.MANAGER)
    form = {"csrf": browser.csrf, "to": "paused"}

    for origin in ("https://elsewhere", "null", ""):
        assert (
            browser.ask("POST", "/campaigns/renewals/state", data=form, headers={"origin": origin}).status_code == 403
        )
    answer = browser.ask("POST", "/campaigns/renewals/state", data=form, headers={"origin": "https://console"})

    assert answer.status_code == 303
    assert campaigns.get(store, "renewals").state is CampaignState.PAUSED


def test_signing_in_needs_the_form_of_this_browser(browser: Browser, office: Office) -> None:
    """Nobody is signed in by somebody else's page, or with another browser's form."""
    browser.get("/sign-in")
    other = Browser(office)
    other.get("/sign-in")

    form = {"name": "the-manager", "password": PASSWORD}
    assert browser.post("/sign-in", site="cross-site", **form).status_code == 403
    browser.csrf = other.csrf
    assert browser.post("/sign-in", **form).status_code == 403
    assert COOKIE not in browser.cookies


def test_the_cookie_is_for_this_host_and_out_of_scripts_sight(browser: Browser) -> None:
    """And the session's token is not what the server keeps."""
    answer = browser.sign_in("the-manager")

    (cookie,) = (each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{COOKIE}="))
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize("way", ["signed out", "idle", "too old", "another password", "another role", "removed"])
def test_a_session_ends(signed_in: SignedIn, office: Office, store: Store, way: str) -> None:
    """By its owner, by time, and with whoever it belongs to."""
    browser = signed_in(WebRole.MANAGER)
    assert browser.get("/campaigns").status_code == 200
    path = Path(office.settings.web.users_file)
    known = users.read(path)
    sessions = office.sessions
    match way:
        case "signed out":
            assert browser.post("/sign-out").status_code == 303
        case "idle":
            (key,) = trip(store, [("KEYS", "*web:session:*")])[0]
            trip(store, [("PEXPIRE", key, 1)])
            sessions._seen.clear()
            time.sleep(0.01)
        case "too old":
            ((token, (at, session)),) = sessions._seen.items()
            sessions._seen[token] = (at, replace(session, ends_at=time.time() - 1))
        case "another password":
            users.write(path, known | {"the-manager": users.User(WebRole.MANAGER, users.hashed("something else"))})
        case "another role":
            users.write(path, known | {"the-manager": users.User(WebRole.AUDITOR, HASH)})
        case "removed":
            del known["the-manager"]
            users.write(path, known)

    assert browser.get("/campaigns").status_code == 303


def test_a_token_is_worth_nothing_after_signing_out(signed_in: SignedIn) -> None:
    """Also to whoever has copied the cookie."""
    browser = signed_in(WebRole.MANAGER)
    copied = dict(browser.cookies)
    browser.post("/sign-out")
    browser.cookies = httpx.Cookies(copied)

    assert browser.get("/campaigns").status_code == 303


def test_passwords_cannot_be_tried_at_will(browser: Browser, office: Office) -> None:
    """Five tries at a name, then one a minute; the right password does not help before. Others are not held up."""
    for _ in range(5):
        assert browser.sign_in("the-manager", "wrong password").status_code == 403
    refused = browser.sign_in("the-manager")

    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert Browser(office).sign_in("the-supervisor").status_code == 303


def test_a_throttle_lets_a_burst_through_and_then_one_at_a_time() -> None:
    """What it remembers is bounded, and forgiven where a try was right."""
    throttle = Throttle(2, 10.0)
    throttle.count("a", 0.0)
    assert throttle.wait_s("a", 0.0) == 0.0
    throttle.count("a", 0.0)
    assert throttle.wait_s("a", 0.0) == 10.0
    assert throttle.wait_s("a", 10.0) == 0.0
    assert throttle.wait_s("b", 0.0) == 0.0
    throttle.forgive("a")
    assert throttle.wait_s("a", 0.0) == 0.0


@pytest.mark.parametrize(
    "onward", ["//evil.example/", "/\\evil.example", "https://evil.example", "/x\r\nset-cookie: a=b"]
)
def test_signing_in_leads_nowhere_else(browser: Browser, onward: str) -> None:
    """Neither to another site nor into the headers."""
    answer = browser.sign_in("the-manager", onward=onward)

    assert answer.headers["location"] == "/"
    assert "a=b" not in str(answer.headers)


@pytest.mark.usefixtures("crowd")
def test_no_name_gets_into_the_headers(signed_in: SignedIn) -> None:
    """What stands in a path is quoted where it comes back."""
    browser = signed_in(WebRole.ADMINISTRATOR)
    name = "1001%0d%0aset-cookie:%20a=b"

    for answer in (browser.post(f"/agents/{name}", what="pause"), browser.get("/reports/daily?period=x%0d%0ay:z")):
        assert answer.status_code in (303, 404, 409)
        assert "a=b" not in answer.headers.get("set-cookie", "")


def test_every_answer_is_locked_up(browser: Browser) -> None:
    """No script and no style but ours, no frame, nothing kept in caches."""
    answer = browser.get("/sign-in")

    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert "<script>" not in answer.text
    assert "style=" not in answer.text


def test_what_people_are_called_stays_text(signed_in: SignedIn, crowd: Crowd) -> None:
    """A name with markup in it is shown as it is written."""
    crowd.rows[0] = replace(crowd.rows[0], name="<script>alert(1)</script>", reason='"><img src=x>')
    crowd.publish(time.time())
    browser = signed_in(WebRole.SUPERVISOR)

    for path in ("/agents", "/agents/1001"):
        text = browser.get(path).text
        assert "&lt;script&gt;alert(1)" in text
        assert "<img" not in text


def test_a_form_has_a_length(signed_in: SignedIn) -> None:
    """Longer ones are refused before they are read to their end."""
    assert signed_in(WebRole.MANAGER).post("/people", who="x" * 100_000).status_code == 413


def proxied(store: Store, settings: DaemonSettings, networks: tuple[str, ...]) -> Browser:
    web = WebSettings(users_file=settings.web.users_file, proxy_networks=networks, proxy_user_header="X-Remote-User")
    return Browser(opened(store, settings.model_copy(update={"web": web}), catalogue))


def test_a_proxy_can_vouch(store: Store, settings: DaemonSettings) -> None:
    """Its word counts from its networks alone, and only for those who have a role here."""
    browser = proxied(store, settings, ("127.0.0.0/8",))
    assert browser.get("/campaigns").status_code == 303
    for name, status in (("the-auditor", 200), ("nobody", 303)):
        browser.headers["x-remote-user"] = name
        assert browser.get("/campaigns").status_code == status

    stranger = proxied(store, settings, ("10.0.0.0/8",))
    stranger.headers["x-remote-user"] = "the-administrator"
    assert stranger.get("/campaigns").status_code == 303


@pytest.mark.parametrize("forged", [(), ("6.6.6.6",), ("6.6.6.6, 7.7.7.7",), ("6.6.6.6", "7.7.7.7")])
def test_a_proxy_says_last_where_somebody_is(settings: DaemonSettings, store: Store, forged: tuple[str, ...]) -> None:
    """What a browser has put before that does not count; some proxies add to its line, others add one."""
    web = WebSettings(users_file=settings.web.users_file, proxy_networks=("127.0.0.0/8",))
    office = opened(store, settings.model_copy(update={"web": web}), catalogue)
    for lines in ((*forged, "10.0.0.9"), (", ".join((*forged, "10.0.0.9")),)):
        headers = [(b"x-forwarded-for", line.encode()) for line in lines]
        asking = HTTPConnection({"type": "http", "headers": headers, "client": ("127.0.0.1", 5)})
        assert office.sessions.address(asking) == "10.0.0.9"
        stranger = HTTPConnection({"type": "http", "headers": headers, "client": ("8.8.8.8", 5)})
        assert office.sessions.address(stranger) == "8.8.8.8"


def test_a_file_of_users_is_its_owners(tmp_path: Path) -> None:
    """It is replaced as a whole, and passwords have a length."""
    path = tmp_path / "deep" / "users.json"
    users.write(path, {"anna": users.User(WebRole.AUDITOR, HASH)})

    assert path.stat().st_mode & 0o777 == 0o600
    assert users.is_password(users.read(path)["anna"], PASSWORD)
    assert not users.is_password(users.User(WebRole.AUDITOR), "")
    assert PASSWORD not in path.read_text()
    with pytest.raises(ValueError, match="characters"):
        users.hashed("short")


def test_may_is_complete() -> None:
    """The administrator may everything, and every page needs something that somebody may."""
    assert ALLOWED[WebRole.ADMINISTRATOR] == frozenset(May)
    assert {page.may for page in PAGES} == set(May)
