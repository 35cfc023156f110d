"""In which encoding a list is."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from dialer.cli.sheets.encodings import Encoding, UnknownEncoding, find_encoding, guessed, is_doubtful
from tests.cli.sheets.lists import ENCODINGS, HEADERS, people

NAMES = {"gbk": "gb18030", "big5": "cp950", "shift_jis": "cp932", "utf-8": "utf-8-sig"}


def encoding_of(tmp_path: Path, raw: bytes, given: str | None = None) -> Encoding:
    path = tmp_path / "list.csv"
    path.write_bytes(raw)
    return find_encoding(path, given)


@pytest.mark.parametrize("rows", [3, 10, 100, 1000])
@pytest.mark.parametrize(("kind", "encoding"), [(kind, name) for kind in HEADERS for name in ENCODINGS[kind]])
@pytest.mark.parametrize("header", [True, False])
def test_lists_of_names_are_told_apart(tmp_path: Path, kind: str, encoding: str, rows: int, header: bool) -> None:
    """Chinese, Japanese and Western ones, with a header of the country or an English one."""
    for seed in range(3):
        raw = people(kind, rows, seed, header=header).encode(encoding)

        assert encoding_of(tmp_path, raw).name == NAMES.get(encoding, encoding)


def test_a_few_names_among_many_decide(tmp_path: Path) -> None:
    """ASCII says nothing, however much of it there is."""
    plain = "".join(f"139{number:08d},John Smith,London\r\n" for number in range(5000))
    raw = (people("zh", 10, 1, header=False) + plain).encode("gbk")

    assert encoding_of(tmp_path, raw).name == "gb18030"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_needs_no_mark(tmp_path: Path, codec: str) -> None:
    """Digits and separators show it."""
    assert encoding_of(tmp_path, people("zh", 10, 1).encode(codec)).name == codec
    assert encoding_of(tmp_path, codecs.BOM_UTF16_LE + people("zh", 10, 1).encode("utf-16-le")).name == "utf-16"


@pytest.mark.parametrize(
    "raw",
    [
        "phone,name\n13800138001,é\n".encode("cp1252") + b"1,\xd7\xf3\n",
        "phone,name\n13800138001,Влади́мир Кузнецов\n13800138002,Ольга Смирнова\n".encode("cp1251", "replace"),
        "phone,name\n13800138001,김철수\n13800138002,이영희\n".encode("cp949"),
        "phone,name\n13800138001,王芳\n".encode()[:-2] + b"\n",
    ],
    ids=["one letter and one character", "Russian", "Korean", "UTF-8 with a cut character"],
)
def test_what_nobody_can_tell_is_refused_with_how_it_reads(tmp_path: Path, raw: bytes) -> None:
    """Names that would be garbage are not imported without a word; the user chooses."""
    with pytest.raises(UnknownEncoding, match="--encoding"):
        encoding_of(tmp_path, raw)


def test_what_the_user_says_counts(tmp_path: Path) -> None:
    """Also where the program would say something else; if the file is none of it, it is refused."""
    raw = people("zh", 10, 1).encode("gbk")

    assert encoding_of(tmp_path, raw, "latin-1").name == "latin-1"
    with pytest.raises(UnknownEncoding, match="not text in ascii"):
        encoding_of(tmp_path, raw, "ascii")
    with pytest.raises(UnknownEncoding, match="klingon"):
        encoding_of(tmp_path, raw, "klingon")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("王芳李娜张伟刘洋陈静杨帆黄磊", "gb18030"),
        ("陳怡君林志明黃淑芬張雅婷", "cp950"),
        ("佐藤さくら鈴木健太高橋ユキ", "cp932"),
        ("김철수이영희박지성최민수정우성강호동조인성윤아라", "cp949"),
        ("Jürgen Müller, José Muñoz, Zoë Lefèvre, François Côté", "cp1252"),
    ],
)
def test_ordinary_text_is_no_matter_of_doubt(text: str, name: str) -> None:
    """In each encoding that is known."""
    guesses = guessed(text.encode(name))

    assert guesses[0].name == name
    assert guesses[0].example == text[:12]
    assert not is_doubtful(guesses)
