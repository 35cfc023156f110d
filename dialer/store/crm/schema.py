"""The contract for programs: a JSON Schema of what may be written into the streams, made by asking the decoders. Pure.

Each decoder is run on an empty entry by a `Recorder`, which notes what it asks for. What a decoder looks at across
fields stands here beside it, in `_RULES`; a property test holds the whole to the decoders, both ways. What no schema
can say, such as which phone numbers there are, is a `format` by name; `formats` has the checks behind those names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from compliance.blocks import LONGEST_PREFIX, is_id
from compliance.calling_hours.regions import is_region, is_zone
from compliance.consent import CLOCKS_DIFFER_S
from compliance.numbers import BadNumber, holds_number, parse
from config.campaign import NAME
from dialer.core.agents.agent import AgentEventKind
from dialer.store.base.fields import EPOCH_MAX, Fields
from dialer.store.crm.lead_requests import UPDATES
from dialer.store.crm.requests import CALLBACK, COMPLAINT, READERS, TARGETS, outcome_fault
from dialer.store.leads.lead_codec import MAX_ATTRS_BYTES, MAX_NUMBERS, numbers_of, read_lead
from dialer.store.operators.agents import ABOUT_A_LEAD, AGENT_NAME, SAYABLE, read_event

Schema = dict[str, Any]
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
NULL: Final[Schema] = {"type": "null"}
_CONTROL: Final = "[\\u0000-\\u001f\\u007f]"
_PHONE: Final[Schema] = {"type": "string", "format": "phone-number"}


@dataclass(slots=True)
class Recorder(Fields):
    """Fields that note what they are asked for, as properties of a schema."""

    properties: dict[str, Schema] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)

    def _note(self, name: str, schema: Schema, *, needed: bool = False) -> None:
        self.asked.add(name)
        self.properties[name] = schema if needed else {"anyOf": [schema, NULL]}
        if needed:
            self.required.append(name)
            self.faults.append(f"{name}: missing")

    def text(self, name: str, limit: int, *, needed: bool = False, default: str = "") -> str:
        schema: Schema = {"type": "string", "maxLength": limit, "not": {"pattern": _CONTROL}}
        self._note(name, {**schema, "pattern": "\\S"} if needed else schema, needed=needed)
        return default

    def ref(self) -> str:
        ref = Fields.ref(self)
        self.add("ref", {"format": "no-phone-number"})
        return ref

    def choice(self, name: str, allowed: tuple[str, ...], default: str = "") -> str:
        self._note(name, {"enum": list(allowed)}, needed=not default)
        return default

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        self._note(name, {"type": "integer", "minimum": low, "maximum": high})
        return default

    def flag(self, name: str) -> bool:
        self._note(name, {"type": "boolean"})
        return False

    def time(self, name: str) -> float | None:
        number = {"type": "number", "minimum": 0, "maximum": EPOCH_MAX}
        self._note(name, {"anyOf": [number, {"type": "string", "format": "time-with-offset"}]})
        return None

    def free(self, name: str, limit_bytes: int) -> dict[str, Any]:
        self._note(name, {"type": "object", "format": "attrs", "$comment": f"at most {limit_bytes} bytes as msgpack"})
        return {}

    def texts(self, name: str, limit: int, most: int) -> tuple[str, ...]:
        item = {"type": "string", "maxLength": limit, "not": {"pattern": _CONTROL}, "pattern": "\\S"}
        self._note(name, {"type": "array", "maxItems": most, "items": item})
        return ()

    def skills(self) -> dict[str, int]:
        skills = Fields.skills(self)
        self.add("skills", {"format": "skills"})
        return skills

    def add(self, name: str, more: Schema) -> None:
        """Ask more of a property, where it is given."""
        schema = self.properties[name]
        if "anyOf" in schema and schema["anyOf"][-1] is NULL:
            self.properties[name] = {"anyOf": [{**schema["anyOf"][0], **more}, NULL]}
        else:
            self.properties[name] = {**schema, **more}

    def schema(self, *rules: Schema) -> Schema:
        """All of it, closed to other properties."""
        done: Schema = {"type": "object", "additionalProperties": False, "properties": self.properties}
        if self.required:
            done["required"] = self.required
        return {**done, "allOf": list(rules)} if rules else done


def contract() -> Schema:
    """What may be written: leads, requests of `crm:in` by type, what desktops say."""
    definitions = {"lead": _lead()}
    definitions |= {kind: _request(kind) for kind in READERS}
    definitions["agent_event"] = _agent_event()
    requests = [{"$ref": f"#/$defs/{kind}"} for kind in READERS]
    return {
        "$schema": DIALECT,
        "title": "What may be written into the dialer's streams; docs/redis.md explains it",
        "$defs": {**definitions, "request": {"oneOf": requests}},
    }


def formats(now: float, default_region: str) -> Mapping[str, Callable[[Any], bool]]:
    """The checks behind the names of formats, for an instant (seconds since the epoch) and the country of numbers
    without a country code. Each gives True for what is of another type than it is about."""

    def of_text(check: Callable[[str], bool]) -> Callable[[Any], bool]:
        return lambda value: check(value) if isinstance(value, str) else True

    def when(value: Any) -> float | None:
        return Fields({"at": value}).time("at")

    def is_phone(text: str) -> bool:
        try:
            parse(text, default_region)
        except BadNumber:
            return False
        return True

    return {
        "phone-number": of_text(is_phone),
        "no-phone-number": of_text(lambda text: not holds_number(text)),
        "time-with-offset": of_text(lambda text: when(text) is not None),
        "in-the-future": lambda value: (at := when(value)) is None or at > now,
        "not-in-the-future": lambda value: (at := when(value)) is None or at <= now + CLOCKS_DIFFER_S,
        "iana-zone": of_text(lambda text: not text or is_zone(text)),
        "iso-3166": of_text(lambda text: not text or is_region(text)),
        "visible-id": of_text(lambda text: not text or is_id(text)),
        "campaign-name": of_text(lambda text: NAME.fullmatch(text) is not None),
        "agent-name": of_text(lambda text: AGENT_NAME.fullmatch(text) is not None and not holds_number(text)),
        "outcome-word": of_text(lambda text: not outcome_fault(text)),
        "attrs": lambda value: not _attrs_fault(value),
        "skills": lambda value: not _skills_fault(value),
        "lead": lambda value: not isinstance(value, dict) or _is_consistent(value, default_region),
    }


def _attrs_fault(value: Any) -> bool:
    given = Fields({"attrs": value})
    given.free("attrs", MAX_ATTRS_BYTES)
    return bool(given.faults)


def _skills_fault(value: Any) -> bool:
    given = Fields({"skills": value})
    given.skills()
    return bool(given.faults)


def _is_consistent(lead: dict[str, Any], default_region: str) -> bool:
    """Times in their order, and no id that holds one of the lead's numbers."""
    given = Fields(lead)
    not_before, expires_at = given.time("not_before"), given.time("expires_at")
    consent_at, consent_until = given.time("consent_at"), given.time("consent_until")
    in_order = (not_before is None or expires_at is None or not_before < expires_at) and (
        consent_at is None or consent_until is None or consent_at < consent_until
    )
    ids = [lead.get(name) for name in ("lead_id", "customer_id", "account_id")]
    numbers = numbers_of(given, default_region)
    return in_order and not any(number.is_in(text) for number in numbers for text in ids if isinstance(text, str))


# --- rules across fields ----------------------------------------------------------------------------------------------


def _given(*names: str) -> Schema:
    """All of these are there, and not null."""
    return {"required": list(names), "properties": {name: {"not": NULL} for name in names}}


def _is(name: str, *values: object) -> Schema:
    return {"required": [name], "properties": {name: {"enum": list(values)}}}


def _only_if(condition: Schema, rule: Schema) -> Schema:
    return {"if": condition, "then": rule}


def _phones(recorder: Recorder) -> None:
    several = {"type": "array", "minItems": 1, "maxItems": MAX_NUMBERS, "items": _PHONE}
    recorder.properties |= {"phone": {"anyOf": [_PHONE, NULL]}, "phones": {"anyOf": [several, NULL]}}


def _exactly_one(*names: str) -> Schema:
    return {"oneOf": [_given(name) for name in names]}


def _lead() -> Schema:
    recorder = Recorder({})
    read_lead(recorder, "", "", 0.0)
    _phones(recorder)
    recorder.add("timezone", {"format": "iana-zone"})
    recorder.add("region", {"format": "iso-3166"})
    for name in ("customer_id", "account_id"):
        recorder.add(name, {"format": "visible-id"})
    for name in ("expires_at", "consent_until"):
        recorder.add(name, {"format": "in-the-future"})
    recorder.add("consent_at", {"format": "not-in-the-future"})
    return recorder.schema(_exactly_one("phone", "phones"), {"format": "lead"})


def _request(kind: str) -> Schema:
    recorder = Recorder({})
    recorder.choice("type", (kind,))
    recorder.ref()
    READERS[kind](recorder, "", {})
    if "campaign" in recorder.required:
        recorder.add("campaign", {"format": "campaign-name"})
    else:
        name = {"type": "string", "format": "campaign-name"}
        recorder.properties["campaign"] = {"anyOf": [name, {"const": ""}, NULL]}
    return _RULES.get(kind, Recorder.schema)(recorder)


def _outcome(recorder: Recorder) -> Schema:
    recorder.add("outcome", {"format": "outcome-word"})
    blocks = {"anyOf": [_is("opt_out", True), _is("outcome", COMPLAINT)]}
    return recorder.schema(
        _only_if(_is("outcome", CALLBACK), _given("callback_at")),
        _only_if(_given("callback_at"), _is("outcome", CALLBACK)),
        _only_if(_given("callback_agent"), _is("outcome", CALLBACK)),
        _only_if(_given("opt_out_scope"), blocks),
    )


def _block(recorder: Recorder) -> Schema:
    recorder.add("number", {"format": "phone-number"})
    recorder.add("prefix", {"pattern": f"^\\+?[1-9][0-9]{{0,{LONGEST_PREFIX - 1}}}$"})
    for name in ("customer_id", "account_id"):
        recorder.add(name, {"minLength": 1, "pattern": "\\S", "format": "visible-id"})
    return recorder.schema(_exactly_one(*TARGETS))


def _unblock(recorder: Recorder) -> Schema:
    schema = _block(recorder)
    return {**schema, "allOf": [*schema["allOf"], {"not": _given("until")}]}


def _update(recorder: Recorder) -> Schema:
    _phones(recorder)
    return recorder.schema({"anyOf": [_given(name) for name in UPDATES]}, {"not": _given("phone", "phones")})


def _agent_event() -> Schema:
    recorder = Recorder({})
    read_event(recorder)
    recorder.properties["type"] = {"enum": list(SAYABLE)}
    recorder.add("agent", {"format": "agent-name"})
    recorder.add("uri", {"pattern": "^(sip:|$)"})
    login = _given("uri", "campaigns")
    login["properties"] |= {"uri": {"type": "string", "minLength": 1}, "campaigns": {"type": "array", "minItems": 1}}
    about_a_lead = _given("lead_id")
    about_a_lead["properties"]["lead_id"] = {"type": "string", "pattern": "\\S"}
    return recorder.schema(
        _only_if(_is("type", AgentEventKind.LOGIN.value), login),
        _only_if(_is("type", *sorted(ABOUT_A_LEAD)), about_a_lead),
    )


_RULES: Final[Mapping[str, Callable[[Recorder], Schema]]] = {
    "outcome": _outcome,
    "block": _block,
    "unblock": _unblock,
    "update": _update,
}
