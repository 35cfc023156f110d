"""rtpengine.conf: the relay of the audio between workers and carriers."""

from __future__ import annotations

from sip.edge.plan import INSIDE, Edge, File


def rtpengine_file(edge: Edge) -> File:
    """The whole file. Audio is forwarded in user space (`table = -1`): no kernel module is needed."""
    public = f"{edge.address}!{edge.nat_address}" if edge.nat_address else edge.address
    text = f"""\
# Written by `dialer edge render`: change dialer.toml instead.
[rtpengine]
table = -1
interface = inside/{INSIDE};outside/{public}
listen-ng = {INSIDE}:{edge.control_port}
port-min = {edge.rtp_port_first}
port-max = {edge.rtp_port_last}
# A call without audio for this long is forgotten; a held one later.
timeout = 60
silent-timeout = 3600
# The ports of a call are free as soon as it has ended.
delete-delay = 0
tos = 184
log-level = 5
"""
    return File("rtpengine.conf", text)
