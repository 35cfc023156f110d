"""Logging: one line for each thing that matters, JSON for machines, colours for a terminal.

Every string that leaves through the log passes `compliance.numbers.masked_text`, so that a clear phone number cannot
slip out in an error message.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from types import TracebackType
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from compliance.numbers import masked_text
from config.daemon import LogFormat, LogSettings
from dialer.shell.log_lines import LogLines

NO_NUMBERS = {"ts", "timestamp", "owner"}
"""Fields whose digits are no phone number: times, and a daemon's id."""


def mask_strings(_: Any, __: str, event: EventDict) -> EventDict:
    """Mask what looks like a phone number in every string of a log line."""
    for key, value in event.items():
        if key not in NO_NUMBERS and not key.endswith("_id"):
            event[key] = _masked(value)
    return event


def _masked(value: Any) -> Any:
    match value:
        case str():
            return masked_text(value)
        case dict():
            return {key: _masked(item) for key, item in value.items()}
        case list() | tuple():
            return [_masked(item) for item in value]
        case _:
            return value


def _masked_traceback(stream: TextIO, error: ExcInfo) -> None:
    stream.write("\n" + masked_text("".join(traceback.format_exception(*error)).rstrip()))


def _say_last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What Python writes when a program dies of an exception, masked."""
    sys.stderr.write(masked_text("".join(traceback.format_exception(kind, error, trace))))


def _lost(lines: int) -> str:
    return f"{lines} log lines were lost: nobody took them"


def _lost_as_json(lines: int) -> str:
    return json.dumps({"event": "log lines lost", "lines": lines, "level": "warning"})


def set_up(settings: LogSettings) -> None:
    """Configure structlog for this process. Lines go to standard error, and so do its last words."""
    sys.excepthook = _say_last_words
    as_json = settings.format is LogFormat.JSON or (settings.format is LogFormat.AUTO and not sys.stderr.isatty())
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
    ]
    if as_json:
        processors += [structlog.processors.format_exc_info, mask_strings, structlog.processors.JSONRenderer()]
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_masked_traceback)
        processors += [mask_strings, renderer]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.level.value.upper())),
        logger_factory=structlog.WriteLoggerFactory(
            cast("TextIO", LogLines(sys.stderr, _lost_as_json if as_json else _lost))
        ),
        cache_logger_on_first_use=True,
    )
