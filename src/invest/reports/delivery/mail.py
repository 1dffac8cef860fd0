"""Reports by e-mail: the message as a pure function, and its sending through SMTP in a thread."""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from invest.reports.delivery.webhook import DeliveryFailed, DeliveryRefused
from invest.reports.rendering import ExportedFile
from invest.reports.views import ReportView
from invest.reports.words import clean

_ADDRESS: Final = re.compile(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")
MAX_RECIPIENTS: Final = 50


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over.

    `security`: `tls` from the first byte (port 465), `starttls` before anything else (587), or `offered`: STARTTLS
    where the server has it, and never a password without it.
    """

    host: str
    port: int = 587
    security: Literal["tls", "starttls", "offered"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    tls_context: ssl.SSLContext | None = field(default=None, repr=False, compare=False)


def smtp_server(url: str, *, timeout: float = 30.0) -> SmtpServer:
    """The server of `smtp://user:password@host:587` (STARTTLS; where offered on other ports) or `smtps://`.

    Raises `DeliveryRefused`, without repeating the password, for anything else.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise DeliveryRefused("the mail server must be written smtp://user:password@host:port") from None
    if parts.scheme not in ("smtp", "smtps") or not host:
        raise DeliveryRefused("the mail server must be written smtp://user:password@host:port")
    port = port or (465 if parts.scheme == "smtps" else 587)
    security: Literal["tls", "starttls", "offered"] = "starttls" if port == 587 else "offered"
    return SmtpServer(
        host=host,
        port=port,
        security="tls" if parts.scheme == "smtps" else security,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        timeout=timeout,
    )


def checked_address(text: str) -> str:
    """`text` as a plain address or `Name <address>`. Raises `DeliveryRefused`, which names what is wrong."""
    name, address = parseaddr(text)
    if any(c in text for c in "\r\n\0") or not _ADDRESS.fullmatch(address) or len(address) > 254:
        raise DeliveryRefused(f"{clean(text, 60)!r} is no e-mail address")
    return formataddr((clean(name, 80), address)) if name else address


def build_email(
    view: ReportView, *, sender: str, recipients: Sequence[str], attachments: Sequence[ExportedFile] = ()
) -> EmailMessage:
    """A message that says the verdict in its text and carries the files. The same report has the same Message-ID.

    Raises `DeliveryRefused` for an address that is none, or for no or too many recipients.
    """
    if not 1 <= len(recipients) <= MAX_RECIPIENTS:
        raise DeliveryRefused(f"a report goes to 1 to {MAX_RECIPIENTS} recipients, not {len(recipients)}")
    message = EmailMessage()
    message["Subject"] = _subject(view)
    message["From"] = checked_address(sender)
    message["To"] = ", ".join(checked_address(r) for r in recipients)
    message["Date"] = format_datetime(view.generated_at)
    domain = parseaddr(sender)[1].rpartition("@")[2]
    message["Message-ID"] = f"<{re.sub(r'[^A-Za-z0-9._-]', '-', view.report_id)}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(view))
    for file in attachments:
        kind, _, parameters = file.media_type.partition(";")
        main, _, sub = kind.strip().partition("/")
        if main == "text":
            charset = parameters.partition("charset=")[2].strip() or "utf-8"
            message.add_attachment(file.body.decode(charset), subtype=sub, charset=charset, filename=file.name)
        else:
            message.add_attachment(file.body, maintype=main, subtype=sub, filename=file.name)
    return message


def _subject(view: ReportView) -> str:
    stamp = f"[{view.stamp}] " if view.stamp else ""
    verdict = f" · {view.strip.verdict}" if view.strip else ""
    return clean(f"{stamp}{view.title}{verdict}", 180)


def _text(view: ReportView) -> str:
    lines = [view.stamp or "", view.title, view.header.tagline, ""]
    if view.header.value:
        lines.append(" ".join(part for part in (view.header.value, view.header.change) if part))
    if view.strip:
        lines.append(f"{view.strip.label}: {view.strip.verdict}")
        lines += [f"{s.label}: {s.text}{f' ({s.sub})' if s.sub else ''}" for s in view.strip.stats]
        lines += ["", view.strip.sentence.text]
    lines += ["", *view.disclaimers]
    return "\n".join(lines).strip() + "\n"


async def send_email(message: EmailMessage, server: SmtpServer) -> None:
    """Hand `message` over; smtplib blocks, so it runs in a thread.

    Raises `DeliveryRefused` for what the server turns down for good (5xx), `DeliveryFailed` for anything passing.
    """
    await asyncio.to_thread(_send, message, server)


def _send(message: EmailMessage, server: SmtpServer) -> None:
    context = server.tls_context or ssl.create_default_context()
    try:
        with _connect(server, context) as smtp:
            smtp.ehlo()
            offered = server.security == "offered" and smtp.has_extn("starttls")
            if server.security == "starttls" or offered:
                smtp.starttls(context=context)
            if server.username is not None:
                if server.security == "offered" and not offered:
                    raise DeliveryRefused("the mail server offers no encryption, so no password is sent to it")
                smtp.login(server.username, server.password or "")
            smtp.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if all(code >= 500 for code in codes):
            raise DeliveryRefused(f"the mail server refused the recipients ({min(codes)})") from error
        raise DeliveryFailed("the mail server takes no mail for a recipient now") from error
    except smtplib.SMTPResponseException as error:
        if error.smtp_code >= 500:
            raise DeliveryRefused(f"the mail server refused the message ({error.smtp_code})") from error
        raise DeliveryFailed(f"the mail server answered {error.smtp_code}") from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryRefused(f"the mail server lacks what is asked of it: {error}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryFailed(f"the mail server did not answer: {type(error).__name__}") from error


def _connect(server: SmtpServer, context: ssl.SSLContext) -> smtplib.SMTP:
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=server.timeout)
