"""The catalogues of sentences, brought up to date with the code: `make language`.

What is marked in the code is looked for, what is gone is taken out, nothing is guessed (no fuzzy matches), and the
binary files that the product reads are written. Where neither code nor translation has changed it changes nothing.
"""

from __future__ import annotations

import ast
import io
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import jinja2
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import extract_from_ast

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("config", "dialer")
"""Folders with sentences."""

WORDS: Final = ROOT / "dialer" / "language" / "words.toml"
LOCALES: Final = ROOT / "dialer" / "language" / "locale"
LANGUAGES: Final = ("zh_CN",)
MARKS: Final = {"_": 1, "_n": 2, "phrase": 1, "phrases": 2, "N_": 1, "C_": 2}
"""Functions whose first arguments are sentences: one, singular and plural, or (`C_`) a context and one."""

COMMENT: Final = "# What people read, in their language; CONTRIBUTING.md says how it comes here."
LONGEST_LINE: Final = 110


def file_of(language: str, ending: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / f"dialer.{ending}"


def marked() -> Iterator[tuple[Path, str | None, str | tuple[str, ...]]]:
    """Every sentence that is marked in the code: where, its context, and the text, or singular and plural."""
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
                given = node.args[: MARKS[node.func.id]]
                texts = [each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)]
                if given and len(texts) == len(given):  # a word out of a table is marked there
                    context = texts.pop(0) if node.func.id == "C_" else None
                    yield path, context, tuple(texts) if len(texts) > 1 else texts[0]


def words() -> Iterator[str]:
    """The words of data and tables."""
    for listed in tomllib.loads(WORDS.read_text()).values():
        yield from listed


def marked_in_pages() -> Iterator[tuple[Path, str | tuple[str, ...]]]:
    """The same in the console's templates."""
    environment = jinja2.Environment(extensions=["jinja2.ext.i18n"])
    for path in sorted((ROOT / "dialer").rglob("templates/**/*.html")):
        for _line, _mark, text in extract_from_ast(environment.parse(path.read_text()), ("_", "_n")):
            texts = [each for each in ([text] if isinstance(text, str) else text) if each is not None]  # facts are None
            yield path, tuple(texts) if len(texts) > 1 else texts[0]


def catalogue(language: str) -> Catalog:
    """What there is of a language, up to date with the code."""
    template = Catalog()
    for path, context, text in marked():
        template.add(text, locations=[(str(path.relative_to(ROOT)), 0)], context=context)
    for word in words():
        template.add(word, locations=[(str(WORDS.relative_to(ROOT)), 0)])
    for path, text in marked_in_pages():
        template.add(text, locations=[(str(path.relative_to(ROOT)), 0)])
    with file_of(language, "po").open("rb") as file:
        known = read_po(file, locale=language)
    known.update(template, no_fuzzy_matching=True)
    known.obsolete.clear()
    known.header_comment, known.project, known.fuzzy = COMMENT, "dialer", False
    known.creation_date = known.revision_date = datetime(2026, 1, 1, tzinfo=UTC)  # else each run would change the file
    return known


def written(known: Catalog) -> dict[str, bytes]:
    """Both files by their endings: for translators, and for the product."""
    text, binary = io.BytesIO(), io.BytesIO()
    write_po(text, known, width=LONGEST_LINE, sort_by_file=True, include_lineno=False)
    write_mo(binary, known)
    return {"po": text.getvalue(), "mo": binary.getvalue()}


def untranslated(known: Catalog) -> list[Any]:
    """The sentences that have no translation yet, or none for one of their forms."""
    return [message.id for message in known if message.id and not all(forms(message.string))]


def forms(string: Any) -> tuple[str, ...]:
    """A sentence's forms: one, or those by number."""
    return tuple(string) if isinstance(string, list | tuple) else (string or "",)


def main() -> int:
    missing = []
    for language in LANGUAGES:
        known = catalogue(language)
        for ending, content in written(known).items():
            file_of(language, ending).write_bytes(content)
        missing += untranslated(known)
        sys.stdout.write(f"{file_of(language, 'po').relative_to(ROOT)}: {len(known)} sentences\n")
    sys.stdout.writelines(f"without a translation: {each}\n" for each in missing)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
