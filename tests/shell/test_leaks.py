"""No clear phone number outside the INVITE: one run of the real daemon, and everything that it leaves is searched.

The run has what a day has: leads of several countries that are answered, busy and not answered; numbers in names, in
the CRM's own data and in where consents are to be found; leads that are refused for a block, for a prefix, for good;
leads that are rejected because their id is their number, because the number is none, because it is there already;
block requests, outcomes with numbers in their notes, an opt-out, requests that cannot be carried out; agents who give a
number as the reason of a pause; an operator who looks at everything; a person who is erased.

Searched are the daemon's log at level debug, with whatever its SIP workers write to standard error; what it tells
systemd; its metrics; its files, evidence and spool among them, but not the journal, which is
for a Redis that forgets; every key in Redis but those of `leaks.ALLOWED_KEYS`,
the events for the CRM, boards and the audit trail among them; and the screens of `SCREENS`, as text and as JSON.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen

import msgpack
import pytest
from click.testing import CliRunner

from dialer.cli import main
from dialer.store.base.connection import trip
from dialer.store.leads import intake
from tests.shell import leaks
from tests.shell.rig import Dialer, Rig, Site, free_port, noon_zone

CALLED = ("+8613691740263", "+4915163417829", "+14155264817", "+8613691740288", "+862163748295")
"""Numbers that are called; 88 is busy."""

BLOCKED, PREFIXED, DUPLICATE, AS_ID, ERASED = (
    "+8613852719304",
    "+8617048261937",
    CALLED[0],
    "+8613927160483",
    "+8618361947205",
)
OTHERS = {
    "in a name": "+8613461528907",
    "in attrs": "+8613571829460",
    "whole number in attrs": "+8613682937154",
    "in a consent": "+8613794618253",
    "in a note": "+8615072618394",
    "in a pause": "+8615183946207",
    "of a block": "+8615294173860",
    "in a request": "+8615806293741",
    "as a field": "+8615917382640",
    "in a skip": "+8616628394175",
}
SECRETS = (*CALLED, BLOCKED, PREFIXED, AS_ID, ERASED, *OTHERS.values())

SCREENS = (
    ("leads", "list", "leaks"),
    *(("leads", "show", "leaks", f"L{i}") for i in range(len(CALLED) + 2)),
    *(("why", lead_or_number, "--campaign", "leaks") for lead_or_number in ("L0", "L5", CALLED[0], BLOCKED)),
    ("block", "list"),
    ("block", "check", BLOCKED),
    ("block", "check", PREFIXED),
    ("campaign", "list"),
    ("campaign", "show", "leaks"),
    ("campaign", "preflight", "leaks"),
    ("campaign", "funnel", "leaks"),
    ("status",),
    ("agents",),
    ("callerid", "list"),
    ("evidence", "verify"),
    ("evidence", "rates"),
    ("evidence", "show", "--number", CALLED[0]),
    ("evidence", "show", "--number", BLOCKED),
    ("erase", ERASED, "--reason", f"letter about {ERASED}", "--yes"),
)
"""Commands that show something; each is called as it is and with --json."""


@dataclass
class Run:
    """What was found: texts by where they were."""

    site: Site
    dialer: Dialer
    texts: dict[str, str] = field(default_factory=dict)


def spaced(number: str) -> str:
    """As people write it."""
    return f"{number[:3]} {number[3:6]} {number[6:10]}-{number[10:]}"


def national(number: str) -> str:
    """Of China, without the country code."""
    return number.removeprefix("+86")


@pytest.fixture(scope="module")
def run(rig: Rig) -> Iterator[Run]:
    """One day in some seconds."""
    metrics_port = free_port(socket.SOCK_STREAM)
    with rig.site("leaks", quick=rig.quick.carrier_port) as site:
        dialer = site.start(metrics={"port": metrics_port}, log={"level": "debug", "format": "json"})
        site.campaign("leaks", countries=("CN", "DE", "US"))
        _requests(site)
        _leads(site)
        site.until(lambda: _settled_in(site), "the leads are in, the blocks hold")
        site.log_in(rig.quick, [f"agent-{i}" for i in range(1, 6)], "leaks")
        site.until(lambda: len(site.ends("leaks")) >= len(CALLED), "everybody was called")
        site.until(lambda: site.counts("leaks").closed >= len(CALLED) + 2, "the blocked ones were refused")
        _outcomes(site)
        site.say("agent-1", "pause", reason=f"calls {spaced(OTHERS['in a pause'])}")
        site.say("agent-1", "skip", lead_id="L0", reason=f"has {OTHERS['in a skip']}")
        site.until(lambda: len(site.events("refused")) >= 3, "the requests were refused")
        site.until(lambda: "agent-1" in site.agents_in("paused"), "the agent has paused")
        found = Run(site, dialer)
        with urlopen(f"http://127.0.0.1:{metrics_port}/metrics", timeout=10) as answer:
            found.texts["metrics"] = answer.read().decode()
        for arguments in SCREENS:
            for more in ((), ("--json",)):
                found.texts[" ".join((*arguments, *more))] = _screen(found, (*arguments, *more))
        site.until(
            lambda: not trip(site.store, [("EXISTS", site.store.keys.erasures())])[0], "the erasure is on record"
        )
        dialer.stop()
        dialer.ended()
        found.texts["systemd"] = "\n".join(dialer.hear())
        files = leaks.files_of(dialer.folder)
        found.texts |= {name: text for name, text in files.items() if not name.startswith("spool/journal/")}
        found.texts |= dict(leaks.keys_of(site.store, allowed=False))
        yield found


def _leads(site: Site) -> None:
    rows: list[dict[str, Any]] = [
        {
            "lead_id": f"L{i}",
            "phone": number,
            "timezone": noon_zone(),
            "name": f"Wang {spaced(OTHERS['in a name'])}",
            "customer_id": f"C{i}",
            "consent_at": time.time() - 60,
            "consent_source": f"a call from {OTHERS['in a consent']}",
            "attrs": {
                "second": [national(OTHERS["in attrs"])],
                national(OTHERS["as a field"]): int(national(OTHERS["whole number in attrs"])),
            }
            if number.startswith("+86")
            else {"second": [spaced(OTHERS["in attrs"])], "own": national(number)},
        }
        for i, number in enumerate((*CALLED, BLOCKED, PREFIXED, ERASED))
    ]
    rows[-1]["not_before"] = time.time() + 3600
    rows += [
        {"lead_id": "twice", "phone": national(DUPLICATE)},
        {"lead_id": national(AS_ID), "phone": AS_ID},
        {"lead_id": "none", "phone": f"{AS_ID}99999"},
        {"lead_id": "odd", "phone": CALLED[0], "timezone": spaced(AS_ID), national(AS_ID): 1},
    ]
    intake.enqueue(site.store, "leaks", rows)


def _requests(site: Site) -> None:
    """Blocks, and what cannot be carried out."""
    secret = OTHERS["in a request"]
    for request in (
        {"type": "block", "number": spaced(BLOCKED), "reason": f"not {OTHERS['of a block']}", "who": "crm"},
        {"type": "block", "prefix": PREFIXED[:8], "reason": f"like {PREFIXED}", "who": "crm"},
        {"type": "block", "number": f"{secret}99", "who": f"crm {secret}"},
        {"type": "outcome", "campaign": "leaks", "attempt_id": national(secret), "outcome": "sale"},
        {"type": "outcome", "campaign": "leaks", "attempt_id": secret, "outcome": secret, national(secret): secret},
    ):
        trip(site.store, [("XADD", site.store.keys.crm_in(), "*", "request", msgpack.packb(request))])


def _settled_in(site: Site) -> bool:
    counts = site.counts("leaks")
    return counts.accepted + counts.rejected == len(CALLED) + 7 and not counts.queued


def _outcomes(site: Site) -> None:
    """Notes with numbers, one of them with an opt-out."""
    for i, end in enumerate(site.ends("leaks")):
        request = {
            "type": "outcome",
            "campaign": "leaks",
            "attempt_id": end.data["attempt_id"],
            "outcome": "refused",
            "agent": "agent-1",
            "note": f"call {spaced(OTHERS['in a note'])} instead",
            "opt_out": i == 0,
        }
        trip(site.store, [("XADD", site.store.keys.crm_in(), "*", "request", msgpack.packb(request))])
    site.until(lambda: sum(site.counts("leaks").outcomes.values()) >= len(CALLED), "the outcomes are kept")


def _screen(run: Run, arguments: tuple[str, ...]) -> str:
    """What an operator sees, without the number that the operator typed."""
    result = CliRunner().invoke(
        main,
        ["--config", str(run.dialer.folder / "dialer.toml"), "--who", "tester@here", *arguments],
        prog_name="dialer",
    )
    assert result.exit_code in (0, 1, 6, 7, 10), (arguments, result.output, result.exception)
    return result.output


def test_no_clear_number_is_anywhere(run: Run) -> None:
    """In no text, in no written form; a failure says where."""
    found = {where: hits for where, text in run.texts.items() if (hits := leaks.found_in(text, SECRETS))}

    assert found == {}


def test_the_search_would_have_found_them(run: Run) -> None:
    """It finds what is allowed to be there, in every form, and the run left masked numbers where there could be clear
    ones."""
    allowed = " ".join(text for _, text in leaks.keys_of(run.site.store, allowed=True))
    assert len(leaks.found_in(allowed, SECRETS)) >= len(SECRETS) - 1, "all but the one who was erased, at most"
    for number in SECRETS:
        for form in (number, spaced(number), number[3:], ".".join(number[1:]), f"{number[:9]} - {number[9:]}"):
            assert leaks.found_in(f"x{form}x", SECRETS) != []
    masked = "+86136****0263"
    log = run.texts["daemon.log"]
    assert masked in log
    assert '"event": "attempt"' in log
    for part in (
        "crm:out",
        "audit",
        "leads list leaks",
        "leads show leaks L0",
        "why L0 --campaign leaks",
        "block list",
    ):
        (text,) = [text for where, text in run.texts.items() if where.removeprefix("leaks:") == part]
        assert "****" in text, part
    assert any(where.startswith("evidence") for where in run.texts)
    assert any(where.startswith("leaks:status") for where in run.texts)
