"""Scripts at the terminal: checked, drawn, rehearsed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from config.load import load_script
from dialer.cli import main
from tests.config.scripts.test_scripts import SURVEY, tone

SHIPPED = sorted((Path(__file__).parents[2] / "config" / "scripts").glob("*.toml"))


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    tone(tmp_path / "ask.wav", 4.0)
    tone(tmp_path / "thanks.wav", 2.0)
    path = tmp_path / "survey.toml"
    path.write_text(SURVEY)
    return path


def dialer(*arguments: str, typed: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(main, ["script", *arguments], prog_name="dialer", input=typed)
    return done.exit_code, done.output


def test_a_good_script_says_how_long_it_may_last(survey: Path) -> None:
    """The longest way, repeats and waits included."""
    assert dialer("check", str(survey)) == (0, f"{survey}: 3 steps; 20 s at most until it hangs up\n")


def test_a_script_with_mistakes_is_exit_code_2(survey: Path, tmp_path: Path) -> None:
    """Missing WAV files are named with the step that plays them."""
    (tmp_path / "thanks.wav").unlink()
    code, output = dialer("check", str(survey))

    assert code == 2
    assert "steps[1].play: recording" in output


def test_the_flow_is_drawn_with_every_key(survey: Path) -> None:
    """Each way out of a step has a line."""
    _, output = dialer("show", str(survey))

    for line in ("key 1, 2, 3, 4, 5 -> thanks", "key 9 -> stop  the number is never called again", "no key -> hang_up"):
        assert line in output


def test_a_rehearsal_says_what_would_be_heard(survey: Path) -> None:
    """A wrong key repeats the question, an answer is noted with its mark, then it ends."""
    code, output = dialer("play", str(survey), "--keys", "7,3")

    assert code == 0
    assert output.splitlines() == [
        "ask: plays ask.wav",
        "ask: waits 5 s for a key",
        "ask: plays ask.wav",
        "ask: waits 5 s for a key",
        "ask: answered by key 3, a mark of 3",
        "thanks: plays thanks.wav",
        "hangs up",
    ]


def test_a_rehearsal_asks_for_keys_where_none_are_given(survey: Path) -> None:
    """Somebody types them, one after the other."""
    _, output = dialer("play", str(survey), typed="9\n")

    assert "the number is never called again" in output
    assert output.endswith("hangs up\n")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_examples_have_no_mistake_but_missing_recordings(path: Path) -> None:
    """What ships can be drawn and rehearsed at once; whoever uses it records the words."""
    assert load_script(path).used
    assert dialer("play", str(path), "--keys", "-")[0] == 0
