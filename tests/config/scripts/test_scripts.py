"""Scripts as people write them: every mistake with its place, the longest way, files and campaigns."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from config.load import load_campaign, load_script
from config.problems import ConfigError
from config.scripts.flow import longest_s
from config.scripts.settings import ScriptSettings
from config.scripts.wav import audio_mistakes, lengths_s

SURVEY = """
title = "Satisfaction"
[[steps]]
name = "ask"
play = "ask.wav"
keys = { 12345 = "thanks", 9 = "stop", "*" = "again" }
scores = "12345"
next = "hang_up"
[[steps]]
name = "thanks"
play = "thanks.wav"
next = "hang_up"
[[steps]]
name = "stop"
opt_out = true
next = "hang_up"
"""


def tone(path: Path, seconds: float, rate_hz: int = 8000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(b"\0\0" * channels * int(seconds * rate_hz))
    return path


def written(folder: Path, text: str) -> Path:
    path = folder / "script.toml"
    path.write_text(text)
    return path


def mistakes(folder: Path, text: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        load_script(written(folder, text))
    return {problem.path: problem.message for problem in caught.value.problems}


def test_a_script_is_read_with_its_wav_files_beside_it(tmp_path: Path) -> None:
    """Relative paths begin at the script's own file, and the order of steps is kept."""
    script = load_script(written(tmp_path, SURVEY))

    assert script.plays == (str(tmp_path / "ask.wav"), str(tmp_path / "thanks.wav"))
    assert [step.name for step in script.steps] == ["ask", "thanks", "stop"]
    assert not script.transfers
    assert not script.records


def test_every_mistake_is_said_at_once_with_its_place(tmp_path: Path) -> None:
    """Keys that are none, keys twice, steps that do nothing or do not go on, targets that are not there."""
    told = mistakes(
        tmp_path,
        """
[[steps]]
name = "ask"
keys = { 1a = "thank", 1 = "again" }
scores = "7"
repeats = 0
[[steps]]
name = "thanks"
record_s = 20
on_nothing = "ask"
[[steps]]
name = "transfer"
next = "ask"
""",
    )

    assert set(told) == {
        "steps[0].play",
        "steps[0].keys.1a",
        "steps[0].keys.1",
        "steps[0].scores",
        "steps[0].next",
        "steps[1].on_nothing",
        "steps[1].next",
        "steps[2].name",
        "steps[2]",
    }
    assert told["steps[0].keys.1"] == "leads to again, but repeats is 0"


def test_an_unknown_step_has_its_nearest_name(tmp_path: Path) -> None:
    """A target that is nearly a step's name says which may be meant."""
    told = mistakes(tmp_path, SURVEY.replace('12345 = "thanks"', '12345 = "thank"'))

    assert told == {"steps[0].keys.12345": 'there is no step thank (did you mean "thanks"?)'}


def test_loops_and_steps_that_nothing_leads_to_are_mistakes(tmp_path: Path) -> None:
    """A script cannot go round for ever, and has no step that nobody hears."""
    loop = mistakes(tmp_path, SURVEY.replace('play = "thanks.wav"\nnext = "hang_up"', 'play = "x.wav"\nnext = "ask"'))
    lost = mistakes(tmp_path, SURVEY.replace('9 = "stop", ', ""))

    assert "ask -> thanks -> ask" in loop["steps"]
    assert lost == {"steps[2]": "no step leads to stop"}


def test_nobody_is_taken_off_for_having_said_nothing(tmp_path: Path) -> None:
    """Only a key leads to an opt-out, and no script begins with one."""
    silent = mistakes(tmp_path, SURVEY.replace('next = "hang_up"', 'next = "stop"', 1))
    first = mistakes(tmp_path, '[[steps]]\nname = "stop"\nopt_out = true\nnext = "hang_up"\n')

    assert silent == {"steps[0].next": "stop is an opt_out: only a key may lead to it"}
    assert first == {"steps[0].opt_out": "cannot be the first step: only a key may lead to it"}


def test_the_longest_way_counts_repeats_waiting_and_messages(tmp_path: Path) -> None:
    """Each repeat plays and waits again, and of several ways the longest counts."""
    text = SURVEY.replace('12345 = "thanks"', '12345 = "thanks", 0 = "say"') + (
        '[[steps]]\nname = "say"\nplay = "thanks.wav"\nrecord_s = 30\nnext = "hang_up"\n'
    )
    script = load_script(written(tmp_path, text))
    tone(tmp_path / "ask.wav", 4.0)
    tone(tmp_path / "thanks.wav", 2.0, 16_000)

    assert longest_s(script.steps, lengths_s(script)) == pytest.approx(2 * (4.0 + 5.0) + 2.0 + 30.0)


def test_wav_files_are_judged_with_the_step_that_plays_them(tmp_path: Path) -> None:
    """A missing file, one of the wrong format, and a script that may last longer than its limit."""
    script = load_script(written(tmp_path, "limit_s = 20\n" + SURVEY))
    tone(tmp_path / "thanks.wav", 1.0, channels=2)
    told = {problem.path: problem.message for problem in audio_mistakes(script)}
    tone(tmp_path / "ask.wav", 10.0)
    tone(tmp_path / "thanks.wav", 1.0)
    late = [str(problem) for problem in audio_mistakes(script)]

    assert "cannot be read" in told["steps[0].play"]
    assert "16 bit mono PCM" in told["steps[1].play"]
    assert late == ["limit_s: is 20, but the longest way through takes 31 s"]


def test_a_campaign_names_the_file_of_its_survey(tmp_path: Path) -> None:
    """The steps are read when the campaign is read, its own settings stay beside them, and stored ones are whole."""
    written(tmp_path, SURVEY)
    file = tmp_path / "campaign.toml"
    file.write_text('name = "c"\nmode = "progressive"\n[survey]\nfile = "script.toml"\nstarts = "asked"\n')

    read = load_campaign(file)
    stored = read.settings.model_dump(mode="json", exclude_defaults=True)
    (tmp_path / "script.toml").unlink()
    again = load_campaign(stored, {"survey.limit_s": "60"})

    assert read.settings.survey.title == "Satisfaction"
    assert read.settings.survey.starts == "asked"
    assert read.sources["survey.steps[0].keys"] == f"file {tmp_path / 'script.toml'}"
    assert again.settings.survey.steps == read.settings.survey.steps
    assert again.settings.survey.limit_s == 60


def test_a_flag_puts_another_script_in_place_of_the_stored_one(tmp_path: Path) -> None:
    """`campaign set NAME survey.file=FILE` takes the whole file, mistakes in it have their place in the campaign."""
    before = {
        "name": "c",
        "mode": "progressive",
        "survey": {"title": "old", "steps": [{"name": "a", "play": "/a.wav", "next": "hang_up"}]},
    }
    path = written(tmp_path, SURVEY)

    changed = load_campaign(before, {"survey.file": str(path)}).settings.survey
    path.write_text(SURVEY.replace('next = "hang_up"', 'next = "transfer"'))
    with pytest.raises(ConfigError) as caught:
        load_campaign(before, {"survey.file": str(path)})

    assert (changed.title, len(changed.steps), changed.file) == ("Satisfaction", 3, str(path))
    assert str(caught.value) == "survey.steps[0].next: a survey after a talk cannot ask for an agent again"


def test_a_file_and_steps_together_are_refused(tmp_path: Path) -> None:
    """Nobody is left to guess which of the two counts."""
    written(tmp_path, SURVEY)
    file = tmp_path / "campaign.toml"
    file.write_text('name = "c"\nmode = "progressive"\n[survey]\nfile = "script.toml"\nlimit_s = 30\n')

    with pytest.raises(ConfigError, match=r"survey.file: takes the place of"):
        load_campaign(file)


def test_no_steps_is_no_script() -> None:
    """The default is none, and asks for nothing."""
    script = ScriptSettings()

    assert not script.used
    assert list(audio_mistakes(script)) == []
    assert longest_s(script.steps, {}) == 0
