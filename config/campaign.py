"""A campaign's settings, as its TOML file and as Redis keep them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import Field, ValidationInfo, field_validator

from compliance.caller_ids import CallerId, Pool
from compliance.destinations import Destinations, NumberType
from compliance.listed import ALL_REGISTERS
from config.abandonment import AbandonmentSettings, AbandonWindow, Zone, each_once
from config.agent_choice import AgentChoiceSettings
from config.caller_ids import CALLER_ID_FORM, MOST_CALLER_IDS, CallerIdSettings, each_number_once
from config.machines.settings import MachineSettings
from config.model import NAME as NAME
from config.model import Region, Section, TrunkName, each_name_once
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

    name: str = Field(description="small letters, digits, - and _", pattern=rf"^{NAME.pattern}$")
    mode: Mode = Field(
        default=Mode.PREDICTIVE,
        description="preview, progressive, ratio, predictive, or script: callees go through the script by themselves",
    )
    policies: tuple[str, ...] = Field(
        default=("cn-default",),
        description="the policies whose rules hold, all at once, the stricter wins; `dialer policy list` has their "
        "names; hours, caps and the rest of this file come on top",
        max_length=16,
    )
    group: str = Field(
        default="",
        description="campaigns of the same group share caps that count over a group; empty: a group of its own",
        pattern=rf"^({NAME.pattern})?$",
    )
    max_abandon_rate: float = Field(
        default=0.0,
        description="cap on abandoned calls among calls answered by a person, as a fraction; 0: the least that the "
        "policies say",
        ge=0,
        le=0.2,
    )
    guarantee: Guarantee = Field(
        default=Guarantee.STATISTICAL, description="statistical, or hard: never a call that could breach"
    )
    time_zone: Zone = Field(
        default="",
        description="IANA name; its midnights end the counting days of abandoned calls, shift_ends is its time; "
        "empty: the host's",
        max_length=64,
    )
    abandon_after_s: float = Field(
        default=2.0,
        description="an answered call without an agent for this long is abandoned, in seconds",
        ge=0.5,
        le=10,
    )
    ring_timeout_s: float = Field(
        default=25.0,
        description="how long a call rings before it is given up, in seconds; 15 is the legal minimum",
        ge=MIN_RING_TIMEOUT_S,
        le=120,
    )
    ratio: float = Field(default=1.5, description="calls for each ready agent, in mode ratio only", ge=1, le=10)
    max_calls_per_agent: float = Field(
        default=8.0, description="most calls in flight for each working agent", ge=1, le=50
    )
    trunk: str = Field(
        default="", description="name of the only trunk that is used; empty: trunks says which", max_length=40
    )
    trunks: tuple[TrunkName, ...] = Field(
        default=(),
        description="names of the trunks that are used; their priority and weight say in which order; empty: all",
        max_length=64,
    )
    registers: tuple[str, ...] = Field(
        default=(ALL_REGISTERS,),
        description="national no-call registers that numbers of their country must not be on: names of the daemon's "
        'registers, or "all"; [] for none, where the law excepts the calls',
        max_length=64,
    )
    caller_id: str = Field(
        default="",
        description="number shown to the callee; this or caller_ids is needed to start",
        pattern=rf"^({CALLER_ID_FORM})?$",
    )
    callback_agent_wait_s: float = Field(
        default=15 * 60.0,
        description="a promised callback waits so long for the agent who is to have it, in seconds from its time on; "
        "then it is anybody's",
        ge=0,
        le=86_400,
    )
    caller_id_rest_after_blocks: int = Field(
        default=3,
        description="a caller id rests for a day when the network blocked (603+, 608) at least this many of its calls "
        "within a day, and the share of caller_id_rest_share; 0: it rests only when somebody says so",
        ge=0,
        le=20,
    )
    caller_id_rest_share: float = Field(
        default=0.1,
        description="share of a caller id's calls of today and yesterday that must have been blocked before it rests",
        ge=0,
        le=1,
    )
    caller_id_rest_min_calls: int = Field(
        default=20,
        description="calls of today and yesterday before a share says anything: with fewer a caller id does not rest "
        "by itself",
        ge=0,
        le=10_000,
    )
    default_region: Region = Field(default="CN", description="country of numbers without a country code, ISO 3166")
    countries: tuple[Region, ...] = Field(
        default=(),
        description="countries whose numbers are called, ISO 3166; empty: default_region alone",
        max_length=250,
    )
    number_types: tuple[NumberType, ...] = Field(
        default=(),
        description="special ranges that are called as well: premium_rate, shared_cost, personal_number, pager, "
        "universal, satellite; they are refused in every country unless they are named",
        max_length=16,
    )
    abandon_message: str = Field(
        default="",
        validate_default=True,
        max_length=4096,
        description="path of the WAV file played to an abandoned caller; needed in modes ratio and predictive, and for "
        "scripts that ask for agents",
    )
    return_message: str = Field(
        default="",
        description="the same for people who call back and whom no agent can serve; empty: inbound.message of the host",
        pattern=r"^(/[^\x00]{1,1000})?$",
    )
    opt_out_key: str = Field(
        default="9",
        description="key, of 0-9 * #, by which an abandoned caller is never called again by anybody, pressed while the "
        "message plays; the message should say so; empty: no key does",
        pattern=r"^[0-9*#]?$",
    )
    whisper: str = Field(
        default="",
        description="path of a WAV file that the agent alone hears when a call comes, such as the campaign's name",
        max_length=4096,
    )
    wrapup_limit_s: float = Field(
        default=30.0, description="an agent is ready again after this long in wrap-up, in seconds", ge=0, le=3600
    )
    talk_limit_s: float = Field(
        default=0.0,
        description="the longest talk, in seconds; 0: as long as sip.talk_limit_s lets it last",
        ge=0,
        le=86_400,
    )
    preview_limit_s: float = Field(
        default=120.0,
        description="mode preview: an agent decides on a lead within this, or is paused, in seconds",
        ge=5,
        le=3600,
    )
    preview_skip_s: float = Field(
        default=30 * 60.0,
        description="mode preview: a lead that an agent skipped is put off for this long, in seconds",
        ge=1,
        le=31_622_400,
    )
    max_lines: int = Field(
        default=0,
        validate_default=True,
        description="most calls in flight of this campaign; 0: no limit of its own; needed in mode script",
        ge=0,
        le=100_000,
    )
    priority: int = Field(
        default=5, description="share of lines and agents against other campaigns; 9 goes first", ge=0, le=9
    )
    shift_ends: str = Field(
        default="",
        description="when agents go home, HH:MM, where their login does not say; no call is started for them that may "
        "be answered later; empty: nobody knows",
        pattern=rf"^({CLOCK.pattern})?$",
    )
    consent_required: bool = Field(
        default=False, description="only people who agreed to be called: leads whose consent the CRM stated"
    )
    consent_max_age_days: float = Field(
        default=0.0, description="a consent counts for so long, in days; 0: of any age", ge=0, le=36_525
    )
    believe_stated_zone: bool = Field(
        default=True,
        description="the time zone that the CRM states takes the place of those of the number; false: all must be open",
    )
    same_caller_id_on_retry: bool = Field(
        default=True, description="a callee is shown the same caller id again; false: any one of the pool"
    )
    retention_days: int = Field(
        default=0,
        description="leads are deleted this long after they came, in days; 0: no limit of its own",
        ge=0,
        le=36_525,
    )
    crm: str = Field(
        default="",
        description="the CRM that it belongs to: events go to crm:out:NAME and crm:live:NAME, for that CRM alone, and "
        "what it asks for comes in crm:in:NAME; empty: the streams that all others share",
        pattern=rf"^({NAME.pattern})?$",
    )
    lead_events: LeadEvents = Field(
        default=LeadEvents.NONE,
        description="which leads that came in the CRM is told of by an event: none, rejected (with the reasons) or all",
    )
    refuse_above_share: float = Field(
        default=0.5,
        description="campaign start refuses where more than this share of the leads may not be called: refused for "
        "good, or called often enough; a fraction",
        ge=0,
        le=1,
    )
    caller_ids: tuple[CallerIdSettings, ...] = Field(
        default=(),
        description="pool of numbers shown to callees, instead of caller_id; they take turns",
        max_length=MOST_CALLER_IDS,
    )
    hours: tuple[HoursSettings, ...] = Field(
        default=(),
        description="when people may be called, in their local time, besides what the policies say",
        max_length=100,
    )
    caps: tuple[CapSettings, ...] = Field(
        default=(), description="how often people may be called, besides what the policies say", max_length=32
    )
    abandon_windows: tuple[AbandonWindow, ...] = Field(
        default=(),
        description="over which windows abandoned calls are counted and capped, besides what the policies say; all "
        "hold at once",
        max_length=6,
    )
    abandonment: AbandonmentSettings = Field(
        default=AbandonmentSettings(), description="which calls the abandon rate counts"
    )
    recording: RecordingSettings = Field(default=RecordingSettings(), description="which talks are recorded, and how")
    script: ScriptSettings = Field(
        default=ScriptSettings(),
        validate_default=True,
        description="what callees go through in mode script; other modes do not use it",
    )
    survey: SurveySettings = Field(default=SurveySettings(), description="what callees are asked after a talk")
    machines: MachineSettings = Field(
        default=MachineSettings(), description="who answers, a person or a machine, and what follows"
    )
    agent_choice: AgentChoiceSettings = Field(
        default=AgentChoiceSettings(), description="which of the ready agents has an answered call"
    )
    retry: RetryTable = Field(default=RetryTable(), description="what follows an attempt, by its disposition")

    @field_validator("abandon_windows")
    @classmethod
    def _windows_differ(cls, windows: tuple[AbandonWindow, ...]) -> tuple[AbandonWindow, ...]:
        return each_once(windows)

    @field_validator("machines")
    @classmethod
    def _nobody_waits_past_the_limit(cls, machines: MachineSettings, info: ValidationInfo) -> MachineSettings:
        limit_s = info.data.get("abandon_after_s")
        if limit_s is not None and machines.wait_s > limit_s:
            raise ValueError(f"wait_s may not be longer than abandon_after_s, which is {limit_s:g} s")
        return machines

    @field_validator("hours")
    @classmethod
    def _holidays_agree(cls, rows: tuple[HoursSettings, ...]) -> tuple[HoursSettings, ...]:
        of_one_mind(rows)
        return rows

    @field_validator("caps")
    @classmethod
    def _caps_differ(cls, rows: tuple[CapSettings, ...]) -> tuple[CapSettings, ...]:
        each_cap_once(rows)
        return rows

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

    @field_validator("policies")
    @classmethod
    def _policies_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
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
