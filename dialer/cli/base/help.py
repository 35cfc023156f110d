"""What help texts have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

Command = TypeVar("Command", bound=Callable[..., Any])

AS_WRITTEN: Final = "\b"
"""Before a paragraph whose lines click is to leave as they are."""


def examples(*lines: str) -> Callable[[Command], Command]:
    """Puts command lines below what a command's docstring says of it."""

    def add(function: Command) -> Command:
        drawn = "\n".join(f"  {line}" for line in lines)
        function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n{AS_WRITTEN}\nExample:\n{drawn}"
        return function

    return add
