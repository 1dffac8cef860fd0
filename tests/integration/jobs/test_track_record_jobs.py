"""Closing calls: nobody blocks the queue, the pool is closed like an analyst, late corrections keep both values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from invest.domain.market import ActionKind, Bar, CorporateAction
from invest.domain.opinions import AiConsensus, Opinion, OpinionStatus, Rating, pool, rated
from invest.jobs.analysis.track_record import close_due, learnt, record
from invest.jobs.loading import INDEX
from invest.settings import Settings
from invest.store import Store

ASKED = datetime(2026, 1, 5, 21, 30, tzinfo=UTC)
NOW = datetime(2026, 9, 30, 22, 0, tzinfo=UTC)
HASH = "0" * 64


@pytest.fixture
def chosen(settings: Callable[..., Settings], database_url: str) -> Settings:
    """Settings at a fixed instant."""
    return settings(database={"url": database_url}, as_of=NOW)


@pytest.fixture
async def store(chosen: Settings) -> AsyncIterator[Store]:
    """A store with the index, and an asset that doubled."""
    async with Store.open(chosen) as opened:
        await opened.bars.save([*bars("WEGE3", 10, 20), *bars(INDEX, 100_000, 110_000)])
        yield opened


def bars(ticker: str, first: float, last: float) -> list[Bar]:
    """Weekday closes in a straight line from 2025-12-01 to 2026-09-30."""
    days = [date(2025, 12, 1) + timedelta(days=i) for i in range(304)]
    days = [day for day in days if day.weekday() < 5]
    step = (last - first) / (len(days) - 1)
    rows = []
    for i, day in enumerate(days):
        price = Decimal(f"{first + i * step:.2f}")
        rows.append(Bar(ticker, day, price, price, price, price, 1000, price * 1000, 7, "b3_cotahist", HASH))
    return rows


def opinion(ident: str, ticker: str, p: float, provider: str = "openai", **fields: object) -> Opinion:
    base = {
        "opinion_id": ident, "ticker": ticker, "provider": provider, "vendor": provider, "model": f"{provider}-x",
        "status": OpinionStatus.OK, "p_beat_30d": p, "p_beat_90d": p, "p_beat_180d": p, "prompt_hash": "p",
        "data_hash": "d", "asked_at": ASKED, "seconds": 1.0,
    }  # fmt: skip
    return rated(Opinion.model_validate(base | fields))


async def test_a_thousand_and_one_dead_tickers_block_nobody(store: Store, chosen: Settings) -> None:
    recent = NOW - timedelta(days=40)  # over for 30 days, not yet long enough to be told dead
    dead = [opinion(f"d{i:04}", f"DEAD{i % 10}", 0.5, asked_at=recent) for i in range(1001)]
    living = opinion("z1", "WEGE3", 0.7, asked_at=recent + timedelta(hours=1))
    await store.opinions.append(*dead, living)
    assert await close_due(store, chosen) == 1
    assert [o.opinion_id for o in await store.opinions.outcomes()] == ["z1"]


async def test_an_asset_without_any_price_is_closed_as_never_traded_in_the_end(store: Store, chosen: Settings) -> None:
    await store.opinions.append(opinion("d1", "DEAD3", 0.5))
    assert await close_due(store, chosen) == 3
    outcomes = await store.opinions.outcomes()
    assert {o.reason for o in outcomes} == {"never traded within the horizon"}
    assert all(o.total_return == 0 for o in outcomes)


async def test_the_pool_is_closed_like_an_analyst_and_stands_first(store: Store, chosen: Settings) -> None:
    opinions = [opinion("o1", "WEGE3", 0.8, "openai"), opinion("o2", "WEGE3", 0.3, "google")]
    rules = opinion("r1", "WEGE3", 0.4, "rules", model="rules-1")
    pooled = pool([*opinions, rules])
    assert isinstance(pooled, AiConsensus) and pooled.rating is Rating.HOLD
    await store.opinions.append(*opinions, rules)
    await store.opinions.append_consensus("job:1:WEGE3", pooled, ASKED)
    assert await close_due(store, chosen) == 4 * 3
    assert await close_due(store, chosen) == 0
    table = await record(store)
    at = table.at(180)
    assert at[0].provider == "consensus" and not at[0].benchmark
    assert at[0].brier == pytest.approx((1 - (pooled.probability or 0)) ** 2)
    assert {line.analyst: line.benchmark for line in at}["rules (rules-1)"] is True
    known = await learnt(store)
    assert set(known.skills) == {"openai-x", "google-x", "rules-1"}
    assert (known.extremity.n, known.extremity.slope) == (0, 0.5)


async def test_a_call_is_closed_against_the_index_it_was_about(store: Store, chosen: Settings) -> None:
    await store.bars.save([*bars("HGLG11", 100, 112), *bars("^IFIX", 3_000, 3_600)])
    fund = opinion("f1", "HGLG11", 0.6, index_label="IFIX")
    before = opinion("f0", "HGLG11", 0.6)  # from when everything was asked about the IBOV
    unknown = opinion("f2", "HGLG11", 0.6, index_label="BDRX")  # not stored: it stays open
    await store.opinions.append(fund, before, unknown)
    assert await close_due(store, chosen) == 2 * 3
    closed = {o.opinion_id: o for o in await store.opinions.outcomes(horizon_days=180)}
    assert set(closed) == {"f0", "f1"}
    assert (closed["f0"].index_label, closed["f1"].index_label) == ("IBOV", "IFIX")
    assert closed["f1"].benchmark_return > closed["f1"].total_return > closed["f0"].benchmark_return
    assert (closed["f0"].beat, closed["f1"].beat) == (True, False)


async def test_a_late_split_closes_again_and_keeps_both_values(store: Store, chosen: Settings) -> None:
    await store.opinions.append(opinion("o1", "WEGE3", 0.7))
    await close_due(store, chosen)
    (before,) = await store.opinions.outcomes(horizon_days=180)
    split = CorporateAction(
        ticker="WEGE3", kind=ActionKind.SPLIT, factor=Decimal(2), last_date_with=date(2026, 3, 31),
        source="b3", payload=HASH,
    )  # fmt: skip
    await store.actions.upsert([split])
    await close_due(store, chosen)
    first, second = await store.opinions.revisions("o1", 180)
    assert first == before
    assert (second.revision, second.revised_because) == (
        2,
        f"total return {before.total_return:.4f} before, by the prices known then",
    )
    assert second.total_return == pytest.approx((1 + before.total_return) * 2 - 1, rel=1e-6)
    assert await store.opinions.outcomes(horizon_days=180) == [second]
    await close_due(store, chosen)
    assert len(await store.opinions.revisions("o1", 180)) == 2
