"""The daemon works within what its unit allows: system calls, addresses, a user namespace of its own."""

from __future__ import annotations

import shutil
import sys

import pytest

from tests.conftest import need
from tests.shell.confined import allowed_calls
from tests.shell.rig import Rig

CONFINED = (sys.executable, "-m", "tests.shell.confined")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze knows the groups of system calls")
@pytest.mark.parametrize("hardened", [False, True])
def test_calls_are_made_and_ended_within_the_unit_s_limits(rig: Rig, hardened: bool) -> None:
    """Workers are forked, calls bridged, facts written, the drain ends with 0; with `PrivateUsers` of the drop-in as
    well."""
    namespace = (need("unshare"), "--user", "--map-current-user") if hardened else ()
    with rig.site(f"confined{hardened}", quick=rig.quick.carrier_port) as site:
        dialer = site.start(wrapper=[*namespace, *CONFINED])
        site.campaign("spring")
        site.leads("spring", [f"+861389000{i:04}" for i in range(12)])
        site.log_in(rig.quick, ["agent-1", "agent-2"], "spring")
        site.until(lambda: site.kinds("spring")["connected"] >= 3, "talks end")
        dialer.stop()

        assert dialer.ended() == 0
        assert "Operation not permitted" not in dialer.log
        assert site.counts("spring").in_attempt == 0


def test_the_filter_leaves_out_what_is_privileged() -> None:
    """Else the test above would say nothing."""
    allowed = allowed_calls()

    assert {"read", "socket", "clone", "execve"} <= allowed | {"execve"}
    assert not {"mount", "setuid", "chroot", "reboot", "init_module", "ptrace", "bpf"} & allowed
