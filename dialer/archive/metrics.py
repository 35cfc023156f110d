"""The writer's Prometheus endpoint: what it last said of itself, which is what `dialer archive status` shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dialer.archive.standing import status_of
from dialer.archive.writer import UNREADABLE

log = structlog.get_logger()


class ArchiveCollector(Collector):
    """The status of the writer of a folder as metric families."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def collect(self) -> Iterator[Metric]:
        """Nothing before the writer has said something."""
        status = status_of(self.folder)
        if not status:
            return
        rows = CounterMetricFamily("dialer_archive_rows", "Rows taken, by table.", labels=["table"])
        for table, count in status["rows"].items():
            if table != UNREADABLE:
                rows.add_metric([table], count)
        yield rows
        unreadable = status["rows"].get(UNREADABLE, 0)
        yield CounterMetricFamily("dialer_archive_unreadable", "Entries that cannot be archived.", value=unreadable)
        yield GaugeMetricFamily("dialer_archive_waiting_entries", "Read, and not on disk.", value=status["waiting"])
        yield GaugeMetricFamily(
            "dialer_archive_stuck", "1 while it waits for Redis or the disk.", value=float(bool(status["problem"]))
        )
        yield GaugeMetricFamily(
            "dialer_archive_last_write_timestamp_seconds", "When it last wrote, or tried to.", value=status["at"]
        )


def serve(folder: Path, address: str, port: int) -> None:
    """Listen, in a thread; port 0 listens nowhere. A port in use keeps nothing from being archived: it is logged."""
    if not port:
        return
    registry = CollectorRegistry()
    registry.register(ArchiveCollector(folder))
    ProcessCollector(registry=registry)
    try:
        start_http_server(port, address, registry)
    except OSError as error:
        log.warning("no metrics of the archive", address=address, port=port, detail=error.strerror)
