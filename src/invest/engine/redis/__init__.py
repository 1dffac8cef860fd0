"""The engine on Redis: keys, records, wire format, connection, scripts, events."""

from __future__ import annotations

from invest.engine.redis.connection import (
    CONNECTION_ERRORS,
    address_of,
    arq_redis_settings,
    check,
    close_blocking_redis,
    close_redis,
    is_full,
    open_blocking_redis,
    open_redis,
    warn_of_eviction,
)
from invest.engine.redis.events import Event, follow, parse_event
from invest.engine.redis.layout import Plan, lay_out
from invest.engine.redis.notices import Notices
from invest.engine.redis.records import moment, read_statuses
from invest.engine.redis.results import Inputs, resolve
from invest.engine.redis.scripts import Argument, Script, script
from invest.engine.redis.signal import Signal, ended
from invest.engine.redis.states import Attempt, Frozen, JobState, JobStatus, Progress
from invest.engine.redis.wire import (
    CANCELLED_TYPES,
    CorruptPayload,
    deserialize,
    error_json,
    id_bytes,
    id_text,
    job_head,
    new_id,
    read_job,
    result_head,
    serialize,
)

__all__ = [
    "CANCELLED_TYPES",
    "CONNECTION_ERRORS",
    "Argument",
    "Attempt",
    "CorruptPayload",
    "Event",
    "Frozen",
    "Inputs",
    "JobState",
    "JobStatus",
    "Notices",
    "Plan",
    "Progress",
    "Script",
    "Signal",
    "address_of",
    "arq_redis_settings",
    "check",
    "close_blocking_redis",
    "close_redis",
    "deserialize",
    "ended",
    "error_json",
    "follow",
    "id_bytes",
    "id_text",
    "is_full",
    "job_head",
    "lay_out",
    "moment",
    "new_id",
    "open_blocking_redis",
    "open_redis",
    "parse_event",
    "read_job",
    "read_statuses",
    "resolve",
    "result_head",
    "script",
    "serialize",
    "warn_of_eviction",
]
