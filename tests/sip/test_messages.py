"""What messages say of themselves where they are printed."""

from __future__ import annotations

from sip.messages import Dial
from sip.settings import Trunk, WorkerSettings


def test_no_message_prints_a_number_or_a_password() -> None:
    """A message that ends up in a traceback or a log tells neither whom it calls nor how we sign in."""
    dial = Dial("A1", "north", "+8613800001234", "+861065550000", 85.0)
    settings = WorkerSettings((Trunk("north", "10.0.0.1", username="us", password="hush"),))

    assert "13800001234" not in repr(dial)
    assert "A1" in repr(dial)
    assert "hush" not in repr(settings)
