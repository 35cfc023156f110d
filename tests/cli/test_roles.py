"""Each role's users at real servers, Valkey and Redis: its day's work is done, and what is not its is refused."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result
from pydantic import SecretStr

from compliance.blocks import of_number
from config.campaign import CampaignSettings
from config.redis import RedisSettings
from dialer.archive.standing import open_writer
from dialer.archive.writer import Ages
from dialer.cli import main
from dialer.cli.base.failures import CliExit
from dialer.core.model import Settlement
from dialer.disk.recordings import index
from dialer.disk.recordings.encoder import done
from dialer.disk.recordings.orders import Order
from dialer.store.base.connection import Store, trip
from dialer.store.base.errors import NotAllowed
from dialer.store.base.keys import Keys, Place
from dialer.store.crm import inbox, readers
from dialer.store.operators import agents, campaigns, control
from dialer.store.operators.roles import GROUPS, Role
from dialer.store.privacy import blocklist
from dialer.store.privacy.opt_outs import OptedOut
from dialer.store.privacy.opt_outs import block as opt_out
from dialer.store.settlement.outbox import CrmEvent, publish
from pacing.api import Mode
from tests.cli.conftest import data
from tests.disk.recordings.made_talks import write_talk
from tests.sip.tones import tone
from tests.store.conftest import NOW, OWNER, Floor, end, number
from tests.store.server_rig import PROGRAMS, closing, server, until
from tests.store.test_keys import live_a_whole_life
from tests.store.test_servers import opened

CRM_USERS = {"crm-north": "spring", "crm-south": "autumn"}
OWN = {"east": "harvest", "west": "lantern"}
"""CRMs with streams of their own, and the campaign of each."""


@dataclass
class Site:
    """A server with all users, and their passwords. `store` is the daemon's."""

    address: str
    passwords: Path
    store: Store
    folder: Path

    def settings(self, user: str) -> RedisSettings:
        password = (self.passwords / f"{user}.password").read_text().strip()
        return RedisSettings(url=f"redis://{self.address}/0", user=user, password=SecretStr(password))

    def client(self, user: str) -> redis.Redis:
        """A program of this user's own."""
        password = self.settings(user).password.get_secret_value()
        host, port = self.address.split(":")
        return redis.Redis(host=host, port=int(port), username=user, password=password)

    def run(self, user: str, *arguments: str) -> Result:
        """A command of the command line, as this user."""
        file = self.passwords / f"{user}.password"
        given = ("--redis", f"redis://{self.address}/0", "--set", f"redis.user={user}")
        return CliRunner().invoke(
            main,
            [*given, "--set", f"redis.password_file={file}", "--who", "at the desk", *arguments],
            prog_name="dialer",
        )


def users(folder: Path) -> str:
    """The lines of an ACL file with a user for each role, and two CRMs."""
    runner, passwords = CliRunner(), ("--passwords", str(folder / "passwords"))
    lines = runner.invoke(main, ["redis-acl", *passwords]).stdout
    for user, campaign in CRM_USERS.items():
        lines += runner.invoke(main, ["redis-acl", "crm", "--user", user, "--campaign", campaign, *passwords]).stdout
    for crm, campaign in OWN.items():
        given = ("crm", "--crm", crm, "--campaign", campaign)
        lines += runner.invoke(main, ["redis-acl", *given, *passwords]).stdout
        lines += runner.invoke(main, ["redis-acl", "desktop", "--crm", crm, *passwords]).stdout
    return lines


@pytest.fixture(scope="module", params=PROGRAMS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two campaigns with leads, one of them called and ended; someone has opted out."""
    folder = tmp_path_factory.mktemp("roles")
    file = folder / "users.acl"
    file.write_text(users(folder))
    node = server(request.param, folder / "server", "--aclfile", str(file))
    with closing([node.start()]):
        until(lambda: _is_up(node.client), "the server has read its users")
        place = Site(node.address, folder / "passwords", None, folder)  # type: ignore[arg-type]
        with opened(place.settings("dialer")) as store:
            place.store = store
            build: Callable[..., Settlement] = inspect.unwrap(end)()
            settings = CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+861065550000")
            for one in (settings, settings.model_copy(update={"name": "autumn"})):
                campaigns.create(store, one, who="test", now=NOW)
            live_a_whole_life(Floor(store, settings), build)
            autumn = Floor(store, settings.model_copy(update={"name": "autumn"}))
            autumn.add(*({"lead_id": f"L{i}", "phone": number(200 + i).clear} for i in range(5)))
            autumn.take_in()
            opt_out(store, [OptedOut("spring", "A0", number(77), "9", NOW)])
            for crm, name in OWN.items():
                campaigns.create(store, settings.model_copy(update={"name": name, "crm": crm}), who="test", now=NOW)
                publish(store, [CrmEvent("disposition", f"E-{crm}", name, NOW, {"lead_id": "L1"})])
                publish(store, [CrmEvent("connected", f"E-{crm}", name, NOW, {"lead_id": "L1"})])
            yield place


def _is_up(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.exceptions.AuthenticationError:  # the default user is off
        return True


def all_keys() -> list[str]:
    """Every key of the product, with names in place of what stands for names."""
    keys, given = Keys(""), {"shard": 3, "where": Place(3, 17), "hour": 5, "day": "2026-03-03"}
    found = []
    for name, function in inspect.getmembers(Keys, callable):
        if not name.startswith("_"):
            wanted = list(inspect.signature(function).parameters)[1:]
            found.append(str(getattr(keys, name)(*(given.get(one, "x1") for one in wanted))))
    return found


def matches(pattern: str, key: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), key) is not None


def test_every_key_is_in_a_group() -> None:
    """A new key is not granted to anybody by accident, nor forgotten: it stands in exactly one group of the table."""
    for key in all_keys():
        named = [name for name, patterns in GROUPS.items() if any(matches(pattern, key) for pattern in patterns)]
        assert len(named) == 1, f"{key}: {named or 'in no group of dialer.store.operators.roles'}"


def test_the_daemon_does_its_whole_work(site: Site) -> None:
    """A lead's life was lived by its user; it may not do what no daemon needs."""
    client = site.client("dialer")
    for command in (["FLUSHALL"], ["KEYS", "*"], ["CONFIG", "SET", "maxmemory", "1"], ["ACL", "LIST"], ["SHUTDOWN"]):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.get("another:key")


DAY_S_WORK = {
    "administrator": [
        ("status",),
        ("campaign", "create", "winter", "--set", "mode=progressive", "--set", "caller_id=+861065550001"),
        ("campaign", "show", "spring"),
        ("leads", "list", "autumn"),
        ("block", "add", "13800000078"),
        ("block", "add", "--prefix", "8699"),
        ("block", "remove", "13800000078"),
        ("block", "list"),
        ("erase", "13800000002", "--reason", "asked", "--yes"),
        ("audit", "--limit", "5"),
        ("callerid", "list"),
    ],
    "manager": [
        ("status",),
        ("campaign", "list"),
        ("campaign", "create", "summer", "--set", "mode=progressive", "--set", "caller_id=+861065550001"),
        ("campaign", "set", "summer", "wrapup_limit_s=20"),
        ("campaign", "start", "autumn"),
        ("campaign", "pause", "autumn"),
        ("campaign", "funnel", "spring"),
        ("campaign", "preflight", "autumn"),
        ("leads", "import", "autumn", "leads.csv", "--no-wait"),
        ("leads", "list", "autumn"),
        ("leads", "priority", "9", "autumn", "L0", "--yes"),
        ("leads", "cancel", "autumn", "L0", "--because", "bought it", "--yes"),
        ("leads", "reopen", "autumn", "L0", "--yes"),
        ("leads", "move", "autumn", "L0", "--to", "summer", "--yes"),
        ("leads", "delete", "summer", "L0", "--yes"),
        ("why", "L1", "--campaign", "autumn"),
        ("block", "check", "13800000077"),
        ("block", "add", "13800000079", "--reason", "asked"),
        ("callerid", "list"),
        ("callerid", "rest", "+861065550000", "--for", "1h", "--reason", "spam label"),
        ("callerid", "wake", "+861065550000"),
    ],
    "supervisor": [
        ("status",),
        ("agents",),
        ("campaign", "list"),
        ("campaign", "show", "spring"),
        ("pace", "explain", "spring"),
        ("callerid", "list"),
    ],
    "auditor": [("audit",), ("campaign", "list", "--json")],
    "console": [
        ("status",),
        ("campaign", "start", "autumn"),
        ("campaign", "pause", "autumn"),
        ("campaign", "funnel", "spring"),
        ("pace", "explain", "spring"),
        ("why", "L1", "--campaign", "autumn"),
        ("customer", "13800000001"),
        ("recordings", "scores"),
        ("audit",),
    ],
}


@pytest.mark.parametrize(("user", "arguments"), [(user, one) for user, work in DAY_S_WORK.items() for one in work])
def test_a_role_does_its_day_s_work(site: Site, user: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Each command of it, with the rights of that role alone."""
    (tmp_path / "leads.csv").write_text("phone\n13800009001\n")
    result = site.run(user, *arguments)

    assert "may not do that" not in result.stderr, result.stderr
    assert result.exit_code in (0, CliExit.NO_DAEMON), result.output


REFUSED = [
    ("manager", ("block", "remove", "13800000077")),
    ("manager", ("block", "export", "list.csv")),
    ("manager", ("block", "list")),
    ("manager", ("audit",)),
    ("manager", ("erase", "13800000003", "--reason", "asked", "--yes")),
    ("supervisor", ("leads", "import", "autumn", "leads.csv", "--no-wait")),
    ("supervisor", ("leads", "list", "autumn")),
    ("supervisor", ("leads", "export", "autumn", "--all", "--to", "leads-out.csv")),
    ("supervisor", ("block", "export", "list.csv")),
    ("supervisor", ("block", "remove", "13800000077")),
    ("supervisor", ("campaign", "set", "spring", "wrapup_limit_s=20")),
    ("supervisor", ("audit",)),
    ("auditor", ("leads", "list", "autumn")),
    ("auditor", ("block", "list")),
    ("auditor", ("campaign", "start", "autumn")),
    ("auditor", ("block", "add", "13800000080")),
]


@pytest.mark.parametrize(("user", "arguments"), REFUSED)
def test_what_is_not_its_work_is_refused(site: Site, user: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """By the server; the command says so, and has changed nothing."""
    (tmp_path / "leads.csv").write_text("phone\n13800009002\n")
    before = blocklist.check(site.store, of_number(number(77)), now=NOW)
    result = site.run(user, *arguments)

    assert result.exit_code == CliExit.REFUSED, result.output
    assert "may not do that" in result.stderr
    assert blocklist.check(site.store, of_number(number(77)), now=NOW) == before != ()
    assert not (tmp_path / "list.csv").exists()


# What programs of these users try by hand: user, commands that work, commands that are refused.
BY_HAND: list[tuple[str, list[list[Any]], list[list[Any]]]] = [
    (
        "crm-east",
        [
            ["XADD", "dialer:{harvest}:leads", "*", "json", "{}"],
            ["XRANGE", "dialer:{harvest}:rejected", "-", "+"],
            ["XGROUP", "CREATE", "dialer:crm:out:east", "billing", "0", "MKSTREAM"],
            ["XREADGROUP", "GROUP", "billing", "a", "COUNT", "5", "STREAMS", "dialer:crm:out:east", ">"],
            ["XREAD", "STREAMS", "dialer:crm:live:east", "0"],
            ["XADD", "dialer:crm:in:east", "*", "json", "{}"],
        ],
        [
            ["XRANGE", "dialer:crm:out", "-", "+"],
            ["XRANGE", "dialer:crm:live", "-", "+"],
            ["XRANGE", "dialer:crm:out:west", "-", "+"],
            ["XREAD", "STREAMS", "dialer:crm:live:west", "0"],
            ["XREAD", "STREAMS", "dialer:crm:out:east", "dialer:crm:out:west", "0", "0"],
            ["XREADGROUP", "GROUP", "billing", "a", "STREAMS", "dialer:crm:out:west", ">"],
            ["XGROUP", "CREATE", "dialer:crm:out:west", "billing", "0", "MKSTREAM"],
            ["XINFO", "STREAM", "dialer:crm:out:west"],
            ["XLEN", "dialer:crm:out:west"],
            ["XADD", "dialer:crm:in", "*", "json", "{}"],
            ["XADD", "dialer:crm:in:west", "*", "json", "{}"],
            ["XADD", "dialer:{lantern}:leads", "*", "json", "{}"],
            ["XLEN", "dialer:{lantern}:leads"],
            ["XRANGE", "dialer:{lantern}:rejected", "-", "+"],
            ["XRANGE", "dialer:crm:in:east", "-", "+"],
            ["XTRIM", "dialer:crm:out:east", "MAXLEN", "0"],
            ["HGETALL", "dialer:crm:campaigns"],
            ["HSET", "dialer:crm:campaigns", "lantern", "east"],
            ["HGETALL", "dialer:{harvest}:lead"],
            ["COPY", "dialer:crm:out:west", "dialer:crm:out:east"],
            ["RENAME", "dialer:crm:out:west", "dialer:crm:out:east"],
        ],
    ),
    (
        "console",
        [
            ["SET", "dialer:web:session:{x1}", "y", "PX", "9000"],
            ["GET", "dialer:web:session:{x1}"],
            ["PEXPIRE", "dialer:web:session:{x1}", "9000"],
            ["DEL", "dialer:web:session:{x1}"],
            ["XADD", "dialer:recordings:scores", "*", "score", "x"],
        ],
        [
            ["KEYS", "dialer:web:session:*"],
            ["HDEL", "dialer:{c3}:blocked", "8613800000077"],
            ["XADD", "dialer:recordings:handed", "*", "x", "y"],
            ["XTRIM", "dialer:audit", "MAXLEN", "0"],
            ["DEL", "dialer:{spring}:lead"],
        ],
    ),
    (
        "desktop-west",
        [
            ["XREAD", "STREAMS", "dialer:crm:live:west", "0"],
            ["XADD", "dialer:crm:in:west", "*", "json", "{}"],
            ["XADD", "dialer:agents:in", "*", "json", "{}"],
        ],
        [
            ["XREAD", "STREAMS", "dialer:crm:live", "0"],
            ["XREAD", "STREAMS", "dialer:crm:live:east", "0"],
            ["XADD", "dialer:crm:in", "*", "json", "{}"],
            ["XADD", "dialer:crm:in:east", "*", "json", "{}"],
            ["XRANGE", "dialer:crm:out:west", "-", "+"],
        ],
    ),
    (
        "crm-north",
        [
            ["XADD", "dialer:{spring}:leads", "*", "json", "{}"],
            ["XRANGE", "dialer:{spring}:rejected", "-", "+"],
            ["XGROUP", "CREATE", "dialer:crm:out", "north", "0", "MKSTREAM"],
            ["XREADGROUP", "GROUP", "north", "a", "COUNT", "5", "STREAMS", "dialer:crm:out", ">"],
            ["XACK", "dialer:crm:out", "north", "0-1"],
            ["XADD", "dialer:crm:in", "*", "json", "{}"],
        ],
        [
            ["XADD", "dialer:{autumn}:leads", "*", "json", "{}"],
            ["XRANGE", "dialer:{autumn}:rejected", "-", "+"],
            ["XRANGE", "dialer:{spring}:leads", "-", "+"],
            ["XRANGE", "dialer:crm:in", "-", "+"],
            ["XDEL", "dialer:crm:out", "0-1"],
            ["XTRIM", "dialer:crm:out", "MAXLEN", "0"],
            ["XGROUP", "DESTROY", "dialer:crm:out", "north"],
            ["HGETALL", "dialer:{spring}:lead"],
            ["HGETALL", "dialer:{c3}:blocked"],
            ["HDEL", "dialer:{c3}:blocked", "8613800000077"],
            ["HSET", "dialer:{spring}:campaign", "state", "running"],
            ["XADD", "dialer:agents:in", "*", "json", "{}"],
            ["XADD", "dialer:control", "*", "json", "{}"],
            ["XADD", "dialer:audit", "*", "who", "x"],
            ["EVAL", "return 1", "0"],
        ],
    ),
    (
        "desktop",
        [
            ["XADD", "dialer:agents:in", "*", "json", "{}"],
            ["XADD", "dialer:crm:in", "*", "json", "{}"],
            ["XREAD", "STREAMS", "dialer:crm:live", "0"],
        ],
        [
            ["XRANGE", "dialer:crm:in", "-", "+"],
            ["XRANGE", "dialer:agents:in", "-", "+"],
            ["XADD", "dialer:{spring}:leads", "*", "json", "{}"],
            ["HGETALL", "dialer:{spring}:lead"],
            ["XADD", "dialer:control", "*", "json", "{}"],
        ],
    ),
    (
        "supervisor",
        [["XADD", "dialer:control", "*", "json", "{}"], ["HLEN", "dialer:{spring}:lead"]],
        [
            ["HGETALL", "dialer:{spring}:lead"],
            ["HSCAN", "dialer:{spring}:numbers", "0"],
            ["HGET", "dialer:{c3}:blocked", "x"],
            ["XADD", "dialer:crm:in", "*", "json", "{}"],
            ["EVAL", "return redis.call('HGETALL', KEYS[1])", "1", "dialer:{spring}:lead"],
        ],
    ),
    (
        "manager",
        [["XADD", "dialer:crm:in", "*", "json", "{}"]],
        [
            ["HDEL", "dialer:{c3}:blocked", "8613800000077"],
            ["HSET", "dialer:{c3}:blocked", "8613800000077", "x"],
            ["HGETALL", "dialer:{c3}:blocked"],
            ["HSET", "dialer:prefixes", "86", "x"],
            ["XRANGE", "dialer:audit", "-", "+"],
            ["XTRIM", "dialer:audit", "MAXLEN", "0"],
            ["XRANGE", "dialer:crm:out", "-", "+"],
        ],
    ),
    (
        "administrator",
        [["XRANGE", "dialer:audit", "-", "+", "COUNT", "1"]],
        [
            ["XDEL", "dialer:audit", "0-1"],
            ["DEL", "dialer:audit"],
            ["XTRIM", "dialer:audit", "MAXLEN", "0"],
            ["FLUSHALL"],
            ["CONFIG", "GET", "*"],
            ["ACL", "SETUSER", "x"],
        ],
    ),
    (
        "auditor",
        [["XRANGE", "dialer:audit", "-", "+", "COUNT", "1"]],
        [
            ["XADD", "dialer:audit", "*", "who", "x"],
            ["XDEL", "dialer:audit", "0-1"],
            ["HGETALL", "dialer:{spring}:lead"],
            ["XRANGE", "dialer:crm:out", "-", "+"],
        ],
    ),
]


@pytest.mark.parametrize(("user", "works", "refused"), BY_HAND)
def test_what_a_user_s_own_programs_may_do(
    site: Site, user: str, works: list[list[Any]], refused: list[list[Any]]
) -> None:
    """Nothing but its work, also by hand and inside a script of its own."""
    client = site.client(user)
    trip(site.store, [("DEL", "dialer:crm:live")])
    for command in works:
        client.execute_command(*command)
    for command in refused:
        with pytest.raises(redis.exceptions.ResponseError, match=r"permission|ACL"):
            client.execute_command(*command)
    client.close()


def test_a_script_runs_with_the_rights_of_who_calls_it(site: Site) -> None:
    """A script that a supervisor loads reads no leads."""
    client = site.client("supervisor")
    sha = client.script_load("return redis.call('HGETALL', KEYS[1])")
    with pytest.raises(redis.exceptions.ResponseError, match=r"ACL|can't access"):
        client.evalsha(sha, 1, "dialer:{spring}:lead")
    client.close()


def test_a_manager_s_block_goes_through_the_daemons(site: Site) -> None:
    """The list itself is not the manager's: the daemons block, by the rules that the CRM's requests go by."""
    result = site.run("manager", "block", "add", "13800000081", "--reason", "asked", "--json")
    received = inbox.read(site.store, OWNER, 100, 0)
    inbox.apply(site.store, received, now=NOW)

    assert data(result)["asked"] == 1
    (block,) = blocklist.check(site.store, of_number(number(81)), now=NOW)
    assert (block.source, block.reason, block.who) == ("operator", "asked", "manager (at the desk)")


def test_the_audit_trail_has_the_user_whom_the_server_knows(site: Site) -> None:
    """`--who` is a remark beside it, and cannot stand in its place."""
    site.run("manager", "campaign", "pause", "spring")
    (line,) = [line for line in control.audit_trail(site.store, 20) if line.user == "manager"][:1]

    assert (line.user, line.who) == ("manager", "manager (at the desk)")
    assert campaigns.get(site.store, "spring").changed_by == "manager (at the desk)"


def test_a_leads_story_has_the_user_whom_the_server_knows(site: Site) -> None:
    """As the audit trail has."""
    site.run("manager", "leads", "cancel", "autumn", "L1", "--yes")
    story = data(site.run("manager", "leads", "show", "autumn", "L1", "--json"))

    assert story["row"]["why"] == "cancelled by manager (at the desk)"


def test_agents_are_heard_from_a_desktop(site: Site) -> None:
    """What the gateway writes is what a daemon reads."""
    with opened(site.settings("dialer")) as store:
        agents.read(store, "host-a", "", 100, 0)
        body = {"type": "login", "agent": "17", "uri": "sip:17@10.0.0.5", "campaigns": ["spring"]}
        client = site.client("desktop")
        client.xadd("dialer:agents:in", {"json": json.dumps(body)})
        client.close()
        heard, _ = agents.read(store, "host-a", "", 100, 0)

    assert len(heard) == 1


def test_the_archive_is_written_with_its_own_rights(site: Site, tmp_path: Path) -> None:
    """It registers with every CRM, reads all its streams and the numbers of leads, and acknowledges."""
    key_file = tmp_path / "evidence.key"
    key_file.write_text("ab" * 32)
    key_file.chmod(0o600)
    control.audit(site.store, "campaign_start", who="anna", now=NOW, detail={"campaign": "spring"})
    with opened(site.settings("archive")) as store:
        with open_writer(store, tmp_path / "archive", key_file, 60.0, Ages(304, 1826), "archive") as writer:
            writer.open(NOW)
            while writer.step():
                pass
            writer.flush()
            assert writer.counts["attempts"] > 0
            assert writer.counts["campaign_changes"] > 0
            assert {reader.unread for reader in readers.listing(store) if reader.name.endswith("archive")} == {0}
        with pytest.raises(NotAllowed):
            trip(store, [("XADD", store.keys.crm_out(), "*", "type", "disposition")])
        with pytest.raises(NotAllowed):
            trip(store, [("HSET", store.keys.lead("spring"), "L0", "")])


def test_a_user_without_rights_is_told_so(site: Site) -> None:
    """`NotAllowed`, which is no outage: waiting does not help."""
    with opened(site.settings("auditor")) as store, pytest.raises(NotAllowed):
        trip(store, [("HGETALL", store.keys.lead("spring"))])


def test_passwords_are_for_their_owner_alone(tmp_path: Path) -> None:
    """A file for each user, mode 0600; the rules have only the hash, and the same again next time."""
    first, second = users(tmp_path), users(tmp_path)
    files = sorted((tmp_path / "passwords").iterdir())

    assert first == second
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert len(files) == len(Role) + len(CRM_USERS) + 2 * len(OWN)
    assert not any(file.read_text().strip() in first for file in files)
    assert "user default off" in first


def test_a_crm_s_campaigns_are_asked_of_redis(site: Site) -> None:
    """`--crm` alone: its user adds leads to the campaigns that name it; one without campaigns would add to all."""
    result = site.run("manager", "redis-acl", "crm", "--crm", "west")
    nobody = site.run("manager", "redis-acl", "crm", "--crm", "noone")

    assert "~dialer:{lantern}:leads" in result.stdout
    assert "{*}" not in result.stdout
    assert "~dialer:crm:out:west" in result.stdout
    assert nobody.exit_code == CliExit.NOT_FOUND
    assert "east, west" in nobody.stderr


def test_without_passwords_nobody_gets_in() -> None:
    """It says so, and no rule lets anybody in without one."""
    result = CliRunner().invoke(main, ["redis-acl"])

    assert "nobody can log in" in result.stderr
    assert "nopass" not in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--user", "anna"),
        ("manager", "--user", "a b"),
        ("manager", "--campaign", "spring"),
        ("crm", "--campaign", "A*"),
        ("crm", "--crm", "A*"),
        ("manager", "--crm", "north"),
        ("--crm", "north"),
    ],
)
def test_mistakes_are_said(arguments: tuple[str, ...]) -> None:
    """A user of no role, names that would be rules, a campaign of another role."""
    assert CliRunner().invoke(main, ["redis-acl", *arguments]).exit_code == 2


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[str, ...]:
    """A folder with one recording, and the options that name it."""
    write_talk(tmp_path / "live", "a1", (0, tone(500, 0.2), tone(900, 0.2)))
    row = done(Order(live=str(tmp_path / "live"), name="a1", folder=str(tmp_path / "rec"), bitrate_kbps=24)).row
    assert row is not None
    index.append(tmp_path / "rec", row)
    return "--set", f"recordings.folder={tmp_path / 'rec'}", "recordings"


@pytest.mark.parametrize("user", ["supervisor", "manager", "auditor"])
def test_only_the_administrator_takes_recordings_away(
    site: Site, user: str, recorded: tuple[str, ...], tmp_path: Path
) -> None:
    """Supervisors and managers hear them, which is audited; the server lets nobody else export or purge one."""
    heard = site.run(user, *recorded, "play", "a1")
    assert heard.exit_code == (CliExit.REFUSED if user == "auditor" else 0)
    assert (b"OggS" in heard.stdout_bytes) is (user != "auditor")
    for arguments in (("export", "a1", "--to", str(tmp_path / "out")), ("purge", "a1", "--yes")):
        result = site.run(user, *recorded, *arguments)
        assert result.exit_code == CliExit.REFUSED, result.output
    assert not (tmp_path / "out").exists()
    assert index.find(tmp_path / "rec", "a1") is not None
    for arguments in (("export", "a1", "--to", str(tmp_path / "out")), ("purge", "a1", "--yes")):
        result = site.run("administrator", *recorded, *arguments)
        assert result.exit_code == 0, result.output
    assert index.find(tmp_path / "rec", "a1") is None
