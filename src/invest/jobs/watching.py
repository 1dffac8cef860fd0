"""Alerts: what people asked to be told of, looked at against the newest stored data."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from invest.domain.alerts import Alert, AlertEvent, Watched, evaluate
from invest.domain.positions import derive
from invest.settings import Settings
from invest.store import Store

NEWS_BACK = timedelta(days=3)
ACTIONS_BACK = timedelta(days=30)


async def evaluate_all(store: Store, settings: Settings) -> tuple[int, Sequence[AlertEvent]]:
    """Look at every active alert; (how many there are, what is new). One cause fires an alert once, however often."""
    alerts = await store.alerts.list()
    if not alerts:
        return 0, ()
    watched = await watch(store, settings, alerts)
    return len(alerts), await store.alerts.record(evaluate(alerts, watched))


async def watch(store: Store, settings: Settings, alerts: Sequence[Alert]) -> Watched:
    """The newest data of every asset that an alert names or a watched portfolio holds."""
    now = settings.now()
    holdings = {i: await _held(store, i) for i in sorted({a.portfolio_id for a in alerts if a.portfolio_id})}
    tickers = sorted({a.ticker for a in alerts if a.ticker} | {t for held in holdings.values() for t in held})
    latest, analyses, actions = await asyncio.gather(
        store.observations.latest_many(tickers),
        store.analyses.latest_many(tickers),
        store.actions.of_many(tickers, since=(now - ACTIONS_BACK).date()),
    )
    news = await asyncio.gather(*(store.news.latest(t, since=now - NEWS_BACK) for t in tickers))
    return Watched(
        now=now,
        closes={t: values["close"] for t, values in latest.items() if "close" in values},
        figures={t: {f.key: f.value for f in a.facts if f.value is not None} for t, a in analyses.items()},
        news=dict(zip(tickers, news, strict=True)),
        actions=actions,
        holdings=holdings,
    )


async def _held(store: Store, portfolio_id: str) -> list[str]:
    portfolio = await store.portfolios.get(portfolio_id)
    return sorted(derive(portfolio.transactions).held) if portfolio is not None else []
