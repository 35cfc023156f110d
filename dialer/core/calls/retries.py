"""What happens to a lead after an attempt: another one later, the next number, or the end.

The schedule is the campaign's retry table; what is not in it is never tried again. Ends that say something about the
number and nothing about the person move on to the lead's next number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Final

from config.campaign import RetryTable
from dialer.core.leads.retry_windows import again
from dialer.core.model import Close, Disposition, Lead, NextStep, Retry
from dialer.language.phrases import phrase, phrases
from dialer.language.terms import term

ROW: Final[dict[Disposition, str]] = {
    Disposition.HUNG_UP: "abandoned",  # the callee met silence, whoever hung up first
    Disposition.TRUNK_UNREACHABLE: "route_error",
    Disposition.AUTH_ERROR: "route_error",
    Disposition.MEDIA_ERROR: "route_error",
}
"""Dispositions that share the row of another one."""

NOT_SENT_DELAY_S: Final = 60.0
"""An attempt that never left costs the callee nothing, so the lead only steps aside while the line recovers."""

NUMBER_IS_FINISHED: Final = frozenset({Disposition.INVALID})


def row_of(disposition: Disposition) -> str:
    """The name of the retry table's row for a disposition."""
    return ROW.get(disposition, disposition.value)


def next_step(
    lead: Lead,
    disposition: Disposition,
    table: RetryTable,
    at: float,
    zones: Callable[[Lead], Sequence[tzinfo | None]],
    *,
    answered: bool = False,
) -> NextStep:
    """Decide what follows `disposition`, which is not yet counted in `lead.tries`. The attempt ended `at`, in seconds
    since the epoch, and `zones` are those in which the callee may be, the likeliest first. Whoever `answered` and heard
    nothing was abandoned, whatever it is called."""
    if disposition is Disposition.CONNECTED:
        return Close(phrase("an agent talked to the callee"))
    if disposition is Disposition.SCRIPT_DONE:
        return Close(phrase("the callee heard the script to its end"))
    if disposition is Disposition.NOT_SENT:
        return Retry(NOT_SENT_DELAY_S, lead.number_index)
    if disposition in NUMBER_IS_FINISHED and lead.number_index + 1 < len(lead.numbers):
        return Retry(0.0, lead.number_index + 1)
    name = "abandoned" if answered and disposition is Disposition.MEDIA_ERROR else row_of(disposition)
    rule = table.after(name)
    if rule.max_attempts == 0:
        return Close(phrase("{end}: not called again", end=term(disposition)))
    earlier = sum([count for tried, count in lead.tries.items() if row_of(tried) == name or tried is disposition])
    if earlier >= rule.max_attempts:
        return Close(
            phrases(
                "{end}: its {number} retry is used",
                "{end}: all {number} retries are used",
                rule.max_attempts,
                end=term(disposition),
            )
        )
    if not rule.not_before and not rule.prefer:
        return Retry(rule.delay_s, lead.number_index)
    moments = again(rule, at, zones(lead))
    yields_from_s = moments.earliest - at if rule.prefer else None
    return Retry(moments.preferred - at, lead.number_index, yields_from_s)
