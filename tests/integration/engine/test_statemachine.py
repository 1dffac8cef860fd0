"""A state machine drives the scripts themselves, in any order, and compares Redis with a model after every step."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import hypothesis.strategies as st
import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from invest.engine import Workflow, chain, chord, group
from invest.engine.redis import layout
from invest.engine.redis.scripts import script
from invest.engine.redis.wire import job_head
from tests.integration.engine.engine_kit import kit_add, kit_fatal, kit_sum

FINAL = {"succeeded", "failed", "cancelled"}
INDEX = {
    "queued": "waiting",
    "retrying": "retrying",
    "running": "running",
    "succeeded": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
NAMES = ("kit_add", "kit_fatal", "kit_sum")


@dataclass
class Model:
    """What the test believes of one job."""

    state: str = "queued"
    deliveries: int = 0
    attempts: int = 0
    token: str = ""
    old_tokens: list[str] = field(default_factory=list)
    workflow: str | None = None
    terminal_events: int = 0


class Scripts(RuleBasedStateMachine):
    """Rules are the transitions; `lapse` lets a lease run out without waiting for it."""

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
        self.keys: dict[str, str] = {}

    def teardown(self) -> None:
        self.redis.close()
        self.patched.stop()

    def new_id(self) -> str:
        return f"id{next(self.numbers):05d}"

    def call(self, name: str, *argv: Any) -> Any:
        return script(name).blocking(self.redis, *argv)

    def pick(self, data: st.DataObject, *states: str) -> str | None:
        found = sorted(i for i, m in self.jobs.items() if m.state in states)
        return data.draw(st.sampled_from(found)) if found else None

    def refresh(self) -> None:
        """Take over what the scripts did to other jobs (releases, skips): legal moves only."""
        legal = {
            "blocked": {"queued", "cancelled"},
            "queued": {"cancelled"},
            "retrying": {"cancelled"},
            "running": {"cancelled"},
        }
        for job_id, model in self.jobs.items():
            state = self.redis.hget(f"invest:job:{job_id}", "s").decode()
            if state != model.state:
                assert state in legal.get(model.state, set()), (job_id, model.state, state)
                model.state = state

    @rule(number=st.integers(0, 9), unique=st.sampled_from(["", "kit_add:a", "kit_add:b"]))
    def enqueue(self, number: int, unique: str) -> None:
        job_id = f"job{number}"
        holder = self.keys.get(unique) if unique else None
        if holder is not None and self.jobs[holder].state in FINAL:
            holder = None
        head = job_head("kit_add", b'{"a":1}')
        ((raw, created),) = self.call("enqueue", job_id, unique, "kit_add", "kit", 0, 0, "", "", 60_000, head)
        expected = holder or job_id
        assert raw.decode() == expected
        assert created == (1 if holder is None and job_id not in self.jobs else 0)
        if created:
            self.jobs[job_id] = Model()
            if unique:
                self.keys[unique] = job_id

    @rule(shape=st.sampled_from(["chain", "group", "strict", "chord", "nested"]), n=st.integers(0, 4))
    def submit(self, shape: str, n: int) -> None:
        calls = [kit_add(i) for i in range(n)]
        shapes: dict[str, Workflow[Any]] = {
            "chain": chain(kit_add(1), kit_fatal("x"), kit_sum()),
            "group": group(calls, on_failure="continue"),
            "strict": chord(calls, kit_sum()),
            "chord": chord(calls, kit_sum(), on_failure="continue"),
            "nested": chain(kit_add(1), group(calls), chord([kit_add(2), *calls], kit_sum(), on_failure="continue")),
        }
        workflow = self.new_id()
        laid = layout.lay_out(shapes[shape], workflow)
        plan = laid.plan(60)
        self.call("stage", workflow, plan.last, *[f for row in plan.rows for f in row])
        assert self.call("submit", workflow, shape, 60_000, job_head(shape, b"{}"), plan.kept()) == 1
        assert self.call("submit", workflow, shape, 60_000, job_head(shape, b"{}"), plan.kept()) == 0, "it starts once"
        nodes = [node.id for node in laid.nodes.values() if node.call is not None]
        self.workflows[workflow] = nodes
        for node in nodes:
            state = self.redis.hget(f"invest:job:{node}", "s").decode()
            assert state in ("queued", "blocked")
            self.jobs[node] = Model(state=state, workflow=workflow)

    @rule(worker=st.sampled_from(["w1", "w2"]), free=st.integers(1, 5))
    def claim(self, worker: str, free: int) -> None:
        due = sorted(m for m, score in self.redis.zrange("arq:queue:kit", 0, -1, withscores=True) if score < 1e15)
        held = {m for m in due if self.redis.exists(b"arq:in-progress:" + m)}
        for place, member in enumerate(m for m in due if m not in held):
            self.redis.zadd("arq:queue:kit", {member: place})  # the same run must claim in the same order
        claimed, _, _ = self.call("claim", worker, 600_000, free, 1, "kit", free)
        assert len(claimed) <= free
        for row in claimed:
            model = self.jobs[row[0].decode()]
            assert model.state in ("queued", "retrying", "running"), "only what may run is claimed"
            assert row[2] == model.deliveries + 1, "the token grows with every delivery"
            assert int(row[3] or 0) == model.attempts
            if model.token:
                model.old_tokens.append(model.token)
            model.state, model.deliveries, model.token = "running", row[2], f"{worker}:{row[2]}"
        self.refresh()

    @precondition(lambda self: any(m.state == "running" for m in self.jobs.values()))
    @rule(data=st.data(), action=st.sampled_from(["succeeded", "failed", "cancelled", "retry", "back"]))
    def finish(self, data: st.DataObject, action: str) -> None:
        job_id = self.pick(data, "running")
        assert job_id is not None
        model = self.jobs[job_id]
        value = b"1" if action == "succeeded" else b'{"type":"E","message":"m","retryable":false}'
        asked = self.redis.zscore("arq:abort", job_id) is not None
        argv = (job_id, model.token, action, b'{"t":1', value, 0, b"")
        assert self.call("finish", *argv) == [b"ok"]
        model.old_tokens.append(model.token)
        if asked and action in ("retry", "back"):
            action = "cancelled"
        model.state = {"retry": "retrying", "back": "queued"}.get(action, action)
        model.attempts += action not in ("back", "cancelled")
        model.token = ""
        self.refresh()
        before = self.snapshot(job_id)
        assert self.call("finish", *argv) == [b"stale"], "finishing twice is refused"
        assert self.snapshot(job_id) == before

    def snapshot(self, job_id: str) -> Any:
        keys = [f"arq:result:{job_id}", f"arq:job:{job_id}"]
        return self.redis.hgetall(f"invest:job:{job_id}"), self.redis.mget(keys), self.redis.xlen("invest:events")

    @precondition(lambda self: any(m.old_tokens for m in self.jobs.values()))
    @rule(data=st.data())
    def stale_finish(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(i for i, m in self.jobs.items() if m.old_tokens)))
        token = data.draw(st.sampled_from(self.jobs[job_id].old_tokens))
        before = self.snapshot(job_id)
        assert self.call("finish", job_id, token, "succeeded", b'{"t":1', b"1", 0, b"") == [b"stale"]
        assert self.snapshot(job_id) == before, "a stale finish changes nothing"

    @precondition(lambda self: any(m.state == "running" for m in self.jobs.values()))
    @rule(data=st.data())
    def lapse(self, data: st.DataObject) -> None:
        job_id = self.pick(data, "running")
        self.redis.delete(f"arq:in-progress:{job_id}")
        assert self.redis.zscore("arq:queue:kit", job_id) is not None, "its queue is its visibility timeout"
        self.redis.zadd("arq:queue:kit", {job_id: 0})

    @precondition(lambda self: any(m.state == "running" for m in self.jobs.values()))
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        job_id = self.pick(data, "running")
        assert job_id is not None
        model = self.jobs[job_id]
        lost, _ = self.call("renew", "w", 600_000, 1000, "{}", job_id, model.token)
        assert lost == []
        for token in model.old_tokens:
            assert self.call("renew", "w", 600_000, 1000, "{}", job_id, token)[0] == [job_id.encode()]

    @precondition(lambda self: bool(self.jobs))
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job_id = data.draw(st.sampled_from(sorted(self.jobs)))
        model = self.jobs[job_id]
        (reply,) = self.call("cancel", "why", job_id)
        if model.state in FINAL:
            assert reply == b"final"
        elif model.state == "running":
            assert reply == b"asked"
        else:
            assert reply == b"cancelled"
            model.state = "cancelled"
        self.refresh()

    @precondition(lambda self: bool(self.workflows))
    @rule(data=st.data())
    def cancel_workflow(self, data: st.DataObject) -> None:
        workflow = data.draw(st.sampled_from(sorted(self.workflows)))
        self.call("cancel", "why", workflow)
        self.refresh()
        assert all(self.jobs[n].state in FINAL | {"running"} for n in self.workflows[workflow])

    @precondition(lambda self: bool(self.workflows))
    @rule(data=st.data())
    def retry_workflow(self, data: st.DataObject) -> None:
        workflow = data.draw(st.sampled_from(sorted(self.workflows)))
        nodes = self.workflows[workflow]
        state = self.redis.hget(f"invest:job:{workflow}", "s").decode()
        reply = self.call("retry", workflow)
        if state == "succeeded":
            assert reply == b"succeeded"
        elif state == "running" or any(self.jobs[n].state not in FINAL for n in nodes):
            assert reply == b"running"
        else:
            assert reply == b"ok"
            for node in nodes:
                model = self.jobs[node]
                if model.state != "succeeded":
                    model.state, model.attempts = "blocked", 0
            self.refresh()

    @precondition(lambda self: any(m.state == "failed" and not m.workflow for m in self.jobs.values()))
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        found = sorted(i for i, m in self.jobs.items() if m.state == "failed" and not m.workflow)
        job_id, fresh = data.draw(st.sampled_from(found)), self.new_id()
        reply = self.call("replay", job_id, fresh, b"")
        if reply:
            assert reply.decode() == fresh
            self.jobs[fresh] = Model()
            assert self.call("replay", job_id, self.new_id(), b"") == b"", "a double click acts once"

    @invariant()
    def every_job_is_where_its_state_says(self) -> None:
        members = {key: self._members(key) for key in sorted(set(INDEX.values()))}
        queue = {m.decode() for m in self.redis.zrange("arq:queue:kit", 0, -1)}
        for job_id, model in self.jobs.items():
            homes = [index for index, ids in members.items() if job_id in ids]
            replayed = model.state == "failed" and self.redis.hexists(f"invest:job:{job_id}", "ra")
            expected = [] if model.state == "blocked" or replayed else [INDEX[model.state]]
            assert homes == expected, (job_id, model.state, homes)
            assert (job_id in queue) == (model.state in ("queued", "retrying", "running")), (job_id, model.state)
            assert int(self.redis.hget(f"invest:job:{job_id}", "d") or 0) == model.deliveries
            if model.state == "running":
                assert self.redis.hget(f"invest:job:{job_id}", "tk").decode() == model.token
            if model.state == "blocked":
                assert self.redis.scard(f"invest:pending:{job_id}") > 0, "a blocked job waits for something"
        assert queue <= set(self.jobs)

    def _members(self, index: str) -> set[str]:
        return {m.decode() for name in NAMES for m in self.redis.zrange(f"invest:{index}:{name}", 0, -1)}

    @invariant()
    def a_workflow_is_open_exactly_as_long_as_it_can_move(self) -> None:
        for workflow, nodes in self.workflows.items():
            state = self.redis.hget(f"invest:job:{workflow}", "s").decode()
            if state not in FINAL:
                assert any(self.jobs[n].state in ("queued", "retrying", "running") for n in nodes), "it is stuck"
                assert self.redis.scard(f"invest:pending:{workflow}") == 1
            else:
                assert self.redis.exists(f"arq:result:{workflow}")
                assert all(self.jobs[n].state in FINAL | {"running"} for n in nodes), "something is left behind"


def test_no_order_of_transitions_breaks_the_scripts(redis_url: str) -> None:
    Scripts.url = redis_url
    run_state_machine_as_test(
        Scripts,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
