"""What all pages share: the store, the settings, the feed, who is signed in, and the templates."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

import jinja2
import trio

from config.daemon import DaemonSettings
from config.policies import Catalogue
from dialer.drawing import page
from dialer.operating.desk import Desk
from dialer.operating.hosts import HostReader, Hosts
from dialer.store.base.connection import Store
from dialer.web.feed import Feed
from dialer.web.moment import Moment
from dialer.web.sessions import Sessions
from dialer.web.users import Users
from dialer.web.words import FILTERS, GLOBALS

THREADS: Final = 8
"""Questions to Redis and the disk that are asked at once."""

KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the wheel for browsers, as it is and compressed."""

    kind: str
    plain: bytes
    zipped: bytes


@dataclass(frozen=True, slots=True)
class Office:
    """One for the process."""

    store: Store
    settings: DaemonSettings
    catalogue: Callable[[], Catalogue]
    feed: Feed
    sessions: Sessions
    assets: Mapping[str, Asset]
    templates: jinja2.Environment
    threads: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(THREADS))

    def desk(self, who: str) -> Desk:
        """For an order or a question of somebody."""
        return Desk(self.store, self.settings, self.catalogue, who)


def opened(store: Store, settings: DaemonSettings, catalogue: Callable[[], Catalogue]) -> Office:
    """Everything ready to serve."""
    feed = Feed(HostReader(store), Moment(Hosts((), ()), 0.0, settings.agents))
    sessions = Sessions(store, settings.web, Users(Path(settings.web.users_file)))
    assets = _assets()
    return Office(store, settings, catalogue, feed, sessions, assets, _templates(assets))


def _assets() -> dict[str, Asset]:
    """By a name with a digest of what is in it, so that browsers may keep them for good."""
    contents = {file.name: file.read_bytes() for file in (resources.files("dialer.web") / "static").iterdir()}
    contents["report.css"] = f"{page.colours()}.report{{{page.parts()}}}".encode()
    assets = {}
    for name, plain in contents.items():
        stem, _, ending = name.rpartition(".")
        digest = hashlib.sha256(plain).hexdigest()[:12]
        assets[f"{stem}.{digest}.{ending}"] = Asset(KINDS[ending], plain, gzip.compress(plain, mtime=0))
    return assets


def _templates(assets: Mapping[str, Asset]) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dialer.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
    )
    paths = {f"{name.split('.')[0]}.{name.rpartition('.')[2]}": f"/static/{name}" for name in assets}
    environment.globals |= {**GLOBALS, "asset": paths.__getitem__}
    environment.filters |= FILTERS
    return environment


def drawn(templates: jinja2.Environment, template: str, macro: str, **facts: Any) -> str:
    """A macro of a template, called: a part of a picture."""
    return str(getattr(templates.get_template(template).module, macro)(**facts)).strip()
