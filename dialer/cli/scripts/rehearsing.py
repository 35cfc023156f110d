"""`dialer script play`: a script gone through at the terminal, key by key, without a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from dialer.cli.base.help import examples
from dialer.cli.base.text import say
from dialer.language.translation import _

if TYPE_CHECKING:
    from config.scripts.settings import ScriptSettings
    from dialer.core.scripts.interpreter import Action

NO_KEY: Final = "-"
"""Stands for a silence where keys are typed."""


@click.command()
@examples("dialer script play survey.toml", "dialer script play survey.toml --keys 5,-")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--keys",
    metavar="KEYS",
    help="The keys that are pressed, such as 1,9, and - for none; none after the last. [default: you are asked]",
)
def play(file: Path, keys: str | None) -> None:
    """Go through a script as a callee would: it says what would be played and where each key leads. Nobody is called
    and nothing is recorded."""
    from config.load import load_script

    script = load_script(file)
    given = None if keys is None else iter([key.strip() for key in keys.split(",") if key.strip()])

    def ask() -> str:
        if given is not None:
            return next(given, NO_KEY)
        return str(click.prompt(_("key, or {none} for none", none=NO_KEY), default=NO_KEY)).strip()[:1] or NO_KEY

    if not script.used:
        say(_("{file} has no steps", file=str(file)))
        return
    for line in rehearsed(script, ask):
        say(line)


def rehearsed(script: ScriptSettings, ask: Callable[[], str]) -> Iterator[str]:
    """What happens, a line at a time. `ask` is who presses keys: `-` for none, where a key is waited for or a message
    is left."""
    from dialer.core.scripts.interpreter import KeyPressed, Listen, Play, Played, TakeMessage, TimeUp, after, begin

    position, actions = begin(script)
    while True:
        for action in actions:
            yield said(action, position.step)
        last = actions[-1] if actions else None
        if isinstance(last, Play):
            position, actions = after(script, position, Played())
        elif isinstance(last, Listen | TakeMessage) or last is None:
            key = ask()
            position, actions = after(script, position, TimeUp() if key == NO_KEY else KeyPressed(key))
        else:
            return


def said(action: Action, step: str) -> str:
    """One action in words."""
    from dialer.core.scripts import interpreter as does

    match action:
        case does.Play(path):
            return _("{step}: plays {file}", step=step, file=Path(path).name)
        case does.Listen(wait_s):
            return _("{step}: waits {wait_s:g} s for a key", step=step, wait_s=wait_s)
        case does.TakeMessage(_, limit_s):
            return _("{step}: takes a message, until a key or for {limit_s:g} s", step=step, limit_s=limit_s)
        case does.EndMessage():
            return _("the message is kept")
        case does.Note(answered, key, score):
            if score is None:
                return _("{step}: answered by key {key}", step=answered, key=key)
            return _("{step}: answered by key {key}, a mark of {score}", step=answered, key=key, score=score)
        case does.BlockNumber():
            return _("the number is never called again")
        case does.GoToAgent():
            return _("asks for an agent")
        case does.HangUpNow():
            return _("hangs up")
