"""Alerts through the job: every kind fires once on fresh data, and on nothing old."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from invest.domain.alerts import Alert, AlertKind
from invest.domain.analysis.asset_analysis import analyse
from invest.domain.analysis.inputs import AnalysisInput
from invest.domain.market.assets import ActionKind, Asset, CorporateAction, NewsItem
from invest.domain.market.bars import Bars
from invest.domain.market.calendar import market_day, sessions_between
from invest.domain.market.tickers import AssetKind
from invest.domain.portfolios.portfolio import Operation, Transaction
from invest.domain.values.observations import Consensus
from invest.jobs.analysis.alerts import evaluate_alerts
from tests.integration.jobs.job_platform import Platform

HASH = "a" * 64
FUND = Asset(ticker="FNDA11", kind=AssetKind.ETF)


def walk(now: datetime, until: datetime) -> AnalysisInput:
    """An analysis of the day `until`, looked at `now`."""
    days = sessions_between(market_day(until) - timedelta(days=600), market_day(until))
    close = 50 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, len(days))))
    shares = np.full(len(days), 1e6)
    bars = Bars("FNDA11", days, close, close * 1.01, close * 0.99, close, shares, shares * close, np.ones(len(days)))
    return AnalysisInput(asset=FUND, bars=bars, now=now)


async def test_every_kind_of_alert_fires_once_and_old_figures_fire_nothing(platform: Platform) -> None:
    store, now = platform.store, platform.settings.now()
    made = now - timedelta(hours=1)
    day = market_day(now)
    bought = Transaction(
        date=day - timedelta(days=20), ticker="FNDA11", operation=Operation.BUY, quantity=Decimal(10), price=Decimal(40)
    )
    portfolio, _ = await store.portfolios.create("P", [bought])
    figure = {"field": "rsi_14", "comparison": ">", "level": Decimal(0)}
    wishes: dict[str, dict[str, Any]] = {
        "price": {"ticker": "FNDA11", "kind": AlertKind.PRICE, "comparison": "<=", "level": Decimal(30)},
        "above": {"ticker": "FNDA11", "kind": AlertKind.PRICE, "comparison": ">", "level": Decimal(30)},
        "figure": {"ticker": "FNDA11", "kind": AlertKind.INDICATOR, **figure},
        "old": {"ticker": "FNDB11", "kind": AlertKind.INDICATOR, **figure},
        "news": {"portfolio_id": portfolio.id, "kind": AlertKind.NEWS, "level": Decimal("-0.2")},
        "income": {"portfolio_id": portfolio.id, "kind": AlertKind.DIVIDEND},
    }
    for name, wish in wishes.items():
        await store.alerts.save(Alert(id=name, created_at=made, **wish))
    await store.observations.choose(
        [
            Consensus(
                ticker="FNDA11",
                field="close",
                value=Decimal("29.5"),
                basis="raw",
                unit="BRL",
                as_of=now,
                source="brapi",
                payload=HASH,
                sources=("brapi",),
                n=1,
                agreement=1.0,
                confidence=0.9,
                chosen_at=now,
            )
        ]
    )
    fresh, stopped = analyse(walk(now, now)), analyse(walk(now, now - timedelta(days=30)))
    await store.analyses.save(fresh, stopped.model_copy(update={"ticker": "FNDB11", "analysis_id": "old"}))
    await store.news.upsert(
        [
            NewsItem(
                id=hashlib.sha256(title.encode()).hexdigest(),
                title=title,
                outlet="J",
                published_at=now,
                fetched_at=now,
                source="rss",
                payload=HASH,
                tickers=("FNDA11",),
                sentiment=tone,
            )
            for title, tone in (("Fundo cai", -0.6), ("Fundo sobe", 0.6))
        ]
    )
    await store.actions.upsert(
        [
            CorporateAction(
                ticker="FNDA11",
                kind=ActionKind.INCOME,
                last_date_with=day,
                amount=Decimal("0.80"),
                source="b3",
                payload=HASH,
            )
        ]
    )

    first = await platform.run(evaluate_alerts())
    again = await platform.run(evaluate_alerts())

    assert first.alerts == again.alerts == 6
    assert sorted(event.alert_id for event in first.fired) == ["figure", "income", "news", "price"]
    assert next(e for e in first.fired if e.alert_id == "news").message == "FNDA11: Fundo cai (J)"
    assert again.fired == []
    kept = await store.alerts.events(portfolio_id=portfolio.id)
    assert {event.alert_id for event in kept} == {"news", "income"}
