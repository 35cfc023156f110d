"""`dialer recordings` on recordings that are really there, and on a real server."""

from __future__ import annotations

import io
import stat
import time
import tomllib
import wave
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from compliance.evidence import Entry
from config.recordings.scoring import SHIPPED
from dialer.core.evidence import ms
from dialer.core.evidence import recording as on_record
from dialer.disk.evidence_log import open_evidence
from dialer.disk.recordings import index
from dialer.disk.recordings.encoder import done
from dialer.disk.recordings.orders import Order
from dialer.store.base.connection import Store, trip
from dialer.store.base.fields import unpacked
from dialer.store.operators import control
from tests.cli.conftest import Dialer, data
from tests.disk.recordings.made_talks import AT, write_talk
from tests.sip.tones import tone

NAMES = ("19a3f-2b7c-000001", "19a3f-2b7c-000002", "19a3f-2b7c-000003")
WEEK = "2026-W10"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three recordings of two agents, the second a day later, and the evidence of them."""
    rows = []
    for place, name in enumerate(NAMES):
        agent = "17" if place < 2 else "18"
        facts: dict[str, Any] = {"at": AT + 86_400 * (place == 1), "agent": agent, "lead": f"L{place}"}
        write_talk(tmp_path / "live", name, (0, tone(500, 1.0), tone(900, 1.0)), **facts)
        order = Order(live=str(tmp_path / "live"), name=name, folder=str(tmp_path / "rec"), bitrate_kbps=24)
        row = done(order).row
        assert row is not None
        index.append(tmp_path / "rec", row)
        rows.append(row)
    log = open_evidence(
        tmp_path / "evidence", tmp_path / "key", host="one", version="1", segment_bytes=10**6, new_key=bytes(32)
    )
    entries: list[Entry] = [
        on_record(row.campaign, row.attempt, row.file, row.sha256, row.duration_s, 0.0, AT) for row in rows
    ]
    log.append(entries, opened_ms=ms(AT))
    log.close()
    return tmp_path / "rec"


@pytest.fixture
def here(dialer: Dialer, folder: Path) -> Callable[..., Result]:
    """`dialer recordings` on that folder."""

    def call(*arguments: str, **more: Any) -> Result:
        places = ("--set", f"recordings.folder={folder}", "--set", f"evidence.folder={folder.parent / 'evidence'}")
        return dialer(*places, "recordings", *arguments, **more)

    return call


def audited(store: Store) -> list[tuple[str, Any]]:
    return [(line.what, line.detail) for line in control.audit_trail(store, 10)]


def test_list_shows_the_newest_first_and_no_hash(here: Any) -> None:
    """By agent and time; masked, and without what stands for the number."""
    shown = data(here("list", "--json"))
    assert [row["attempt"] for row in shown] == [NAMES[1], NAMES[2], NAMES[0]]
    assert "number" not in shown[0]
    assert shown[0]["phone"] == "+86138****8000"
    assert [row["attempt"] for row in data(here("list", "--agent", "18", "--json"))] == [NAMES[2]]
    day = datetime.fromtimestamp(AT + 86_400, UTC).isoformat()
    assert [row["attempt"] for row in data(here("list", "--since", day, "--json"))] == [NAMES[1]]
    assert "no such recording" in here("list", "--agent", "99").stdout
    assert data(here("list", "--limit", "1", "--json"))[0]["attempt"] == NAMES[1]


def test_list_fits_80_columns(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No id and no time is broken."""
    monkeypatch.setattr("dialer.cli.base.output.PIPED_WIDTH", 80)
    text = here("list").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert all(name in text for name in NAMES)


def test_play_is_audited_and_gives_the_recording(here: Any, store: Store, folder: Path) -> None:
    """Piped, it is the Opus file as it is."""
    row = index.find(folder, NAMES[0])
    assert row is not None
    result = here("play", NAMES[0])
    assert result.exit_code == 0
    assert result.stdout_bytes == index.path_of(folder, row).read_bytes()
    ((what, detail),) = audited(store)
    assert (what, detail["attempts"]) == ("recording_play", [NAMES[0]])


def test_nothing_is_played_that_cannot_be_audited(folder: Path, dialer: Dialer) -> None:
    """Without Redis there is no audit trail, and no sound."""
    result = dialer(
        *("--redis", "redis://127.0.0.1:1/0", "--set", f"recordings.folder={folder}", "recordings", "play", NAMES[0])
    )
    assert result.exit_code == 3
    assert b"OggS" not in result.stdout_bytes


def test_play_of_what_is_not_here(here: Any) -> None:
    """With a hint where it may be."""
    result = here("play", "19a3f-2b7c-000099")
    assert result.exit_code == 6
    assert "Another host" in result.stderr


def test_export_leaves_copies_for_their_owner_and_a_trace(here: Any, store: Store, tmp_path: Path) -> None:
    """As WAV with both channels; who took what is kept where only the administrator may write."""
    target = tmp_path / "court"
    result = here("export", NAMES[0], NAMES[2], "--to", str(target), "--wav", "--json")
    assert data(result)["recordings"] == [NAMES[0], NAMES[2]]
    path = target / f"{NAMES[0]}.wav"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with wave.open(io.BytesIO(path.read_bytes())) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 48_000)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert len(samples) / 48_000 == pytest.approx(1.0, abs=0.05)
    assert audited(store)[0][0] == "recording_export"
    (entry,) = trip(store, [("XRANGE", store.keys.recordings_handed(), "-", "+")])[0]
    handed = unpacked(entry[1][1])
    assert (handed["what"], handed["attempts"], handed["to"]) == ("export", [NAMES[0], NAMES[2]], str(target))
    assert here("export", "--to", str(target)).exit_code == 2


def test_verify_finds_what_is_wrong(here: Any, folder: Path) -> None:
    """Nothing at first; then a file that was altered, one that is gone, one for all to read, one that nobody knows."""
    assert data(here("verify", "--json")) == {"recordings": 3, "evidence": True, "faults": []}
    rows = {row.attempt: index.path_of(folder, row) for row in index.all_rows(folder)}
    rows[NAMES[0]].write_bytes(b"OggS")
    rows[NAMES[1]].unlink()
    rows[NAMES[2]].chmod(0o644)
    (rows[NAMES[2]].parent / "19a3f-2b7c-000009.opus").touch()
    result = here("verify", "--json")
    assert result.exit_code == 10
    faults = data(result)["faults"]
    for name, words in ((NAMES[0], "not as it was made"), (NAMES[1], "not there"), (NAMES[2], "chmod 0600")):
        assert [fault for fault in faults if fault.startswith(name) and words in fault]
    assert "is not in the index" in faults[-1]
    assert len(faults) == 4


def test_verify_of_some_days_takes_no_later_recording_for_a_stray(here: Any) -> None:
    """Only one day is checked; what the index knows of others is known."""
    day = f"{datetime.fromtimestamp(AT, UTC):%Y-%m-%d}"
    assert data(here("verify", "--until", day, "--json")) == {"recordings": 2, "evidence": True, "faults": []}


def test_verify_does_not_believe_an_index_that_was_altered_with_its_file(here: Any, folder: Path) -> None:
    """The evidence has the digest as it was."""
    import hashlib

    import msgspec

    row = index.find(folder, NAMES[0])
    assert row is not None
    index.path_of(folder, row).write_bytes(b"another")
    index.append(folder, msgspec.structs.replace(row, sha256=hashlib.sha256(b"another").hexdigest()))
    assert data(here("verify", "--json"))["faults"] == [f"{NAMES[0]}: the evidence has another digest"]


def test_purge_asks_and_leaves_a_trace(here: Any, store: Store, folder: Path) -> None:
    """Not without a word of what; then file and line are gone."""
    assert here("purge").exit_code == 2
    assert here("purge", NAMES[0], input="n\n").exit_code == 1
    assert len(list(index.all_rows(folder))) == 3
    assert "Deleted 2 recordings" in here("purge", "--agent", "17", "--yes").stdout
    assert [row.attempt for row in index.all_rows(folder)] == [NAMES[2]]
    assert not list(folder.rglob(f"{NAMES[0]}*"))
    assert audited(store)[0][0] == "recording_purge"


def test_a_sample_is_drawn_marked_and_summed_up(here: Any, store: Store, tmp_path: Path) -> None:
    """From the lot to the figures; the sheet is TOML that any editor can fill in."""
    sheet = tmp_path / "week.toml"
    drawn = data(here("sample", "--per-agent", "1", "--week", WEEK, "--shortest", "0", "--to", str(sheet), "--json"))
    again = data(here("sample", "--per-agent", "1", "--week", WEEK, "--shortest", "0", "--json"))
    assert drawn == again
    assert [row["agent"] for row in drawn["recordings"]] == ["17", "18"]
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    items = tomllib.loads(SHIPPED.read_text())["items"]
    filled = tomllib.loads(sheet.read_text())
    assert [item["name"] for item in filled["sheet"]["items"]] == [item["name"] for item in items]
    assert set(filled["recording"][0]["marks"].values()) == {-1}
    result = here("score", str(sheet))
    assert (result.exit_code, "nothing is marked" in result.stderr) == (7, True)
    text = sheet.read_text().replace("greeting = -1", "greeting = 99", 1)
    sheet.write_text(text)
    result = here("score", str(sheet))
    assert result.exit_code == 2
    assert "recording[0]" in result.stderr
    assert "99 is not from 0 to 10" in result.stderr
    assert "say who listened" in result.stderr
    before, marks, after = text.split("[recording.marks]")
    for item in items:
        half = f"{item['name']} = {item['most'] // 2}"
        marks = marks.replace(f"{item['name']} = 99", half).replace(f"{item['name']} = -1", half)
    sheet.write_text("[recording.marks]".join([before.replace('by = ""', 'by = "li"'), marks, after]))
    assert data(here("score", str(sheet), "--json")) == {"scored": [drawn["recordings"][0]["attempt"]], "left": 1}
    assert audited(store)[0][0] == "recording_score"
    (summary,) = data(here("scores", "--json"))
    assert (summary["agent"], summary["recordings"], summary["share"]) == ("17", 1, 0.5)
    assert "50 %" in here("scores").stdout
    assert here("sample", "--week", WEEK, "--shortest", "0", "--to", str(sheet)).exit_code == 7


def test_the_last_whole_week_is_meant_where_none_is_given(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins on a Monday."""
    monkeypatch.setattr("dialer.cli.recordings.sampling.now", lambda: AT + 7 * 86_400)
    assert data(here("sample", "--week", "--shortest", "0", "--json"))["week"] == WEEK
    assert data(here("sample", "--shortest", "0", "--json"))["week"] == WEEK
    assert here("sample", "--week", "2026-99").exit_code == 2
    assert time.time() > AT
