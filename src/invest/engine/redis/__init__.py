"""The engine on Redis: keys, records, wire format, connection, scripts, events."""

from __future__ import annotations

from invest.engine.redis import fields, keys, transitions
from invest.engine.redis.connection import (
    CONNECTION_ERRORS,
    Line,
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
from invest.engine.redis.ends import End, Ends
from invest.engine.redis.events import Event, follow, parse_event, sequence_of
from invest.engine.redis.layout import Plan, lay_out
from invest.engine.redis.notices import Notices
from invest.engine.redis.prefixed import prefix_of
from invest.engine.redis.records import Record, moment, read_records, read_statuses
from invest.engine.redis.results import Inputs, resolve
from invest.engine.redis.scripts import Argument, Script, script
from invest.engine.redis.signal import Signal, ended
from invest.engine.redis.states import TIME_BUCKETS, Attempt, Frozen, JobState, JobStatus, Progress
from invest.engine.redis.transitions import (
    Ask,
    Claimed,
    Finished,
    Limit,
    Look,
    NewJob,
    Note,
    Tick,
    answers_to,
    new_request,
)
from invest.engine.redis.wire import (
    CorruptPayload,
    Envelope,
    deserialize,
    error_json,
    id_bytes,
    id_text,
    job_head,
    new_id,
    printable,
    read_job,
    result_head,
    serialize,
)

__all__ = [
    "CONNECTION_ERRORS",
    "TIME_BUCKETS",
    "Argument",
    "Ask",
    "Attempt",
    "Claimed",
    "CorruptPayload",
    "End",
    "Ends",
    "Envelope",
    "Event",
    "Finished",
    "Frozen",
    "Inputs",
    "JobState",
    "JobStatus",
    "Limit",
    "Line",
    "Look",
    "NewJob",
    "Note",
    "Notices",
    "Plan",
    "Progress",
    "Record",
    "Script",
    "Signal",
    "Tick",
    "address_of",
    "answers_to",
    "arq_redis_settings",
    "check",
    "close_blocking_redis",
    "close_redis",
    "deserialize",
    "ended",
    "error_json",
    "fields",
    "follow",
    "id_bytes",
    "id_text",
    "is_full",
    "job_head",
    "keys",
    "lay_out",
    "moment",
    "new_id",
    "new_request",
    "open_blocking_redis",
    "open_redis",
    "parse_event",
    "prefix_of",
    "printable",
    "read_job",
    "read_records",
    "read_statuses",
    "resolve",
    "result_head",
    "script",
    "sequence_of",
    "serialize",
    "transitions",
    "warn_of_eviction",
]
