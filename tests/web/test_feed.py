"""The feed of changes to those who look at a page."""

from __future__ import annotations

import trio

from config.agents.settings import AgentSettings
from dialer.operating.hosts import Hosts
from dialer.web.feed import Feed, Picture
from dialer.web.moment import Moment


class Silent:
    """A reader of a floor without daemons."""

    def read(self) -> Hosts:
        return Hosts((), ())


def drawn(moment: Moment) -> Picture:
    return Picture({"clock": f"{moment.at:g}"})


async def always() -> bool:
    return True


def test_what_changed_before_a_page_began_to_follow_is_sent() -> None:
    """Also where nobody looked meanwhile, so that the picture in the page was forgotten."""
    feed = Feed(Silent(), Moment(Hosts((), ()), 1.0, AgentSettings()))  # type: ignore[arg-type]
    sent: list[bytes] = []

    async def send(part: bytes) -> None:
        sent.append(part)
        if b"data:" in part:
            feed.close()

    async def follow() -> None:
        seen = feed.version(feed.topic("wall", drawn))  # the page is on its way to a browser
        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed.run)
            while feed.moment.at == 1.0:  # noqa: ASYNC110
                await trio.sleep(0.01)
            await feed.read()  # the first reading has been drawn by now
            with trio.fail_after(5):
                await feed.follow(feed.topic("wall", drawn), seen, send, always)
            nursery.cancel_scope.cancel()

    trio.run(follow)

    assert f'"clock":"{feed.moment.at:g}"'.encode() in sent[-1]
