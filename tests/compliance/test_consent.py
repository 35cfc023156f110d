"""Consent."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.api import Callee, Rule
from compliance.consent import CLOCKS_DIFFER_S, ends_at, verdict
from compliance.numbers import E164
from compliance.policy import Policy
from dialer.language.refusals import detail
from tests.rules import CN_DEFAULT

NOW = 1_772_500_000.0  # 2026-03-03 in UTC
DAY = 86_400.0
CALLEE = Callee(E164("+8613800001234"))
NEEDED = replace(CN_DEFAULT, consent_required=True, consent_max_age_s=540 * DAY)
NEEDED_AT_ANY_AGE = replace(CN_DEFAULT, consent_required=True, consent_max_age_s=None)


@pytest.mark.parametrize(
    ("callee", "policy", "words"),
    [
        (CALLEE, NEEDED, "the campaign calls only with consent, and the lead has none"),
        (CALLEE._replace(consent_until=NOW + DAY), NEEDED, "only with consent"),
        (CALLEE._replace(consent_at=NOW + CLOCKS_DIFFER_S + 1), NEEDED, "of 2026-03-03, which is in the future"),
        (CALLEE._replace(consent_at=NOW - 540 * DAY), NEEDED, "of 2024-09-09, more than 540 days ago"),
        (CALLEE._replace(consent_at=NOW - DAY, consent_until=NOW), NEEDED, "the consent ended on 2026-03-03"),
        (CALLEE._replace(consent_until=NOW), CN_DEFAULT, "the consent ended on 2026-03-03"),
    ],
)
def test_without_consent_nobody_is_called_any_more(callee: Callee, policy: Policy, words: str) -> None:
    """None, of the future, too old, or ended: refused for good, with the reason."""
    refusal = verdict(callee, policy, NOW)

    assert refusal is not None
    assert (refusal.rule, refusal.until) == (Rule.CONSENT, None)
    assert words in detail(refusal)


@pytest.mark.parametrize(
    ("callee", "policy"),
    [
        (CALLEE, CN_DEFAULT),
        (CALLEE._replace(consent_at=NOW - 900 * DAY), CN_DEFAULT),
        (CALLEE._replace(consent_at=NOW - 900 * DAY), NEEDED_AT_ANY_AGE),
        (CALLEE._replace(consent_at=NOW - 540 * DAY + 1, consent_until=NOW + 1), NEEDED),
        (CALLEE._replace(consent_at=NOW + CLOCKS_DIFFER_S), NEEDED),
    ],
)
def test_consent_holds(callee: Callee, policy: Policy) -> None:
    """Where it is not needed, and where it is there."""
    assert verdict(callee, policy, NOW) is None


@given(
    st.none() | st.floats(NOW - 1000 * DAY, NOW),
    st.none() | st.floats(NOW - 1000 * DAY, NOW + 1000 * DAY),
    st.booleans(),
    st.none() | st.floats(1.0, 1000 * DAY),
)
def test_the_end_is_the_first_moment_that_is_refused(
    given_at: float | None, until: float | None, required: bool, max_age_s: float | None
) -> None:
    """`ends_at` and `verdict` are one rule."""
    callee = CALLEE._replace(consent_at=given_at, consent_until=until)
    policy = replace(CN_DEFAULT, consent_required=required, consent_max_age_s=max_age_s)
    ends = ends_at(callee, policy)

    if ends is not None:
        assert verdict(callee, policy, ends) is not None
    if verdict(callee, policy, NOW) is None:
        assert ends is None or ends > NOW
    elif given_at is not None or not required:
        assert ends is not None
        assert ends <= NOW
