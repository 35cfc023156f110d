"""The archive of a disturbed floor: a service that is started again whenever it ends, and what it has in the end."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dialer.disk.archive.database import connect, quoted, run
from tests.shell.rig import PROGRAM, Site

FOLDER: Final = "archive"
RESTART_S: Final = 0.5
END_S: Final = 20.0


@contextmanager
def archiving(site: Site, host: str) -> Iterator[None]:
    """`dialer archive run` with the key of a host, started again as systemd would."""
    home = site.folder / host
    archive = {"folder": str(site.folder / FOLDER), "flush_s": 1.0, "metrics_port": 0}
    evidence = {"folder": str(home / "evidence"), "key_file": str(home / "evidence.key")}
    settings = site.settings_file("archivist", archive=archive, evidence=evidence)
    over = threading.Event()
    thread = threading.Thread(target=_keep_running, args=(settings, over), name="archive")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _keep_running(settings: Path, over: threading.Event) -> None:
    command = [sys.executable, "-c", PROGRAM, "--config", str(settings), "archive", "run"]
    while not over.is_set():
        with (settings.parent / "archive.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        while process.poll() is None and not over.wait(RESTART_S):
            pass
        if process.poll() is None:
            process.terminate()
            process.wait(END_S)
        over.wait(RESTART_S)


def archived(site: Site) -> Counter[str]:
    """How often each attempt stands in the archive."""
    files = site.folder / FOLDER / "attempts" / "*" / "*.parquet"
    if not list(files.parent.parent.glob("*/*.parquet")):
        return Counter()
    rows = run(connect(threads=1), f"SELECT attempt_id FROM read_parquet({quoted(files)})")
    return Counter(str(attempt) for (attempt,) in rows)
