"""Phone numbers: parsing, and above all masking."""

import pickle
import re
import unicodedata

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compliance.numbers import (
    E164,
    MIN_HIDDEN,
    BadNumber,
    countries,
    holds_number,
    mask,
    masked_data,
    masked_numbers,
    masked_text,
    parse,
    zones,
)

CLEAR = "+8613800001234"
e164_texts = st.from_regex(r"\+[1-9][0-9]{5,14}", fullmatch=True)


@pytest.mark.parametrize(
    ("raw", "region", "clear"),
    [
        ("13800001234", "CN", CLEAR),
        ("+86 138-0000-1234", "US", CLEAR),
        ("0086 138 0000 1234", "CN", CLEAR),
        ("010 6552 9988", "CN", "+861065529988"),
        ("(415) 555-2671", "US", "+14155552671"),
        ("＋８６１３８００００１２３４", "US", CLEAR),
        ("  13800001234\n", "CN", CLEAR),
    ],
)
def test_parse_reads_numbers_as_people_write_them(raw: str, region: str, clear: str) -> None:
    """National, international and full-width forms all give E.164."""
    assert parse(raw, region).clear == clear


@pytest.mark.parametrize(
    ("raw", "region", "reason"),
    [
        ("", "CN", "empty"),
        ("   ", "CN", "empty"),
        ("12", "CN", "too short"),
        ("138000", "CN", "too short"),
        ("+86138000012345678", "CN", "too long"),
        ("1" * 33, "CN", "too long: more than 32"),
        ("+999 1380 0001234", "CN", "no such country code"),
        ("13800001234", "", "no default region"),
        ("13800001234", "XX", "no default region"),
        ("19999", "CN", "too short|not a valid number of region CN"),
        ("+8600000001234", "CN", r"too short|not a valid number of region CN \(\+86\)"),
        ("1-800-FLOWERS", "US", "not digits"),
        ("+8613800001234;ext=5", "CN", "not digits"),
        ("sms to +8613800001234", "CN", "not digits"),
        ("---", "CN", "not digits"),
    ],
)
def test_parse_says_why_not_and_never_repeats_the_number(raw: str, region: str, reason: str) -> None:
    """Every refusal names its reason, and no digit run of the input is in the message."""
    with pytest.raises(BadNumber, match=reason) as caught:
        parse(raw, region)
    assert caught.value.__cause__ is None
    for run in re.findall(r"\d{5,}", raw):
        assert run not in str(caught.value)


@given(st.text(max_size=40), st.sampled_from(["CN", "US", "", "nonsense"]))
@example("+" + "9" * 31, "CN")
@example("+1" + "0" * 14, "US")
def test_parse_survives_any_text(raw: str, region: str) -> None:
    """Any text gives a valid number or BadNumber, and the number parses to itself."""
    number, message = None, ""
    try:
        number = parse(raw, region)
    except BadNumber as error:
        message = str(error)
    digits = "".join(str(unicodedata.decimal(char)) for char in raw if char.isdecimal())
    assert len(digits) < 7 or digits not in message
    if number is not None:
        assert phonenumbers.is_valid_number(phonenumbers.parse(number.clear, None))
        assert parse(number.clear, "CN") == number


@pytest.mark.parametrize(
    "bad", ["", "13800001234", "+0138000012", "+12345", "+1234567890123456", "+١٢٣٤٥٦٧٨", CLEAR + "\n"]
)
def test_only_international_numbers_construct(bad: str) -> None:
    """An E164 of another shape does not exist, and the error does not repeat it."""
    with pytest.raises(BadNumber) as caught:
        E164(bad)
    assert not bad or bad not in str(caught.value)


def test_every_way_of_printing_is_masked() -> None:
    """str, repr, format, f-strings and containers show the masked number; .clear the clear one."""
    number = E164(CLEAR)
    shown = [str(number), repr(number), f"{number}", f"{number!r:>30}", f"{number:>20}", str([number]), "%s" % number]  # noqa: UP031
    for text in shown:
        assert "+86138****1234" in text
        assert "0000" not in text
    assert number.clear == CLEAR
    assert pickle.loads(pickle.dumps(number)) == number


@pytest.mark.parametrize(
    ("clear", "shown"),
    [
        (CLEAR, "+86138****1234"),
        ("+14155552671", "+141****2671"),
        ("+85291234567", "+852****4567"),
        ("+861065529988", "+8610****9988"),
        ("+49301234", "+49****34"),
        ("+12345678", "+1****678"),
        ("+290123", "+290***"),
        ("13800001234", "*******1234"),
        ("+99913800001", "+*******0001"),
        ("agent 7", "agent 7"),
        ("", ""),
    ],
)
def test_mask_hides_the_middle(clear: str, shown: str) -> None:
    """The country code stays, then at most three digits, four stars or more, and at most four digits."""
    assert mask(clear) == shown


@given(e164_texts)
def test_mask_hides_at_least_four_digits(clear: str) -> None:
    """Four or more digits are gone from every number that has them, wherever its country code ends."""
    shown = mask(clear)
    hidden = shown.count("*")
    assert hidden >= MIN_HIDDEN if len(clear) > 7 else 3
    assert not re.search(r"\d{7}", shown)
    assert len(re.search(r"\d*$", shown)[0]) <= 4  # type: ignore[index]
    assert len(shown) == len(clear)
    assert all(a in (b, "*") for a, b in zip(shown, clear, strict=True))


@given(e164_texts)
def test_masking_twice_changes_nothing(clear: str) -> None:
    """Masked text may pass through the mask again."""
    assert mask(mask(clear)) == mask(clear)
    assert masked_text(mask(clear)) == mask(clear)


@given(st.text(alphabet=st.sampled_from("0123456789+ -()x.١２"), max_size=60))
def test_masked_text_leaves_no_long_run(text: str) -> None:
    """No run of seven digits survives, whatever surrounds it; text without such a run is untouched."""
    shown = masked_text(text)
    assert not re.search(r"\d{7}", shown)
    assert masked_text(shown) == shown or len(shown) <= len(text)
    if not re.search(r"\d(?:\D*\d){6}", text):
        assert shown == text


@given(st.text(max_size=20), e164_texts, st.text(max_size=20))
def test_no_clear_number_survives_in_text(before: str, clear: str, after: str) -> None:
    """A number written into any text is not in the masked text, nor in what mask makes of it."""
    text = before + clear + after
    assert clear[1:] not in masked_text(text)
    assert clear[1:] not in mask(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("busy: 138 0000 1234 again", "busy: *******1234 again"),
        ("sip:+8613800001234@carrier:5060", "sip:+86138****1234@carrier:5060"),
        ("+86 138-0000-1234, +14155552671", "+86138****1234, +141****2671"),
        ("(415) 555-2671", "(******2671"),
        ("555-2671", "****671"),
        ("+880171****4567*", "+880171****4567*"),
        ("+290138 no", "+290*** no"),
        ("192.168.1.10:5060 took 1250 ms", "192.168.1.10:5060 took 1250 ms"),
        ("１３８００００１２３４", "*******1234"),
        ("138,1234,5678", "*******5678"),
        ("138_1234_5678", "*******5678"),
        ("138:1234:5678 or 13:81:23:45:67", "*******5678 or ******4567"),
        ("138\u200b1234\u200b5678", "*******5678"),
        ("138\u00ad1234\u2060\ufeff5678", "*******5678"),
        ("一三八一二三四五六七八", "*******5678"),
        ("幺三八〇〇〇〇１2③④", "*******1234"),
        ("outside 09:00-12:00, 13:00-18:00", "outside 09:00-12:00, 13:00-18:00"),
        (
            "at 2026-03-01 12:30:45, 3 times until 2026-03-02 08:00",
            "at 2026-03-01 12:30:45, 3 times until 2026-03-02 08:00",
        ),
        ("2026-03-01T12:30:45.123+08:00", "2026-03-01T12:30:45.123+08:00"),
        ("slot 12182 is at 127.0.0.1:7001", "slot 12182 is at 127.0.0.1:7001"),
    ],
)
def test_masked_text_keeps_the_rest(text: str, shown: str) -> None:
    """Only the numbers change; addresses and short numbers stay readable."""
    assert masked_text(text) == shown


@pytest.mark.parametrize(
    ("clear", "expected"),
    [
        (CLEAR, ("Asia/Shanghai",)),
        ("+869912345678", ("Asia/Shanghai",)),
        ("+14155552671", ("America/Los_Angeles",)),
        ("+882123456789", ()),
    ],
)
def test_zones_by_prefix(clear: str, expected: tuple[str, ...]) -> None:
    """A prefix gives its zones, a number without a place gives none."""
    assert zones(E164(clear)) == expected


def test_a_mobile_number_has_all_zones_of_its_country() -> None:
    """Russian mobile numbers may be anywhere from Moscow to Kamchatka."""
    assert {"Europe/Moscow", "Asia/Kamchatka"} <= set(zones(E164("+79161234567")))


def test_data_is_masked_to_its_last_leaf() -> None:
    """Texts, names of fields, long whole numbers; times, amounts and flags stay."""
    data = {
        "13800001234": [{"note": "call 138 0000 1234"}, 13_800_001_234, 13_800_001_234.0, -13_800_001_234.5],
        "at": 1_772_500_000,
        "since": 1_772_500_000.125,
        "vip": True,
        "x": [0.5, 1e300, float("inf")],
    }

    assert masked_data(data) == {
        "*******1234": [{"note": "call *******1234"}, "*******1234", "*******1234", "-*******1234.5"],
        "at": 1_772_500_000,
        "since": 1_772_500_000.125,
        "vip": True,
        "x": [0.5, 1e300, float("inf")],
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("138 0000 5678 or 8610-8765-4321", "*******5678 or ********4321"),
        ("call +44 20 7946 0958", "call +4420****0958"),
        ("order 2026-1122-000017", "order 2026-1122-000017"),
        ("balance 1250000.00", "balance 1250000.00"),
        ("id 110101199003074514", "id 110101199003074514"),
        ("again 13800001234", "again *******1234"),
        ("138.0000.1234 or 00001234", "*******1234 or ****1234"),
        ("13900005678 13900005679", "******************5679"),
        ("138,0000,5678 and 139_0000_5678 and 138:0000:5678", "*******5678 and *******5678 and *******5678"),
        ("一三八零零零零五六七八", "*******5678"),
        ("1,250,000.00 due at 09:30", "1,250,000.00 due at 09:30"),
    ],
)
def test_of_data_only_numbers_are_masked(text: str, shown: str) -> None:
    """The lead's own in any form, and what the plan of its country or a + says is one; orders and amounts stay."""
    assert masked_numbers(text, (E164(CLEAR),)) == shown


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("13800001234", True),
        ("crm-0086 138.0000.1234", True),
        ("００００１２３４", True),
        ("零零零零一二三四", True),
        ("2026-1234", False),
        ("", False),
    ],
)
def test_a_number_is_found_in_an_id(text: str, held: bool) -> None:
    """However it is written; eight digits of it are enough."""
    assert E164(CLEAR).is_in(text) is held


@pytest.mark.parametrize(
    ("clear", "expected"),
    [
        ("+8613800001234", {"CN"}),
        ("+77012345678", {"KZ"}),
        ("+79161234567", {"RU"}),
        ("+441481960194", {"GG"}),
        ("+61412345678", {"AU", "CC", "CX"}),
        ("+882123456789", {"001"}),
        ("+440000000000", {"GB", "GG", "IM", "JE"}),
    ],
)
def test_countries_of_a_number(clear: str, expected: set[str]) -> None:
    """All whose plan has it; all that share the calling code where none has."""
    assert set(countries(E164(clear))) == expected


@pytest.mark.parametrize(
    ("text", "held"),
    [("13812345678", True), ("+290138", True), ("agent-138_1234_5678", True), ("1000234", False), ("li.wei", False)],
)
def test_an_id_that_reads_like_a_number_is_known(text: str, held: bool) -> None:
    """Ten digits or a plus; the number of an employee is none."""
    assert holds_number(text) is held


def test_a_float_is_masked_only_where_it_reads_like_a_number() -> None:
    """What `masked` leaves as it is stays a number."""
    assert masked_data(13_812_345_678.0, lambda text: text) == 13_812_345_678.0
