"""What a refusal says in words, made of its facts: the one place for it, at the edge.

Whoever shows a refusal calls `detail`; nobody reads a text again. A refusal that was kept by another release, whose
case or facts this one does not know, says its case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from compliance.api import Per, Refusal
from compliance.calling_hours.hours import SEARCH_DAYS, ZONES_SHOWN
from compliance.caps import cap_of
from dialer.language.caps import cap_words
from dialer.language.moments import at_weekday
from dialer.language.phrases import N_, Phrase, listed, phrase

_DAY_S: Final = 86_400.0

Facts = Mapping[str, Any]


def detail(refusal: Refusal) -> str:
    """The facts of a refusal in a clause; without its rule, and without until when."""
    words = _WORDS.get(refusal.case)
    if words is None:
        return refusal.case
    try:
        return words(refusal.facts)
    except (KeyError, TypeError, ValueError, OverflowError, OSError, StopIteration):
        return refusal.case.replace("_", " ")


@lru_cache(maxsize=4096)
def clocks_words(zones: tuple[str, ...], minute: int, more: int = 0) -> Phrase:
    """What the wall clocks of `zones` show in a minute since the epoch: "Sat 13:05 in America/New_York". `more` is how
    many zones there are besides."""
    at = datetime.fromtimestamp(minute * 60, UTC)
    clocks = [
        phrase("{time} in {zone}", time=at_weekday(at.astimezone(ZoneInfo(zone))), zone=zone)
        for zone in zones[:ZONES_SHOWN]
    ]
    more += max(0, len(zones) - ZONES_SHOWN)
    shown = listed(clocks)
    return phrase("{clocks} and {more} zones more", clocks=shown, more=more) if more else shown


def _outside(facts: Facts) -> str:
    clocks = clocks_words(tuple(facts["zones"]), int(facts["at_s"] // 60), facts["zones_more"])
    return phrase("outside calling hours: {clocks}", clocks=clocks)


def _no_common(facts: Facts) -> str:
    if facts["number"] == 1:
        return phrase(
            "no common calling hours of {zone} in the next {days} days", zone=f"{facts['first']}", days=SEARCH_DAYS
        )
    return phrase(
        "no common calling hours of {number} zones, {first} to {last} in the next {days} days",
        number=facts["number"],
        first=facts["first"],
        last=facts["last"],
        days=SEARCH_DAYS,
    )


def _blocked(facts: Facts) -> str:
    scope = phrase("campaign {name}", name=facts["campaign"]) if facts["campaign"] else phrase("all campaigns")
    until = facts["until"]
    about = [facts["target"]] if facts["target"] else []
    about.append(facts["source"])
    if until is not None:
        about.append(phrase("until {time} UTC", time=f"{datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M}"))
    text = phrase("on the no-call list for {scope} ({about})", scope=scope, about=listed(about))
    return phrase("{why}: {reason}", why=text, reason=facts["reason"]) if facts["reason"] else text


def _id_missing(facts: Facts) -> str:
    cap = cap_words(cap_of(facts))
    if facts["per"] == Per.CUSTOMER:
        return phrase("the lead has no customer_id, and a cap counts per customer: {cap}", cap=cap)
    return phrase("the lead has no {per}_id, and a cap counts per {per}: {cap}", per=facts["per"], cap=cap)


def _consent_old(facts: Facts) -> str:
    return phrase(
        "the consent is of {day}, more than {days:g} days ago",
        day=_date(facts["given_at"]),
        days=facts["max_age_s"] / _DAY_S,
    )


def _country(facts: Facts) -> str:
    return phrase(
        "a number of {there}, and the campaign calls {allowed} only: its setting countries may list more",
        there=countries_words(facts["countries"]),
        allowed=listed(facts["allowed"]),
    )


def countries_words(countries: Sequence[str]) -> Phrase:
    """`CN or HK`; `no country`."""
    return listed(countries, " or ") if countries else phrase("no country")


def _none_left(facts: Facts) -> str:
    numbers = listed(facts["numbers"], "; ")
    if facts["more"]:
        return phrase("no caller id can be shown now: {numbers}; and {more} more", numbers=numbers, more=facts["more"])
    return phrase("no caller id can be shown now: {numbers}", numbers=numbers)


def _date(at: float) -> str:
    """The day in UTC: a reason is kept and compared on many machines."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _always(msgid: str) -> Callable[[Facts], str]:
    return lambda _: phrase(msgid)


_WORDS: Final[Mapping[str, Callable[[Facts], str]]] = MappingProxyType(
    {
        "expired": _always(N_("the lead may no longer be used")),
        "consent_ended": lambda facts: phrase("the consent ended on {day}", day=_date(facts["ended_at"])),
        "consent_missing": _always(N_("the campaign calls only with consent, and the lead has none")),
        "consent_future": lambda facts: phrase(
            "the consent is of {day}, which is in the future", day=_date(facts["given_at"])
        ),
        "consent_old": _consent_old,
        "number_type": lambda facts: phrase(
            "a number of the type {type}, called only where the campaign's number_types names it",
            type=f"{facts['number_type']}",
        ),
        "country": _country,
        "zone_unknown": _always(N_("the time zone of the number is not known")),
        "zone_not_in_database": _always(N_("a time zone of the number is not in the zone database")),
        "stated_zone_not_in_database": _always(N_("the stated time zone is not in the zone database")),
        "region_unknown": lambda facts: phrase("{region} is not in ISO 3166-1 or 3166-2", region=f"{facts['region']}"),
        "outside_hours": _outside,
        "no_common_hours": _no_common,
        "no_hours_known": lambda facts: phrase(
            "no calling hours are known for {regions}", regions=listed(facts["regions"], " or ")
        ),
        "no_hours_without_country": _always(N_("no calling hours are known for a number that is of no country")),
        "holidays_unknown": lambda facts: phrase(
            "the public holidays of {region} are not known, and the rules close on them", region=f"{facts['region']}"
        ),
        "on_register": lambda facts: phrase(
            "on the national register {register} of {day}", register=f"{facts['register']}", day=f"{facts['as_of']}"
        ),
        "register_outdated": lambda facts: f"{facts['why']}",
        "register_unreadable": lambda facts: f"{facts['why']}",
        "blocked": _blocked,
        "cap_reached": lambda facts: phrase("called often enough: {cap}", cap=cap_words(cap_of(facts))),
        "id_missing": _id_missing,
        "evasion": _always(
            N_(
                "the network blocked a call to this number (603+ or 608): another call may only show the caller id of "
                "that call, which this campaign cannot show; a different one would be evasion of the block"
            )
        ),
        "no_caller_id_for_country": _always(N_("no caller id of the campaign may be shown in the callee's country")),
        "no_caller_id_now": _none_left,
        "contended": lambda facts: phrase(
            "what is known of the number changed {rounds} times while it was judged", rounds=facts["rounds"]
        ),
        "lease_lost": _always(N_("the lease on the lead has ended: it is not this daemon's any more")),
    }
)
"""The words of every case; ours are all in here (`tests/compliance/test_words.py`)."""
