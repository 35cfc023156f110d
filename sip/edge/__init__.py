"""The edge: Kamailio and rtpengine between the workers and the carriers. Plain data in, the text of their files out."""

from __future__ import annotations

from sip.edge.kamailio import kamailio_files
from sip.edge.plan import Edge, File
from sip.edge.rtpengine import rtpengine_file


def files_of(edge: Edge, mask_key: str) -> tuple[File, ...]:
    """All files of both programs; see `kamailio_files`."""
    return (*kamailio_files(edge, mask_key), rtpengine_file(edge))
