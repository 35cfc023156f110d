"""The agents' phones: they answer by themselves, carry the talk, and hang up when it is theirs to do so."""

from __future__ import annotations

from typing import Final

from sip.loopback.calls import Call, Calls
from sip.loopback.draws import PhonePlan, Side, draw_phone
from sip.loopback.leg import Refusal
from sip.loopback.profile import PhoneOutcome, Profile
from sip.loopback.talks import OpenTalks

USER_PREFIX: Final = "agent-"
NO_SUCH_PHONE: Final = Refusal(404, "Not Found")
BUSY: Final = Refusal(486, "Busy Here")
NO_ANSWER: Final = Refusal(480, "Temporarily Unavailable")


class AgentPhones:
    """Decides what each phone does with its INVITEs. Any user whose name begins with `agent-` has a phone."""

    def __init__(self, profile: Profile, *, seed: int, calls: Calls, talks: OpenTalks) -> None:
        self._profile = profile
        self._seed = seed
        self._calls = calls
        self._talks = talks
        calls.served_by(self)

    def called(self, call: Call) -> None:
        """Draw what the phone does and begin to do it."""
        user = call.leg.user
        nth = self._calls.tally.begin(user)
        if not user.startswith(USER_PREFIX):
            call.after(0.0, lambda: call.refuse(NO_SUCH_PHONE))
            return
        plan = draw_phone(self._profile, seed=self._seed, user=user, nth=nth)
        self._calls.tally.drawn[plan.outcome] += 1
        match plan.outcome:
            case PhoneOutcome.ANSWER:
                call.ring()
                call.after(plan.delay_s, lambda: self._answer(call, plan))
            case PhoneOutcome.NO_ANSWER:
                call.ring()
                call.after(plan.delay_s, lambda: call.refuse(NO_ANSWER))
            case PhoneOutcome.BUSY:
                call.after(plan.delay_s, lambda: call.refuse(BUSY))

    def over(self, call: Call) -> None:
        """Nothing of it is kept."""

    def _answer(self, call: Call, plan: PhonePlan) -> None:
        talk = self._talks.take(call.leg.source) or plan.talk
        call.answer(hang_up_after_s=talk.timer_s(Side.AGENT))
