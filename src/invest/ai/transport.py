"""The one layer of retries between an analyst and a vendor: caps, back-off, Retry-After, one deadline above all."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from invest.ai.errors import CallFailed
from invest.ai.wires import Question, Reply, Wire, parse
from invest.domain.opinions import OpinionStatus

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
    """Where one provider is and how to speak to it."""

    wire: Wire
    base_url: str
    model: str
    key: str
    stream: bool = False


async def exchange(
    session: aiohttp.ClientSession,
    endpoint: Endpoint,
    question: Question,
    *,
    retries: int,
    deadline: float,
    on_limit: Callable[[float], None] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Reply:
    """Ask once, and again where that may help: 408, 425, 429, 5xx, cut or unreadable answers, network errors.

    `deadline` on the loop's clock: a wait that would end beyond it is not begun. `on_limit` hears how long a vendor
    wants everyone to wait. Raises `CallFailed`.
    """
    for attempt in range(retries + 1):
        try:
            return await _once(session, endpoint, question)
        except CallFailed as error:
            if error.http_status == 429 and error.retry_after and on_limit:
                on_limit(error.retry_after)
            if not error.retryable or attempt == retries:
                raise
            await _wait(error, attempt, deadline, sleep)
    raise AssertionError("the loop above returns or raises")


async def _wait(error: CallFailed, attempt: int, deadline: float, sleep: Callable[[float], Awaitable[None]]) -> None:
    ceiling = BACKOFF * 2**attempt
    pause = random.uniform(0, ceiling)  # noqa: S311 - jitter, no secret
    if error.retry_after is not None:
        pause = error.retry_after + pause * 0.1
    left = deadline - asyncio.get_running_loop().time()
    if pause + NO_HURRY > left:
        error.reason = f"{error.reason} (asks to wait {pause:.0f} s; {max(left, 0):.0f} s were left)"
        raise error
    await sleep(pause)


async def _once(session: aiohttp.ClientSession, endpoint: Endpoint, question: Question) -> Reply:
    request = endpoint.wire.request(question, endpoint.model, stream=endpoint.stream)
    url = endpoint.base_url.rstrip("/") + request.path
    headers = endpoint.wire.headers(endpoint.key)
    try:
        async with session.post(url, json=request.body, headers=headers, allow_redirects=False) as response:
            payload = await _read_capped(response)
            return parse(endpoint.wire, response.status, response.headers, payload)
    except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
        raise _unreachable(error) from None
    except ValueError as error:  # an address that is none, a header with a line break in it
        raise CallFailed(OpinionStatus.UNAVAILABLE, f"cannot be asked: {type(error).__name__}") from None


async def _read_capped(response: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MAX_BYTES:
            raise CallFailed(OpinionStatus.INVALID, f"answer of more than {MAX_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _unreachable(error: Exception) -> CallFailed:
    if isinstance(error, aiohttp.ClientPayloadError):
        what = "the answer was cut off"
    elif isinstance(error, aiohttp.ClientConnectorError):
        what = f"cannot connect ({error.os_error.strerror or type(error.os_error).__name__})"
    elif isinstance(error, aiohttp.InvalidURL):
        return CallFailed(OpinionStatus.UNAVAILABLE, "base_url is no address: see ai.providers in settings.toml")
    else:
        what = f"connection lost ({type(error).__name__})"
    return CallFailed(OpinionStatus.UNAVAILABLE, what, retryable=True)


def clock() -> float:
    """Monotonic seconds, for measuring."""
    return time.perf_counter()
