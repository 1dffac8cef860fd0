"""What a score was worth, read over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime

from invest.domain.analysis.score_models import ScoreRecord
from invest.domain.market.tickers import Market
from invest.jobs.loading import backtest_key
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]

T0 = datetime(2026, 3, 31, 20, 0, tzinfo=UTC)


async def test_the_backtest_is_read_alone_and_beside_the_ranking(web_door: Door, platform: Settings) -> None:
    record = ScoreRecord(
        market=Market.STOCKS, computed_at=T0, as_of=date(2026, 3, 31), step_days=35, assets=12, ended=1, checked=12,
        horizons=[], verdicts=[],
    )  # fmt: skip
    async with Store.open(platform) as store:
        await store.analyses.save_ranking("stocks", {"rows": []}, T0)
        alone = await web_door.ask("GET", f"{API}/rankings/stocks", status=200)
        assert alone.json()["backtest"] is None
        await store.analyses.save_ranking(backtest_key(Market.STOCKS), record.model_dump(mode="json"), T0)
    ranking = await web_door.ask("GET", f"{API}/rankings/stocks", status=200)
    found = await web_door.ask("GET", f"{API}/backtests/stocks", status=200)
    assert ScoreRecord.model_validate(found.json()) == record
    assert ranking.json()["backtest"] == found.json()
    assert "alphalens halves it" in found.json()["convention"]
