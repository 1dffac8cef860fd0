"""Alerts, evaluated against the newest stored data."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from invest.domain.alerts import Alert, AlertEvent, Watched, evaluate
from invest.domain.market import market_day
from invest.domain.portfolios import Book, Transaction, positions_of
from invest.engine import Context
from invest.jobs.notices import announce_alerts
from invest.jobs.queues import ANALYSIS, NEVER, PERIODIC
from invest.jobs.results import (
    AlertsEvaluated,
)
from invest.settings import Settings
from invest.store import Store

NEWS_BACK = timedelta(days=3)


ACTIONS_BACK = timedelta(days=30)


FIGURES_BACK = timedelta(days=7)  # an analysis of older data fires nothing


@ANALYSIS.job(retry=PERIODIC, key="alerts", give_up_on=NEVER, cron="*/10 * * * *", catch_up="skip", owner="everybody")
async def evaluate_alerts(ctx: Context) -> AlertsEvaluated:
    """Look at every alert against the newest data; what fired is kept and told of, each cause once."""
    count, fired = await evaluate_all(ctx.use(Store), ctx.use(Settings))
    await announce_alerts(ctx)
    return AlertsEvaluated(alerts=count, fired=list(fired), timestamp=datetime.now(UTC))


async def evaluate_all(store: Store, settings: Settings) -> tuple[int, Sequence[AlertEvent]]:
    """Look at every active alert; (how many there are, what is new). One cause fires an alert once, however often."""
    alerts = await store.alerts.list()
    if not alerts:
        return 0, ()
    watched = await watch(store, settings, alerts)
    return len(alerts), await store.alerts.record(evaluate(alerts, watched))


async def _book(store: Store, settings: Settings, booked: Sequence[Transaction]) -> Book:
    """The positions as metrics and reports see them."""
    known = await store.portfolios.known(booked, prices=False)
    return positions_of(booked, known, market_day(settings.now()))


async def watch(store: Store, settings: Settings, alerts: Sequence[Alert]) -> Watched:
    """The newest data of every asset that an alert names or a watched portfolio holds."""
    now = settings.now()
    owners = sorted({a.portfolio_id for a in alerts if a.portfolio_id})
    booked = await store.portfolios.transactions(owners) if owners else {}
    holdings = {i: sorted((await _book(store, settings, booked.get(i, ()))).held) for i in owners}
    tickers = sorted({a.ticker for a in alerts if a.ticker} | {t for held in holdings.values() for t in held})
    latest, analyses, actions, news = await asyncio.gather(
        store.observations.latest_many(tickers),
        store.analyses.latest_many(tickers),
        store.actions.of_many(tickers, since=(now - ACTIONS_BACK).date()),
        store.news.latest_many(tickers, since=now - NEWS_BACK),
    )
    return Watched(
        now=now,
        closes={t: values["close"] for t, values in latest.items() if "close" in values},
        figures={
            t: {f.key: f.value for f in a.facts if f.value is not None and not f.stale}
            for t, a in analyses.items()
            if now - a.as_of <= FIGURES_BACK
        },
        news=news,
        actions=actions,
        holdings=holdings,
    )
