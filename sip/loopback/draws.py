"""The fate of one call, drawn from a profile: pure, and the same for the same seed, number and try.

Each draw takes its random numbers in a fixed order whatever the outcome is, so that a change of the shares leaves the
durations of a number as they were.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import blake2b
from random import Random
from typing import Final

from sip.loopback.profile import Delay, Outcome, PhoneOutcome, Profile, Shares

BACKUP_FACTOR: Final = 2.0
"""The side that is not meant to end a talk ends it after this many times the drawn length, should the other not."""


class Side(StrEnum):
    """One end of a talk."""

    CALLEE = "callee"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Talk:
    """How long a talk lasts and who is to end it."""

    length_s: float
    ended_by: Side

    def timer_s(self, side: Side) -> float:
        """After how long `side` hangs up by itself."""
        return self.length_s if side is self.ended_by else self.length_s * BACKUP_FACTOR


@dataclass(frozen=True, slots=True)
class CallPlan:
    """What the carrier does with one call.

    `ring_s` counts from ringing to whatever ends it (answer, refusal, the carrier's own limit); 0 for outcomes that
    never ring. `key` is what the callee presses (empty: nothing), `key_after_s` how long after the answer.
    """

    outcome: Outcome
    post_dial_delay_s: float
    early_media: bool
    ring_s: float
    talk: Talk
    key: str = ""
    key_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PhonePlan:
    """What an agent's phone does with one INVITE. `delay_s` counts to the answer, or to giving up on ringing."""

    outcome: PhoneOutcome
    delay_s: float
    talk: Talk


def draw_call(profile: Profile, *, seed: int, number: str, nth: int) -> CallPlan:
    """The fate of the `nth` call (from 0) to `number`."""
    random = _random(seed, "call", number, nth)
    drawn = _pick(profile.shares, random.random())
    outcome = forced_outcome(profile, number) or drawn
    post_dial_delay_s = draw_delay(profile.post_dial_delay, random)
    early_media = random.random() < profile.early_media_share
    rings = {
        Outcome.ANSWER: draw_delay(profile.ring, random),
        Outcome.MACHINE: draw_delay(profile.machine_ring, random),
        Outcome.DECLINED: (declined_s := draw_delay(profile.decline_after, random)),
        Outcome.UNWANTED: declined_s,
        Outcome.NO_ANSWER: profile.no_answer_limit_s,
    }
    greeting = Talk(draw_delay(profile.greeting, random), Side.CALLEE)
    talk = _draw_talk(profile, random)
    presses = random.random() < profile.keys.share and outcome is Outcome.ANSWER
    return CallPlan(
        outcome=outcome,
        post_dial_delay_s=post_dial_delay_s,
        early_media=early_media and outcome in rings,
        ring_s=rings.get(outcome, 0.0),
        talk=greeting if outcome is Outcome.MACHINE else talk,
        key=profile.keys.key if presses else "",
        key_after_s=profile.keys.after_s,
    )


def draw_phone(profile: Profile, *, seed: int, user: str, nth: int) -> PhonePlan:
    """What the phone of `user` does with its `nth` INVITE (from 0). The talk is for a callee of unknown plans."""
    random = _random(seed, "phone", user, nth)
    phones = profile.phones
    dice = random.random()
    delay_s = random.uniform(phones.answer_delay_min_s, phones.answer_delay_max_s)
    talk = Talk(draw_delay(profile.talk, random), Side.AGENT)
    outcome = PhoneOutcome.ANSWER
    if dice < phones.busy_share:
        outcome = PhoneOutcome.BUSY
    elif dice < phones.busy_share + phones.no_answer_share:
        outcome = PhoneOutcome.NO_ANSWER
    outcome = phones.forced.get(user, outcome)
    return PhonePlan(outcome, phones.no_answer_limit_s if outcome is PhoneOutcome.NO_ANSWER else delay_s, talk)


def forced_outcome(profile: Profile, number: str) -> Outcome | None:
    """The outcome that the profile forces on `number`, or None."""
    if number in profile.forced:
        return profile.forced[number]
    fitting = [suffix for suffix in profile.forced_suffix if number.endswith(suffix)]
    return profile.forced_suffix[max(fitting, key=len)] if fitting else None


def draw_delay(delay: Delay, random: Random) -> float:
    """One duration in seconds: lognormal with mean m, where the mean of the logarithm is ln(m) - sigma**2 / 2."""
    normal = random.gauss(0.0, 1.0)
    if delay.mean_s == 0:
        return delay.min_s
    drawn = math.exp(math.log(delay.mean_s) - delay.sigma**2 / 2 + delay.sigma * normal)
    return min(max(drawn, delay.min_s), delay.max_s)


def _draw_talk(profile: Profile, random: Random) -> Talk:
    length_s = draw_delay(profile.talk, random)
    callee = random.random() < profile.callee_hangs_up_share
    return Talk(length_s, Side.CALLEE if callee else Side.AGENT)


def _pick(shares: Shares, dice: float) -> Outcome:
    for each in fields(shares):
        dice -= getattr(shares, each.name)
        if dice < 0:
            return Outcome(each.name)
    return Outcome.NO_ANSWER


def _random(seed: int, *key: object) -> Random:
    digest = blake2b(repr((seed, *key)).encode(), digest_size=8).digest()
    return Random(int.from_bytes(digest))
