from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip.causes import Answerer
from sip.detection.greeting import Greeting
from sip.detection.listener import Listener
from sip.detection.messages import Rules, Sign, Verdict
from sip.detection.tones import Signal, Tone
from sip.detection.verdict import AFTER_GREETING_S, judge
from tests.sip.detection.made_lines import Samples, line, silence, tone, voice

PIECE = 2048  # samples in what the SIP library writes at a time


def verdict_of(samples: Samples, rules: Rules | None = None) -> Verdict | None:
    listener = Listener(rules or Rules())
    for at in range(0, len(samples), PIECE):
        listener.hear(samples[at : at + PIECE])
    return listener.verdict


def test_a_word_and_silence_is_a_person() -> None:
    """Who says a word and waits is a person, known soon after the word."""
    verdict = verdict_of(line(silence(0.5), voice(0.6), silence(3.0)))

    assert verdict is not None
    assert (verdict.kind, verdict.sign) == (Answerer.PERSON, Sign.SHORT_GREETING)
    assert verdict.greeting_s == pytest.approx(0.6, abs=0.15)
    assert verdict.heard_s <= 0.5 + 0.6 + 0.6
    assert verdict.confidence > 0.9


def test_a_long_greeting_is_a_machine_before_it_ends() -> None:
    """Who goes on speaking is a machine, known while it speaks."""
    verdict = verdict_of(line(silence(0.4), voice(6.0)))

    assert verdict is not None
    assert (verdict.kind, verdict.sign) == (Answerer.MACHINE, Sign.LONG_GREETING)
    assert verdict.heard_s <= 0.4 + Rules().longest_greeting_s + 0.3
    assert verdict.confidence > 0.8


def test_a_beep_is_a_machine_however_short_the_greeting() -> None:
    """A machine that says little is known by its beep."""
    verdict = verdict_of(line(silence(0.4), voice(0.8), silence(0.2), tone(1000, 0.4), silence(1.0)))

    assert verdict is not None
    assert (verdict.kind, verdict.sign) == (Answerer.MACHINE, Sign.BEEP)


def test_silence_is_nobody_known() -> None:
    """Nothing said in time is no machine: people wait for a voice, too."""
    verdict = verdict_of(line(silence(5.0)))

    assert verdict == Verdict(Answerer.UNKNOWN, 0.0, Sign.SILENCE, 0.0, Rules().within_s)


def test_who_speaks_too_late_is_not_known() -> None:
    """A verdict never comes later than the campaign has time for it."""
    verdict = verdict_of(line(silence(1.5), voice(3.0)), Rules(within_s=2.0))

    assert verdict is not None
    assert (verdict.kind, verdict.sign, verdict.heard_s) == (Answerer.UNKNOWN, Sign.UNFINISHED, 2.0)


def test_ringing_after_the_answer_is_no_greeting() -> None:
    """A network that answers first and rings then says nothing."""
    verdict = verdict_of(line(tone(450, 1.0), silence(4.0)))

    assert verdict is not None
    assert verdict.sign is Sign.SILENCE


def test_the_end_of_a_beep_is_known_after_the_verdict() -> None:
    """A message may begin when the beep is over, long after the verdict."""
    listener = Listener(Rules())
    samples = line(silence(0.3), voice(5.0), silence(0.4), tone(1400, 0.5), silence(0.5))

    listener.hear(samples)

    assert listener.verdict is not None
    assert listener.verdict.sign is Sign.LONG_GREETING
    assert listener.beep_ended_s == pytest.approx(6.2, abs=0.05)


@pytest.mark.parametrize("seconds", [0.3, 0.7, 1.2, 1.7])
def test_nobody_who_stops_is_a_machine(seconds: float) -> None:
    """Whoever says less than the longest greeting and waits is a person, in a quiet voice, too."""
    verdict = verdict_of(line(silence(0.6), voice(seconds, amplitude=900.0), silence(2.0)))

    assert verdict is not None
    assert verdict.kind is Answerer.PERSON


@given(
    length_s=st.floats(0, 10),
    silence_s=st.floats(0, 10),
    heard_s=st.floats(0, 10),
    tone_of=st.sampled_from((None, *Signal)),
    rules=st.builds(Rules, st.floats(1, 5), st.floats(1, 10)),
)
def test_doubt_is_never_a_machine(
    length_s: float, silence_s: float, heard_s: float, tone_of: Signal | None, rules: Rules
) -> None:
    """Only a beep, a fax, information tones or a greeting over the limit make a machine, and time is never exceeded."""
    greeting = Greeting(0.5, length_s, length_s, 1, 0.0, silence_s)
    beep = None if tone_of is None else Tone(tone_of, 1000.0, 0.0, 0.2)

    verdict = judge(rules, greeting, beep, heard_s)

    if verdict is None:
        assert heard_s < rules.within_s
        assert silence_s < AFTER_GREETING_S
    elif verdict.kind is Answerer.MACHINE:
        assert length_s > rules.longest_greeting_s or tone_of not in {None, Signal.NETWORK}
        assert 0.5 <= verdict.confidence <= 0.99
