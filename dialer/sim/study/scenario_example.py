"""A complete scenario file with every setting, its meaning and its default, made from the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from config.model import Section, as_section, explanation, item_type, leaf_type
from config.show import shown
from dialer.sim.study.durations import Duration
from dialer.sim.study.scenario import Break, Drift, DriftOf, Restart, Scenario, Shock, ShockKind

HEAD: Final = """\
# A scenario for `dialer simulate`. Each setting is shown with its default and commented out: remove the # to change it.
#
# Names end in their unit: _s seconds, _min minutes from the start of the shift, _cps calls per second, _rate and share
# fractions (0.03 is 3 %). A duration is { law = "lognormal", mean_s = 120.0, cv = 1.0 }, where cv is the standard
# deviation over the mean, { law = "exponential", mean_s = 120.0 }, { law = "uniform", low_s = 60.0, high_s = 180.0 } or
# { law = "constant", mean_s = 2.0 }.
"""

_ROWS: Final[dict[str, Section]] = {
    "agents.breaks": Break(at_min=120.0, share=0.5),
    "drifts": Drift(of=DriftOf.ANSWER_RATE, at_min=60.0, over_min=120.0, to=0.2),
    "restarts": Restart(at_min=180.0),
    "shocks": Shock(kind=ShockKind.TRUNK_OUTAGE, at_min=240.0),
}
"""An example of each list that is empty by default."""


def example_toml() -> str:
    """The whole file. Read as it is, it gives the defaults."""
    return HEAD + "\n" + "\n".join(_section(Scenario(), ())) + "\n"


def _section(section: Section, path: tuple[str, ...]) -> Iterator[str]:
    model = type(section)
    inner = []
    for name in model.model_fields:
        value, kind = getattr(section, name), leaf_type(model, (name,))
        if as_section(item_type(kind)) or (as_section(kind) and not isinstance(value, Duration)):
            inner.append(name)
            continue
        yield f"# {explanation(model, (name,))}"
        yield f"#{name} = {_shown(value)}"
    for name in inner:
        yield ""
        yield f"# {explanation(model, (name,))}"
        where = ".".join((*path, name))
        value = getattr(section, name)
        if isinstance(value, Section):
            yield f"[{where}]"
            yield from _section(value, (*path, name))
        else:
            row = _ROWS[where]
            yield f"#[[{where}]]"
            for key in type(row).model_fields:
                yield f"#{key} = {_shown(getattr(row, key))} # {explanation(type(row), (key,))}"


def _shown(value: Any) -> str:
    if isinstance(value, Duration):
        law = value.law.value
        keys = {"uniform": ("low_s", "high_s"), "lognormal": ("mean_s", "cv")}.get(law, ("mean_s",))
        return f'{{ law = "{law}", {", ".join(f"{key} = {getattr(value, key)!r}" for key in keys)} }}'
    return shown(value)
