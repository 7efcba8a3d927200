"""E-mail over the SMTP server that whoever runs this server named."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from treering.errors import UsageError
from treering.limits import MAIL_TIMEOUT_S, OUTBOUND_TIMEOUT_S
from treering.server.outbound import Outcome

__all__ = ["Mail", "MailSettings"]

_PORTS: Final = {"smtps": 465, "smtp": 587, "smtp+plain": 25}


@dataclass(frozen=True, slots=True)
class MailSettings:
    """
    Where mail is handed in, and from whom it is.

    ``tls``: "smtps" from the first byte, "smtp" by STARTTLS, which has to succeed, "smtp+plain" none at all.
    """

    host: str
    port: int
    tls: str
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> MailSettings | None:
        """
        Return what ``TREERING_SMTP_URL``, or the file that ``TREERING_SMTP_URL_FILE`` names, and
        ``TREERING_SMTP_FROM`` say; None if nothing.

        Raises:
            UsageError: they cannot be so. The text never repeats the password.
        """
        url, file = environ.get("TREERING_SMTP_URL", ""), environ.get("TREERING_SMTP_URL_FILE", "")
        if not url and file:
            try:
                url = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeError) as error:
                raise UsageError(f"TREERING_SMTP_URL_FILE: {file} cannot be read: {error}.") from None
        if not url:
            return None
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in _PORTS or not parts.hostname:
            raise UsageError(
                "TREERING_SMTP_URL is an address such as smtps://user:password@mail.example.org:465, or smtp://… for "
                "STARTTLS. Characters such as @ and / in the password are written as %40 and %2F."
            )
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        sender = environ.get("TREERING_SMTP_FROM", "") or user
        if "@" not in sender or not sender.isprintable():
            raise UsageError("TREERING_SMTP_FROM is the address that alerts come from, such as treering@example.org.")
        return cls(parts.hostname, port or _PORTS[parts.scheme], parts.scheme, sender, user, password)


class Mail:
    """Sends mail. Thread-safe: each message has a connection of its own."""

    def __init__(
        self,
        settings: MailSettings | None,
        timeout_s: float = OUTBOUND_TIMEOUT_S,
        whole_s: float = MAIL_TIMEOUT_S,
    ) -> None:
        self.settings = settings
        self._timeout_s = timeout_s
        self._whole_s = whole_s

    def send(self, to: Sequence[str], subject: str, text: str, message_id: str) -> Outcome:
        """Send a message and return how it went. Never raises."""
        settings = self.settings
        if settings is None:
            return Outcome("address", "This server sends no mail: whoever runs it sets TREERING_SMTP_URL.")
        message = EmailMessage()
        message["Subject"] = header_text(subject)[:200]
        message["From"], message["To"] = settings.sender, ", ".join(to)
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = f"<{message_id}@treering.invalid>"  # the same when it is tried again
        message["Auto-Submitted"] = "auto-generated"
        message.set_content("\n".join(_printable(line) for line in text.splitlines()) + "\n")
        where = f"{settings.host}:{settings.port}"
        try:
            with self._connect(settings) as server:
                if settings.user:
                    server.login(settings.user, settings.password)
                refused = server.send_message(message)
        except smtplib.SMTPAuthenticationError as error:
            return Outcome("send", f"{where} refuses the user or the password ({error.smtp_code}).", error.smtp_code)
        except smtplib.SMTPRecipientsRefused:
            return Outcome("send", f"{where} takes none of the addresses.")
        except smtplib.SMTPResponseException as error:
            retry = 400 <= error.smtp_code < 500
            return Outcome("send", f"{where} refuses the message ({error.smtp_code}).", error.smtp_code, retry)
        except ssl.SSLCertVerificationError:
            return Outcome("tls", f"No secure connection to {where}: its certificate is not valid for it.", retry=True)
        except ssl.SSLError:
            return Outcome("tls", f"No secure connection to {where}.", retry=True)
        except smtplib.SMTPNotSupportedError:
            return Outcome("tls", f"{where} offers no STARTTLS; smtp+plain:// would send without it.")
        except (OSError, smtplib.SMTPException) as error:
            return Outcome("connect", f"{where} does not answer ({type(error).__name__}).", retry=True)
        if refused:
            return Outcome("done", f"{where} took it, but not for {', '.join(sorted(refused))}.")
        return Outcome("done", f"{where} took it.")

    @contextmanager
    def _connect(self, settings: MailSettings) -> Iterator[smtplib.SMTP]:
        """Open a connection that is cut after ``MAIL_TIMEOUT_S``, however slowly the other side goes on."""
        context = ssl.create_default_context()
        server = (
            smtplib.SMTP_SSL(timeout=self._timeout_s, context=context)
            if settings.tls == "smtps"
            else smtplib.SMTP(timeout=self._timeout_s)
        )

        def cut() -> None:
            if server.sock is not None:
                with suppress(OSError):
                    socket.socket.shutdown(server.sock, socket.SHUT_RDWR)

        limit = threading.Timer(self._whole_s, cut)
        limit.daemon = True
        limit.start()
        try:
            # The name goes into what TLS checks, and ``connect`` alone does not note it.
            server._host = settings.host  # type: ignore[attr-defined]
            server.connect(settings.host, settings.port)
            if settings.tls == "smtp":
                server.starttls(context=context)
            yield server
            with suppress(OSError, smtplib.SMTPException):  # what it took it has, however it says goodbye
                server.quit()
        finally:
            limit.cancel()
            server.close()


def header_text(text: str) -> str:
    """
    Return a text that is one line of a header and nothing else.

    An encoded word (``=?utf-8?q?=0D=0ABcc:…?=``) is decoded by the email package when a header is set, line breaks and
    all: whoever names a run could add headers of their own.
    """
    return " ".join(_printable(text).replace("=?", "= ?").split())


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() or char == "\t" else " " for char in text)
