"""The client without ``await``: an event loop in a thread of its own, so it also works inside a notebook's loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from invest.http.client import Client, Job
from invest.http.frames import Rows
from invest.http.models import TaskStatus

T = TypeVar("T")


class BlockingJob:
    """A handle on one task; every verb waits for its answer."""

    def __init__(self, client: BlockingClient, job: Job[Any]) -> None:
        self._client = client
        self._job = job
        self.id = job.id

    def status(self) -> TaskStatus:
        """Everything known of it. Raises `NotFound`."""
        return self._client.run(self._job.status())

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the result. Raises `JobFailed`, `JobCancelled`, `ResultTimeout` after `timeout` s, or `NotFound`."""
        return self._client.run(self._job.result(timeout))

    def cancel(self) -> bool:
        """Stop it, or keep it from starting. False if it had finished."""
        return self._client.run(self._job.cancel())

    def __repr__(self) -> str:
        return f"<BlockingJob {self.id}>"


class BlockingClient:
    """`Client` without ``await``. Make one with `blocking`, or open and close it by hand in a notebook."""

    def __init__(self, url: str, *, key: str | None = None, timeout: float = 30) -> None:
        self._client = Client(url, key=key, timeout=timeout)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="invest-client", daemon=True)
        self._thread.start()
        self.run(self._client.__aenter__())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for one piece of asynchronous work of the client."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Close the connection and end the thread. A second call does nothing."""
        if self._loop.is_closed():
            return
        self.run(self._client.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def enqueue(self, what: str, *, delay: float | None = None, **arguments: Any) -> BlockingJob:
        """Queue a job by its name; see `Client.enqueue`."""
        return BlockingJob(self, self.run(self._client.enqueue(what, delay=delay, **arguments)))

    def job(self, job_id: str) -> BlockingJob:
        """A handle on a job by its id; nothing is asked."""
        return BlockingJob(self, self._client.job(job_id))

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Any operation under ``/api/v1``."""
        return self.run(self._client.ask(method, path, body, **query))

    def get(self, path: str, **query: Any) -> Any:
        """Any resource under ``/api/v1`` as plain JSON."""
        return self.run(self._client.get(path, **query))

    def rows(self, path: str, *, most: int | None = None, **query: Any) -> Rows:
        """The items of a listing, all or the first `most`, with ``to_pandas()`` and ``to_polars()``."""
        return self.run(self._client.rows(path, most=most, **query))

    def upload(self, path: str, content: bytes, *, media: str, **query: Any) -> Any:
        """Send a file as it is."""
        return self.run(self._client.upload(path, content, media=media, **query))

    def quotas(self, key_id: str = "me") -> Rows:
        """What a key uses of its quotas; see `Client.quotas`."""
        return self.run(self._client.quotas(key_id))

    def download(self, report_id: str, format: str = "pdf") -> bytes:  # noqa: A002 - the contract's name
        """A report as a file."""
        return self.run(self._client.download(report_id, format))


@contextmanager
def blocking(url: str, *, key: str | None = None, timeout: float = 30) -> Iterator[BlockingClient]:
    """A client without ``await``, closed at the end.

    >>> with blocking("http://127.0.0.1:8000") as invest:
    ...     prices = invest.rows("/assets/PETR4/prices").to_pandas()
    """
    client = BlockingClient(url, key=key, timeout=timeout)
    try:
        yield client
    finally:
        client.close()
