"""How a job looks in a list: its arguments in few words, its attempts, how long it took, what it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from invest.api.pages.console.job_filter import arguments_of
from invest.api.pages.visit import Visit
from invest.engine import JobState, JobStatus

LONG = 120


async def rows_of(visit: Visit, jobs: Sequence[JobStatus]) -> list[JobRow]:
    """The rows of a list. Of an ended job the arguments are in the history; without PostgreSQL they are left out."""
    kept = await arguments_of(visit, jobs)
    return [JobRow(visit, job, kept.get(job.id) or {}) for job in jobs]


def arguments_text(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """`ticker=WEGE3`, `120 tickers`: what a person needs to tell two jobs apart."""
    parts = [_brief(value) for value in args]
    for name, value in kwargs.items():
        if isinstance(value, list) and len(value) > 3:
            parts.append(f"{len(value)} {name}")
        elif value is not None:
            parts.append(f"{name}={_brief(value)}")
    text = ", ".join(parts)
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text if len(text) <= 60 else text[:59] + "…"


class JobRow:
    """One job of a list, worded."""

    def __init__(self, visit: Visit, job: JobStatus, kept: Mapping[str, Any] | None = None) -> None:
        words, now = visit.words, datetime.now(UTC)
        declared, given = visit.services.registry.find(job.name), kept or {}
        self.job = job
        self.id = job.id
        self.name = job.name
        self.arguments = arguments_text(job.args or given.get("args") or [], job.kwargs or given.get("kwargs") or {})
        self.attempt = attempts_text(visit, job)
        self.took = words.span((job.finished_at or now) - job.started_at) if job.started_at else "—"
        self.state = state_text(visit, job, now)
        self.error = job.error
        self.progress = job.progress
        self.note = ""
        if job.state is JobState.SUCCEEDED and job.finished_at:
            self.note = words.when(job.finished_at)
        elif job.replayed_as:
            self.note = words.say("replayed as {id}", id=job.replayed_as)
        scope = declared.scope if declared else "admin"
        self.cancellable = not job.final and visit.may(scope)
        self.replayable = job.state is JobState.FAILED and job.workflow is None and visit.may(scope)


def attempts_text(visit: Visit, job: JobStatus) -> str:
    """`2 of 4`: this attempt, and how many there may be."""
    declared = visit.services.registry.find(job.name)
    if not job.attempt:
        return "—"
    if declared is None:
        return str(job.attempt)
    return visit.say("{n} of {most}", n=job.attempt, most=declared.retry.retries + 1)


def state_text(visit: Visit, job: JobStatus, now: datetime | None = None) -> str:
    """The state in a word, with the time until it moves where it waits for that."""
    now = now or datetime.now(UTC)
    if job.state in (JobState.RETRYING, JobState.SCHEDULED) and job.due_at and job.due_at > now:
        left = visit.words.span(job.due_at - now)
        message = "retrying in {left}" if job.state is JobState.RETRYING else "due in {left}"
        return visit.say(message, left=left)
    return visit.say(str(job.state))
