"""An archive beside the session's real server, and events as the daemons write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from config.campaign import CampaignSettings
from dialer.archive.standing import open_writer
from dialer.archive.writer import Ages, Writer
from dialer.core.model import Settlement
from dialer.disk.archive.database import connect, quoted, run
from dialer.store.base.connection import Store
from dialer.store.operators import campaigns
from dialer.store.settlement.outbox import publish
from dialer.store.settlement.settlements import event_of
from tests.store.conftest import NOW, OWNER, Floor, end, settings

__all__ = ["end", "settings"]

KEY = "ab" * 32


@dataclass
class Archive:
    """A folder, and a writer over it."""

    folder: Path
    key_file: Path
    writer: Writer

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement gives; `{attempts}` and so on stand for the tables' files."""
        names = (
            "attempts",
            "inbound_calls",
            "lists",
            "outcomes",
            "agent_intervals",
            "pacing_minutes",
            "campaign_changes",
        )
        there = {name: f"read_parquet({quoted(self.folder / name / '*' / '*.parquet')})" for name in names}
        return run(connect(threads=1), sql.format(**there))

    def attempts(self) -> dict[str, str]:
        """Dispositions by attempt; fails where an attempt is there twice."""
        return self._ends("attempts")

    def inbound_calls(self) -> dict[str, str]:
        """The same of calls from outside."""
        return self._ends("inbound_calls")

    def _ends(self, table: str) -> dict[str, str]:
        rows = self.rows(f"SELECT attempt_id, disposition FROM {{{table}}}")
        assert len(rows) == len(dict(rows))
        return dict(rows)

    def catch_up(self) -> None:
        """Read all there is, and write it."""
        while self.writer.step():
            pass
        self.writer.flush()


@pytest.fixture
def archive(store: Store, tmp_path: Path) -> Iterator[Archive]:
    """An archive that is open and has read nothing yet."""
    key_file = tmp_path / "evidence.key"
    key_file.write_text(KEY)
    key_file.chmod(0o600)
    with open_writer(store, tmp_path / "archive", key_file, 3600.0, Ages(304, 1826), "test") as writer:
        writer.open(NOW)
        yield Archive(tmp_path / "archive", key_file, writer)


@dataclass
class Calls:
    """Attempts of leads that are there, and what is published of them."""

    store: Store
    floor: Floor
    end: Callable[..., Settlement]
    made: list[Settlement] = field(default_factory=list)

    def settle(self, count: int, **more: Any) -> list[Settlement]:
        """So many attempts that ended; nothing is published yet."""
        self.floor.fill(count, customer_id="C-4711")
        ended = [self.end(permitted, **more) for permitted in self.floor.dial(count)]
        self.made += ended
        return ended

    def publish(self, ended: list[Settlement], *, corrects: str = "") -> None:
        publish(self.store, [event_of(replace(one, day="2026-03-03"), OWNER, corrects) for one in ended])


@pytest.fixture
def calls(store: Store, settings: CampaignSettings, end: Callable[..., Settlement]) -> Calls:
    """A campaign with calls."""
    campaigns.create(store, settings, who="test", now=NOW)
    return Calls(store, Floor(store, settings), end)
