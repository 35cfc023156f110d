"""In which encoding a text file is: told apart by how likely its names would be in each, or doubted.

Files without a mark are UTF-8 if they are valid UTF-8. Else five encodings are asked how likely their readers write the
characters that the bytes would be: ordinary Chinese characters, kana, accented letters within words are likely,
characters of the second level of each standard, symbols and half-width kana are not. The likeliest wins if it is far
ahead and its text likely; a general detector, charset-normalizer, was right less often on short lists of names.
"""

from __future__ import annotations

import codecs
import hashlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dialer.language.translation import _

CHUNK_BYTES: Final = 1 << 20
SAMPLE_BYTES: Final = 1 << 18
"""So much text besides ASCII is looked at."""

LEAST_AHEAD: Final = 4.0
"""By so much (natural logarithm) the likeliest encoding must be ahead: e⁴ is 55 to 1."""

MOST_ODD: Final = 0.15
"""Above this share of unlikely characters even the likeliest encoding is doubted."""

# What separates cells; none of these bytes is the second one of a character.
_CELL: Final = re.compile(rb'[^,;\t\r\n"]*[\x80-\xff][^,;\t\r\n"]*')
_PUNCTUATION: Final = frozenset("（）·，、。　：；－ー—“”「」《》【】・々")
_ACCENTED: Final = frozenset("äöüÄÖÜßéèêëàâáãåçñóòôõøØÅæÆíìîïúùûýÿœÉÈÀÇÑÁÍÓÚÃÕÊÂŠšŽž’–")
_BEFOREHAND: Final = {"cp949": -3.0}
"""Every Korean syllable is a Chinese character in daily use, too: a short text is rather Chinese."""

_LETTER: Final = math.log(1 / 40)


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a file is written in. `digest` names its content."""

    name: str
    digest: str
    size_bytes: int


class UnknownEncoding(ValueError):
    """A file whose encoding nobody can tell; the message says what can be done."""


def find_encoding(path: Path, given: str | None = None) -> Encoding:
    """The encoding of a file, `given` or found out; all of the file must be valid in it. Raises `UnknownEncoding`."""
    with path.open("rb") as file:
        head = file.read(4096)
    if given is not None:
        return _whole(path, _known(given)) or _invalid(path, (given,))
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _whole(path, "utf-16") or _invalid(path, ("UTF-16",))
    if b"\0" in head:
        name = "utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"
        return _whole(path, name) or _invalid(path, ("UTF-16",))
    utf8 = _whole(path, "utf-8-sig")
    return utf8 if utf8 is not None else _likeliest(path)


def _known(name: str) -> str:
    try:
        return "utf-8-sig" if codecs.lookup(name).name == "utf-8" else name
    except LookupError:
        raise UnknownEncoding(_("no encoding is called {name!r}", name=name)) from None


def _invalid(path: Path, names: Sequence[str]) -> Encoding:
    raise UnknownEncoding(_("the file is not text in {names}; see --encoding", names=" or ".join(names)))


def _whole(path: Path, name: str) -> Encoding | None:
    """None where some of the file is not valid in it."""
    digest, size = hashlib.blake2b(digest_size=4), 0
    decoder = codecs.getincrementaldecoder(name)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeError:
        return None
    return Encoding(name, digest.hexdigest(), size)


def _likeliest(path: Path) -> Encoding:
    possible = {name: read for name in MODELS if (read := _whole(path, name)) is not None}
    if not possible:
        names = ("UTF-8", *(SHOWN.get(name, name) for name in MODELS))
        return _invalid(path, names)
    guesses = [guess for guess in guessed(_sample(path)) if guess.name in possible]
    if not guesses or is_doubtful(guesses):
        readings = "; ".join(f"--encoding {guess.name}: {guess.example}" for guess in guesses[:3])
        raise UnknownEncoding(
            _("nobody can tell in which encoding the file is: choose by how it reads ({readings})", readings=readings)
        )
    return possible[guesses[0].name]


def _sample(path: Path) -> bytes:
    """The cells with more than ASCII in them, the first ones of the file."""
    cells: list[bytes] = []
    size = 0
    with path.open("rb") as file:
        for line in file:
            some = _CELL.findall(line[:CHUNK_BYTES])
            cells += some
            size += sum(map(len, some))
            if size >= SAMPLE_BYTES:
                break
    return b"\n".join(cells)


# --- how likely -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Guess:
    """An encoding, the logarithm of how likely the bytes are in it, the share of odd characters, and how it reads."""

    name: str
    likelihood: float
    odd_share: float
    example: str


def guessed(cells: bytes) -> list[Guess]:
    """The encodings that some cells, one a line, may be in, the likeliest first."""
    guesses = []
    for name, likelihood_of in MODELS.items():
        try:
            text = cells.decode(name)
        except UnicodeDecodeError:
            continue
        likelihoods = [likelihood_of(text, place) for place, char in enumerate(text) if char > "\x7f"]
        odd = sum(each < _ODD_BELOW[name] for each in likelihoods) / max(1, len(likelihoods))
        # Letters that are the second half of a character elsewhere stand for themselves here.
        ascii_letters = sum(char <= "\x7f" and char != "\n" for char in text)
        example = text.split("\n", 1)[0][:12]
        likelihood = sum(likelihoods) + ascii_letters * _LETTER + _BEFOREHAND.get(name, 0.0)
        guesses.append(Guess(name, likelihood, odd, example))
    return sorted(guesses, key=lambda guess: -guess.likelihood)


def is_doubtful(guesses: Sequence[Guess]) -> bool:
    """Whether the first guess is too close to the second, or unlikely itself."""
    close = len(guesses) > 1 and guesses[0].likelihood - guesses[1].likelihood < LEAST_AHEAD
    return close or guesses[0].odd_share > MOST_ODD


def _of_class(mass: float, characters: int) -> float:
    return math.log(mass / characters)


def _simplified(text: str, place: int) -> float:
    """GB 2312 level 1 has 3,755 characters in daily use, level 2 3,008 rare ones; GBK adds 20,000 hardly ever used."""
    char = text[place]
    if char in _PUNCTUATION:
        return _of_class(0.02, 20)
    raw = char.encode("gb18030")
    if len(raw) == 2 and raw[1] >= 0xA1 and 0xB0 <= raw[0] <= 0xF7:
        return _of_class(0.93, 3755) if raw[0] <= 0xD7 else _of_class(0.03, 3008)
    return _of_class(0.004, 20_000) if len(raw) == 2 else _of_class(0.0002, 30_000)


def _traditional(text: str, place: int) -> float:
    """Big5 has 5,401 characters in daily use and 7,652 rare ones."""
    char = text[place]
    if char in _PUNCTUATION:
        return _of_class(0.02, 20)
    lead = char.encode("cp950", "replace")[0]
    if 0xA4 <= lead <= 0xC6:
        return _of_class(0.95, 5401)
    return _of_class(0.02, 7652) if 0xC9 <= lead <= 0xF9 else _of_class(0.004, 2000)


def _japanese(text: str, place: int) -> float:
    """Kana, 2,965 kanji of JIS level 1, 3,390 of level 2; half-width kana are for machines."""
    char = text[place]
    if "\u3041" <= char <= "\u30fe":
        return _of_class(0.30, 170)
    if char in _PUNCTUATION:
        return _of_class(0.03, 20)
    raw = char.encode("cp932", "replace")
    if len(raw) == 1:
        return _of_class(0.005, 63)
    if 0x88 <= raw[0] <= 0x98:
        return _of_class(0.63, 2965)
    return _of_class(0.03, 3390) if raw[0] <= 0xEA else _of_class(0.004, 1000)


def _korean(text: str, place: int) -> float:
    """The 2,350 syllables of KS X 1001; hanja are rare, and the other syllables of the standard hardly exist."""
    raw = text[place].encode("cp949", "replace")
    if len(raw) == 2 and raw[1] >= 0xA1:
        if 0xB0 <= raw[0] <= 0xC8:
            return _of_class(0.95, 2350)
        return _of_class(0.02, 4888) if raw[0] >= 0xCA else _of_class(0.01, 1000)
    return _of_class(0.002, 8822)


def _western(text: str, place: int) -> float:
    """Accented letters beside letters of the alphabet, and seldom anything else."""
    char = text[place]
    if char not in _ACCENTED:
        return _of_class(0.02, 190)
    beside = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
    in_a_word = any(near.isascii() and near.isalpha() for near in beside)
    return _of_class(0.9, 80) if in_a_word else _of_class(0.006, 80)


MODELS: Final[Mapping[str, Callable[[str, int], float]]] = {
    "gb18030": _simplified,
    "cp950": _traditional,
    "cp932": _japanese,
    "cp949": _korean,
    "cp1252": _western,
}
_ODD_BELOW: Final = {"gb18030": -11.0, "cp950": -12.0, "cp932": -9.0, "cp949": -9.0, "cp1252": -7.0}
"""What is less likely than this is odd: rare characters and symbols."""

SHOWN: Final = {
    "utf-8-sig": "UTF-8",
    "gb18030": "GB18030",
    "cp950": "Big5",
    "cp932": "Shift-JIS",
    "cp949": "Korean (CP949)",
    "cp1252": "Windows-1252",
}
"""What people call them."""
