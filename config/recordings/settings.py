"""Recording: what a campaign wants recorded, and where a host keeps it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from config.model import AbsolutePath, OptionalPath, Section


class RecordingMode(StrEnum):
    """Which talks of a campaign are recorded."""

    NONE = "none"
    ALL = "all"
    SHARE = "share"
    ON_DEMAND = "on_demand"


class RecordingSettings(Section):
    """What is recorded of a campaign's talks. Agents pause and resume it for card numbers."""

    mode: RecordingMode = RecordingMode.NONE
    """none, all, share (of the talks, drawn by attempt), or on_demand: from when the agent says so"""
    share: float = Field(default=0.1, gt=0, le=1)
    """the share that mode share records, a fraction"""
    announcement: str = Field(default="", max_length=4096)
    """path of the WAV file that says that the talk is recorded, played to both when they are connected; a policy can
    ask for it"""
    required: bool = False
    """without room for recordings no call is started; false: calls go on and are not recorded"""
    keep_days: int = Field(default=0, ge=0, le=36_525)
    """recordings are deleted after so many days; 0: after recordings.keep_days of the host"""

    @property
    def used(self) -> bool:
        """Whether anything may be recorded."""
        return self.mode is not RecordingMode.NONE


class RecordingsSettings(Section):
    """Where this host keeps what it records."""

    folder: AbsolutePath = "/var/lib/dialer/recordings"
    """directory, absolute path; recordings go to YYYY/MM/DD/ATTEMPT.opus below"""
    live_folder: OptionalPath = ""
    """directory of talks in progress, absolute path, 1.9 MB for each minute; empty: live in folder"""
    key_file: OptionalPath = ""
    """keys that recordings are encrypted with, 64 hexadecimal digits a line, the first for new ones; absolute path;
    empty: not encrypted"""
    bitrate_kbps: int = Field(default=24, ge=12, le=128)
    """of both channels together, in kbit/s"""
    keep_days: int = Field(default=180, ge=1, le=36_525)
    """recordings are deleted after so many days; a campaign may say another"""
    min_free_mb: int = Field(default=1000, ge=10)
    """with less room on the disk no talk is recorded any more, in MB; there is an alarm from twice that"""

    @property
    def live(self) -> str:
        """Where talks in progress are recorded."""
        return self.live_folder or f"{self.folder}/live"
