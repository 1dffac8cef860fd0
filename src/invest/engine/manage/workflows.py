"""Looking at workflows as wholes, and running again what failed in one."""

from __future__ import annotations

from collections.abc import Sequence

from invest.engine.client import Client
from invest.engine.redis import Frozen, JobStatus, id_text, keys, new_request, read_statuses, transitions
from invest.errors import InvestError, NotFound


class NotRetryable(InvestError):
    """The workflow succeeded, a part of it still runs, or it was run again in another way."""


REFUSED = {
    "running": "a part of it has not ended",
    "succeeded": "it succeeded",
    "replayed": "it was replayed as a new job",
    "discarded": "it was discarded",
    "busy": "what follows from its end is not done yet",
}


BUSY_TRIES = 100


class WorkflowView(Frozen):
    """A workflow: itself, and its steps in the order they were laid down."""

    workflow: JobStatus
    steps: list[JobStatus]
    more: bool = False  # whether steps come after the page of them


class Workflows:
    """All workflows, those started by a caller and those a job handed over to."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def page(self, limit: int = 50, offset: int = 0) -> list[JobStatus]:
        """The newest ones."""
        raw = await self._client.redis.zrevrange(keys.WORKFLOWS, offset, offset + max(1, limit) - 1)
        return await self.read([id_text(i) for i in raw])

    async def newest(self, count: int) -> list[tuple[str, float]]:
        """(id, when it was enqueued) of the newest ones."""
        rows = await self._client.redis.zrevrange(keys.WORKFLOWS, 0, count - 1, withscores=True)
        return [(id_text(raw), score) for raw, score in rows]

    async def read(self, ids: Sequence[str]) -> list[JobStatus]:
        """Those of these ids, without the ones whose records have expired."""
        found = await read_statuses(self._client.redis, list(ids)) if ids else []
        return [await self._client.with_nodes(s) for s in found if s is not None]

    async def count(self) -> int:
        """How many there are."""
        return int(await self._client.redis.zcard(keys.WORKFLOWS))

    async def show(self, workflow_id: str, *, limit: int = 500, offset: int = 0) -> WorkflowView:
        """One with a page of its steps. Raises `NotFound` for an id that is no workflow."""
        status = await self._client.status(workflow_id)
        sub = await self._client.redis.hget(keys.JOB + workflow_id, "sub")  # type: ignore[misc] # redis-py: Awaitable
        if sub is None:
            raise NotFound(f"{workflow_id!r} is no workflow")
        key = keys.WORKFLOW + id_text(sub) + keys.WORKFLOW_NODES
        raw = await self._client.redis.lrange(key, offset, offset + max(1, limit))  # type: ignore[misc] # the same
        ids = [id_text(i) for i in raw[: max(1, limit)]]
        steps = await read_statuses(self._client.redis, ids, results=True)
        return WorkflowView(
            workflow=status, steps=[s for s in steps if s is not None and s.name != "?"], more=len(raw) > len(ids)
        )

    async def retry(self, workflow_id: str) -> None:
        """Run again the steps that did not succeed; those that did keep their results.

        Raises `NotFound` or `NotRetryable`.
        """
        request, reply = new_request(), "busy"
        for _ in range(BUSY_TRIES):
            reply = await self._client.ask(transitions.retry(workflow_id, request))
            if reply != "busy":
                break
            await self._client.proceed()
        if reply == "unknown":
            raise NotFound(f"{workflow_id!r} is no workflow, or its steps have expired")
        if reply.startswith("held "):
            raise NotRetryable(f"workflow {workflow_id} cannot be retried: job {reply[5:]} has its unique key now")
        if reply != "ok":
            raise NotRetryable(f"workflow {workflow_id} cannot be retried: {REFUSED[reply]}")
        await self._client.proceed()
