"""One job as history keeps it, beyond the hour that results live in Redis."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, Field

from invest.domain.frozen import Frozen


class JobRun(Frozen):
    """The newest known state of one job. What an event does not tell is null and leaves what is known alone."""

    id: str
    state: str = Field(description="scheduled, queued, running, retrying, succeeded, failed, cancelled")
    name: str | None = None
    queue: str | None = None
    args: Any = None
    attempt: int = 0
    deliveries: int = 0
    enqueued_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    error: Any = None
    workflow: str | None = None
    cell: str = Field(default="", description="the cell whose Redis it is on; empty for the first")
    event_id: str = Field(pattern=r"^\d{1,18}-\d{1,18}$", description="id of the stream's event: milliseconds-sequence")

    @property
    def order(self) -> tuple[int, int]:
        """The event id as numbers: a later event has a greater one."""
        ms, _, seq = self.event_id.partition("-")
        return int(ms), int(seq)
