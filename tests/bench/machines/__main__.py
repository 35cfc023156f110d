"""How often people are taken for machines and machines found, when the verdict comes, and what it costs.

`make bench-machines` makes answers with `espeak-ng` and `flite` (Debian), in Chinese and English, with noise, at
several levels, through G.711. **All of it is synthetic**: it compares rules and finds mistakes, and says little of any
real list of numbers. Rules are tuned on one half of the voices and phrases (`--fit`) and judged on the other.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

import click
import numpy as np

from sip.causes import Answerer
from sip.detection.listener import Listener
from sip.detection.messages import Rules
from tests.bench.machines.corpus import HALVES, Case, cases
from tests.bench.machines.heard import Heard, heard

LENGTHS_S = (1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0)
WITHIN_S = (2.0, 3.0, 4.0, 6.0)
LINES = 10
FIRMS = 300


def main() -> None:
    """Parse the options and run."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1000, help="people of each half, and as many machines")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--fit", action="store_true", help="fit the confidence to the first half, too")
    given = options.parse_args()
    rules = Rules()
    click.echo("SYNTHETIC answers, made by espeak-ng and flite; no recording of anybody.\n")
    if given.fit:
        fit(heard(cases(HALVES[0], given.count, given.seed), given.seed))
    made = list(cases(HALVES[1], given.count, given.seed))
    lines = heard(made, given.seed)
    roc(lines, rules)
    deadlines(lines, rules)
    classes(lines, rules)
    delays(lines, rules)
    firms = heard(cases(HALVES[1], FIRMS, given.seed, "firm"), given.seed)
    click.echo(f"\n{FIRMS} firms, of which there are few above: {shares(firms, rules)[0]:.1%} taken for machines")
    cost(made[: LINES * 4])


def shares(lines: list[Heard], rules: Rules) -> tuple[float, float]:
    """The share of people who are taken for machines, and of machines that are found."""
    taken = {is_machine: [0, 0] for is_machine in (False, True)}
    for line in lines:
        verdict, _ = line.verdict(rules)
        taken[line.case.is_machine][0] += verdict.kind is Answerer.MACHINE
        taken[line.case.is_machine][1] += 1
    people, machines = (found / max(1, count) for found, count in (taken[False], taken[True]))
    return people, machines


def roc(lines: list[Heard], rules: Rules) -> None:
    """The trade between both errors."""
    click.echo("longest_greeting_s   people taken for machines   machines found")
    for length_s in LENGTHS_S:
        people, machines = shares(lines, replace(rules, longest_greeting_s=length_s))
        mark = " *" if length_s == rules.longest_greeting_s else ""
        click.echo(f"{length_s:18.1f}   {people:25.1%}   {machines:14.1%}{mark}")


def deadlines(lines: list[Heard], rules: Rules) -> None:
    """What a verdict that must come sooner or may come later is worth: the most machines at 2 % of people."""
    click.echo("\nwithin_s   machines found at 2 % of people   by longest_greeting_s")
    for within_s in WITHIN_S:
        best = (0.0, math.nan)
        for length_s in np.arange(1.0, 3.6, 0.1):
            people, machines = shares(lines, Rules(float(length_s), within_s))
            if people <= 0.02 and machines > best[0]:
                best = (machines, float(length_s))
        click.echo(f"{within_s:8.1f}   {best[0]:31.1%}   {best[1]:21.1f}")


def classes(lines: list[Heard], rules: Rules) -> None:
    """Who is taken for a machine, by what is said, the language, and the noise."""
    reads: tuple[Callable[[Case], str], ...] = (
        lambda case: case.kind,
        lambda case: case.language,
        lambda case: f"noise: {case.noise}",
    )
    counts: dict[tuple[bool, int, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        is_machine = line.verdict(rules)[0].kind is Answerer.MACHINE
        for number, read in enumerate(reads):
            row = counts[line.case.is_machine, number, read(line.case)]
            row[0] += is_machine
            row[1] += 1
    click.echo("\n            taken for machines")
    for (machines, _, name), (found, count) in sorted(counts.items()):
        click.echo(f"{'machines' if machines else 'people':8}  {name:16} {found:5} of {count:5}  {found / count:6.1%}")


def delays(lines: list[Heard], rules: Rules) -> None:
    """When verdicts are out, after the end of the greeting; a machine is often known before it has ended."""
    for is_machine, who in ((False, "people"), (True, "machines")):
        after, since = [], []
        for line in lines:
            verdict, at_s = line.verdict(rules)
            if line.case.is_machine is is_machine and verdict.kind is not Answerer.UNKNOWN:
                after.append(at_s - line.case.ends_s)
                since.append(at_s)
        p50, p95, p99 = np.percentile(after, (50, 95, 99))
        click.echo(f"\n{who}: verdict {p50:.2f} s after the greeting's end (p95 {p95:.2f}, p99 {p99:.2f})", nl=False)
        click.echo(f", {np.median(since):.2f} s after the answer (p95 {np.percentile(since, 95):.2f})", nl=False)
    click.echo()


def cost(made: list[Case]) -> None:
    """Processor time for ten lines at a time, whose pieces come as they do from the SIP library."""
    began, heard_s = time.process_time(), 0.0
    for first in range(0, len(made), LINES):
        listeners = [
            (Listener(Rules(longest_greeting_s=99.0, within_s=99.0)), case) for case in made[first : first + LINES]
        ]
        for at in range(0, len(made[0].samples), 2048):
            for listener, case in listeners:
                listener.hear(case.samples[at : at + 2048])
        heard_s += sum(listener.heard_s for listener, _ in listeners)
    share = (time.process_time() - began) / heard_s * LINES
    click.echo(f"{LINES} verdicts at a time: {share:.2%} of a core, without the process that reads the files")


def fit(lines: list[Heard]) -> None:
    """The odds by length, by logistic regression (Newton's method) on verdicts that wait for the greeting's end."""
    rows = [(line.verdict(Rules(99.0, 4.0))[0].greeting_s, line.case.is_machine) for line in lines]
    lengths = np.array([[1.0, length_s] for length_s, _ in rows])
    labels = np.array([is_machine for _, is_machine in rows], dtype=float)
    weights = np.zeros(2)
    for _ in range(30):
        odds = 1 / (1 + np.exp(-lengths @ weights))
        curve = (lengths * (odds * (1 - odds))[:, None]).T @ lengths
        weights -= np.linalg.solve(curve + 1e-9 * np.eye(2), lengths.T @ (odds - labels))
    click.echo(f"tuned on the first half: EVEN_S = {-weights[0] / weights[1]:.2f}, PER_S = {weights[1]:.1f}")
    for length_s in LENGTHS_S:
        people, machines = shares(lines, Rules(longest_greeting_s=length_s))
        click.echo(f"{length_s:18.1f}   {people:25.1%}   {machines:14.1%}")
    click.echo()


if __name__ == "__main__":
    main()
