"""What a refusal says in words, made of its facts: the one place for it, at the edge.

Whoever shows a refusal calls `detail`; nobody reads a text again. A refusal that was kept by another release, whose
case or facts this one does not know, says its case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from compliance.api import Refusal
from compliance.calling_hours.hours import SEARCH_DAYS, clocks
from compliance.caps import cap_of

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


def _outside(facts: Facts) -> str:
    return f"outside calling hours: {clocks(tuple(facts['zones']), int(facts['at_s'] // 60), facts['zones_more'])}"


def _no_common(facts: Facts) -> str:
    return f"no common calling hours of {_named(facts)} in the next {SEARCH_DAYS} days"


def _named(facts: Facts) -> str:
    number = facts["number"]
    return f"{facts['first']}" if number == 1 else f"{number} zones, {facts['first']} to {facts['last']}"


def _blocked(facts: Facts) -> str:
    scope = f"campaign {facts['campaign']}" if facts["campaign"] else "all campaigns"
    about = f"{facts['target']}, " if facts["target"] else ""
    until = facts["until"]
    end = "" if until is None else f", until {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M} UTC"
    reason = f": {facts['reason']}" if facts["reason"] else ""
    return f"on the no-call list for {scope} ({about}{facts['source']}{end}){reason}"


def _id_missing(facts: Facts) -> str:
    return f"the lead has no {facts['per']}_id, and a cap counts per {facts['per']}: {cap_of(facts)}"


def _consent_old(facts: Facts) -> str:
    return f"the consent is of {_date(facts['given_at'])}, more than {facts['max_age_s'] / _DAY_S:g} days ago"


def _country(facts: Facts) -> str:
    there, allowed = " or ".join(facts["countries"]) or "no country", ", ".join(facts["allowed"])
    return f"a number of {there}, and the campaign calls {allowed} only: its setting countries may list more"


def _none_left(facts: Facts) -> str:
    more = f"; and {facts['more']} more" if facts["more"] else ""
    return f"no caller id can be shown now: {'; '.join(facts['numbers'])}{more}"


def _date(at: float) -> str:
    """The day in UTC: a reason is kept and compared on many machines."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _always(text: str) -> Callable[[Facts], str]:
    return lambda _: text


_WORDS: Final[Mapping[str, Callable[[Facts], str]]] = MappingProxyType(
    {
        "expired": _always("the lead may no longer be used"),
        "consent_ended": lambda facts: f"the consent ended on {_date(facts['ended_at'])}",
        "consent_missing": _always("the campaign calls only with consent, and the lead has none"),
        "consent_future": lambda facts: f"the consent is of {_date(facts['given_at'])}, which is in the future",
        "consent_old": _consent_old,
        "number_type": lambda facts: (
            f"a number of the type {facts['number_type']}, called only where the campaign's number_types names it"
        ),
        "country": _country,
        "zone_unknown": _always("the time zone of the number is not known"),
        "zone_not_in_database": _always("a time zone of the number is not in the zone database"),
        "stated_zone_not_in_database": _always("the stated time zone is not in the zone database"),
        "region_unknown": lambda facts: f"{facts['region']} is not in ISO 3166-1 or 3166-2",
        "outside_hours": _outside,
        "no_common_hours": _no_common,
        "no_hours_known": lambda facts: f"no calling hours are known for {' or '.join(facts['regions'])}",
        "no_hours_without_country": _always("no calling hours are known for a number that is of no country"),
        "holidays_unknown": lambda facts: (
            f"the public holidays of {facts['region']} are not known, and the rules close on them"
        ),
        "on_register": lambda facts: f"on the national register {facts['register']} of {facts['as_of']}",
        "register_outdated": lambda facts: f"{facts['why']}",
        "register_unreadable": lambda facts: f"{facts['why']}",
        "blocked": _blocked,
        "cap_reached": lambda facts: f"called often enough: {cap_of(facts)}",
        "id_missing": _id_missing,
        "evasion": _always(
            "the network blocked a call to this number (603+ or 608): another call may only show the caller id of that "
            "call, which this campaign cannot show; a different one would be evasion of the block"
        ),
        "no_caller_id_for_country": _always("no caller id of the campaign may be shown in the callee's country"),
        "no_caller_id_now": _none_left,
        "contended": lambda facts: f"what is known of the number changed {facts['rounds']} times while it was judged",
        "lease_lost": _always("the lease on the lead has ended: it is not this daemon's any more"),
    }
)
"""The words of every case; ours are all in here (`tests/compliance/test_words.py`)."""
