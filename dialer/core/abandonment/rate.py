"""What the abandonment ledger holds, and what abandon rate follows from it under a campaign's definition. Pure.

The ledger counts more than any one definition needs, so that the rate can be said by each of them afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from config.abandonment import USUAL, AbandonmentSettings, Denominator, HangUps, Machines
from pacing.api import Ledger

_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """Answered calls of some time. `answered` are live answers, without the `machines`, which agents found.

    `abandoned` had no agent within the limit, `hung_up` of them because the callee was gone before it.
    """

    answered: int = 0
    abandoned: int = 0
    hung_up: int = 0
    machines: int = 0

    @property
    def put_through(self) -> int:
        """Live answers that an agent had in time."""
        return self.answered - self.abandoned


def together(parts: Iterable[AnswerCounts]) -> AnswerCounts:
    """The sum."""
    answered = abandoned = hung_up = machines = 0
    for counts in parts:
        answered += counts.answered
        abandoned += counts.abandoned
        hung_up += counts.hung_up
        machines += counts.machines
    return AnswerCounts(answered, abandoned, hung_up, machines)


def one_more(answers: AnswerCounts, *, abandoned: bool, hung_up: bool = False) -> AnswerCounts:
    """A further live answer."""
    return AnswerCounts(
        answers.answered + 1, answers.abandoned + int(abandoned), answers.hung_up + int(hung_up), answers.machines
    )


def ledger_of(answers: AnswerCounts, definition: AbandonmentSettings = USUAL) -> Ledger:
    """The two sides of the abandon rate by a campaign's definition: `abandoned` above, `answered` below.

    The numerator A are the abandoned calls, with or without callees who hung up. By the estimate
    A' = A (1 - machines / (put through + machines)), rounded up: of calls that nobody heard the same share was answered
    by machines as of those that agents heard. The denominator is all live answers, or A' and those put through:
    ACR = A' / (A' + L). After Ofcom's method for diallers without machine detection (persistent misuse, 2010).
    """
    abandoned = answers.abandoned - (answers.hung_up if definition.hang_ups is HangUps.LEAVE_OUT else 0)
    if definition.machines is Machines.ESTIMATE:
        abandoned = math.ceil(without_machines(abandoned, answers.put_through, answers.machines) - _TINY)
    if definition.denominator is Denominator.PUT_THROUGH:
        return Ledger(abandoned + answers.put_through, abandoned)
    return Ledger(answers.answered, abandoned)


def without_machines(abandoned: int, put_through: int, machines: int) -> float:
    """The abandoned calls less those that a machine is estimated to have answered; `put_through` is without the
    `machines` that agents met."""
    connected = put_through + machines
    return abandoned * (1.0 - machines / connected) if connected > 0 else float(abandoned)
