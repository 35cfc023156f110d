"""Mail that cannot go."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from config.archive import MailSettings
from dialer.reports.mail import MailRefused, send


@pytest.mark.parametrize("host", ["mail..example.com", ".example.com", "a" * 64 + ".example.com"])
def test_a_server_whose_name_is_none_is_refused_in_words(host: str) -> None:
    """A name that the resolver does not take is told as a server that is not there."""
    with pytest.raises(MailRefused):
        send(EmailMessage(), MailSettings(host=host, sender="dialer@example.com"))
