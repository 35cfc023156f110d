"""Regions: countries (ISO 3166-1, "US") and parts of them (ISO 3166-2, "US-FL"), their names and their time zones.

What the zone database and the numbering plans do not tell stands in `regions.toml` and `iso_3166_2.toml`, with the
source and date of each table.
"""

from __future__ import annotations

import tomllib
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ANY_PART: Final = "*"
"""In place of a part: nobody knows which one, so rules of every part hold ("US-*")."""

_LONGEST: Final = 6  # two letters, a dash and up to three more
_LONGEST_ZONE: Final = 64
_NO_PLACE: Final = frozenset({"localtime", "posixrules", "Factory"})
_OTHER_COUNTINGS: Final = ("posix/", "right/")  # copies of the database; "right" counts leap seconds


def is_region(name: str) -> bool:
    """Whether `name` is a country or a part of one that exists, such as "FR" or "US-FL"."""
    if len(name) > _LONGEST:
        return False
    country, dash, part = name.partition("-")
    return country in _country_zones() and (not dash or part in _parts(country))


def is_zone(name: str) -> bool:
    """Whether `name` is a zone of the zone database. Paths are not, nor is whatever zone this machine is in."""
    if not 0 < len(name) <= _LONGEST_ZONE or name in _NO_PLACE or name.startswith(_OTHER_COUNTINGS):
        return False
    try:
        return _found(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a directory, such as "Asia"
        return False


@cache
def _found(name: str) -> bool:
    """True, or what `ZoneInfo` raises. Only names that exist are kept, so nobody can fill the cache."""
    ZoneInfo(name)
    return True


@lru_cache(maxsize=8192)
def names_of(region: str) -> frozenset[str]:
    """Every name under which rules cover `region`: its own, its country's and those that mean the same place.

    Puerto Rico is "PR", "US-PR" and in "US"; Hong Kong is "HK" and "CN-HK", and the rules of "CN" are not about it.
    """
    country = country_of(own_name(region))
    aliases = {part for part, named in _data()["same"].items() if named == country}
    if not aliases:
        return frozenset((country, region))
    parents = {parent for parent, territories in _data()["under"].items() if country in territories.split()}
    return frozenset({country, region, *aliases, *parents})


def zones_of(region: str) -> tuple[str, ...]:
    """IANA names of every time zone in which people of `region` may live, in order; () if there is no such region."""
    if not is_region(region):
        return ()
    country, _, part = region.partition("-")
    if part and (table := _data()["zones"]["parts"].get(country)) is not None:
        zones = table.get(part, table.get("other"))
        if zones is not None:
            return tuple(sorted(zones))
    return _country_zones()[country_of(own_name(region))]


def of_area_code(area_code: str) -> tuple[str, ...]:
    """The states or provinces ("US-FL") of a three-digit area code of the USA or Canada; () where nobody knows."""
    return _area_codes().get(area_code, ())


def laid_over(area_code: str) -> tuple[str, ...]:
    """The older area codes of the same place, of those in several time zones."""
    return tuple(str(_data()["laid_over"].get(area_code, "")).split())


def own_name(region: str) -> str:
    """The country code of a part that has one of its own, "HK" of "CN-HK"; else the region as it is."""
    return str(_data()["same"].get(region, region))


def country_of(region: str) -> str:
    """The country of a region: "US" of "US-FL"."""
    return region.partition("-")[0]


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(resources.files("compliance.calling_hours").joinpath("regions.toml").read_text("utf-8"))


@cache
def _iso_3166_2() -> dict[str, frozenset[str]]:
    text = resources.files("compliance.calling_hours").joinpath("iso_3166_2.toml").read_text("utf-8")
    return {country: frozenset(parts.split()) for country, parts in tomllib.loads(text).items()}


def _parts(country: str) -> frozenset[str]:
    return _iso_3166_2().get(country, frozenset())


@cache
def _area_codes() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for region, codes in _data()["area_codes"].items():
        for code in codes.split():
            table[code] = (*table.get(code, ()), region)
    return table


@cache
def _country_zones() -> dict[str, tuple[str, ...]]:
    """Zones by country: `zone.tab` of the zone database, with our corrections."""
    table: dict[str, tuple[str, ...]] = {}
    for line in resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            table[country] = (*table.get(country, ()), zone)
    corrections = {country: zones for country, zones in _data()["zones"].items() if country != "parts"}
    return {country: tuple(sorted(cast("tuple[str, ...]", zones))) for country, zones in (table | corrections).items()}
