"""A state machine drives the scripts in any order, in the smallest slices, and compares Redis with a model."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar
from unittest import mock

import hypothesis.strategies as st
import redis
from hypothesis import HealthCheck, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from invest.engine import Workflow, chain, chord, group, keys
from invest.engine.redis import Ask, Finished, Limit, NewJob, Plan, fields, layout, transitions
from invest.engine.redis.scripts import Library, Script, script
from invest.engine.redis.wire import job_head
from tests.integration.engine.engine_kit import kit_add, kit_fatal, kit_sum

T = TypeVar("T")
FINAL = {"succeeded", "failed", "cancelled"}
OPEN = {"queued", "retrying", "running"}
INDEX = {
    "queued": keys.WAITING,
    "retrying": keys.RETRYING,
    "running": keys.RUNNING,
    "succeeded": keys.DONE,
    "failed": keys.FAILED,
    "cancelled": keys.CANCELLED,
}
LEGAL = {
    "blocked": {"queued", "cancelled", "failed"},
    "queued": {"cancelled"},
    "retrying": {"cancelled"},
    "running": {"cancelled"},
}
GAP, MOST = 4, 2
NAMES = ("kit_add", "kit_fatal", "kit_sum", "narrow", "rated")
LIMITS = [Limit("narrow", "kit", MOST, 0), Limit("rated", "kit", 0, GAP)]


@cache
def sliced(name: str) -> Script:
    """A script that leaves all but one item of what follows to the to-do list."""
    text = script(name).library.body.replace("SLICE = 200", "SLICE = 1").replace("local PAGE = 50", "local PAGE = 2")
    assert text.count("SLICE = 1") == 1 and text.count("local PAGE = 2") == 1
    return Script(name, Library(text))


@dataclass
class Model:
    """What the test believes of one job. `over`: the workflow that goes on for it."""

    name: str = "kit_add"
    state: str = "queued"
    deliveries: int = 0
    attempts: int = 0
    token: str = ""
    unique: str = ""
    old_tokens: list[str] = field(default_factory=list)
    workflow: str | None = None
    over: str | None = None
    gone: bool = False  # replayed or discarded: no dead letter any more


class Scripts(RuleBasedStateMachine):
    """Rules are the transitions; `lapse` lets a lease run out without waiting for it, `proceed` does one slice."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.redis: Any = redis.Redis.from_url(self.url)
        self.redis.flushall()
        self.numbers = itertools.count()
        self.patched = mock.patch.object(layout, "new_id", self.new_id)  # the same run must make the same ids
        self.patched.start()
        self.jobs: dict[str, Model] = {}
        self.workflows: dict[str, list[str]] = {}
        self.plans: dict[str, Plan] = {}
        self.retried: set[str] = set()
        self.last_start = 0

    def teardown(self) -> None:
        self.redis.close()
        self.patched.stop()

    def new_id(self) -> str:
        return f"id{next(self.numbers):05d}"

    def call(self, ask: Ask[T]) -> T:
        return ask.read(sliced(ask.script.name).blocking(self.redis, *ask.argv))

    def pick(self, data: st.DataObject, *states: str) -> str:
        return data.draw(st.sampled_from(self.held(*states)))

    def held(self, *states: str) -> list[str]:
        return sorted(i for i, m in self.jobs.items() if m.state in states and not m.over)

    @property
    def settled(self) -> bool:
        return not self.redis.llen(keys.TODO)

    def refresh(self) -> None:
        """Take over what the scripts did to other jobs (releases, skips, ends): legal moves only."""
        for job_id, model in self.jobs.items():
            raw = self.redis.hget(keys.JOB + job_id, fields.STATE)
            state = raw.decode() if raw else ""
            if state == model.state:
                continue
            legal = FINAL if model.over else LEGAL.get(model.state, set())
            if model.workflow in self.retried and model.state in FINAL:
                legal = {"blocked", "queued"}
                model.attempts, model.over = 0, None
            assert state in legal, (job_id, model, state)
            model.state = state

    def add(self, new: NewJob, *, restoring: bool = False) -> tuple[str, bool]:
        (answer,) = self.call(transitions.enqueue([new], restoring=restoring))
        return answer

    @rule(number=st.integers(0, 9), unique=st.sampled_from(["", "key:a", "key:b"]), name=st.sampled_from(NAMES[2:]))
    def enqueue(self, number: int, unique: str, name: str) -> None:
        job_id = f"job{number}"
        holders = [i for i, m in self.jobs.items() if unique and m.unique == unique and m.state not in FINAL]
        expected = job_id if job_id in self.jobs or not holders else holders[0]
        new = NewJob(
            job_id, name, "kit", job_head(name, b"{}"), 60_000, unique=unique, chosen=True, priority=number % 3 - 1
        )
        answer = self.add(new)
        assert answer == (expected, job_id not in self.jobs and not holders)
        if answer[1]:
            self.jobs[job_id] = Model(name=name, unique=unique)

    def shape(self, shape: str, n: int) -> Workflow[Any]:
        calls = [kit_add(i) for i in range(n)]
        shapes: dict[str, Workflow[Any]] = {
            "chain": chain(kit_add(1), kit_fatal("x"), kit_sum()),
            "group": group(calls, on_failure="continue"),
            "strict": chord(calls, kit_sum()),
            "chord": chord(calls, kit_sum(), on_failure="continue"),
            "nested": chain(kit_add(1), group(calls), chord([kit_add(2), *calls], kit_sum(), on_failure="continue")),
        }
        return shapes[shape]

    def lay_down(self, workflow: str, plan: Plan) -> None:
        for _ in range(2):  # a page that is sent again changes nothing
            for page in plan.pages(3):
                self.call(transitions.stage(workflow, plan.last, page))
        for row in plan.rows:
            if row[1] != "join":
                self.jobs[str(row[0])] = Model(name=str(row[2]), state="blocked", workflow=workflow)

    @rule(shape=st.sampled_from(["chain", "group", "strict", "chord", "nested"]), n=st.integers(0, 4))
    def submit(self, shape: str, n: int) -> None:
        workflow = self.new_id()
        plan = layout.lay_out(self.shape(shape, n), workflow).plan(60)
        self.lay_down(workflow, plan)
        head = job_head(shape, b"{}")
        ask = transitions.submit(workflow, shape, 60_000, head, plan.kept())
        assert self.call(ask)[0] and self.call(ask)[0], "the same request is told that it started it"
        assert not self.call(transitions.submit(workflow, shape, 60_000, head, b""))[0], "another one is not"
        self.workflows[workflow] = [str(row[0]) for row in plan.rows if row[1] != "join"]
        self.plans[workflow] = plan
        self.refresh()

    @rule()
    def proceed(self) -> None:
        self.call(transitions.proceed())
        self.refresh()

    @rule()
    def settle(self) -> None:
        for _ in range(10_000):
            if not self.call(transitions.proceed()):
                break
        assert self.settled
        self.refresh()
        self.retried.clear()

    @rule(worker=st.sampled_from(["w1", "w2"]), free=st.integers(1, 5))
    def claim(self, worker: str, free: int) -> None:
        for queue in ("arq:queue:kit", "arq:queue:kit:high", "arq:queue:kit:low"):
            due = sorted(m for m, score in self.redis.zrange(queue, 0, -1, withscores=True) if score < 1e15)
            held = {m for m in due if self.redis.exists(keys.ARQ_IN_PROGRESS.encode() + m)}
            for place, member in enumerate(m for m in due if m not in held):
                self.redis.zadd(queue, {member: place})  # the same run must claim in the same order
        claim = self.call(transitions.claim(worker, 600_000, free, [("kit", free)], LIMITS))
        assert len(claim.jobs) <= free
        for one in claim.jobs:
            model = self.jobs[one.id]
            if model.state == "blocked":
                self.refresh()
            assert model.state in OPEN, "only what may run is claimed"
            assert one.delivery == model.deliveries + 1, "the token grows with every delivery"
            assert one.attempts == model.attempts
            if model.token:
                model.old_tokens.append(model.token)
            model.state, model.deliveries, model.token = "running", one.delivery, f"{worker}:{one.delivery}"
            if model.name == "rated":
                assert claim.now_ms - self.last_start >= GAP, "no window sees more starts than the rate allows"
                self.last_start = claim.now_ms
        self.refresh()
        running = [m for m in self.jobs.values() if m.name == "narrow" and m.state == "running"]
        assert len(running) <= MOST
        if len(claim.jobs) < free and len(running) < MOST:
            assert not self.redis.zcard(keys.PARKED + "narrow"), "a turn is never lost"

    @precondition(lambda self: bool(self.held("running")))
    @rule(data=st.data(), action=st.sampled_from(["succeeded", "failed", "cancelled", "retry", "back"]))
    def finish(self, data: st.DataObject, action: str) -> None:
        job_id = self.pick(data, "running")
        model = self.jobs[job_id]
        value = b"1" if action == "succeeded" else b'{"type":"E","message":"m","retryable":false}'
        asked = self.redis.zscore(keys.ARQ_ABORT, job_id) is not None
        end = Finished(job_id, model.token, action, b'{"t":1', value)
        assert self.call(transitions.finish([end]))[0] == ["ok"]
        model.old_tokens.append(model.token)
        if asked and action in ("retry", "back"):
            action = "cancelled"
        model.state = {"retry": "retrying", "back": "queued"}.get(action, action)
        model.attempts += action not in ("back", "cancelled")
        model.token = ""
        self.refresh()
        self.is_stale(job_id, end)

    def is_stale(self, job_id: str, end: Finished) -> None:
        before = self.snapshot(job_id)
        assert self.call(transitions.finish([end]))[0] == ["stale"]
        assert self.snapshot(job_id) == before or not self.settled, "a stale finish changes nothing"
        self.refresh()

    def snapshot(self, job_id: str) -> Any:
        names = [keys.ARQ_RESULT + job_id, keys.ARQ_JOB + job_id]
        return self.redis.hgetall(keys.JOB + job_id), self.redis.mget(names), self.redis.xlen(keys.EVENTS)

    @precondition(lambda self: bool(self.held("running")))
    @rule(data=st.data(), shape=st.sampled_from(["chain", "strict", "chord"]), n=st.integers(0, 3))
    def hand_over(self, data: st.DataObject, shape: str, n: int) -> None:
        job_id = self.pick(data, "running")
        model = self.jobs[job_id]
        workflow = f"{job_id}.{model.deliveries}"
        plan = layout.lay_out(self.shape(shape, n), job_id).plan(60)
        self.lay_down(workflow, plan)
        end = Finished(job_id, model.token, "over", b'{"t":1', workflow.encode())
        asked = self.redis.zscore(keys.ARQ_ABORT, job_id) is not None
        assert self.call(transitions.finish([end]))[0] == ["ok"]
        model.old_tokens.append(model.token)
        model.token = ""
        if asked:  # it does not go on: what was laid down is swept away later
            model.state = "cancelled"
            for row in plan.rows:
                self.jobs.pop(str(row[0]), None)
            self.refresh()
            return
        model.over = workflow
        model.attempts += 1
        self.workflows[workflow] = [str(row[0]) for row in plan.rows if row[1] != "join"]
        self.refresh()
        self.is_stale(job_id, end)

    @precondition(lambda self: any(m.old_tokens for m in self.jobs.values()))
    @rule(data=st.data())
    def stale_finish(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(i for i, m in self.jobs.items() if m.old_tokens)))
        token = data.draw(st.sampled_from(self.jobs[job_id].old_tokens))
        if token != self.jobs[job_id].token:
            self.is_stale(job_id, Finished(job_id, token, "succeeded", b'{"t":1', b"1"))

    @precondition(lambda self: bool(self.held("running")))
    @rule(data=st.data())
    def lapse(self, data: st.DataObject) -> None:
        job_id = self.pick(data, "running")
        self.redis.delete(keys.ARQ_IN_PROGRESS + job_id)
        priority = int(self.redis.hget(keys.JOB + job_id, fields.PRIORITY))
        queue = keys.queue_key("kit", priority)
        assert self.redis.zscore(queue, job_id) is not None, "its queue is its visibility timeout"
        self.redis.zadd(queue, {job_id: 0})

    @precondition(lambda self: bool(self.held("running")))
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        job_id = self.pick(data, "running")
        model = self.jobs[job_id]
        assert self.call(transitions.renew("w", 600_000, 1000, b"{}", [(job_id, model.token)]))[0] == []
        for token in set(model.old_tokens) - {model.token}:
            assert self.call(transitions.renew("w", 600_000, 1000, b"{}", [(job_id, token)]))[0] == [job_id]

    @precondition(lambda self: bool(self.jobs))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.jobs)))
        model = self.jobs[job_id]
        ask = transitions.cancel("why", [job_id])
        (reply,) = self.call(ask)
        if model.state in FINAL:
            assert reply == "final"
        elif model.state == "running" and not model.over:
            assert reply == "asked"
        else:
            assert reply == "cancelled"
            model.state = "cancelled"
        assert self.call(ask) == [reply], "the same request gets the same answer"
        self.refresh()

    @precondition(lambda self: bool(self.plans))
    @rule(data=st.data())
    def cancel_workflow(self, data: st.DataObject) -> None:
        self.call(transitions.cancel("why", [data.draw(st.sampled_from(sorted(self.plans)))]))
        self.refresh()

    @precondition(lambda self: bool(self.plans))
    @rule(data=st.data())
    def retry_workflow(self, data: st.DataObject) -> None:
        self.settle()
        workflow = data.draw(st.sampled_from(sorted(self.plans)))
        state = self.redis.hget(keys.JOB + workflow, fields.STATE).decode()
        reply = self.call(transitions.retry(workflow, self.new_id()))
        if state == "succeeded":
            assert reply == "succeeded"
        elif state == "running" or any(self.jobs[n].state not in FINAL for n in self.workflows[workflow]):
            assert reply == "running"
        else:
            assert reply == "ok"
            self.retried.add(workflow)
            self.refresh()

    @precondition(lambda self: any(m.state == "failed" and not m.workflow for m in self.jobs.values()))
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        found = sorted(i for i, m in self.jobs.items() if m.state == "failed" and not m.workflow)
        job_id, fresh = data.draw(st.sampled_from(found)), self.new_id()
        model = self.jobs[job_id]
        ask = transitions.replay(job_id, fresh, b"", "")
        holders = [i for i, m in self.jobs.items() if m.unique and m.unique == model.unique and m.state not in FINAL]
        what, now = self.call(ask)
        if model.gone:
            assert what == "none"
        elif holders:
            assert (what, now) == ("held", holders[0])
        else:
            assert (what, now) == ("new", fresh)
            model.gone = True
            self.jobs[fresh] = Model(name=model.name, unique=model.unique)
            assert self.call(ask) == ("new", fresh), "the same request is told of its run"
            assert self.call(transitions.replay(job_id, self.new_id(), b"", ""))[0] == "none", (
                "a double click acts once"
            )
        self.refresh()

    @rule()
    def redis_is_lost_and_restored(self) -> None:
        """What was accepted and has not ended comes back: jobs with their keys, workflows with their steps' ids."""
        self.settle()
        singles = {i: m for i, m in self.jobs.items() if not m.workflow and m.state not in FINAL}
        open_ = [w for w in self.plans if self.redis.hget(keys.JOB + w, fields.STATE).decode() not in FINAL]
        plans = {w: self.plans[w] for w in open_}
        self.redis.flushall()
        self.jobs, self.workflows, self.plans = {}, {}, plans
        for _ in range(2):  # a restore that is begun again doubles nothing
            for job_id, model in singles.items():
                head = job_head(model.name, b"{}")
                new = NewJob(job_id, model.name, "kit", head, 60_000, unique=model.unique, chosen=True)
                assert self.add(new, restoring=True) == (job_id, job_id not in self.jobs)
                self.jobs.setdefault(job_id, Model(name=model.name, unique=model.unique))
        for workflow, plan in plans.items():
            self.lay_down(workflow, plan)
            assert self.call(transitions.submit(workflow, "chain", 60_000, job_head("chain", b"{}"), plan.kept()))[0]
            self.workflows[workflow] = [str(row[0]) for row in plan.rows if row[1] != "join"]
        self.settle()

    @invariant()
    def every_job_is_where_its_state_says(self) -> None:
        members = {index: self._members(index) for index in sorted(set(INDEX.values()))}
        queues = [keys.queue_key("kit", p) for p in (1, 0, -1)]
        queue = [m.decode() for q in queues for m in self.redis.zrange(q, 0, -1)]
        parked = self._members(keys.PARKED)
        assert len(queue) == len(set(queue)) and not set(queue) & parked, "a job waits in one place"
        for job_id, model in self.jobs.items():
            homes = [index for index, ids in members.items() if job_id in ids]
            nowhere = model.state == "blocked" or model.gone or (model.over is not None and model.state == "running")
            assert homes == ([] if nowhere else [INDEX[model.state]]), (job_id, model, homes)
            waits = model.state in OPEN and not (model.over and model.state == "running")
            assert (job_id in queue or job_id in parked) == waits, (job_id, model)
            assert int(self.redis.hget(keys.JOB + job_id, fields.DELIVERIES) or 0) == model.deliveries
            if model.state == "running":
                assert self.redis.hget(keys.JOB + job_id, fields.TOKEN).decode() == model.token
        assert set(queue) | parked | set().union(*members.values()) <= set(self.jobs), "no entry outlives its job"

    def _members(self, index: str) -> set[str]:
        return {m.decode() for name in NAMES for m in self.redis.zrange(index + name, 0, -1)}

    @invariant()
    def a_mark_to_stop_is_of_a_job_that_runs(self) -> None:
        asked = {m.decode() for m in self.redis.zrange(keys.ARQ_ABORT, 0, -1)}
        assert asked <= {i for i, m in self.jobs.items() if m.state == "running" and not m.over}

    @invariant()
    def every_key_is_held_by_a_job_that_lives(self) -> None:
        for unique in ("key:a", "key:b"):
            holder = self.redis.get(keys.UNIQUE + unique)
            living = [i for i, m in self.jobs.items() if m.unique == unique and m.state not in FINAL]
            assert living == ([] if holder is None else [holder.decode()])

    @invariant()
    def a_workflow_is_open_exactly_as_long_as_it_can_move(self) -> None:
        if not self.settled:
            return
        for job_id, model in self.jobs.items():
            if model.state == "blocked":
                assert self.redis.scard(keys.PENDING + job_id) > 0, "a blocked job waits for something"
        for workflow, nodes in self.workflows.items():
            parent = workflow if workflow in self.plans else workflow.partition(".")[0]
            state = self.redis.hget(keys.JOB + parent, fields.STATE).decode()
            current = workflow in self.plans or (parent in self.jobs and self.jobs[parent].over == workflow)
            if current and state not in FINAL:
                assert any(self.jobs[n].state in OPEN for n in nodes), "it is stuck"
                assert self.redis.scard(keys.PENDING + parent) == 1
            elif current:
                assert self.redis.exists(keys.ARQ_RESULT + parent)
                assert all(self.jobs[n].state in FINAL | {"running"} for n in nodes), "something is left behind"


def test_no_order_of_transitions_breaks_the_scripts(redis_url: str) -> None:
    """Redis' own clock takes part: an example that is made again later may find another state, which says nothing of
    the scripts. Such a run is made again, twice at most; a broken promise fails each of them."""
    Scripts.url = redis_url
    chosen = settings(
        max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    for attempt in range(3):
        try:
            run_state_machine_as_test(Scripts, settings=chosen)
            return
        except FlakyStrategyDefinition:
            if attempt == 2:
                raise
