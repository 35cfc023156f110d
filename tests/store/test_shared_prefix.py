"""Two installations on one server that share what is known of numbers (`redis.shared_prefix`), and nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from compliance.api import Rule
from compliance.blocks import of_number
from compliance.cap_windows import Rolling
from compliance.caps import Cap
from compliance.policy import Policy
from config.campaign import CampaignSettings
from config.redis import RedisSettings
from dialer.core.inputs import Permitted, Refused
from dialer.core.model import Settlement
from dialer.store.base.connection import trip
from dialer.store.base.errors import NotAllowed
from dialer.store.base.keys import BUCKETS, digits, place, scoped
from dialer.store.operators import campaigns
from dialer.store.operators.roles import Role, rules_of
from dialer.store.privacy import blocklist, retention
from dialer.store.privacy.blocklist import BlockKind, Target
from dialer.store.settlement import marker
from dialer.store.settlement.marker import Verdict
from tests.store.conftest import ALWAYS, NOW, Floor, end, number
from tests.store.server_rig import closing, server, until
from tests.store.test_keys import live_a_whole_life
from tests.store.test_marker import ALIVE_S, restart, ticked
from tests.store.test_servers import opened

DAY_S = 86_400.0
NORTH = RedisSettings(prefix="north:")
SOUTH = RedisSettings(prefix="south:", shared_prefix="north:")
ONCE = Policy("once", ALWAYS, (Cap(1, Rolling(30 * DAY_S)),))


@pytest.fixture
def floors(valkey_url: str, settings: CampaignSettings) -> Iterator[tuple[Floor, Floor]]:
    """A campaign of the same name in each; the first has had its histories from the beginning."""
    with ExitStack() as stack:
        made = []
        for given in (NORTH, SOUTH):
            store = stack.enter_context(opened(given.model_copy(update={"url": valkey_url})))
            campaigns.create(store, settings, who="test", now=NOW)
            made.append(Floor(store, settings, ONCE))
        yield made[0], made[1]


def test_a_cap_counts_the_contacts_of_both(floors: tuple[Floor, Floor]) -> None:
    """Whichever calls first: a person is not called again by the other."""
    north, south = floors
    for first, second, index in ((north, south, 1), (south, north, 2)):
        for floor in floors:
            floor.add({"lead_id": f"L{index}", "phone": number(index).clear})
            floor.take_in()
        leads = second.lease()  # in its hands before the other calls

        first.dial()
        (answer,) = second.screen(leads)

        assert isinstance(answer, Refused)
        assert answer.refusal.rule is Rule.CAP


def test_whom_one_blocks_for_all_campaigns_the_other_does_not_call(floors: tuple[Floor, Floor]) -> None:
    """A number and a prefix, also where the lead is leased already."""
    north, south = floors
    south.fill(3)
    leads = south.lease()
    prefix = Target(BlockKind.PREFIX, digits(number(1)))
    blocks = [on.block(source="x", reason="", who="x", at=NOW) for on in (of_number(number(0)), prefix)]
    blocklist.add(north.store, blocks)

    answers = south.screen(leads)

    assert [isinstance(answer, Permitted) for answer in answers] == [False, False, True]
    assert {answer.refusal.rule for answer in answers if isinstance(answer, Refused)} == {Rule.BLOCKLIST}


@pytest.mark.parametrize("kind", [BlockKind.NUMBER, BlockKind.PREFIX])
def test_a_block_for_one_campaign_is_of_its_installation(floors: tuple[Floor, Floor], kind: BlockKind) -> None:
    """The other's campaign of the same name is called, and taking its block away takes away no other."""
    target = Target(kind, digits(number(0)), "spring")
    for floor in floors:
        floor.fill(1)
        blocklist.add(floor.store, [target.block(source=floor.store.keys.prefix, reason="", who="x", at=NOW)])
        assert [block.campaign for block in blocklist.check(floor.store, target, ["spring"], now=NOW)] == ["spring"]
    north, south = floors

    assert blocklist.remove(south.store, [target], who="x", now=NOW) == 1

    assert blocklist.check(south.store, target, ["spring"], now=NOW) == ()
    assert [block.source for block in blocklist.check(north.store, target, ["spring"], now=NOW)] == ["north:"]
    assert isinstance(north.screen(north.lease())[0], Refused)
    south.dial()


def test_a_server_that_forgot_is_told_by_the_hosts_of_both(floors: tuple[Floor, Floor]) -> None:
    """On one machine, where both have a host of the same name: neither goes on before the other has told."""
    north, south = floors[0].store, floors[1].store
    here, there = scoped(north.keys, "a"), scoped(south.keys, "a")
    known_here, known_there = ticked(north, here), ticked(south, there)
    restart(north)

    seen = marker.tick(north, here, known_here, ALIVE_S)
    seen_there = marker.tick(south, there, known_there, ALIVE_S)
    told = marker.told(south, there, known_there, seen_there, ALIVE_S)

    assert (here, there) == ("a", "south/a")
    assert seen.verdict is seen_there.verdict is Verdict.FORGOT
    assert told.owing == {"a"}


def test_contact_histories_are_kept_for_as_long_as_one_of_them_wants(floors: tuple[Floor, Floor]) -> None:
    """And by all while one cannot say."""
    north, south = floors[0].store, floors[1].store

    assert retention.keep_contacts(north, 30 * DAY_S) == 30 * DAY_S
    assert retention.keep_contacts(south, 400 * DAY_S) == 400 * DAY_S
    assert retention.keep_contacts(north, 30 * DAY_S) == 400 * DAY_S
    assert retention.keep_contacts(south, None) is None
    assert retention.keep_contacts(north, 30 * DAY_S) is None
    trip(north, [("HSET", north.keys.contacts_kept(), "south:", "nan")])
    assert retention.keep_contacts(north, 30 * DAY_S) is None


def test_old_histories_are_deleted_by_whichever_comes_by(floors: tuple[Floor, Floor]) -> None:
    """They are in one place."""
    north, south = floors
    north.fill(1)
    north.dial()
    where = place(digits(number(0)))
    first = str(where.shard * BUCKETS + where.bucket)

    assert retention.purge_contacts(south.store, NOW + DAY_S, first).gone == 1
    assert trip(north.store, [("HLEN", north.store.keys.history(where))]) == [0]


def test_a_daemon_of_one_reaches_nothing_else_of_the_other(tmp_path: Path, settings: CampaignSettings) -> None:
    """Its user lives a whole life of a lead, with every script, and is refused the other's leads."""
    build: Callable[..., Settlement] = inspect.unwrap(end)()
    rules = rules_of(Role.DAEMON, "south:", shared_prefix="north:")
    (tmp_path / "users.acl").write_text(f"user default on nopass ~* +@all\nuser south on >secret {' '.join(rules)}\n")
    node = server("valkey", tmp_path / "server", "--aclfile", str(tmp_path / "users.acl"))
    with closing([node.start()]):
        until(node.client.ping, "the server has read its users")
        login = {"url": f"redis://{node.address}/0", "user": "south", "password": SecretStr("secret")}
        with opened(SOUTH.model_copy(update=login)) as store:
            campaigns.create(store, settings, who="test", now=NOW)
            live_a_whole_life(Floor(store, settings), build)
            for key in ("north:{spring}:lead", "north:agents", "north:crm:in"):
                with pytest.raises(NotAllowed):
                    trip(store, [("TYPE", key)])


def test_histories_look_as_those_of_one_installation(floors: tuple[Floor, Floor]) -> None:
    """Whoever shares the histories of an installation finds them where they are: nothing need be moved."""
    north, south = floors
    where = place(digits(number(7)))

    assert south.store.keys.history(where) == north.store.keys.history(where)
    assert north.store.keys.scope == ""
