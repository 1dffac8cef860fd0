"""Jobs that end together share a transaction, and each fares as it would alone."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from invest.domain.market.assets import ActionKind, Asset, CorporateAction, MacroPoint, NewsItem
from invest.domain.market.bars import Bar
from invest.domain.market.tickers import AssetKind
from invest.domain.values.harvest import Harvest
from invest.domain.values.observations import Observation
from invest.errors import Unreachable
from invest.local import LocalServers
from invest.settings import DatabaseSettings
from invest.store import Store
from invest.store.core.schema import migrate
from invest.store.harvests import Saved

T0 = datetime(2026, 3, 31, 20, 0, tzinfo=UTC)
HASH = "a" * 64
BLOCKED = (
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
    "WHERE NOT granted AND datname = current_database()"
)
NAMES = [f"AB{chr(65 + n // 26)}{chr(65 + n % 26)}3" for n in range(40)]


def digest(ticker: str) -> str:
    return hashlib.sha256(ticker.encode()).hexdigest()


def bar(ticker: str, day: int = 30, close: str = "38.5") -> Bar:
    return Bar(ticker, date(2026, 3, day), None, None, None, Decimal(close), None, None, None, "brapi", digest(ticker))


def observed(ticker: str, value: str = "38.50", *, fetched: datetime = T0) -> Observation:
    return Observation(
        ticker=ticker, field="close", value=Decimal(value), as_of=T0, source="brapi", payload=HASH, fetched_at=fetched
    )


def gathering(ticker: str, *, bars: int = 1) -> Harvest:
    asset = Asset(ticker=ticker, kind=AssetKind.STOCK)
    return Harvest(assets=[asset], observations=[observed(ticker)], bars=[bar(ticker, 1 + n) for n in range(bars)])


@asynccontextmanager
async def held(store: Store, writers: int) -> AsyncIterator[list[asyncio.Task[Saved]]]:
    """A store whose every writer waits for a lock, with what they write in the list; let go at the end."""
    async with store.database.transaction() as connection:
        await connection.execute("LOCK TABLE bar_series IN ACCESS EXCLUSIVE MODE")
        first: list[asyncio.Task[Saved]] = []
        while len(first) < writers:
            first.append(asyncio.create_task(store.save_harvest(gathering(f"HELD{len(first) + 3}"))))
            await blocked(store, len(first))
        yield first


async def blocked(store: Store, count: int) -> None:
    """Return once so many transactions wait for a lock."""
    async with asyncio.timeout(20):
        while await store.database.fetchval(BLOCKED) != count:  # noqa: ASYNC110 - PostgreSQL tells nobody of its locks
            await asyncio.sleep(0.01)


async def tickers(store: Store) -> set[str]:
    rows = await store.database.fetch("SELECT ticker FROM observation")
    bars = await store.database.fetch("SELECT ticker FROM bar")
    assert {r["ticker"] for r in rows} == {r["ticker"] for r in bars}, "half a gathering was stored"
    return {r["ticker"] for r in rows}


async def test_gatherings_at_the_same_time_share_transactions_and_each_learns_what_is_its_own(store: Store) -> None:
    saved = await asyncio.gather(*(store.save_harvest(gathering(t, bars=1 + n % 5)) for n, t in enumerate(NAMES)))
    assert [s.bars for s in saved] == [1 + n % 5 for n in range(len(NAMES))]
    assert await tickers(store) == set(NAMES)
    transactions = await store.database.fetchval("SELECT count(DISTINCT xmin::text) FROM observation")
    assert transactions <= 4


async def test_every_part_is_counted_for_the_one_who_brought_it(store: Store) -> None:
    def paid(ticker: str, days: Sequence[int]) -> Harvest:
        common = {"kind": ActionKind.DIVIDEND, "source": "b3", "payload": HASH}
        return Harvest(
            actions=[
                CorporateAction(ticker=ticker, last_date_with=date(2026, 3, d), amount=Decimal(1), **common)
                for d in days
            ]
        )

    def told(*words: str) -> Harvest:
        return Harvest(
            news=[
                NewsItem(id=w, title=w, outlet="x", summary="", fetched_at=T0, source="rss", payload=HASH)
                for w in words
            ]
        )

    points = [
        MacroPoint(series="sgs:12", day=date(2026, 3, d), value=Decimal(d), source="bcb", payload=HASH) for d in (1, 2)
    ]
    wanted = [paid("PETR4", [1, 2, 3]), paid("VALE3", [1]), told("a", "b"), told("c"), Harvest(macro=points)]
    async with held(store, 2) as first:
        waiting = [asyncio.create_task(store.save_harvest(one)) for one in wanted]
        await asyncio.sleep(0)
    saved = await asyncio.gather(*first, *waiting)
    assert [(s.actions, s.news, s.macro) for s in saved[2:]] == [(3, 0, 0), (1, 0, 0), (0, 2, 0), (0, 1, 0), (0, 0, 2)]
    again = await asyncio.gather(*(store.save_harvest(one) for one in wanted))
    assert again == [Saved()] * 5


async def test_a_gathering_that_is_refused_fails_alone_and_leaves_nothing(store: Store) -> None:
    bad = Harvest(observations=[observed("BADD3")], bars=[bar("BADD3", close="0")])
    jobs = [gathering(t) for t in NAMES[:10]] + [bad] + [gathering(t) for t in NAMES[10:]]
    outcomes = await asyncio.gather(*(store.save_harvest(job) for job in jobs), return_exceptions=True)
    assert [i for i, o in enumerate(outcomes) if not isinstance(o, Saved)] == [10]
    assert isinstance(outcomes[10], ValueError)
    assert "bar_close_is_a_price" in str(outcomes[10])
    assert await tickers(store) == set(NAMES)


async def test_nobody_has_a_result_before_the_commit_and_the_cancelled_store_nothing(store: Store) -> None:
    async with held(store, 2) as first:
        waiting = [asyncio.create_task(store.save_harvest(gathering(t))) for t in NAMES[:3]]
        await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.wait([waiting[1]])
        assert not any(task.done() for task in (*first, waiting[0], waiting[2]))
        assert await tickers(store) == set()
    await asyncio.gather(*first, waiting[0], waiting[2])
    assert waiting[1].cancelled()
    assert await tickers(store) == {"HELD3", "HELD4", NAMES[0], NAMES[2]}


async def test_one_who_is_cancelled_within_a_transaction_takes_nobody_along(store: Store) -> None:
    async with held(store, 2) as first:
        together = [asyncio.create_task(store.save_harvest(gathering(t))) for t in NAMES[:3]]
        await asyncio.sleep(0)
    await asyncio.gather(*first)
    async with store.database.transaction() as connection:
        await connection.execute("LOCK TABLE asset IN SHARE MODE")
        more = [asyncio.create_task(store.save_harvest(gathering(t))) for t in NAMES[3:8]]
        await blocked(store, 1)
        more[0].cancel()
        more[-1].cancel()
    outcomes = await asyncio.gather(*together, *more, return_exceptions=True)
    assert [type(o) for o in outcomes] == [Saved] * 3 + [asyncio.CancelledError] + [Saved] * 3 + [
        asyncio.CancelledError
    ]
    assert await tickers(store) >= {*NAMES[:3], *NAMES[4:7]}


async def test_two_of_the_same_asset_never_share_a_transaction_and_the_newer_value_stays(store: Store) -> None:
    newer = Harvest(observations=[observed("PETR4", "39", fetched=T0 + timedelta(hours=1))], bars=[bar("PETR4")])
    older = Harvest(observations=[observed("PETR4", "38")], bars=[bar("PETR4")])
    async with held(store, 2) as first:
        waiting = [asyncio.create_task(store.save_harvest(one)) for one in (newer, older, older, gathering("VALE3"))]
        await asyncio.sleep(0)
    saved = await asyncio.gather(*first, *waiting)
    assert sorted(s.bars for s in saved[2:5]) == [0, 0, 1], "transactions may pass each other; one of them was first"
    assert saved[5].bars == 1
    assert [o.value for o in await store.observations.of("PETR4")] == [Decimal(39)]


async def test_a_lock_that_is_not_given_fails_the_one_who_wants_it_and_not_its_neighbours(
    store: Store, database_url: str
) -> None:
    await store.database.execute("INSERT INTO bar_series (ticker) VALUES ('PETR4')")
    async with Store.open(DatabaseSettings(url=SecretStr(database_url), lock_timeout_ms=200)) as impatient:
        async with store.database.transaction() as connection:
            await connection.execute("SELECT 1 FROM bar_series WHERE ticker = 'PETR4' FOR UPDATE")
            jobs = [gathering("PETR4"), *(gathering(t) for t in NAMES[:6])]
            outcomes = await asyncio.gather(*(impatient.save_harvest(j) for j in jobs), return_exceptions=True)
        assert isinstance(outcomes[0], Unreachable)
        assert all(isinstance(o, Saved) for o in outcomes[1:])
    assert await tickers(store) == set(NAMES[:6])


async def test_connections_that_the_server_ends_in_mid_transaction_cost_nothing(store: Store) -> None:
    async with held(store, 2) as first:
        waiting = [asyncio.create_task(store.save_harvest(gathering(t))) for t in NAMES]
        await store.database.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'"
        )
        await blocked(store, 2)  # again, on connections of their own
    saved = await asyncio.gather(*first, *waiting)
    assert [s.bars for s in saved] == [1] * (len(NAMES) + 2)
    assert await tickers(store) == {"HELD3", "HELD4", *NAMES}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that PostgreSQL's account can reach."""
    with tempfile.TemporaryDirectory(prefix="invest-commits-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_a_server_that_restarts_under_them_fails_whom_it_must_and_stores_no_half(folder: Path) -> None:
    async with LocalServers.start(folder, redis=False) as servers:
        assert servers.database_url
        await migrate(servers.database_url)
        async with Store.open(servers.database_url) as store:
            jobs = [asyncio.create_task(store.save_harvest(gathering(t))) for t in NAMES]
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
            assert done
            await asyncio.to_thread(servers.close)
            outcomes = await asyncio.gather(*jobs, return_exceptions=True)
            assert {type(o) for o in outcomes} <= {Saved, Unreachable}
    async with LocalServers.start(folder, redis=False) as again:
        assert again.database_url
        async with Store.open(again.database_url) as store:
            kept = await tickers(store)
            assert kept >= {t for t, o in zip(NAMES, outcomes, strict=True) if isinstance(o, Saved)}
            await asyncio.gather(*(store.save_harvest(gathering(t)) for t in NAMES))
            assert await tickers(store) == set(NAMES)
