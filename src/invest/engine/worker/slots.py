"""What runs in this process, and how much more may."""

from __future__ import annotations

from collections.abc import Sequence

from invest.engine.declare import Group
from invest.engine.redis import Limit
from invest.engine.worker.execution import Run
from invest.settings import Settings


class Slots:
    """The running jobs by id, and the free slots: in all, and of each queue in order of preference."""

    def __init__(self, queues: Sequence[Group], settings: Settings, concurrency: int | None) -> None:
        self.queues = list(queues)
        alone = concurrency if len(self.queues) == 1 else None
        self._caps = {q.name: alone or _configured(q, settings) for q in self.queues}
        self.total = concurrency or sum(self._caps.values())
        self.running: dict[str, Run] = {}

    @property
    def free(self) -> int:
        """How many more jobs may run."""
        return self.total - len(self.running)

    def full_somewhere(self) -> bool:
        """Whether no more could run, of all queues or of one."""
        return self.free <= 0 or (len(self.queues) > 1 and any(own <= 0 for _, own in self.by_queue()))

    def by_queue(self) -> list[tuple[str, int]]:
        """Each queue with its own free slots."""
        used: dict[str, int] = {}
        for run in self.running.values():
            used[run.queue] = used.get(run.queue, 0) + 1
        return [(queue.name, max(0, self._caps[queue.name] - used.get(queue.name, 0))) for queue in self.queues]

    def limits(self) -> list[Limit]:
        """The limits over all workers, as they are declared now."""
        return [
            Limit(job.name, queue.name, job.max_running or 0, job.rate.interval_ms if job.rate else 0)
            for queue in self.queues
            for job in queue.jobs.values()
            if job.max_running or job.rate
        ]


def _configured(queue: Group, settings: Settings) -> int:
    configured = settings.queues.get(queue.name)
    return configured.concurrency if configured else queue.concurrency
