"""Blocks and unblocks that the CRM asks for, and those that follow from outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from compliance.blocks import Block, BlockKind, Target
from compliance.numbers import masked_text
from dialer.store.base.connection import Command, ScriptCall, Store, trip
from dialer.store.base.fields import encoded
from dialer.store.crm import crm_map
from dialer.store.crm.requests import TARGETS, BadRequest, BlockRequest, Received
from dialer.store.operators import campaigns, control
from dialer.store.privacy import blocklist
from dialer.store.privacy.blocklist import Change, Unblock

_FIELDS: Final = {kind: name for name, kind in TARGETS.items()}

NEWER = "there is a newer block than this request, and it stays"
CALLEES = "the callee asked for this block, and it stays: only the administrator takes it away (dialer block remove)"


def apply(
    store: Store, received: Sequence[Received], opt_outs: Sequence[Block], now: float, shortest_prefix: int
) -> tuple[tuple[Target, ...], list[tuple[str, BadRequest]]]:
    """Carry out the block requests among what was received in their order, then the opt-outs. Returns who was blocked,
    and by entry what could not be carried out.

    What the callee asked for stays blocked; prefixes of fewer digits than `shortest_prefix` are the administrator's. An
    unblock that comes again, after a crash before its acknowledgement, undoes no block that came after it.
    """
    refusals: list[tuple[str, BadRequest]] = []
    entries: list[tuple[str, BlockRequest]] = []
    changes: list[Block | Unblock] = []
    known = _campaigns(store, received)
    for entry in received:
        if isinstance(entry.request, BlockRequest):
            fault = _fault(entry.request, known, now, shortest_prefix)
            if fault:
                refusals.append((entry.entry_id, BadRequest((fault,))))
            else:
                entries.append((entry.entry_id, entry.request))
                changes.append(_change(entry.request, entry.asked_at, now))
    done = blocklist.change(store, [*changes, *opt_outs], now=now)
    trail: list[Command | ScriptCall] = []
    for (entry_id, request), came_to in zip(entries, done, strict=False):
        if came_to is Change.NEWER:
            refusals.append((entry_id, BadRequest((NEWER,))))
        elif came_to is Change.CALLEES:
            refusals.append((entry_id, BadRequest((CALLEES,))))
        else:
            trail.append(_audited(store, request, now))
    for block in opt_outs:
        detail = {**blocklist.audited(block.target), "source": block.source}
        trail.append(control.audit_line(store, "block", block.who, now, detail))
    trip(store, trail)
    return tuple(entry.target for entry in [*changes, *opt_outs] if isinstance(entry, Block)), refusals


def ask(store: Store, blocks: Sequence[Block]) -> None:
    """Ask the daemons to block, as the CRM does: for whoever may not change the no-call list itself."""
    calls: list[Command | ScriptCall] = []
    for block in blocks:
        value = f"+{block.value}" if block.kind is BlockKind.NUMBER else block.value
        request: dict[str, object] = {"type": "block", _FIELDS[block.kind]: value, "source": block.source}
        request |= {"reason": block.reason, "who": block.who}
        request |= {"campaign": block.campaign} if block.campaign else {}
        request |= {} if block.until is None else {"until": block.until}
        stream = store.keys.crm_in(crm_map.crm_of(store, block.campaign))
        calls.append(("XADD", stream, "*", "request", encoded(request, "a block request")))
    trip(store, calls)


def _campaigns(store: Store, received: Sequence[Received]) -> tuple[str, ...]:
    """The campaigns that there are, if anybody names one."""
    named = any(isinstance(entry.request, BlockRequest) and entry.request.target.campaign for entry in received)
    return campaigns.names(store) if named else ()


def _fault(request: BlockRequest, known: Sequence[str], now: float, shortest_prefix: int) -> str:
    if request.until is not None and request.until <= now:
        return "until: must be in the future"
    campaign = request.target.campaign
    if campaign and campaign not in known:
        return f"campaign: there is no campaign {campaign}, so nobody would be blocked or unblocked by this"
    target, verb = request.target, "block" if request.blocked else "unblock"
    if target.kind is BlockKind.PREFIX and len(target.value) < shortest_prefix:
        command = "add" if request.blocked else "remove"
        return (
            f"prefix: has fewer than {shortest_prefix} digits, so it may be whole countries: only the administrator "
            f"may {verb} it (dialer block {command})"
        )
    return ""


def _change(request: BlockRequest, asked_at: float, now: float) -> Block | Unblock:
    if not request.blocked:
        return Unblock(request.target, asked_at)
    at = min(asked_at, now)
    return request.target.block(
        source=request.source, reason=request.reason, who=request.who, at=at, until=request.until
    )


def _audited(store: Store, request: BlockRequest, now: float) -> Command:
    detail = blocklist.audited(request.target)
    if not request.blocked:
        return control.audit_line(store, "unblock", request.who, now, detail)
    return control.audit_line(store, "block", request.who, now, {**detail, "source": masked_text(request.source)})
