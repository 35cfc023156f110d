"""`dialer report --mail-to`, against a real mail server."""

from __future__ import annotations

import email
import socket
import ssl
from collections.abc import Callable, Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from dialer.cli.base.failures import CliExit
from tests.archive.conftest import archive, calls
from tests.cli.test_report import Run, run
from tests.reports.conftest import book
from tests.shell.rig import free_port
from tests.store.conftest import end, settings
from tests.store.server_rig import certificates

__all__ = ["archive", "book", "calls", "end", "run", "settings"]


class Mailbox:
    """Takes mail, but for nobody@."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


def known(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: LoginPassword) -> AuthResult:
    """One user."""
    return AuthResult(success=(given.login, given.password) == (b"dialer", b"secret"), handled=False)


Serve = Callable[..., tuple[Mailbox, list[str]]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server; gives what it takes, and the settings that reach it."""
    running: list[Controller] = []

    def start(**more: Any) -> tuple[Mailbox, list[str]]:
        mailbox, port = Mailbox(), free_port(socket.SOCK_STREAM)
        controller = Controller(mailbox, hostname="127.0.0.1", port=port, **more)
        controller.start()
        running.append(controller)
        values = ("mail.host=127.0.0.1", f"mail.port={port}", "mail.sender=dialer@example.com")
        return mailbox, [word for value in values for word in ("--set", value)]

    yield start
    for controller in running:
        controller.stop()


def mailed(run: Run, folder: Path, given: list[str], *to: str) -> Any:
    """The daily report, written and mailed."""
    recipients = [word for address in to for word in ("--mail-to", address)]
    return run(*given, "report", "daily", "--period", "2026-03-03", "--write", str(folder), *recipients)


@pytest.mark.parametrize(
    ("language", "subject", "word"),
    [("en", "Daily report 2026-03-03", "utilisation"), ("zh", "日报 2026-03-03", "座席利用率")],
)
def test_a_report_comes_by_mail(run: Run, serve: Serve, tmp_path: Path, language: str, subject: str, word: str) -> None:
    """To read at once, in the reader's language, with all its files attached; they stay where they were written."""
    mailbox, given = serve()
    settings = [*given, "--set", "mail.security=none", "--set", f"archive.language={language}"]

    done = mailed(run, tmp_path / "out", settings, "anna@example.com", "bo@example.com")

    assert done.exit_code == 0, done.output
    (mail,) = mailbox.mails
    assert (mail["Subject"], mail["To"]) == (subject, "anna@example.com, bo@example.com")
    body = mail.get_body()
    assert body is not None
    assert word in body.get_content()
    names = {part.get_filename(): part.get_content_type() for part in mail.iter_attachments()}
    assert set(names) == {f"daily-2026-03-03.{ending}" for ending in ("csv", "html", "json", "xlsx")}
    assert names["daily-2026-03-03.html"] == "text/html"
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(names)


def test_whom_it_could_not_be_delivered_to_is_named(run: Run, serve: Serve, tmp_path: Path) -> None:
    """The others have it; the command fails, so that somebody sees it, and the files are there."""
    mailbox, given = serve()
    plain = [*given, "--set", "mail.security=none"]

    some = mailed(run, tmp_path, plain, "anna@example.com", "nobody@example.com")
    none = mailed(run, tmp_path, plain, "nobody@example.com")

    for done in (some, none):
        assert done.exit_code == CliExit.REFUSED
        assert "nobody@example.com: 550 no such mailbox" in done.output
    assert len(mailbox.mails) == 1
    assert (tmp_path / "daily-2026-03-03.html").exists()


def test_a_password_goes_only_to_whom_the_certificate_names(
    run: Run, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By STARTTLS; an unknown certificate gets neither password nor report."""
    papers = certificates(tmp_path / "papers")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(papers.file("server.crt"), papers.file("server.key"))
    mailbox, given = serve(tls_context=context, authenticator=known, auth_required=True)
    given += ["--set", "mail.user=dialer", "--set"]
    right, bad = [*given, "mail.password=secret"], [*given, "mail.password=wrong"]

    unknown = mailed(run, tmp_path / "out", right, "anna@example.com")
    monkeypatch.setenv("SSL_CERT_FILE", papers.file("ca.crt"))
    trusted = mailed(run, tmp_path / "out", right, "anna@example.com")
    wrong = mailed(run, tmp_path / "out", bad, "anna@example.com")

    assert (unknown.exit_code, wrong.exit_code) == (CliExit.REFUSED, CliExit.REFUSED)
    assert "certificate verify failed" in unknown.output
    assert trusted.exit_code == 0, trusted.output
    assert len(mailbox.mails) == 1


def test_what_cannot_be_mailed_is_said_before_anything_is_made(run: Run, tmp_path: Path) -> None:
    """No server, no folder, no address; a user whose password would go in clear."""
    report = ("report", "daily", "--period", "2026-03-03")

    for arguments, words in (
        ((*report, "--mail-to", "a@b.example"), "needs --write FOLDER"),
        ((*report, "--write", str(tmp_path / "out"), "--mail-to", "a@b.example"), "mail.host"),
        ((*report, "--write", str(tmp_path / "out"), "--mail-to", "anna"), "is not an address"),
        (("--set", "mail.user=x", "--set", "mail.security=none", *report), "does not go in clear"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2
        assert words in " ".join(done.output.replace("│", "").split())
    assert not (tmp_path / "out").exists()
