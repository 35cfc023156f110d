"""What the daemons say about themselves, read from the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dialer.core.board import Board, from_wire, with_sentences
from dialer.language.translation import _, translated
from dialer.operating.text import clean
from dialer.store.base.connection import Store
from dialer.store.operators import status


@dataclass(frozen=True, slots=True)
class Hosts:
    """The boards of all live daemons, and the names of those whose words this version does not understand."""

    boards: tuple[Board, ...]
    unreadable: tuple[str, ...]

    @property
    def alive(self) -> bool:
        """Whether any daemon gives signs of life."""
        return bool(self.boards or self.unreadable)

    def problems(self, campaign: str) -> list[str]:
        """What the daemons complain of in a campaign that should run, each with its host."""
        rows = ((board, row) for board in self.boards for row in board.campaigns)
        return [
            _("{host}: {problem}", host=board.host, problem=row.problem)
            for board, row in rows
            if row.name == campaign and row.problem
        ]

    @property
    def notice(self) -> str:
        """What to tell people about the unreadable ones; empty where there are none."""
        if not self.unreadable:
            return ""
        return _("of another version, cannot be shown: {hosts}", hosts=", ".join(self.unreadable))


def _clean(value: Any) -> Any:
    """What a daemon says, without what would steer a terminal: names and reasons in it come from anybody."""
    kind = type(value)  # msgpack gives plain ones; this runs once a second over some thousand values
    if kind is str:
        return clean(value)
    if kind is dict:
        return {name: _clean(item) for name, item in value.items()}
    return [_clean(item) for item in value] if kind is list else value


def read(store: Store) -> Hosts:
    """Everything that is published at the moment."""
    boards, unreadable = [], []
    for host in status.read(store):
        try:
            boards.append(with_sentences(from_wire(_clean(host.snapshot)), translated))
        except ValueError:
            unreadable.append(host.host)
    return Hosts(tuple(boards), tuple(unreadable))
