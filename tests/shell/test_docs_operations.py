"""docs/operations.md says what the code does."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from config.campaign import CampaignSettings
from config.policies import applied
from dialer import shell
from dialer.archive import metrics as archive_metrics
from dialer.shell import metrics
from dialer.shell.exits import Exit
from dialer.shell.health import NoCalls
from dialer.store.crm import readers, refusals
from dialer.store.leads import stray

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_metric_is_named_and_no_other() -> None:
    """By the name under which Prometheus has it."""
    source = inspect.getsource(metrics) + inspect.getsource(archive_metrics)
    counters = set(re.findall(r'CounterMetricFamily\(\s*"(dialer_\w+)"', source))
    names = {f"{name}_total" if name in counters else name for name in re.findall(r'"(dialer_\w+)"', source)}

    assert set(re.findall(r"`(dialer_\w+)", section("Metrics"))) == names


def alarms_of_the_code() -> set[str]:
    """What alarms of the shell are about: the words that each begins with, before a name."""
    begins = {reason.value for reason in NoCalls}
    for path in sorted(Path(inspect.getfile(shell)).parent.rglob("*.py")):
        tree = ast.parse(path.read_text())
        named: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    if isinstance(target, ast.Name):
                        named.setdefault(target.id, []).append(node.value)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "alarm":
                begins |= set(texts(node.args[0], named))
    return begins


def texts(about: ast.expr, named: dict[str, list[ast.expr]]) -> Iterator[str]:
    """The texts that an expression may be, each up to its first name."""
    match about:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]):
            yield text.strip()
        case ast.IfExp(body=one, orelse=other):
            yield from texts(one, named)
            yield from texts(other, named)
        case ast.Name(id=name):
            for value in named.get(name, ()):
                yield from texts(value, named)
        case _:
            raise AssertionError(f"what is this alarm about? {ast.unparse(about)}")


def test_every_alarm_has_what_to_do_and_no_other() -> None:
    """What each means and what to do about it; a new alarm is a new row."""
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", section("Every alarm"), re.MULTILINE)
    explained = {re.sub(r" [A-Z]+$", "", about) for about, _, _ in rows}

    assert explained == alarms_of_the_code()
    assert all(means.strip() and do.strip() for _, means, do in rows)


def test_every_exit_code_is_named_and_no_other() -> None:
    """Of the daemon."""
    assert re.findall(r"^\| (\d+) \|", section("Exit codes of the daemon"), re.MULTILINE) == [str(int(x)) for x in Exit]


def test_the_presets_of_counting_windows_are_settings() -> None:
    """Each names the window of its law first, with its cap."""
    presets = [tomllib.loads(text) for text in re.findall(r"```toml\n(.*?)```", section("Counting windows"), re.DOTALL)]
    campaigns = [applied(CampaignSettings(name="spring", abandon_message="/m.wav", **preset)) for preset in presets]

    assert [(campaign.abandon_windows[0].label, campaign.pacing().max_abandon_rate) for campaign in campaigns] == [
        ("successive_30_days", 0.03),
        ("calendar_day", 0.03),
        ("calendar_month", 0.05),
    ]


def test_the_pool_of_caller_ids_is_a_setting() -> None:
    """As it stands on the page."""
    (example,) = re.findall(r"```toml\n(.*?)```", section("Caller ids"), re.DOTALL)

    pool = CampaignSettings(name="spring", abandon_message="/m.wav", **tomllib.loads(example)).caller_pool()

    assert [(row.daily_limit, sorted(row.countries)) for row in pool.rows] == [(400, []), (0, ["CA", "US"])]
    assert "(`caller_id_rest_after_blocks`)" in section("Caller ids")
    assert pool.rest_after_blocks == 3


def test_the_alarms_about_the_crms_streams_are_said_as_they_stand_there() -> None:
    """Each row of the page begins with words that the code says."""
    rows = re.findall(r"^\| `(.*?)` ?(?:,|\|)", section("The CRM's streams"), re.MULTILINE)
    said = "\n".join(inspect.getsource(module) for module in (readers, refusals, stray))

    assert len(rows) == 5
    for row in rows:
        words = max(re.split(r"\b[NMX]\b|\bKEY\b|crm:in", row), key=len).strip(" ,")
        assert words in said, row
