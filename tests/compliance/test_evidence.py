"""The chain of records: whatever is done to it is found, and named."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.evidence import (
    DELETED,
    GENESIS,
    OPENED,
    Entry,
    Fault,
    FaultKind,
    Head,
    Line,
    Verdict,
    key_id,
    number_hash,
    read,
    seal,
    verify,
    written,
)
from compliance.numbers import E164

KEY = bytes(range(32))
AT_MS = 1_772_500_000_000


def chain(count: int, head: Head | None = None) -> tuple[list[bytes], Head]:
    """So many records, and the head that they end in."""
    lines, head = [], head or Head()
    for i in range(count):
        line, head = written(Entry(AT_MS + i, "permit", {"attempt": f"A{i}", "why": 'says "no" \u00fc\u4e2d'}), head)
        lines.append(line)
    return lines, head


def checked(lines: Sequence[bytes], head: Head | None) -> Verdict:
    return verify([Line("f", i, raw) for i, raw in enumerate(lines, 1)], head)


def found(lines: Sequence[bytes], head: Head | None) -> list[tuple[FaultKind, int, int]]:
    return [(fault.kind, fault.first, fault.last) for fault in checked(lines, head).faults]


def test_a_chain_is_whole_and_readable() -> None:
    """People read it as JSON; programs get back what went in."""
    lines, head = chain(3)

    verdict = checked(lines, head)

    assert (verdict.whole, verdict.records, verdict.last and verdict.last.seq) == (True, 3, 3)
    record = read(lines[0])
    assert record is not None
    assert (record.seq, record.prev, record.kind, record.at_ms) == (1, GENESIS, "permit", AT_MS)
    assert record.fields["why"] == 'says "no" \u00fc\u4e2d'
    assert lines[0].startswith(b'{"seq":1,"at":1772500000000,"kind":"permit"')


@given(st.integers(1, 8), st.data())
@settings(max_examples=300, deadline=None)
def test_any_changed_byte_is_found(count: int, data: st.DataObject) -> None:
    """Wherever it is, also at the very end, and the record is named."""
    lines, head = chain(count)
    which = data.draw(st.integers(0, count - 1))
    where = data.draw(st.integers(0, len(lines[which]) - 1))
    flip = data.draw(st.integers(1, 255))
    line = bytearray(lines[which])
    line[where] ^= flip
    stream = b"".join([*lines[:which], bytes(line), *lines[which + 1 :]])

    faults = checked(stream.splitlines(keepends=True), head).faults

    assert faults
    assert any(fault.line in {which + 1, which + 2} for fault in faults)


@given(st.integers(1, 8), st.data())
@settings(max_examples=200, deadline=None)
def test_any_missing_run_of_records_is_found(count: int, data: st.DataObject) -> None:
    """At the beginning, in the middle, at the end; exactly these are named."""
    lines, head = chain(count)
    first = data.draw(st.integers(1, count))
    last = data.draw(st.integers(first, count))
    left = lines[: first - 1] + lines[last:]

    assert (FaultKind.MISSING, first, last) in found(left, head)


@given(st.integers(1, 8), st.data())
@settings(max_examples=200, deadline=None)
def test_a_file_that_is_cut_off_anywhere_is_found(count: int, data: st.DataObject) -> None:
    """In the middle of a record as well."""
    lines, head = chain(count)
    stream = b"".join(lines)
    cut = data.draw(st.integers(0, len(stream) - 1))

    assert checked(stream[:cut].splitlines(keepends=True), head).faults


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9))
@settings(max_examples=300, deadline=None)
def test_any_other_order_is_found(order: list[int]) -> None:
    """Swapped, repeated, left out: only the chain as it was written is whole."""
    lines, head = chain(6)

    verdict = checked([lines[i] for i in order], head)

    assert verdict.whole == (order == [0, 1, 2, 3, 4, 5])


def test_what_is_wrong_is_named() -> None:
    """Each kind by its own name, and what follows from it is not held against the rest."""
    lines, head = chain(6)

    assert found([*lines[:2], lines[3], lines[2], *lines[4:]], head) == [(FaultKind.DISORDER, 3, 3)]
    assert found([*lines, lines[4]], head) == [(FaultKind.DISORDER, 5, 5)]
    assert found([lines[0], lines[1].replace(b"A1", b"A9"), *lines[2:]], head) == [(FaultKind.ALTERED, 2, 2)]
    assert found([lines[0], b"garbage\n", *lines[1:]], head) == [(FaultKind.ALTERED, 2, 2)]
    assert str(Fault(FaultKind.MISSING, "f", 3, 4, 9, "why")) == "f, line 3: records 4 to 9: missing (why)"


def test_a_record_that_was_made_anew_does_not_fit() -> None:
    """With a right hash of its own: the next record gives it away, and at the end the sealed head."""
    lines, head = chain(4)
    forged, _ = written(Entry(AT_MS, "permit", {"attempt": "forged"}), Head(1, str(read(lines[0]).hash)))  # type: ignore[union-attr]
    last, _ = written(Entry(AT_MS, "permit", {"attempt": "forged"}), Head(3, str(read(lines[2]).hash)))  # type: ignore[union-attr]

    assert found([lines[0], forged, *lines[2:]], head) == [(FaultKind.UNLINKED, 3, 3)]
    assert found([*lines[:3], last], head) == [(FaultKind.HEAD, 4, 4)]


def test_a_whole_chain_that_was_written_anew_is_found() -> None:
    """It is sound in itself, but it is not what was sealed."""
    _, head = chain(4)
    lines, end = [], Head()
    for i in range(4):
        line, end = written(Entry(AT_MS + i, "refusal", {}), end)
        lines.append(line)

    assert found(lines, head) == [(FaultKind.HEAD, 4, 4)]
    assert seal(KEY, head) != seal(KEY, end)


def test_what_was_deleted_on_record_is_not_missing() -> None:
    """A tombstone in what is kept says up to which record, with its hash; anything else is missing."""
    lines, head = chain(4)
    gone = read(lines[1])
    assert gone is not None
    right, sealed = written(Entry(AT_MS, DELETED, {"first": 1, "last": 2, "last_hash": gone.hash}), head)
    wrong, sealed_too = written(Entry(AT_MS, DELETED, {"first": 1, "last": 2, "last_hash": "0" * 64}), head)

    assert checked([*lines[2:], right], sealed).whole
    assert found([*lines[2:], wrong], sealed_too) == [(FaultKind.MISSING, 1, 2)]
    assert found([*lines[3:], right], sealed) == [(FaultKind.MISSING, 1, 3)]


def test_an_unfinished_end_is_forgiven_only_as_it_is_on_record() -> None:
    """The next file names its bytes; other bytes are an alteration."""
    lines, _ = chain(2)
    torn = lines[1][:40]
    after, _ = chain(1)
    (begin,) = after
    record = read(begin)
    assert record is not None
    said = [{"file": "a", "bytes": 40, "sha256": hashlib.sha256(torn).hexdigest()}]
    opened, end = written(Entry(AT_MS, OPENED, {"torn": said}), Head(1, record.hash))

    def verdict(tail: bytes) -> Verdict:
        return verify([Line("a.jsonl", 1, begin), Line("a.jsonl", 2, tail), Line("b.jsonl", 1, opened)], end)

    assert (verdict(torn).whole, verdict(torn).torn) == (True, ["a"])
    assert [fault.kind for fault in verdict(torn[:-1]).faults] == [FaultKind.ALTERED]


def test_a_line_that_is_being_written_is_no_fault() -> None:
    """Behind the sealed head, without its line end: nobody relies on it yet."""
    lines, head = chain(2)
    unfinished, _ = chain(1, head)

    verdict = checked([*lines, unfinished[0][:50]], head)

    assert (verdict.whole, verdict.unfinished) == (True, True)
    assert not checked([*lines, unfinished[0][:50]], None).whole


def test_a_single_file_may_begin_and_end_anywhere() -> None:
    """What is in it is checked all the same."""
    lines, _ = chain(6)
    part = [Line("f", i, raw) for i, raw in enumerate(lines[2:5], 1)]

    assert verify(part, part=True).whole
    assert [fault.kind for fault in verify([part[0], part[2]], part=True).faults] == [FaultKind.MISSING]


@pytest.mark.parametrize("raw", [b"", b"\n", b"{}\n", b'{"seq":1}\n', b"\xff\xfe\n", b"[" * 5000])
def test_nonsense_is_no_record(raw: bytes) -> None:
    """Also where it comes with a right hash."""
    body = raw.rstrip(b"\n}")
    hashed = body + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'

    assert read(raw) is None
    assert read(hashed) is None


def test_a_number_is_a_keyed_hash() -> None:
    """The same number gives the same hash under one key, another one under another, and none shows the number."""
    number = E164("+8613800001234")

    assert number_hash(KEY, number) == number_hash(KEY, E164("+8613800001234"))
    assert number_hash(KEY, number) != number_hash(KEY[::-1], number)
    assert key_id(KEY) != key_id(KEY[::-1])
    assert len(number_hash(KEY, number)) == 64
