"""What the main commands say to a reader of Chinese: no English but names, commands and settings."""

from __future__ import annotations

import re
import time

import pytest

from dialer.core.board import AgentRow, WindowRow, published
from dialer.language.decisions import sentence
from dialer.language.phrases import phrase
from dialer.store.base.connection import Store
from dialer.store.operators import campaigns, status
from pacing.api import Brake, Decision, Reason, Rule
from tests.cli.conftest import Dialer, board, campaign_row, data
from tests.cli.test_funnel import fill

FIGURES = {
    "ready": 2, "talking": 8, "wrapup": 2, "paused": 1, "ringing": 14, "waiting": 1, "frees": 2.3, "horizon_s": 9,
    "answer_probability": 0.24, "risk": 0.021, "tolerated_risk": 0.03, "cap": 0.03, "answered": 967, "abandoned": 12,
}  # fmt: skip

NAMES = frozenset(re.findall(r"\S+", """
Asia CRM CSV ISO JSON Redis Retry-After SIP Shanghai TOML UTC ann attempts audit cn-default crm
dial-1 dialer floor here lists north out outcomes policies ratio recordings red redis scores spring stream
summer test tester
"""))  # fmt: skip
"""Names of the test's own, and words that are the same in Chinese."""

UNREAD = re.compile(r"dialer( [a-z-]+)+( --?[a-z-]+)*( [a-zA-Z0-9._=-]+)*|--[a-z-]+|'[^']*'|/\S+")
"""Commands, options, what stands in quotes, paths."""


def english_in(text: str) -> list[str]:
    """Words of English: no commands, no settings (they have dots or underscores), no names, nothing with a digit."""
    bare = UNREAD.sub(" ", text)
    words = re.findall(r"[A-Za-z][A-Za-z0-9._/'-]*", bare)
    return [each for each in words if len(each) > 2 and each not in NAMES and not re.search(r"[._/]\w|\d", each)]


@pytest.fixture
def floor(store: Store, spring: str) -> None:
    """A campaign with leads in every place, and a daemon that has much to say."""
    fill(store, spring)
    campaigns.create(
        store, campaigns.get(store, spring).settings.model_copy(update={"name": "summer"}), who="test", now=1.0
    )
    windows = (
        WindowRow("day", phrase("today"), 0.03, 967, 12),
        WindowRow("hour", phrase("{days} days to {day}", days=30, day=phrase("Dec")), 0.03, 4000, 50, 12),
    )
    decision = Decision(3, Reason(Rule.PREDICTIVE, Brake.RISK, FIGURES), 0.021)
    row = campaign_row(
        sentence=sentence(decision), decision=decision, overdue=2, windows=windows, next=phrase("nothing due")
    )
    held = campaign_row("summer", problem=phrase("no trunk is configured"))
    gone = phrase("{why}; it is rung again", why=phrase("phone was hung up"))
    agents = tuple(
        AgentRow(f"a{place}", "red", state, time.time() - 5, gone, "spring")
        for place, state in enumerate(("ready", "paused", "talking", "wrapup", "ringing", "preview", "dialling"))
    )
    alarm = phrase("trunk {name} rests: {why}", name="north", why=phrase("it asked for a pause (Retry-After)"))
    now = time.time()
    said = board(at=now, campaigns=(row, held), agents=agents, problems=(alarm,), worker_restarts=1, spooled=3)
    status.publish(store, "dial-1", published(said), now=now, ttl=120.0)


COMMANDS = """status
watch --count 1
campaign list
campaign list --archived
campaign funnel spring
campaign preflight spring
campaign pause spring
campaign start nowhere
campaign delete spring --yes
why 13800000000 --campaign spring
why 13900000001 --campaign spring
pace explain spring
leads list spring
leads show spring L0
leads show spring nobody
leads reopen spring --all --dry-run
leads release spring --all --yes
lists list spring
lists show spring no-list
customer 13800000000
callbacks list
callerid list
trunk list
agents
call list
block list
block add 13800000002 --reason 1
block check 13800000002
audit
crm readers
recordings list
report daily
archive status
store status""".splitlines()


@pytest.mark.usefixtures("floor")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_speaks_chinese(dialer: Dialer, command: str, tmp_path: object) -> None:
    """Whatever it finds."""
    where = ("--set", f"archive.folder={tmp_path}/archive", "--set", f"recordings.folder={tmp_path}/recordings")
    said = dialer("--lang", "zh", *where, *command.split())

    assert said.exception is None or isinstance(said.exception, SystemExit), said.exception
    assert re.search("[\u4e00-\u9fff]", said.output), said.output
    assert english_in(said.output) == [], said.output


@pytest.mark.usefixtures("floor")
def test_json_is_the_same_in_every_language(dialer: Dialer) -> None:
    """For programs."""
    chinese, english = (data(dialer("--lang", lang, "campaign", "show", "spring", "--json")) for lang in ("zh", "en"))

    assert chinese["counts"].keys() == english["counts"].keys()
    assert not re.search("[\u4e00-\u9fff]", dialer("--lang", "zh", "status", "--json").output)
