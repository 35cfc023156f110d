"""The shipped policy."""

from compliance.policy import CN_DEFAULT, EVERY_DAY


def test_the_default_policy_is_nine_to_twelve_and_two_to_eight_twice_a_month() -> None:
    """Hours and caps are the common Chinese ones, every day of the week."""
    assert CN_DEFAULT.name == "cn-default"
    assert [(w.days, w.opens / 60, w.closes / 60) for w in CN_DEFAULT.hours.windows] == [
        (EVERY_DAY, 9, 12),
        (EVERY_DAY, 14, 20),
    ]
    assert [str(cap) for cap in CN_DEFAULT.caps] == ["2 attempts in 30 days, then 90 days of rest"]
    assert CN_DEFAULT.require_zone
