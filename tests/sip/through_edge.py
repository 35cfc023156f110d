"""One edge for the whole session, between the workers under test and their far ends.

Tests marked `through_edge` run twice: the worker calls the far end itself, and through Kamailio and rtpengine. Where
the trunk leads is written anew for each worker, and Kamailio told to read it again, as `dialer edge apply` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.demo.edge import PUBLIC, RunningEdge, free_port
from dialer.shell.edge.apply import apply, change
from dialer.shell.edge.files import rendered
from sip.edge.plan import Carrier, Edge
from tests.conftest import need, rtp_ports

MOST_S = 3600.0
RTP_PORTS = 1000

Kind = tuple[str, str, float]
"""User, password and first-answer limit of a trunk. Kamailio reads them at its start."""

KINDS: tuple[Kind, ...] = (
    ("", "", 8.0),
    ("", "", 1.0),
    ("", "", 0.5),
    ("dialer", "secret", 8.0),
    ("dialer", "wrong", 8.0),
)


class SharedEdge:
    """The session's edge. Each kind of trunk has a port on the workers' side."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge

    def leads_to(self, port: int, kind: Kind) -> int:
        """Let the trunk of a kind lead to a port of 127.0.0.1; the port at which workers find it."""
        place = KINDS.index(kind)
        carriers = list(self.edge.carriers)
        carriers[place] = replace(carriers[place], hosts=(f"127.0.0.1:{port}",))
        self.edge = replace(self.edge, carriers=tuple(carriers))
        apply(self.edge, change(Path(self.edge.folder), rendered(self.edge)))
        return carriers[place].inside_port


def _carrier(number: int, kind: Kind) -> Carrier:
    username, password, first_answer_s = kind
    return Carrier(
        f"carrier-{number}",
        free_port(),
        ("127.0.0.1:9",),
        "127.0.0.1",
        username=username,
        password=password,
        keep_alive=False,
        first_answer_s=first_answer_s,
    )


@pytest.fixture(scope="session")
def shared_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedEdge]:
    """Kamailio and rtpengine, started once."""
    need("rtpengine")
    need("kamailio")
    folder = tmp_path_factory.mktemp("edge")
    first = rtp_ports(10_000, RTP_PORTS)
    edge = Edge(
        address=PUBLIC,
        folder=str(folder),
        carriers=tuple(_carrier(number, kind) for number, kind in enumerate(KINDS)),
        port=free_port(PUBLIC),
        rtp_port_first=first,
        rtp_port_last=first + RTP_PORTS - 1,
        control_port=free_port(),
        run_folder=str(folder),
        processes=2,
    )
    with RunningEdge(edge, MOST_S):
        yield SharedEdge(edge)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the marked tests both ways."""
    marked = metafunc.definition.get_closest_marker("through_edge")
    only = metafunc.definition.get_closest_marker("direct_only")
    if marked and not only and "trunk_path" in metafunc.fixturenames:
        metafunc.parametrize("trunk_path", ["direct", "edge"], indirect=True)


@pytest.fixture
def trunk_path(request: pytest.FixtureRequest) -> SharedEdge | None:
    """The edge between worker and far end; None: there is none."""
    if getattr(request, "param", "direct") == "direct":
        return None
    shared: SharedEdge = request.getfixturevalue("shared_edge")
    return shared
