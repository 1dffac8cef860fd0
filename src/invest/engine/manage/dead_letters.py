"""Dead letters: jobs that failed for good. Look at them, run them again (edited if need be), or let them go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from invest.engine.client import Job
from invest.engine.declare import registry
from invest.engine.manage.inspection import Page
from invest.engine.redis import (
    Frozen,
    JobState,
    JobStatus,
    id_bytes,
    id_text,
    job_head,
    keys,
    new_id,
    read_statuses,
    script,
)
from invest.errors import InvestError, NotFound

if TYPE_CHECKING:
    from invest.engine.client import Invest

PAGE = 200


class PartOfWorkflow(InvestError):
    """A step of a workflow is not run again by itself: retry the workflow."""


class Bulk(Frozen):
    """What a bulk action did, or (dry run) would do."""

    ids: list[str]
    dry_run: bool
    skipped: tuple[str, ...] = ()


class DeadLetters:
    """The dead letters of every queue."""

    def __init__(self, invest: Invest) -> None:
        self._invest = invest

    async def page(
        self, *, queue: str | None = None, name: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """A page of them, newest first."""
        return await self._invest.inspect.jobs(JobState.FAILED, queue=queue, name=name, limit=limit, cursor=cursor)

    async def show(self, job_id: str) -> JobStatus:
        """One, with payload, error and the history of its attempts. Raises `NotFound`."""
        status = (await read_statuses(self._invest.redis, [job_id]))[0]
        if status is None or not await self._is_dead(status):
            raise NotFound(f"{job_id!r} is no dead letter")
        return status

    async def _is_dead(self, status: JobStatus) -> bool:
        score = await self._invest.redis.zscore(keys.FAILED + status.name, id_bytes(status.id))
        return score is not None

    async def replay(self, job_id: str, *, kwargs: dict[str, Any] | None = None) -> Job[Any]:
        """Run one again as a new job (`replay_of` tells of which), with other arguments if given. It acts once.

        Raises `NotFound`, `PartOfWorkflow`, or `InvalidArguments` for edited ones that do not validate.
        """
        head = b""
        if kwargs is not None:
            status = await self.show(job_id)
            call = registry.call_by_name(status.name, (), kwargs)
            head = job_head(call.name, call.payload, status.caller)
        reply = await script("replay")(self._invest.redis, id_bytes(job_id), new_id(), head)
        if reply == b"workflow":
            raise PartOfWorkflow(f"{job_id} is a step of a workflow: retry the workflow instead")
        if reply == b"gone":
            raise NotFound(f"the payload of {job_id} is gone: it can only be discarded")
        if not reply:
            raise NotFound(f"{job_id!r} is no dead letter (any more)")
        return Job(self._invest, id_text(reply))

    async def discard(self, job_id: str) -> None:
        """Let one go. Raises `NotFound` if it is no dead letter (any more)."""
        if not await script("discard")(self._invest.redis, id_bytes(job_id)):
            raise NotFound(f"{job_id!r} is no dead letter (any more)")

    async def replay_all(self, *, queue: str | None = None, name: str | None = None, dry_run: bool = False) -> Bulk:
        """Replay all that are there now, steps of workflows excepted."""
        done: list[str] = []
        skipped: list[str] = []
        for status in await self._all(queue, name):
            if status.workflow is not None:
                skipped.append(status.id)
                continue
            try:
                if not dry_run:
                    await self.replay(status.id)
                done.append(status.id)
            except NotFound:
                skipped.append(status.id)
        return Bulk(ids=done, dry_run=dry_run, skipped=tuple(skipped))

    async def discard_all(self, *, queue: str | None = None, name: str | None = None, dry_run: bool = False) -> Bulk:
        """Discard all that are there now."""
        ids = [status.id for status in await self._all(queue, name)]
        if not dry_run:
            for start in range(0, len(ids), PAGE):
                await script("discard")(self._invest.redis, *[id_bytes(i) for i in ids[start : start + PAGE]])
        return Bulk(ids=ids, dry_run=dry_run)

    async def _all(self, queue: str | None, name: str | None) -> list[JobStatus]:
        page = await self.page(queue=queue, name=name, limit=PAGE)
        found = [*page.items]
        while page.cursor is not None:
            page = await self.page(queue=queue, name=name, limit=PAGE, cursor=page.cursor)
            found += page.items
        return found
