"""How fast `dialer leads import` checks a list: a million rows of one country, as CSV or as a workbook.

`python -m tests.bench.leads_import [--rows N] [--xlsx] [--processes N]` prints rows a second by the wall clock, and the
processor time of this process and of those that judge the rows, which other work on the machine does not lengthen as
much.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path

from dialer.cli.leads.lead_rows import Checker, Ready, RowRules
from dialer.cli.leads.row_pool import judged, processes_for
from dialer.cli.sheets.sheet import open_sheet, rows

PREFIXES = ("138", "139", "186", "177", "150", "159", "188", "135")


def write_csv(path: Path, number_of_rows: int) -> None:
    rng = random.Random(1)
    with path.open("w", encoding="gb18030") as file:
        file.write("phone,name,customer_id,city\n")
        for i in range(number_of_rows):
            file.write(f"{rng.choice(PREFIXES)}{i:08d},王芳,C{i},北京\n")


def write_xlsx(path: Path, number_of_rows: int) -> None:
    import openpyxl

    rng = random.Random(1)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("list")
    sheet.append(["phone", "name", "customer_id", "city"])
    for i in range(number_of_rows):
        sheet.append([int(f"{rng.choice(PREFIXES)}{i:08d}"), "王芳", f"C{i}", "北京"])
    book.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--xlsx", action="store_true")
    parser.add_argument("--processes", type=int, default=0, help="0: as many as an import takes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("list.xlsx" if asked.xlsx else "list.csv")
        (write_xlsx if asked.xlsx else write_csv)(path, asked.rows)
        began, own = time.perf_counter(), time.process_time()
        sheet = open_sheet(path, {})
        opened = time.perf_counter() - began
        checker = Checker(RowRules(sheet, "CN", 8192, time.time(), "list"))
        processes = asked.processes or processes_for(sheet.size_bytes)
        verdicts = judged(rows(sheet), checker.rules, processes)
        good = sum(isinstance(checker.compare(verdict), Ready) for verdict in verdicts)
        wall, own = time.perf_counter() - began, time.process_time() - own
        others = resource.getrusage(resource.RUSAGE_CHILDREN)
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    used = f"{own:.1f} s of processor time and {others.ru_utime + others.ru_stime:.1f} s in {processes} processes"
    print(  # noqa: T201
        f"{sheet.what}: {good:,} of {asked.rows:,} rows good in {wall:.1f} s ({asked.rows / wall:,.0f} a second), "
        f"{used}; opened in {opened:.1f} s; {megabytes:,.0f} MB at most"
    )


if __name__ == "__main__":
    main()
