"""Both gates, right before the INVITE: facts, judgement, a number to show, and the reservation.

`screen` takes four round trips whatever the number of leads, five where leads have a customer or an account. The facts
are gathered (`gate.facts`) and judged by the pure gate (`compliance.gate`), those who pass get a caller id, and their
attempts are counted where the store still says what was judged (`contacts.reserve`): whom a block or another daemon's
attempt came in between is judged again. Then the attempts are written down in the campaign, if the leases still hold.
What cannot be done for a lead is undone for it. A process that dies on the way leaves somebody with one attempt too
many on the account, which errs on the callee's side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from compliance.api import Cleared, Per, Permit, Refusal, Reserved, Rule
from compliance.caller_ids import Wanted
from compliance.contacts import completed, group_of, head
from compliance.gate import judge
from dialer.core.inputs import Permitted, Refused
from dialer.core.leads import lead_reasons
from dialer.core.model import Lead
from dialer.store.base.errors import StoreError
from dialer.store.gate import caller_ids
from dialer.store.gate.contacts import Claim, Reservation, Spot, fields_of, give_back, reserve
from dialer.store.gate.evaluation import Screening
from dialer.store.gate.facts import Asked, Gathered, gather
from dialer.store.leads.leases import Move, move
from dialer.store.settlement.attempts import OpenAttempt

LEASE_LOST: Final = Refusal(Rule.LEASE_LOST, "lease_lost", None)
"""What becomes of a lead that another daemon may have by now. It is left alone in the store."""

ROUNDS: Final = 3
"""So often a lead is judged whose facts change in between."""

CONTENDED_S: Final = 5.0

LEAST_REST_S: Final = 1.0
"""A refused lead comes up again after so long at the soonest, or it would go round and round at a clock's edge."""


def screen(
    screening: Screening, leads: Sequence[Lead], *, trunk: str, owner: str, attempt_ids: Sequence[str]
) -> tuple[Permitted | Refused, ...]:
    """Pass leads (leased by `owner`) through both gates; one answer for each, in order.

    A permitted lead's attempt is reserved and written down under the attempt id of the same place. A refused lead is
    postponed or closed already; one whose lease was lost is refused with `LEASE_LOST` and left alone. After
    `StoreUnavailable` nothing may be dialled, but attempts may be open: settle them as NOT_SENT, which does nothing to
    those that are not.
    """
    if len(leads) != len(attempt_ids):
        raise ValueError(f"{len(leads)} leads and {len(attempt_ids)} attempt ids")
    if not leads:
        return ()
    verdicts = reserved(screening, leads, attempt_ids)
    return _written_down(screening, leads, verdicts, trunk=trunk, owner=owner)


def sift(screening: Screening, leads: Sequence[Lead], *, owner: str) -> tuple[tuple[Lead, ...], tuple[Refused, ...]]:
    """Those of the leads (leased by `owner`) that the gates would let pass now, and those that they would not, which
    are postponed or closed: agents in mode preview need not look at leads that nobody may call.

    Nothing is reserved. What is dialled passes `screen` at its own moment.
    """
    verdicts = screening.foreseen(screening.facts(leads))
    refused = [
        Refused(lead, verdict) for lead, verdict in zip(leads, verdicts, strict=True) if isinstance(verdict, Refusal)
    ]
    moves = [_refusal_move(each.lead, each.refusal, screening.now) for each in refused]
    moves += _counting(each.refusal for each in refused)
    move(screening.store, screening.campaign, owner, moves, screening.now)
    passed = [lead for lead, verdict in zip(leads, verdicts, strict=True) if isinstance(verdict, Cleared)]
    return tuple(passed), tuple(refused)


# --- judged and reserved ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Batch:
    """Leads on their way to a verdict. `tries` counts how often each was judged."""

    asked: list[Asked]
    attempt_ids: Sequence[str]
    verdicts: dict[int, Permit | Refusal] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)

    def next_round(self) -> list[int]:
        """Those without a verdict; of several that share a subject the first, the others see what becomes of it."""
        seen: set[Spot] = set()
        chosen = []
        if len(self.verdicts) < len(self.asked):
            for i, lead_asked in enumerate(self.asked):
                if i not in self.verdicts and seen.isdisjoint(lead_asked.spots):
                    chosen.append(i)
                    seen.update(lead_asked.spots)
        return chosen


def reserved(screening: Screening, leads: Sequence[Lead], attempt_ids: Sequence[str]) -> list[Permit | Refusal]:
    """Judge leads and count the attempts of those who pass; one verdict for each, in order. What is permitted is not
    written down in the campaign yet."""
    batch, question = _Batch(screening.asked(leads), attempt_ids), screening.question()
    while chosen := batch.next_round():
        asked = [batch.asked[i] for i in chosen]
        gathered, prefixes = gather(
            screening.store, screening.campaign, asked, screening.now, agent_held=screening.agent_held
        )
        cleared: list[tuple[int, Gathered, Cleared]] = []
        for i, facts in zip(chosen, gathered, strict=True):
            verdict = judge(facts.facts, question)
            if isinstance(verdict, Refusal):
                batch.verdicts[i] = verdict
            else:
                cleared.append((i, facts, verdict))
        if cleared:
            _reserve(screening, batch, cleared, prefixes.generations)
    return [batch.verdicts[i] for i in range(len(leads))]


def _reserve(
    screening: Screening, batch: _Batch, cleared: Sequence[tuple[int, Gathered, Cleared]], generations: Sequence[int]
) -> None:
    """Choose numbers to show, and count the attempts of those of whom nothing has changed."""
    store, settings, now = screening.store, screening.settings, screening.now
    wanted = [Wanted(clearance.number, facts.facts.contacts[Per.NUMBER]) for _, facts, clearance in cleared]
    shown = caller_ids.allot(store, settings, wanted, now)
    begins = head(now, settings.name, group_of(settings.name, settings.group))
    going: list[tuple[int, Cleared, str]] = []
    claims: list[Claim] = []
    for (i, facts, clearance), caller_id in zip(cleared, shown, strict=True):
        if isinstance(caller_id, Refusal):
            batch.verdicts[i] = caller_id
            continue
        going.append((i, clearance, caller_id))
        attempt = completed(begins, batch.attempt_ids[i], caller_id)
        claims.append(Claim(batch.asked[i].spots, facts.histories, attempt, facts.blocks))
    unused = []
    for (i, clearance, caller_id), counted in zip(
        going, reserve(store, settings.name, claims, generations), strict=True
    ):
        if counted:
            batch.verdicts[i] = Permit(clearance, Reserved(batch.attempt_ids[i], clearance.number, now, caller_id))
            continue
        unused.append(caller_id)
        batch.tries[i] = batch.tries.get(i, 0) + 1
        if batch.tries[i] == ROUNDS:
            batch.verdicts[i] = Refusal(Rule.CONTENDED, "contended", now + CONTENDED_S, {"rounds": ROUNDS})
    if unused:
        caller_ids.take_back(store, settings, unused, now)


# --- written down -----------------------------------------------------------------------------------------------------


def _written_down(
    screening: Screening, leads: Sequence[Lead], verdicts: Sequence[Permit | Refusal], *, trunk: str, owner: str
) -> tuple[Permitted | Refused, ...]:
    """Open the permitted attempts, postpone or close the refused leads; undo what could not be opened."""
    store, now = screening.store, screening.now
    moves = [_move(lead, verdict, trunk, owner, now) for lead, verdict in zip(leads, verdicts, strict=True)]
    counting = _counting(verdict for verdict in verdicts if isinstance(verdict, Refusal))
    try:
        done = move(store, screening.campaign, owner, [*moves, *counting], now)[: len(moves)]
    except StoreError:
        # The attempts may be open although no answer came. The caller settles them as NOT_SENT once Redis is back.
        permitted = [(lead, permit) for lead, permit in zip(leads, verdicts, strict=True) if isinstance(permit, Permit)]
        with suppress(StoreError):
            give_back(store, [_reservation(lead, permit) for lead, permit in permitted])
        raise
    answers: list[Permitted | Refused] = []
    lost: list[tuple[Lead, Permit]] = []
    for lead, verdict, opened in zip(leads, verdicts, done, strict=True):
        if isinstance(verdict, Refusal):
            answers.append(Refused(lead, verdict))
        elif opened:
            answers.append(Permitted(lead, verdict))
        else:
            lost.append((lead, verdict))
            answers.append(Refused(lead, LEASE_LOST))
    if lost:
        give_back(store, [_reservation(lead, permit) for lead, permit in lost])
        caller_ids.take_back(store, screening.settings, [permit.caller_id for _, permit in lost], now)
    return tuple(answers)


def _reservation(lead: Lead, permit: Permit) -> Reservation:
    return Reservation(fields_of(lead), lead.campaign, permit.attempt)


def _move(lead: Lead, verdict: Permit | Refusal, trunk: str, owner: str, now: float) -> Move:
    if isinstance(verdict, Refusal):
        return _refusal_move(lead, verdict, now)
    record = OpenAttempt(
        verdict.attempt,
        lead.campaign,
        lead.lead_id,
        lead.number_index,
        owner,
        trunk,
        verdict.caller_id,
        verdict.reserved.at,
    )
    return Move("open", lead.lead_id, verdict.attempt, record.pack())


def _refusal_move(lead: Lead, refusal: Refusal, now: float) -> Move:
    """Close a lead, or put it off; one that expires before then comes up to be closed, so that it holds no campaign
    open."""
    why = lead_reasons.kept(lead_reasons.refused(refusal))
    if refusal.until is None:
        return Move("close", lead.lead_id, refusal.rule.value, why)
    until = refusal.until if lead.expires_at is None else min(refusal.until, lead.expires_at)
    return Move("due", lead.lead_id, max(until, now + LEAST_REST_S), why)


def _counting(refusals: Iterable[Refusal]) -> list[Move]:
    return [Move("count", "", f"refused:{refusal.rule}") for refusal in refusals]
