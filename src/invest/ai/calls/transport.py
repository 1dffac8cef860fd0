"""One request to a vendor: address, proxy, size limit, and how long to wait before the next try."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from invest.ai.calls.addresses import proxy_for, target
from invest.ai.errors import CallFailed
from invest.ai.wires import Reply, Request, Wire, parse
from invest.domain.opinions import OpinionStatus

SHORTEST_SECRET = 4
MAX_BYTES = 4_000_000
CONNECT_TIMEOUT = 10.0
BACKOFF = 0.5
NO_HURRY = 0.05  # seconds that must be left after a wait for another try to make sense


def open_session(connections: int) -> aiohttp.ClientSession:
    """A session without a timeout of its own (the deadline is the caller's), cookies or redirects."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, ttl_dns_cache=300),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "invest"},
    )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one provider is and how to speak to it. `extra_headers` and `extra_body` are the user's own."""

    wire: Wire
    base_url: str
    model: str
    key: str
    stream: bool = False
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that no message may show: the key and the values of the user's headers."""
        return tuple(value for value in (self.key, *self.extra_headers.values()) if len(value) >= SHORTEST_SECRET)


async def send(session: aiohttp.ClientSession, endpoint: Endpoint, request: Request) -> Reply:
    """One request and its reply. Raises `CallFailed`."""
    try:
        url = target(endpoint.base_url, request.path)
        headers = {**endpoint.wire.headers(endpoint.key), **endpoint.extra_headers}
        async with session.post(
            URL(url, encoded=True), json=request.body, headers=headers, allow_redirects=False, proxy=proxy_for(url)
        ) as response:
            payload = await _read_capped(response)
            return parse(endpoint.wire, response.status, response.headers, payload, endpoint.secrets)
    except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
        raise _unreachable(error) from None
    except ValueError as error:  # an address that is none, a header with a line break in it
        reason = f"cannot be asked: {type(error).__name__}"
        raise CallFailed(OpinionStatus.UNAVAILABLE, reason, code="bad_address") from None


async def pause(error: CallFailed, attempt: int, deadline: float, sleep: Callable[[float], Awaitable[None]]) -> None:
    """Wait before the next try: as long as the vendor asks, else a random while. Raises `error` beyond the deadline."""
    ceiling = BACKOFF * 2**attempt
    wait = random.uniform(0, ceiling)  # noqa: S311 - jitter, no secret
    if error.retry_after is not None:
        wait = error.retry_after + wait * 0.1
    left = deadline - asyncio.get_running_loop().time()
    if wait + NO_HURRY > left:
        error.reason = f"{error.reason} (asks to wait {wait:.0f} s; {max(left, 0):.0f} s were left)"
        error.values["seconds"] = f"{wait:.0f}"
        raise error
    await sleep(wait)


async def _read_capped(response: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_BYTES:
            raise CallFailed(OpinionStatus.INVALID, f"answer of more than {MAX_BYTES} bytes", code="invalid")
        chunks.append(chunk)
    return b"".join(chunks)


def _unreachable(error: Exception) -> CallFailed:
    """What a network error means. Once the question may have been sent, the vendor may have answered and bill it."""
    if isinstance(error, aiohttp.InvalidURL):
        reason = "base_url is no address: see ai.providers in settings.toml"
        return CallFailed(OpinionStatus.UNAVAILABLE, reason, code="bad_address")
    if isinstance(error, aiohttp.ClientConnectorError):
        what = f"cannot connect ({error.os_error.strerror or type(error.os_error).__name__})"
    elif isinstance(error, aiohttp.ClientPayloadError):
        what = "the answer was cut off"
    else:
        what = f"connection lost ({type(error).__name__})"
    return CallFailed(
        OpinionStatus.UNAVAILABLE,
        what,
        code="unreachable",
        values={"detail": what},
        retryable=True,
        billed=not isinstance(error, aiohttp.ClientConnectorError),
    )


def clock() -> float:
    """Monotonic seconds, for measuring."""
    return time.perf_counter()
