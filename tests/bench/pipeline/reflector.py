"""The audio of the far ends: every RTP packet goes back to its sender, as another stream. `python -m ... PORT PORT`.

PORT is where callees (or phones) take RTP, PORT + 1 where they take RTCP. What was heard is written to stdout, as JSON,
when stdin ends. One process serves thousands of packets a second, so it looks at each only once: the kernel says when
it came, and what the workers think of the packets sent back is read from their RTCP.
"""

from __future__ import annotations

import json
import os
import select
import struct
import sys
import time
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from statistics import quantiles
from typing import Final

from tests.bench.pipeline.batches import Batches
from tests.bench.pipeline.options import Media

RTP_VERSION: Final = 0x80
CLOCK_HZ: Final = 8000
REPORT_AT: Final = {200: 28, 201: 8}
"""Where the first report stands in RTCP, by packet type: behind a sender's own account, or alone."""

SHORTEST_LEG_S: Final = 0.5
"""What lasted less says nothing about its rate."""

TURN_S: Final = 0.002
"""What comes within so long is dealt with at once: a wake-up for each packet would cost more than the packet."""

_RTP: Final = struct.Struct(">BBHII")
_RTCP: Final = struct.Struct(">BBHI")
_BLOCK: Final = struct.Struct(">IIII")  # who is meant, lost, highest number, jitter
_MIRRORED: Final = 0xFF


@dataclass(slots=True)
class Stream:
    """What came of one leg, in the words of RFC 3550 (appendix A)."""

    first: int
    highest: int
    began_at: float
    came_at: float
    stamp: int
    packets: int = 1
    jitter: float = 0.0
    gap_s: float = 0.0

    def take(self, number: int, stamp: int, at: float) -> None:
        """One packet more."""
        step = (number - self.highest) & 0xFFFF
        self.packets += 1
        if step >= 0x8000:
            return  # an old one
        self.highest += step
        spacing_s = at - self.came_at
        late = abs(spacing_s - ((stamp - self.stamp) & 0xFFFFFFFF) / CLOCK_HZ)
        self.jitter += (late - self.jitter) / 16
        self.gap_s = max(self.gap_s, spacing_s)
        self.came_at, self.stamp = at, stamp

    @property
    def due(self) -> int:
        """Packets that were sent."""
        return self.highest - self.first + 1

    @property
    def lasted_s(self) -> float:
        """From the first packet to the last."""
        return self.came_at - self.began_at


class Reflector:
    """Streams by their sender's port and the id that it chose, and the last report on each that was sent back."""

    def __init__(self, ports: list[int]) -> None:
        self._rtp = {(each := Batches(port)).socket.fileno(): each for port in ports}
        self._rtcp = {(each := Batches(port + 1)).socket.fileno(): each for port in ports}
        self.streams: dict[tuple[int, int], Stream] = {}
        self.reports: dict[tuple[int, int], tuple[int, float]] = {}

    def run(self) -> None:
        """Until stdin ends."""
        poller = select.poll()
        for descriptor in chain(self._rtp, self._rtcp, [sys.stdin.fileno()]):
            poller.register(descriptor, select.POLLIN)
        while True:
            time.sleep(TURN_S)
            for descriptor, _ in poller.poll():
                if descriptor in self._rtp:
                    self._reflect(self._rtp[descriptor])
                elif descriptor in self._rtcp:
                    self._note_reports(self._rtcp[descriptor])
                elif not os.read(descriptor, 4096):
                    return

    def _reflect(self, batch: Batches) -> None:
        count = 0
        for place, size, port, at in batch.arrived():
            count += 1
            data = batch.data[place]
            if size < _RTP.size or data[0] & 0xC0 != RTP_VERSION:
                continue
            _, _, number, stamp, source = _RTP.unpack_from(data)
            data[8] ^= _MIRRORED
            stream = self.streams.get((port, source))
            if stream is None:
                self.streams[port, source] = Stream(number, number, at, at, stamp)
            else:
                stream.take(number, stamp, at)
        batch.send_back(count)

    def _note_reports(self, batch: Batches) -> None:
        for place, size, port, _ in batch.arrived():
            data, at = batch.data[place], 0
            while at + _RTCP.size <= size:
                flags, kind, words, source = _RTCP.unpack_from(data, at)
                block = at + REPORT_AT.get(kind, size)
                if flags & 0x1F and block + _BLOCK.size <= size:
                    _, lost, _, jitter = _BLOCK.unpack_from(data, block)
                    self.reports[port - 1, source] = (lost & 0xFFFFFF, jitter * 1000 / CLOCK_HZ)
                at += 4 * (words + 1)

    def overflowed(self) -> int:
        """Packets that the kernel dropped because this process did not come to read them."""
        ports = {each.socket.getsockname()[1] for each in self._rtp.values()}
        rows = [line.split() for line in Path("/proc/self/net/udp").read_text().splitlines()[1:]]
        return sum(int(row[-1]) for row in rows if int(row[1].partition(":")[2], 16) in ports)

    def heard(self) -> Media:
        """The sum of it, over legs that lasted."""
        legs = {source: stream for source, stream in self.streams.items() if stream.lasted_s >= SHORTEST_LEG_S}
        streams = list(legs.values())
        due = sum(stream.due for stream in streams)
        reported = [source for source in legs if source in self.reports]
        lost_in = sum(self.reports[source][0] for source in reported)
        jitter_out = _percentiles([stream.jitter * 1000 for stream in streams])
        jitter_in = _percentiles([self.reports[source][1] for source in reported])
        return Media(
            legs=len(streams),
            packets=due,
            rate=(due - len(streams)) / max(sum(stream.lasted_s for stream in streams), 1e-9),
            lost_out=sum(max(stream.due - stream.packets, 0) for stream in streams) / max(due, 1),
            overflowed=self.overflowed() / max(due, 1),
            lost_in=lost_in / max(sum(legs[source].packets for source in reported), 1),
            jitter_out_p50=jitter_out[0],
            jitter_out_p99=jitter_out[1],
            jitter_in_p50=jitter_in[0],
            jitter_in_p99=jitter_in[1],
            longest_gap_p99=_percentiles([stream.gap_s * 1000 for stream in streams])[1],
        )


def _percentiles(samples: list[float]) -> tuple[float, float]:
    """The 50th and the 99th; 0 where there is too little."""
    if len(samples) < 2:
        return 0.0, 0.0
    cuts = quantiles(samples, n=100, method="inclusive")
    return cuts[49], cuts[98]


def main() -> None:
    """Reflect; tell what was heard."""
    reflector = Reflector([int(argument) for argument in sys.argv[1:]])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    reflector.run()
    json.dump(asdict(reflector.heard()), sys.stdout)


if __name__ == "__main__":
    main()
