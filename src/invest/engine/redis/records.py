"""A job's record on Redis, read into a `JobStatus`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from invest.engine.errors import ErrorInfo
from invest.engine.redis import fields, keys
from invest.engine.redis.connection import Line
from invest.engine.redis.prefixed import prefix_of
from invest.engine.redis.states import Attempt, JobState, JobStatus, Progress
from invest.engine.redis.wire import CorruptPayload, Envelope, caller_in, id_bytes, printable, read_job

HEAD_BYTES = 4096  # of a result that is read for the arguments alone
Results = Literal["none", "arguments", "whole"]


def moment(ms: Any) -> datetime | None:
    """Milliseconds (bytes, number or nothing) as an aware instant in UTC."""
    return None if ms in (None, b"", "") else datetime.fromtimestamp(int(ms) / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Record:
    """What Redis holds of one job: the fields of its record, its payload, its result's envelope."""

    id: str
    fields: dict[bytes, bytes]
    body: bytes | None
    envelope: dict[str, Any] | None
    now_ms: int
    head: Envelope | None = None

    def text(self, field: str) -> str | None:
        """A field as text."""
        raw = self.fields.get(field.encode())
        return None if raw is None else raw.decode("utf-8", "backslashreplace")

    def number(self, field: str) -> int:
        """A field as a number, 0 without it."""
        return int(self.fields.get(field.encode()) or 0)

    def at(self, field: str) -> datetime | None:
        """A field as an instant."""
        return moment(self.fields.get(field.encode()))

    @property
    def state(self) -> JobState:
        """Where the job is."""
        stored = self.text(fields.STATE) or ""
        if not stored and self.envelope is not None:
            return JobState.SUCCEEDED if self.envelope.get("s") else _unsuccessful(self.envelope)
        if not stored or stored == "queued":
            return JobState.SCHEDULED if self.number(fields.DUE) > self.now_ms else JobState.QUEUED
        return JobState.SCHEDULED if stored == "blocked" else JobState(stored)

    @property
    def reference(self) -> dict[str, str] | None:
        """Where the result is, if it was too long for one message."""
        return self.envelope.get("r") if self.envelope is not None and self.envelope.get("ref") else None

    @property
    def call(self) -> Envelope | None:
        """What was called, with which arguments, on whose behalf; None if nothing tells it any more."""
        if self.envelope is not None:
            args, kwargs = list(self.envelope.get("a") or []), dict(self.envelope.get("k") or {})
            return Envelope(self.envelope.get("f") or "?", args, kwargs, caller_in(self.envelope))
        if self.head is not None:
            return self.head
        try:
            return read_job(self.body)
        except CorruptPayload:
            return None

    @property
    def attempt(self) -> int:
        """The newest attempt; a workflow that runs has none of its own."""
        running = self.state is JobState.RUNNING and fields.SUB.encode() not in self.fields
        return self.number(fields.ATTEMPTS) + running

    @property
    def times(self) -> tuple[datetime | None, datetime | None, datetime | None]:
        """When it was enqueued, started and finished."""
        envelope = self.envelope or {}
        return (
            self.at(fields.ENQUEUED) or moment(envelope.get("et")),
            self.at(fields.STARTED) or moment(envelope.get("st")),
            self.at(fields.FINISHED) or moment(envelope.get("ft")),
        )

    @property
    def workflow(self) -> str | None:
        """The workflow it is part of."""
        return _workflow(self.text(fields.WORKFLOW))

    @property
    def error(self) -> ErrorInfo | None:
        """Why it failed, was cancelled, or is tried again."""
        unwell = self.state in (JobState.FAILED, JobState.CANCELLED, JobState.RETRYING)
        error = _loads(self.fields.get(fields.ERROR.encode())) if unwell else None
        if error is None and self.envelope is not None and self.envelope.get("s") is False:
            error = self.envelope.get("r")
        return ErrorInfo.model_validate(error) if isinstance(error, dict) else None

    def status(self) -> JobStatus:
        """All of it as one value; a result that is a reference is left out."""
        envelope = self.envelope or {}
        call = self.call or Envelope("?", [], {})
        enqueued, started, finished = self.times
        return JobStatus(
            id=printable(self.id),
            name=self.text(fields.NAME) or call.function,
            queue=self.text(fields.QUEUE) or "",
            state=self.state,
            attempt=self.attempt,
            delivery=self.number(fields.DELIVERIES),
            priority=self.number(fields.PRIORITY),
            args=call.args,
            kwargs=call.kwargs,
            caller=call.caller,
            enqueued_at=enqueued,
            due_at=self.at(fields.DUE),
            expires_at=self.at(fields.EXPIRES_AT),
            started_at=started,
            finished_at=finished,
            worker=self.text(fields.WORKER),
            progress=_progress(_loads(self.fields.get(fields.PROGRESS.encode()))),
            result=envelope.get("r") if envelope.get("s") and self.reference is None else None,
            error=self.error,
            history=_history(self.fields.get(fields.HISTORY.encode())),
            workflow=self.workflow,
            nodes=0 if fields.SUB.encode() in self.fields else None,
            key=self.text(fields.UNIQUE),
            replay_of=self.text(fields.REPLAY_OF),
            replayed_as=self.text(fields.REPLAYED_AS),
        )


async def read_records(redis: Redis, ids: list[str], *, results: Results = "none") -> list[Record | None]:
    """One record per id, None for an unknown one. `results`: of finished jobs, how much of the result comes along."""
    asked: list[tuple[Any, ...]] = []
    for job_id in ids:
        raw = id_bytes(job_id)
        asked += (("HGETALL", keys.JOB.encode() + raw), ("GET", keys.ARQ_JOB.encode() + raw))
        if results == "whole":
            asked.append(("GET", keys.ARQ_RESULT.encode() + raw))
        elif results == "arguments":
            asked.append(("GETRANGE", keys.ARQ_RESULT.encode() + raw, 0, HEAD_BYTES - 1))
    time, *answers = await _answers(redis, asked)
    if isinstance(time, Exception):
        raise time
    now_ms = int(time[0]) * 1000 + int(time[1]) // 1000
    step = 2 if results == "none" else 3
    found: list[Record | None] = []
    for i, job_id in enumerate(ids):
        found.append(_record(job_id, answers[i * step : (i + 1) * step], now_ms, results))
    if results == "arguments":
        return [await _completed(redis, one) for one in found]
    return found


async def _answers(redis: Redis, asked: list[tuple[Any, ...]]) -> list[Any]:
    """The time, then the answers to reads of one key each, refusals in their places.

    Not by a pipeline of redis-py, which takes a tenth of a millisecond for the commands of three jobs: it is what
    tries to connect again.
    """
    prefix, line = prefix_of(redis), Line(redis)
    try:
        return await line.exchange([("TIME",), *((name, prefix + key, *rest) for name, key, *rest in asked)])
    except (RedisConnectionError, OSError):
        async with redis.pipeline(transaction=False) as pipe:
            pipe.time()
            for command in asked:
                pipe.execute_command(*command)
            return list(await pipe.execute(raise_on_error=False))
    finally:
        await line.close()


def _record(job_id: str, answer: list[Any], now_ms: int, results: Results) -> Record | None:
    record, body, *rest = answer
    result = rest[0] if rest and isinstance(rest[0], bytes) else None
    if isinstance(record, list):  # names and values by turns
        record = dict(zip(record[::2], record[1::2], strict=True))
    known: dict[bytes, bytes] = record if isinstance(record, dict) else {}
    payload = body if isinstance(body, bytes) else None
    if not known and payload is None and not result:
        return None
    if results == "arguments":
        return Record(job_id, known, payload, None, now_ms, _call_of(payload, result))
    return Record(job_id, known, payload, _loads(result), now_ms)


def _call_of(body: bytes | None, result: bytes | None) -> Envelope | None:
    """The call, read once for all who ask: of the payload, else of the beginning of the result."""
    try:
        return read_job(body)
    except CorruptPayload:
        return call_in(result or b"")


async def _completed(redis: Redis, record: Record | None) -> Record | None:
    """The record with its arguments, also where they are longer than the head of the result that was read."""
    if record is None or record.head is not None or record.state is not JobState.SUCCEEDED:
        return record
    raw = await redis.get(keys.ARQ_RESULT.encode() + id_bytes(record.id))
    head = call_in(raw) if isinstance(raw, bytes) else None
    return Record(record.id, record.fields, record.body, None, record.now_ms, head)


def call_in(head: bytes) -> Envelope | None:
    """The call from the beginning of a result's envelope; None if it was cut before the end of its arguments."""
    text = head.decode("utf-8", "replace")
    decoder = json.JSONDecoder()
    start = text.find('"a":')
    if start < 0:
        return None
    try:
        args, end = decoder.raw_decode(text, start + 4)
        if not text.startswith(',"k":', end):
            return None
        kwargs, end = decoder.raw_decode(text, end + 5)
        caller = decoder.raw_decode(text, end + 6)[0] if text.startswith(',"by":', end) else None
    except (ValueError, RecursionError):
        return None
    whole = isinstance(args, list) and isinstance(kwargs, dict) and text.startswith(",", end)
    return Envelope("?", args, kwargs, caller if isinstance(caller, str) else None) if whole else None


async def read_statuses(redis: Redis, ids: list[str], *, results: bool = False) -> list[JobStatus | None]:
    """One status per id, None for an unknown one. `results` brings the result of finished jobs along."""
    found = await read_records(redis, ids, results="whole" if results else "none")
    return [None if record is None else record.status() for record in found]


def _unsuccessful(envelope: dict[str, Any]) -> JobState:
    return JobState.CANCELLED if envelope.get("c") else JobState.FAILED


def _workflow(stage: str | None) -> str | None:
    """The id of the workflow, or of the job that handed over to it (whose delivery its stage is named after)."""
    return None if stage is None else stage.rpartition(".")[0] or stage


def _loads(raw: bytes | None) -> dict[str, Any] | None:
    if not raw:
        return None
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None


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
