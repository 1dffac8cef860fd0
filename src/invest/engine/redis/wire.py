"""The bytes on Redis: arq's envelopes as JSON, never pickle.

A stock arq client given `serialize` and `deserialize` enqueues to and reads from this engine.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel

from invest.engine.errors import ErrorInfo, JobFailed
from invest.tracing import carried

MARK_DIGITS = 4  # of a job's id, after the 12 of its time; `ending.lua` knows them


class CorruptPayload(ValueError):
    """A payload that is no envelope of ours."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A job as it travels."""

    function: str
    args: list[Any]
    kwargs: dict[str, Any]
    caller: str | None = None
    origin: str | None = None


def new_id(mark: str = "") -> str:
    """A job id: 32 hex digits that sort by time of making; after the time comes the mark, all others are random."""
    return f"{time.time_ns() // 1_000_000:012x}{mark}{os.urandom(10).hex()[len(mark) :]}"


def job_head(name: str, arguments: bytes, caller: str | None = None, origin: str | None = None) -> bytes:
    """The job envelope up to its time, which Redis adds. `arguments` is the JSON object of the keyword arguments.

    `caller` is on whose behalf the job runs, `origin` the request and the trace it comes from (by default those of the
    work that queues it); arq's clients pass over what they do not know.
    """
    by = b'"by":%s,' % orjson.dumps(caller) if caller else b""
    if origin := origin or carried():
        by += b'"or":%s,' % orjson.dumps(origin)
    return b'{"t":null,"f":"%s","a":[],"k":%s,%b"et":' % (name.encode(), arguments, by)


def read_job(body: bytes | None) -> Envelope:
    """The envelope in a payload. Raises `CorruptPayload` saying what is wrong with it."""
    if body is None:
        raise CorruptPayload("the payload is gone")
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise CorruptPayload(f"the payload is not JSON ({error}); starts with {body[:40]!r}") from None
    if not isinstance(data, dict):
        raise CorruptPayload("the payload is no JSON object")
    function, args, kwargs = data.get("f"), data.get("a", []), data.get("k", {})
    if not (isinstance(function, str) and isinstance(args, list) and isinstance(kwargs, dict)):
        raise CorruptPayload("the payload lacks f (a name), a (a list) or k (an object)")
    origin = data.get("or")
    return Envelope(function, args, kwargs, caller_in(data), origin if isinstance(origin, str) else None)


def caller_in(data: dict[str, Any]) -> str | None:
    """On whose behalf the job of an envelope runs."""
    by = data.get("by")
    return by if isinstance(by, str) else None


def result_head(job_id: str, body: bytes | None, attempt: int, started_ms: int, queue_key: str) -> bytes:
    """arq's result envelope up to ``st``, ``q`` and ``id``; Redis adds s, r and ft."""
    if body is not None and body.startswith(b'{"t":null,') and body.endswith(b"}"):
        inner = b'{"t":%d,%s' % (attempt, body[10:-1])
    else:
        inner = orjson.dumps(_safe_envelope(body, attempt))[:-1]
    return b'%s,"st":%d,"q":"%s","id":%s' % (inner, started_ms, queue_key.encode(), orjson.dumps(printable(job_id)))


def _safe_envelope(body: bytes | None, attempt: int) -> dict[str, Any]:
    try:
        data = orjson.loads(body or b"")
        enqueued = data.get("et")
        known = read_job(body)
    except (ValueError, AttributeError):
        return {"t": attempt, "f": "?", "a": [], "k": {}, "et": 0}
    et = enqueued if isinstance(enqueued, int) else 0
    return {"t": attempt, "f": known.function, "a": known.args, "k": known.kwargs, "et": et}


def printable(job_id: str) -> str:
    """An id that JSON can carry: ids put on Redis by others may be any bytes."""
    return job_id.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def id_text(raw: bytes) -> str:
    """An id as text; bytes that are no UTF-8 survive the way there and back."""
    return raw.decode("utf-8", "surrogateescape")


def id_bytes(job_id: str) -> bytes:
    """The bytes of an id."""
    return job_id.encode("utf-8", "surrogateescape")


def error_json(error: ErrorInfo) -> bytes:
    """An error as JSON."""
    return orjson.dumps(error.model_dump(exclude_none=True))


def serialize(data: dict[str, Any]) -> bytes:
    """arq's ``job_serializer``: models become objects, exceptions the error envelope. Raises TypeError otherwise."""
    return orjson.dumps(data, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, BaseException):
        return ErrorInfo.of(value).model_dump(exclude_none=True)
    raise TypeError(f"{type(value).__name__} is not JSON")


def deserialize(raw: bytes) -> dict[str, Any]:
    """arq's ``job_deserializer``: a failed result's error becomes `JobFailed`, a cancelled one's CancelledError."""
    data: dict[str, Any] = orjson.loads(raw)
    if data.get("s") is False and isinstance(data.get("r"), dict):
        error = ErrorInfo.model_validate(data["r"])
        cancelled = bool(data.get("c"))
        data["r"] = asyncio.CancelledError(error.message) if cancelled else JobFailed(error, job_id=data.get("id", ""))
    return data
