"""A talk on the bridge: callee, agent and third parties, music for who is on hold, and the recording."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Final

import pjsua2 as pj

from sip.messages import RecordingChanged, RecordingOrder
from sip.parties.messages import Join, Voice
from sip.standing.messages import NO_CUE, Cue
from sip.worker.audio.cue import CuePlayer
from sip.worker.audio.hold_music import HoldMusic
from sip.worker.audio.recorder import Recorder
from sip.worker.context import Context
from sip.worker.dialog import Dialog
from sip.worker.parties.hearing import SEATS, Seat, pairs
from sip.worker.parties.link import AudioLink

CALLEE: Final = "callee"
AGENT: Final = "agent"
"""How the two are called here among the parties, whose ids never look like this."""


@dataclass(slots=True)
class _Party:
    """A third party: the end of the link to it, and what it is to the talk."""

    link: AudioLink
    voice: Voice
    stays: bool


class Talk:
    """They hear each other from the first `connect` on, which is called again whenever one of the legs has changed."""

    def __init__(self, callee: Dialog, agent: Dialog, context: Context, order: RecordingOrder) -> None:
        self._callee = callee
        self._agent: Dialog | None = agent
        self._context = context
        self._parties: dict[str, _Party] = {}
        self._on_hold = self._awaits = False
        self._music: HoldMusic | None = None
        self._cue: CuePlayer | None = None
        self._connections: dict[tuple[int, int], tuple[Any, Any]] = {}
        self._recorder = self._new_recorder(order) if order.name else None

    # --- what is asked for --------------------------------------------------------------------------------------------

    def record(self, *, on: bool) -> None:
        """Go on recording, or pause."""
        if self._recorder is not None:
            (self._recorder.start if on else self._recorder.stop)()

    def hold(self, *, on: bool, awaits: bool) -> None:
        """Put the callee on hold, or go on; somebody is on the way, or not."""
        self._on_hold, self._awaits = on, awaits
        self.connect()

    def join(self, order: Join) -> None:
        """Have a third party with the talk, or change who hears it."""
        party = self._parties.get(order.party)
        if party is None:
            try:
                party = _Party(AudioLink(order.port, order.key), order.voice, order.stays)
            except OSError as error:
                sys.stderr.write(f"sip worker: no audio link: {error.strerror}\n")
                return
            self._parties[order.party] = party
        elif party.voice is not order.voice:
            party.link.flush()
        party.voice, party.stays = order.voice, order.stays
        self.connect()

    def leave(self, name: str) -> None:
        """A third party is gone."""
        party = self._parties.pop(name, None)
        if party is not None:
            party.link.close()
            self.connect()

    def play_cue(self, cue: Cue) -> None:
        """Let the agent alone hear that a talk begins, and which."""
        if self._agent is not None and cue != NO_CUE:
            self._cue = CuePlayer(cue, self._context.after)
            self._cue.play_to(self._agent.audio())

    def agent_left(self) -> None:
        """The agent is gone, and the callee is with whoever stays."""
        self._agent = None
        self._stop_cue()
        self._on_hold = self._on_hold and not self.has_successor
        self.connect()

    @property
    def goes_on(self) -> bool:
        """Whether anybody is with the callee, or on the way, who may be left alone with it."""
        return self._agent is not None or self._awaits or self.has_successor

    @property
    def has_successor(self) -> bool:
        """Whether somebody has joined who stays when the agent goes."""
        return any(party.stays for party in self._parties.values())

    def close(self) -> None:
        """It is over."""
        self._stop_cue()
        self._stop_music()
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
        for party in self._parties.values():
            party.link.close()
        self._parties.clear()

    # --- the bridge ---------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Make the bridge what it should be. While one of both legs holds, the other hears music."""
        self._context.endpoint.keep_clock(0.0)
        self._stop_music()
        audio, nobody = self._audio(), self._context.endpoint.nobody()
        heard = pairs(((name, self._seat(name)) for name in audio), on_hold=self._on_hold)
        wanted = [(audio[speaker], audio[listener]) for speaker, listener in heard]
        # Who is heard by nobody is to be read all the same: else the voice waits, and is late from then on.
        unheard = audio.keys() - {speaker for speaker, _ in heard}
        wanted += [(audio[name], nobody) for name in (CALLEE, AGENT) if name in unheard]
        self._make(wanted, {port.getPortId() for port in (*audio.values(), nobody)})
        hearing = {listener for _, listener in heard}
        for name, waits in ((CALLEE, True), (AGENT, self._callee.on_hold)):
            if waits and name in audio and name not in hearing:
                self._play_music(audio[name])
        if self._recorder is not None and CALLEE in audio:
            ours = {name for name in audio if self._seat(name) in {Seat.AGENT, Seat.MEMBER}}
            unrecorded = [audio[name] for name in audio.keys() - ours - {CALLEE}]
            self._recorder.connect(audio[CALLEE], [audio[name] for name in sorted(ours)], unrecorded)

    def _audio(self) -> dict[str, Any]:
        """The ports of those who are there and not on hold by their own telephone."""
        legs = ((CALLEE, self._callee), (AGENT, self._agent))
        audio = {name: leg.audio() for name, leg in legs if leg is not None and leg.has_media and not leg.on_hold}
        return audio | {name: party.link for name, party in self._parties.items()}

    def _seat(self, name: str) -> Seat:
        party = self._parties.get(name)
        return SEATS[party.voice] if party is not None else Seat(name)

    def _make(self, wanted: list[tuple[Any, Any]], there: set[int]) -> None:
        made = {(speaker.getPortId(), listener.getPortId()): (speaker, listener) for speaker, listener in wanted}
        for ports in self._connections.keys() - made.keys():
            # A port that has gone took its connections along. To stop one of these as well ends, in 2.15.1, all that
            # the speaker has with others.
            if there.issuperset(ports):
                speaker, listener = self._connections[ports]
                speaker.stopTransmit(listener)
        for speaker, listener in made.values():
            speaker.startTransmit(listener)
        self._connections = made

    def _play_music(self, audio: Any) -> None:
        path = self._context.endpoint.hold_music
        if path:
            try:
                self._music = HoldMusic(path)
                self._music.startTransmit(audio)
            except pj.Error as error:
                sys.stderr.write(f"sip worker: the hold music cannot be played: {error.reason}\n")

    def _stop_music(self) -> None:
        music, self._music = self._music, None
        if music is not None:
            music.close()

    def _stop_cue(self) -> None:
        cue, self._cue = self._cue, None
        if cue is not None:
            cue.close()

    def _new_recorder(self, order: RecordingOrder) -> Recorder:
        call, context = self._callee.call, self._context

        def report(on: bool, problem: str) -> None:
            context.emit(RecordingChanged(call, context.now(), on, problem))

        return Recorder(context.endpoint.recordings, order, context.endpoint.silence, report)
