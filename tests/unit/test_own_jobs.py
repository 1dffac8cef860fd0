"""A user's own jobs: in this process by `invest.testing`, found by ``--app`` and entry points."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any, NamedTuple

import own_channel
import pytest
from own_jobs import Momentum, momentum, research, study, verdict

from invest import plugins
from invest.engine import Context, Err, GiveUp, JobFailed, Queue, Resources, Retry, chord, group, registry
from invest.errors import ConfigError
from invest.jobs.declared import added_queues
from invest.jobs.notices import installed_kinds
from invest.notify import Message, MessageRefused
from invest.sources.registry import upstreams
from invest.store import Store
from invest.testing import eager

tried = Queue("tried", concurrency=1, timeout=10, soft_timeout=None, retry=Retry(retries=2, delay=60))
attempts: list[int] = []


@tried.job()
async def tried_halve(ctx: Context, number: int) -> float:
    """Half of an even number."""
    if number % 2:
        raise GiveUp(f"{number} is odd")
    return number / 2


@tried.job()
async def tried_third_time(ctx: Context) -> int:
    """Succeed at the third attempt."""
    attempts.append(ctx.attempt)
    if ctx.attempt < 3:
        raise OSError("not yet")
    return ctx.attempt


@tried.job()
async def tried_sum(ctx: Context) -> float:
    """The sum of a group; failures count nothing."""
    await ctx.progress(1, 2, "half way")
    return sum(outcome.value for outcome in await ctx.results(float) if outcome.ok)


@tried.job()
async def tried_hand_over(ctx: Context, number: int) -> float:
    """Let another job give the result."""
    return tried_halve(number)  # type: ignore[return-value] # a job may return a call instead of its result


@pytest.fixture(scope="module", autouse=True)
def forget() -> Iterator[None]:
    """Leave no job behind."""
    yield
    registry.remove(tried_halve, tried_third_time, tried_sum, tried_hand_over, momentum, verdict)


class Row(NamedTuple):
    """A price."""

    close: Decimal


class FakeStore:
    """Two closes of one paper."""

    def __init__(self, *closes: str) -> None:
        self.bars = self
        self._rows = [Row(Decimal(close)) for close in closes]

    async def rows(self, ticker: str, *, limit: int) -> list[Row]:
        return self._rows[:limit] if ticker == "PETR4" else []


def holding(store: FakeStore) -> Resources:
    """What a worker would hold open."""
    resources = Resources()
    resources.add(store, as_=Store)
    return resources


async def test_a_job_runs_at_once_with_the_dependencies_it_uses() -> None:
    async with eager(holding(FakeStore("33.00", "22.00"))) as invest:
        job = await invest.enqueue(momentum("PETR4", days=1))
        assert await job.result() == Momentum(ticker="PETR4", sessions=1, change=Decimal("0.5"))
        assert job.progress == [(1, 1, "2 sessions")]
        assert await (await invest.enqueue(study("PETR4"))).result() == "PETR4 rose 50.0%"
        lost = await invest.enqueue(momentum("VALE3"))
        with pytest.raises(JobFailed, match="no prices of VALE3"):
            await lost.result()
        assert [ran.name for ran in invest.jobs] == ["momentum", "momentum", "verdict", "momentum"]
        with pytest.raises(ValueError, match="days"):
            momentum("PETR4", days="many")  # type: ignore[arg-type]


async def test_retries_happen_at_once_and_giving_up_ends_them() -> None:
    attempts.clear()
    async with eager() as invest:
        job = await invest.enqueue(tried_third_time())
        assert await job.result() == 3 and attempts == [1, 2, 3] and job.attempts == 3
        odd = await invest.enqueue(tried_halve(3))
        assert odd.attempts == 1 and odd.error is not None and odd.error.type == "GiveUp"
        assert await (await invest.enqueue(tried_hand_over(8))).result() == 4


async def test_groups_and_chords_follow_their_policy() -> None:
    async with eager() as invest:
        assert await (await invest.enqueue(group(tried_halve(2), tried_halve(4)))).result() == [1, 2]
        broken = await invest.enqueue(group(tried_halve(2), tried_halve(3)))
        with pytest.raises(JobFailed, match="3 is odd"):
            await broken.result()
        some = await invest.enqueue(group([tried_halve(2), tried_halve(3)], on_failure="continue"))
        outcomes: Any = await some.result()
        assert [o["ok"] for o in outcomes] == [True, False]
        total = await invest.enqueue(chord([tried_halve(2), tried_halve(3)], tried_sum(), on_failure="continue"))
        assert await total.result() == 1 and total.progress == [(1, 2, "half way")]
        never = await invest.enqueue(chord([tried_halve(3)], tried_sum()))
        assert never.error is not None and not isinstance(never, Err)


def test_an_app_is_a_module_or_its_list_of_queues(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("own_jobs:queues", "own_jobs", "own_jobs:queues, own_jobs"):
        monkeypatch.setenv("INVEST_APP", name)
        assert set(added_queues()) == {research}
    for name, said in (
        ("no_such_module:queues", "no_such_module cannot be imported"),
        ("own_jobs:nothing", "own_jobs has no nothing"),
        ("own_jobs:Momentum", "expected invest.engine.Queue"),
    ):
        monkeypatch.setenv("INVEST_APP", name)
        with pytest.raises(ConfigError, match=said):
            added_queues()
    (tmp_path / "broken_app.py").write_text("raise RuntimeError('on purpose')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("INVEST_APP", "broken_app:queues")
    with pytest.raises(ConfigError, match="broken_app cannot be imported: on purpose"):
        added_queues()
    monkeypatch.delenv("INVEST_APP")
    assert added_queues() == []


class OwnNews:
    """A source of a user's package."""

    name = "own_news"

    async def news(self, client: object, limit: int) -> list[object]:
        return []


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Pretend that a package with an entry point is installed."""

    def install(group: str, value: str) -> None:
        plugins.installed.cache_clear()
        points = EntryPoints([EntryPoint("own", value, group)])
        monkeypatch.setattr(plugins, "entry_points", lambda group: points.select(group=group))

    monkeypatch.setitem(sys.modules, "own_module", sys.modules[__name__])
    yield install
    plugins.installed.cache_clear()


def test_entry_points_bring_queues_and_sources(entry: Any) -> None:
    entry("invest.jobs", "own_jobs:queues")
    assert added_queues() == [research]
    entry("invest.sources", "own_module:OwnNews")
    assert upstreams(lambda name: True).news[-1].name == "own_news"
    assert "own_news" not in upstreams(lambda name: name != "own_news").names
    entry("invest.sources", "own_module:Row")
    with pytest.raises((ConfigError, TypeError)):
        upstreams(lambda name: True)
    entry("invest.sources", "own_module:attempts")
    with pytest.raises(ConfigError, match="can do nothing that a source does"):
        upstreams(lambda name: True)
    entry("invest.jobs", "own_module:not_there")
    with pytest.raises(ConfigError, match=r"invest\.jobs 'own' of an installed package cannot be loaded"):
        added_queues()


async def test_entry_points_bring_kinds_of_channels(
    entry: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_channel, "FOLDER", tmp_path / "desks")
    entry("invest.channels", "own_channel:Desk")
    desk = installed_kinds()["desk"]
    assert desk.check("desk.txt") == "desk.txt"
    with pytest.raises(MessageRefused, match="expected the name of a file"):
        desk.check("../desk.txt")
    await desk.send("desk.txt", Message("PETR4", "close 29.9 <= 30"))
    assert (tmp_path / "desks" / "desk.txt").read_text("utf-8") == "PETR4: close 29.9 <= 30\n"
    entry("invest.channels", "own_jobs:research")
    with pytest.raises(ConfigError, match="expected a name, check and send"):
        installed_kinds()
    entry("invest.channels", "own_jobs:queues")
    with pytest.raises(ConfigError, match="expected a name, check and send"):
        installed_kinds()
