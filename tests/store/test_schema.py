"""The schema of the contract and the decoders agree, both ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.store.base.streams import Entry
from dialer.store.crm.requests import READERS, BadRequest, parse_request
from dialer.store.crm.schema import contract, formats
from dialer.store.leads.lead_codec import NewLead
from dialer.store.leads.lead_codec import parse as parse_lead
from dialer.store.operators import agents
from tests.store.conftest import NOW, number

SCHEMA = contract()
DOCUMENT = Path(__file__).parents[2] / "docs" / "crm.schema.json"

PHONES = (number(1).clear, "138 0000 0002", "12", "+1 900 555 0100", "", "x" * 40, "+86 138-0000-0003")
TIMES = (
    NOW - 3600,
    NOW + 3600,
    NOW + 7200,
    int(NOW) + 60,
    "2026-03-04T09:30:00+08:00",
    "2026-03-04T09:30:00",
    -1,
    1e13,
)
TEXTS = (
    "x",
    "L1",
    "C-1",
    " ",
    "",
    "a b ",
    "x" * 64,
    "x" * 65,
    "x" * 501,
    "a\tb",
    "a\n",
    "王芳",
    "0000001",
    "138 0000 0001",
)

GOOD: dict[str, tuple[Any, ...]] = {
    "lead_id": ("L1", f"x{number(1).clear[1:]}"),
    "phone": PHONES,
    "phones": ([number(1).clear], ["12"], [], [number(1).clear, "138 0000 0002"], [number(i).clear for i in range(6)]),
    "number": PHONES,
    "prefix": ("86138", "+86", "++86", "086", "8" * 15, "12a"),
    "timezone": ("Asia/Shanghai", "right/Asia/Shanghai", "Mars/Olympus", ""),
    "region": ("CN", "US-FL", "XX", ""),
    "priority": (0, 9, 7.0, 7.5, 10, True),
    "campaign": ("spring", "Spring", "", "s" * 41),
    "campaigns": (["spring"], [], [""], ["a"] * 33),
    "outcome": ("sale", "callback", "complaint", "感兴趣", "Sale", "1a", "a" * 33, "cafe\u0301", "138 0000 0001"),
    "opt_out": (True, False, 1),
    "opt_out_scope": ("number", "customer", "all"),
    "action": ("start", "pause", "stop"),
    "agent": ("17", "ann", "a b", "13800000001", "+17", "x" * 65, 17),
    "uri": ("sip:17@10.0.0.5", "sips:x", "tel:17", "", "sip:" + "x" * 252),
    "attrs": ({}, {"lot": 3}, {"x": 2**70}, {"a": [1, {"b": None}]}, {"x": "y" * 5000}, []),
    "ref": ("r-1", "", "13800000001", "x" * 65, "order 17"),
    **dict.fromkeys(("not_before", "expires_at", "consent_at", "consent_until", "callback_at", "until"), TIMES),
    "shift_ends_at": TIMES,
    "skills": (["cards:2", "粤语"], [], ["a:0"], ["13800000001"], ["a", "a:2"], [f"s{i}" for i in range(17)]),
}
JUNK = (None, True, 0, 7, 7.0, 1.5, "", "x", [], ["a"], {}, {"a": 1})


def entries(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Entries of a kind: those that a CRM might send, right and wrong in one field or several."""
    schema = SCHEMA["$defs"][kind]

    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        entry: dict[str, Any] = {}
        for name, about in schema["properties"].items():
            needed = name in schema.get("required", ())
            if draw(st.integers(0, 9)) < (9 if needed or name in ("phone", "number", "priority") else 3):
                values = about["enum"] if "enum" in about else GOOD.get(name, TEXTS)
                # Mostly the first, which is right, so that whole entries are right often enough.
                entry[name] = values[draw(st.sampled_from([0] * 20 + list(range(len(values)))))]
            if draw(st.integers(0, 29)) == 0:
                entry[name] = draw(st.sampled_from(JUNK))
        if draw(st.integers(0, 19)) == 0:
            entry["color"] = "red"
        return entry

    return build()


def accepts(kind: str, entry: dict[str, Any]) -> bool:
    """What the decoder says."""
    fields = {b"json": json.dumps(entry).encode()}
    if kind == "lead":
        return isinstance(parse_lead(fields, campaign="spring", default_region="CN", now=NOW), NewLead)
    if kind == "agent_event":
        return isinstance(agents.parse(Entry("1-0", fields)), agents.Heard)
    return not isinstance(parse_request("1-0", fields, "CN").request, BadRequest)


def validator(definition: str) -> jsonschema.Draft202012Validator:
    checker = jsonschema.FormatChecker(formats=())
    for name, check in formats(NOW, "CN").items():
        checker.checks(name)(check)
    schema = {"$ref": f"#/$defs/{definition}", "$defs": SCHEMA["$defs"]}
    return jsonschema.Draft202012Validator(schema, format_checker=checker)


KINDS = sorted(SCHEMA["$defs"].keys() - {"request"})
VALIDATORS = {kind: validator(kind) for kind in [*KINDS, "request"]}


def test_the_schema_is_one() -> None:
    """By its own dialect."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(KINDS) == {"lead", "agent_event", *READERS}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=120)
@given(data=st.data())
def test_what_the_schema_accepts_the_decoder_accepts_and_the_other_way_round(kind: str, data: st.DataObject) -> None:
    """For every kind of entry."""
    entry = data.draw(entries(kind))

    assert VALIDATORS[kind].is_valid(entry) == accepts(kind, entry)


@pytest.mark.parametrize("kind", KINDS)
def test_both_answers_are_tried(kind: str) -> None:
    """Or the comparison would say nothing."""
    answers: set[bool] = set()

    @settings(max_examples=200, database=None)
    @given(entries(kind))
    def look(entry: dict[str, Any]) -> None:
        answers.add(accepts(kind, entry))

    look()
    assert answers == {True, False}


@pytest.mark.parametrize("kind", sorted(READERS))
@settings(max_examples=20)
@given(data=st.data())
def test_a_request_is_one_of_its_kinds(kind: str, data: st.DataObject) -> None:
    """The definition of all requests together says the same."""
    entry = data.draw(entries(kind))

    assert VALIDATORS["request"].is_valid(entry) == VALIDATORS[kind].is_valid(entry)


def test_the_document_is_current() -> None:
    """Made anew by `dialer crm schema > docs/crm.schema.json`."""
    assert json.loads(DOCUMENT.read_text(encoding="utf-8")) == SCHEMA
