"""Which jobs a list shows: one filter that lives in the address, and how many jobs each state has under it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web

from invest.api.http import invalid
from invest.api.pages.visit import Visit
from invest.api.routes.ownership import visible
from invest.engine import JobState, JobStatus
from invest.errors import Unreachable

PAGE: Final = 50
UNDER_WAY: Final = 10  # jobs of each state that has not ended, above the list of all
LETTERS: Final = web.AppKey("dead letters read before", dict[str, JobStatus])
KEPT: Final = 2_000  # of them
LOOKED: Final = 2_000  # jobs of a state that a search in words looks at, the newest first
SPANS: Final[Mapping[str, int]] = {"hour": 3600, "day": 86_400, "week": 604_800}
ORDER: Final = (
    JobState.RUNNING,
    JobState.QUEUED,
    JobState.SCHEDULED,
    JobState.RETRYING,
    JobState.SUCCEEDED,
    JobState.FAILED,
    JobState.CANCELLED,
)
FINAL: Final = (JobState.FAILED, JobState.CANCELLED, JobState.SUCCEEDED)


@dataclass(frozen=True)
class JobFilter:
    """What the address asks for; empty is everything."""

    state: JobState | None = None
    queue: str = ""
    name: str = ""
    text: str = ""
    error: str = ""
    span: str = ""
    cursor: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> JobFilter:
        """The filter in an address or a form. Raises 422 for a state or span that there is not."""
        fields = {name: str(given.get(name, "")).strip()[:200] for name in ("queue", "name", "text", "error", "span")}
        state = str(given.get("state", ""))
        if state and state not in list(JobState):
            raise invalid("state", f"one of {', '.join(JobState)}")
        if fields["span"] and fields["span"] not in SPANS:
            raise invalid("span", f"one of {', '.join(SPANS)}")
        return cls(state=JobState(state) if state else None, cursor=str(given.get("cursor", ""))[:250], **fields)

    @property
    def narrow(self) -> bool:
        """Whether jobs must be looked at one by one."""
        return bool(self.text or self.error or self.span)

    def query(self) -> dict[str, str]:
        """The filter as parameters of an address, without its place."""
        given = {"state": str(self.state or ""), "queue": self.queue, "name": self.name, "text": self.text}
        return {k: v for k, v in (given | {"error": self.error, "span": self.span}).items() if v}

    def takes(self, job: JobStatus, now: float, given: Any = None) -> bool:
        """Whether a job passes the words, the error and the span; `given`: its arguments where it lost them itself."""
        if self.error and (job.error is None or job.error.type != self.error):
            return False
        last = job.finished_at or job.started_at or job.enqueued_at
        if self.span and (last is None or now - last.timestamp() > SPANS[self.span]):
            return False
        if not self.text:
            return True
        words = _haystack(job, given)
        return all(word in words for word in self.text.lower().split())


def _haystack(job: JobStatus, given: Any) -> str:
    error = f"{job.error.type} {job.error.message}" if job.error else ""
    own = orjson.dumps([job.args, job.kwargs, given], default=str).decode()
    return f"{job.name} {job.id} {job.workflow or ''} {job.caller or ''} {own} {error}".lower()


@dataclass(frozen=True)
class Found:
    """A page of jobs; `cut`: there may be more than a search in words looked at."""

    jobs: Sequence[JobStatus]
    cursor: str | None
    cut: bool = False


async def find_jobs(visit: Visit, wanted: JobFilter, limit: int = PAGE) -> Found:
    """The jobs of one state page by page, or of all: those under way first, then the ended ones, newest first."""
    if wanted.state is not None:
        return await _of_state(visit, wanted, wanted.state, limit)
    if wanted.cursor:
        return await _ended(visit, wanted, limit)
    under_way: list[JobStatus] = []
    for state in ORDER[:4]:
        under_way += (await _of_state(visit, wanted, state, UNDER_WAY)).jobs
    ended = await _ended(visit, wanted, max(UNDER_WAY, limit - len(under_way)))
    return Found([*under_way, *ended.jobs], ended.cursor, ended.cut)


@dataclass(frozen=True)
class Glimpse:
    """What the first page of a list shows, at one instant."""

    counts: Mapping[JobState, int]
    found: Found | None  # None: the filter needs a search of its own
    letters: Sequence[JobStatus]  # the newest dead letters


async def glimpse(visit: Visit, wanted: JobFilter, limit: int, letters: int) -> Glimpse:
    """Counts, the first jobs of all states and the newest dead letters: two questions, whatever the index holds."""
    inspect = visit.services.invest.inspect
    plain = wanted.state is None and not wanted.narrow and not wanted.cursor
    most = dict.fromkeys(ORDER[:4], UNDER_WAY if plain else 0) | dict.fromkeys(FINAL, limit + 1 if plain else 0)
    most[JobState.FAILED] = max(most[JobState.FAILED], letters)
    seen = await inspect.glance(most, queue=wanted.queue or None, name=wanted.name or None)
    first = [pair for state in ORDER[:4] for pair in seen.ids[state]]
    room = max(UNDER_WAY, limit - len(first))
    ended = sorted((pair for state in FINAL for pair in seen.ids[state]), key=_by_time, reverse=True) if plain else []
    dead = seen.ids[JobState.FAILED][:letters]
    read = await _remembered(visit, [*first, *ended[:room]], dead)
    jobs = {job_id: job for job_id, job in read.items() if not wanted.queue or job.queue == wanted.queue}
    shown = [jobs[pair[0]] for pair in (*first, *ended[:room]) if pair[0] in jobs]
    cursor = f"{ended[room - 1][1]}:{ended[room - 1][0]}" if len(ended) > room else None
    found = Found(await visible(visit.request, shown), cursor) if plain else None
    failed = await visible(visit.request, [jobs[job_id] for job_id, _ in dead if job_id in jobs])
    return Glimpse(seen.counts, found, failed)


def remember_in(app: web.Application) -> None:
    """Give a server the place where it remembers dead letters."""
    app[LETTERS] = {}


def _by_time(pair: tuple[str, int]) -> tuple[int, str]:
    return pair[1], pair[0]


async def _remembered(
    visit: Visit, shown: Sequence[tuple[str, int]], dead: Sequence[tuple[str, int]]
) -> dict[str, JobStatus]:
    """The jobs by id; of dead letters that are only counted, those read before are taken from memory.

    A dead letter changes no more but for the name of the job that replays it, by which nothing is grouped.
    """
    memory = visit.http.app[LETTERS]
    ids = dict.fromkeys(job_id for job_id, _ in shown)
    ids |= dict.fromkeys(job_id for job_id, _ in dead if job_id not in memory)
    read = {job.id: job for job in await visit.services.invest.inspect.read(list(ids))}
    for job_id, _ in dead:
        if job_id in read:
            memory[job_id] = read[job_id]
        elif job_id in memory:
            read[job_id] = memory[job_id]
    while len(memory) > KEPT:
        del memory[next(iter(memory))]
    return read


async def arguments_of(visit: Visit, jobs: Sequence[JobStatus]) -> Mapping[str, Any]:
    """The arguments of ended jobs by id: they are in the history alone, and without PostgreSQL they are left out."""
    bare = [job.id for job in jobs if job.final and not job.args and not job.kwargs]
    if bare:
        with suppress(Unreachable):
            return await (await visit.services.store()).jobs.arguments(bare)
    return {}


async def _ended(visit: Visit, wanted: JobFilter, limit: int) -> Found:
    """Ended jobs of the three kinds in one order; all cursors have the same form: instant and id."""
    parts = [await _of_state(visit, wanted, state, limit) for state in FINAL]
    merged = sorted((job for part in parts for job in part.jobs), key=_ended_at, reverse=True)
    more = len(merged) > limit or any(part.cursor for part in parts)
    page = merged[:limit]
    cursor = f"{_ended_at(page[-1])[0]:.0f}:{page[-1].id}" if more and page else None
    return Found(page, cursor, any(part.cut for part in parts))


def _ended_at(job: JobStatus) -> tuple[float, str]:
    return (job.finished_at.timestamp() * 1000 if job.finished_at else 0.0), job.id


async def _of_state(visit: Visit, wanted: JobFilter, state: JobState, limit: int) -> Found:
    inspect, cursor = visit.services.invest.inspect, wanted.cursor or None
    found: list[JobStatus] = []
    looked, now = 0, time.time()
    while True:
        size = max(limit, 200) if wanted.narrow else limit
        page = await inspect.jobs(
            state, queue=wanted.queue or None, name=wanted.name or None, limit=size, cursor=cursor
        )
        seen = await visible(visit.request, page.items)
        given = await arguments_of(visit, seen) if wanted.text else {}
        found += [job for job in seen if wanted.takes(job, now, given.get(job.id))]
        looked, cursor = looked + size, page.cursor
        if not wanted.narrow or cursor is None or len(found) >= limit or looked >= LOOKED:
            break
    if wanted.narrow and len(found) > limit:
        last = found[limit - 1]
        return Found(found[:limit], f"{_ended_at(last)[0]:.0f}:{last.id}" if state.final else cursor)
    return Found(found, cursor, cut=wanted.narrow and cursor is not None)


@dataclass(frozen=True)
class Failures:
    """Dead letters with the same error."""

    name: str
    error: str
    message: str
    count: int
    first: Any
    last: Any


def group_failures(jobs: Iterable[JobStatus]) -> list[Failures]:
    """Dead letters by job and kind of error, the largest group first, with one message of each."""
    groups: dict[tuple[str, str], list[JobStatus]] = {}
    for job in jobs:
        groups.setdefault((job.name, job.error.type if job.error else "?"), []).append(job)
    found = []
    for (name, error), members in groups.items():
        times = sorted(job.finished_at for job in members if job.finished_at)
        message = next((job.error.message for job in members if job.error), "")
        found.append(
            Failures(name, error, message, len(members), times[0] if times else None, times[-1] if times else None)
        )
    return sorted(found, key=lambda group: -group.count)
