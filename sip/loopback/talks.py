"""Which answered callee an agent's leg is about to be bridged to, so that one side alone decides how long they talk.

The dialer tells a phone nothing that would name the callee. But both legs of a bridge come from the same SIP socket,
because audio can be bridged inside one process only; so the oldest answered callee of the same source address that
has no agent yet is the one, and with workers of one or two calls it nearly always is. Where it is not, `BACKUP_FACTOR`
bounds the talk.
"""

from __future__ import annotations

from sip.loopback.draws import Talk

Source = tuple[str, int]


class OpenTalks:
    """The talks of answered callees that no agent's leg has taken yet."""

    def __init__(self) -> None:
        self._waiting: dict[Source, dict[str, Talk]] = {}

    def add(self, source: Source, call_id: str, talk: Talk) -> None:
        """A callee answered a call that came from `source`."""
        self._waiting.setdefault(source, {})[call_id] = talk

    def take(self, source: Source) -> Talk | None:
        """The talk that an agent's leg from `source` is for; None if nobody waits there."""
        waiting = self._waiting.get(source)
        if waiting is None:
            return None
        call_id = next(iter(waiting))
        talk = waiting[call_id]
        self.remove(source, call_id)
        return talk

    def remove(self, source: Source, call_id: str) -> None:
        """The callee's call is over, or its talk was taken; unknown calls are ignored."""
        waiting = self._waiting.get(source)
        if waiting is None:
            return
        waiting.pop(call_id, None)
        if not waiting:
            del self._waiting[source]
