"""The command line beside a running web process, on real servers: what one does the other sees at once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from invest.api.access import keyring as access
from invest.domain.values.choice import choose
from invest.domain.values.observations import Observation
from invest.engine import Invest
from invest.settings import Settings
from invest.store import Store
from tests.command_line import command_line
from tests.integration.api.api_kit import API, Door, door_fail, open_door, working
from tests.integration.api.test_process import environment

pytest_plugins = ["tests.integration.api.api_fixtures"]


@dataclass
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """stdout, which must be one JSON document and nothing else."""
        return json.loads(self.out)


class Cli:
    """`invest` as processes that use the test's servers."""

    def __init__(self, platform: Settings, folder: Path) -> None:
        self._told = {**environment(platform, 0), "INVEST_DATA_DIR": str(folder / "data")}
        self._folder = folder

    async def __call__(self, *arguments: str, code: int = 0, stdin: str = "", **more: str) -> Done:
        """Run one command; its exit code is asserted."""
        ended = await asyncio.to_thread(command_line().run, arguments, self._told | more, self._folder, stdin)
        done = Done(ended.returncode, ended.stdout, ended.stderr)
        assert done.code == code, done
        assert "Traceback" not in done.err, done
        return done

    async def many(self, *verbs: tuple[str, ...]) -> list[str]:
        """What several commands that succeed say on stdout, one after the other."""
        return [(await self(*verb)).out for verb in verbs]


@pytest.fixture
def invest(platform: Settings, tmp_path: Path) -> Cli:
    """The command line."""
    return Cli(platform, tmp_path)


@pytest.fixture
async def locked(platform: Settings) -> AsyncIterator[Door]:
    """A web server that asks for keys."""
    async with open_door(platform.model_copy(update={"web": platform.web.model_copy(update={"auth": "on"})})) as door:
        yield door


async def test_a_key_made_by_the_command_line_opens_the_api_within_its_scope_until_it_is_revoked(
    invest: Cli, locked: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "CACHE_SECONDS", 0.0)
    made = await invest("keys", "create", "phone", "--scope", "read")
    headers = {"X-Api-Key": made.out.strip()}
    assert re.fullmatch(r"inv_\w{8}_[\w-]{43}\n", made.out) and "shown this once" in made.err
    await locked.ask("GET", f"{API}/tasks/active", headers=headers, status=200)
    await locked.ask("POST", f"{API}/assets/async/collect?ticker=PETR4", headers=headers, status=403)
    await locked.ask("GET", f"{API}/audit", headers=headers, status=403)

    [listed] = (await invest("keys", "ls", "--json")).json()
    assert (listed["name"], listed["scopes"]) == ("phone", ["read"]) and listed["last_used_at"]
    assert made.out.strip() not in str(listed)

    rotated = (await invest("keys", "rotate", listed["id"], "--json")).json()
    await locked.ask("GET", f"{API}/tasks/active", headers=headers, status=401)
    fresh = {"Authorization": f"Bearer {rotated['key']}"}
    await locked.ask("GET", f"{API}/tasks/active", headers=fresh, status=200)

    assert (await invest("keys", "revoke", rotated["id"], "--yes", "--json")).json() == {
        "id": rotated["id"],
        "revoked": True,
    }
    await locked.ask("GET", f"{API}/tasks/active", headers=fresh, status=401)
    again = await invest("keys", "revoke", rotated["id"], "--yes", code=2)
    assert again.err == f"invest: no key {rotated['id']!r} in force; `invest keys ls --revoked` lists them all\n"
    assert (await invest("keys", "ls")).out.strip() == "no keys"


async def test_a_key_ends_on_its_day(invest: Cli) -> None:
    made = (await invest("keys", "create", "guest", "--scope", "write", "--days", "7", "--json")).json()
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert 6.9 < left.total_seconds() / 86400 < 7.1


async def test_a_key_asks_for_its_own_quotas_and_an_admin_for_any(invest: Cli, locked: Door) -> None:
    made = (await invest("keys", "create", "phone", "--scope", "read", "--json")).json()
    mine = {"INVEST_URL": locked.url, "INVEST_KEY": made["key"]}
    own = (await invest("keys", "quotas", "--json", **mine)).json()
    assert own["portfolios"] == [0, Settings().quotas.portfolios]
    assert (await invest("keys", "quotas", made["id"], "--json")).json() == own
    assert "needs a key with scope admin" in (await invest("keys", "quotas", made["id"], code=1, **mine)).err


async def test_data_quality_tells_what_is_stored_and_what_to_do_where_nothing_is(
    invest: Cli, platform: Settings
) -> None:
    [empty] = await invest.many(("data", "quality", "petr4"))
    assert "nothing is stored of PETR4" in " ".join(empty.split())
    observations = [seen("brapi", "31.40"), seen("b3_cotahist", "31.42")]
    async with Store.open(platform) as store:
        await store.observations.insert(observations)
        await store.observations.choose([choose(observations, now=AT)])
    table, fields = await invest.many(("data", "quality", "PETR4"), ("data", "quality", "PETR4", "--json"))
    [field] = json.loads(fields)
    assert (field["field"], field["value"], field["agreement"]) == ("price", "31.42", 1.0)
    assert "31.42 BRL" in table and max(map(len, table.splitlines())) <= 80


AT = datetime(2026, 3, 31, 21, tzinfo=UTC)


def seen(source: str, value: str) -> Observation:
    """One source's word on one field."""
    return Observation(
        ticker="PETR4",
        field="price",
        value=Decimal(value),
        as_of=AT,
        source=source,
        payload="0" * 64,
        fetched_at=AT,
        official=source == "b3_cotahist",
    )


async def test_the_ais_record_is_told_before_any_opinion_is_closed(invest: Cli) -> None:
    said, data = await invest.many(("ai", "track-record"), ("ai", "track-record", "--json"))
    assert "no opinion is closed yet" in said and json.loads(data)["lines"] == []


async def test_what_the_ais_cost_is_told_by_day_and_purpose(invest: Cli, platform: Settings, web_door: Door) -> None:
    today = datetime.now(UTC).date()
    async with Store.open(platform) as store:
        await store.spend.record("c1", today, "openai", Decimal("0.0123"), model="gpt-6.1-terra", tokens_in=900)
        await store.spend.record("c2", today, "openai", Decimal("0.08"), model="gpt-6.1-terra", outcome="cut")
    said, data = await invest.many(("ai", "spend"), ("ai", "spend", "--json", "--days", "1"))
    assert "today US$ 0.0923 of 10.00 a day" in said and "gpt-6.1-terra" in said
    told = json.loads(data)
    assert (told["calls"], told["lines"][0]["cut"]) == (2, 1)
    answer = (await web_door.ask("GET", f"{API}/ai/spend?since={today}&until={today}", status=200)).json()
    assert (Decimal(answer["total_usd"]), answer["since"]) == (Decimal("0.0923"), str(today))
    await web_door.ask("GET", f"{API}/ai/spend?since=2026-02-01&until=2026-01-01", status=422)
    metrics = (await web_door.ask("GET", "/metrics", status=200)).body.decode()
    assert 'invest_ai_cost_usd_today{provider="openai"} 0.0923' in metrics
    assert "invest_ai_budget_usd 10" in metrics


async def test_each_exit_code_comes_from_what_happened(invest: Cli, platform: Settings) -> None:
    async with Invest.connect(platform) as engine, working(platform):
        failed = await engine.enqueue(door_fail())
        told = await invest("jobs", "wait", failed.id, code=1)
        assert "there is no such thing" in told.err and len(told.err.splitlines()) == 1
    late = await invest("enqueue", "collect", "PETR4", "--wait", "--timeout", "0.2", code=124)
    assert "did not finish within 0.2 s" in late.err
    await invest("jobs", "show", "nobody", code=2)
    away = await invest("workers", code=3, REDIS_URL="redis://127.0.0.1:1/0")
    assert len(away.err.splitlines()) == 1


async def test_a_job_is_queued_shown_and_cancelled_and_the_api_agrees(invest: Cli, web_door: Door) -> None:
    queued = (await invest("enqueue", "collect", "PETR4", "--json")).json()
    path = f"{API}/tasks/{queued['task_id']}/status"
    assert (await web_door.ask("GET", path, status=200)).json()["state"] == "PENDING"
    listed = (await invest("jobs", "ls", "--state", "queued", "--json")).json()
    assert [job["id"] for job in listed["items"]] == [queued["task_id"]]
    assert (await invest("jobs", "cancel", queued["task_id"], "--json")).json()["cancelled"] is True
    assert (await web_door.ask("GET", path, status=200)).json()["state"] == "REVOKED"
    assert (await invest("jobs", "cancel", queued["task_id"], "--json", code=1)).json()["cancelled"] is False


async def test_a_queue_is_purged_only_when_that_was_meant(invest: Cli) -> None:
    await invest("enqueue", "news", "--json")
    kept = await invest("queues", "purge", "data_collection", stdin="n\n", code=1)
    assert not kept.out.strip() and kept.err.endswith("invest: nothing was done\n")
    done = await invest("queues", "purge", "data_collection", "--yes", "--json")
    assert done.json() == {"queue": "data_collection", "cancelled": 1}


async def test_every_verb_with_json_says_nothing_else_on_stdout(invest: Cli) -> None:
    verbs: tuple[tuple[str, ...], ...] = (
        ("jobs", "ls"),
        ("dlq", "ls"),
        ("dlq", "replay", "--all"),
        ("dlq", "discard", "--all", "--dry-run"),
        ("schedule", "ls"),
        ("schedule", "pause", "update_news_feed"),
        ("schedule", "resume", "update_news_feed"),
        ("schedule", "run", "update_news_feed"),
        ("workflows", "ls"),
        ("queues", "stats"),
        ("workers",),
        ("db", "status"),
        ("db", "migrate"),
        ("config", "show"),
        ("jobs", "types"),
        ("analyse", "PETR4"),
    )
    for said in await invest.many(*((*verb, "--json") for verb in verbs)):
        json.loads(said)
