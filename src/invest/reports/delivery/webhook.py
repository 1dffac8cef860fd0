"""Webhooks by the Standard Webhooks specification (standardwebhooks.com): signing, verifying, sending.

Addresses are checked when a socket is made for them, after every resolution and for literals too, so that neither a
name with two answers nor `http://[::ffff:127.0.0.1]` reaches a private network. Redirects are never followed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from invest.domain.addresses import is_public
from invest.errors import InvestError
from invest.reports.views import ReportView
from invest.retry_after import retry_after

TOLERANCE: Final = timedelta(minutes=5)
_PREFIX: Final = "whsec_"
_RETRY_STATUS: Final = frozenset({408, 409, 425, 429})


class DeliveryFailed(InvestError):
    """A channel did not take the report now; trying again may help. `retry_after`: seconds that it asked for."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DeliveryRefused(InvestError):
    """A channel will not take the report however often it is tried."""


class _PrivateAddress(OSError):
    """An address that a webhook must not reach; an OSError, so that the connector tries the next one."""


def signing_key(secret: str) -> bytes:
    """The key in a secret written `whsec_<base64>`, of 24 to 64 bytes. Raises `DeliveryRefused` for any other."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not 24 <= len(key) <= 64:
        raise DeliveryRefused("the webhook secret must be whsec_ and 24 to 64 bytes in base64")
    return key


def sign(secret: str, message_id: str, timestamp: datetime, body: bytes) -> dict[str, str]:
    """The three headers of a message: HMAC-SHA256 over `id.timestamp.body`."""
    seconds = str(int(timestamp.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{_mac(signing_key(secret), message_id, seconds, body)}",
    }


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether a received message is ours and fresh: constant-time, within five minutes, any of several signatures."""
    lowered = {name.lower(): value for name, value in headers.items()}
    message_id, seconds = lowered.get("webhook-id", ""), lowered.get("webhook-timestamp", "")
    if not message_id or not seconds.isascii() or not seconds.isdigit() or len(seconds) > 12:
        return False
    if abs(now.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        return False
    expected = f"v1,{_mac(signing_key(secret), message_id, seconds, body)}".encode()
    given = lowered.get("webhook-signature", "").split(" ")
    return any([hmac.compare_digest(expected, candidate.encode()) for candidate in given])  # noqa: C419 - no early exit


def _mac(key: bytes, message_id: str, seconds: str, body: bytes) -> str:
    signed = f"{message_id}.{seconds}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def report_event(view: ReportView, *, url: str | None = None) -> dict[str, Any]:
    """The event sent to a subscriber when a report is finished; `url` is where it may be read."""
    return {
        "type": "report.ready",
        "timestamp": view.generated_at.isoformat(),
        "data": {
            "report_id": view.report_id,
            "report_type": view.report_type,
            "title": view.title,
            "language": view.language,
            "verdict": view.strip.verdict if view.strip else None,
            "summary": view.strip.sentence.text if view.strip else None,
            "sandbox": view.sandbox,
            "disclaimer": view.disclaimer,
            "url": url,
        },
    }


def check_url(url: str, *, allow_private: bool = False) -> None:
    """Refuse what no webhook may be: other schemes than https, user names in the address. Raises `DeliveryRefused`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise DeliveryRefused(f"the webhook address is malformed: {error}") from error
    if parts.scheme != "https" and not (allow_private and parts.scheme == "http"):
        raise DeliveryRefused("the webhook address must begin with https://")
    if not host or port == 0 or "@" in parts.netloc:
        raise DeliveryRefused("the webhook address must name a host and no user")


async def post_webhook(
    url: str,
    secret: str,
    message_id: str,
    event: Mapping[str, Any],
    *,
    now: datetime,
    timeout: float = 20,
    allow_private: bool = False,
) -> int:
    """Send `event`, signed; the status it was taken with. The same `message_id` on every try tells copies apart.

    Raises `DeliveryRefused` for an address or an answer that no retry will change, else `DeliveryFailed`.
    """
    check_url(url, allow_private=allow_private)
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    headers = sign(secret, message_id, now, body) | {"content-type": "application/json", "user-agent": "invest/0.1"}
    connector = aiohttp.TCPConnector(
        limit=1, use_dns_cache=False, socket_factory=_any_socket if allow_private else _public_socket
    )
    limit = aiohttp.ClientTimeout(total=timeout)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=limit, trust_env=False) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            return _outcome(response.status, response.headers.get("Retry-After"))
    except aiohttp.InvalidURL as error:
        raise DeliveryRefused("the webhook address is malformed") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        if _is_private(error):
            raise DeliveryRefused("the webhook address is not on the public internet") from error
        raise DeliveryFailed(f"the webhook did not answer: {type(error).__name__}") from error


def _outcome(status: int, asked: str | None) -> int:
    if 200 <= status < 300:
        return status
    if status >= 500 or status in _RETRY_STATUS:
        raise DeliveryFailed(f"the webhook answered {status}", retry_after(asked))
    raise DeliveryRefused(f"the webhook answered {status}")


def _public_socket(info: tuple[Any, ...]) -> socket.socket:
    """A socket for the address about to be connected to, if it may be."""
    address = str(info[4][0])
    if not is_public(address):
        raise _PrivateAddress(f"{address} is not public")
    return _any_socket(info)


def _any_socket(info: tuple[Any, ...]) -> socket.socket:
    return socket.socket(info[0], info[1], info[2])


def _is_private(error: BaseException) -> bool:
    """Whether a refused address is behind `error`, however it was wrapped."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, _PrivateAddress):
            return True
        pending += [current.__cause__, current.__context__, getattr(current, "os_error", None)]
        if isinstance(current, BaseExceptionGroup):
            pending += list(current.exceptions)
    return False
