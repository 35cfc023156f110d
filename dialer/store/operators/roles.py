"""Who may do what at the server: each role's commands and keys, and the ACL rules that say so. Pure.

A role is a list of grants, a grant is some commands on some groups of keys. What is not granted is refused by the
server, also inside a script: a script runs with the rights of whoever calls it. A new key belongs into a group of
`GROUPS`, a new command of a role into one of its grants; a test goes over all keys, others do each role's work on a
real server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Whose work somebody does."""

    DAEMON = "daemon"  # dialer run
    ADMINISTRATOR = "administrator"  # everything that people do, but for changing the audit trail
    MANAGER = "manager"  # campaigns, leads, caller ids; blocks through the daemons
    SUPERVISOR = "supervisor"  # looks at the floor, gives orders to daemons, pauses agents and logs them out
    AUDITOR = "auditor"  # reads the audit trail, settings and rates
    CRM = "crm"  # adds leads to its campaigns, reads its events, says what came of calls
    DESKTOP = "desktop"  # the gateway between the agents' screens and the dialer
    CONSOLE = "console"  # dialer web run: what managers, supervisors and auditors do, each by their own role there
    ARCHIVE = "archive"  # dialer archive run: reads what happened, and the numbers that it keeps as hashes


GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "intake": ("{*}:leads",),
    "rejected": ("{*}:rejected",),
    "campaigns": ("campaigns",),
    "settings": ("{*}:campaign",),
    "people": ("{*}:lead", "{*}:numbers"),
    "places": (
        "{*}:due",
        "{*}:waiting",
        "{*}:leased",
        "{*}:closed",
        "{*}:open",
        "{*}:early",
        "{*}:callbacks",
        "{*}:put_off",
    ),
    "books": tuple(
        f"{{*}}:{name}"
        for name in (
            *("progress", "story", "priority", "lessee", "attempts", "ended", "outcomes", "wishes", "why"),
            *("unannounced", "callback_agent"),
        )
    ),
    "lists": ("{*}:lists", "{*}:imports"),
    "counts": ("{*}:counts",),
    "rates": ("{*}:ledger:*", "{*}:ledger_hour:*", "{*}:agent_day:*"),
    "learnt": ("{*}:learnt",),
    "caller_ids": ("{caller_ids}:uses:*", "{caller_ids}:rests", "{caller_ids}:blocks"),
    "histories": ("{c*}:h:*",),
    "blocks": ("{c*}:blocked", "{c*}:block_ends"),
    "prefixes": ("prefixes", "{c*}:prefix_generation"),
    "agents": ("agents", "agents:read", "agents:claim:*", "agents:phone:*"),
    "hosts": ("hosts", "status:*", "owners", "owner:*", "calls:*"),
    "trunks": ("trunks:drained",),
    "agents_in": ("agents:in",),
    "crm_in": ("crm:in", "crm:in:*"),
    "events": ("crm:out", "crm:out:*"),
    "live": ("crm:live", "crm:live:*"),
    "floor": ("floor",),
    "readers": ("crm:readers", "crm:settings"),
    "crms": ("crm:campaigns", "crm:names"),
    "control": ("control",),
    "audit": ("audit",),
    "scores": ("recordings:scores",),
    "sessions": ("web:session:*",),
    "recordings": ("recordings:handed",),
    "chores": ("recordings:erased", "erasures", "retention", "housekeeper", "unwritten", "quarantine"),
    "marker": ("marker", "contacts_kept"),
}
"""The keys, behind the prefix, in groups that are granted together. A `*` stands for any name."""

COMMON: Final = tuple(
    pattern for group in ("caller_ids", "histories", "blocks", "prefixes", "marker") for pattern in GROUPS[group]
)
"""Keys behind the prefix that installations have in common."""

_LOOK: Final = (
    *("zmscore", "hstrlen", "sismember"),
    *("hget", "hmget", "hgetall", "hexists", "hlen", "hkeys", "hscan", "zscore", "zcard", "zcount", "zrange"),
    *("zrangebyscore", "get", "smembers", "xlen", "xrange", "xrevrange", "xread", "xpending"),
    *("xinfo|stream", "xinfo|groups"),
)
_COUNT: Final = ("zcard", "zcount", "zrangebyscore", "hlen", "hkeys", "hexists", "xlen")
_KEEP: Final = ("hset", "hsetnx", "hdel", "hincrby", "zadd", "zrem", "zpopmin", "expire")
_SEND: Final = ("xadd",)
_FOLLOW: Final = (
    *("xread", "xreadgroup", "xack", "xrange", "xrevrange", "xlen", "xpending", "xclaim", "xautoclaim"),
    *("xgroup|create", "xgroup|createconsumer", "xinfo|stream", "xinfo|groups", "xinfo|consumers"),
)

_ALL_MAY: Final = (
    *("ping", "info", "time", "acl|whoami", "script|load", "client|setname"),
    *("command", "cluster|slots", "cluster|shards", "readonly"),
)
"""What every user needs to connect, also to a Cluster."""

_SCRIPTS: Final = ("evalsha", "type", "exists")


@dataclass(frozen=True, slots=True)
class Grant:
    """Commands on groups of keys; `read_only` where no command of them changes anything."""

    commands: Sequence[str]
    groups: Sequence[str]
    read_only: bool = False


_LOOKED_AT: Final = (
    *("campaigns", "settings", "counts", "rates", "learnt", "caller_ids", "agents", "hosts", "trunks"),
    *("intake", "rejected", "people", "places", "books", "lists"),
)

_MANAGER: Final = (
    Grant(_LOOK, _LOOKED_AT, read_only=True),
    Grant(("hget", "hmget"), ("histories", "blocks"), read_only=True),
    Grant(("hgetall", "get"), ("prefixes",), read_only=True),
    Grant(("hgetall", "smembers"), ("crms",), read_only=True),
    Grant(("sadd",), ("campaigns",)),
    Grant(_KEEP, ("settings", "people", "places", "books", "lists", "counts", "caller_ids")),
    Grant(_LOOK, ("readers", "scores"), read_only=True),
    Grant(_SEND, ("intake", "crm_in", "control", "agents_in", "audit", "events", "live")),  # told of deleted leads
)

GRANTS: Final[Mapping[Role, Sequence[Grant]]] = {
    Role.ADMINISTRATOR: (
        *_MANAGER,
        Grant(_LOOK, tuple(group for group in GROUPS if group not in ("intake", "crm_in")), read_only=True),
        Grant(_SEND, ("recordings", "scores", "chores", "marker")),
        Grant(
            (*_KEEP, "incr", "set", "del"),
            ("histories", "blocks", "prefixes", "agents", "hosts", "trunks", "readers", "chores", "marker"),
        ),
        Grant(
            (*_FOLLOW, "xdel", "xadd", "xgroup|destroy"),
            ("intake", "rejected", "events", "live", "crm_in", "agents_in"),
        ),
    ),
    Role.MANAGER: _MANAGER,
    Role.SUPERVISOR: (
        Grant(
            _LOOK,
            ("campaigns", "settings", "counts", "rates", "learnt", "caller_ids", "agents", "hosts", "trunks"),
            read_only=True,
        ),
        Grant(_COUNT, ("intake", "people", "places"), read_only=True),
        Grant(_SEND, ("control", "agents_in", "audit", "scores")),
        Grant(_LOOK, ("scores",), read_only=True),
    ),
    Role.CONSOLE: (
        *_MANAGER,
        Grant(_LOOK, ("audit", "scores", "recordings"), read_only=True),
        Grant(_SEND, ("scores",)),
        Grant(("get", "set", "pexpire", "del"), ("sessions",)),
    ),
    Role.AUDITOR: (
        Grant(
            _LOOK,
            ("audit", "campaigns", "settings", "counts", "rates", "hosts", "scores", "recordings"),
            read_only=True,
        ),
        Grant(_COUNT, ("intake", "people", "places"), read_only=True),
    ),
    Role.CRM: (
        Grant(("xadd", "xlen"), ("intake",)),
        Grant(("xrange", "xrevrange", "xread", "xlen"), ("rejected",), read_only=True),
        Grant(_FOLLOW, ("events", "live")),
        Grant(_SEND, ("crm_in",)),
    ),
    Role.ARCHIVE: (
        Grant(_FOLLOW, ("events", "live", "floor", "audit", "scores")),
        Grant(("hgetall", "hset"), ("readers",)),
        Grant(("hget", "hmget"), ("people",), read_only=True),
        Grant(("smembers", "hgetall"), ("campaigns", "settings", "crms", "rates", "lists"), read_only=True),
    ),
    Role.DESKTOP: (
        Grant(_SEND, ("agents_in", "crm_in")),
        Grant(_FOLLOW, ("live",)),
    ),
}
"""What each role may do. The daemon's is in `rules_of`: everything below the prefix, and nothing that is dangerous."""

OF_ONE_CRM: Final = (Role.CRM, Role.DESKTOP)
"""Roles that have the streams of one CRM. They run no scripts."""

_EACH_CRM: Final = frozenset({"crm:in", "crm:out", "crm:live"})
_OF_CRMS: Final = frozenset({*_EACH_CRM, *(f"{name}:*" for name in _EACH_CRM)})


def rules_of(
    role: Role, prefix: str, campaigns: Sequence[str] = (), crm: str = "", shared_prefix: str = ""
) -> tuple[str, ...]:
    """The ACL rules of a role, without the user's name and password. `campaigns` narrows a CRM to these; a CRM or
    desktop has the streams of `crm`, or without a name those that all share. `shared_prefix` is of the keys that
    installations have in common (`Keys.common`).

    Commands and keys belong together: each grant is a selector of its own (Redis 7, Valkey).
    """
    begins = dict.fromkeys(COMMON, shared_prefix or prefix)
    everything = [f"~{prefix}*", *(f"~{shared_prefix}{pattern}" for pattern in COMMON if shared_prefix)]
    if role is Role.DAEMON:
        allowed = ("+@read", "+@write", "+@stream", "-@dangerous", "-@blocking", "+xread", "+xreadgroup", "+evalsha")
        return (*everything, *allowed, *_plus(_ALL_MAY), "+config|get", "+wait", "+xinfo")
    rules = list(_plus(_ALL_MAY))
    if role not in OF_ONE_CRM:
        rules.append(f"({' '.join((*_plus(_SCRIPTS), *everything))})")
    for grant in GRANTS[role]:
        access = "%R~" if grant.read_only else "~"
        patterns = [pattern for group in grant.groups for pattern in GROUPS[group]]
        if role in OF_ONE_CRM:
            patterns = _of_crm(patterns, crm)
        keys = [f"{access}{begins.get(pattern, prefix)}{pattern}" for pattern in _of_campaigns(patterns, campaigns)]
        rules.append(f"({' '.join((*_plus(grant.commands), *keys))})")
    return tuple(rules)


def _of_crm(patterns: Sequence[str], crm: str) -> list[str]:
    """The streams of one CRM in the place of those of all."""
    own = (pattern for pattern in patterns if pattern in _EACH_CRM or pattern not in _OF_CRMS)
    return [f"{pattern}:{crm}" if crm and pattern in _EACH_CRM else pattern for pattern in own]


def _of_campaigns(patterns: Sequence[str], campaigns: Sequence[str]) -> list[str]:
    narrowed: list[str] = []
    for pattern in patterns:
        if campaigns and pattern.startswith("{*}"):
            narrowed += [f"{{{name}}}{pattern.removeprefix('{*}')}" for name in campaigns]
        else:
            narrowed.append(pattern)
    return narrowed


def _plus(commands: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"+{command}" for command in commands)
