"""Recording one talk: two WAV files at a time, what the callee says and what the agent says.

The library's own recorders write them, in the bridge's clock, so both have the same length. A folder for each talk:

    FOLDER/NAME/talk.json               what the daemon said of the talk, and when the first part began (epoch seconds)
    FOLDER/NAME/000012340.callee.wav    a part, named by the milliseconds from then to its beginning
    FOLDER/NAME/000012340.agent.wav

A pause ends a part and the next one begins another, so nothing of a pause is ever on disk. Whatever fails here costs
the recording, never the talk.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pjsua2 as pj

from sip.messages import RecordingOrder
from sip.worker.audio.player import Player

FACTS_FILE: Final = "talk.json"
CHANNELS: Final = ("callee", "agent")
APART_S: Final = 0.005
BEGINNINGS: Final = 5
"""How far apart both channels may begin, and how often it is tried. On a machine that is far too busy a process stands
still for a quarter of a second between two steps (seen with 150 talks on two cores)."""

MOST_PARTS: Final = 500
"""Parts of one talk: somebody may lean on the key. The library has room for 32 open files and 254 ports."""


class Recorder:
    """Records as `order` says; `report` is told when it begins and ends, and what failed. `silence` is a port of the
    bridge that is always silent."""

    def __init__(
        self, folder: str, order: RecordingOrder, silence: Callable[[], Any], report: Callable[[bool, str], None]
    ) -> None:
        self._folder = Path(folder) / order.name
        self._order = order
        self._silence = silence
        self._report = report
        self._legs: tuple[Any, Sequence[Any]] | None = None
        self._files: list[pj.AudioMediaRecorder] = []
        self._player: Player | None = None
        self._untold = ""
        self._is_made = False
        self._began_at: float | None = None
        self._parts = 0

    @property
    def runs(self) -> bool:
        """Whether something is being recorded."""
        return bool(self._files)

    def connect(self, callee: Any, ours: Sequence[Any], unrecorded: Sequence[Any] = ()) -> None:
        """They hear each other from now on, on these ports, the callee and whoever is with it: begin, if it is to begin
        with the talk. Again whenever they have changed; `unrecorded` are there, and the callee does not hear them."""
        first, before, self._legs = self._legs is None, self._legs, (callee, ours)
        if self._untold:
            return
        try:
            if first and self._order.announcement:
                self._player = Player(self._order.announcement)
            if self._player is not None:
                for leg in (callee, *ours):
                    self._player.play_to(leg)
        except pj.Error as error:
            self._end_part()
            self._untold = f"the announcement cannot be played: {error.reason}"
            self._report(False, self._untold)
            return  # who is not told is not recorded, whoever asks for it
        if first and self._order.starts:
            self.start()
        elif self.runs:
            self._drop(() if before is None else before[1], unrecorded)
            self._feed()

    def start(self) -> None:
        """Begin a part; nothing happens while one runs."""
        if self.runs or self._legs is None:
            return
        if self._untold:
            self._report(False, self._untold)
            return
        if self._parts >= MOST_PARTS:
            self._report(False, f"was paused {MOST_PARTS} times already")
            return
        try:
            for tries_left in reversed(range(BEGINNINGS)):
                paths = self._open()
                if self._begin() <= APART_S or not tries_left:
                    break
                self._end_part()  # this process stood still just then: the channels would be out of step
                for path in paths:
                    path.unlink(missing_ok=True)
            self._feed()
        except (pj.Error, OSError) as error:
            self._end_part()
            self._report(False, error.reason if isinstance(error, pj.Error) else f"{error.strerror or error}")
            return
        self._report(True, "")

    def stop(self) -> None:
        """End the part."""
        self._end_part()
        self._report(False, "")

    def close(self) -> None:
        """The talk is over."""
        self._end_part()
        self._legs = None
        if self._player is not None:
            self._player.close()
            self._player = None

    def _open(self) -> list[Path]:
        now = time.monotonic()
        if self._began_at is None:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._is_made:  # a folder of this name that is not ours is another talk's
                self._folder.mkdir(mode=0o700)
                self._is_made = True
            facts = {**json.loads(self._order.facts or "{}"), "at": time.time()}
            descriptor = os.open(self._folder / FACTS_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(facts, file)
            self._began_at = now
        offset_ms = round((now - self._began_at) * 1000)
        self._parts += 1
        paths = [self._folder / f"{offset_ms:09d}.{channel}.wav" for channel in CHANNELS]
        for path in paths:
            recorder = pj.AudioMediaRecorder()
            recorder.createRecorder(str(path))
            self._files.append(recorder)
        return paths

    def _begin(self) -> float:
        """Let time pass on both channels, by silence: a file grows from when somebody is connected to it. Returns by
        how many seconds one may have begun before the other, but for a tick of the bridge's clock."""
        silence, first = self._silence(), time.monotonic()
        for file in self._files:
            silence.startTransmit(file)
        return time.monotonic() - first

    def _feed(self) -> None:
        """Connect what is heard. A leg on hold has no port that says anything; silence keeps the channels abreast."""
        assert self._legs is not None
        callee, ours = self._legs
        callee.startTransmit(self._files[0])
        for leg in ours:
            leg.startTransmit(self._files[1])
        if self._player is not None:
            self._player.startTransmit(self._files[1])  # what we say to the callee

    def _drop(self, recorded: Sequence[Any], unrecorded: Sequence[Any]) -> None:
        """Stop recording some who were."""
        ports = {leg.getPortId() for leg in recorded}
        for leg in unrecorded:
            if leg.getPortId() in ports:
                leg.stopTransmit(self._files[1])

    def _end_part(self) -> None:
        files, self._files = self._files, []
        for file in files:
            file.__swig_destroy__(file)
