"""Scenario: two daemons on one Redis share a campaign. Each is killed once, in the middle of its talks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from dialer.core.agents.agent import AgentState
from dialer.store.base.connection import trip
from dialer.store.operators import agents
from dialer.store.settlement.recovery import open_attempts
from tests.shell.rig import Dialer, Heard, Rig, Site, is_alive

NUMBERS = [f"+86138200000{i:02}" for i in range(24)]
ALPHAS, BETAS = ["agent-1", "agent-2"], ["agent-3", "agent-4"]


@dataclass(frozen=True, slots=True)
class Found:
    """`at_the_kill` are the attempts that were open when a daemon died, by its name; `owners` of agents while both
    lived."""

    owners: dict[str, str]
    dialled_by: dict[str, set[str]]
    at_the_kill: dict[str, set[str]]
    survivors: dict[str, list[int]]
    ends: list[Heard]
    talks: list[Heard]
    invites: dict[str, int]
    exit_codes: list[int]
    open_at_the_end: int
    kinds: Counter[str]


def run(rig: Rig) -> Found:
    """Kill one daemon and let the other take over; kill the other and start it again."""
    at_the_kill: dict[str, set[str]] = {}
    survivors: dict[str, list[int]] = {}
    with rig.site("kill", chatty=rig.chatty.carrier_port) as site:
        alpha, beta = site.start("alpha", ready=False), site.start("beta", ready=False)
        for dialer in (alpha, beta):
            site.until(lambda dialer=dialer: "READY=1" in dialer.hear(), "both are ready")
        site.campaign("shared")
        site.leads("shared", NUMBERS)
        for dialer, names in ((alpha, ALPHAS), (beta, BETAS)):
            belong_to(site, dialer, names)
            site.log_in(rig.chatty, names, "shared")
        site.until(lambda: _talking(site, "alpha") | _talking(site, "beta") == {*ALPHAS, *BETAS}, "everybody talks")
        owners = {row.agent: row.owner.rpartition(":")[0] for row in agents.listing(site.store)}
        dialled_by = {name: set(_attempts_of(site, name)) for name in ("alpha", "beta")}

        at_the_kill["beta"] = dialled_by["beta"]
        survivors["beta"] = _kill(site, beta)
        site.until(lambda: len(site.ends("shared")) == 2, "alpha settles what beta left")
        site.until(lambda: not _talking(site, "beta"), "beta's agents are nobody's")
        site.log_in(rig.chatty, BETAS, "shared")
        site.until(lambda: _talking(site, "alpha") == {*ALPHAS, *BETAS}, "beta's agents talk again, through alpha")

        at_the_kill["alpha"] = set(_attempts_of(site, "alpha"))
        survivors["alpha"] = _kill(site, alpha)
        alpha = site.start("alpha")
        ended = len(at_the_kill["alpha"] | at_the_kill["beta"])
        site.until(lambda: len(site.ends("shared")) == ended, "alpha settles what it left itself")
        before = len(site.talks("shared"))
        site.log_in(rig.chatty, ALPHAS, "shared")
        site.until(lambda: len(site.talks("shared")) == before + 2, "alpha goes on with other leads")
        alpha.stop()
        site.until(lambda: "draining" in alpha.log, "the drain has begun")
        alpha.stop()
        return Found(
            owners=owners,
            dialled_by=dialled_by,
            at_the_kill=at_the_kill,
            survivors=survivors,
            exit_codes=[alpha.ended()],
            ends=site.ends("shared"),
            talks=site.talks("shared"),
            invites={f"+{n.removeprefix('+')}": times for n, times in rig.chatty.report().carrier.users.items()},
            open_at_the_end=site.counts("shared").in_attempt,
            kinds=site.kinds("shared"),
        )


def belong_to(site: Site, dialer: Dialer, names: list[str]) -> None:
    """Reserve agents for a daemon, so that their login is its, whoever reads it first."""

    def owner() -> str:
        known = [name.decode() for name in trip(site.store, [("HKEYS", site.store.keys.owners())])[0]]
        return next((name for name in known if name.startswith(f"{dialer.host}:")), "")

    assert len(agents.claim(site.store, names, site.until(owner, "the daemon is known"), 20.0)) == len(names)


def _talking(site: Site, host: str) -> set[str]:
    """Agents of one daemon who are talking."""
    rows = agents.listing(site.store)
    return {row.agent for row in rows if row.state is AgentState.TALKING and row.owner.startswith(f"{host}:")}


def _attempts_of(site: Site, host: str) -> list[str]:
    return [attempt.attempt for attempt in open_attempts(site.store, "shared") if attempt.owner.startswith(f"{host}:")]


def _kill(site: Site, dialer: Dialer) -> list[int]:
    """SIGKILL a daemon. Returns those of its processes that did not end with it."""
    family = dialer.family()
    assert len(family) > 2, "a zygote and workers"
    dialer.kill()
    try:
        site.until(lambda: not any(map(is_alive, family)), "its zygote and its workers end", 15.0)
    except AssertionError:
        return [pid for pid in family if is_alive(pid)]
    return []
