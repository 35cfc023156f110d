"""Reports of the archive: looked at, and taken along as a workbook or a table."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.responses import Response

from dialer import __version__
from dialer.disk.archive.sums import Question
from dialer.language.translation import _
from dialer.operating.desk import Missing, Refused
from dialer.reports import files, html
from dialer.reports.catalogue import REPORTS
from dialer.reports.compose import Document, compose
from dialer.reports.periods import WORDS, period_of
from dialer.reports.workbook import write_workbook
from dialer.reports.zone import zone_name
from dialer.web.access import May
from dialer.web.visit import Page, Visit

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILTERS: Final = ("campaign", "team", "agent")


@dataclass(frozen=True, slots=True)
class Asked:
    """A report, of a period, narrowed to something."""

    name: str
    period: str
    only: dict[str, str]

    def document(self, folder: Path, chosen_zone: str) -> Document:
        """Make it. Raises `Missing`, `Refused`, `DiskError`."""
        report = REPORTS.get(self.name)
        if report is None:
            raise Missing(_("there is no report {name!r}", name=self.name))
        zone = zone_name(chosen_zone)
        now = datetime.now(ZoneInfo(zone))
        try:
            period = period_of(self.period or report.period, now.date())
        except ValueError as error:
            raise Refused(str(error)) from error
        if not folder.is_dir():
            raise Missing(_("there is no archive here yet: dialer archive run writes it (settings: archive.folder)"))
        only = {key: (value,) for key, value in self.only.items() if value}
        made_at = now.strftime("%Y-%m-%d %H:%M")
        return compose(report, Question(period, only), folder, time_zone=zone, made_at=made_at)


def _asked(visit: Visit) -> Asked:
    return Asked(visit.named("report"), visit.asked("period"), {key: visit.asked(key) for key in FILTERS})


async def _document(visit: Visit, asked: Asked) -> Document:
    archive = visit.office.settings.archive
    return await visit.ask(asked.document, Path(archive.folder), archive.time_zone)


async def reports(visit: Visit) -> Response:
    """All of them."""
    return visit.page("reports.html", reports=REPORTS)


async def report(visit: Visit) -> Response:
    """One of them."""
    asked = _asked(visit)
    document = await _document(visit, asked)
    body = Markup("").join(Markup(part) for part in html.report_body(document, __version__))  # escaped where it is made
    shown = asked.period or document.report.period
    return visit.page("report.html", asked=asked, report=document.report, body=body, shown=shown, words=WORDS)


async def workbook(visit: Visit) -> Response:
    """One as a workbook."""
    document = await _document(visit, _asked(visit))

    def made() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report.xlsx"
            write_workbook(document, path)
            return path.read_bytes()

    return _file(await visit.ask(made), XLSX, f"{document.stem}.xlsx")


async def table(visit: Visit) -> Response:
    """One as CSV; the mark in front is for Excel, which takes Chinese for something else without."""
    document = await _document(visit, _asked(visit))
    return _file(("\ufeff" + files.as_csv(document)).encode(), "text/csv; charset=utf-8", f"{document.stem}.csv")


def _file(content: bytes, kind: str, name: str) -> Response:
    return Response(content, headers={"content-disposition": f'attachment; filename="{name}"'}, media_type=kind)


PAGES: Final = (
    Page("/reports", May.SEE_REPORTS, reports),
    Page("/reports/{report}", May.SEE_REPORTS, report),
    Page("/reports/{report}/workbook", May.SEE_REPORTS, workbook),
    Page("/reports/{report}/table", May.SEE_REPORTS, table),
)
