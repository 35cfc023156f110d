"""`make mutants`: small changes to the code that the tests must notice, a random sample of them for half an hour.

Cosmic Ray's operators make the changes; its own runner has no sample by seed and edits files in place. Each mutant is
imported in a process of its own instead of the module; nothing is written to the work tree. First run the test files
that import the module or bear its name; what they let pass is tried with all tests of the room. Survivors that no test
can notice stand in `mutants.toml`, with the reason.
"""

from __future__ import annotations

import contextlib
import difflib
import multiprocessing
import os
import random
import re
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from enum import Enum
from importlib.machinery import SourceFileLoader
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    import pytest

ROOT: Final = Path(__file__).parent.parent
TESTS_OF_ROOM: Final = {
    "compliance": "tests/compliance",
    "pacing": "tests/pacing",
    "dialer/core": "tests/core",
    "dialer/store/gate": "tests/store",
    "dialer/store/settlement": "tests/store",
}
STEP_LIMITS_S: Final = (180.0, 600.0)
"""A mutant whose tests take longer than this, the module's own and the room's, hangs."""

TEST_LIMIT_S: Final = 60.0
"""So does one of which a single test takes longer than this."""

HUNG: Final = 97
"""The exit code of tests of which one took too long."""

SWAPS: Final = re.compile(
    "(Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is|In_NotIn|NotIn_In|Add_Sub|Sub_Add|Mul_Div|"
    "Div_Mul|FloorDiv_Mul|Mod_Mul|BitOr_BitAnd|BitAnd_BitOr)$"
)
"""Of all exchanges of two operators those that people make by mistake; many others change nothing (`==` by `<=`)."""

LEFT_OUT: Final = ("RemoveDecorator", "VariableReplacer", "VariableInserter")
_NOT_RUN: Final = ("decorator", "tfpdef")
forkserver = multiprocessing.get_context("forkserver")


class Outcome(Enum):
    """What the tests made of a mutant. One that hangs is noticed by who waits for it, and perhaps by a busy machine
    alone, so it is counted apart."""

    SURVIVED = "survived"
    NOTICED = "noticed"
    HUNG = "hung"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: the whole mutated `source` of a file, and the lines that differ."""

    room: str
    path: str
    line: int
    source: str
    removed: str
    added: str

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def places_in(path: Path) -> list[list[tuple[Any, int]]]:
    """The places where a file can be changed; of each, what can be done: operator and number of occurrence."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.operators.provider import OperatorProvider

    nodes = list(ast_nodes(get_ast(path.read_text())))
    places: dict[Any, list[tuple[Any, int]]] = {}
    for name in sorted(set(OperatorProvider()) - set(LEFT_OUT)):
        operator, occurrence = OperatorProvider()[name], 0
        is_mistake = "_" not in name or "Unary" in name or SWAPS.search(name)
        for node in nodes if is_mistake else ():
            for position in operator().mutation_positions(node):
                if not _is_annotation(node):
                    places.setdefault((position, operator.__module__), []).append((operator, occurrence))
                occurrence += 1
    return [places[key] for key in sorted(places)]


def _is_annotation(node: Any) -> bool:
    """Whether a node never runs, or only at import: part of an annotation or a decorator."""
    while (parent := node.parent) is not None:
        returned = parent.type == "funcdef" and getattr(node.get_previous_sibling(), "value", "") == "->"
        if node.type in _NOT_RUN or returned or (parent.type == "annassign" and parent.children[1] is node):
            return True
        node = parent
    return False


def sample(rooms: list[str], seed: int, most: int) -> list[Mutant]:
    """`most` mutants, drawn from all rooms in turn, so that a run that is cut short has looked everywhere."""
    from cosmic_ray.mutating import mutate_code

    chance = random.Random(seed)
    by_room = []
    for room in rooms:
        places = [(room, path, place) for path in sorted((ROOT / room).rglob("*.py")) for place in places_in(path)]
        by_room.append(chance.sample(places, min(most, len(places))))
    in_turn = [drawn for turn in zip_longest(*by_room) for drawn in turn if drawn is not None][:most]
    mutants = []
    for room, path, place in in_turn:
        operator, occurrence = chance.choice(place)
        source = path.read_text()
        mutated = str(mutate_code(source, operator(), occurrence))
        before, after = source.splitlines(), mutated.splitlines()
        line = next(number for number, pair in enumerate(zip_longest(before, after), 1) if pair[0] != pair[1])
        changes = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
        removed, added = (" / ".join(text[1:].strip() for text in changes if text[0] == sign) for sign in "-+")
        mutants.append(Mutant(room, str(path.relative_to(ROOT)), line, mutated, removed, added))
    return mutants


# --- one mutant, in a process of its own ------------------------------------------------------------------------------


def tests_of(mutant: Mutant) -> list[str]:
    """The test files that bear the name of the mutated module or import it."""
    package, _, name = mutant.module.rpartition(".")
    imports = re.compile(rf"{re.escape(mutant.module)}\b|from {re.escape(package)} import .*\b{name}\b")
    files = sorted((ROOT / TESTS_OF_ROOM[mutant.room]).rglob("test_*.py"), key=lambda file: file.stem != f"test_{name}")
    return [str(file) for file in files if file.stem == f"test_{name}" or imports.search(file.read_text())]


class _Watch:
    """Notices a test that took too long."""

    hung = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that was ended for its time fails with these words."""
        if report.failed and "Timeout (>" in str(report.longrepr):
            self.hung = True


class _NoShrinking:
    """A failing property fails at once: nobody reads the smallest example."""

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings

        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", settings.get_profile("repeatable"), phases=phases, database=None)
        settings.load_profile("mutants")


def _run_tests(mutant: Mutant, tests: list[str], numba_cache: str) -> None:
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    os.chdir(ROOT)
    import numba
    import pytest

    numba.config.CACHE_DIR = numba_cache or numba.config.CACHE_DIR
    usual = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> Any:
        return compile(mutant.source, loader.path, "exec") if name == mutant.module else usual(loader, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    watch = _Watch()
    given = ["-x", "-q", "-p", "no:cacheprovider", f"--timeout={TEST_LIMIT_S:g}", *tests]
    code = pytest.main(given, plugins=[_NoShrinking(), watch])
    os._exit(HUNG if watch.hung else code)


def outcome_of(mutant: Mutant) -> Outcome:
    """What the tests make of it: its module's own, then the room's."""
    steps = zip((tests_of(mutant), [str(ROOT / TESTS_OF_ROOM[mutant.room])]), STEP_LIMITS_S, strict=True)
    outcomes = (tested(mutant, tests, limit_s) for tests, limit_s in steps if tests)
    return next((outcome for outcome in outcomes if outcome is not Outcome.SURVIVED), Outcome.SURVIVED)


def tested(mutant: Mutant, tests: list[str], limit_s: float) -> Outcome:
    """What these tests make of it within a time."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        numba_cache = folder if "compiled" in mutant.source else ""  # numba knows code by its file, which is unchanged
        process = forkserver.Process(target=_run_tests, args=(mutant, tests, numba_cache))
        process.start()
        process.join(limit_s)
        too_long = process.exitcode is None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)  # a hung test, and servers that a failed one left behind
        process.join()
        if too_long or process.exitcode == HUNG:
            return Outcome.HUNG
        return Outcome.NOTICED if process.exitcode else Outcome.SURVIVED


def run(mutants: list[Mutant], limit_s: float) -> list[tuple[Mutant, Outcome]]:
    """What came of those that were tried within `limit_s`, two at a time, behind a progress bar."""
    from rich.progress import Progress

    done: list[tuple[Mutant, Outcome]] = []
    ends_at, waiting = time.monotonic() + limit_s, iter(mutants)
    with ThreadPoolExecutor(2) as pool, Progress() as bar:
        task = bar.add_task("0 survived", total=len(mutants))
        running: dict[Future[Outcome], Mutant] = {}
        while True:
            while len(running) < 2 and time.monotonic() < ends_at and (mutant := next(waiting, None)):
                running[pool.submit(outcome_of, mutant)] = mutant
            if not running:
                return done
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                done.append((running.pop(future), future.result()))
                survived = sum(outcome is Outcome.SURVIVED for _, outcome in done)
                bar.update(task, advance=1, description=f"{survived} survived")


@click.command()
@click.argument("rooms", nargs=-1, type=click.Choice(list(TESTS_OF_ROOM)))
@click.option("--seed", default=1)
@click.option("--most", default=400, show_default=True, help="mutants")
@click.option("--minutes", default=30.0, show_default=True, help="start none after this")
def main(rooms: tuple[str, ...], seed: int, most: int, minutes: float) -> None:
    """Print the score by room, the survivors and those that hung; exit 1 where tests noticed fewer than nine of ten."""
    explained = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text())
    forkserver.set_forkserver_preload(["pytest", "numba", "phonenumbers", "pydantic", "redis"])
    mutants = sample(list(rooms or TESTS_OF_ROOM), seed, most)
    for mutant in {mutant.room: mutant for mutant in mutants}.values():
        control = replace(mutant, source=(ROOT / mutant.path).read_text())
        if tested(control, tests_of(control), STEP_LIMITS_S[0]) is not Outcome.SURVIVED:
            raise click.ClickException(f"{mutant.room}: tests fail without any change, so no score would mean anything")
    done = run(mutants, minutes * 60)
    by_room: dict[str, Counter[Outcome]] = {}
    for mutant, outcome in done:
        if outcome is Outcome.SURVIVED and mutant.added in explained.get(mutant.path, {}):
            outcome = Outcome.NOTICED  # there is nothing to notice
        if outcome is not Outcome.NOTICED:
            click.echo(f"{outcome.value}: {mutant.path}:{mutant.line}\n  - {mutant.removed}\n  + {mutant.added}")
        by_room.setdefault(mutant.room, Counter())[outcome] += 1
    for room, outcomes in by_room.items():
        click.echo(score(room, outcomes))
    total = sum(by_room.values(), Counter[Outcome]())
    click.echo(f"{score('all', total)}; of {len(mutants)} drawn by seed {seed}")
    sys.exit(total[Outcome.NOTICED] < 0.9 * total.total())


def score(name: str, outcomes: Counter[Outcome]) -> str:
    """How many were noticed, by the tests alone and with those that hung."""
    hung, noticed = outcomes[Outcome.HUNG], outcomes[Outcome.NOTICED]
    count = max(1, outcomes.total())
    return f"{name:26} {noticed / count:6.1%} of {count} noticed, {(noticed + hung) / count:6.1%} with {hung} that hung"


if __name__ == "__main__":
    main()
