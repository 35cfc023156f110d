"""What follows what in a script, and that each ends within its limit whatever keys come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from config.scripts.flow import AGAIN, HANG_UP, KEYS, TRANSFER, longest_s
from config.scripts.settings import ScriptSettings
from dialer.core.scripts.interpreter import (
    BlockNumber,
    EndMessage,
    GoToAgent,
    HangUpNow,
    KeyPressed,
    Listen,
    Note,
    Phase,
    Play,
    Played,
    TakeMessage,
    TimeUp,
    after,
    begin,
)

SURVEY = ScriptSettings.model_validate(
    {
        "steps": [
            {
                "name": "ask",
                "play": "ask.wav",
                "keys": {"12345": "thanks", "0": "transfer", "9": "stop", "*": "again", "7": "say"},
                "scores": "12345",
                "repeats": 1,
                "on_nothing": "thanks",
                "next": "hang_up",
            },
            {"name": "say", "record_s": 20.0, "next": "thanks"},
            {"name": "thanks", "play": "thanks.wav", "next": "hang_up"},
            {"name": "stop", "opt_out": True, "play": "stop.wav", "next": "hang_up"},
        ]
    }
)


def test_a_key_counts_while_the_question_plays() -> None:
    """Nobody has to hear a question to its end; the answer is noted with its mark."""
    position, actions = begin(SURVEY)
    assert actions == (Play("ask.wav"),)

    position, actions = after(SURVEY, position, KeyPressed("4"))

    assert actions == (Note("ask", "4", 4), Play("thanks.wav"))
    assert after(SURVEY, position, KeyPressed("1"))[1] == ()  # no key is asked for here
    assert after(SURVEY, position, Played())[1] == (HangUpNow(),)


def test_silence_repeats_the_question_and_then_goes_on() -> None:
    """Repeats are spent one by one, a key that leads nowhere and `again` among them."""
    position, _ = begin(SURVEY)
    position, actions = after(SURVEY, position, Played())
    assert actions == (Listen(5.0),)

    position, actions = after(SURVEY, position, TimeUp())
    assert actions == (Play("ask.wav"),)

    assert after(SURVEY, position, KeyPressed("8"))[1] == (HangUpNow(),)
    assert after(SURVEY, position, KeyPressed("*"))[1] == (Play("thanks.wav"),)


def test_a_key_asks_for_an_agent_or_never_to_be_called_again() -> None:
    """A transfer is the end of the script; an opt-out is done before anything else is said."""
    position, _ = begin(SURVEY)

    assert after(SURVEY, position, KeyPressed("0"))[1] == (Note("ask", "0", None), GoToAgent())
    assert after(SURVEY, position, KeyPressed("9"))[1] == (Note("ask", "9", None), BlockNumber("9"), Play("stop.wav"))


def test_a_message_ends_by_any_key_or_by_its_limit() -> None:
    """What is recorded has a limit of its own."""
    position, _ = begin(SURVEY)
    position, actions = after(SURVEY, position, KeyPressed("7"))
    assert actions == (Note("ask", "7", None), TakeMessage("say", 20.0))

    for end in (KeyPressed("#"), TimeUp()):
        assert after(SURVEY, position, end)[1] == (EndMessage(), Play("thanks.wav"))
    assert after(SURVEY, position, Played()) == (position, ())


@st.composite
def scripts(draw: st.DrawFn) -> ScriptSettings:
    """Scripts without mistakes: each step leads to later ones or to an end, and something leads to each."""
    count = draw(st.integers(1, 6))
    steps = []
    for place in range(count):
        ahead = st.sampled_from([f"s{later}" for later in range(place + 1, count)] + [HANG_UP, TRANSFER])
        step: dict[str, object] = {"name": f"s{place}", "play": draw(st.sampled_from(["", "1.wav", "30.wav"]))}
        step["next"] = f"s{place + 1}" if place + 1 < count else draw(ahead)
        kind = draw(st.sampled_from(["say", "ask", "record"]))
        if kind == "ask":
            repeats = draw(st.integers(0, 3))
            targets = ahead | st.just(AGAIN) if repeats else ahead
            keys = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=5, unique=True))
            step |= {
                "keys": {key: draw(targets) for key in keys},
                "repeats": repeats,
                "on_nothing": draw(ahead | st.just("")),
            }
            step["play"] = step["play"] or "1.wav"
            step["wait_s"] = draw(st.sampled_from([0.5, 5.0]))
        elif kind == "record":
            step["record_s"] = draw(st.sampled_from([1.0, 60.0]))
        else:
            step["play"] = "1.wav"
        steps.append(step)
    return ScriptSettings.model_validate({"steps": steps})


@given(script=scripts(), keys=st.lists(st.sampled_from([*KEYS, "A", "none"]), max_size=60))
def test_every_script_ends_within_its_longest_way(script: ScriptSettings, keys: list[str]) -> None:
    """Whatever keys come and whenever, a script ends, once, and has taken no longer than was said."""
    lengths = {"1.wav": 1.0, "30.wav": 30.0}
    position, actions = begin(script)
    taken_s, ends, pending = 0.0, 0, list(keys)
    for _ in range(1000):
        ends += sum(isinstance(action, HangUpNow | GoToAgent) for action in actions)
        last = actions[-1] if actions else None
        if position.phase is Phase.OVER:
            break
        match last:
            case Play(path):
                lasts_s, end = lengths[path], Played()
            case Listen(seconds) | TakeMessage(_, seconds):
                lasts_s, end = seconds, TimeUp()
            case _:
                pass  # a key that means nothing here: what was begun goes on
        key = pending.pop() if pending else "none"
        position, actions = after(script, position, end if key == "none" else KeyPressed(key))
        taken_s += lasts_s if actions else 0.0  # a key comes at the last moment
    assert position.phase is Phase.OVER
    assert ends == 1
    assert after(script, position, KeyPressed("1")) == (position, ())
    assert taken_s <= longest_s(script.steps, lengths) + 1e-6
