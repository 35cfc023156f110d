"""`dialer script`: check and draw a script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text
from rich.tree import Tree

from dialer.cli.base.failures import Failure
from dialer.cli.base.groups import NearGroup
from dialer.cli.base.help import examples
from dialer.cli.base.invocation import Invocation
from dialer.cli.base.output import Answer, answering
from dialer.cli.scripts.rehearsing import play
from dialer.language.translation import _, _n, word
from dialer.shell.exits import Exit

if TYPE_CHECKING:
    from config.scripts.settings import ScriptSettings, StepSettings

file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group(cls=NearGroup)
@examples(
    "dialer script check survey.toml",
    "dialer script play survey.toml",
    "dialer campaign set spring-sale survey.file=survey.toml",
)
def script() -> None:
    """Scripts that callees go through by keys: surveys, reminders, press-1. docs/scripts.md has a guide."""


@script.command()
@examples("dialer script check survey.toml")
@file_argument
@answering
def check(invocation: Invocation, file: Path) -> Answer:
    """Check a script and its WAV files: every mistake with its place, else how long it may last. Exit code 2 if there
    is a mistake."""
    from config.load import load_script
    from config.scripts.flow import longest_s
    from config.scripts.wav import audio_mistakes, lengths_s

    settings = load_script(file)
    if not settings.used:
        raise Failure(Exit.CONFIG, _("{file} has no steps", file=str(file)))
    if mistakes := list(audio_mistakes(settings)):
        title = _n("the script has {number} mistake:", "the script has {number} mistakes:", len(mistakes))
        raise Failure(Exit.CONFIG, title, *map(str, mistakes))
    longest, steps = longest_s(settings.steps, lengths_s(settings)), len(settings.steps)
    if settings.transfers:
        page = _(
            "{file}: {steps} steps; {longest:.0f} s at most until it asks for an agent or hangs up",
            file=str(file),
            steps=steps,
            longest=longest,
        )
    else:
        page = _(
            "{file}: {steps} steps; {longest:.0f} s at most until it hangs up",
            file=str(file),
            steps=steps,
            longest=longest,
        )
    return Answer({"steps": steps, "longest_s": round(longest, 1), "transfers": settings.transfers}, page)


@script.command("show")
@examples("dialer script show survey.toml")
@file_argument
@answering
def show_(invocation: Invocation, file: Path) -> Answer:
    """Draw a script: what each step plays, and where each key leads."""
    from config.load import load_script

    settings = load_script(file)
    return Answer(
        settings.model_dump(mode="json"), drawn(settings) if settings.used else _("{file} has no steps", file=str(file))
    )


def drawn(script: ScriptSettings) -> Tree:
    """The flow from its first step; a step that several ways lead to is drawn once."""
    tree = Tree(Text(script.title or word("script"), "bold"), guide_style="dim")
    done: set[str] = set()

    def grow(branch: Tree, way: str, target: str) -> None:
        label = Text.assemble((way, "cyan"), " -> " if way else "", (target, "bold"))
        names = {step.name for step in script.steps}
        if target not in names or target in done:
            branch.add(label.append(f" ({_('see above')})", "dim") if target in done else label)
            return
        done.add(target)
        step = script.step(target)
        inner = branch.add(label.append(f"  {words(step)}", "dim"))
        for each_way, each_target in named_ways(step):
            grow(inner, each_way, each_target)

    grow(tree, "", script.steps[0].name)
    return tree


def words(step: StepSettings) -> str:
    """What a step does."""
    parts = [
        _("the number is never called again") if step.opt_out else "",
        _("plays {file}", file=Path(step.play).name) if step.play else "",
        _("waits {wait_s:g} s for a key, repeats: {repeats}", wait_s=step.wait_s, repeats=step.repeats)
        if step.keys
        else "",
        _("takes a message of {seconds:g} s at most", seconds=step.record_s) if step.record_s else "",
    ]
    return "; ".join(part for part in parts if part)


def named_ways(step: StepSettings) -> list[tuple[str, str]]:
    """Where a step leads, with words for how."""
    from config.scripts.flow import invalid_target, nothing_target

    if not step.keys:
        return [("", step.next)]
    keys = [(_("key {keys}", keys=", ".join(keys)), target) for keys, target in step.keys.items()]
    return [*keys, (_("no key"), nothing_target(step)), (_("another key"), invalid_target(step))]


script.add_command(play)
