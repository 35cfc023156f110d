"""How a carrier wants numbers written: rules that replace what a number begins with. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def rewritten(number: str, rules: Sequence[str]) -> str:
    """A number as the rules have it. A rule is `BEGINNING=REPLACEMENT`; of those that fit the longest is used, once. A
    number that none fits stays as it is.

    >>> rewritten("+861012345678", ("+86=0", "+=00"))
    '01012345678'
    """
    fitting = [rule.partition("=") for rule in rules if number.startswith(rule.partition("=")[0])]
    if not fitting:
        return number
    begins, _, replacement = max(fitting, key=lambda rule: len(rule[0]))
    return replacement + number[len(begins) :]
