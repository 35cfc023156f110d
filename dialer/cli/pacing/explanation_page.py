"""Why a campaign is dialled as it is, drawn for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Group, RenderableType
from rich.text import Text

from dialer.cli.base.figures import EMPTY, bar, flowed, labelled, state_text
from dialer.cli.live.campaign_panels import LABEL, abandon_style, cap_words
from dialer.cli.pacing.simulate_charts import resampled, strip
from dialer.core.board import WindowRow
from dialer.language.decisions import to_go
from dialer.language.translation import _, _n, translated, word
from dialer.operating.explanation import Explanation, HostView, calibration_words, room_from, spent
from dialer.operating.figures import ACCENT, BAD, GOOD, QUIET, WARN, duration, percent
from pacing.api import Mode, Settings
from pacing.learning.model_summary import Law, ModelSummary, Share

CURVE: Final = 36
CURVE_ROWS: Final = 2
HOUR: Final = 3
"""Columns of an hour in the chart of answers by hour."""

GAUGE: Final = 24
BESIDE_GAUGE: Final = 68
"""Columns that a window's figures take at most, its name not counted."""

MIN_WIDTH: Final = 60

Row = tuple[str, Text]


def page(explained: Explanation, now: float, width: int) -> RenderableType:
    """The whole page. `now` is seconds since the epoch, `width` the terminal's columns."""
    width = max(width, MIN_WIDTH)
    room = width - LABEL - 1
    title = Text.assemble((f" {explained.campaign} ", "bold"), " ", state_text(explained.state), " ")
    title.append(EMPTY * max(width - title.cell_len - 1, 0), QUIET)
    parts: list[RenderableType] = [title]
    parts += [Text(f" ! {note}", f"bold {WARN}", overflow="fold") for note in explained.notes]
    parts.append(labelled(_budget(explained.windows, room), LABEL))
    for view in explained.hosts:
        parts += [Text(), *_host(view, explained.abandon_after_s, now, room)]
    if not explained.hosts:
        parts += [Text(), Text(_(" Nothing was learnt of this campaign yet: no daemon has dialled it."), QUIET)]
    return Group(*parts)


def _budget(windows: Sequence[WindowRow], room: int) -> list[Row]:
    longest = max((cell_len(translated(window.name)) for window in windows), default=0)
    return [("" if place else word("budget"), _window(window, longest, room)) for place, window in enumerate(windows)]


def _window(window: WindowRow, longest: int, room: int) -> Text:
    style = abandon_style(window)
    gauge = Text.assemble(
        f"{set_cell_size(translated(window.name), longest)}  ",
        (f"{percent(window.rate, 2):>7}", f"bold {style}"),
        _(" of {cap_words:<5} ", cap_words=cap_words(window.cap)),
        bar(window.used, max(8, min(GAUGE, room - longest - BESIDE_GAUGE)), style),
    )
    if not window.answered:
        return flowed([gauge, Text(_("no live answer yet"), QUIET)], room, "  ")
    share = Text(
        _("{abandoned:,} of {answered:,} abandoned", abandoned=window.abandoned, answered=window.answered), QUIET
    )
    if spent(window):
        left = Text(
            _(
                "spent until {answers}",
                answers=_n("{number:,} live answer", "{number:,} live answers", room_from(window)),
            ),
            BAD,
        )
    else:
        left = Text(
            _("room for {left:,} more", left=window.left) if window.left else _("room for the next one only"), style
        )
    return flowed([gauge, share, left], room, "  ")


def _host(view: HostView, abandon_after_s: float, now: float, room: int) -> list[RenderableType]:
    record = view.record
    title = Text.assemble(
        (f" {view.host}", "bold"), "  ", ("● ", GOOD if view.alive else QUIET), word(view.settings.mode.value)
    )
    if record is None:
        title.append(_("   has saved nothing yet; it will within a minute"), QUIET)
    else:
        about = _("saved") if view.alive else _("not alive; saved")
        title.append(
            _("   {about} {ago} by {owner}", about=about, ago=_ago(now - record.at), owner=record.owner),
            QUIET if view.alive else WARN,
        )
    rows: list[Row] = [("decision", _decision(view, now))]
    rows += [(_("held by") if place == 0 else "", Text(why)) for place, why in enumerate(view.held_by)]
    if view.drawn is not None:
        rows += _learnt(view.drawn, view.settings, room)
    elif record is not None:
        rows.append(("learnt", Text(_("mode {mode} learns nothing", mode=word(view.settings.mode)), QUIET)))
    rows.append(("settings", _settings(view.settings, abandon_after_s, room)))
    return [title, labelled(rows, LABEL)]


def _decision(view: HostView, now: float) -> Text:
    text = Text(view.sentence)
    return text.append(f"   {_ago(now - view.decided_at)}", QUIET) if view.decided_at else text


def _ago(age_s: float) -> str:
    return _("{age_s} ago", age_s=duration(age_s)) if age_s >= 1.0 else _("just now")


def _learnt(drawn: ModelSummary, settings: Settings, room: int) -> list[Row]:
    missing = to_go(drawn.calls_to_go)
    rows: list[Row] = [("learning", Text(_("{missing} to go", missing=missing), WARN))] if missing else []
    rows.append(("answers", _answers(drawn)))
    if drawn.hours:
        rows.append((_("by hour"), _hours(drawn.hours, room)))
    if drawn.trunks:
        rows.append((_("by trunk"), flowed([_trunk(name, share) for name, share in drawn.trunks], room)))
    rows += _law("answered", "after", _("still ringing"), drawn.ringing, room)
    rows += _law("talk", "lasts", _("still talking"), drawn.talk, room)
    rows += _law("wrap-up", "lasts", _("still in wrap-up"), drawn.wrapup, room)
    if settings.mode is Mode.PREDICTIVE:
        rows.append(("risk", _risk(drawn, room)))
    return rows


def _answers(drawn: ModelSummary) -> Text:
    about = _(
        "   the newest of about {calls} count most",
        calls=_n("{number:,} call", "{number:,} calls", round(drawn.answers.calls)),
    )
    return Text.assemble((percent(drawn.answers.probability), "bold"), _(" of the calls are answered"), (about, QUIET))


def _hours(hours: Sequence[tuple[int, Share]], room: int) -> Text:
    """A column for each hour that was seen, and the share in per cent under it."""
    shown = list(hours)[: room // HOUR]
    most = max(share.probability for _, share in shown)
    columns = strip([share.probability for _, share in shown], CURVE_ROWS, 0.0, most or 1.0, [ACCENT] * len(shown))
    text = Text()
    for row in columns:
        for glyph in row.plain:
            text.append(f"{glyph * (HOUR - 1)} ", ACCENT)
        text.append("\n")
    text.append("".join(f"{round(100 * share.probability):>2} " for _, share in shown).rstrip() + " %\n")
    return text.append("".join(f"{hour:>2} " for hour, _ in shown).rstrip() + " h", QUIET)


def _trunk(name: str, share: Share) -> Text:
    return Text.assemble(
        f"{name} ", (percent(share.probability), "bold"), (_(" of {round:,}", round=round(share.calls)), QUIET)
    )


def _law(label: str, verb: str, still: str, law: Law, room: int) -> list[Row]:
    half, high = law.quantiles_s[1:]
    if not law.seen:
        return [
            (
                label,
                Text.assemble(
                    _("{verb} about {span}: a guess, none seen yet", verb=word(verb), span=_span(law.mean_s)),
                    style=QUIET,
                ),
            )
        ]
    words = [
        Text.assemble(f"{word(verb)} ", (_span(law.mean_s), "bold"), _(" on average")),
        Text.assemble(_("half within "), (_span(half), "bold")),
        Text.assemble(_("nine in ten within "), (_span(high), "bold")),
        Text(_("{seen:,} seen", seen=law.seen), QUIET),
    ]
    columns = min(CURVE, room - 20)
    top, bottom = strip(resampled(law.lasting, columns), CURVE_ROWS, 0.0, 1.0, [ACCENT] * columns)
    top.append(f" {still}", QUIET)
    bottom.append(_(" 0 to {span}", span=_span(law.step_s * len(law.lasting))), QUIET)
    return [(label, flowed(words, room, ", ")), ("", top), ("", bottom)]


def _span(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 20 else duration(round(seconds))


def _risk(drawn: ModelSummary, room: int) -> Text:
    return flowed(
        [
            Text.assemble(
                _("up to "), (percent(drawn.tolerated), "bold"), _(" is tolerated of a call, less on a tight budget")
            ),
            Text(calibration_words(drawn.calibration)),
        ],
        room,
        "; ",
    )


def _settings(settings: Settings, abandon_after_s: float, room: int) -> Text:
    parts = [
        _("cap {cap_words}", cap_words=cap_words(settings.max_abandon_rate)),
        _("guarantee {guarantee}", guarantee=word(settings.guarantee)),
        _("abandoned after {abandon_after_s:g} s", abandon_after_s=abandon_after_s),
        _("rings {ring_timeout_s:g} s", ring_timeout_s=settings.ring_timeout_s),
        _("up to {max_calls_per_agent:g} calls for each agent", max_calls_per_agent=settings.max_calls_per_agent),
    ]
    if settings.mode is Mode.RATIO:
        parts.append(_("ratio {ratio:g}", ratio=settings.ratio))
    return flowed([Text(part, QUIET) for part in parts], room, "  ")
