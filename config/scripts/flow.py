"""The ways through a script: mistakes in them, and how long the longest takes. Pure.

A script has no loops. To hear a step again counts as one of its `repeats`, so the longest way is finite and known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from config.model import Key
from config.problems import Problem, did_you_mean, dotted

if TYPE_CHECKING:
    from config.scripts.settings import StepSettings

HANG_UP: Final = "hang_up"
TRANSFER: Final = "transfer"
AGAIN: Final = "again"
ENDS: Final = (HANG_UP, TRANSFER)
KEYS: Final = "0123456789*#"

Way = tuple[tuple[Key, ...], str]
"""Where a step may go: the path of the setting within the step, and the target."""


def nothing_target(step: StepSettings) -> str:
    """Where a step goes for want of a key."""
    return step.on_nothing or step.next


def invalid_target(step: StepSettings) -> str:
    """Where a step goes after keys that lead nowhere."""
    return step.on_invalid or step.next


def ways(step: StepSettings) -> Iterator[Way]:
    """Everywhere that a step may go, `again` apart."""
    for keys, target in step.keys.items():
        if target != AGAIN:
            yield ("keys", keys), target
    for name in ("on_nothing", "on_invalid", "next"):
        target = getattr(step, name)
        if target:
            yield (name,), target


def mistakes(steps: Sequence[StepSettings]) -> list[Problem]:
    """Every mistake, with its path within the script."""
    names = [step.name for step in steps]
    problems = [
        Problem(dotted(("steps", place, *path)), message)
        for place, step in enumerate(steps)
        for path, message in (*_named(step, names[:place]), *_sense(step), *_keys(step), *_leads(step, names))
    ]
    if not problems:
        problems += _loop(steps) or [*_unreachable(steps), *_unasked(steps)]
    return problems


def no_transfer(steps: Sequence[StepSettings]) -> Problem:
    """A survey after a talk asks for no agent again."""
    place, path = next(
        (place, path) for place, step in enumerate(steps) for path, target in ways(step) if target == TRANSFER
    )
    return Problem(dotted(("steps", place, *path)), "a survey after a talk cannot ask for an agent again")


_Found = Iterator[tuple[tuple[Key, ...], str]]


def _named(step: StepSettings, before: Sequence[str]) -> _Found:
    if step.name in (*ENDS, AGAIN):
        yield ("name",), f"{step.name} has a meaning of its own: call the step something else"
    if step.name in before:
        yield ("name",), f"another step is called {step.name}, too"


def _sense(step: StepSettings) -> _Found:
    if not (step.play or step.keys or step.record_s or step.opt_out):
        yield (), "does nothing: give play, keys, record_s or opt_out"
    if step.keys and not step.play:
        yield ("play",), "is needed: a step with keys plays its question"
    if step.keys and step.record_s:
        yield ("record_s",), "a step with keys takes no message: make it a step of its own"
    if not step.keys:
        for name in ("on_nothing", "on_invalid", "scores"):
            if getattr(step, name):
                yield (name,), "is for a step with keys"
    if not step.next and not (step.keys and step.on_nothing and step.on_invalid):
        why = " where no key is pressed, or one that leads nowhere" if step.keys else ""
        yield ("next",), f"is needed: the step does not say how it goes on{why}"


def _keys(step: StepSettings) -> _Found:
    seen = ""
    for keys, target in step.keys.items():
        wrong = "".join(sorted({key for key in keys if key not in KEYS}))
        if wrong or not keys:
            yield ("keys", keys), f"is for keys of {KEYS}" + (f", got {wrong!r}" if wrong else "")
        if twice := "".join(key for place, key in enumerate(keys) if key in seen or key in keys[:place]):
            yield ("keys", keys), f"key {twice} leads somewhere else already"
        if target == AGAIN and not step.repeats:
            yield ("keys", keys), "leads to again, but repeats is 0"
        seen += keys
    if strange := "".join(key for key in step.scores if key not in seen):
        yield ("scores",), f"{strange} is none of the step's keys"


def _leads(step: StepSettings, names: Sequence[str]) -> _Found:
    for path, target in ways(step):
        if target == AGAIN:
            yield path, "again is for keys alone"
        elif target not in names and target not in ENDS:
            yield path, f"there is no step {target}{did_you_mean(target, [*names, *ENDS])}"


def _loop(steps: Sequence[StepSettings]) -> list[Problem]:
    """One loop, if there is any."""
    by_name = {step.name: step for step in steps}
    done: set[str] = set()

    def round_from(name: str, path: tuple[str, ...]) -> tuple[str, ...]:
        if name in path:
            return (*path[path.index(name) :], name)
        if name in done or name not in by_name:
            return ()
        for _, target in ways(by_name[name]):
            if loop := round_from(target, (*path, name)):
                return loop
        done.add(name)
        return ()

    for step in steps:
        if loop := round_from(step.name, ()):
            return [
                Problem(
                    "steps",
                    f"go round without an end: {' -> '.join(loop)}. To hear a step once more, lead a key to again",
                )
            ]
    return []


def _unreachable(steps: Sequence[StepSettings]) -> list[Problem]:
    by_name = {step.name: step for step in steps}
    reached: set[str] = set()
    ahead = [steps[0].name] if steps else []
    while ahead:
        name = ahead.pop()
        if name in by_name and name not in reached:
            reached.add(name)
            ahead += [target for _, target in ways(by_name[name])]
    return [
        Problem(dotted(("steps", place)), f"no step leads to {step.name}")
        for place, step in enumerate(steps)
        if step.name not in reached
    ]


def _unasked(steps: Sequence[StepSettings]) -> Iterator[Problem]:
    """Nobody is taken off for having said nothing."""
    opt_outs = {step.name for step in steps if step.opt_out}
    if steps and steps[0].opt_out:
        yield Problem(dotted(("steps", 0, "opt_out")), "cannot be the first step: only a key may lead to it")
    for place, step in enumerate(steps):
        for path, target in ways(step):
            if path[0] != "keys" and target in opt_outs:
                yield Problem(dotted(("steps", place, *path)), f"{target} is an opt_out: only a key may lead to it")


def longest_s(steps: Iterable[StepSettings], lengths_s: Mapping[str, float]) -> float:
    """The longest that a script without mistakes can last, in seconds, given how long its WAV files are (those that are
    not named are taken for nothing)."""
    by_name = {step.name: step for step in steps}
    known: dict[str, float] = {HANG_UP: 0.0, TRANSFER: 0.0}

    def of(name: str) -> float:
        if name not in known:
            step = by_name[name]
            own = step_s(step, lengths_s.get(step.play, 0.0))
            known[name] = own + max(of(target) for _, target in ways(step))
        return known[name]

    first = next(iter(by_name), None)
    return 0.0 if first is None else of(first)


def step_s(step: StepSettings, play_s: float) -> float:
    """The longest that one step can last, in seconds."""
    if step.keys:
        return (play_s + step.wait_s) * (1 + step.repeats)
    return play_s + step.record_s
