"""Live pages: one reader of Redis, pictures drawn once for all viewers, and what has changed sent to each.

A picture is a page's moving parts by the id of their element, and the order of those that stand in lists. Each change
of it has a number. A viewer says which it has, and is sent what came since, or all of it.
"""

from __future__ import annotations

import json
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
import trio

from dialer.language.translation import Language, speaking
from dialer.language.translation import language as language_of_the_moment
from dialer.operating.hosts import HostReader, Hosts
from dialer.store.base.errors import StoreError
from dialer.web.moment import Moment

log = structlog.get_logger()

READ_EVERY_S: Final = 0.2
REDRAW_EVERY_S: Final = 5.0
"""A picture is drawn anew so often also where no daemon has said anything: one may have fallen silent."""

HEARTBEAT_S: Final = 15.0
"""A viewer hears so often at least, or a proxy takes the connection for dead."""

CHANGES_KEPT: Final = 64
MOST_VIEWERS: Final = 500
MOST_TOPICS: Final = 200


@dataclass(frozen=True, slots=True)
class Picture:
    """`parts` are HTML by the id of the element; `lists` are the ids of elements by that of what they stand in."""

    parts: Mapping[str, str]
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def since(self, before: Picture) -> dict[str, Any]:
        """What is another than it was."""
        parts = {name: html for name, html in self.parts.items() if before.parts.get(name) != html}
        lists = {name: ids for name, ids in self.lists.items() if before.lists.get(name) != ids}
        return {**({"parts": parts} if parts else {}), **({"lists": lists} if lists else {})}


Draw = Callable[[Moment], Picture]


@dataclass(slots=True)
class Topic:
    """A picture that somebody looks at, or did a moment ago."""

    draw: Draw
    picture: Picture
    version: int
    drawn_from: Moment
    language: Language
    viewers: int = 0
    changes: deque[bytes] = field(default_factory=lambda: deque(maxlen=CHANGES_KEPT))


@dataclass(slots=True)
class Feed:
    """The one reader. `moment` is the floor as it was read last."""

    reader: HostReader
    moment: Moment
    closing: trio.Event = field(default_factory=trio.Event)
    _epoch: str = field(default_factory=lambda: secrets.token_hex(4))  # numbers of an earlier process mean nothing
    _topics: dict[tuple[str, Language], Topic] = field(default_factory=dict)
    _changed: trio.Event = field(default_factory=trio.Event)
    _viewers: int = 0
    _newest: int = 0  # the highest version that a picture had, forgotten ones included

    async def run(self) -> None:
        """Read and draw until cancelled. Whatever Redis does, the reading goes on."""
        while True:
            began = trio.current_time()
            await self.read()
            if self._draw():
                self._wake()
            await trio.sleep_until(began + READ_EVERY_S)

    async def read(self) -> None:
        """Read the floor. Where Redis does not answer, the last moment stays, with that as its notice."""
        try:
            hosts = await trio.to_thread.run_sync(self.reader.read)
        except StoreError as error:
            if not self.moment.redis_error:
                log.warning("Redis does not answer", error=str(error))
            self.moment = self.moment.without_redis(str(error), time.time())
            return
        is_old = self.moment.redis_error or time.time() - self.moment.at > REDRAW_EVERY_S
        if is_old or not _same(hosts, self.moment.hosts):
            self.moment = Moment(hosts, time.time(), self.moment.limits)

    def _draw(self) -> bool:
        """Draw what somebody looks at; forget what nobody does. Whether anything has changed."""
        changed = False
        for name, topic in list(self._topics.items()):
            if topic.drawn_from is self.moment:
                continue
            if not topic.viewers:
                del self._topics[name]
                continue
            changed |= self._redraw(topic)
        return changed

    def _redraw(self, topic: Topic) -> bool:
        picture, topic.drawn_from = self._drawn(topic.draw, topic.language), self.moment
        change = picture.since(topic.picture)
        topic.picture = picture
        if not change:
            return False
        topic.version += 1
        self._newest = max(self._newest, topic.version)
        topic.changes.append(self._frame(topic.version, change))
        return True

    def _drawn(self, draw: Draw, language: Language) -> Picture:
        with speaking(language):
            return draw(self.moment.said(language))

    def topic(self, name: str, draw: Draw) -> Topic:
        """A picture as it is now, in the language of the moment, under a name that says what it shows."""
        language = language_of_the_moment()
        topic = self._topics.get((name, language))
        if topic is None:
            # Under a number that no page has seen: one that was made with a forgotten picture may show something else.
            self._newest += 1
            topic = Topic(draw, self._drawn(draw, language), self._newest, self.moment, language)
            if len(self._topics) < MOST_TOPICS:
                self._topics[name, language] = topic
        elif topic.drawn_from is not self.moment and self._redraw(topic):
            self._wake()
        return topic

    def _wake(self) -> None:
        """Have all viewers look for what is new."""
        self._changed.set()
        self._changed = trio.Event()

    def version(self, topic: Topic) -> str:
        """The number of a topic's picture, for a page in which it stands."""
        return f"{self._epoch}-{topic.version}"

    @property
    def is_full(self) -> bool:
        """Whether as many look as may."""
        return self._viewers >= MOST_VIEWERS

    async def follow(
        self,
        topic: Topic,
        seen: str,
        send: Callable[[bytes], Awaitable[None]],
        still_may: Callable[[], Awaitable[bool]],
    ) -> None:
        """Send one viewer, who has seen the version `seen`, what changes in a topic, as server-sent events. It ends
        when the console closes, or when the viewer may no longer look: `still_may` is asked at each heartbeat."""
        topic.viewers += 1
        self._viewers += 1
        try:
            version = self._number(seen)
            await send(b"retry: 1000\n\n")
            while not self.closing.is_set():
                missed = topic.version - version if 0 <= version <= topic.version else CHANGES_KEPT + 1
                if missed:
                    frames = list(topic.changes)[-missed:] if missed <= len(topic.changes) else [self._whole(topic)]
                    version = topic.version
                    await send(b"".join(frames))
                    continue  # something may have changed while that was sent
                with trio.move_on_after(HEARTBEAT_S) as limit:
                    await self._changed.wait()
                if limit.cancelled_caught:
                    if not await still_may():
                        await send(b"event: over\ndata: {}\n\n")
                        return
                    await send(b": still here\n\n")
        finally:
            topic.viewers -= 1
            self._viewers -= 1

    def close(self) -> None:
        """End all viewers' events."""
        self.closing.set()
        self._wake()

    def _number(self, seen: str) -> int:
        epoch, _, number = seen.partition("-")
        return int(number) if epoch == self._epoch and number.isdecimal() and len(number) < 12 else -1

    def _whole(self, topic: Topic) -> bytes:
        return self._frame(topic.version, {"parts": topic.picture.parts, "lists": topic.picture.lists})

    def _frame(self, version: int, change: Mapping[str, Any]) -> bytes:
        data = json.dumps({"at": round(self.moment.at, 1), **change}, ensure_ascii=False, separators=(",", ":"))
        return f"id: {self._epoch}-{version}\ndata: {data}\n\n".encode()


def _same(new: Hosts, known: Hosts) -> bool:
    """Whether no daemon has said anything: a board that is the same is the same object."""
    if len(new.boards) != len(known.boards) or new.unreadable != known.unreadable:
        return False
    return all(board is before for board, before in zip(new.boards, known.boards, strict=True))
