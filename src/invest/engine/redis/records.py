"""A job's record on Redis, read into a `JobStatus`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from redis.asyncio import Redis

from invest.engine.errors import ErrorInfo
from invest.engine.redis import keys
from invest.engine.redis.states import Attempt, JobState, JobStatus, Progress
from invest.engine.redis.wire import CorruptPayload, Envelope, caller_in, id_bytes, printable, read_job


def moment(ms: Any) -> datetime | None:
    """Milliseconds (bytes, number or nothing) as an aware instant in UTC."""
    return None if ms in (None, b"", "") else datetime.fromtimestamp(int(ms) / 1000, UTC)


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "backslashreplace")


async def read_statuses(redis: Redis, ids: list[str], *, results: bool = False) -> list[JobStatus | None]:
    """One status per id, None for an unknown one. `results` brings the result of finished jobs along."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for job_id in ids:
            raw = id_bytes(job_id)
            pipe.hgetall(keys.JOB.encode() + raw)  # type: ignore[arg-type] # redis-py takes bytes as well
            pipe.get(keys.ARQ_JOB.encode() + raw)
            if results:
                pipe.get(keys.ARQ_RESULT.encode() + raw)
        answers = await pipe.execute(raise_on_error=False)
    seconds, micros = answers[0]
    now_ms = seconds * 1000 + micros // 1000
    step = 3 if results else 2
    found: list[JobStatus | None] = []
    for i, job_id in enumerate(ids):
        record, body, *rest = answers[1 + i * step : 1 + (i + 1) * step]
        result = rest[0] if rest and isinstance(rest[0], bytes) else None
        found.append(status_of(job_id, record, body if isinstance(body, bytes) else None, result, now_ms))
    return found


def status_of(job_id: str, record: Any, body: bytes | None, result: bytes | None, now_ms: int) -> JobStatus | None:
    """The status in what Redis holds; None if it holds nothing of the job."""
    r: dict[bytes, bytes] = record if isinstance(record, dict) else {}
    if not r and body is None and result is None:
        return None
    envelope = _loads(result)
    known = _known(body, envelope)
    due = int(r.get(b"due") or 0)
    state = _state(r, due, now_ms, envelope)
    error = _loads(r.get(b"e")) if state in (JobState.FAILED, JobState.CANCELLED, JobState.RETRYING) else None
    if error is None and envelope is not None and envelope.get("s") is False:
        error = envelope.get("r")
    return JobStatus(
        id=printable(job_id),
        name=_text(r.get(b"n")) or (envelope or {}).get("f") or _name(body),
        queue=_text(r.get(b"q")) or "",
        state=state,
        attempt=int(r.get(b"a") or 0) + (1 if state is JobState.RUNNING and b"sub" not in r else 0),
        delivery=int(r.get(b"d") or 0),
        priority=int(r.get(b"p") or 0),
        args=known.args,
        kwargs=known.kwargs,
        caller=known.caller,
        enqueued_at=moment(r.get(b"et")) or moment((envelope or {}).get("et")),
        due_at=moment(r.get(b"due")),
        started_at=moment(r.get(b"st")) or moment((envelope or {}).get("st")),
        finished_at=moment(r.get(b"ft")) or moment((envelope or {}).get("ft")),
        worker=_text(r.get(b"w")),
        progress=_progress(_loads(r.get(b"pr"))),
        result=envelope.get("r") if envelope is not None and envelope.get("s") else None,
        error=ErrorInfo.model_validate(error) if isinstance(error, dict) else None,
        history=_history(r.get(b"h")),
        workflow=_workflow(_text(r.get(b"wf"))),
        nodes=0 if b"sub" in r else None,
        key=_text(r.get(b"u")),
        replay_of=_text(r.get(b"ro")),
        replayed_as=_text(r.get(b"ra")),
    )


def _workflow(stage: str | None) -> str | None:
    """The id of the workflow, or of the job that handed over to it (whose delivery its stage is named after)."""
    return None if stage is None else stage.rpartition(".")[0] or stage


def _state(r: dict[bytes, bytes], due: int, now_ms: int, envelope: dict[str, Any] | None) -> JobState:
    stored = (r.get(b"s") or b"").decode()
    if stored == "blocked":
        return JobState.SCHEDULED
    if stored == "queued":
        return JobState.SCHEDULED if due > now_ms else JobState.QUEUED
    if stored:
        return JobState(stored)
    if envelope is None:
        return JobState.QUEUED
    return JobState.SUCCEEDED if envelope.get("s") else JobState.FAILED


def _loads(raw: bytes | None) -> dict[str, Any] | None:
    if not raw:
        return None
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None


def _known(body: bytes | None, envelope: dict[str, Any] | None) -> Envelope:
    """What the payload says of the job, or the result, which repeats it."""
    if envelope is not None:
        args, kwargs = list(envelope.get("a") or []), dict(envelope.get("k") or {})
        return Envelope("", args, kwargs, caller_in(envelope))
    try:
        return read_job(body)
    except CorruptPayload:
        return Envelope("", [], {})


def _name(body: bytes | None) -> str:
    try:
        return read_job(body).function
    except CorruptPayload:
        return "?"


def _progress(data: dict[str, Any] | None) -> Progress | None:
    if data is None:
        return None
    at = moment(data.get("at"))
    return None if at is None else Progress(done=data["done"], total=data["total"], message=data["message"], at=at)


def _history(raw: bytes | None) -> list[Attempt]:
    if not raw:
        return []
    return [
        Attempt(
            kind=entry["kind"],
            delivery=entry["delivery"],
            started_at=moment(entry.get("started_at")),
            ended_at=moment(entry.get("ended_at")),
            worker=entry.get("worker"),
            error=ErrorInfo.model_validate(entry["error"]) if entry.get("error") else None,
        )
        for entry in orjson.loads(b"[" + raw + b"]")
    ]
