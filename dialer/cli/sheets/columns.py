"""What the columns of a list are: the fields that they fill, and what to say where nobody can tell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from compliance.numbers import holds_number, masked_text
from dialer.cli.sheets.cells import seen, without_mark
from dialer.language.translation import _

MAX_COLUMNS: Final = 200
HEADER_WITHIN: Final = 20
"""A header is looked for in so many first rows."""

FIELDS: Final = (
    "phone",
    "phones",
    "lead_id",
    "name",
    "timezone",
    "priority",
    "not_before",
    "expires_at",
    "customer_id",
    "account_id",
    "region",
    "consent_at",
    "consent_until",
    "consent_source",
)
"""Fields of a lead that a column can fill. Every other column goes to the lead's attrs."""

ATTRS: Final = "attrs"
SKIP: Final = "-"
OWN_COLUMNS: Final = ("rejected_row", "rejected_why")
"""What the file of rejected rows has besides: left out when that file is imported again."""

_PLAIN: Final = re.compile(r"[\w=.-]+")
_PHONE_NAMES: Final = re.compile(
    "手机(号|号码)?|移动电话|电话(号码)?|联系(电话|方式)|手機(號碼)?|行動電話|電話(號碼|番号)?|聯絡電話|携帯(電話|番号)?|"
    "mobile(_number|_phone)?|cell(_?phone)?|tel(ephone)?|phone(_?number|_no)|msisdn|telefon(nummer|o)?|handy(nummer)?|"
    "mobilnummer|rufnummer|téléphone|portable|teléfono|móvil|celular"
)
_OTHER_NAMES: Final = {
    "姓名": "name",
    "名字": "name",
    "客户姓名": "name",
    "客户名称": "name",
    "客戶姓名": "name",
    "氏名": "name",
    "full_name": "name",
    "customer_name": "name",
    "客户号": "customer_id",
    "客户编号": "customer_id",
    "客户id": "customer_id",
    "客戶編號": "customer_id",
    "顧客番号": "customer_id",
    "customer_number": "customer_id",
    "合同号": "account_id",
    "合同编号": "account_id",
    "契約番号": "account_id",
    "account_number": "account_id",
}
"""Names that people give columns, in small letters, and the fields that they mean."""


class BadSheet(ValueError):
    """A file that cannot be imported at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the field it fills (of `FIELDS`, or "attrs" or "-"), and its name in the file."""

    name: str
    field: str


def columns_of(
    header: Sequence[str], mapping: Mapping[str, str], below: Mapping[int, Sequence[str]]
) -> tuple[Column, ...]:
    """The columns of a header; one without a name is `column_1` and so on. `mapping` gives columns a field by their
    names, `below` are some of the rows below by their numbers. Raises `BadSheet`."""
    if len(header) > MAX_COLUMNS:
        raise BadSheet(_("{header} columns, at most {most} are read", header=len(header), most=MAX_COLUMNS))
    names = [plain_name(name) or f"column_{place}" for place, name in enumerate(header, 1)]
    _refuse_data(names)
    unknown = [name for name in mapping if name not in names]
    if unknown:
        raise BadSheet(
            _(
                "--map names columns that are not there: {unknown}; there are: {names}",
                unknown=", ".join(unknown),
                names=", ".join(names),
            )
        )
    columns = tuple(Column(name, mapping.get(name) or field_of(name)) for name in names)
    for field in FIELDS:
        filling = [column.name for column in columns if column.field == field]
        if len(filling) > 1 and field not in ("phone", "phones"):
            raise BadSheet(
                _("several columns fill {field}: {names}; choose with --map", field=field, names=", ".join(filling))
            )
    attrs = [column.name for column in columns if column.field == ATTRS]
    twice = sorted({name for name in attrs if attrs.count(name) > 1})
    if twice:
        raise BadSheet(_("several columns have the same name: {names}", names=", ".join(twice)))
    if not any(column.field in ("phone", "phones") for column in columns):
        raise BadSheet(_no_phone(names, below))
    return columns


def plain_name(name: str) -> str:
    """The name of a column as it is shown and typed."""
    return " ".join(seen(without_mark(name)).split())


def field_of(name: str) -> str:
    """The field that a column fills by its name alone."""
    plain = _folded(name)
    return plain if plain in FIELDS else SKIP if plain in OWN_COLUMNS else ATTRS


def _folded(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_").strip("_:：*")


def proposals(names: Sequence[str]) -> list[tuple[str, str]]:
    """The fields that columns without one may be meant for, by names that people give them."""
    there = {field_of(name) for name in names}
    phones = [(name, "phone") for name in names if _PHONE_NAMES.fullmatch(_folded(name))][:3]
    proposed = phones if "phone" not in there else []
    for name in names:
        field = _OTHER_NAMES.get(_folded(name), "")
        if field and field not in there:
            proposed.append((name, field))
            there.add(field)
    return proposed


def _no_phone(names: Sequence[str], below: Mapping[int, Sequence[str]]) -> str:
    proposed = proposals(names)
    if not any(field == "phone" for _, field in proposed):
        shares = [_share_of_numbers([row[place : place + 1] for row in below.values()]) for place in range(len(names))]
        by_cells = [(name, "phone") for name, share in zip(names, shares, strict=True) if share > 0.5]
        proposed = by_cells[:1] + proposed
    if any(field == "phone" for _, field in proposed):
        return _("no column is named phone or phones; try {as_options}", as_options=as_options(proposed))
    for number, row in below.items():
        folded = [_folded(plain_name(cell)) for cell in row]
        if any(name in ("phone", "phones") or _PHONE_NAMES.fullmatch(name) for name in folded):
            return _(
                "no column is named phone or phones; row {number} looks like the header: try --header-row {number}",
                number=number,
            )
    shown = ", ".join(masked_text(name) for name in names[:20])
    return _(
        "no column is named phone or phones; there are: {shown}; say which it is with --map COLUMN=phone", shown=shown
    )


def _share_of_numbers(cells: Sequence[Sequence[str]]) -> float:
    filled = [cell[0] for cell in cells if cell and cell[0].strip()]
    return sum(_is_number_like(cell) for cell in filled) / len(filled) if filled else 0.0


def _is_number_like(cell: str) -> bool:
    digits = sum(char.isdecimal() for char in cell)
    return 10 <= digits <= 15 and holds_number(cell) and digits * 2 > len(cell.strip())


def as_options(pairs: Sequence[tuple[str, str]]) -> str:
    """As somebody types it."""
    typed = [f"{name}={field}" for name, field in pairs]
    return " ".join(f"--map {text if _PLAIN.fullmatch(text) else shlex.quote(text)}" for text in typed)


def _refuse_data(names: Sequence[str]) -> None:
    """A first row with a phone number in it is a lead, and would be lost as a header."""
    place = next((place for place, name in enumerate(names, 1) if _is_number_like(name)), None)
    if place is not None:
        raise BadSheet(
            _(
                "the first row looks like data, not like names of columns (column {place}: {names}): put a row of "
                "names before it, or try --header-row 0 --map column_{place}=phone",
                place=place,
                names=masked_text(names[place - 1]),
            )
        )
