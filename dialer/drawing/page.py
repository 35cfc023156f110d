"""A page of HTML: no script, nothing loaded, readable in light, in dark, on paper and on a phone. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from dialer.drawing.svg import COLOURS, style_of

NEXT_LINE: Final = "\n"
_LIGHT: Final = ("#1f6fd6", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#0e7490", "#be185d", "#475569")
_DARK: Final = ("#7cb3ff", "#ff9e6b", "#6fdc8c", "#cfa2ff", "#f2cc60", "#5fd4e6", "#ff8fc0", "#b6c2d1")
_STATES_LIGHT: Final = ("#15803d", "#d9a514", "#a9c8ef", "#d4d4d8")
_STATES_DARK: Final = ("#3fae63", "#b98900", "#3c6296", "#4b4b52")

_COLOURS: Final = """
:root{color-scheme:light dark;--back:#fff;--text:#1b1f24;--quiet:#5b6470;--grid:#e3e6ea;--bad:#b42318;LIGHT}
@media (prefers-color-scheme:dark){
:root{--back:#14171a;--text:#e6e9ec;--quiet:#9aa4af;--grid:#2c3238;--bad:#ff8a80;DARK}}
"""

_BODY: Final = """
body{background:var(--back);color:var(--text)}
body{font:15px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif}
body{max-width:76rem;margin:2rem auto;padding:0 1rem;overflow-wrap:break-word}
@media print{body{max-width:none;margin:0}}
"""

_PARTS: Final = """
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:1.8rem 0 .4rem}p{margin:.3rem 0}.quiet{color:var(--quiet)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .8rem .25rem 0;text-align:right;white-space:nowrap;border-bottom:1px solid var(--grid)}
th{font-weight:600;color:var(--quiet)}th:first-child,td:first-child{text-align:left}.bad{color:var(--bad);font-weight:600}
tr.quiet td:first-child{padding-left:1rem}tr.total td{font-weight:600;border-top:2px solid var(--grid)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(30rem,100%),1fr));gap:0 2rem}
svg{width:100%;height:auto;display:block}
svg text{fill:var(--quiet);font:12px system-ui,sans-serif}svg .name{fill:var(--text)}
.grid{stroke:var(--grid)}.line{fill:none;stroke-width:2}.dot{stroke:none}.limit{stroke:var(--bad);stroke-dasharray:5 4}
svg .limit-name{fill:var(--bad)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.3rem 0;padding:0;list-style:none}
.legend svg{width:1.8rem;height:.8rem;display:inline-block;margin-right:.4rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.3rem 0}dt{font-weight:600}dd{margin:0}
.bar{fill:var(--c0)}.bars svg{max-width:45rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.5rem;margin:.4rem 0}
.tiles div{border:1px solid var(--grid);border-radius:.4rem;padding:.4rem .6rem}
.tiles b{display:block;font-size:1.25rem;font-variant-numeric:tabular-nums}
.tiles span{color:var(--quiet);font-size:.85rem}
@media print{.wide{overflow:visible}h2{break-after:avoid}tr{break-inside:avoid}}
.line.d1{stroke-dasharray:7 4}.line.d2{stroke-dasharray:2 4}
@media (max-width:48rem){
table,tbody,tr,td{display:block}tr:first-child{display:none}tr{border-bottom:1px solid var(--grid);padding:.4rem 0}
td{display:flex;justify-content:space-between;border:0;padding:.05rem 0;white-space:normal}
td::before{content:attr(data-head);color:var(--quiet)}td:first-child{font-weight:600}td:first-child::before{content:none}
svg text{font-size:14px}dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}
"""


def page(title: str, body: Sequence[str], *, language: str = "en") -> str:
    """All of it, as one file."""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{colours()}{_BODY}{parts()}</style></head><body>{''.join(body)}</body></html>\n"
    )


def colours() -> str:
    """The colours of a page, in light and in dark, as variables of a style sheet."""
    return _COLOURS.replace("LIGHT", _variables(_LIGHT, _STATES_LIGHT)).replace("DARK", _variables(_DARK, _STATES_DARK))


def parts() -> str:
    """The rules for what stands in a page: headings, tables, charts, tiles."""
    lines = "".join(f".line.c{n}{{stroke:var(--c{n})}}.dot.c{n}{{fill:var(--c{n})}}" for n in range(COLOURS))
    return _PARTS + lines + "".join(f".s{n}{{fill:var(--s{n})}}" for n in range(len(_STATES_LIGHT)))


def _variables(colours: Sequence[str], states: Sequence[str]) -> str:
    pairs = [f"--c{place}:{colour}" for place, colour in enumerate(colours)]
    return ";".join(pairs + [f"--s{place}:{colour}" for place, colour in enumerate(states)])


def h2(text: str) -> str:
    """A heading."""
    return f"<h2>{escape(text)}</h2>"


def figure(title: str, chart: str) -> str:
    """A chart with its heading."""
    return f"<section>{h2(title)}{chart}</section>"


def legend(names: Sequence[str]) -> str:
    """Which line is which."""
    swatch = '<svg viewBox="0 0 30 10"><line class="line {}" x1="0" x2="30" y1="5" y2="5"/></svg>'
    return listed(swatch.format(style_of(place)) + escape(name) for place, name in enumerate(names))


def listed(items: Iterable[str]) -> str:
    """Small things side by side."""
    return f"<ul class=legend>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def tiles(figures: Iterable[tuple[str, str]]) -> str:
    """Figures that are looked at first: (what it is, its value)."""
    items = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in figures)
    return f"<div class=tiles>{items}</div>"


def definitions(rows: Iterable[tuple[str, str]]) -> str:
    """Words and what they mean."""
    items = "".join(f"<dt>{escape(word)}</dt><dd>{escape(meaning)}</dd>" for word, meaning in rows)
    return f"<dl class=quiet>{items}</dl>"


def table(heads: Sequence[str], rows: Iterable[tuple[Sequence[str], str]]) -> str:
    """A table; a row is of a kind: `quiet`, `total`, `over` (its first figure is marked) or none. Each cell knows its
    head, for where a row is shown as a list; a head may have a second line."""
    lines = []
    for cells, kind in rows:
        bad = {1: " class=bad"} if kind == "over" else {}
        texts = (
            f'<td data-head="{escape(head.replace(NEXT_LINE, " "))}"{bad.get(place, "")}>{escape(text)}</td>'
            for place, (head, text) in enumerate(zip(heads, cells, strict=True))
        )
        lines.append(f"<tr{f' class={kind}' if kind in ('quiet', 'total') else ''}>{''.join(texts)}</tr>")
    first = "".join(f"<th>{escape(head).replace(NEXT_LINE, '<br>')}</th>" for head in heads)
    return f"<div class=wide><table><tr>{first}</tr>{''.join(lines)}</table></div>"
