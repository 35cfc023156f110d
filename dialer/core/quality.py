"""Samples of recordings, and what marks come to. Pure.

A sample is drawn by a digest of the attempt and of what it is drawn for, so that nobody can choose it: the same draw
gives the same recordings again, and whoever doubts it can repeat it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from config.recordings.scoring import NOT_YET, ScoredRecording, ScoringSheet

Recorded = TypeVar("Recorded")


def drawn(recordings: Iterable[tuple[str, str, Recorded]], per_agent: int, purpose: str) -> dict[str, list[Recorded]]:
    """Up to `per_agent` recordings of each agent. Each comes as (agent, attempt, recording); `purpose` says what the
    sample is for, such as a week."""
    by_agent: dict[str, list[tuple[bytes, Recorded]]] = defaultdict(list)
    for agent, attempt, recording in recordings:
        by_agent[agent].append((hashlib.sha256(f"{purpose}/{attempt}".encode()).digest(), recording))
    return {
        agent: [recording for _, recording in sorted(lots, key=lambda lot: lot[0])[:per_agent]]
        for agent, lots in sorted(by_agent.items())
    }


def faults(sheet: ScoringSheet, scored: ScoredRecording) -> list[str]:
    """What is wrong with the marks of one recording, each with its item."""
    most = {item.name: item.most for item in sheet.items}
    wrong = [f"marks.{name}: the sheet has no such item" for name in scored.marks if name not in most]
    for name, points in most.items():
        given = scored.marks.get(name, NOT_YET)
        if given == NOT_YET:
            wrong.append(f"marks.{name}: not marked yet")
        elif not 0 <= given <= points:
            wrong.append(f"marks.{name}: {given} is not from 0 to {points}")
    if not scored.by.strip():
        wrong.append("by: say who listened")
    return wrong


@dataclass(frozen=True, slots=True)
class Score:
    """The marks that one listener gave one recording, `points` of `most` in all; `at` in seconds since the epoch."""

    attempt: str
    agent: str
    campaign: str
    sheet: str
    version: str
    by: str
    at: float
    marks: Mapping[str, int]
    points: int
    most: int
    note: str = ""


def score(sheet: ScoringSheet, scored: ScoredRecording, at: float) -> Score:
    """What marks without faults come to."""
    return Score(
        attempt=scored.attempt,
        agent=scored.agent,
        campaign=scored.campaign,
        sheet=sheet.name,
        version=sheet.version,
        by=scored.by.strip(),
        at=at,
        marks={item.name: scored.marks[item.name] for item in sheet.items},
        points=sum(scored.marks[item.name] for item in sheet.items),
        most=sum(item.most for item in sheet.items),
        note=scored.note,
    )


def newest(scores: Iterable[Score]) -> list[Score]:
    """Of several scores that one listener gave one recording by one sheet, the last."""
    last: dict[tuple[str, str, str], Score] = {}
    for each in sorted(scores, key=lambda each: each.at):
        last[each.attempt, each.by, each.version] = each
    return list(last.values())


@dataclass(frozen=True, slots=True)
class Summary:
    """An agent by one sheet: recordings marked, the mean share of points (0 to 1), and the mean points of each item."""

    agent: str
    sheet: str
    version: str
    recordings: int
    share: float
    marks: Mapping[str, float]


def summaries(scores: Iterable[Score]) -> list[Summary]:
    """By agent and sheet. A recording that several people marked counts once, by their mean."""
    groups: dict[tuple[str, str, str], dict[str, list[Score]]] = defaultdict(lambda: defaultdict(list))
    for each in newest(scores):
        groups[each.agent, each.sheet, each.version][each.attempt].append(each)
    return [
        Summary(
            agent=agent,
            sheet=sheet,
            version=version,
            recordings=len(by_attempt),
            share=_mean([_mean([each.points / each.most for each in group]) for group in by_attempt.values()]),
            marks={
                name: _mean([_mean([each.marks[name] for each in group]) for group in by_attempt.values()])
                for name in next(iter(by_attempt.values()))[0].marks
            },
        )
        for (agent, sheet, version), by_attempt in sorted(groups.items())
    ]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
