"""Finished reports go out signed, by e-mail and webhook, and never into a private network."""

import asyncio
import base64
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from typing import Any

import pytest
import trustme
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.smtp import SMTP, AuthResult

from invest.domain.addresses import is_public
from invest.reports import ReportView, build_asset_view, export_view
from invest.reports.delivery.mail import SmtpServer, build_email, send_email, smtp_server
from invest.reports.delivery.webhook import (
    DeliveryFailed,
    DeliveryRefused,
    check_url,
    post_webhook,
    report_event,
    sign,
    verify,
)
from tests.builders import reports as build

# The example of the Standard Webhooks specification's reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(scope="module")
def view() -> ReportView:
    return build_asset_view(build.asset_data(sandbox=True))


class Inbox:
    """What an SMTP server received; `answer` is what it says to a message."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.answer = "250 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.messages.append(envelope.content)
        return self.answer


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def listening(inbox: Inbox, **options: Any) -> AsyncIterator[int]:
    """The port of a mail server on loopback."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(inbox, loop=loop, **options), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
async def smtp(inbox: Inbox, authority: trustme.CA) -> AsyncIterator[SmtpServer]:
    """A mail server on loopback that insists on STARTTLS and takes one password."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.login == b"desk" and data.password == b"p@ss/word", handled=False)

    options = {"tls_context": context, "require_starttls": True, "authenticator": authenticate, "auth_required": True}
    async with listening(inbox, **options) as port:
        yield SmtpServer("127.0.0.1", port, "starttls", "desk", "p@ss/word", timeout=10, tls_context=trusted)


def mail(view: ReportView, **changes: Any) -> EmailMessage:
    fields: dict[str, Any] = {"sender": "Invest <invest@desk.example>", "recipients": ["ana@fund.example"]}
    return build_email(view, **(fields | changes))


def test_a_signature_is_that_of_the_specification() -> None:
    body = b'{"test": 2432232314}'
    headers = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_a_signed_message_is_verified_and_any_change_is_seen() -> None:
    body = b'{"a":1}'
    headers = sign(SECRET, "msg_1", build.NOW, body)
    assert verify(SECRET, headers, body, build.NOW)
    assert verify(SECRET, {k.upper(): v for k, v in headers.items()}, body, build.NOW + timedelta(minutes=4))
    assert not verify(SECRET, headers, body + b" ", build.NOW)
    assert not verify(SECRET, headers | {"webhook-id": "msg_2"}, body, build.NOW)
    assert not verify(SECRET, headers, body, build.NOW + timedelta(minutes=6))
    assert not verify(SECRET, headers | {"webhook-timestamp": "NaN"}, body, build.NOW)
    assert not verify(SECRET, {}, body, build.NOW)
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    rotated = sign(other, "msg_1", build.NOW, body)["webhook-signature"] + " " + headers["webhook-signature"]
    assert verify(SECRET, headers | {"webhook-signature": rotated}, body, build.NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "whsec_" + base64.b64encode(b"short").decode(), "päss"])
def test_a_poor_secret_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(DeliveryRefused, match="whsec_ and 24 to 64 bytes") as caught:
        sign(secret, "m", build.NOW, b"")
    assert not secret or secret == "whsec_" or secret not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("192.0.0.192", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("::127.0.0.1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:7f00:1:0:0:80ff:fffe", False),
        ("fec0::1", False),
        ("feff::1", False),
        ("3fff::1", False),
        ("3fff:fff::1", False),
        ("no address", False),
    ],
)
def test_only_addresses_of_the_open_internet_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example/x", "ftp://hooks.example", "https://", "https://user@hooks.example/", "https://[::1", "x",
     "https://hooks.example:0/", "https://hooks.example:99999/", "file:///etc/passwd"],
)  # fmt: skip
def test_an_address_that_no_webhook_may_have_is_refused(url: str) -> None:
    with pytest.raises(DeliveryRefused):
        check_url(url)


class Hook:
    """A receiver on loopback: what came, and what it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.url = ""

    async def receive(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, headers=self.headers)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    receiver = Hook()
    app = web.Application()
    app.router.add_post("/hook", receiver.receive)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("/hook"))
        yield receiver


async def post(hook: Hook, view: ReportView, **changes: Any) -> int:
    options: dict[str, Any] = {"now": build.NOW, "allow_private": True, "timeout": 5.0}
    return await post_webhook(hook.url, SECRET, "msg_1", report_event(view), **(options | changes))


async def test_a_webhook_arrives_signed_and_says_which_report_is_ready(hook: Hook, view: ReportView) -> None:
    assert await post(hook, view) == 204
    headers, body = hook.requests[0]
    assert verify(SECRET, headers, body, build.NOW)
    event = json.loads(body)
    assert event["type"] == "report.ready"
    assert event["data"]["report_id"] == "r_01KAZ3"
    assert event["data"]["verdict"] == "Compra"
    assert event["data"]["sandbox"] is True


@pytest.mark.parametrize("status", [400, 401, 404, 410, 301, 302, 307])
async def test_an_answer_that_will_not_change_is_final_and_redirects_are_not_followed(
    hook: Hook, view: ReportView, status: int
) -> None:
    hook.status, hook.headers = status, {"Location": hook.url}
    with pytest.raises(DeliveryRefused, match=str(status)):
        await post(hook, view)
    assert len(hook.requests) == 1


@pytest.mark.parametrize(("status", "wait"), [(500, None), (503, 30.0), (429, 30.0), (408, None)])
async def test_a_passing_failure_may_be_tried_again_when_it_says(
    hook: Hook, view: ReportView, status: int, wait: float | None
) -> None:
    hook.status, hook.headers = status, {"Retry-After": "30"} if wait else {}
    with pytest.raises(DeliveryFailed) as caught:
        await post(hook, view)
    assert caught.value.retry_after == wait


async def test_a_receiver_that_is_not_there_may_be_tried_again(view: ReportView) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    missing = Hook()
    missing.url = f"http://127.0.0.1:{port}/hook"
    with pytest.raises(DeliveryFailed):
        await post(missing, view)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "2130706433", "0x7f.1"])
async def test_a_private_address_is_refused_when_it_is_connected_to(view: ReportView, host: str) -> None:
    with pytest.raises((DeliveryRefused, DeliveryFailed)) as caught:
        await post_webhook(f"https://{host}:9/", SECRET, "m", report_event(view), now=build.NOW, timeout=5)
    if host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"):
        assert isinstance(caught.value, DeliveryRefused)
        assert "public internet" in str(caught.value)


async def test_nothing_is_sent_to_a_private_receiver(hook: Hook, view: ReportView) -> None:
    url = hook.url.replace("http://", "https://")
    with pytest.raises(DeliveryRefused, match="public internet"):
        await post_webhook(url, SECRET, "m", report_event(view), now=build.NOW, timeout=5)
    assert hook.requests == []


def test_a_mail_says_the_verdict_and_carries_the_files(view: ReportView) -> None:
    files = [export_view(view, "pdf"), export_view(view, "markdown")]
    message = message_from_bytes(mail(view, attachments=files).as_bytes(), policy=modern)
    assert message["Subject"] == "[SANDBOX — dados de teste] PETR4: relatório do ativo · Compra"
    assert message["Message-ID"] == "<r_01KAZ3@desk.example>"
    body = message.get_body(("plain",))
    assert body is not None
    assert "Veredito: Compra" in body.get_content()
    assert "não é recomendação de investimento" in body.get_content()
    attached = list(message.iter_attachments())
    assert [a.get_filename() for a in attached] == [f.name for f in files]
    assert attached[0].get_content() == files[0].body
    assert attached[1].get_content().replace("\r\n", "\n") == files[1].body.decode()


def test_a_hostile_title_gains_no_header() -> None:
    view = build_asset_view(build.asset_data()).model_copy(update={"title": "x\r\nBcc: all@evil.example\r\n\r\nbody"})
    message = mail(view)
    assert message["Bcc"] is None
    assert message["Subject"] == "x Bcc: all@evil.example body · Compra"


@pytest.mark.parametrize("address", ["", "no address", "a@b\r\nBcc: c@d", "a@b@c", "<>", "a" * 300 + "@b.example"])
def test_an_address_that_is_none_is_refused(view: ReportView, address: str) -> None:
    with pytest.raises(DeliveryRefused):
        mail(view, recipients=[address])


def test_a_mail_needs_some_recipients_but_not_a_crowd(view: ReportView) -> None:
    for recipients in ([], ["a@b.example"] * 51):
        with pytest.raises(DeliveryRefused, match="1 to 50"):
            mail(view, recipients=recipients)


async def test_a_mail_is_handed_over_encrypted_and_whole(view: ReportView, smtp: SmtpServer, inbox: Inbox) -> None:
    await send_email(mail(view, attachments=[export_view(view, "pdf")]), smtp)
    received = message_from_bytes(inbox.messages[0], policy=modern)
    assert received["To"] == "ana@fund.example"
    assert next(received.iter_attachments()).get_content().startswith(b"%PDF-")


@pytest.mark.parametrize(("answer", "error"), [("554 no", DeliveryRefused), ("451 later", DeliveryFailed)])
async def test_a_servers_no_is_final_and_its_later_is_not(
    view: ReportView, smtp: SmtpServer, inbox: Inbox, answer: str, error: type[Exception]
) -> None:
    inbox.answer = answer
    with pytest.raises(error):
        await send_email(mail(view), smtp)


async def test_a_wrong_password_is_refused_and_not_told(view: ReportView, smtp: SmtpServer) -> None:
    with pytest.raises(DeliveryRefused) as caught:
        await send_email(mail(view), replace(smtp, password="wrong-secret"))
    assert "wrong-secret" not in str(caught.value)
    assert "p@ss/word" not in repr(smtp)


async def test_a_server_with_a_strangers_certificate_gets_nothing(
    view: ReportView, smtp: SmtpServer, inbox: Inbox
) -> None:
    with pytest.raises(DeliveryFailed):
        await send_email(mail(view), replace(smtp, tls_context=None))
    assert inbox.messages == []


async def test_no_password_goes_over_an_open_line(view: ReportView, inbox: Inbox) -> None:
    async with listening(inbox) as port:
        open_line = SmtpServer("127.0.0.1", port, "offered", timeout=10)
        with pytest.raises(DeliveryRefused, match="no encryption"):
            await send_email(mail(view), replace(open_line, username="desk", password="x"))
        await send_email(mail(view), open_line)
    assert len(inbox.messages) == 1


async def test_a_mail_server_that_is_not_there_may_be_tried_again(view: ReportView) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DeliveryFailed):
        await send_email(mail(view), SmtpServer("127.0.0.1", port, "offered", timeout=5))


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://desk:p%40ss@mail.example:587", SmtpServer("mail.example", 587, "starttls", "desk", "p@ss")),
        ("smtp://mail.example", SmtpServer("mail.example", 587, "starttls")),
        ("smtp://127.0.0.1:2525", SmtpServer("127.0.0.1", 2525, "offered")),
        ("smtps://mail.example", SmtpServer("mail.example", 465, "tls")),
    ],
)
def test_a_mail_server_is_read_from_its_address(url: str, server: SmtpServer) -> None:
    assert smtp_server(url) == server


@pytest.mark.parametrize("url", ["", "http://mail.example", "smtp://", "smtp://desk:secret@:587", "smtp://h:99999"])
def test_a_malformed_mail_server_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(DeliveryRefused) as caught:
        smtp_server(url)
    assert "secret" not in str(caught.value)
