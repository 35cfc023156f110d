"""Every key of the product, each by one function.

The part in braces is the hash tag of Redis Cluster: keys with the same tag live in the same slot, and a script only
ever names keys of one tag. Campaign keys carry the campaign's name; what is known about a phone number, a customer or
an account (history, blocks) is spread over 16 tags by the CRC-32 of its field.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

from compliance.api import Per, Subject
from compliance.numbers import E164

SHARDS: Final = 16
BUCKETS: Final = 8192
"""History hashes per shard. With 131,072 in all, ten million numbers are 76 a hash, which Redis keeps as a listpack."""

_LETTER: Final = {Per.CUSTOMER: "c", Per.ACCOUNT: "a"}


def digits(number: E164) -> str:
    """The number as it stands in keys and fields: E.164 without the plus sign."""
    return number.clear[1:]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subject's history and blocks are."""

    shard: int
    bucket: int


def place(field: str) -> Place:
    """Shard and history bucket of a subject's field (`subject_field`), the same in every process and release."""
    crc = zlib.crc32(field.encode())
    return Place(crc % SHARDS, crc // SHARDS % BUCKETS)


def history_key(prefix: str, shard: int, bucket: int) -> str:
    """The key of the hash with the histories of one bucket; `Keys.history` for those who make very many."""
    return f"{prefix}{{c{shard}}}:h:{bucket:x}"


def shard_of(field: str) -> int:
    """The contact tag of a subject's field (`subject_field`); a number's is that of its `place`."""
    return place(field).shard


def subject_field(subject: Subject) -> str:
    """Under which field a subject stands in hashes: the digits of a number, "c:ID" of a customer, "a:ID" of an
    account."""
    return subject.id if subject.kind is Per.NUMBER else f"{_LETTER[subject.kind]}:{subject.id}"


def block_field(field: str, campaign: str) -> str:
    """Under which field a block on a subject, or on a prefix, stands: FIELD for all campaigns, else CAMPAIGN@FIELD.

    The campaign goes first because its name has neither "@" nor ":", while an id may have both.
    """
    return f"{campaign}@{field}" if campaign else field


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

    def housekeeper(self) -> str:
        """String with an end of life: the daemon that deletes what is old."""
        return f"{self.prefix}housekeeper"

    def retention(self) -> str:
        """String: how far the deleting of what is old has come (JSON)."""
        return f"{self.prefix}retention"

    def erasures(self) -> str:
        """Hash: id -> whom to erase, what has been done, what is left (msgpack), until it is on record."""
        return f"{self.prefix}erasures"

    def quarantine(self) -> str:
        """Stream: fields of our own keys that could not be read, with key, reason and value; the newest ones."""
        return f"{self.prefix}quarantine"

    def unwritten(self) -> str:
        """Hash: attempt_id -> settlement (msgpack) that waits until a key of its campaign is mended."""
        return f"{self.prefix}unwritten"

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
        """Hash: counters: accepted, rejected, reopened, purged, erased, and disposition:, closed:, refused:,
        outcome:NAME."""
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

    # --- the numbers that are shown ------------------------------------------------------------------------------

    def caller_id_uses(self, day: str) -> str:
        """Hash with an end of life: caller id -> calls of a counting day that show it, of all campaigns."""
        return f"{self.prefix}{{caller_ids}}:uses:{day}"

    def caller_id_rests(self) -> str:
        """Hash: caller id -> until when an operator lets it rest, who, when and why (msgpack)."""
        return f"{self.prefix}{{caller_ids}}:rests"

    def caller_id_blocks(self) -> str:
        """Sorted set: CALLER_ID|ATTEMPT by the time at which the network blocked the call; the newest ones."""
        return f"{self.prefix}{{caller_ids}}:blocks"

    # --- one number ---------------------------------------------------------------------------------------------

    def blocked(self, shard: int) -> str:
        """Hash: SUBJECT or CAMPAIGN@SUBJECT -> who blocked a number, customer or account, when, until when and why
        (msgpack)."""
        return f"{self.prefix}{{c{shard}}}:blocked"

    def block_ends(self, shard: int) -> str:
        """Sorted set: the fields of the blocks that have an end, by that end."""
        return f"{self.prefix}{{c{shard}}}:block_ends"

    def prefixes(self) -> str:
        """Hash: PREFIX or CAMPAIGN@PREFIX -> who blocked numbers that begin so, and so on as above."""
        return f"{self.prefix}prefixes"

    def prefix_generation(self, shard: int) -> str:
        """String: how often the prefixes have been changed. One in each contact tag, so that the script which counts
        an attempt sees whether it was judged by the prefixes as they are."""
        return f"{self.prefix}{{c{shard}}}:prefix_generation"

    def history(self, where: Place) -> str:
        """Hash: a subject's field -> its attempts, packed (`compliance.contacts`). Small on purpose, see `BUCKETS`."""
        return history_key(self.prefix, where.shard, where.bucket)
