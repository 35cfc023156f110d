"""Lists of numbers as they are published."""

from __future__ import annotations

import io
import random

import phonenumbers
import pytest

from compliance.numbers import BadNumber, parse
from dialer.disk import register_lines
from dialer.disk.register_lines import Account, BadList, Plan, numbers_of


def read(text: str | bytes, region: str = "FR", columns: tuple[str, ...] = ()) -> tuple[list[int], Account]:
    account = Account()
    raw = text.encode() if isinstance(text, str) else text
    chunks = list(numbers_of(io.BytesIO(raw), region, columns, account, lambda: None))
    found = [int(value) for chunk in chunks for value in chunk]
    assert account.numbers == len(found)
    return sorted(found), account


def test_every_way_to_write_a_number_is_the_same_number() -> None:
    """National with and without the trunk prefix, international with plus, 00 and nothing, with separators."""
    ways = [
        "0612345678",
        "612345678",
        "+33612345678",
        "33612345678",
        "0033612345678",
        "06 12 34 56 78",
        "06.12.34.56.78",
    ]

    assert read("\n".join([*ways, '"0612345678"', "0612345678;", "+33 (0)6 12 34 56 78"]))[0] == [33612345678] * 10


def test_messy_text_is_read_and_what_is_no_number_is_counted() -> None:
    """A mark at the start, a heading, comments, empty lines, ends of lines of Windows, and no end of the last line."""
    text = "\ufeff# list of today\r\nphone\r\n\r\n0612345678\r\n# more\r\nnone\r\n12\r\n0612345679,x\r\n+33612345670"

    found, account = read(text)

    assert found == [33612345670, 33612345678]
    assert account.lines == 9
    assert account.examples == {
        "not digits: only digits, spaces, dashes, dots, slashes, brackets and a leading + are allowed": [6],
        "too short": [7],
        "several fields: name the column that has the number": [8],
    }
    assert account.refused.total() == 3


def test_only_the_first_line_can_be_a_heading() -> None:
    """A word anywhere else is a line that is no number."""
    assert read("0612345678\nphone\n")[1].refused.total() == 1


@pytest.mark.parametrize("columns", [("area", "number"), ("1", "2"), ("Area", "2")])
def test_columns_are_joined(columns: tuple[str, ...]) -> None:
    """By heading or place, quoted or not; a row that is too short is counted."""
    found, account = read('area,number,day\n202,5550123,x\n"415","555-0199",\n999\n', "US", columns)

    assert found == [12025550123, 14155550199]
    assert account.refused == {"fewer columns than the number needs": 1}


def test_columns_that_are_the_whole_row_are_read_as_others_are() -> None:
    """Rows of digits, quoted rows, rows with too many or too few columns or digits, and ends of lines of Windows."""
    rows = ["202,5550123", '"415","555-0199"', "202,5550124,x", "999", "202,", "2025550125", "", "202,5550126"]

    found, account = read("\r\n".join(["area,number", *rows]), "US", ("area", "number"))

    assert found == [12025550123, 12025550124, 12025550125, 12025550126, 14155550199]
    assert account.lines == 9
    assert account.refused == {"fewer columns than the number needs": 1, "too short": 1}


def test_a_file_without_a_heading_has_its_first_row_read() -> None:
    """Where columns go by place."""
    assert read("202;5550123\n415;5550199\n", "US", ("1", "2"))[0] == [12025550123, 14155550199]


def test_a_list_that_cannot_be_read_is_refused_at_once() -> None:
    """Another encoding, a column that is not there, a line without an end."""
    for raw, columns, reason in (
        ("0612345678\n".encode("utf-16"), (), "UTF-16"),
        (b"phone\n1\n", ("mobile",), "no column 'mobile'"),
        (b"1" * 100_000, (), "line 1 has more than"),
    ):
        with pytest.raises(BadList, match=reason):
            read(raw, columns=columns)


def test_the_size_of_a_chunk_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that are cut by it are put together."""
    text = "# x\n" + "".join(f"06{i:08}\r\n" for i in range(0, 99_999_999, 999_983)) + "bad\n"
    whole = read(text)
    monkeypatch.setattr(register_lines, "CHUNK_BYTES", 7)

    assert read(text) == whole


@pytest.mark.parametrize("region", ["US", "FR", "CN", "DE", "IT", "GB", "IN", "RU", "AU", "BR", "ES", "HU", "CA", "MX"])
def test_it_reads_as_leads_are_read(region: str) -> None:
    """For valid numbers of many plans, however written: what the chunk reads is what a lead's parser makes of it."""
    lots = random.Random(region)
    texts = []
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        example = phonenumbers.example_number_for_type(region, kind)
        assert example is not None
        national = phonenumbers.national_significant_number(example)
        for _ in range(40):
            keep = lots.randrange(2, len(national))
            digits = national[:keep] + "".join(str(lots.randrange(10)) for _ in national[keep:])
            prefix = Plan.of(region).trunk
            texts += [digits, prefix + digits, f"{example.country_code}{digits}", f"+{example.country_code}{digits}"]
    expected = {}
    for text in texts:
        try:
            expected[text] = int(parse(text, region).clear[1:])
        except BadNumber:
            continue

    assert len(expected) > 50
    for text, value in expected.items():
        assert read(text, region)[0] == [value], text[:4]


def test_a_list_of_nothing_but_comments_is_empty() -> None:
    """With columns, too."""
    assert read("# a\n\n# b\n", "US", ("area", "number"))[0] == []
