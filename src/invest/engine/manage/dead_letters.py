"""Dead letters: jobs that failed for good. Look at them, run them again (edited if need be), or let them go."""

from __future__ import annotations

from typing import Any

from invest.engine.client import Client, Job
from invest.engine.declare import registry
from invest.engine.manage.inspection import Inspector, Page
from invest.engine.redis import (
    Frozen,
    JobState,
    JobStatus,
    fields,
    id_bytes,
    id_text,
    job_head,
    keys,
    new_id,
    read_statuses,
    transitions,
)
from invest.errors import InvestError, NotFound

PAGE = 200


class PartOfWorkflow(InvestError):
    """A step of a workflow is not run again by itself: retry the workflow."""


class Bulk(Frozen):
    """What a bulk action did, or (dry run) would do; `skipped`: what it passed over."""

    ids: list[str]
    dry_run: bool
    skipped: tuple[str, ...] = ()


class DeadLetters:
    """The dead letters of every queue."""

    def __init__(self, client: Client, inspector: Inspector | None = None) -> None:
        self._client = client
        self._redis = client.redis
        self._inspector = inspector or Inspector(client)

    async def page(
        self, *, queue: str | None = None, name: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """A page of them, newest first."""
        return await self._inspector.jobs(JobState.FAILED, queue=queue, name=name, limit=limit, cursor=cursor)

    async def show(self, job_id: str) -> JobStatus:
        """One, with payload, error and the history of its attempts. Raises `NotFound`."""
        status = (await read_statuses(self._redis, [job_id]))[0]
        if status is None or not await self._is_dead(status):
            raise NotFound(f"{job_id!r} is no dead letter")
        return status

    async def _is_dead(self, status: JobStatus) -> bool:
        score = await self._redis.zscore(keys.FAILED + status.name, id_bytes(status.id))
        return score is not None

    async def replay(self, job_id: str, *, kwargs: dict[str, Any] | None = None) -> Job[Any]:
        """Run one again as a new job (`replay_of` names the old one), with other arguments if given. It acts once.

        While another job holds its unique key, that one is given (`Job.new` is False) and the dead letter stays.
        Raises `NotFound`, `PartOfWorkflow`, or `InvalidArguments` for edited ones that do not validate.
        """
        head, unique = b"", ""
        if kwargs is not None:
            status = await self.show(job_id)
            call = registry.call_by_name(status.name, (), kwargs)
            head, unique = job_head(call.name, call.payload, status.caller), call.job.unique_key(call)
        what, now = await self._client.ask(transitions.replay(job_id, new_id(), head, unique))
        if what == "workflow":
            raise PartOfWorkflow(f"{job_id} is a step of a workflow: retry the workflow instead")
        if what == "gone":
            raise NotFound(f"the payload of {job_id} is gone: it can only be discarded")
        if what == "none":
            raise NotFound(f"{job_id!r} is no dead letter (any more)")
        return Job(self._client, now, new=what == "new")

    async def discard(self, job_id: str) -> None:
        """Let one go; of a workflow that failed (or a job that handed over), all that failed in it.

        Raises `NotFound` if it is no dead letter (any more), or `PartOfWorkflow` for a step, which a retry needs.
        """
        gone, passed = await self._client.ask(transitions.discard([job_id]))
        if passed:
            raise PartOfWorkflow(f"{job_id} is a step of a workflow, which needs it for a retry: discard the workflow")
        if not (await self._discard_steps(job_id)) and not gone:
            raise NotFound(f"{job_id!r} is no dead letter (any more)")

    async def _discard_steps(self, job_id: str) -> int:
        """Discard the dead letters within a workflow that has failed; how many they were."""
        state, sub = await self._redis.hmget(keys.JOB + job_id, [fields.STATE, fields.SUB])  # type: ignore[misc] # redis-py: Awaitable | list
        if sub is None or state not in (b"failed", b"cancelled"):
            return 0
        await self._redis.hset(keys.JOB + job_id, fields.DISCARDED, "1")  # type: ignore[misc] # the same
        workflow, start, count = id_text(sub), 0, 0
        nodes = keys.WORKFLOW + workflow + keys.WORKFLOW_NODES
        while page := await self._redis.lrange(nodes, start, start + PAGE - 1):  # type: ignore[misc] # the same
            gone, _ = await self._client.ask(transitions.discard([id_text(i) for i in page], workflow))
            count += len(gone)
            start += PAGE
        return count

    async def replay_all(self, *, queue: str | None = None, name: str | None = None, dry_run: bool = False) -> Bulk:
        """Replay all that are there now, except steps of workflows and those whose unique key another job holds."""
        done: list[str] = []
        skipped: list[str] = []
        for status in await self._all(queue, name):
            if status.workflow is not None:
                skipped.append(status.id)
                continue
            try:
                acted = dry_run or (await self.replay(status.id)).new
            except NotFound:
                acted = False
            (done if acted else skipped).append(status.id)
        return Bulk(ids=done, dry_run=dry_run, skipped=tuple(skipped))

    async def discard_all(self, *, queue: str | None = None, name: str | None = None, dry_run: bool = False) -> Bulk:
        """Discard all that are there now; steps of workflows are passed over (`skipped`): a retry needs them."""
        found = await self._all(queue, name)
        skipped = [status.id for status in found if status.workflow is not None]
        ids = [status.id for status in found if status.workflow is None]
        if dry_run:
            return Bulk(ids=ids, dry_run=True, skipped=tuple(skipped))
        gone: list[str] = []
        for start in range(0, len(ids), PAGE):
            went, passed = await self._client.ask(transitions.discard(ids[start : start + PAGE]))
            gone += went
            skipped += passed
        return Bulk(ids=gone, dry_run=False, skipped=tuple(skipped))

    async def _all(self, queue: str | None, name: str | None) -> list[JobStatus]:
        page = await self.page(queue=queue, name=name, limit=PAGE)
        found = [*page.items]
        while page.cursor is not None:
            page = await self.page(queue=queue, name=name, limit=PAGE, cursor=page.cursor)
            found += page.items
        return found
