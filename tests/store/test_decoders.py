"""Every decoder of the store and of this host's files is total: whatever it is given becomes a value or a reason."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.evidence import Entry as EvidenceEntry
from compliance.evidence import Head, read, written
from compliance.numbers import E164
from config.campaign import CampaignSettings
from dialer.core.model import Close, Disposition, Lead, Settlement
from dialer.disk.errors import DiskError
from dialer.disk.evidence_files import HEAD_FILE, lines, read_head, single
from dialer.disk.register_lines import Account, BadList, numbers_of
from dialer.disk.spool import Spool
from dialer.store.base.errors import StoreError
from dialer.store.base.fields import Undecodable
from dialer.store.base.records import plain
from dialer.store.base.streams import Entry
from dialer.store.crm.requests import BadRequest, parse_request
from dialer.store.leads import rejections
from dialer.store.leads.history import read_history, said_of
from dialer.store.leads.lead_codec import Rejection, pack, pack_progress, parse, taken_in_at_of, unpack, unpack_progress
from dialer.store.operators import agents, campaigns, control, listening, pacer_memory
from dialer.store.operators.pacer_memory import Learnt
from dialer.store.privacy import blocklist, opt_outs, retention
from dialer.store.privacy.opt_outs import OptedOut
from dialer.store.settlement import outbox, settlements
from dialer.store.settlement.attempts import EndedAttempt, OpenAttempt, PastAttempt
from dialer.store.settlement.outbox import CrmEvent
from pacing.api import Decision, Mode, Settings
from sip.causes import Cause, Leg
from tests.store import hostile
from tests.store.conftest import NOW

PHONE = "+8613800001234"
LEAD = {
    "lead_id": "L1",
    "phone": PHONE,
    "name": "Wang",
    "timezone": "Asia/Shanghai",
    "priority": 7,
    "not_before": NOW,
    "expires_at": NOW + 60,
    "customer_id": "C1",
    "account_id": "A1",
    "region": "CN",
    "consent_at": NOW,
    "consent_until": NOW + 60,
    "consent_source": "form",
    "attrs": {"x": 1},
}
EVENT = {"type": "login", "agent": "17", "uri": "sip:17@x", "campaigns": ["spring"], "team": "a", "shift_ends_at": NOW}
SAID = {"agent": "17", "lead_id": "L1", "to": "night-desk", "reason": "lunch", "ref": "r"}
OUTCOME = {
    "type": "outcome",
    "campaign": "spring",
    "attempt_id": "A0",
    "outcome": "callback",
    "callback_at": NOW,
    "agent": "17",
    "note": "x",
    "opt_out": True,
    "opt_out_scope": "customer",
}
BLOCK = {"type": "block", "number": PHONE, "who": "x", "until": NOW, "campaign": "spring", "source": "a", "reason": "b"}
ABOUT_A_LEAD = {"campaign": "spring", "lead_id": "L0", "who": "x", "ref": "r"}
CANCEL = {"type": "cancel", **ABOUT_A_LEAD, "reason": "x"}
UPDATE = {"type": "update", **ABOUT_A_LEAD, "phones": [PHONE], "priority": 3, "not_before": NOW, "attrs": {"x": 1}}
START = {"type": "campaign", "campaign": "spring", "action": "start", "who": "x"}
MONITOR = {"agent": "17", "mode": "whisper", "uri": "sip:9@10.0.0.5"}
COMMAND = {"name": "drain", "args": {"host": "a"}, "who": "x", "at": NOW}

SCRIPTS = ("script", "survey")
STEPS = [
    {"name": "ask", "play": "/ask.wav", "keys": {"12": "bye", "9": "stop"}, "scores": "12", "repeats": 1},
    {"name": "stop", "opt_out": True, "next": "bye"},
    {"name": "bye", "record_s": 30, "next": "hang_up"},
]

LONGEST_REASON = 600


def said(reasons: tuple[str, ...]) -> None:
    """A reason is text that can be written down, and there is one."""
    assert reasons
    assert all(reason.encode() and len(reason) <= LONGEST_REASON for reason in reasons)


def tried(decode: Callable[[], object], *refusals: type[Exception]) -> None:
    """Decode; the only way to fail is one of `refusals`, with a reason that can be written down."""
    try:
        decode()
    except refusals as refusal:
        said((str(refusal)[:LONGEST_REASON],))


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_a_lead_is_taken_or_refused(data: st.DataObject) -> None:
    """Whatever stands in a campaign's stream."""
    read = parse(data.draw(hostile.entries("lead", LEAD)), campaign="spring", default_region="CN", now=NOW)

    if isinstance(read, Rejection):
        said(read.reasons)


@given(st.data(), st.sampled_from([EVENT, *({**SAID, "type": kind} for kind in agents.SAYABLE)]))
@settings(max_examples=150, deadline=None)
def test_an_agents_word_is_heard_or_refused(data: st.DataObject, good: dict[str, Any]) -> None:
    """Whatever stands in the agents' stream."""
    heard = agents.parse(Entry("1-0", data.draw(hostile.entries("event", good))))

    if isinstance(heard, agents.Malformed):
        said(heard.reasons)


@given(st.data(), st.sampled_from([OUTCOME, BLOCK, {**BLOCK, "type": "unblock"}, CANCEL, UPDATE, START]))
@settings(max_examples=150, deadline=None)
def test_the_crms_request_is_read_or_refused(data: st.DataObject, good: dict[str, Any]) -> None:
    """Whatever stands in the CRM's stream."""
    asked = parse_request("1-0", data.draw(hostile.entries("request", good)), "CN", {"spring": "CN"})

    if isinstance(asked.request, BadRequest):
        said(asked.request.reasons)
        assert asked.request.about.encode() is not None
    assert (asked.ref + asked.sender).encode() is not None


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_a_command_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever stands in the control stream, and an order to listen with whatever stands in it."""
    entry = Entry("1-0", data.draw(hostile.entries("command", COMMAND)))
    tried(lambda: control.parse(entry), Undecodable)
    odd = hostile.values | hostile.binary
    command = control.Command(listening.MONITOR, data.draw(hostile.mappings(MONITOR, odd)))
    order = listening.read(control.Ordered("1-0", command, "x", NOW))
    assert order is None or bool(order.agent) != bool(order.attempt)


@pytest.mark.parametrize("digits", [309, 4000])
@pytest.mark.parametrize("name", ["not_before", "expires_at", "consent_at"])
def test_a_time_of_hundreds_of_digits_is_no_time(name: str, digits: int) -> None:
    """JSON has integers of any length; one beyond a float is refused like any other that is no time."""
    entry = {b"json": hostile.as_json({"lead_id": "L1", "phone": PHONE, name: 10**digits})}
    read = parse(entry, campaign="spring", default_region="CN", now=NOW)

    assert isinstance(read, Rejection)
    assert f"{name}: not a time between 1970 and 2100 in seconds since the epoch" in read.reasons


# --- what we keep ourselves -------------------------------------------------------------------------------------------

A_LEAD = Lead("L1", "spring", (E164(PHONE),), tries={Disposition.BUSY: 1}, attrs={"x": 1}, expires_at=NOW)
SETTLED = Settlement(
    attempt="A0",
    lead=A_LEAD,
    trunk="main",
    disposition=Disposition.BUSY,
    next_step=Close("x"),
    live=False,
    abandoned=False,
    charged=True,
    cause=Cause.NORMAL,
    ended_by=Leg.CALLEE,
    reason="",
    reserved_at=NOW,
    answered_at=NOW + 1,
    ended_at=NOW + 2,
    day="2026-03-03",
)
EVENT_OUT = CrmEvent("connected", "A0", "spring", NOW, {"agent": "17"})
OPEN = OpenAttempt("A0", "spring", "L1", 0, "host:1", "main", "+861065550000", NOW)
ENDED = EndedAttempt("L1", 0, "2026-03-03", True, False, 7)
PAST = PastAttempt("A0", 0, "busy", NOW, NOW, "17", 486)
BLOCKED = {"source": "crm", "reason": "", "who": "x", "at": NOW, "until": None}
LEARNT = Learnt("c", "h", "o", NOW, Settings(mode=Mode.PROGRESSIVE), Decision(0), NOW, {"x": 1.0}, {"y": [1]})

ROUND = retention.Round(NOW, "contacts", "spring", "17", 3)


def _kept_round(raw: bytes) -> object:
    """A round is gone on with only where everything in it is a place to go on from."""
    round_ = retention.read_round(raw)
    assert round_ is None or not round_.cursor or round_.cursor == "more" or int(round_.cursor) >= 0
    return round_ or "begins anew"


Decoder = Callable[[bytes], object]
KEPT: dict[str, tuple[bytes, Decoder]] = {
    "lead": (pack(A_LEAD, "1-0", NOW), lambda raw: unpack(raw, campaign="spring", progress=None)),
    "taken in at": (pack(A_LEAD, "1-0", NOW), taken_in_at_of),
    "progress": (pack_progress(0, A_LEAD.tries), unpack_progress),
    "lead with progress": (
        pack_progress(0, A_LEAD.tries),
        lambda raw: unpack(pack(A_LEAD, "1-0"), campaign="spring", progress=raw, priority=raw[:3]),
    ),
    "open attempt": (OPEN.pack(), lambda raw: OpenAttempt.read("spring", "A0", raw)),
    "ended attempt": (msgpack.packb(plain(ENDED)), lambda raw: EndedAttempt.read("A0", raw)),
    "story": (msgpack.packb(plain(PAST)) * 2, read_history),
    "outcome": (msgpack.packb({"outcome": "sale", "note": ""}), said_of),
    "event": (outbox.pack_event(EVENT_OUT), outbox.unpack_event),
    "block": (msgpack.packb(BLOCKED), lambda raw: blocklist.block_of(b"8613800001234", raw)),
    "block's name": (b"spring@c:17", lambda raw: blocklist.block_of(raw, msgpack.packb(BLOCKED))),
    "round": (json.dumps(asdict(ROUND)).encode(), _kept_round),
    "what was refused": (json.dumps(["phone: too short"]).encode(), rejections._reasons),
    "prefix": (b"86138", lambda raw: blocklist.block_of(raw, msgpack.packb(BLOCKED), prefix=True)),
}


@pytest.mark.parametrize("name", KEPT)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_kept_record_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """Whatever stands in our own keys."""
    whole, decoder = KEPT[name]
    good = msgpack.Unpacker(io.BytesIO(whole)).unpack() if whole[0] > 0x7F else None
    raw = data.draw(hostile.raws(good) | st.binary(max_size=len(whole)))
    assert decoder(whole) is not None
    tried(lambda: decoder(raw), Undecodable)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_what_was_learnt_is_read_or_named(data: st.DataObject) -> None:
    """A record of any host, of any release."""
    body = {
        "owner": LEARNT.owner,
        "settings": plain(LEARNT.settings),
        "decision": plain(LEARNT.decision),
        "decided_at": NOW,
        "figures": {"x": 1.0},
        "memory": {"y": [1]},
    }
    version = data.draw(st.sampled_from([pacer_memory.VERSION, pacer_memory.WITH_SENTENCE, 99, -1, 2**64 - 1]))
    raw = data.draw(hostile.raws([version, NOW, body]) | hostile.raws(body).map(lambda one: b"\x93\x02\xce\x69" + one))

    read_one = pacer_memory.judged("spring", b"h\xff", raw)

    assert (read_one.record is None) == bool(read_one.fault)


SPOOLED: dict[str, tuple[Any, Callable[[object], object]]] = {
    "settlement": (settlements.to_wire(SETTLED), settlements.from_wire),
    "opt-out": (opt_outs.to_wire(OptedOut("spring", "A0", E164(PHONE), "9", NOW)), opt_outs.from_wire),
    "event": (outbox.to_wire(EVENT_OUT), outbox.from_wire),
}


@pytest.mark.parametrize("name", SPOOLED)
@given(data=st.data())
@settings(max_examples=80, deadline=None)
def test_a_spooled_fact_is_read_or_refused(name: str, data: st.DataObject) -> None:
    """Also a settlement in which only one field of many is wrong."""
    good, decoder = SPOOLED[name]
    assert decoder(good) is not None
    odd = hostile.values | hostile.binary
    body = data.draw(hostile.mappings(good, odd) | odd)
    if name == "settlement" and isinstance(body, dict) and isinstance(body.get("settlement"), dict):
        body["settlement"] = data.draw(hostile.mappings(good["settlement"], odd))
    tried(lambda: decoder(body), Undecodable)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_stored_settings_are_read_or_refused(data: st.DataObject) -> None:
    """Whatever stands in a campaign's hash, also within its sections and the steps of its scripts."""
    good = json.loads(
        CampaignSettings(name="spring", mode=Mode.PROGRESSIVE, caller_id="+861065550000").model_dump_json()
    )
    section = data.draw(st.sampled_from([name for name, value in good.items() if isinstance(value, dict)]))
    inner = data.draw(hostile.mappings({**good[section], **({"steps": STEPS} if section in SCRIPTS else {})}))
    if section in SCRIPTS and isinstance(inner.get("steps"), list) and inner["steps"]:
        inner["steps"] = [*inner["steps"], data.draw(hostile.mappings(STEPS[0]))]
    raw = data.draw(st.just(hostile.as_json({**good, section: inner})) | hostile.raws(good, hostile.as_json))
    tried(lambda: campaigns.settings_of(raw), StoreError)


# --- this host's files ------------------------------------------------------------------------------------------------


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_line_of_evidence_is_read_or_none(data: st.DataObject) -> None:
    """Torn, altered, or of another product: the rest of the file is read."""
    whole, _ = written(EvidenceEntry(1, "permit", {"x": 1}), Head())
    good = json.loads(whole)
    raw = data.draw(hostile.raws(good, hostile.as_json) | st.binary(max_size=80))
    with TemporaryDirectory() as folder:
        path = Path(folder) / data.draw(st.sampled_from(["a.jsonl", "a.jsonl.gz"]))
        path.write_bytes(raw + b"\n" + whole)
        for line in lines([single(path)]):
            read(line.raw)
        (Path(folder) / HEAD_FILE).write_bytes(raw)
        tried(lambda: read_head(Path(folder), b"k" * 32), DiskError)


@given(st.binary(max_size=200) | st.text("0123456789+,;\"'\n\t #x１", max_size=200).map(str.encode), st.booleans())
@settings(max_examples=80, deadline=None)
def test_a_registers_list_is_read_or_refused(text: bytes, by_column: bool) -> None:
    """Every line is a number or counted by its reason."""
    columns = ("1",) if by_column else ()
    tried(lambda: list(numbers_of(io.BytesIO(text), "US", columns, Account(), lambda: None)), BadList)


@pytest.mark.parametrize("text", [b'\x00\r"', b'"2125550100\r"2125550101', b'"' + b"2" * 200_000])
@pytest.mark.parametrize("columns", [(), ("1",)])
def test_a_line_that_is_no_csv_keeps_no_list_from_being_read(text: bytes, columns: tuple[str, ...]) -> None:
    """A carriage return behind a quote, a cell that is longer than any: the line is refused, the next one is read."""
    account = Account()
    good = list(numbers_of(io.BytesIO(b"number\n" + text + b"\n2125550100\n"), "US", columns, account, lambda: None))

    assert sum(len(batch) for batch in good) >= 1


@given(st.lists(hostile.binary_only, max_size=4), hostile.binary_only)
@settings(max_examples=50, deadline=None)
def test_a_spool_is_read_as_far_as_it_is_whole(frames: list[bytes], tail: bytes) -> None:
    """Frames whose sum is right and whose content is no item, and whatever is behind them."""
    with TemporaryDirectory() as folder:
        whole = b"".join(len(raw).to_bytes(4, "big") + zlib.crc32(raw).to_bytes(4, "big") + raw for raw in frames)
        (Path(folder) / "0000000001.spool").write_bytes(whole + tail)
        spool = Spool(Path(folder), limit_bytes=10_000_000)
        spool.peek(10)
        spool.close()
