"""What keeps a campaign from running on this host."""

from __future__ import annotations

import wave
from pathlib import Path

from config.campaign import CampaignSettings
from config.daemon import DaemonSettings, TrunkSettings
from dialer.shell.campaign_watch import obstacles
from pacing.face import Mode

DAEMON = DaemonSettings(trunks=(TrunkSettings(name="carrier", host="127.0.0.1"),))


def write_wav(path: Path, *, rate_hz: int = 8000, channels: int = 1, frames: int = 800) -> str:
    """A WAV file of silence."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate_hz)
        sound.writeframes(bytes(2 * channels * frames))
    return str(path)


def campaign(**changes: object) -> CampaignSettings:
    """A campaign that can run, with changes."""
    settings = {"name": "spring", "mode": Mode.PROGRESSIVE, "caller_id": "+861012345678", **changes}
    return CampaignSettings.model_validate(settings)


def test_a_complete_campaign_has_no_obstacles(tmp_path: Path) -> None:
    """A trunk, a caller id and a playable message are all it takes."""
    message = write_wav(tmp_path / "sorry.wav")

    assert obstacles(campaign(mode=Mode.PREDICTIVE, abandon_message=message), DAEMON) == []


def test_every_reason_is_given_at_once(tmp_path: Path) -> None:
    """An operator sees all that is missing, not the first thing only."""
    missing = str(tmp_path / "missing.wav")

    reasons = obstacles(campaign(caller_id="", trunk="other", abandon_message=missing), DAEMON)

    assert len(reasons) == 3
    assert any("there is: carrier" in reason for reason in reasons)


def test_a_message_that_no_worker_could_play_is_refused(tmp_path: Path) -> None:
    """Stereo, odd rates, empty files and files that are no WAV are found before the first call."""
    files = [
        write_wav(tmp_path / "stereo.wav", channels=2),
        write_wav(tmp_path / "cd.wav", rate_hz=44100),
        write_wav(tmp_path / "empty.wav", frames=0),
    ]
    text = tmp_path / "text.wav"
    text.write_text("not audio")

    for path in [*files, str(text)]:
        assert obstacles(campaign(mode=Mode.PREDICTIVE, abandon_message=path), DAEMON) != []


def test_a_host_without_trunks_runs_nothing() -> None:
    """The reason names what is missing on this host."""
    assert obstacles(campaign(), DaemonSettings()) == ["no trunk is configured"]
