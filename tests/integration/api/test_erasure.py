"""What is deleted is gone: from the tables, from Redis, from the disk; and a person's request can be met."""

from __future__ import annotations

import json
import os
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from invest.api.services import SERVICES
from invest.domain.documents import StoredReport
from invest.domain.job_run import JobRun
from invest.engine import keys
from invest.jobs.exported_files import exports_folder, prune_exports, write_private
from invest.jobs.forgetting import FILTERS
from invest.local.places import data_folder
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, open_door
from tests.integration.api.test_cli import Cli

pytest_plugins = ["tests.integration.api.api_fixtures"]
TRANSACTION = {"date": "2026-01-02", "ticker": "PETR4", "operation": "buy", "quantity": "1", "price": "30"}


def report(report_id: str, portfolio_id: str | None) -> StoredReport:
    return StoredReport(
        report_id=report_id,
        report_type="portfolio",
        tickers=("PETR4",),
        portfolio_id=portfolio_id,
        language="pt-BR",
        generated_at=datetime.now(UTC),
        view={},
        content="# secret",
    )


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def made_of(store: Store, settings: Settings, portfolio_id: str, redis: Any) -> Path:
    """A report with a file, and jobs over both; the file."""
    await store.reports.save(report("rep-1", portfolio_id))
    await store.reports.save_export("rep-1", "pdf", b"%PDF", filename="rep-1.pdf", content_type="application/pdf")
    path = exports_folder(settings.data_dir) / "rep-1.pdf"
    write_private(path, b"%PDF")
    over: dict[str, dict[str, Any]] = {
        "j1": {"kwargs": {"portfolio_id": portfolio_id}},
        "j2": {"kwargs": {"report_id": "rep-1"}},
        "j3": {"kwargs": {"portfolio_ids": ["other", portfolio_id]}},
        "j4": {"kwargs": {"portfolio_id": "other"}},
    }
    error = {"message": portfolio_id}
    await store.jobs.upsert(
        [
            JobRun(id=job, state="succeeded", name="n", args=args, error=error, event_id=f"{number}-1")
            for number, (job, args) in enumerate(over.items(), 1)
        ]
    )
    for job in over:
        await redis.set(keys.ARQ_RESULT + job, b"{}")
    return path


async def test_a_deleted_portfolio_takes_everything_made_of_it(platform: Settings) -> None:
    async with open_door(platform) as web, Store.open(platform) as store:
        body = {"name": "p", "transactions": [TRANSACTION]}
        made = (await web.ask("POST", f"{API}/portfolios", json=body, status=201)).json()["id"]
        wish = {"kind": "dividend", "portfolio_id": made}
        await web.ask("POST", f"{API}/alerts", json=wish, status=201)
        redis = web.app[SERVICES].invest.redis
        path = await made_of(store, platform, made, redis)
        assert mode_of(path) == 0o600 and mode_of(path.parent) == mode_of(platform.data_dir) == 0o700
        await web.ask("DELETE", f"{API}/portfolios/{made}", status=204)
        await web.ask("GET", f"{API}/reports/rep-1", status=404)
        await web.ask("DELETE", f"{API}/portfolios/{made}", status=404)
        assert not path.exists() and await store.reports.get("rep-1") is None and not await store.alerts.list()
        for job in ("j1", "j2", "j3"):
            run = await store.jobs.get(job)
            assert run is not None and run.args is None and run.error is None
            assert not await redis.exists(keys.ARQ_RESULT + job)
        kept = await store.jobs.get("j4")
        assert kept is not None and kept.args and await redis.exists(keys.ARQ_RESULT + "j4")


async def test_a_deleted_report_takes_its_files(platform: Settings) -> None:
    async with open_door(platform) as web, Store.open(platform) as store:
        path = await made_of(store, platform, "none", web.app[SERVICES].invest.redis)
        await web.ask("DELETE", f"{API}/reports/rep-1", status=204)
        assert not path.exists()


async def test_exported_files_without_a_report_go_with_the_cleanup(platform: Settings) -> None:
    folder = exports_folder(platform.data_dir)
    for name in ("known.pdf", "orphan.pdf", ".half.pdf.0a1b", "young.pdf"):
        write_private(folder / name, b"12345")
    old = time.time() - timedelta(days=1).total_seconds()
    for name in ("known.pdf", "orphan.pdf", ".half.pdf.0a1b"):
        os.utime(folder / name, (old, old))
    assert prune_exports(platform.data_dir, frozenset({"known.pdf"})) == (2, 10)
    assert sorted(p.name for p in folder.iterdir()) == ["known.pdf", "young.pdf"]


def test_a_data_folder_is_its_owners_alone(tmp_path: Path) -> None:
    for folder in (tmp_path / "new", tmp_path / "open"):
        if folder.name == "open":
            folder.mkdir(mode=0o777)
            folder.chmod(0o777)
        assert mode_of(data_folder(folder)) & 0o066 == 0


@pytest.fixture
def invest(platform: Settings, tmp_path: Path) -> Cli:
    """The command line."""
    return Cli(platform, tmp_path)


async def test_a_persons_request_is_met_by_two_commands(platform: Settings, invest: Cli, tmp_path: Path) -> None:
    locked = platform.model_copy(update={"web": platform.web.model_copy(update={"auth": "on"})})
    async with Store.open(platform) as store:
        plain, mine = await store.keys.create("Maria", ["write"])
        _, other = await store.keys.create("other", ["write"])
    headers = {"X-Api-Key": plain}
    async with open_door(locked) as web, Store.open(platform) as store:
        body = {"name": "Maria's", "transactions": [TRANSACTION]}
        repeat = headers | {"Idempotency-Key": "k"}
        made = (await web.ask("POST", f"{API}/portfolios", json=body, headers=repeat, status=201)).json()["id"]
        await web.ask("POST", f"{API}/alerts", json={"kind": "news", "ticker": "VALE3"}, headers=headers, status=201)
        await store.portfolios.create("theirs", owner=other.id)
        await store.reports.save(report("rep-1", made))
        redis = web.app[SERVICES].invest.redis
        await redis.hset(FILTERS + mine.id, "for Maria", "/rankings?min_score=7")  # type: ignore[misc] # redis-py: Awaitable
        file = tmp_path / "maria.json"
        await invest("data", "export", "--key", mine.id, "--out", str(file))
        written = json.loads(file.read_text())
        assert [p["name"] for p in written["portfolios"]] == ["Maria's"] and len(written["transactions"]) == 1
        assert len(written["alerts"]) == len(written["reports"]) == len(written["key"]) == 1
        assert written["filters"] == [{"name": "for Maria", "address": "/rankings?min_score=7"}]
        assert "key_hash" not in written["key"][0] and mode_of(file) == 0o600
        await invest("data", "erase", "--key", mine.id, code=2)  # nobody is there to be asked
        await invest("data", "erase", "--key", mine.id, "--yes")
        left = await store.erasure.of_key(mine.id)
        assert [kind for kind, rows in left.items() if rows] == ["key"]
        assert left["key"][0]["name"] == "erased" and left["key"][0]["revoked_at"]
        assert len(await store.portfolios.list()) == 1
        assert not [name async for name in redis.scan_iter(f"invest:*{mine.id}*")]
