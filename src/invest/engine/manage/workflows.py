"""Looking at workflows as wholes, and running again what failed in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invest.engine.redis import Frozen, JobStatus, id_bytes, id_text, keys, read_statuses, script
from invest.errors import InvestError, NotFound

if TYPE_CHECKING:
    from invest.engine.client import Invest


class NotRetryable(InvestError):
    """The workflow succeeded, or a part of it still runs."""


class WorkflowView(Frozen):
    """A workflow: itself, and its steps in the order they were laid down."""

    workflow: JobStatus
    steps: list[JobStatus]


class Workflows:
    """All workflows, those started by a caller and those a job handed over to."""

    def __init__(self, invest: Invest) -> None:
        self._invest = invest

    async def page(self, limit: int = 50, offset: int = 0) -> list[JobStatus]:
        """The newest ones."""
        raw = await self._invest.redis.zrevrange(keys.WORKFLOWS, offset, offset + max(1, limit) - 1)
        found = await read_statuses(self._invest.redis, [id_text(i) for i in raw])
        return [await self._invest.with_nodes(s) for s in found if s is not None]

    async def show(self, workflow_id: str, *, limit: int = 500, offset: int = 0) -> WorkflowView:
        """One with a page of its steps. Raises `NotFound` for an id that is no workflow."""
        status = await self._invest.status(workflow_id)
        sub = await self._invest.redis.hget(keys.JOB + workflow_id, "sub")  # type: ignore[misc] # redis-py: Awaitable
        if sub is None:
            raise NotFound(f"{workflow_id!r} is no workflow")
        key = keys.WORKFLOW + id_text(sub) + keys.WORKFLOW_NODES
        ids = await self._invest.redis.lrange(key, offset, offset + max(1, limit) - 1)  # type: ignore[misc] # the same
        steps = await read_statuses(self._invest.redis, [id_text(i) for i in ids], results=True)
        return WorkflowView(workflow=status, steps=[s for s in steps if s is not None and s.name != "?"])

    async def retry(self, workflow_id: str) -> None:
        """Run again the steps that did not succeed; those that did keep their results.

        Raises `NotFound` or `NotRetryable`.
        """
        reply = await script("retry")(self._invest.redis, id_bytes(workflow_id))
        if reply == b"unknown":
            raise NotFound(f"{workflow_id!r} is no workflow, or its steps have expired")
        if reply != b"ok":
            raise NotRetryable(f"workflow {workflow_id} cannot be retried: it is {reply.decode()}")
