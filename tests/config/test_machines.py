"""What a campaign may ask about answering machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import load_campaign
from config.problems import ConfigError

CAMPAIGN = 'name = "sales"\nmode = "progressive"\ncaller_id = "+8610000"\n'


def problems(folder: Path, text: str) -> str:
    """What is wrong with a campaign that has these settings of machines; empty: nothing."""
    file = folder / "sales.toml"
    file.write_text(f"{CAMPAIGN}[machines]\n{text}")
    try:
        load_campaign(file)
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('action = "message"', "message is needed"),
        ('action = "tell"\nwait_s = 2.5', "abandon_after_s, which is 2 s"),
        ("sampled_share = 0.0", "machines.sampled_share"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """No message to leave, callees who wait longer than they may, errors that nobody would see."""
    assert words in problems(tmp_path, text)


def test_a_message_is_looked_for_beside_the_file(tmp_path: Path) -> None:
    """As every message of a campaign."""
    assert problems(tmp_path, 'action = "message"\nmessage = "leave.wav"\nwait_s = 2.0') == ""
    settings = load_campaign(tmp_path / "sales.toml").settings
    assert settings.machines.message == str(tmp_path / "leave.wav")
