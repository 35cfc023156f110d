"""The carrier: subscribers who answer, do not answer, refuse, or do not exist, as the profile has it."""

from __future__ import annotations

from typing import Final

from sip.loopback.calls import Call, Calls
from sip.loopback.draws import CallPlan, Side, draw_call
from sip.loopback.leg import Refusal
from sip.loopback.profile import Outcome, Profile
from sip.loopback.talks import OpenTalks

REFUSALS: Final[dict[Outcome, Refusal]] = {
    Outcome.BUSY: Refusal(486, "Busy Here", ("Q.850", 17, "User busy")),
    Outcome.UNALLOCATED: Refusal(404, "Not Found", ("Q.850", 1, "Unallocated (unassigned) number")),
    Outcome.DECLINED: Refusal(603, "Decline", ("Q.850", 21, "Call rejected")),
    Outcome.UNWANTED: Refusal(607, "Unwanted"),
    # ATIS-1000099: the status text says who refused, the Reason header why.
    Outcome.BLOCKED: Refusal(603, "Network Blocked", ("SIP", 603, "v=analytics1;url=https://example.com/redress")),
    Outcome.CONGESTION: Refusal(503, "Service Unavailable", ("Q.850", 34, "No circuit/channel available")),
}
"""What the carrier says to calls that nobody answers, with the Q.850 causes of RFC 3398."""

_NO_ANSWER_TEXTS: Final = {408: "Request Timeout", 480: "Temporarily Unavailable", 487: "Request Terminated"}


class Carrier:
    """Decides the fate of the calls that come in at `calls`; lends the talks of answered callees to `talks`."""

    def __init__(self, profile: Profile, *, seed: int, calls: Calls, talks: OpenTalks) -> None:
        self._profile = profile
        self._seed = seed
        self._calls = calls
        self._talks = talks
        calls.served_by(self)

    def called(self, call: Call) -> None:
        """Draw the call's fate and begin to act it out."""
        number = call.leg.user
        nth = self._calls.tally.begin(number)
        plan = draw_call(self._profile, seed=self._seed, number=number, nth=nth)
        self._calls.tally.drawn[plan.outcome] += 1
        call.after(plan.post_dial_delay_s, lambda: self._progress(call, plan))

    def over(self, call: Call) -> None:
        """No agent need be bridged to it any more."""
        self._talks.remove(call.leg.source, call.leg.call_id)

    def _progress(self, call: Call, plan: CallPlan) -> None:
        """The post-dial delay is over: ring, or refuse at once."""
        refusal = self._refusal(plan.outcome)
        match plan.outcome:
            case Outcome.ANSWER | Outcome.MACHINE:
                call.ring(early_media=plan.early_media)
                call.after(plan.ring_s, lambda: self._answer(call, plan))
            case Outcome.NO_ANSWER | Outcome.DECLINED | Outcome.UNWANTED:
                call.ring(early_media=plan.early_media)
                call.after(plan.ring_s, lambda: call.refuse(refusal))
            case _:
                call.refuse(refusal)

    def _answer(self, call: Call, plan: CallPlan) -> None:
        length_s = plan.talk.timer_s(Side.CALLEE)
        call.answer(hang_up_after_s=length_s)
        if plan.key and plan.key_after_s < length_s:
            call.after(plan.key_after_s, lambda: call.press(plan.key, hang_up_after_s=length_s - plan.key_after_s))
        self._talks.add(call.leg.source, call.leg.call_id, plan.talk)

    def _refusal(self, outcome: Outcome) -> Refusal:
        code = self._profile.no_answer_code
        return REFUSALS.get(outcome) or Refusal(code, _NO_ANSWER_TEXTS[code])
