"""The pages of man, from what docs/cli.md is made of: `python -m dialer.cli.host.manual FOLDER`.

One for `dialer`, and one for each command with all that is below it, as in `man dialer-campaign`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from dialer import __version__
from dialer.cli import COMMANDS
from dialer.cli.host.reference import EXITS, HEAD, command_section, global_options

PURPOSE: Final = "predictive outbound dialer"


def pages() -> dict[str, str]:
    """Roff by the name of the page."""
    commands = [f"- `dialer-{name}`(1): {entry.short_help}" for name, entry in COMMANDS.items()]
    exits = [f"- `{int(code)}`: {meaning}" for code, meaning in EXITS.items()]
    head = [HEAD.partition("`--help`.")[2], "## Options", *global_options(), "## Commands", *commands]
    made = {"dialer": _page("dialer", PURPOSE, [*head, "## Exit status", *exits])}
    for name, entry in COMMANDS.items():
        made[f"dialer-{name}"] = _page(f"dialer-{name}", entry.short_help, command_section(name))
    return made


def _page(name: str, purpose: str, markdown: Iterable[str]) -> str:
    lines = "\n".join(markdown).split("\n")
    title, summary = f'.TH "{name.upper()}" 1 "" "dialer {__version__}" "dialer"', _escaped(purpose.rstrip("."))
    head = [title, ".ad l", ".SH NAME", f"{_escaped(name)} \\- {summary}"]
    return "\n".join([*head, ".SH DESCRIPTION" if name == "dialer" else "", *_roff(lines)]).replace("\n\n", "\n") + "\n"


def _roff(lines: Iterable[str]) -> Iterator[str]:
    """Markdown of the reference in roff: headings, blocks of code, options, paragraphs."""
    code = False
    for line in lines:
        option = re.fullmatch(r"- `(.+?)`(\(\d\))?: (.*)", line)
        if line.startswith("```"):
            code = not code
            yield ".PP\n.RS 4\n.nf" if code else ".fi\n.RE"
        elif code:
            yield _escaped(line) or "\\&"
        elif line.startswith("#"):
            yield f'.SH "{_escaped(line.lstrip("# "))}"'
        elif option:
            yield f".TP\n\\fB{_escaped(option[1])}\\fR{option[2] or ''}\n{_inline(option[3])}"
        else:
            yield _inline(line) if line.strip() else ".PP"


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"\\fB\1\\fR", _escaped(text))


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("\x08", "")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def main() -> None:
    """Write the pages into a folder."""
    for name, text in pages().items():
        (Path(sys.argv[1]) / f"{name}.1").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
