"""The pages of man."""

from __future__ import annotations

from dialer.cli import COMMANDS
from dialer.cli.host.manual import pages


def test_every_command_has_a_page() -> None:
    """With its subcommands and options; `dialer` leads to all of them, and no line is taken for a request of roff."""
    made = pages()
    names = {name: name.replace("-", "\\-") for name in COMMANDS}

    assert set(made) == {"dialer", *(f"dialer-{name}" for name in COMMANDS)}
    assert all(f"dialer\\-{escaped}\\fR(1)" in made["dialer"] for escaped in names.values())
    assert '.SH "dialer leads import' in made["dialer-leads"]
    assert "\\fB\\-\\-dry\\-run\\fR" in made["dialer-leads"]
    requests = {line.split()[0] for text in made.values() for line in text.splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".ad", ".SH", ".PP", ".TP", ".RS", ".RE", ".nf", ".fi"}
