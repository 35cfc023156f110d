"""Talks on disk: parts, pauses, headers that lie, files that end anywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.disk.errors import DiskError
from dialer.disk.recordings.talks import FACTS_FILE, HEADER_BYTES, RATE_HZ, Part, Talk, names, read_talk
from tests.disk.recordings.made_talks import AT, write_talk
from tests.sip.tones import tone


def whole(talk: Talk) -> np.ndarray:
    """The audio in one piece."""
    blocks = list(talk.blocks())
    return np.concatenate(blocks) if blocks else np.zeros((0, 2), np.int16)


def laid_out(talk: Talk) -> np.ndarray:
    """The same, slowly: each sample written where it belongs, a part no earlier than the end of the one before."""
    out: list[tuple[int, int]] = []
    for part in talk.parts:
        while len(out) < part.offset_ms * 8:
            out.append((0, 0))
        for place in range(max(len(part.callee), len(part.agent))):
            left = part.callee[place] if place < len(part.callee) else 0
            right = part.agent[place] if place < len(part.agent) else 0
            out.append((int(left), int(right)))
    return np.array(out, np.int16).reshape(-1, 2)


SIDE = st.lists(st.integers(-32768, 32767), max_size=400).map(lambda values: np.array(values, np.int16))


@given(st.lists(st.tuples(st.integers(0, 300), SIDE, SIDE), max_size=4))
def test_every_sample_is_where_it_belongs(parts: list[tuple[int, np.ndarray, np.ndarray]]) -> None:
    """Whatever the parts are: nothing is lost, nothing moves to the other side, pauses are silent and last."""
    ordered = sorted(parts, key=lambda part: part[0])
    talk = Talk("a", {}, tuple(Part(*part) for part in ordered if len(part[1]) or len(part[2])))
    assert np.array_equal(whole(talk), laid_out(talk))
    assert talk.samples == len(whole(talk))
    assert talk.paused_samples == talk.samples - sum(part.samples for part in talk.parts)
    assert all(len(block) <= RATE_HZ for block in talk.blocks())


def test_a_killed_worker_leaves_a_header_that_says_nothing(tmp_path: Path) -> None:
    """What there is is told by the size of the file; half a sample at its end is none."""
    folder = write_talk(tmp_path, "a1", (0, tone(500, 1.0), tone(900, 1.0)))
    path = folder / "000000000.callee.wav"
    raw = bytearray(path.read_bytes())
    raw[4:8] = raw[40:44] = bytes(4)
    path.write_bytes(raw[: HEADER_BYTES + 2 * 4000 + 1])
    talk = read_talk(tmp_path, "a1")
    assert [len(talk.parts[0].callee), len(talk.parts[0].agent)] == [4000, 8000]
    assert np.array_equal(whole(talk)[:4000, 0], tone(500, 1.0)[:4000])
    assert not whole(talk)[4000:, 0].any()


@pytest.mark.parametrize("left", [b"", b"RIFF", bytes(HEADER_BYTES)[:43]])
def test_a_file_without_audio_is_silence(tmp_path: Path, left: bytes) -> None:
    """The other side is there all the same; without it there is nothing."""
    folder = write_talk(tmp_path, "a1", (0, tone(500, 0.1), tone(900, 0.1)))
    (folder / "000000000.callee.wav").write_bytes(left)
    assert read_talk(tmp_path, "a1").samples == 800
    (folder / "000000000.agent.wav").unlink()
    assert read_talk(tmp_path, "a1").parts == ()


def test_what_is_no_wav_of_ours_is_not_taken_for_audio(tmp_path: Path) -> None:
    """Somebody put it there."""
    folder = write_talk(tmp_path, "a1", (0, tone(500, 0.1), tone(900, 0.1)))
    (folder / "000000000.agent.wav").write_bytes(b"x" * 500)
    with pytest.raises(DiskError, match="no recording of a worker"):
        read_talk(tmp_path, "a1")


@pytest.mark.parametrize("facts", ["", "{", '"x"', "[1]", '{"at": "now"}', "null"])
def test_facts_that_are_damaged_cost_no_recording(tmp_path: Path, facts: str) -> None:
    """When it began is then about when the file was written."""
    folder = write_talk(tmp_path, "a1", (0, tone(500, 0.1), tone(900, 0.1)))
    (folder / "talk.json").write_text(facts)
    assert abs(read_talk(tmp_path, "a1").facts["at"] - folder.stat().st_mtime) < 60
    (folder / "talk.json").unlink()
    assert read_talk(tmp_path, "a1").facts["at"] > AT


def test_only_folders_with_the_name_of_an_attempt_are_talks(tmp_path: Path) -> None:
    """Nothing leads out of the folder."""
    for name in ("19a3f-2b7c-000001", ".probe", "a b", "-x"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    assert names(tmp_path) == ["19a3f-2b7c-000001"]
    assert names(tmp_path / "none") == []


def test_folders_of_others_are_no_talks(tmp_path: Path) -> None:
    """What is no talk is never taken up, and so never deleted: a year of recordings where both folders are the same,
    and whatever else is in a folder that is shared."""
    (tmp_path / "2026" / "03" / "03").mkdir(parents=True)
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "000000000.agent.wav").touch()
    (tmp_path / "backup" / "of-somebody").touch()
    for name in ("a1", "a2", "a3"):
        write_talk(tmp_path, name, (0, tone(500, 0.1), tone(900, 0.1)))
    (tmp_path / "a2" / FACTS_FILE).unlink()
    (tmp_path / "a3" / "of-somebody").touch()
    (tmp_path / "a4").mkdir()
    assert names(tmp_path) == ["a1", "a2", "a3", "a4"]
