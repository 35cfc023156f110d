"""From a talk to an Opus file: what is heard, what is on disk, who may read it."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dialer.disk.errors import DiskError
from dialer.disk.recordings import index, sealing
from dialer.disk.recordings.encoder import done
from dialer.disk.recordings.opus import DECODED_HZ, decoded
from dialer.disk.recordings.orders import Order
from tests.disk.recordings.made_talks import AT, write_talk
from tests.sip.tones import AMPLITUDE, tone

CALLEE_HZ, AGENT_HZ = 500.0, 900.0
DAY = "2026/03/03"


def order(folder: Path, **given: object) -> Order:
    """What the daemon would say of the talk a1."""
    return Order(live=str(folder / "live"), name="a1", folder=str(folder / "rec"), bitrate_kbps=24, **given)


def level(samples: np.ndarray, hz: float) -> float:
    """The amplitude of a tone in decoded audio."""
    at = np.arange(len(samples)) / DECODED_HZ
    return float(2 * abs(np.mean(samples.astype(float) * np.exp(-2j * np.pi * hz * at))))


def test_the_tones_of_both_sides_are_heard_on_their_sides(tmp_path: Path) -> None:
    """Callee left, agent right, at their level; a pause of a second is a second of silence.

    One who speaks alone is on no other channel. Where both speak at once, in pure tones and at full voice, some of it
    is: Opus codes the two channels together.
    """
    live = tmp_path / "live"
    callee, agent, silence = tone(CALLEE_HZ, 2.0), tone(AGENT_HZ, 2.0), tone(0.0, 2.0)
    write_talk(live, "a1", (0, callee, silence), (3000, silence, agent), (5000, callee, agent))
    reply = done(order(tmp_path))
    assert reply.error == ""
    row = reply.row
    assert row is not None
    assert (row.duration_s, row.paused_s, row.campaign, row.agent) == (7.0, 1.0, "spring", "17")
    path = tmp_path / "rec" / DAY / "a1.opus"
    assert index.path_of(tmp_path / "rec", row) == path
    assert row.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert row.size_bytes == path.stat().st_size < 7.0 * 24_000 / 8 * 1.3
    samples, hz = decoded(path.read_bytes())
    assert abs(len(samples) / hz - 7.0) < 0.05
    for side, own, other, alone_at in ((0, CALLEE_HZ, AGENT_HZ, 0.5), (1, AGENT_HZ, CALLEE_HZ, 3.5)):
        for start, crosstalk in ((alone_at, 0.005), (5.5, 0.15)):
            heard = samples[round(start * hz) : round((start + 1.0) * hz)]
            assert level(heard[:, side], own) == pytest.approx(AMPLITUDE, rel=0.1)
            assert level(heard[:, 1 - side], own) < crosstalk * AMPLITUDE
            assert level(heard[:, side], other) < 0.15 * AMPLITUDE
        assert np.abs(samples[round(2.3 * hz) : round(2.8 * hz), side]).max() < 0.01 * AMPLITUDE


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    """Folders 0700, files 0600, and no other file is left."""
    write_talk(tmp_path / "live", "a1", (0, tone(500, 0.2), tone(900, 0.2)))
    done(order(tmp_path))
    made = [tmp_path / "rec", *(tmp_path / "rec").rglob("*")]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}
    assert modes == {"rec": 0o700, "2026": 0o700, "03": 0o700, "a1.opus": 0o600}


def test_sealed_it_is_noise_without_its_key(tmp_path: Path) -> None:
    """It opens with its key and under its own name only; an old key still opens what it sealed."""
    old, new = "11" * 32, "22" * 32
    keys = tmp_path / "keys"
    keys.touch(mode=0o600)
    keys.write_text(old)
    write_talk(tmp_path / "live", "a1", (0, tone(500, 0.5), tone(900, 0.5)))
    row = done(order(tmp_path, key_file=str(keys))).row
    assert row is not None
    assert row.file == "a1.opus.sealed"
    data = index.path_of(tmp_path / "rec", row).read_bytes()
    assert b"OggS" not in data
    keys.write_text(f"{new}\n{old}\n")
    plain = sealing.opened(data, "a1", sealing.read_keys(keys))
    assert plain.startswith(b"OggS")
    altered = data[:-1] + bytes([data[-1] ^ 1])
    for what, name, held in ((data, "a2", old), (altered, "a1", old), (data, "a1", new), (data[:20], "a1", old)):
        with pytest.raises(DiskError, match=r"altered|key|sealed"):
            sealing.opened(what, name, (bytes.fromhex(held),))


@pytest.mark.parametrize(("text", "mode"), [("11" * 31, 0o600), ("xy" * 32, 0o600), ("", 0o600), ("11" * 32, 0o640)])
def test_a_key_file_that_is_no_good_is_named(tmp_path: Path, text: str, mode: int) -> None:
    """Nothing is written then: a recording in clear is not what was asked for."""
    keys = tmp_path / "keys"
    keys.write_text(text)
    keys.chmod(mode)
    write_talk(tmp_path / "live", "a1", (0, tone(500, 0.2), tone(900, 0.2)))
    assert str(keys) in done(order(tmp_path, key_file=str(keys))).error
    assert not list((tmp_path / "rec").rglob("*.opus*"))


def test_a_talk_without_audio_is_said_to_be_empty(tmp_path: Path) -> None:
    """As where the disk was full from the first."""
    write_talk(tmp_path / "live", "a1")
    assert done(order(tmp_path)).empty


def test_what_fails_is_told_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    """A folder that is a file; a talk that is gone."""
    write_talk(tmp_path / "live", "a1", (0, tone(500, 0.2), tone(900, 0.2)))
    (tmp_path / "rec").touch()
    assert str(tmp_path / "rec") in done(order(tmp_path)).error
    assert "a9" in done(Order(live=str(tmp_path), name="a9", folder=str(tmp_path), bitrate_kbps=24)).error


def test_the_process_does_the_same_and_ends_with_its_input(tmp_path: Path) -> None:
    """One line in, one line out; at the lowest priority."""
    write_talk(tmp_path / "live", "a1", (0, tone(500, 0.2), tone(900, 0.2)), keep_days=30)
    line = json.dumps({"live": str(tmp_path / "live"), "name": "a1", "folder": str(tmp_path), "bitrate_kbps": 24})
    ended = subprocess.run(
        [sys.executable, "-m", "dialer.disk.recordings.encoder"],
        input=f"{line}\n{line}\n".encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    hello, *said = ended.stdout.splitlines()
    replies = [json.loads(reply)["row"] for reply in said]
    assert hello == b"{}"
    assert [reply["attempt"] for reply in replies] == ["a1", "a1"]
    assert replies[0]["keep_days"] == 30
    assert replies[0]["at"] == AT


def test_the_process_ends_without_a_word_where_nobody_hears_it(tmp_path: Path) -> None:
    """A daemon that was killed while a talk is encoded."""
    with subprocess.Popen(
        [sys.executable, "-m", "dialer.disk.recordings.encoder"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (0, b"")
