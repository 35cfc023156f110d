"""Profiles from TOML."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import pytest

from sip.loopback.profile import Delay, Media, Outcome, PhoneOutcome, Phones, Profile, ProfileError
from sip.loopback.profile_file import BUILT_IN, parse_forced, parse_profile, read_profile


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_profile_is_read_by_its_name(name: str) -> None:
    """Each built-in profile is valid and carries its name."""
    assert read_profile(name).name == name


def test_demo_has_the_promised_shares() -> None:
    """The demo's shares are the documented ones; 36 % of its calls are not answered."""
    demo = read_profile("demo")
    assert (demo.shares.answer, demo.shares.machine, demo.shares.busy) == (0.35, 0.08, 0.10)
    assert demo.shares.total == pytest.approx(0.64)
    assert demo.talk.mean_s == 8


def test_demo_file_shows_every_key() -> None:
    """`demo.toml` is the reference of the format: no key is missing from it."""
    table = tomllib.loads(files("sip.loopback").joinpath("demo.toml").read_text())
    assert set(table) == {each.name for each in fields(Profile)}
    assert set(table["phones"]) == {each.name for each in fields(Phones)}


def test_file_overlays_its_base(tmp_path: Path) -> None:
    """A file with a base changes only what it names, inside tables too."""
    path = tmp_path / "quick.toml"
    path.write_text(
        'base = "demo"\nname = "quick"\nmedia = "echo"\n[talk]\nmean_s = 1\n'
        '[forced]\n"+8613800000001" = "busy"\n[phones.forced]\nagent-03 = "no_answer"\n'
    )
    demo, quick = read_profile("demo"), read_profile(str(path))
    assert quick.talk == Delay(1, demo.talk.sigma, demo.talk.min_s, demo.talk.max_s)
    assert (quick.name, quick.media, quick.shares) == ("quick", Media.ECHO, demo.shares)
    assert quick.forced == {"+8613800000001": Outcome.BUSY}
    assert quick.phones.forced == {"agent-03": PhoneOutcome.NO_ANSWER}


def test_every_problem_is_reported_with_its_path() -> None:
    """One reading finds everything that is wrong, each with the path of its key."""
    with pytest.raises(ProfileError) as caught:
        parse_profile(
            'colour = "red"\nname = 7\nmedia = "video"\nphones = 3\n'
            '[shares]\nanswer = 2\n[talk]\nmean_s = "long"\n[forced]\n"+861" = "asleep"\n'
        )
    heads = sorted(problem.split(" ")[0].rstrip(":") for problem in caught.value.problems)
    assert heads == sorted(["colour", "name", "media", "phones", "shares.answer", "talk.mean_s", "forced.+861"])


@pytest.mark.parametrize(
    ("text", "message"), [("= 1", "not TOML"), ('base = "nowhere"', "must be one of"), ("media = true", "media = True")]
)
def test_unusable_text_is_refused(text: str, message: str) -> None:
    """What is not TOML, or starts from nothing known, is refused in plain words."""
    with pytest.raises(ProfileError, match=message):
        parse_profile(text)


def test_missing_file_is_told_with_the_names_that_exist() -> None:
    """A name that is neither a file nor built in is answered with those that are."""
    with pytest.raises(ProfileError, match=r"no such file.*demo, bench, sipp-like"):
        read_profile("demmo")


def test_forced_outcomes_from_the_command_line() -> None:
    """`NUMBER=OUTCOME` is read; anything else is refused."""
    assert parse_forced("+8613800000001=busy") == ("+8613800000001", Outcome.BUSY)
    for wrong in ("+8613800000001", "=busy", "1=asleep"):
        with pytest.raises(ProfileError):
            parse_forced(wrong)
