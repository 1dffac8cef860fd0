"""The scripts as typed functions: what each is given, and what it answers.

`Ask.of` runs one, a `Line` carries several in one round trip.

A request that may be sent again (a time-out hides whether the first was carried out) has an id of its own, by which the
scripts recognise it: it is counted once and answered truly.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from invest.engine.redis.connection import Line
from invest.engine.redis.keys import ROOT
from invest.engine.redis.prefixed import prefix_of
from invest.engine.redis.scripts import Argument, Script, is_unknown, script
from invest.engine.redis.wire import id_bytes, id_text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """One script with its arguments, and how to read its answer."""

    script: Script
    argv: list[Argument]
    read: Callable[[Any], T]

    async def of(self, redis: Redis) -> T:
        """Run it."""
        return self.read(await self.script(redis, *self.argv))

    def command(self, prefix: bytes) -> tuple[Argument, ...]:
        """The command that runs it under a prefix."""
        return ("FCALL", self.script.function(prefix), 1, prefix + ROOT.encode(), *self.argv)

    async def replicated(self, redis: Redis, replicas: int, timeout_ms: int) -> tuple[T, int]:
        """The same, then wait until `replicas` replicas have it: the answer, and how many do."""
        prefix = prefix_of(redis)
        for _ in range(2):
            async with redis.pipeline(transaction=False) as pipe:  # WAIT speaks of what its own connection wrote
                pipe.fcall(self.script.function(prefix), 1, ROOT, *self.argv)  # type: ignore[arg-type] # redis-py takes bytes and numbers as well
                pipe.wait(replicas, timeout_ms)
                answer, count = await pipe.execute(raise_on_error=False)
            if not is_unknown(answer):
                break
            await self.script.under(prefix).load(redis)
        for one in (answer, count):
            if isinstance(one, Exception):
                raise one
        return self.read(answer), int(count)

    def blocking(self, redis: Any) -> T:
        """The same on a synchronous client."""
        return self.read(self.script.blocking(redis, *self.argv))


async def answers_to(redis: Redis, line: Line, asks: Sequence[Ask[Any]]) -> list[Any]:
    """The answers to what was sent over `line`, in order; a refusal stands in its place, and harms no other.

    A server that lost the scripts is given them again, over `redis`. Raises what the connection raised.
    """
    answers = await line.receive(len(asks))
    for i, answer in enumerate(answers):
        if is_unknown(answer):
            answers[i] = await _alone(redis, asks[i])
        elif not isinstance(answer, Exception):
            answers[i] = asks[i].read(answer)
    return answers


async def _alone(redis: Redis, one: Ask[Any]) -> Any:
    try:
        return await one.of(redis)
    except ResponseError as error:
        return error


def new_request() -> str:
    """An id for a request."""
    return os.urandom(8).hex()


@dataclass(slots=True)
class NewJob:
    """One call as ``enqueue.lua`` takes it; times in ms. `chosen`: the caller gave the id."""

    id: str
    name: str
    queue: str
    envelope: bytes
    result_ttl: int
    priority: int = 0
    unique: str = ""
    chosen: bool = False
    delay: int = 0
    at: int | None = None
    expires: int | None = None
    expires_at: int | None = None

    def row(self) -> list[Argument]:
        """As the script's arguments."""
        return [
            id_bytes(self.id),
            "1" if self.chosen else "",
            id_bytes(self.unique) if self.unique else "",
            self.name,
            self.queue,
            self.priority,
            self.delay,
            "" if self.at is None else self.at,
            "" if self.expires is None else self.expires,
            "" if self.expires_at is None else self.expires_at,
            self.result_ttl,
            self.envelope,
        ]


@dataclass(frozen=True, slots=True)
class Note:
    """What is written in the same step as a job, where that is new: both are there, or neither is."""

    key: str
    text: bytes
    ttl: int  # seconds
    counter: str = ""  # a key that counts such bytes, for twice as long
    size: int = 0  # how many to count

    def row(self) -> list[Argument]:
        """As the script's arguments."""
        return [self.key, self.text, self.ttl, self.counter, self.size]


NO_NOTE = Note("", b"", 0)


def enqueue(
    jobs: Iterable[NewJob], *, restoring: bool = False, notes: Sequence[Note | None] = ()
) -> Ask[list[tuple[str, bool]]]:
    """Per job its id, or that of the job which holds its key, and whether this request made it.

    `notes` are none, or one or None for each job.
    """
    argv: list[Argument] = [new_request(), "n" if notes else "1" if restoring else ""]
    for number, job in enumerate(jobs):
        argv += job.row()
        if notes:
            argv += (notes[number] or NO_NOTE).row()
    return Ask(script("enqueue"), argv, lambda answer: [(id_text(raw), bool(new)) for raw, new in answer])


def follow(job_id: str, follower: NewJob) -> Ask[bool]:
    """Have `follower` released by the end of a job, at once if it has ended; False if it was there before."""
    head: list[Argument] = [id_bytes(job_id), id_bytes(follower.id), follower.name, follower.queue, follower.priority]
    return Ask(script("follow"), [*head, follower.result_ttl, follower.envelope], bool)


def stage(workflow: str, last: str, rows: Iterable[Sequence[Argument]]) -> Ask[bool]:
    """Lay a page of nodes down; False if the workflow was started before."""
    return Ask(script("stage"), [workflow, last, *(field for row in rows for field in row)], bool)


def edges(workflow: str, node: str, kind: str, before: int, ids: Sequence[str]) -> Ask[bool]:
    """Lay a page of a node's ``members`` or ``successors`` down, after `before` others."""
    return Ask(script("edges"), [workflow, node, kind, before, *ids], bool)


def submit(workflow: str, kind: str, result_ttl: int, head: bytes, plan: bytes) -> Ask[tuple[bool, int]]:
    """Start a staged workflow: False if another request started it before. And the items on the to-do list."""
    argv: list[Argument] = [workflow, kind, result_ttl, head, plan, new_request()]
    return Ask(script("submit"), argv, lambda a: (bool(a[0]), int(a[1])))


def proceed() -> Ask[int]:
    """Do a slice of what earlier scripts left; how many items are left."""
    return Ask(script("proceed"), [], int)


@dataclass(slots=True)
class Claimed:
    """A job that a worker has claimed. Times are Redis' ms; `body` is its payload, None if that is gone."""

    id: str
    body: bytes | None
    delivery: int
    attempts: int
    hand_backs: int
    enqueued_ms: int
    name: str
    queue: str
    workflow: str | None
    predecessor: str | None
    unknown_since: int | None

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Claimed:
        """From ``claim.lua``."""
        raw_id, body, delivery, attempts, hand_backs, enqueued, name, queue, workflow, predecessor, unknown = row
        return cls(
            id=id_text(raw_id),
            body=body,
            delivery=int(delivery),
            attempts=int(attempts or 0),
            hand_backs=int(hand_backs or 0),
            enqueued_ms=int(enqueued or 0),
            name=name.decode("utf-8", "backslashreplace"),
            queue=queue.decode(),
            workflow=workflow.decode() if workflow else None,
            predecessor=predecessor.decode() if predecessor else None,
            unknown_since=int(unknown) if unknown else None,
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim brought. `next_due_ms`: until the next one is due, -1 for none; `todo`: items on the to-do list."""

    jobs: list[Claimed]
    next_due_ms: int
    now_ms: int
    todo: int

    @classmethod
    def read(cls, answer: Sequence[Any]) -> Claim:
        """From ``claim.lua``."""
        rows, next_due, now, todo = answer
        return cls([Claimed.from_row(row) for row in rows], int(next_due), int(now), int(todo))


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit over all workers: at most so many at once (0: any), ms between two starts (0: none)."""

    name: str
    queue: str
    most: int
    gap_ms: int


def claim(
    worker: str, lease_ms: int, free: int, queues: Sequence[tuple[str, int]], limits: Iterable[Limit]
) -> Ask[Claim]:
    """Claim up to `free` jobs; `queues`: names in their order of preference, each with its own free slots."""
    argv: list[Argument] = [worker, lease_ms, free, len(queues)]
    for name, own in queues:
        argv += [name, own]
    for limit in limits:
        argv += [limit.name, limit.queue, limit.most, limit.gap_ms]
    return Ask(script("claim"), argv, Claim.read)


@dataclass(slots=True)
class Finished:
    """The end of one delivery. `action`: succeeded, failed, cancelled, retry, back or over; see ``finish.lua``."""

    id: str
    token: str
    action: str
    head: bytes = b""
    value: bytes = b""
    delay_ms: int = 0
    history: bytes = b""


def finish(ends: Iterable[Finished]) -> Ask[tuple[list[str], int]]:
    """Per end ``ok``, ``stale`` or what went wrong; and the items on the to-do list."""
    argv: list[Argument] = []
    for end in ends:
        argv += [id_bytes(end.id), end.token, end.action, end.head, end.value, end.delay_ms, end.history]
    return Ask(script("finish"), argv, lambda a: ([r.decode("utf-8", "replace") for r in a[0]], int(a[1])))


def renew(
    worker: str, lease_ms: int, heartbeat_ms: int, heartbeat: bytes, held: Iterable[tuple[str, str]]
) -> Ask[tuple[list[str], list[str]]]:
    """Renew what (id, token) still holds; ids no longer held, and ids asked to stop."""
    argv: list[Argument] = [worker, lease_ms, heartbeat_ms, heartbeat]
    for job_id, token in held:
        argv += [id_bytes(job_id), token]
    return Ask(script("renew"), argv, lambda a: ([id_text(i) for i in a[0]], [id_text(i) for i in a[1]]))


def progress(rows: Iterable[tuple[str, str, bytes]]) -> Ask[None]:
    """Note the progress (id, token, JSON up to its time) of held jobs."""
    argv: list[Argument] = [field for job_id, token, report in rows for field in (id_bytes(job_id), token, report)]
    return Ask(script("progress"), argv, lambda _: None)


def cancel(why: str, ids: Sequence[str]) -> Ask[list[str]]:
    """Per id ``cancelled``, ``asked``, ``final`` or ``unknown``."""
    return Ask(script("cancel"), [new_request(), why, *map(id_bytes, ids)], lambda a: [r.decode() for r in a])


def retry(workflow: str, request: str) -> Ask[str]:
    """``ok``, or why a workflow cannot be retried; see ``retry.lua``."""
    return Ask(script("retry"), [request, id_bytes(workflow)], id_text)


def replay(job_id: str, new_id: str, head: bytes, unique: str) -> Ask[tuple[str, str]]:
    """What became of it (``new``, ``held``, ``none``, ``workflow``, ``gone``), and the id of the job there is now."""
    argv: list[Argument] = [id_bytes(job_id), new_id, head, unique]
    return Ask(script("replay"), argv, lambda a: (a[0].decode(), id_text(a[1]) if len(a) > 1 else ""))


def discard(ids: Sequence[str], workflow: str = "") -> Ask[tuple[list[str], list[str]]]:
    """Ids discarded, and ids passed over because they are steps of workflows other than `workflow`."""
    argv: list[Argument] = [new_request(), workflow, *map(id_bytes, ids)]
    return Ask(script("discard"), argv, lambda a: ([id_text(i) for i in a[0]], [id_text(i) for i in a[1]]))


def purge(queue: str, most: int, names: Sequence[str]) -> Ask[tuple[int, bool]]:
    """How many waiting jobs were cancelled, and whether there may be more."""
    return Ask(script("purge"), [new_request(), queue, most, *names], lambda a: (int(a[0]), bool(a[1])))


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick of a cron line, in ms; `start`: whether it starts a run."""

    job: NewJob
    at: int
    following: int | None
    start: bool


def tick(one: Tick) -> Ask[bool]:
    """Whether this tick started a run."""
    job = one.job
    argv: list[Argument] = [job.name, one.at, job.id, job.queue, job.priority, job.result_ttl, job.envelope]
    argv += ["" if one.following is None else one.following, "1" if one.start else "0", job.unique]
    return Ask(script("tick"), argv, bool)


def forget(most: int) -> Ask[bool]:
    """Drop index entries of expired records; whether there may be more."""
    return Ask(script("forget"), [most], bool)


def sweep(name: str, limit: str, turn: int) -> Ask[int]:
    """Mend the sets of one job name; how many entries were mended."""
    return Ask(script("sweep"), [id_bytes(name), limit, turn], int)


@dataclass(frozen=True, slots=True)
class Look:
    """What `look` found at one instant (`now`, ms).

    `counts` of each name: waiting due, waiting later, retrying due, retrying, running, failed, done, parked, cancelled.
    `heads`: (id, score) of the first jobs of each index, in the order of `look`.
    """

    now: int
    counts: dict[str, tuple[int, ...]]
    heads: list[list[tuple[str, int]]]


INDEXES = 7  # that `look` reads: waiting due, waiting later, retrying, running, done, failed, cancelled
COUNTED = 9  # numbers of each name


def look(most: Sequence[int], names: Sequence[str]) -> Ask[Look]:
    """Counts of the jobs of so many names, and the first `most` of each index, in one question that changes nothing."""

    def read(answer: Any) -> Look:
        now, counts, *heads = answer
        return Look(
            now=int(now),
            counts={n: tuple(counts[i * COUNTED : (i + 1) * COUNTED]) for i, n in enumerate(names)},
            heads=[[(id_text(h[i]), int(h[i + 1])) for i in range(0, len(h), 2)] for h in heads],
        )

    return Ask(script("look"), [*most, *names], read)


def pace(till_ms: int, each_ms: int, spans: int, names: Sequence[str]) -> Ask[tuple[list[int], list[int]]]:
    """How many jobs succeeded and failed in each of so many spans of time before `till_ms`, the oldest first."""
    argv: list[Argument] = [till_ms, each_ms, spans, *names]
    return Ask(script("pace"), argv, lambda a: ([int(n) for n in a[0]], [int(n) for n in a[1]]))
