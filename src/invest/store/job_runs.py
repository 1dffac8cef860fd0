"""History of jobs, projected from the engine's event stream; late and repeated events change nothing."""
# ruff: noqa: S608 - only the constants of this module are put into its SQL; every value is a parameter

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from invest.domain.job_run import JobRun
from invest.store.core import Connection, Database, Record, chunks, columns, from_json, to_json

CHUNK = 1_000
# Written in order of the events, so that a batch holding two events of one job ends with the later one. A retry or a
# replay starts the job afresh: its end and error are those of the newest event.
UPSERT = """
INSERT INTO job_run AS r (id, name, queue, args, state, attempt, deliveries, enqueued_at, started_at, finished_at,
                          error, workflow, event_ms, event_seq, cell)
SELECT i, n, q, a::jsonb, s, t, d, e, b, f, x::jsonb, w, m, o, c
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::timestamptz[],
            $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[], $13::bigint[], $14::bigint[],
            $15::text[]) AS y (i, n, q, a, s, t, d, e, b, f, x, w, m, o, c)
ON CONFLICT (id) DO UPDATE SET
  name = coalesce(excluded.name, r.name), queue = coalesce(excluded.queue, r.queue),
  args = coalesce(excluded.args, r.args), state = excluded.state,
  attempt = greatest(excluded.attempt, r.attempt), deliveries = greatest(excluded.deliveries, r.deliveries),
  enqueued_at = coalesce(r.enqueued_at, excluded.enqueued_at), started_at = coalesce(excluded.started_at, r.started_at),
  finished_at = excluded.finished_at, error = excluded.error, workflow = coalesce(excluded.workflow, r.workflow),
  event_ms = excluded.event_ms, event_seq = excluded.event_seq
WHERE (r.event_ms, r.event_seq) < (excluded.event_ms, excluded.event_seq)
"""
# What an older event told (arguments, times) is still welcome where the newer ones said nothing.
FILL = """
UPDATE job_run r SET name = coalesce(r.name, y.n), queue = coalesce(r.queue, y.q), args = coalesce(r.args, y.a::jsonb),
  enqueued_at = coalesce(r.enqueued_at, y.e), started_at = coalesce(r.started_at, y.b),
  workflow = coalesce(r.workflow, y.w)
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[],
            $8::bigint[], $9::bigint[]) AS y (i, n, q, a, e, b, w, m, o)
WHERE r.id = y.i AND (r.event_ms, r.event_seq) > (y.m, y.o)
  AND (r.name IS NULL AND y.n IS NOT NULL OR r.queue IS NULL AND y.q IS NOT NULL OR r.args IS NULL AND y.a IS NOT NULL
    OR r.enqueued_at IS NULL AND y.e IS NOT NULL OR r.started_at IS NULL AND y.b IS NOT NULL
    OR r.workflow IS NULL AND y.w IS NOT NULL)
"""
FINAL = ("succeeded", "failed", "cancelled")
# A workflow's plan, and options that are kept for a restore, are not for reading.
SHOWN = (
    "id, name, queue, CASE jsonb_typeof(args) WHEN 'object' THEN args - '{plan,result_ttl,key,expires_at}'::text[] "
    "ELSE args END AS args, state, attempt, "
    "deliveries, enqueued_at, started_at, finished_at, error, workflow, event_ms, event_seq, cell"
)


class Jobs:
    """`store.jobs`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def upsert(self, runs: Sequence[JobRun | Mapping[str, Any]]) -> None:
        """Project events, in any order and as often as one likes: the newest event of each job wins."""
        rows = merged(run if isinstance(run, JobRun) else JobRun(**run) for run in runs)

        async def work(connection: Connection) -> None:
            for part in chunks(rows, CHUNK):
                ids, names, queues, states = columns(part, "id", "name", "queue", "state")
                attempts, deliveries, queued, started, finished, workflows = columns(
                    part, "attempt", "deliveries", "enqueued_at", "started_at", "finished_at", "workflow"
                )
                args = [None if r.args is None else to_json(r.args) for r in part]
                errors = [None if r.error is None else to_json(r.error) for r in part]
                ms, seq = zip(*(r.order for r in part), strict=True)
                head = (ids, names, queues, args)
                tail = (attempts, deliveries, queued, started, finished, errors, workflows, ms, seq)
                cells = [r.cell for r in part]
                await connection.execute(UPSERT, *head, states, *tail, cells)
                await connection.execute(FILL, *head, queued, started, workflows, ms, seq)

        if rows:
            await self._db.run(work)

    async def get(self, job_id: str) -> JobRun | None:
        """One job's history, or None."""
        row = await self._db.fetchrow(f"SELECT {SHOWN} FROM job_run WHERE id = $1", job_id)
        return _run(row) if row else None

    async def arguments(self, ids: Sequence[str]) -> dict[str, Any]:
        """What the history keeps of the arguments of jobs, by id: `{"args": […], "kwargs": {…}}`."""
        rows = await self._db.fetch("SELECT id, args FROM job_run WHERE id = ANY($1::text[])", list(ids))
        return {row["id"]: from_json(row["args"]) for row in rows if row["args"] is not None}

    async def history(
        self,
        *,
        queue: str | None = None,
        name: str | None = None,
        states: Sequence[str] | None = None,
        workflow: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[JobRun]:
        """Jobs by their newest event, newest first; `before` is the `event_id` of the last one seen."""
        ms, _, seq = (before or "").partition("-")
        rows = await self._db.fetch(
            f"SELECT {SHOWN} FROM job_run WHERE ($1::text IS NULL OR queue = $1) AND ($2::text IS NULL OR name = $2) "
            "AND ($3::text[] IS NULL OR state = ANY($3)) AND ($4::text IS NULL OR workflow = $4) "
            "AND ($5::bigint IS NULL OR (event_ms, event_seq) < ($5, $6::bigint)) "
            "ORDER BY event_ms DESC, event_seq DESC LIMIT $7",
            queue,
            name,
            None if states is None else [str(state) for state in states],
            workflow,
            int(ms) if ms else None,
            int(seq or 0),
            limit,
        )
        return [_run(row) for row in rows]

    async def unfinished(self, *, after: JobRun | None = None, limit: int = 10_000, cell: str = "") -> list[JobRun]:
        """Jobs of a cell that were accepted and have no end yet, oldest first: what a lost Redis must get back.

        Steps of workflows are left out: they come back with the whole. `after`: the last one of the page before.
        """
        rows = await self._db.fetch(
            "SELECT * FROM job_run WHERE finished_at IS NULL AND workflow IS NULL AND state <> ALL($1::text[]) "
            "AND ($3::bigint IS NULL OR (event_ms, id) > ($3, $4)) AND cell = $5 "
            "ORDER BY event_ms, id LIMIT $2",
            list(FINAL),
            limit,
            after.order[0] if after else None,
            after.id if after else "",
            cell,
        )
        return [_run(row) for row in rows]

    async def without_end(self, after: str = "", *, limit: int = 1_000, cell: str = "") -> list[JobRun]:
        """A cell's jobs without an end, steps of workflows too, by id after `after`: what a gap in events may touch."""
        rows = await self._db.fetch(
            f"SELECT {SHOWN} FROM job_run WHERE finished_at IS NULL AND state <> ALL($1::text[]) AND id > $2 "
            "AND cell = $4 ORDER BY id LIMIT $3",
            list(FINAL),
            after,
            limit,
            cell,
        )
        return [_run(row) for row in rows]

    async def keep_pauses(self, paused: Iterable[tuple[str, str]], schedules: Sequence[str]) -> None:
        """Write down what is paused, as (queue or schedule, name): all queues, and of the schedules those named."""
        rows = sorted(paused)

        async def work(connection: Connection) -> None:
            await connection.execute(
                "DELETE FROM engine_pause WHERE kind = 'queue' OR name = ANY($1::text[])", list(schedules)
            )
            await connection.execute(
                "INSERT INTO engine_pause SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING",
                [kind for kind, _ in rows],
                [name for _, name in rows],
            )

        await self._db.run(work)

    async def pauses(self) -> list[tuple[str, str]]:
        """What was written down as paused."""
        return [(row["kind"], row["name"]) for row in await self._db.fetch("SELECT kind, name FROM engine_pause")]


def merged(runs: Iterable[JobRun]) -> list[JobRun]:
    """One row per job, by id: its newest event, completed by fields that only older ones have."""
    newest: dict[str, JobRun] = {}
    for run in sorted(runs, key=lambda r: r.order):
        held = newest.get(run.id)
        if held is not None:
            known = ("name", "queue", "args", "enqueued_at", "started_at", "workflow")
            missing = {k: getattr(held, k) for k in known if getattr(run, k) is None}
            counts = {k: max(getattr(held, k), getattr(run, k)) for k in ("attempt", "deliveries")}
            run = run.model_copy(update=missing | counts)  # noqa: PLW2901 - the same job, completed
        newest[run.id] = run
    return [newest[key] for key in sorted(newest)]


def _run(row: Record) -> JobRun:
    values = {name: row[name] for name in JobRun.model_fields if name != "event_id"}
    values |= {"args": from_json(row["args"]), "error": from_json(row["error"])}
    return JobRun(**values, event_id=f"{row['event_ms']}-{row['event_seq']}")
