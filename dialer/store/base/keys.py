"""Every key of the product, each by one function.

The part in braces is the hash tag of Redis Cluster: keys with the same tag live in the same slot, and a script only
ever names keys of one tag. Campaign keys carry the campaign's name; what is known about a phone number, a customer or
an account (history, blocks) is spread over 16 tags by the CRC-32 of its field.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
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


def _scope(prefix: str) -> str:
    return f"{prefix.replace(':', '/').rstrip('/')}/"


def _shared(name: str) -> Callable[[Keys], str]:
    def key(self: Keys) -> str:
        return f"{self.prefix}{name}"

    return key


def _common(name: str) -> Callable[[Keys], str]:
    def key(self: Keys) -> str:
        return f"{self.common}{name}"

    return key


def _of_campaign(name: str) -> Callable[[Keys, str], str]:
    def key(self: Keys, campaign: str) -> str:
        return f"{self.prefix}{{{campaign}}}:{name}"

    return key


def _of_crm(name: str) -> Callable[..., str]:
    def key(self: Keys, crm: str = "") -> str:
        return f"{self.prefix}{name}:{crm}" if crm else f"{self.prefix}{name}"

    return key


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of keys under one prefix. What is kept by id is msgpack where nothing else is said; times are seconds since
    the epoch.

    What is known of numbers, customers and accounts, and what tells that the server has forgotten some of it, is under
    the prefix `common`, which several installations may have in common; empty: it is `prefix`, too.
    """

    prefix: str = "dialer:"
    common: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "common", self.common or self.prefix)

    @property
    def scope(self) -> str:
        """Begins the names of our campaigns and hosts where other installations have theirs; colons part fields there.
        Empty where those keys are our own."""
        return "" if self.common == self.prefix else _scope(self.prefix)

    # --- streams ----------------------------------------------------------------------------------------------------

    # Three for each CRM by its name, and three without a name for campaigns that name none.
    crm_in = _of_crm("crm:in")  # outcomes, blocks and unblocks from the CRM and desktops
    crm_out = _of_crm("crm:out")  # events for the CRM that it must not miss
    crm_live = _of_crm("crm:live")  # events of the moment: for screens, and answers to entries
    floor = _shared("floor")  # what happened on the floor, for the archive: agents' intervals, pacing minutes, outcomes
    agents_in = _shared("agents:in")  # what desktops say about their agents
    control = _shared("control")  # operator commands
    audit = _shared("audit")  # who changed or looked at what, and when
    quarantine = _shared("quarantine")  # fields of our own keys that could not be read, with key, reason and value

    # --- shared -----------------------------------------------------------------------------------------------------

    trunks_drained = _shared("trunks:drained")  # hash: trunk -> who took it out of use, when and why
    crm_readers = _shared("crm:readers")  # hash: READER or CRM/READER of crm:out -> since when, and who registered it
    crm_campaigns = _shared("crm:campaigns")  # hash: campaign -> the CRM that it names, also when it is gone
    crm_names = _shared("crm:names")  # set: the names of all CRMs that there are or were
    crm_settings = _shared("crm:settings")  # hash: how events are written and kept, for all hosts
    campaigns = _shared("campaigns")  # set: the names of all campaigns
    agents = _shared("agents")  # hash: agent -> presence
    agents_read = _shared("agents:read")  # hash: host -> the last entry of the agents' stream that it has read
    owners = _shared("owners")  # hash: owner -> time of its last sign of life
    marker = _common("marker")  # hash: by which a server that has forgotten something is noticed (lua/marker.lua)
    hosts = _shared("hosts")  # set: hosts that have published a status
    unwritten = _shared("unwritten")  # hash: attempt_id -> end that waits until a key of its campaign is mended
    housekeeper = _shared("housekeeper")  # string with an end of life: the daemon that deletes what is old
    retention = _shared("retention")  # string: how far the deleting of what is old has come (JSON)
    erasures = _shared("erasures")  # hash: id -> whom to erase, what has been done, what is left
    # stream: who was erased, for every host to delete what it recorded of them
    recordings_erased = _shared("recordings:erased")
    # stream: recordings that were exported or purged, by whom, where to
    recordings_handed = _shared("recordings:handed")
    recordings_scores = _shared("recordings:scores")  # stream: marks that people gave recordings
    # hash: prefix of an installation -> seconds that it wants contact histories kept
    contacts_kept = _common("contacts_kept")
    prefixes = _common("prefixes")  # hash: PREFIX or CAMPAIGN@PREFIX -> who blocked numbers that begin so, as below

    def agent_claim(self, agent: str) -> str:
        """String with an end of life: the owner (daemon) that the agent belongs to."""
        return f"{self.prefix}agents:claim:{{{agent}}}"

    def phone_claim(self, phone: str) -> str:
        """String with an end of life: the agent who has logged in with this phone."""
        return f"{self.prefix}agents:phone:{{{phone}}}"

    def heartbeat(self, owner: str) -> str:
        """String with an end of life: there while the owner lives."""
        return f"{self.prefix}owner:{{{owner}}}"

    def status(self, host: str) -> str:
        """String with an end of life: the host's last status."""
        return f"{self.prefix}status:{{{host}}}"

    def web_session(self, digest: str) -> str:
        """String with an end of life: somebody who is signed in at the console."""
        return f"{self.prefix}web:session:{{{digest}}}"

    def calls(self, host: str) -> str:
        """String with an end of life: the calls that the host has on the line."""
        return f"{self.prefix}calls:{{{host}}}"

    # --- one campaign -----------------------------------------------------------------------------------------------

    campaign = _of_campaign("campaign")  # hash: settings (JSON), state, created_at, changed_at, changed_by, archived_at
    leads = _of_campaign("leads")  # stream: leads as the CRM adds them
    rejected = _of_campaign("rejected")  # stream: leads that were not taken in, as they came, with every reason
    lead = _of_campaign("lead")  # hash: lead_id -> the lead as accepted
    progress = _of_campaign("progress")  # hash: lead_id -> number_index and tries, for leads that were tried
    story = _of_campaign("story")  # hash: lead_id -> ended attempts, one map after the other
    priority = _of_campaign("priority")  # hash: lead_id -> priority, where it is not 5
    numbers = _of_campaign("numbers")  # hash: digits -> lead_id, to find duplicates
    due = _of_campaign("due")  # sorted set: lead_id by (priority, time it became due); the lowest is leased first
    waiting = _of_campaign("waiting")  # sorted set: lead_id by the time it becomes due
    early = _of_campaign("early")  # sorted set: TIME|lead_id of those that wait until then, by when they may be called
    leased = _of_campaign("leased")  # sorted set: lead_id by the end of its lease
    lessee = _of_campaign("lessee")  # hash: lead_id -> owner of the lease
    attempts = _of_campaign("attempts")  # hash: attempt_id -> an attempt that has not ended
    open = _of_campaign("open")  # hash: lead_id -> attempt_id, for leads with an open attempt
    ended = _of_campaign("ended")  # hash: attempt_id -> what is kept of an ended attempt
    outcomes = _of_campaign("outcomes")  # hash: attempt_id -> what the agent or the CRM said came of it
    wishes = _of_campaign("wishes")  # hash: lead_id -> what an outcome wants of a lead after its open attempt (JSON)
    closed = _of_campaign("closed")  # sorted set: lead_id by the time it was closed
    why = _of_campaign("why")  # hash: lead_id -> why it was last postponed or closed (JSON)
    callbacks = _of_campaign("callbacks")  # sorted set: lead_id by the time that a callback was promised for
    callback_agent = _of_campaign("callback_agent")  # hash: lead_id -> the agent who is to have the callback
    put_off = _of_campaign("put_off")  # sorted set: lead_id by the number of the rule that put it off (lua/prelude.lua)
    learnt = _of_campaign("learnt")  # hash: host -> what its pacer has learnt and how it decided last
    unannounced = _of_campaign("unannounced")  # hash: attempt_id -> event that is not in the CRM's stream yet
    lists = _of_campaign("lists")  # hash: accepted:LIST, rejected:LIST, taken_back_at:LIST -> counters and a time
    imports = _of_campaign("imports")  # hash: DIGEST@LIST -> a file that was imported: whose, when, rows, reasons
    # hash: counters: accepted, rejected, reopened, purged, erased, deleted; disposition:, closed:, refused:,
    # outcome:NAME; window:WINDOW:TRY:attempts and :live
    counts = _of_campaign("counts")

    def ledger(self, campaign: str, day: str) -> str:
        """Hash: OWNER|answered and OWNER|abandoned of one counting day; machine|answered takes back answers that an
        agent said were machines, estimate|answered and estimate|abandoned are people hung up on as machines."""
        return f"{self.prefix}{{{campaign}}}:ledger:{day}"

    def ledger_hour(self, campaign: str, hour: int) -> str:
        """Hash with an end of life: SLOT|OWNER|answered and so on of one hour (hours since 1970), by slots of five
        minutes, for the rolling windows."""
        return f"{self.prefix}{{{campaign}}}:ledger_hour:{hour}"

    def agent_day(self, campaign: str, day: str) -> str:
        """Hash with an end of life: AGENT|talks, AGENT|talk_ms, AGENT|first_at and AGENT|outcome|NAME of one counting
        day."""
        return f"{self.prefix}{{{campaign}}}:agent_day:{day}"

    # --- the numbers that are shown -----------------------------------------------------------------------------------

    caller_id_rests = _common("{caller_ids}:rests")  # hash: caller id -> until when it rests, who said so, when and why
    caller_id_blocks = _common("{caller_ids}:blocks")  # sorted set: CALLER_ID|ATTEMPT by the time of a network's block

    def caller_id_uses(self, day: str) -> str:
        """Hash with an end of life: caller id -> calls of a counting day that show it, of all campaigns."""
        return f"{self.common}{{caller_ids}}:uses:{day}"

    # --- one number ---------------------------------------------------------------------------------------------------

    def blocked(self, shard: int) -> str:
        """Hash: SUBJECT or CAMPAIGN@SUBJECT -> who blocked a number, customer or account, when, until when and why."""
        return f"{self.common}{{c{shard}}}:blocked"

    def block_ends(self, shard: int) -> str:
        """Sorted set: the fields of the blocks that have an end, by that end."""
        return f"{self.common}{{c{shard}}}:block_ends"

    def prefix_generation(self, shard: int) -> str:
        """String: how often the prefixes have been changed. One in each contact tag, so that the script which counts
        an attempt sees whether it was judged by the prefixes as they are."""
        return f"{self.common}{{c{shard}}}:prefix_generation"

    def history(self, where: Place) -> str:
        """Hash: a subject's field -> its attempts, packed (`compliance.contacts`). Small on purpose, see `BUCKETS`."""
        return history_key(self.common, where.shard, where.bucket)


def scoped(keys: Keys, name: str) -> str:
    """A campaign or host of ours as it is named in common keys; no campaign stays none."""
    return f"{keys.scope}{name}" if name else ""


def named_here(keys: Keys, name: str) -> str:
    """The opposite: a campaign of ours by its name, one of another installation with that in front."""
    bare = name.removeprefix(keys.scope)
    if not keys.scope or not name or "/" in bare:
        return name
    return bare if bare != name else f"{_scope(keys.common)}{name}"
