"""Where somebody works: the open store, this machine's settings and policies, and who it is, for the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.daemon import DaemonSettings
from config.policies import AppliedSettings, Catalogue, applied
from dialer.store.base.connection import Store
from dialer.store.operators import campaigns, control


@dataclass(frozen=True, slots=True)
class Desk:
    """What every order needs. `catalogue` reads the policies of this machine; `who` is what the audit trail is told
    beside the user whom the server knows."""

    store: Store
    settings: DaemonSettings
    catalogue: Callable[[], Catalogue]
    who: str

    def applied(self, campaign: str) -> AppliedSettings:
        """A campaign's settings with its policies. Raises `UnknownCampaign`, `ConfigError`."""
        return applied(campaigns.get(self.store, campaign).settings, self.catalogue())

    def order(self, what: str, now: float, **args: object) -> None:
        """Tell the daemons, and the audit trail who did it. Raises `StoreError`."""
        control.send(self.store, control.Command(what, args), who=self.who, now=now)

    def note(self, what: str, now: float, **detail: object) -> None:
        """Write into the audit trail what was done or looked at; numbers are the caller's to mask. Raises
        `StoreError`."""
        control.audit(self.store, what, who=self.who, now=now, detail=detail)


class Refused(Exception):
    """An order that was understood and is not carried out. `reasons` say why, one line each."""

    def __init__(self, message: str, *reasons: str) -> None:
        super().__init__(message)
        self.reasons = reasons


class Missing(Refused):
    """What an order or a question is about is not there."""
