"""`dialer simulate`: whole shifts in virtual time, to compare policies and to plan agents and lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem
from rich.console import Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from dialer import __version__
from dialer.cli.base.failures import Failure
from dialer.cli.base.figures import bar
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import as_flags, json_option
from dialer.cli.base.output import console, show, show_json
from dialer.shell.exits import Exit

if TYPE_CHECKING:  # only a simulation itself needs these, not its help
    from dialer.sim.study.page import Made
    from dialer.sim.study.results import Run
    from dialer.sim.study.scenario import Scenario
    from dialer.sim.study.summary import PolicySummary
    from dialer.sim.study.sweep import Enough, Step, Sweep


def _names(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from dialer.sim.study.scenario import shipped

    names = [CompletionItem(name) for name in shipped() if name.startswith(incomplete)]
    return [*names, CompletionItem(incomplete, type="file")]


def _policies(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from dialer.sim.policies import POLICIES

    before, comma, last = incomplete.rpartition(",")
    return [CompletionItem(before + comma + name) for name in POLICIES if name.startswith(last)]


@click.command()
@examples(
    "dialer simulate r2",
    "dialer simulate r2 --policies predictive,cisco,impact --html r2.html",
    "dialer simulate r2 --sweep agents=10:40:5 --want-connects-per-hour 500",
    "dialer simulate --example > mine.toml",
)
@click.argument("scenario", required=False, shell_complete=_names)
@click.option(
    "--policies", metavar="A,B,C", shell_complete=_policies, help="Compare these; the first is the yardstick."
)
@click.option("--seeds", type=click.IntRange(1, 1000), help="Shifts for each policy. [default: the scenario's]")
@click.option(
    "--hours", type=click.FloatRange(0, 24, min_open=True), help="Length of the shift. [default: the scenario's]"
)
@click.option("--set", "pairs", metavar="KEY=VALUE", multiple=True, help="One setting of the scenario; repeatable.")
@click.option("--sweep", "sweeps", metavar="NAME=FROM:TO:STEP", help="One setting through a range, or NAME=A,B,C.")
@click.option(
    "--want-connects-per-hour",
    "wanted",
    type=click.FloatRange(0, min_open=True),
    help="With --sweep: name the smallest value that gives so many.",
)
@click.option(
    "--html", "page", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write a page, too."
)
@click.option("--jobs", type=click.IntRange(1, 256), help="Shifts at a time. [default: one for each core]")
@click.option("--list", "listed", is_flag=True, help="List the scenarios and the policies, and do nothing.")
@click.option("--example", is_flag=True, help="Print a scenario file with every setting, and do nothing.")
@json_option
def simulate(
    scenario: str | None,
    policies: str | None,
    seeds: int | None,
    hours: float | None,
    pairs: tuple[str, ...],
    sweeps: str | None,
    wanted: float | None,
    page: Path | None,
    jobs: int | None,
    listed: bool,
    example: bool,
    as_json: bool,
) -> None:
    """Play whole shifts in virtual time: which policy, how many agents, how many lines.

    SCENARIO is a TOML file, or the name of a shipped one (r1 to r8). The daemon's own engine and pacers serve
    simulated callees and agents; nobody is called. All policies meet the same callees with the same talk times, so
    that differences are the policies' own. docs/simulate.md explains the figures.
    """
    if example:
        from dialer.sim.study.scenario_example import example_toml

        click.echo(example_toml(), nl=False)
        return
    if listed:
        _show_list(as_json)
        return
    if scenario is None:
        raise click.UsageError("Which scenario? A file, or summary of those of: dialer simulate --list")
    if wanted is not None and sweeps is None:
        raise click.UsageError("--want-connects-per-hour needs a --sweep, such as --sweep agents=5:50:5")
    flags = as_flags(pairs, "--set")
    for name, value in (("policies", policies), ("seeds", seeds), ("hours", hours)):
        if value is not None:
            flags[name] = str(value)
    _simulate(scenario, flags, sweeps, wanted, page, jobs, as_json)


def _simulate(
    name: str,
    flags: dict[str, str],
    sweeps: str | None,
    wanted: float | None,
    page: Path | None,
    jobs: int | None,
    as_json: bool,
) -> None:
    from dialer.sim.study.page import study_page, sweep_page
    from dialer.sim.study.scenario import find_scenario, load_scenario
    from dialer.sim.study.summary import summarise
    from dialer.sim.study.sweep import enough

    path = find_scenario(name)
    scenario = load_scenario(path, flags)
    if page is not None and not page.absolute().parent.is_dir():  # said now, not after the shifts
        raise Failure(Exit.CONFIG, f"{page} cannot be written: there is no such directory")
    title = scenario.title or path.stem
    cap = scenario.dialling.max_abandon_rate
    if sweeps is None:
        runs = _played([scenario], jobs)[0]
        summaries = summarise(runs, scenario.policies, cap)
        _write(page, lambda: study_page(title, scenario, summaries, _made()))
        if as_json:
            show_json(_as_data(title, scenario, summaries, runs))
        else:
            _show_study(title, scenario, summaries, runs)
        return
    sweep = _sweep(sweeps)
    scenarios = [load_scenario(path, flags | {sweep.path: value}) for value in sweep.values]
    steps = _steps(sweep, scenarios, _played(scenarios, jobs))
    answers = [] if wanted is None else enough(steps, scenario.policies, wanted)
    _write(page, lambda: sweep_page(title, scenarios[0], sweep, steps, wanted, answers, _made()))
    if as_json:
        rows = [{"value": step.value, "policies": [_figures(summary) for summary in step.summaries]} for step in steps]
        show_json({"title": title, "sweep": sweep.name, "steps": rows, "wanted": wanted, "enough": answers})
    else:
        _show_sweep(title, sweep, steps, wanted, answers, cap)


def _made() -> Made:
    from dialer.sim.study.page import Made

    return Made(date.today().isoformat(), __version__)


def _sweep(text: str) -> Sweep:
    from dialer.sim.study.sweep import parse_sweep

    try:
        return parse_sweep(text)
    except ValueError as error:
        raise click.UsageError(f"--sweep: {error}") from None


def _played(scenarios: Sequence[Scenario], jobs: int | None) -> list[list[Run]]:
    """All runs of each scenario, with a bar on standard error where somebody looks."""
    from concurrent.futures.process import BrokenProcessPool

    from dialer.sim.study.parallel import cores, run_all, tasks_of

    groups = [tasks_of(scenario) for scenario in scenarios]
    tasks = [task for group in groups for task in group]
    screen = console(error=True)
    columns = (TextColumn("shifts"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as progress:
        shifts = progress.add_task("shifts", total=len(tasks))
        try:
            runs = run_all(tasks, jobs or cores(), lambda: progress.advance(shifts))
        except BrokenProcessPool:
            raise Failure(Exit.CRASH, "a process was killed in the middle of a shift", "Try --jobs 1") from None
    each = iter(runs)
    return [[next(each) for _ in group] for group in groups]


def _steps(sweep: Sweep, scenarios: Sequence[Scenario], runs: Sequence[list[Run]]) -> list[Step]:
    from dialer.sim.study.summary import summarise
    from dialer.sim.study.sweep import Step

    return [
        Step(value, tuple(summarise(own, scenario.policies, scenario.dialling.max_abandon_rate)), tuple(own))
        for value, scenario, own in zip(sweep.values, scenarios, runs, strict=True)
    ]


def _write(page: Path | None, made: Callable[[], str]) -> None:
    if page is None:
        return
    try:
        page.write_text(made(), encoding="utf-8")
    except OSError as error:
        raise Failure(Exit.CONFIG, f"{page} cannot be written: {error.strerror}") from None
    click.echo(f"Wrote {page}", err=True)


# --- showing ------------------------------------------------------------------------------------------------------


def _show_study(title: str, scenario: Scenario, summaries: Sequence[PolicySummary], runs: Sequence[Run]) -> None:
    from dialer.cli.pacing.simulate_charts import charts
    from dialer.cli.pacing.simulate_tables import tables

    cap = scenario.dialling.max_abandon_rate
    shifts = "1 shift" if scenario.seeds == 1 else f"mean of {scenario.seeds} shifts"
    head = Text.assemble(
        (title, "bold"), f"\n{shifts} of {scenario.hours:g} h, {scenario.agents.count} agents, cap {100 * cap:g} %"
    )
    parts = [
        head,
        Text(),
        charts(summaries, cap, console().width),
        Text(),
        tables(summaries, scenario, console().width),
    ]
    for note in notes(scenario, runs):
        parts.append(Text(note, "yellow"))
    show(Group(*parts))


def notes(scenario: Scenario, runs: Sequence[Run]) -> list[str]:
    """What one should know before believing the figures."""
    texts = []
    ended = [run.totals.exhausted_at_s for run in runs if run.totals.exhausted_at_s is not None]
    if ended:
        hours = min(ended) / 3600
        texts.append(
            f"The list of {scenario.dialling.leads:,} had nobody left to call after {hours:.1f} h at the earliest."
        )
    if scenario.seeds < 5:
        shifts = "1 shift says" if scenario.seeds == 1 else f"{scenario.seeds} shifts say"
        texts.append(f"{shifts} little about small differences; --seeds 10 or more does.")
    lost = sum(run.totals.anomalies for run in runs)
    if lost:
        texts.append(f"The engine met {lost} events that it did not foresee.")
    return texts


def _show_sweep(
    title: str, sweep: Sweep, steps: Sequence[Step], wanted: float | None, answers: Sequence[Enough], cap: float
) -> None:
    from dialer.cli.pacing.simulate_tables import sweep_bars, sweep_table
    from dialer.sim.study.sweep import enough_sentence

    parts = [
        Text(title, "bold"),
        Text(),
        sweep_bars(sweep, steps, wanted, console().width, bar),
        Text(),
        sweep_table(sweep, steps, cap),
    ]
    if wanted is not None:
        parts += [Text(), *(Text(enough_sentence(sweep.name, answer, wanted)) for answer in answers)]
    show(Group(*parts))


def _show_list(as_json: bool) -> None:
    from dialer.cli.base.output import table
    from dialer.sim.policies import POLICIES
    from dialer.sim.study.scenario import find_scenario, load_scenario, shipped

    titles = {name: load_scenario(find_scenario(name)).title for name in shipped()}
    if as_json:
        show_json({"scenarios": titles, "policies": list(POLICIES)})
        return
    show(table(("scenario", "what it is"), titles.items()))
    click.echo()
    show(Text("policies: " + ", ".join(POLICIES)))


# --- JSON ---------------------------------------------------------------------------------------------------------


def _figures(summary: PolicySummary) -> dict[str, Any]:
    return {
        "policy": summary.policy,
        "shifts": summary.shifts,
        "over_cap_shifts": summary.over_cap_shifts,
        "figures": {name: asdict(value) for name, value in summary.figures.items()},
        "against_first": {name: asdict(value) for name, value in summary.against_first.items()},
    }


def _as_data(title: str, scenario: Scenario, summaries: Sequence[PolicySummary], runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "title": title,
        "scenario": scenario.model_dump(mode="json"),
        "policies": [_figures(summary) | {"series": asdict(summary.series)} for summary in summaries],
        "runs": [
            {
                "policy": run.policy,
                "seed": run.seed,
                "totals": asdict(run.totals),
                "idle_s": run.idle_s,
                "wait_s": run.wait_s,
            }
            for run in runs
        ],
    }
