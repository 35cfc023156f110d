"""How the SIP library is set up: the endpoint, and its two accounts."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any, Final

import pjsua2 as pj

from sip.messages import SLOTS_PER_CALL
from sip.settings import WorkerSettings

MEDIA_PORTS_BESIDES: Final = 8
PORTS_OF_A_TALK: Final = 9
"""Two files of a recording, those of the part before that are still being closed, two players, beep and whisper, and
the file that is listened to."""
FRAME_MS: Final = 20

_CODECS: Final = {"PCMU": "PCMU/8000/1", "PCMA": "PCMA/8000/1"}
_BEST_CODEC: Final = 128
"""The library's priority of the codec that is named first."""


def endpoint_settings(settings: WorkerSettings, slots: int, legs: int, log: Any) -> Any:
    """One thread that polls everything, no sound device, a bridge for `legs` open or cooling legs."""
    config = pj.EpConfig()
    config.uaConfig.maxCalls = slots
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.uaConfig.natTypeInSdp = 0
    config.uaConfig.userAgent = settings.user_agent
    config.medConfig.hasIoqueue = False
    config.medConfig.threadCnt = 0
    config.medConfig.clockRate = 8000
    config.medConfig.sndClockRate = 8000
    config.medConfig.ecTailLen = 0
    config.medConfig.noVad = True
    config.medConfig.maxMediaPorts = legs + PORTS_OF_A_TALK * max(slots // SLOTS_PER_CALL, 1) + MEDIA_PORTS_BESIDES
    if settings.keeps_phones:
        # Two jitter buffers are on an agent's way: this one begins short, and grows where packets come unevenly.
        config.medConfig.jbInit = config.medConfig.jbMinPre = FRAME_MS
    config.logConfig.level = min(settings.log_level, 1)
    config.logConfig.consoleLevel = min(settings.log_level, 1)
    config.logConfig.msgLogging = 0
    config.logConfig.writer = log
    return config


class _CalledAccount(pj.Account):  # type: ignore[misc]
    """The library's account; `came` is told of a new call, by its number."""

    def __init__(self, came: Callable[[Any, int], None]) -> None:
        super().__init__()
        self._came = came

    def onIncomingCall(self, prm: Any) -> None:
        try:
            self._came(self, prm.callId)
        except Exception:  # one that leaves a callback would end the process inside C++
            traceback.print_exc(file=sys.stderr)


class Account:
    """An account of the library, and through whom it calls. `contact` is the user of our Contact header, `came` is
    told of a call that comes to it."""

    def __init__(self, settings: WorkerSettings, contact: str, came: Callable[[Any, int], None]) -> None:
        self.account = _CalledAccount(came)
        self._settings = settings
        self._contact = contact
        self._way: tuple[str, str, str] = ("", "", "")
        self.account.create(self._configuration())

    def use(self, proxy: str = "", username: str = "", password: str = "") -> Any:
        """The account, with these credentials, calling through `HOST:PORT` if a proxy is named."""
        way = (proxy, username, password)
        if way != self._way:
            self._way = way
            self.account.modify(self._configuration())
        return self.account

    def _configuration(self) -> Any:
        settings, (proxy, username, password) = self._settings, self._way
        config = pj.AccountConfig()
        config.idUri = f"sip:{self._contact}@{settings.bind_address}"
        config.natConfig.contactRewriteUse = 0
        config.natConfig.viaRewriteUse = 0
        config.natConfig.sipOutboundUse = 0
        config.natConfig.sdpNatRewriteUse = 0
        # A re-INVITE to settle on one codec: many far ends refuse it, and some refusals end the process.
        config.mediaConfig.lockCodecEnabled = False
        media = config.mediaConfig.transportConfig
        media.boundAddress = settings.bind_address
        media.port = settings.rtp_port_first
        media.portRange = max(settings.rtp_port_last - settings.rtp_port_first, 0)
        if proxy:
            config.sipConfig.proxies.append(f"sip:{proxy};lr;hide")
        if username:
            config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", username, 0, password))
        return config


class Codecs:
    """What offers name; the library has one list for all calls."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._offered: tuple[str, ...] = ()
        for codec in library.codecEnum2():
            library.codecSetPriority(codec.codecId, 0)
        self.offer()

    def offer(self, codecs: tuple[str, ...] = tuple(_CODECS)) -> None:
        """Name these codecs in the offers from now on, best first; without any, all that we have."""
        if codecs == self._offered:
            return
        for name in self._offered:
            self._library.codecSetPriority(_CODECS[name], 0)
        for place, name in enumerate(codecs):
            self._library.codecSetPriority(_CODECS[name], _BEST_CODEC - place)
        self._offered = codecs
