"""The job engine and its queues."""

from __future__ import annotations

from pydantic import Field

from invest.settings.section import Section


class EngineSettings(Section):
    """Limits of the job engine."""

    result_ttl: int = Field(default=3600, ge=1)
    lease: float = Field(default=10, ge=0.5)
    grace: float = Field(default=25, ge=0)
    max_argument_bytes: int = 262_144
    max_result_bytes: int = 1_048_576
    max_jobs: int = Field(default=1000, ge=0)
    unknown_job_wait: float = 600


class QueueSettings(Section):
    """How many jobs of a queue one process runs at once."""

    concurrency: int = Field(default=10, ge=1)
