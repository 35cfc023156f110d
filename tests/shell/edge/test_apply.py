"""A change of the settings on its way to a running edge."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.demo.edge import PUBLIC, RunningEdge, asked, free_port, question
from dialer.shell.edge import apply as applying
from dialer.shell.edge.apply import Change, change
from dialer.shell.edge.files import rendered, write
from dialer.shell.edge.plan import EdgeError
from sip.edge.plan import Carrier, Edge, Phones, Tls
from tests.conftest import need, rtp_ports

NORTH = Carrier("north", 5080, ("198.51.100.7",), "carrier.example", username="us", password="hush", keep_alive=False)


def small_edge(folder: Path, **changed: object) -> Edge:
    wanted = Edge(
        PUBLIC,
        str(folder),
        (NORTH,),
        run_folder=str(folder),
        processes=1,
        phones=Phones("p.example", 5079, {"17": "a"}),
    )
    return replace(wanted, **changed)  # type: ignore[arg-type]


@pytest.fixture
def current(tmp_path: Path) -> Edge:
    """An edge whose files are there."""
    made = small_edge(tmp_path)
    for file in rendered(made):
        write(tmp_path, file)
    return made


@pytest.mark.parametrize(
    ("changed", "reloads", "restarts"),
    [
        ({}, (), ()),
        ({"carriers": (replace(NORTH, hosts=("198.51.100.8",)),)}, (("dispatcher.reload",),), ()),
        ({"phones": Phones("p.example", 5079, {"17": "b", "18": "c"})}, (("htable.reload", "passwords"),), ()),
        ({"carriers": (replace(NORTH, hides_caller=True),)}, (), ("kamailio",)),
        ({"carriers": (replace(NORTH, password="other"),)}, (), ("kamailio",)),
        (
            {"carriers": (replace(NORTH, hosts=("198.51.100.8",)), replace(NORTH, name="b", inside_port=5081))},
            (),
            ("kamailio",),
        ),
        ({"rtp_port_last": 35_000}, (), ("rtpengine-daemon",)),
        (
            {"carriers": (replace(NORTH, hosts=("x",)),), "rtp_port_last": 35_000},
            (("dispatcher.reload",),),
            ("rtpengine-daemon",),
        ),
        ({"tls": Tls("/a", "/b"), "transports": ("udp", "tls")}, (), ("kamailio",)),
    ],
)
def test_only_what_kamailio_reads_at_its_start_needs_a_restart(current, tmp_path, changed, reloads, restarts) -> None:
    """Carriers' addresses and phones do not; a change of the routing does, and takes the rest along."""
    wanted = change(tmp_path, rendered(replace(current, **changed)))
    assert (wanted.reloads, wanted.restarts) == (reloads, restarts)


def test_the_first_files_need_both(tmp_path) -> None:
    """Nothing was there before."""
    assert change(tmp_path, rendered(small_edge(tmp_path))).restarts == ("rtpengine-daemon", "kamailio")


def test_what_is_not_taken_up_is_taken_back(current, tmp_path, monkeypatch) -> None:
    """systemd fails to restart: the old files are there again, and in use."""
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    started: list[str] = []

    def run(name: str, *arguments: str, limit_s: float) -> str:
        started.append(" ".join((name, *arguments)))
        if len(started) == 1:
            raise EdgeError("systemctl restart kamailio failed:", "no")
        return ""

    monkeypatch.setattr(applying, "_run", run)
    wanted = replace(current, carriers=(replace(NORTH, hides_caller=True),))
    with pytest.raises(EdgeError) as caught:
        applying.apply(wanted, change(tmp_path, rendered(wanted)))
    assert "The old files are back, and in use." in caught.value.args
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert started[:2] == ["systemctl restart kamailio"] * 2


def test_a_change_with_a_new_file_is_taken_back_too(current, tmp_path, monkeypatch) -> None:
    """The first trunk with TLS brings a file that was not there; Kamailio does not start with it."""
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    started: list[str] = []

    def run(name: str, *arguments: str, limit_s: float) -> str:
        started.append(name)
        if len(started) == 1:
            raise EdgeError("systemctl restart kamailio failed:", "no")
        return ""

    monkeypatch.setattr(applying, "_run", run)
    wanted = replace(current, tls=Tls("/a", "/b"), transports=("udp", "tls"))
    with pytest.raises(EdgeError) as caught:
        applying.apply(wanted, change(tmp_path, rendered(wanted)))
    assert "The old files are back, and in use." in caught.value.args
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_full_disk_leaves_all_files_as_they_were(current, tmp_path, monkeypatch) -> None:
    """A new list of carriers under an old routing would send calls the wrong way, and would never be read again."""
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    wanted = replace(current, carriers=(replace(NORTH, hosts=("198.51.100.8",), hides_caller=True),))
    stale = change(tmp_path, rendered(wanted))
    assert len(stale.stale) > 1
    rights, given = os.fchmod, []

    def full(descriptor: int, mode: int) -> None:
        given.append(mode)
        if len(given) == len(stale.stale):
            raise OSError(28, "No space left on device")
        rights(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(EdgeError, match="No space left"):
        applying.apply(wanted, stale)
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.fixture
def carriers() -> Iterator[list[socket.socket]]:
    """Two carriers that hear what comes."""
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for each in made:
        each.bind(("127.0.0.3", 0))
        each.settimeout(10)
    yield made
    for each in made:
        each.close()


def is_invited(carrier: socket.socket) -> bool:
    """Whether an INVITE comes, beside registrations."""
    while (text := carrier.recv(4096)).startswith(b"REGISTER "):
        pass
    return text.startswith(b"INVITE ")


def _first_process(made: Edge) -> str:
    """Its number: the others may still be starting, and are renamed then."""
    return next(line for line in applying.kamcmd(made, "core.psx").splitlines() if "PID:" in line)


def test_a_running_kamailio_calls_the_new_carrier_without_a_restart(tmp_path, carriers) -> None:
    """After the change the INVITE goes to the new host, and the process is the same."""
    need("kamailio")
    need("rtpengine")
    first, second = (f"127.0.0.3:{each.getsockname()[1]}" for each in carriers)
    rtp = rtp_ports(9_000, 100)
    made = small_edge(
        tmp_path,
        carriers=(replace(NORTH, inside_port=free_port(), hosts=(first,), register=True),),
        phones=Phones("p.example", free_port(), {"17": "a"}),
        port=free_port(PUBLIC),
        control_port=free_port(),
        rtp_port_first=rtp,
        rtp_port_last=rtp + 99,
    )
    with RunningEdge(made, 120):
        port = made.carriers[0].inside_port
        asked(question("INVITE", port, 9), port)
        assert is_invited(carriers[0])
        pid = _first_process(made)
        wanted = replace(
            made,
            carriers=(replace(made.carriers[0], hosts=(second,)),),
            phones=Phones("p.example", made.phones.inside_port, {"18": "b"}),
        )
        needed = change(tmp_path, rendered(wanted))
        assert (len(needed.reloads), needed.restarts) == (3, ())
        applying.apply(wanted, needed)
        asked(question("INVITE", port, 10), port)
        assert is_invited(carriers[1])
        assert _first_process(made) == pid
        assert "18" in applying.kamcmd(made, "htable.dump", "passwords")
        with pytest.raises(EdgeError):
            applying.apply(wanted, Change((), (("no.such",),), ()))
