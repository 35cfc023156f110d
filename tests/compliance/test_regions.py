"""Countries and parts of them."""

import phonenumbers.tzdata
import pytest

from compliance.calling_hours import regions
from compliance.calling_hours.regions import is_region, is_zone, names_of, of_area_code, own_name, zones_of


@pytest.mark.parametrize("name", ["FR", "US", "US-FL", "FR-75", "FR-2A", "CN-GD", "GB-ENG", "PR", "US-PR", "CN-HK"])
def test_regions_that_exist(name: str) -> None:
    """Countries, and parts as their own standards write them."""
    assert is_region(name)
    assert zones_of(name)


@pytest.mark.parametrize(
    "name", ["", "fr", "XX", "US-", "US-fl", "US-ZZ", "US-FLA", "Florida", "USA", "-FL", "US-FL-1", "UK", "EU", "U\0"]
)
def test_regions_that_do_not(name: str) -> None:
    """Nothing is guessed: not the case, not the old name, not the group of countries."""
    assert not is_region(name)
    assert zones_of(name) == ()


@pytest.mark.parametrize(
    ("region", "zones"),
    [
        ("US-FL", ("America/Chicago", "America/New_York")),
        ("US-AZ", ("America/Denver", "America/Phoenix")),
        ("CA-SK", ("America/Edmonton", "America/Regina", "America/Swift_Current")),
        ("AU-WA", ("Australia/Eucla", "Australia/Perth")),
        ("BR-SP", ("America/Sao_Paulo",)),
        ("ES-CN", ("Atlantic/Canary",)),
        ("ES-M", ("Europe/Madrid",)),
        ("RU-KGD", ("Europe/Kaliningrad",)),
        ("FR-75", ("Europe/Paris",)),
        ("FR-974", ("Indian/Reunion",)),
        ("US-PR", ("America/Puerto_Rico",)),
        ("CN-HK", ("Asia/Hong_Kong",)),
        ("CN-XJ", ("Asia/Shanghai",)),
        ("NZ", ("Pacific/Auckland", "Pacific/Chatham")),
    ],
)
def test_zones_of_regions(region: str, zones: tuple[str, ...]) -> None:
    """A split state has all of its zones; overseas is where it is; all of China is on Beijing time."""
    assert zones_of(region) == zones


def test_a_country_has_the_zones_of_all_its_parts() -> None:
    """Each table of parts names only zones of its country, and every part of a table is in the standard."""
    for country, table in regions._data()["zones"]["parts"].items():
        assert set(table) - {"other"} <= regions._iso_3166_2()[country]
        for part, zones in table.items():
            assert set(zones) <= set(zones_of(country)), f"{country}-{part}"


def test_every_region_is_somewhere() -> None:
    """No country and no part is without a zone that the clock knows."""
    for country, parts in regions._iso_3166_2().items():
        for region in (country, *(f"{country}-{part}" for part in parts)):
            assert zones_of(region), region
            assert all(map(is_zone, zones_of(region))), region


@pytest.mark.parametrize(
    ("region", "names"),
    [
        ("FR", {"FR"}),
        ("US-FL", {"US", "US-FL"}),
        ("PR", {"US", "US-PR", "PR"}),
        ("US-PR", {"US", "US-PR", "PR"}),
        ("RE", {"FR", "FR-974", "FR-RE", "RE"}),
        ("NC", {"FR-NC", "NC"}),
        ("HK", {"CN-HK", "HK"}),
        ("CN-HK", {"CN-HK", "HK"}),
    ],
)
def test_names_under_which_rules_cover_a_region(region: str, names: set[str]) -> None:
    """Rules of the USA hold in Puerto Rico, those of France on Reunion; mainland rules are not about Hong Kong."""
    assert names_of(region) == names


def test_own_names() -> None:
    """A part that has a country code of its own goes by it."""
    assert [own_name(name) for name in ("CN-HK", "US-PR", "US-FL", "FR")] == ["HK", "PR", "US-FL", "FR"]


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("212", ("US-NY",)),
        ("203", ("US-CT",)),
        ("416", ("CA-ON",)),
        ("902", ("CA-NS", "CA-PE")),
        ("867", ("CA-NT", "CA-NU", "CA-YT")),
        ("800", ()),
        ("787", ()),
        ("000", ()),
    ],
)
def test_area_codes(code: str, parts: tuple[str, ...]) -> None:
    """A state, several provinces, or nothing: not geographic, another country, unknown."""
    assert of_area_code(code) == parts


def test_every_state_has_area_codes() -> None:
    """Of the USA with its capital, and of Canada."""
    found = {region for parts in regions._area_codes().values() for region in parts}
    territories = {"US-AS", "US-GU", "US-MP", "US-PR", "US-UM", "US-VI"}
    expected = {f"{country}-{part}" for country in ("US", "CA") for part in regions._iso_3166_2()[country]}
    assert found == expected - territories
    assert all(map(is_region, found))


@pytest.mark.parametrize(
    "name",
    ["", "localtime", "Factory", "posix/UTC", "right/UTC", "zone.tab", "x\0y", "/etc/localtime", "A" * 300, "中国"],
)
def test_what_is_no_zone(name: str) -> None:
    """Only places of the zone database count, whatever the CRM sends."""
    assert not is_zone(name)


def test_every_zone_that_a_number_can_have_is_known() -> None:
    """No prefix of the numbering data names a zone that the clock does not know."""
    names = {zone for row in phonenumbers.tzdata.TIMEZONE_DATA.values() for zone in row}
    assert {name for name in names if not is_zone(name)} <= {"Etc/Unknown"}
