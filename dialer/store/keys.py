"""Every key of the product, each by one function.

The part in braces is the hash tag of Redis Cluster: keys with the same tag live in the same slot, and a script only
ever names keys of one tag. Campaign keys carry the campaign's name; what is known about a phone number (history,
blocklist) is spread over 16 tags by the number's CRC-32.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

from compliance.numbers import E164

SHARDS: Final = 16
BUCKETS: Final = 8192
"""History hashes per shard. With 131,072 in all, ten million numbers are 76 a hash, which Redis keeps as a listpack."""


def digits(number: E164) -> str:
    """The number as it stands in keys and fields: E.164 without the plus sign."""
    return number.clear[1:]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number's history and blocks are."""

    shard: int
    bucket: int


def place(number: E164) -> Place:
    """Shard and history bucket of a number, the same in every process and release."""
    crc = zlib.crc32(digits(number).encode())
    return Place(crc % SHARDS, crc // SHARDS % BUCKETS)


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of keys under one prefix."""

    prefix: str = "dialer:"

    def _of(self, campaign: str, name: str) -> str:
        return f"{self.prefix}{{{campaign}}}:{name}"

    # --- shared -------------------------------------------------------------------------------------------------

    def campaigns(self) -> str:
        """Set: the names of all campaigns."""
        return f"{self.prefix}campaigns"

    def crm_in(self) -> str:
        """Stream: outcomes, blocks and unblocks from the CRM and desktops."""
        return f"{self.prefix}crm:in"

    def crm_out(self) -> str:
        """Stream: events for the CRM."""
        return f"{self.prefix}crm:out"

    def agents_in(self) -> str:
        """Stream: what desktops say about their agents."""
        return f"{self.prefix}agents:in"

    def agents_read(self) -> str:
        """Hash: host -> the last entry of the agents' stream that it has read."""
        return f"{self.prefix}agents:read"

    def agents(self) -> str:
        """Hash: agent -> presence (msgpack)."""
        return f"{self.prefix}agents"

    def agent_claim(self, agent: str) -> str:
        """String with an end of life: the owner (daemon) that the agent belongs to."""
        return f"{self.prefix}agents:claim:{{{agent}}}"

    def control(self) -> str:
        """Stream: operator commands."""
        return f"{self.prefix}control"

    def audit(self) -> str:
        """Stream: who changed or looked at what, and when."""
        return f"{self.prefix}audit"

    def owners(self) -> str:
        """Hash: owner -> time of its last sign of life."""
        return f"{self.prefix}owners"

    def heartbeat(self, owner: str) -> str:
        """String with an end of life: there while the owner lives."""
        return f"{self.prefix}owner:{{{owner}}}"

    def hosts(self) -> str:
        """Set: hosts that have published a status."""
        return f"{self.prefix}hosts"

    def status(self, host: str) -> str:
        """String with an end of life: the host's last status (msgpack)."""
        return f"{self.prefix}status:{{{host}}}"

    # --- one campaign -------------------------------------------------------------------------------------------

    def campaign(self, campaign: str) -> str:
        """Hash: settings (JSON), state, created_at, changed_at, changed_by."""
        return self._of(campaign, "campaign")

    def leads(self, campaign: str) -> str:
        """Stream: leads as the CRM adds them."""
        return self._of(campaign, "leads")

    def rejected(self, campaign: str) -> str:
        """Stream: leads that were not taken in, as they came, with every reason."""
        return self._of(campaign, "rejected")

    def lead(self, campaign: str) -> str:
        """Hash: lead_id -> the lead as accepted (msgpack)."""
        return self._of(campaign, "lead")

    def progress(self, campaign: str) -> str:
        """Hash: lead_id -> number_index and tries (msgpack), for leads that were tried."""
        return self._of(campaign, "progress")

    def story(self, campaign: str) -> str:
        """Hash: lead_id -> ended attempts, one msgpack map after the other."""
        return self._of(campaign, "story")

    def priority(self, campaign: str) -> str:
        """Hash: lead_id -> priority, where it is not 5."""
        return self._of(campaign, "priority")

    def numbers(self, campaign: str) -> str:
        """Hash: digits -> lead_id, to find duplicates."""
        return self._of(campaign, "numbers")

    def due(self, campaign: str) -> str:
        """Sorted set: lead_id by (priority, time it became due); the lowest score is leased first."""
        return self._of(campaign, "due")

    def waiting(self, campaign: str) -> str:
        """Sorted set: lead_id by the time it becomes due."""
        return self._of(campaign, "waiting")

    def leased(self, campaign: str) -> str:
        """Sorted set: lead_id by the end of its lease."""
        return self._of(campaign, "leased")

    def lessee(self, campaign: str) -> str:
        """Hash: lead_id -> owner of the lease."""
        return self._of(campaign, "lessee")

    def attempts(self, campaign: str) -> str:
        """Hash: attempt_id -> an attempt that has not ended (msgpack)."""
        return self._of(campaign, "attempts")

    def open(self, campaign: str) -> str:
        """Hash: lead_id -> attempt_id, for leads with an open attempt."""
        return self._of(campaign, "open")

    def ended(self, campaign: str) -> str:
        """Hash: attempt_id -> lead_id, number_index, day, live, abandoned and slot of an ended attempt (msgpack)."""
        return self._of(campaign, "ended")

    def outcomes(self, campaign: str) -> str:
        """Hash: attempt_id -> what the agent or the CRM said came of it (msgpack)."""
        return self._of(campaign, "outcomes")

    def wishes(self, campaign: str) -> str:
        """Hash: lead_id -> what an outcome wants of a lead whose attempt is still open; obeyed when it is settled."""
        return self._of(campaign, "wishes")

    def closed(self, campaign: str) -> str:
        """Sorted set: lead_id by the time it was closed."""
        return self._of(campaign, "closed")

    def why(self, campaign: str) -> str:
        """Hash: lead_id -> why it was last postponed or closed."""
        return self._of(campaign, "why")

    def counts(self, campaign: str) -> str:
        """Hash: counters: accepted, rejected, reopened, purged, and disposition:, closed:, refused:, outcome:NAME."""
        return self._of(campaign, "counts")

    def ledger(self, campaign: str, day: str) -> str:
        """Hash: OWNER|answered and OWNER|abandoned of one counting day; machine|answered takes back answers that an
        agent said were machines."""
        return self._of(campaign, f"ledger:{day}")

    def learnt(self, campaign: str) -> str:
        """Hash: host -> what its pacer has learnt and how it decided last, with the time (msgpack)."""
        return self._of(campaign, "learnt")

    def ledger_hour(self, campaign: str, hour: int) -> str:
        """Hash with an end of life: SLOT|OWNER|answered and so on of one hour (hours since 1970), by slots of five
        minutes, for the rolling windows."""
        return self._of(campaign, f"ledger_hour:{hour}")

    def unannounced(self, campaign: str) -> str:
        """Hash: attempt_id -> disposition event that is not in the CRM's stream yet."""
        return self._of(campaign, "unannounced")

    # --- one number ---------------------------------------------------------------------------------------------

    def blocked(self, shard: int) -> str:
        """Hash: DIGITS or DIGITS@CAMPAIGN -> who blocked the number, when, and why (msgpack)."""
        return f"{self.prefix}{{c{shard}}}:blocked"

    def history(self, where: Place) -> str:
        """Hash: digits -> times of the attempts, packed. Small on purpose, see `BUCKETS`."""
        return f"{self.prefix}{{c{where.shard}}}:h:{where.bucket:x}"
