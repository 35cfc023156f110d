"""A campaign's settings, as its TOML file and as Redis keep them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from compliance.caller_ids import CallerId, Pool
from compliance.destinations import Destinations, NumberType
from compliance.listed import ALL_REGISTERS
from config.abandonment import AbandonmentSettings, AbandonWindow, Zone, each_once
from config.agent_choice import AgentChoiceSettings
from config.caller_ids import CALLER_ID_FORM, MOST_CALLER_IDS, CallerIdSettings, each_number_once
from config.machines.settings import MachineSettings
from config.model import NAME as NAME
from config.model import PhoneKey, Region, Section, TrunkName, WavPath, each_name_once
from config.recordings.settings import RecordingSettings
from config.rules import CLOCK, CapSettings, HoursSettings, each_cap_once, of_one_mind
from config.rules import NEVER as NEVER
from config.rules import NEXT_DAY as NEXT_DAY
from config.rules import RetrySettings as RetrySettings
from config.rules import RetryTable as RetryTable
from config.scripts.settings import ScriptSettings, SurveySettings
from dialer.language.phrases import phrase
from pacing.api import Guarantee, Mode

MIN_RING_TIMEOUT_S: Final = 15.0
"""A call must ring this long before it may be given up: 16 CFR 310.4(b)(4)(ii) and 47 CFR 64.1200(a)(6), 15 seconds or
four rings; Ofcom and the German regulator ask for the same."""


class LeadEvents(StrEnum):
    """Which leads that came in the CRM is told of."""

    NONE = "none"
    REJECTED = "rejected"
    ALL = "all"


class CampaignSettings(Section):
    """One campaign, as its file and Redis have it; `config.policies.applied` adds its policies."""

    name: str = Field(pattern=rf"^{NAME.pattern}$")
    """small letters, digits, - and _"""
    mode: Mode = Mode.PREDICTIVE
    """preview, progressive, ratio, predictive, or script: callees go through the script by themselves"""
    policies: Annotated[tuple[str, ...], AfterValidator(each_name_once)] = Field(default=("cn-default",), max_length=16)
    """the policies whose rules hold, all at once, the stricter wins; `dialer policy list` has their names; hours, caps
    and the rest of this file come on top"""
    group: str = Field(default="", pattern=rf"^({NAME.pattern})?$")
    """campaigns of the same group share caps that count over a group; empty: a group of its own"""
    max_abandon_rate: float = Field(default=0.0, ge=0, le=0.2)
    """cap on abandoned calls among calls answered by a person, as a fraction; 0: the least that the policies say"""
    guarantee: Guarantee = Guarantee.STATISTICAL
    """statistical, or hard: never a call that could breach"""
    time_zone: Zone = Field(default="", max_length=64)
    """IANA name; its midnights end the counting days of abandoned calls, shift_ends is its time; empty: the host's"""
    abandon_after_s: float = Field(default=2.0, ge=0.5, le=10)
    """an answered call without an agent for this long is abandoned, in seconds"""
    ring_timeout_s: float = Field(default=25.0, ge=MIN_RING_TIMEOUT_S, le=120)
    """how long a call rings before it is given up, in seconds; 15 is the legal minimum"""
    ratio: float = Field(default=1.5, ge=1, le=10)
    """calls for each ready agent, in mode ratio only"""
    max_calls_per_agent: float = Field(default=8.0, ge=1, le=50)
    """most calls in flight for each working agent"""
    trunk: str = Field(default="", max_length=40)
    """name of the only trunk that is used; empty: trunks says which"""
    trunks: tuple[TrunkName, ...] = Field(default=(), max_length=64)
    """names of the trunks that are used; their priority and weight say in which order; empty: all"""
    registers: tuple[str, ...] = Field(default=(ALL_REGISTERS,), max_length=64)
    """national no-call registers that numbers of their country must not be on: names of the daemon's registers, or
    "all"; [] for none, where the law excepts the calls"""
    caller_id: str = Field(default="", pattern=rf"^({CALLER_ID_FORM})?$")
    """number shown to the callee; this or caller_ids is needed to start"""
    callback_agent_wait_s: float = Field(default=15 * 60.0, ge=0, le=86_400)
    """a promised callback waits so long for the agent who is to have it, in seconds from its time on; then it is
    anybody's"""
    caller_id_rest_after_blocks: int = Field(default=3, ge=0, le=20)
    """a caller id rests for a day when the network blocked (603+, 608) at least this many of its calls within a day,
    and the share of caller_id_rest_share; 0: it rests only when somebody says so"""
    caller_id_rest_share: float = Field(default=0.1, ge=0, le=1)
    """share of a caller id's calls of today and yesterday that must have been blocked before it rests"""
    caller_id_rest_min_calls: int = Field(default=20, ge=0, le=10_000)
    """calls of today and yesterday before a share says anything: with fewer a caller id does not rest by itself"""
    default_region: Region = "CN"
    """country of numbers without a country code, ISO 3166"""
    countries: tuple[Region, ...] = Field(default=(), max_length=250)
    """countries whose numbers are called, ISO 3166; empty: default_region alone"""
    number_types: tuple[NumberType, ...] = Field(default=(), max_length=16)
    """special ranges that are called as well: premium_rate, shared_cost, personal_number, pager, universal, satellite;
    they are refused in every country unless they are named"""
    abandon_message: str = Field(default="", validate_default=True, max_length=4096)
    """path of the WAV file played to an abandoned caller; needed in modes ratio and predictive, and for scripts that
    ask for agents"""
    return_message: WavPath = ""
    """the same for people who call back and whom no agent can serve; empty: inbound.message of the host"""
    opt_out_key: PhoneKey = "9"
    """key, of 0-9 * #, by which an abandoned caller is never called again by anybody, pressed while the message plays;
    the message should say so; empty: no key does"""
    whisper: str = Field(default="", max_length=4096)
    """path of a WAV file that the agent alone hears when a call comes, such as the campaign's name"""
    wrapup_limit_s: float = Field(default=30.0, ge=0, le=3600)
    """an agent is ready again after this long in wrap-up, in seconds"""
    talk_limit_s: float = Field(default=0.0, ge=0, le=86_400)
    """the longest talk, in seconds; 0: as long as sip.talk_limit_s lets it last"""
    preview_limit_s: float = Field(default=120.0, ge=5, le=3600)
    """mode preview: an agent decides on a lead within this, or is paused, in seconds"""
    preview_skip_s: float = Field(default=30 * 60.0, ge=1, le=31_622_400)
    """mode preview: a lead that an agent skipped is put off for this long, in seconds"""
    max_lines: int = Field(default=0, validate_default=True, ge=0, le=100_000)
    """most calls in flight of this campaign; 0: no limit of its own; needed in mode script"""
    priority: int = Field(default=5, ge=0, le=9)
    """share of lines and agents against other campaigns; 9 goes first"""
    shift_ends: str = Field(default="", pattern=rf"^({CLOCK.pattern})?$")
    """when agents go home, HH:MM, where their login does not say; no call is started for them that may be answered
    later; empty: nobody knows"""
    consent_required: bool = False
    """only people who agreed to be called: leads whose consent the CRM stated"""
    consent_max_age_days: float = Field(default=0.0, ge=0, le=36_525)
    """a consent counts for so long, in days; 0: of any age"""
    believe_stated_zone: bool = True
    """the time zone that the CRM states takes the place of those of the number; false: all must be open"""
    same_caller_id_on_retry: bool = True
    """a callee is shown the same caller id again; false: any one of the pool"""
    retention_days: int = Field(default=0, ge=0, le=36_525)
    """leads are deleted this long after they came, in days; 0: no limit of its own"""
    crm: str = Field(default="", pattern=rf"^({NAME.pattern})?$")
    """the CRM that it belongs to: events go to crm:out:NAME and crm:live:NAME, for that CRM alone, and what it asks for
    comes in crm:in:NAME; empty: the streams that all others share"""
    lead_events: LeadEvents = LeadEvents.NONE
    """which leads that came in the CRM is told of by an event: none, rejected (with the reasons) or all"""
    refuse_above_share: float = Field(default=0.5, ge=0, le=1)
    """campaign start refuses where more than this share of the leads may not be called: refused for good, or called
    often enough; a fraction"""
    caller_ids: tuple[CallerIdSettings, ...] = Field(default=(), max_length=MOST_CALLER_IDS)
    """pool of numbers shown to callees, instead of caller_id; they take turns"""
    hours: Annotated[tuple[HoursSettings, ...], AfterValidator(of_one_mind)] = Field(default=(), max_length=100)
    """when people may be called, in their local time, besides what the policies say"""
    caps: Annotated[tuple[CapSettings, ...], AfterValidator(each_cap_once)] = Field(default=(), max_length=32)
    """how often people may be called, besides what the policies say"""
    abandon_windows: Annotated[tuple[AbandonWindow, ...], AfterValidator(each_once)] = Field(default=(), max_length=6)
    """over which windows abandoned calls are counted and capped, besides what the policies say; all hold at once"""
    abandonment: AbandonmentSettings = AbandonmentSettings()
    """which calls the abandon rate counts"""
    recording: RecordingSettings = RecordingSettings()
    """which talks are recorded, and how"""
    script: ScriptSettings = Field(default=ScriptSettings(), validate_default=True)
    """what callees go through in mode script; other modes do not use it"""
    survey: SurveySettings = SurveySettings()
    """what callees are asked after a talk"""
    machines: MachineSettings = MachineSettings()
    """who answers, a person or a machine, and what follows"""
    agent_choice: AgentChoiceSettings = AgentChoiceSettings()
    """which of the ready agents has an answered call"""
    retry: RetryTable = RetryTable()
    """what follows an attempt, by its disposition"""

    @field_validator("machines")
    @classmethod
    def _nobody_waits_past_the_limit(cls, machines: MachineSettings, info: ValidationInfo) -> MachineSettings:
        limit_s = info.data.get("abandon_after_s")
        if limit_s is not None and machines.wait_s > limit_s:
            raise ValueError(f"wait_s may not be longer than abandon_after_s, which is {limit_s:g} s")
        return machines

    @field_validator("caller_ids")
    @classmethod
    def _one_way_to_name_them(
        cls, rows: tuple[CallerIdSettings, ...], info: ValidationInfo
    ) -> tuple[CallerIdSettings, ...]:
        if rows and info.data.get("caller_id"):
            raise ValueError("takes the place of caller_id: give only one of the two")
        each_number_once(rows)
        return rows

    @field_validator("trunks")
    @classmethod
    def _trunks_once(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if names and info.data.get("trunk"):
            raise ValueError("takes the place of trunk: give only one of the two")
        return each_name_once(names)

    @field_validator("abandon_message")
    @classmethod
    def _message_for_abandoned_callers(cls, path: str, info: ValidationInfo) -> str:
        mode = info.data.get("mode")
        if mode is not None and mode.can_abandon and not path:
            raise ValueError(
                f"is needed in mode {mode}, which can leave an answered call without an agent: "
                "the callee must then hear who called (path of a WAV file)"
            )
        return path

    @field_validator("max_lines")
    @classmethod
    def _lines_are_bounded(cls, lines: int, info: ValidationInfo) -> int:
        if info.data.get("mode") is Mode.SCRIPT and not lines:
            raise ValueError("is needed in mode script: no number of agents bounds the calls there")
        return lines

    @field_validator("script")
    @classmethod
    def _script_of_its_mode(cls, script: ScriptSettings, info: ValidationInfo) -> ScriptSettings:
        if info.data.get("mode") is Mode.SCRIPT:
            if not script.used:
                raise ValueError("is needed in mode script: script.file names its TOML file")
            if script.transfers and not info.data.get("abandon_message", ""):
                raise ValueError(
                    "may ask for an agent: abandon_message is needed, for callees who ask when none is there"
                )
        return script

    @property
    def trunks_named(self) -> tuple[str, ...]:
        """The trunks that may be used, by name; none: all that the host has."""
        return (self.trunk,) if self.trunk else self.trunks

    def destinations(self) -> Destinations:
        """Which countries and ranges of numbers may be called."""
        return Destinations(frozenset(self.countries or (self.default_region,)), frozenset(self.number_types))

    def caller_pool(self) -> Pool:
        """The numbers that may be shown; one `caller_id` is a pool of one without a limit."""
        rows = tuple(row.caller_id() for row in self.caller_ids)
        if self.caller_id:
            rows = (CallerId(self.caller_id),)
        return Pool(
            self.name,
            rows,
            self.same_caller_id_on_retry,
            self.caller_id_rest_after_blocks,
            self.caller_id_rest_share,
            self.caller_id_rest_min_calls,
        )

    def missing_to_start(self) -> tuple[str, ...]:
        """What keeps valid settings from being started, one sentence each: checked at start, not when they are kept."""
        missing = []
        if not self.caller_pool().rows:
            missing.append(phrase("caller_id is empty and there are no caller_ids: the callee must be shown a number"))
        return tuple(missing)
