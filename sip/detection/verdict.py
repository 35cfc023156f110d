"""Person or machine: the rules. Pure; a twin of what Asterisk's `app_amd` has asked for years, turned to the person.

A greeting that goes on for longer than anybody says "hello, who is it?" is a machine's; so is what beeps. A greeting
that ends sooner, and silence, are a person's: whoever is in doubt gets an agent.
"""

from __future__ import annotations

import math
from typing import Final

from sip.causes import Answerer
from sip.detection.greeting import Greeting
from sip.detection.messages import Rules, Sign, Verdict
from sip.detection.tones import Signal, Tone

AFTER_GREETING_S: Final = 0.48
"""Silence that ends a greeting. With the quarter of a second in which the audio comes, a verdict is out 0.8 s after
the last word."""

EVEN_S: Final = 1.57
PER_S: Final = 4.5
"""Of greetings this long, as measured here, machines speak half (people and machines alike often); and by how much the
logarithm of the odds changes for each second. Fitted by `make bench-machines BENCH=--fit` to its first half."""

SURE: Final = 0.99
"""The confidence of a beep, a fax, or information tones; nothing is surer."""


_BY_SIGNAL: Final = {Signal.BEEP: Sign.BEEP, Signal.FAX: Sign.FAX, Signal.ANNOUNCEMENT: Sign.ANNOUNCEMENT}


def judge(
    rules: Rules, greeting: Greeting | None, tone: Tone | None, heard_s: float, *, sounding: bool = False
) -> Verdict | None:
    """The verdict `heard_s` after the answer; None: not yet. `tone` is one that has just ended; while one is `sounding`
    it is not known what it is, and there is no silence."""
    length_s = 0.0 if greeting is None else greeting.length_s

    def found(kind: Answerer, confidence: float, sign: Sign) -> Verdict:
        return Verdict(kind, round(confidence, 3), sign, round(length_s, 2), round(heard_s, 2))

    if tone is not None and tone.signal in _BY_SIGNAL:
        return found(Answerer.MACHINE, SURE, _BY_SIGNAL[tone.signal])
    if greeting is not None and length_s > rules.longest_greeting_s:
        return found(Answerer.MACHINE, max(0.5, odds(length_s)), Sign.LONG_GREETING)
    if greeting is not None and greeting.silence_s >= AFTER_GREETING_S and not sounding:
        return found(Answerer.PERSON, max(0.5, 1.0 - odds(length_s)), Sign.SHORT_GREETING)
    if heard_s < rules.within_s:
        return None
    return found(Answerer.UNKNOWN, 0.0, Sign.SILENCE if greeting is None else Sign.UNFINISHED)


def odds(length_s: float) -> float:
    """The share of machines among greetings of this length, were there as many machines as people."""
    return min(SURE, 1.0 / (1.0 + math.exp(-PER_S * (length_s - EVEN_S))))
