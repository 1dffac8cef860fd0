"""The fields of a job's record (the hash at ``keys.JOB`` + id), named once: Lua gets these names as ``F``."""

from __future__ import annotations

from typing import Final

NAME: Final = "n"
QUEUE: Final = "q"
PRIORITY: Final = "p"
STATE: Final = "s"  # blocked, queued, retrying, running, succeeded, failed, cancelled
ENQUEUED: Final = "et"  # ms, as all times here
DUE: Final = "due"
STARTED: Final = "st"
FINISHED: Final = "ft"
EXPIRES_AT: Final = "x"  # not to be started after
EXPIRES_AFTER: Final = "xd"  # ms after its due time, of a step that is not due yet
DELAY: Final = "delay"  # ms after the steps before it, of a step
DELIVERIES: Final = "d"  # claims
ATTEMPTS: Final = "a"  # tries under the retry policy that have ended
HAND_BACKS: Final = "b"
WORKER: Final = "w"
TOKEN: Final = "tk"  # noqa: S105 - of the delivery that may finish the job; empty while nobody runs it
ERROR: Final = "e"  # JSON
HISTORY: Final = "h"  # JSON objects of the last attempts, comma-joined
PROGRESS: Final = "pr"  # JSON
RESULT_TTL: Final = "ttl"
RESULT_HEAD: Final = "head"  # beginning of the result's envelope, of what ends without a worker
UNIQUE: Final = "u"  # the unique key it holds until it has ended
REQUEST: Final = "rq"  # the request that made it, where the caller chose its id
UNKNOWN_SINCE: Final = "unk"  # when a worker first met it without knowing its name
REPLAY_OF: Final = "ro"
REPLAYED_AS: Final = "ra"
DISCARDED: Final = "dis"
KIND: Final = "kind"  # workflow, join, or nothing: a job
WORKFLOW: Final = "wf"  # the workflow it is a step of
SUB: Final = "sub"  # the workflow that goes on for it
PREDECESSOR: Final = "pred"
SUCCESSORS: Final = "succ"  # comma-joined
MANY_SUCCESSORS: Final = "na"  # they are in the list at keys.SUCCESSORS
MEMBERS: Final = "mem"  # of a join, comma-joined
MANY_MEMBERS: Final = "nm"  # they are in the list at keys.MEMBERS
NEED: Final = "need"  # members that must succeed
TOTAL: Final = "total"  # members
BAD: Final = "bad"  # members that did not succeed
MODE: Final = "mode"  # what a join gives: values or outcomes
FOLLOWED: Final = "fw"  # jobs in the set at keys.FOLLOWERS are released by its end
KEPT: Final = "kp"  # a retry leaves it as it is


def lua_table() -> str:
    """The fields as the Lua table ``F``, by their names in lower case."""
    names = {k.lower(): v for k, v in globals().items() if k.isupper() and isinstance(v, str)}
    return "local F = {" + ", ".join(f"{name}='{value}'" for name, value in sorted(names.items())) + "}\n"
