"""What went wrong, said to the person at the terminal: one message on standard error and an exit code by name."""

from __future__ import annotations

from difflib import get_close_matches
from enum import IntEnum

import click

from dialer.cli.base.text import say
from dialer.language.translation import _, _n, words_of
from dialer.shell.exits import Exit, StartFailed


class CliExit(IntEnum):
    """Why a command did not do what it was told. The numbers go on where the daemon's own (`dialer.shell.exits`) end,
    which commands share where they mean the same: 0 done, 2 wrong settings or wrong use, 3 Redis does not answer."""

    NOT_FOUND = 6  # no such campaign or lead
    REFUSED = 7  # understood, and not done: it exists already, cannot be started, the stream is full, you may not
    PARTLY = 8  # some leads were rejected or left as they are, all others were done
    NO_DAEMON = 9  # no daemon is alive
    BROKEN = 10  # the evidence is not whole, or does not agree with the ledger
    UNFIT = 11  # this host cannot dial as it is, or must not


class Failure(Exception):
    """A command ends here. `hints` say what to do about it, one line each."""

    def __init__(self, code: IntEnum, message: str, *hints: str) -> None:
        super().__init__(message)
        self.code = code
        self.hints = hints

    def show(self) -> None:
        """Write the message to standard error."""
        click.secho(_("Error: "), fg="red", bold=True, nl=False, err=True)
        say(str(self), error=True)
        for hint in self.hints:
            say(f"  {hint}", error=True)


def warn(message: str) -> None:
    """Something the user should know; the command goes on."""
    click.secho(_("Warning: "), fg="yellow", bold=True, nl=False, err=True)
    say(message, error=True)


def did_you_mean(word: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """A hint with the nearest known word, if one is near."""
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    return (_("Did you mean {near!r}?", near=near[0]),) if near else ()


def failure_of(error: Exception, redis_url: str) -> Failure | None:
    """The failure that an exception of the rooms below stands for; None for one that nobody foresaw, a bug."""
    # Only a command that has failed pays for these imports, and it has them loaded by then.
    from config.problems import ConfigError
    from dialer.disk.errors import DiskError
    from dialer.operating.desk import Missing, Refused
    from dialer.store.base import errors

    match error:
        case Failure():
            return error
        case ConfigError():
            title = _n("{number:,} mistake", "{number:,} mistakes", len(error.problems))
            return Failure(Exit.CONFIG, _("the settings have {title}:", title=title), *map(str, error.problems))
        case StartFailed():
            return Failure(error.exit_code, words_of(error))
        case Missing():
            return Failure(CliExit.NOT_FOUND, words_of(error), *error.reasons)
        case Refused():
            return Failure(CliExit.REFUSED, words_of(error), *error.reasons)
        case errors.StoreUnavailable():
            return Failure(
                Exit.REDIS,
                _("Redis at {redis_url} does not answer: {error}", redis_url=redis_url, error=words_of(error)),
                _("Is it running? Name another one with: dialer --redis redis://HOST:6379/0 COMMAND"),
            )
        case errors.UnknownCampaign():
            return Failure(CliExit.NOT_FOUND, words_of(error), *did_you_mean(error.campaign, error.existing))
        case errors.UnknownLead():
            return Failure(CliExit.NOT_FOUND, words_of(error))
        case errors.CampaignArchived() | errors.CampaignExists() | errors.CampaignInUse() | errors.StreamFull():
            return Failure(CliExit.REFUSED, words_of(error))
        case errors.NotAllowed():
            return Failure(CliExit.REFUSED, words_of(error), _("docs/operations.md says who may do what."))
        case DiskError():
            return Failure(Exit.CONFIG, words_of(error))
        case errors.StoreError():
            return Failure(Exit.REDIS, _("Redis at {redis_url}: {error}", redis_url=redis_url, error=words_of(error)))
        case _:
            return None
