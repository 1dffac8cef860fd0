"""One request at a time: retries, the server's problems as the platform's errors."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import ssl
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from invest.errors import ConfigError, InvalidArguments, InvestError, NotFound, Unreachable
from invest.retry_after import retry_after

LONG_POLL = 20.0  # seconds of one waiting request
TRIES = 4  # of a request that may be repeated, on network errors, 429 and 503
MAX_PAUSE = 30.0  # seconds
UNIX = "unix:"  # a server on a socket of this machine: unix:/path/to/socket


class Refused(InvestError):
    """The server refused the request: no key, no scope, a conflict. `status` is HTTP's, `problem` the RFC 9457 body."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {problem.get('detail') or problem.get('title')}")
        self.status = status
        self.problem = dict(problem)


class Transport:
    """A session with one server."""

    def __init__(self, url: str, *, key: str | None = None, timeout: float = 30) -> None:
        if not url.startswith(("http://", "https://", UNIX)):
            raise ConfigError(f"{url!r}: expected the server's address, http://… or https://…")
        self.url = url.rstrip("/")
        self._base = "http://localhost" if url.startswith(UNIX) else self.url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout = aiohttp.ClientTimeout(total=timeout + LONG_POLL, sock_connect=10)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the session; no request is sent."""
        connector = aiohttp.UnixConnector(self.url.removeprefix(UNIX)) if self.url.startswith(UNIX) else None
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout, connector=connector)

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **options: Any) -> Any:
        """One plain request, as an async context manager of aiohttp's."""
        if self._session is None:
            raise ConfigError("open the client first: async with Client(…) as invest")
        return self._session.request(method, self._base + path, params=query or {}, **options)

    async def fetch(self, path: str, *, query: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body of a GET, tried once. Raises `Unreachable`."""
        try:
            async with self.request("GET", path, query=query) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"{self.url} does not answer: {reason_of(error)}") from None

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        media: str = "application/json",
        name: str = "",
    ) -> Any:
        """The JSON of an answer, None where it has no body.

        Repeated after network errors, 429 and 503 (a POST carries an Idempotency-Key, so it acts once). Raises
        `NotFound`, `InvalidArguments` naming each wrong field of the job `name`, `Refused` or `Unreachable`.
        """
        headers = {"Content-Type": media} if body else {}
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(16)
        failure: InvestError = Unreachable(f"{self.url} does not answer")
        for attempt in range(TRIES):
            pause = min(MAX_PAUSE, 0.2 * 2.0**attempt)
            try:
                async with self.request(method, path, query=query, data=body or None, headers=headers) as response:
                    content = await response.read()
                    if response.status < 400:
                        return orjson.loads(content) if content else None
                    failure = problem_of(response.status, content, name)
                    if response.status not in (409, 429, 503) or (response.status == 409 and method != "POST"):
                        raise failure
                    asked = retry_after(response.headers.get("Retry-After"))
                    pause = pause if asked is None else min(MAX_PAUSE, asked)
            except (aiohttp.ClientError, TimeoutError) as error:
                failure = Unreachable(f"{self.url} does not answer: {reason_of(error)}")
            if attempt < TRIES - 1:
                await asyncio.sleep(pause)
        raise failure


def reason_of(error: aiohttp.ClientError | TimeoutError) -> str:
    """Why a server was not reached, in the system's words rather than asyncio's around them."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
    if cause is None:
        return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({(cause.reason or str(cause)).replace('_', ' ').lower()}); is it http:// ?"
    if isinstance(cause, socket.gaierror) or not cause.errno:
        return (cause.strerror or str(cause)).lower()
    return os.strerror(cause.errno).lower()


def problem_of(status: int, body: bytes, name: str = "") -> InvestError:
    """The platform's error for a refused request; `name` is the job whose arguments a 422 speaks of."""
    try:
        problem = orjson.loads(body)
    except orjson.JSONDecodeError:
        problem = {"detail": body[:200].decode("utf-8", "replace")}
    detail = str(problem.get("detail") or problem.get("title") or status)
    if status == 404:
        return NotFound(detail)
    if status == 503:
        return Unreachable(detail)
    if status == 422 and name and problem.get("errors"):
        errors = [{"loc": tuple(e["field"].split(".")), "msg": e["message"]} for e in problem["errors"]]
        return InvalidArguments(name, errors)
    return Refused(status, problem)
