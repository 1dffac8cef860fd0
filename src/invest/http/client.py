"""An open connection to a server, and handles on its tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar, overload

import aiohttp
import orjson

from invest.errors import ErrorInfo, JobCancelled, JobFailed, ResultTimeout
from invest.http.events import Event, parse_events
from invest.http.frames import Rows
from invest.http.models import TaskStatus
from invest.http.portfolios import PortfolioHandle, Portfolios
from invest.http.transport import LONG_POLL, Refused, Transport, problem_of

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
API = "/api/v1"


class TypedCall(Protocol[R_co]):
    """A job called with arguments, as `invest.engine.Call` is; described here so that no engine is loaded."""

    @property
    def name(self) -> str:
        """The job's name."""

    @property
    def payload(self) -> bytes:
        """Its arguments as JSON."""

    def read(self, value: Any) -> R_co:
        """The job's result from plain data."""


class Job(Generic[R_co]):
    """A handle on one task; making one asks nothing."""

    def __init__(self, client: Client, job_id: str, read: Callable[[Any], R_co] | None = None) -> None:
        self._client = client
        self._read = read
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
                result: R_co = value if self._read is None else self._read(value)
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
    """An open connection to a server: ``http(s)://…``, or ``unix:/path`` for a socket of this machine."""

    def __init__(self, url: str, *, key: str | None = None, timeout: float = 30) -> None:
        self._transport = Transport(url, key=key, timeout=timeout)

    @property
    def url(self) -> str:
        """The server's address."""
        return self._transport.url

    async def __aenter__(self) -> Self:
        await self._transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()

    @overload
    async def enqueue(self, what: str, *, delay: float | None = None, **arguments: Any) -> Job[Any]: ...
    @overload
    async def enqueue(self, what: TypedCall[R], *, delay: float | None = None) -> Job[R]: ...
    async def enqueue(self, what: TypedCall[Any] | str, *, delay: float | None = None, **arguments: Any) -> Job[Any]:
        """Queue a typed call, or a job by its name. Repeated safely on network errors: it runs once.

        Raises `InvalidArguments` naming each wrong field, `NotFound` for an unknown job, `Refused` or `Unreachable`.
        """
        name = what if isinstance(what, str) else what.name
        body = orjson.dumps(arguments) if isinstance(what, str) else what.payload
        query = {} if delay is None else {"delay": str(delay)}
        answer = await self._transport.ask("POST", f"{API}/jobs/{name}", query=query, body=body, name=name)
        return Job(self, answer["task_id"], None if isinstance(what, str) else what.read)

    def job(self, job_id: str) -> Job[Any]:
        """A handle on a job by its id; nothing is asked."""
        return Job(self, job_id)

    async def status(self, job_id: str, *, wait: float = 0) -> TaskStatus:
        """Where a task is, at once or when it is finished, after at most `wait` seconds. Raises `NotFound`."""
        query = {"wait": f"{wait:.3f}"} if wait > 0 else {}
        return TaskStatus.model_validate(await self._transport.ask("GET", f"{API}/tasks/{job_id}/status", query=query))

    async def cancel(self, job_id: str) -> bool:
        """Cancel a task. False if it had finished; raises `NotFound`."""
        try:
            await self._transport.ask("DELETE", f"{API}/tasks/{job_id}")
        except Refused as error:
            if error.status == 409:
                return False
            raise
        return True

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Any operation under ``/api/v1``: ``await client.ask("POST", "/portfolios", {"name": "Aposentadoria"})``.

        `body` is sent as JSON; query values that are None are left out. Gives the answer's JSON, None for 204.
        """
        content = b"" if body is None else orjson.dumps(body, default=str)
        return await self._transport.ask(method, API + path, query=_query(query), body=content)

    async def get(self, path: str, **query: Any) -> Any:
        """Any resource under ``/api/v1`` as plain JSON: ``await client.get("/assets/PETR4/analysis")``."""
        return await self.ask("GET", path, **query)

    async def outside(self, path: str) -> Any:
        """Plain JSON of what is not under ``/api/v1``: ``/healthz``, ``/readyz`` (its 503 too)."""
        status, body = await self._transport.fetch(path)
        if status not in (200, 503):
            raise problem_of(status, body)
        return orjson.loads(body)

    async def pages(self, path: str, **query: Any) -> AsyncIterator[Any]:
        """The items of a listing, page after page."""
        while True:
            page = await self.get(path, **query)
            for item in page["items"]:
                yield item
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    async def rows(self, path: str, *, most: int | None = None, **query: Any) -> Rows:
        """The items of a listing, page after page, as rows with ``to_pandas()``, ``to_polars()``.

        All of them, or the first `most`; `limit` in the query is the length of one page.
        """
        first = await self.get(path, **query)
        if isinstance(first, list):  # of a server of an earlier release
            return Rows(first[:most])
        rows, cursor = Rows(first["items"]), first["next_cursor"]
        while cursor is not None and (most is None or len(rows) < most):
            page = await self.get(path, **{**query, "cursor": cursor})
            rows.extend(page["items"])
            cursor = page["next_cursor"]
        return Rows(rows[:most])

    async def upload(self, path: str, content: bytes, *, media: str, **query: Any) -> Any:
        """Send a file as it is, such as a broker's statement: ``/portfolios/{id}/import``, ``text/csv``."""
        return await self._transport.ask("POST", API + path, query=_query(query), body=content, media=media)

    @property
    def portfolios(self) -> Portfolios:
        """The portfolios of the key: listed, made; and your own names of columns."""
        return Portfolios(self)

    def portfolio(self, portfolio_id: str) -> PortfolioHandle:
        """A handle on a portfolio by its id; nothing is asked."""
        return PortfolioHandle(self, portfolio_id)

    async def quotas(self, key_id: str = "me") -> Rows:
        """What a key uses of its quotas and their limits (0: none): your own, or as an admin that of `key_id`."""
        return await self.rows(f"/keys/{key_id}/quotas")

    async def download(self, report_id: str, format: str = "pdf") -> bytes:  # noqa: A002 - the contract's name
        """A report as a file. Raises `NotFound`."""
        return await self.read(f"/reports/{report_id}/download", format=format)

    async def read(self, path: str, **query: Any) -> bytes:
        """The body of any GET under ``/api/v1`` as it is."""
        status, body = await self._transport.fetch(API + path, query=_query(query))
        if status != 200:
            raise problem_of(status, body)
        return body

    async def events(self, job_id: str | None = None, *, after: str | None = None) -> AsyncIterator[Event]:
        """A task's events until it is finished, or all events without end; a lost connection is resumed."""
        path = f"{API}/tasks/{job_id}/events" if job_id else f"{API}/events"
        last = after
        while True:
            headers = {"Last-Event-ID": last} if last else {}
            forever = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=40)
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self._transport.request("GET", path, headers=headers, timeout=forever) as response:
                    if response.status == 204:
                        return
                    if response.status != 200:
                        raise problem_of(response.status, await response.read())
                    async for event in parse_events(response):
                        last = event.id or last
                        yield event
                        if job_id and event.kind in ("succeeded", "failed", "cancelled"):
                            return
            await asyncio.sleep(1)


def _query(values: Mapping[str, Any]) -> dict[str, str]:
    """Query values as the API reads them: without None, true and false in lower case."""
    found = {name: value for name, value in values.items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in found.items()}
