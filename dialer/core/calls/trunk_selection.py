"""Which trunk a call goes through. Pure, but that each choice moves the turns of those who share calls.

1. A trunk must be one of the campaign's, serve the number, and be let show the caller id.
2. Of those with room the highest priority goes first.
3. Trunks of one priority share calls by weight; those with weight 0 take what the others have no room for, in the order
   of the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dialer.core.calls.trunk_load import TrunkLoad


def ordered(trunks: Iterable[TrunkLoad], names: Sequence[str], caller_ids: Sequence[str]) -> list[TrunkLoad]:
    """The trunks that a campaign may use, best first: those of `names` (none: all) that may show at least one of its
    caller ids (none: it has not said yet)."""
    usable = [
        trunk
        for trunk in trunks
        if (not names or trunk.name in names) and (not caller_ids or any(shows(trunk, one) for one in caller_ids))
    ]
    usable.sort(key=lambda trunk: (-trunk.limits.priority, trunk.limits.weight == 0))
    return usable


def serves(trunk: TrunkLoad, number: str) -> bool:
    """Whether a trunk takes calls to this number (E.164 with the plus sign)."""
    return not trunk.limits.prefixes or number.startswith(trunk.limits.prefixes)


def shows(trunk: TrunkLoad, caller_id: str) -> bool:
    """Whether a trunk's carrier lets us show this number."""
    return not trunk.limits.caller_ids or caller_id in trunk.limits.caller_ids


def choose(trunks: Sequence[TrunkLoad], rooms: Mapping[str, int], number: str) -> TrunkLoad | None:
    """The trunk for the next call to `number`, of trunks that are `ordered`; `rooms` is how many calls each may take.
    None where no trunk that serves the number has room."""
    able = [trunk for trunk in trunks if rooms[trunk.name] > 0 and serves(trunk, number)]
    if not able:
        return None
    first = able[0]
    if not first.limits.weight:
        return first
    sharing = [trunk for trunk in able if trunk.limits.priority == first.limits.priority and trunk.limits.weight]
    # Smooth weighted round robin: each earns its weight, who has earned most pays what all have earned.
    for trunk in sharing:
        trunk.credit += trunk.limits.weight
    chosen = max(sharing, key=lambda trunk: trunk.credit)
    chosen.credit -= sum([trunk.limits.weight for trunk in sharing])
    return chosen
