"""What the daemons say about themselves, read from the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dialer.core.board import Board, from_wire, with_sentences
from dialer.language.translation import _, translated
from dialer.operating.text import clean
from dialer.store.base.connection import Store
from dialer.store.base.fields import Undecodable
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

    def said(self) -> Hosts:
        """The same with its sentences in the language of the moment."""
        return Hosts(tuple(with_sentences(board, translated) for board in self.boards), self.unreadable)

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
    """Everything that is published at the moment, in the language of the moment."""
    return HostReader(store).read().said()


@dataclass(slots=True)
class HostReader:
    """Reads again and again, and understands anew only what a daemon has said since: for whoever looks often."""

    store: Store
    _kept: dict[str, tuple[bytes, Board | None]] = field(default_factory=dict)

    def read(self) -> Hosts:
        """Everything that is published at the moment, in no language yet; the same object for a board that is the
        same. Raises `StoreError`."""
        kept, self._kept = self._kept, {}
        for host, raw in status.raw_words(self.store).items():
            known = kept.get(host)
            self._kept[host] = known if known is not None and known[0] == raw else (raw, _board(host, raw))
        boards = tuple(board for _, board in self._kept.values() if board is not None)
        return Hosts(boards, tuple(host for host, (_, board) in self._kept.items() if board is None))


def _board(host: str, raw: bytes) -> Board | None:
    try:
        return from_wire(_clean(status.word_of(host, raw).snapshot))
    except (Undecodable, ValueError):
        return None
