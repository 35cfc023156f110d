"""The pool of caller ids as people write it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from compliance.caller_ids import CallerId, Pool
from compliance.contacts import crc16
from config.campaign import CampaignSettings


def campaign(**given: Any) -> CampaignSettings:
    return CampaignSettings(**{"name": "spring", "mode": "progressive", **given})


def test_one_caller_id_is_a_pool_of_one_without_a_limit() -> None:
    """The simple form."""
    assert campaign(caller_id="95533").caller_pool() == Pool(
        "spring", (CallerId("95533"),), rest_share=0.1, rest_min_calls=20
    )


def test_rows_are_a_pool_in_their_order() -> None:
    """With countries and limits; a pool is as good as one number to start."""
    rows = [{"number": "+861065550001", "daily_limit": 300}, {"number": "95533", "countries": ["CN", "HK"]}]
    settings = campaign(caller_ids=rows, same_caller_id_on_retry=False, caller_id_rest_after_blocks=5)

    numbers = (CallerId("+861065550001", daily_limit=300), CallerId("95533", frozenset({"CN", "HK"})))
    assert settings.caller_pool() == Pool("spring", numbers, False, 5, 0.1, 20)
    assert settings.missing_to_start() == ()


def test_without_any_number_a_campaign_does_not_start() -> None:
    """It can be kept all the same."""
    (reason,) = campaign().missing_to_start()

    assert reason.startswith("caller_id is empty and there are no caller_ids")


def _twin(number: str) -> str:
    """Another number with the same check sum."""
    return next(
        one for one in map("+86106{:07}".format, range(1_000_000)) if one != number and crc16(one) == crc16(number)
    )


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"caller_id": "95533", "caller_ids": [{"number": "95534"}]}, "takes the place of caller_id"),
        ({"caller_ids": [{"number": "95533"}, {"number": "95533"}]}, "rows 0 and 1 are the same number"),
        ({"caller_ids": [{"number": "+861065550001"}, {"number": _twin("+861065550001")}]}, "same check sum"),
        ({"caller_ids": [{"number": "sales"}]}, "pattern"),
        ({"caller_ids": [{"number": "95533", "countries": ["China"]}]}, "not a known country"),
        ({"caller_ids": [{"number": "95533", "daily_limit": -1}]}, "greater than or equal to 0"),
    ],
    ids=["both", "twice", "twin", "letters", "country", "limit"],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], complaint: str) -> None:
    """With a sentence that says what is wrong."""
    with pytest.raises(ValidationError, match=complaint):
        campaign(**given)
