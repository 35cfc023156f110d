"""A report by mail: its text to read at once, its files to keep."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Final

from config.archive import MailSecurity, MailSettings
from dialer.reports.compose import Document

KINDS: Final = {
    ".html": ("text", "html"),
    ".csv": ("text", "csv"),
    ".json": ("application", "json"),
    ".xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


class MailRefused(Exception):
    """The mail did not go; the message says why, for people."""


def message_of(document: Document, text: str, files: Sequence[Path], sender: str, to: Sequence[str]) -> EmailMessage:
    """The mail: `text` to read, `files` attached. Raises `OSError`."""
    message = EmailMessage()
    message["Subject"] = f"{document.report.called} {document.span}"
    message["From"], message["To"] = sender, ", ".join(to)
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    message.set_content(text)
    for path in files:
        main, sub = KINDS.get(path.suffix, ("text", "plain"))
        message.add_attachment(path.read_bytes(), maintype=main, subtype=sub, filename=path.name)
    return message


def send(message: EmailMessage, settings: MailSettings) -> None:
    """Hand it to the server. Raises `MailRefused`, also where some of its addresses are refused."""
    secure = ssl.create_default_context()
    try:
        with (
            smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout_s, context=secure)
            if settings.security is MailSecurity.TLS
            else smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        ) as server:
            if settings.security is MailSecurity.STARTTLS:
                server.starttls(context=secure)
            if settings.user:
                server.login(settings.user, settings.password.get_secret_value())
            refused = server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    # UnicodeError: a host's name that is none, a password that is not ASCII.
    except (OSError, UnicodeError, smtplib.SMTPException) as error:
        raise MailRefused(f"{settings.host}:{settings.port}: {error}") from error
    if refused:
        words = "; ".join(f"{name}: {code} {text.decode(errors='replace')}" for name, (code, text) in refused.items())
        raise MailRefused(f"{settings.host}:{settings.port} does not take it for {words}")
