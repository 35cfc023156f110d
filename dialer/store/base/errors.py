"""What the store can raise. Nothing of redis-py leaves this room.

StoreError                   the store was asked or told something wrong, or answered nonsense
+-- StoreUnavailable         no answer, or the server cannot work now (loading, read-only, out of memory): try again
+-- NotAllowed               the server's rules do not let our user do that
+-- UnknownCampaign          no such campaign; says which exist
+-- CampaignExists           a campaign of this name is there already
+-- StreamFull               too many entries wait in a stream: add the rest later
+-- UnknownLead              no such lead in the campaign
+-- KeyDamaged               a key is of another kind than it should be: what it belongs to rests, the rest goes on
"""

from __future__ import annotations

from collections.abc import Sequence

from dialer.language.phrases import listed, phrase


class StoreError(Exception):
    """Something is wrong between us and the store; the message says what."""


class StoreUnavailable(StoreError):
    """The server did not answer or cannot work at present. Whether the last request was carried out is unknown."""


class NotAllowed(StoreError):
    """The server's rules (ACL) do not let our user do that."""


class UnknownCampaign(StoreError):
    """There is no such campaign."""

    def __init__(self, campaign: str, existing: Sequence[str]) -> None:
        known = listed(sorted(existing)) if existing else phrase("none yet")
        super().__init__(
            phrase("no campaign {campaign!r}; existing campaigns: {known}", campaign=campaign, known=known)
        )
        self.campaign = campaign
        self.existing = tuple(sorted(existing))


class CampaignExists(StoreError):
    """A campaign of this name is there already."""


class CampaignInUse(StoreError):
    """The campaign must be stopped, and its calls over, before that is done to it."""


class CampaignArchived(StoreError):
    """The campaign is out of the way; it must be brought back before that is done to it."""

    def __init__(self, name: str) -> None:
        super().__init__(
            phrase("campaign {name!r} is archived: bring it back with dialer campaign archive {name} --undo", name=name)
        )


class UnknownLead(StoreError):
    """The campaign has no such lead."""


class KeyDamaged(StoreError):
    """A key is of another kind than it should be. What it belongs to rests until somebody has mended it."""

    def __init__(self, key: str, kind: str) -> None:
        super().__init__(
            phrase(
                "the key {key} is damaged: it is of type {kind}; rename it, or delete it, to go on without it",
                key=key,
                kind=kind,
            )
        )
        self.key = key


class StreamFull(StoreError):
    """Too many entries wait in a stream. `added` of the entries handed in are in it, the rest are not."""

    def __init__(self, stream: str, length: int, limit: int, added: int) -> None:
        super().__init__(
            phrase(
                "{stream} holds {length} entries, the limit is {limit}; {added} were added, try the rest later",
                stream=stream,
                length=length,
                limit=limit,
                added=added,
            )
        )
        self.added = added
