"""The platform's verbs over HTTP, for programs elsewhere: ``from invest.http import Client``.

>>> async with Client("https://invest.example", key="inv_…") as invest:
...     job = await invest.enqueue("analyze_asset_async", ticker="PETR4")
...     analysis = await job.result(timeout=60)
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload

import aiohttp
import orjson
from pydantic import TypeAdapter

from invest.api.routes.models import TaskStatus
from invest.engine import Call, ErrorInfo, InvalidArguments, JobCancelled, JobFailed, ResultTimeout
from invest.errors import ConfigError, InvestError, NotFound, Unreachable

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
API = "/api/v1"
LONG_POLL = 20.0  # seconds of one waiting request
TRIES = 4  # of a request that may be repeated, on network errors, 429 and 503
MAX_PAUSE = 30.0  # seconds


class Refused(InvestError):
    """The server refused the request: no key, no scope, a conflict. `status` is HTTP's, `problem` what it said."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status}: {problem.get('detail') or problem.get('title')}")
        self.status = status
        self.problem = dict(problem)


@dataclass(frozen=True)
class Event:
    """One event of a stream."""

    id: str
    kind: str
    data: dict[str, Any]


class Job(Generic[R_co]):
    """A handle on one task; making one asks nothing."""

    def __init__(self, client: Client, job_id: str, adapter: TypeAdapter[Any] | None = None) -> None:
        self._client = client
        self._adapter = adapter
        self.id = job_id

    async def status(self) -> TaskStatus:
        """Everything known of it. Raises `NotFound`."""
        return await self._client.status(self.id)

    async def cancel(self) -> bool:
        """Stop it, or keep it from starting. False if it had finished; raises `NotFound`."""
        return await self._client.cancel(self.id)

    async def result(self, timeout: float | None = None) -> R_co:
        """Wait for the result. Raises `JobFailed`, `JobCancelled`, `ResultTimeout` after `timeout` s, or `NotFound`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = LONG_POLL if deadline is None else min(LONG_POLL, max(0.0, deadline - time.monotonic()))
            status = await self._client.status(self.id, wait=left)
            if status.ready:
                value = _value(status)
                result: R_co = value if self._adapter is None else self._adapter.validate_python(value)
                return result
            if deadline is not None and time.monotonic() >= deadline:
                raise ResultTimeout(f"job {self.id} did not finish within {timeout:g} s")

    def events(self) -> AsyncIterator[Event]:
        """Its events as they happen, until it is finished."""
        return self._client.events(self.id)

    def __repr__(self) -> str:
        return f"<Job {self.id}>"


def _value(status: TaskStatus) -> Any:
    if status.successful:
        return status.result
    if status.failed:
        error = ErrorInfo(type=status.error_type or "Error", message=status.error or "")
        raise JobFailed(error, job_id=status.task_id, attempts=status.attempt)
    raise JobCancelled(status.task_id, status.error or "cancelled")


class Client:
    """An open connection to a server."""

    def __init__(self, url: str, *, key: str | None = None, timeout: float = 30) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"{url!r}: expected the server's address, http://… or https://…")
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._timeout = aiohttp.ClientTimeout(total=timeout + LONG_POLL, sock_connect=10)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    @overload
    async def enqueue(self, what: Call[R], *, delay: float | None = None) -> Job[R]: ...
    @overload
    async def enqueue(self, what: str, *, delay: float | None = None, **arguments: Any) -> Job[Any]: ...
    async def enqueue(self, what: Call[Any] | str, *, delay: float | None = None, **arguments: Any) -> Job[Any]:
        """Queue a typed call, or a job by its name. Repeated safely on network errors: it runs once.

        Raises `InvalidArguments` naming each wrong field, `NotFound` for an unknown job, `Refused` or `Unreachable`.
        """
        name = what if isinstance(what, str) else what.name
        body = orjson.dumps(arguments) if isinstance(what, str) else what.payload
        adapter = None if isinstance(what, str) else what.job.signature.result
        query = {} if delay is None else {"delay": str(delay)}
        answer = await self._ask("POST", f"{API}/jobs/{name}", query=query, body=body, name=name)
        return Job(self, answer["task_id"], adapter)

    def job(self, job_id: str) -> Job[Any]:
        """A handle on a job by its id; nothing is asked."""
        return Job(self, job_id)

    async def status(self, job_id: str, *, wait: float = 0) -> TaskStatus:
        """Where a task is, at once or when it is finished, after at most `wait` seconds. Raises `NotFound`."""
        query = {"wait": f"{wait:.3f}"} if wait > 0 else {}
        return TaskStatus.model_validate(await self._ask("GET", f"{API}/tasks/{job_id}/status", query=query))

    async def cancel(self, job_id: str) -> bool:
        """Cancel a task. False if it had finished; raises `NotFound`."""
        try:
            await self._ask("DELETE", f"{API}/tasks/{job_id}")
        except Refused as error:
            if error.status == 409:
                return False
            raise
        return True

    async def get(self, path: str, **query: Any) -> Any:
        """Any resource under ``/api/v1`` as plain JSON: ``await client.get("/assets/PETR4/analysis")``."""
        return await self._ask("GET", API + path, query={k: str(v) for k, v in query.items() if v is not None})

    async def pages(self, path: str, **query: Any) -> AsyncIterator[Any]:
        """The items of a listing, page after page."""
        while True:
            page = await self.get(path, **query)
            for item in page["items"]:
                yield item
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    async def download(self, report_id: str, format: str = "pdf") -> bytes:  # noqa: A002 - the contract's name
        """A report as a file. Raises `NotFound`."""
        path = f"{API}/reports/{report_id}/download"
        async with self._open("GET", path, query={"format": format}) as response:
            body: bytes = await response.read()
            if response.status != 200:
                raise _error(response.status, body, "")
            return body

    async def events(self, job_id: str | None = None, *, after: str | None = None) -> AsyncIterator[Event]:
        """A task's events until it is finished, or all events for ever; a lost connection is resumed."""
        path = f"{API}/tasks/{job_id}/events" if job_id else f"{API}/events"
        last = after
        while True:
            headers = {"Last-Event-ID": last} if last else {}
            forever = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=40)
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self._open("GET", path, headers=headers, timeout=forever) as response:
                    if response.status == 204:
                        return
                    if response.status != 200:
                        raise _error(response.status, await response.read(), "")
                    async for event in _parse(response):
                        last = event.id or last
                        yield event
                        if job_id and event.kind in ("succeeded", "failed", "cancelled"):
                            return
            await asyncio.sleep(1)

    def _open(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **options: Any) -> Any:
        if self._session is None:
            raise ConfigError("open the client first: async with Client(…) as invest")
        return self._session.request(method, self.url + path, params=query or {}, **options)

    async def _ask(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: bytes = b"", name: str = ""
    ) -> Any:
        headers = {"Content-Type": "application/json"} if body else {}
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(16)
        failure: InvestError = Unreachable(f"{self.url} does not answer")
        for attempt in range(TRIES):
            pause = min(MAX_PAUSE, 0.2 * 2.0**attempt)
            try:
                async with self._open(method, path, query=query, data=body or None, headers=headers) as response:
                    content = await response.read()
                    if response.status < 400:
                        return orjson.loads(content) if content else None
                    failure = _error(response.status, content, name)
                    if response.status not in (409, 429, 503) or (response.status == 409 and method != "POST"):
                        raise failure
                    with suppress(ValueError):
                        pause = min(MAX_PAUSE, float(response.headers.get("Retry-After", pause)))
            except (aiohttp.ClientError, TimeoutError) as error:
                failure = Unreachable(f"{self.url} does not answer: {error or type(error).__name__}")
            if attempt < TRIES - 1:
                await asyncio.sleep(pause)
        raise failure


async def _parse(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\r\n")
        if not line:
            if "data" in fields:
                yield Event(fields.get("id", ""), fields.get("event", "message"), orjson.loads(fields["data"]))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


def _error(status: int, body: bytes, name: str) -> InvestError:
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
