"""Settings for people: a table of what applies and why, and complete example files, both made from the models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config.campaign import CampaignSettings
from config.daemon import DaemonSettings
from config.load import Effective
from config.model import Section, as_section, explanation, item_type, leaf_type, leaves, unit
from config.problems import dotted

SECRET_SHOWN: Final = "(secret)"
EMPTY_SECRET_SHOWN: Final = "(not set)"


@dataclass(frozen=True, slots=True)
class Row:
    """One effective value: `value` as TOML would have it, or `(secret)`; `unit` is empty where there is none."""

    path: str
    value: str
    source: str
    unit: str
    explanation: str


def rows(effective: Effective[Any]) -> tuple[Row, ...]:
    """Every single value of some settings, in the order of the example file."""
    model = type(effective.settings)
    shown_rows = []
    for path, value in leaves(effective.settings):
        name, text = str(path[-1]), dotted(path)
        shown_rows.append(Row(text, shown(value), effective.sources[text], unit(name), explanation(model, path)))
    return tuple(shown_rows)


def shown(value: Any) -> str:
    """A value as TOML would have it; a secret is never shown."""
    match value:
        case SecretStr():
            return SECRET_SHOWN if value.get_secret_value() else EMPTY_SECRET_SHOWN
        case tuple() | list():
            return f"[{', '.join(shown(item) for item in value)}]"
        case dict():
            pairs = ", ".join(f"{shown(key)} = {shown(item)}" for key, item in value.items())
            return f"{{ {pairs} }}" if pairs else "{}"
        case str():
            return json.dumps(str(value), ensure_ascii=False)
        case bool():
            return str(value).lower()
        case _:
            return repr(value)


# --- example files ---------------------------------------------------------------------------------------------------

_Given = dict[tuple[str, ...], str]

_DAEMON_HEAD: Final = """\
# Settings of the dialer daemon. Each is shown with its default and commented out: remove the # to change it.
#
# Every value can also be given in the environment, DIALER_REDIS__URL or DIALER_TRUNKS__0__HOST, or on the command
# line, --set redis.url=... or --set trunks[0].host=...; those win over this file, in this order.
# `dialer check-config` shows what applies and where it came from.
#
# Secrets: give password_file = "path" instead of password, or let systemd put them there with LoadCredential=
# under the names redis.password, redis.sentinel_password and trunks.NAME.password. They are never printed.
"""

_CAMPAIGN_HEAD: Final = """\
# Settings of one campaign. Each is shown with its default and commented out: remove the # to change it.
"""

_DAEMON_GIVEN: Final[_Given] = {("trunks", "name"): "north", ("trunks", "host"): "sip.carrier.example"}
_CAMPAIGN_GIVEN: Final[_Given] = {
    ("name",): "survey",
    ("caller_id",): "+861000000000",
    ("abandon_message",): "/etc/dialer/messages/survey.wav",
}


def default_toml() -> str:
    """A complete `dialer.toml` with every setting of the daemon."""
    return _DAEMON_HEAD + "\n".join(_section(DaemonSettings, (), _DAEMON_GIVEN)) + "\n"


def campaign_toml() -> str:
    """A complete file of one campaign."""
    return _CAMPAIGN_HEAD + "\n" + "\n".join(_section(CampaignSettings, (), _CAMPAIGN_GIVEN)) + "\n"


def _section(section: type[Section], path: tuple[str, ...], given: _Given) -> Iterator[str]:
    """The lines of a section: first its own values, then the sections in it, as TOML demands."""
    kinds = {name: leaf_type(section, (name,)) for name in section.model_fields}
    inner = {name for name, kind in kinds.items() if as_section(kind) or as_section(item_type(kind))}
    for name, field in section.model_fields.items():
        if name not in inner:
            yield f"# {explanation(section, (name,))}{_bounds(field)}"
            yield from _value(name, field, given.get((*path, name)))
    for name, field in section.model_fields.items():
        if name in inner:
            yield ""
            yield f"# {explanation(section, (name,))}"
            yield from _inner(kinds[name], field, (*path, name), given)


def _inner(kind: Any, field: FieldInfo, path: tuple[str, ...], given: _Given) -> Iterator[str]:
    """The lines of a section within another one, or of a list of sections."""
    name = ".".join(path)
    row = as_section(item_type(kind))
    if isinstance(field.default, Section) and all(isinstance(item, Section) for _, item in field.default):
        yield f"[{name}]"
        for key, item in field.default:
            inside = ", ".join(f"{inner} = {shown(value)}" for inner, value in item)
            yield f"# {explanation(type(field.default), (key,))}"
            yield f"#{key} = {{ {inside} }}"
    elif row is None:
        yield f"[{name}]"
        yield from _section(kind, path, given)
    elif field.default:
        yield "# (rows that are given replace all of these)"
        for item in field.default:
            yield f"#[[{name}]]"
            for key, value in item:
                yield f"#{key} = {shown(value)} # {explanation(row, (key,))}"
    elif not any(key[: len(path)] == path for key in given):
        yield "# (none; this is how one is given)"
        yield f"# [[{name}]]"
        for key, item_field in row.model_fields.items():
            value = item_field.examples[0] if item_field.examples else item_field.default
            yield f"# {key} = {shown(value)} # {explanation(row, (key,))}"
    else:
        yield f"[[{name}]]"
        yield from _section(row, path, given)


def _value(name: str, field: FieldInfo, given: str | None) -> Iterator[str]:
    if given is not None:
        yield f"{name} = {shown(given)}"
    elif isinstance(field.default, SecretStr):
        yield f'#{name} = ""'
        yield f'#{name}_file = "/etc/dialer/secret"'
    else:
        yield f"#{name} = {shown(field.default)}"


def _bounds(field: FieldInfo) -> str:
    words = []
    for rule in field.metadata:
        match rule:
            case Ge(ge=bound):
                words.append(f"at least {_plain(bound)}")
            case Gt(gt=bound):
                words.append(f"more than {_plain(bound)}")
            case Le(le=bound):
                words.append(f"at most {_plain(bound)}")
            case Lt(lt=bound):
                words.append(f"less than {_plain(bound)}")
    return f" ({', '.join(words)})" if words else ""


def _plain(bound: Any) -> str:
    return f"{bound:.12g}"
