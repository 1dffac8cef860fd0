"""Every Redis key the engine touches, named once: the Lua scripts get these names from here.

A deployment with a prefix of its own has it before each of them; see `engine.redis.prefixed`.

arq's own keys keep their names and contents, so that a stock arq client can enqueue, follow and abort jobs.
"""

from __future__ import annotations

from typing import Final

# arq's
ARQ_QUEUE: Final = "arq:queue:"  # + queue -> zset of ids by run-at ms; the running ones wait at the end of their lease
ARQ_JOB: Final = "arq:job:"  # + id -> the envelope {t, f, a, k, et}
ARQ_IN_PROGRESS: Final = "arq:in-progress:"  # + id -> worker, expires with the lease
ARQ_RESULT: Final = "arq:result:"  # + id -> the envelope with s, r, st, ft, q, id
ARQ_ABORT: Final = "arq:abort"  # zset of ids that were asked to stop, by ms
HEALTH_SUFFIX: Final = ":health-check"
ENVELOPE_QUEUE: Final = "arq:queue:"  # + queue: how a result's envelope names its queue, whatever prefix the key has

# ours
ROOT: Final = "invest:"  # what our keys begin with: scripts that build keys from ids declare it as theirs
JOB: Final = "invest:job:"  # + id -> hash, the record of one job
PENDING: Final = "invest:pending:"  # + id -> set of the predecessors it still waits for
WAITING: Final = "invest:waiting:"  # + name -> zset by due ms
RETRYING: Final = "invest:retrying:"  # + name -> zset by due ms: waiting for another attempt
RUNNING: Final = "invest:running:"  # + name -> zset by start ms
DONE: Final = "invest:done:"  # + name -> zset by finish ms
FAILED: Final = "invest:failed:"  # + name -> zset by finish ms: the dead letters
CANCELLED: Final = "invest:cancelled:"  # + name -> zset by finish ms
PARKED: Final = "invest:parked:"  # + name -> zset by priority, then due ms: held back by max_running or rate
RATE: Final = "invest:rate:"  # + name -> ms of the last start of a rated job
LIMITS: Final = "invest:limits"  # hash name -> ms at which a worker last said that the name has a limit
TURNS: Final = "invest:turns"  # hash queue or name -> starts counted while less urgent jobs were passed over
PAUSED: Final = "invest:paused"  # set of queues from which nothing is claimed
UNIQUE: Final = "invest:unique:"  # + name:key -> id of the job that holds the key
FOLLOWERS: Final = "invest:followers:"  # + id -> set of the jobs that its end releases
TODO: Final = "invest:todo"  # list: what scripts left to the next slice
FORGETTING: Final = "invest:forgetting"  # zset of the buckets below
FORGET: Final = "invest:forget:"  # + bucket -> list of index entries whose records expire within 10 s
REPLY: Final = "invest:reply:"  # + request -> what it was answered, for a minute
MEMBERS: Final = "invest:members:"  # + id of a join -> list of ids, where they are many
SUCCESSORS: Final = "invest:successors:"  # + id -> list of ids, where they are many
WORKFLOW: Final = "invest:workflow:"  # + id -> hash (fields below); + id + one of the suffixes below
WORKFLOW_NODES: Final = ":nodes"  # list of ids
WORKFLOW_ROOTS: Final = ":roots"  # list of ids that start at once
WORKFLOW_OUTCOMES: Final = ":outcomes"  # hash id -> {"ok": value} or {"err": error}
WORKFLOW_PLAN: Final = ":plan"  # how a caller's workflow was laid down, for the history: a lost Redis gets it back
WORKFLOW_LAST: Final = "last"  # id of the node whose outcome is the workflow's
WORKFLOW_TOTAL: Final = "total"  # jobs in it
WORKFLOW_ENDED: Final = "ended"  # jobs in it that have ended
WORKFLOW_STARTED: Final = "started"
WORKFLOW_ENDING: Final = "ending"  # its parts are being given their expiry
WORKFLOW_RETRY: Final = "retry"  # the request that runs it again
STAGED: Final = "invest:staged"  # zset of workflows laid down but not started, by ms
WORKFLOWS: Final = "invest:workflows"  # zset of workflow ids by submit ms
NAMES: Final = "invest:names"  # hash job name -> queue: every name ever enqueued
EVENTS: Final = "invest:events"  # capped stream: what happens to jobs
PROGRESS_EVENTS: Final = "invest:progress"  # capped stream of its own, so that progress pushes no history out
WORKERS: Final = "invest:workers"  # zset of worker ids by last heartbeat ms
WORKER: Final = "invest:worker:"  # + worker id -> its heartbeat as JSON
SCHEDULE: Final = "invest:schedule:"  # + name -> hash last, next, ran, job, skipped, paused, error
STATS: Final = "invest:stats:"  # + name -> hash of counters, for the metrics

# pub/sub: hints only, everything they say can be read elsewhere
WAKE: Final = "invest:wake:"  # + queue
CONTROL: Final = "invest:control"  # "cancel <id>"
FINISHED: Final = "invest:finished:"  # + id
ENDS: Final = "invest:ends:"  # + the mark in the ids of a client's own jobs: "<id> <what FINISHED is told>"

HIGH: Final = ":high"
LOW: Final = ":low"


def queue_key(queue: str, priority: int = 0) -> str:
    """The sorted set of a queue's jobs of one priority; the plain one is what a stock arq client uses."""
    return ARQ_QUEUE + queue + (HIGH if priority > 0 else LOW if priority < 0 else "")


def lua_constants(prefix: str = "") -> str:
    """The names above as Lua locals, put before the scripts; keys and channels begin with `prefix`."""
    names = {k: v for k, v in globals().items() if k.isupper() and isinstance(v, str)}
    keyed = {k for k, v in names.items() if v.startswith(("invest:", "arq:")) and k != "ENVELOPE_QUEUE"}
    own = {name: prefix + value if name in keyed else value for name, value in names.items()}
    return "".join(f"local {name} = '{value}'\n" for name, value in sorted(own.items()))
