"""Made answers: what a line sounds like from the answer on, when a person or a machine answers. All of it is synthetic.

A case is a phrase in a voice with pauses, after a delay, at a level, in noise, through G.711. Whatever is drawn, is
drawn from a seed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sip.detection.verdict import AFTER_GREETING_S
from tests.bench.machines.g711 import through
from tests.bench.machines.speech import RATE_HZ, Audio, spoken

PHRASES: Final = Path(__file__).with_name("phrases.toml")
HALVES: Final = ("tuning", "held_out")
LANGUAGES: Final = ("en", "zh")
LENGTH_S: Final = 8.0
FRAME_SAMPLES: Final = 160
LANGUAGE_OF_NOISE: Final = {"en": "zh", "zh": "en"}


@dataclass(frozen=True, slots=True)
class Case:
    """An answer. `kind` is its class in `phrases.toml`; `ends_s` when its first greeting is over, after the answer."""

    is_machine: bool
    kind: str
    language: str
    noise: str
    began_s: float
    ends_s: float
    samples: npt.NDArray[np.int16]
    voiced: npt.NDArray[np.bool_]
    """Whether the callee is heard, in each frame of 20 ms."""


def cases(half: str, count: int, seed: int, only: str = "") -> Iterator[Case]:
    """`count` answers by people and as many by machines, half of each in either language. `only` people of one class,
    if it is named."""
    voices = tomllib.loads(PHRASES.read_text())[half]
    for number in range(count):
        for is_machine in (False,) if only else (False, True):
            draw = np.random.default_rng((seed, HALVES.index(half), number, is_machine))
            language = LANGUAGES[number % len(LANGUAGES)]
            yield _case(voices, language, is_machine, draw, only)


def _case(voices: dict[str, Any], language: str, is_machine: bool, draw: np.random.Generator, only: str) -> Case:
    mine = voices[language]
    classes = [row for row in mine["machines" if is_machine else "people"] if only in {"", row["class"]}]
    weights = np.array([row["weight"] for row in classes])
    chosen = classes[draw.choice(len(classes), p=weights / weights.sum())]
    phrase = chosen["said"][draw.integers(len(chosen["said"]))]
    voice = mine["voices"][draw.integers(len(mine["voices"]))]
    # A person lifts the receiver and speaks; a machine starts by its own clock.
    delay_s = draw.uniform(0.2, 1.0) if is_machine else min(2.5, 0.15 + draw.lognormal(np.log(0.4), 0.6))
    said, ends_s = [_silence(delay_s)], 0.0
    for number, part in enumerate(phrase):
        if number:
            pause_s = draw.uniform(0.25, 0.7) if is_machine else draw.uniform(0.3, 0.9)
            if pause_s >= AFTER_GREETING_S and not ends_s:
                ends_s = sum(map(len, said)) / RATE_HZ
            said.append(_silence(pause_s))
        said.append(spoken(voice, part))
    ends_s = ends_s or sum(map(len, said)) / RATE_HZ
    if is_machine and chosen["class"] != "operator":
        said += [_silence(draw.uniform(0.1, 0.8)), _beep(draw)]
    elif not is_machine and draw.random() < 0.3:  # nobody says anything: asks again
        said += [_silence(draw.uniform(1.0, 2.0)), spoken(voice, phrase[0])]
    line = np.zeros(round(LENGTH_S * RATE_HZ))
    voice_only = np.concatenate(said)[: len(line)]
    line[: len(voice_only)] = voice_only
    loud = np.sqrt(np.mean(line.reshape(-1, FRAME_SAMPLES) ** 2, axis=1))
    noise, kind = _noise(voices, language, draw, len(line))
    speech = line[line != 0]
    line *= 32768 * 10 ** (draw.uniform(-32, -14) / 20) / (np.sqrt(np.mean(speech**2)) + 1)
    return Case(
        is_machine=is_machine,
        kind=chosen["class"],
        language=language,
        noise=kind,
        began_s=delay_s,
        ends_s=ends_s,
        samples=through(_lossy(line + noise, draw), draw.choice(("mu", "a"))),
        voiced=loud > 0.03 * loud.max(),
    )


def _silence(seconds: float) -> Audio:
    return np.zeros(round(seconds * RATE_HZ))


def _beep(draw: np.random.Generator) -> Audio:
    at = np.arange(round(draw.uniform(0.2, 0.8) * RATE_HZ)) / RATE_HZ
    return draw.uniform(2000, 9000) * np.sin(2 * np.pi * draw.choice((620, 770, 1000, 1020, 1400, 2000)) * at)


def _noise(voices: dict[str, Any], language: str, draw: np.random.Generator, length: int) -> tuple[Audio, str]:
    """What is on the line besides. `babble` is a television or other people, in the other language."""
    kind = draw.choice(("silent", "hiss", "street", "babble"), p=(0.3, 0.4, 0.2, 0.1))
    level = 32768 * 10 ** (draw.uniform(-65, -48) / 20)
    if kind == "silent":
        return np.zeros(length), kind
    if kind == "hiss":
        return level * draw.standard_normal(length), kind
    if kind == "street":
        rumble = np.cumsum(draw.standard_normal(length))
        rumble -= np.convolve(rumble, np.ones(200) / 200, "same")
        swell = 1 + 0.8 * np.sin(2 * np.pi * draw.uniform(0.1, 0.5) * np.arange(length) / RATE_HZ + draw.uniform(0, 6))
        return 1.5 * level * swell * rumble / (np.std(rumble) + 1e-9), kind
    other = voices[LANGUAGE_OF_NOISE[language]]
    texts = [text for row in other["machines"] for phrase in row["said"] for text in phrase]
    parts = [spoken(other["voices"][draw.integers(len(other["voices"]))], texts[draw.integers(len(texts))])]
    while sum(map(len, parts)) < length:
        parts.append(spoken(other["voices"][draw.integers(len(other["voices"]))], texts[draw.integers(len(texts))]))
    heard = np.concatenate(parts)[:length]
    return 1.5 * level * heard / (np.std(heard) + 1e-9), kind


def _lossy(line: Audio, draw: np.random.Generator) -> Audio:
    """Lose up to one packet of 20 ms in a hundred, as silence."""
    frames = line[: len(line) // 160 * 160].reshape(-1, 160).copy()
    frames[draw.random(len(frames)) < draw.choice((0.0, 0.0, 0.01))] = 0.0
    return frames.reshape(-1)
