"""Assets: the list, one asset in the report's order from what is stored now, and several beside each other."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from aiohttp import web

from invest.api.http import Problem, invalid
from invest.api.pages.forms import Form
from invest.api.pages.page import page
from invest.api.pages.rendering import render
from invest.api.pages.visit import Visit
from invest.api.routes import operations, research
from invest.api.routes.files import prices
from invest.domain.analysis import FACT_KEYS, Analysis
from invest.domain.market import Asset, Bars, InvalidTicker, parse_ticker
from invest.domain.opinions import AiConsensus, Opinion
from invest.jobs.reports import stored_of_asset
from invest.reports import LIVE, AssetReportData, AssetReportView, build_asset_view, moving_average

YEARS = 3
FRESH = timedelta(hours=24)  # between opinions of one round
AVERAGES = ((50, "amber", ""), (200, "muted", "4 3"))  # sessions, colour and dashes of a line of means
MOST = 8  # assets beside each other
COMPARED = (
    "p_l", "p_vp", "ev_ebitda", "dividend_yield", "roe", "net_margin", "net_debt_ebitda", "revenue_growth_1y",
    "return_1y", "volatility_1y", "max_drawdown_1y", "beta_1y",
)  # fmt: skip


def ticker_of(text: str) -> str:
    """The code in an address or a field. Raises 422."""
    try:
        return parse_ticker(text)
    except InvalidTicker as error:
        raise invalid("ticker", str(error)) from None


@page("GET", "/assets", section="assets")
async def assets_page(visit: Visit) -> web.StreamResponse:
    """Assets on record, found by code or name."""
    query = {"limit": "100"} | {k: x for k in ("search", "market", "cursor") if (x := visit.query(k))}
    listing = await visit.ask(research.list_assets, query=query)
    analyses = await (await visit.services.store()).analyses.latest_many([a.ticker for a in listing.items])
    next_url = visit.link(cursor=listing.next_cursor) if listing.next_cursor else None
    return render(visit, "desk/assets.html", assets=listing.items, analyses=analyses, next=next_url)


@page("POST", "/assets/collect", scope="write", section="assets")
async def collect(visit: Visit, form: Form) -> web.StreamResponse:
    """Collect an asset, analyse it, or ask the AIs about it."""
    ticker = ticker_of(form.text("ticker", limit=20))
    jobs: Mapping[str, tuple[str, dict[str, Any]]] = {
        "collect": ("collect_asset_data_async", {"ticker": ticker}),
        "analyse": ("analyze_asset_async", {"ticker": ticker}),
        "ask": ("generate_multi_ai_analysis", {"ticker": ticker}),
        "report": ("generate_report_async", {"ticker": ticker, "language": visit.words.language}),
    }
    action = form.text("action", "collect")
    if action not in jobs:
        raise invalid("action", f"one of {', '.join(jobs)}")
    name, arguments = jobs[action]
    queued = await visit.ask(operations.enqueue_job, path={"name": name}, body=arguments)
    task = quote(queued["task_id"], safe="")
    if action == "report":
        return visit.go(f"/reports/wait/{task}")
    message = visit.say("{name} is queued.", name=name)
    return visit.go(f"/assets/{ticker}" if action != "collect" else f"/ops/jobs/{task}", message)


@page("GET", "/assets/{ticker}", section="assets", live=True)
async def asset_page(visit: Visit) -> web.StreamResponse:
    """One asset, from what is stored now."""
    ticker = ticker_of(visit.http.match_info["ticker"])
    try:
        asset = await research.known(visit.request, ticker)
    except Problem as problem:
        if problem.status != 404:
            raise
        return render(visit, "desk/asset_unknown.html", status=404, ticker=ticker)
    store = await visit.services.store()
    analysis = await store.analyses.latest(ticker)
    if analysis is None:
        found = await visit.ask(prices.get_prices, path={"ticker": ticker}, query={"limit": 1})
        return render(visit, "desk/asset_new.html", asset=asset, last=found.items[0] if found.items else None)
    data = await asset_data(visit, analysis)
    view = await asyncio.to_thread(build_asset_view, data)
    reports = await store.reports.list(ticker=ticker, report_type="asset", limit=1)
    since = (visit.services.settings.now() - timedelta(days=366 * YEARS)).date()
    return render(
        visit,
        "desk/asset.html",
        asset=asset,
        view=view,
        foreign=any(opinion.language != visit.words.language and opinion.valid for opinion in data.opinions),
        known=anchors(view),
        series=price_series(visit, data.bars.since(since)),
        report=reports[0] if reports else None,
    )


async def asset_data(visit: Visit, analysis: Analysis) -> AssetReportData:
    """What the page of an asset shows, as its report would."""
    store, ticker = await visit.services.store(), analysis.ticker
    data, opinions, pooled = await asyncio.gather(
        stored_of_asset(store, visit.services.settings, analysis, visit.words.language, report_id=LIVE),
        store.opinions.history(ticker, limit=20),
        store.opinions.consensus_history(ticker, limit=10),
    )
    places = {name: place for place, name in enumerate(visit.services.settings.ai.providers)}
    newest = newest_round(opinions, visit.words.language)
    return replace(
        data,
        opinions=sorted(newest, key=lambda o: places.get(o.provider, len(places))),  # as a report asks them
        ai_consensus=fullest([(at, consensus) for _, at, consensus in pooled]),
    )


def newest_round(opinions: Sequence[Opinion], language: str) -> list[Opinion]:
    """The newest opinion of each provider, of those asked within a day of the newest; in `language` where one is."""
    found: dict[str, Opinion] = {}
    for opinion in opinions:
        if opinions[0].asked_at - opinion.asked_at > FRESH:
            continue
        kept = found.setdefault(opinion.provider, opinion)
        if kept.language != language and opinion.language == language:
            found[opinion.provider] = opinion
    return list(found.values())


def fullest(pools: Sequence[tuple[datetime, AiConsensus]]) -> AiConsensus | None:
    """Of the pools of the newest round (newest first) the one with most answers: a report by one AI hides none."""
    fresh = [consensus for at, consensus in pools if pools[0][0] - at <= FRESH]
    return max(fresh, key=lambda consensus: consensus.answered, default=None)


def anchors(view: AssetReportView) -> set[str]:
    """Ids of the facts that the page shows: references to them are links."""
    return {
        cell.anchor
        for section in view.sections
        for block in section.blocks
        if block.block == "table"
        for row in block.rows
        for cell in row
        if cell.anchor
    }


def _plain(values: Any) -> list[float | None]:
    return [round(float(v), 4) if math.isfinite(v) else None for v in values]


def price_series(visit: Visit, bars: Bars) -> dict[str, Any] | None:
    """Adjusted closes for the chart one can ask; None where there are too few."""
    if len(bars) < 2:
        return None
    adjusted = bars.adjusted
    volume = [int(v) if math.isfinite(v) and v > 0 else 0 for v in bars.volume]
    averages = [
        {"name": visit.say("MA {n}", n=n), "values": _plain(moving_average(adjusted, n)), "role": role, "dash": dash}
        for n, role, dash in AVERAGES
        if len(bars) > n
    ]
    index = bars.ticker.startswith("^")  # counts points
    title = "Closes of {ticker}, points" if index else "Adjusted closes of {ticker}, R$"
    return {
        "title": visit.say(title, ticker=bars.ticker),
        "days": [str(day) for day in bars.days],
        "lines": [{"name": bars.ticker, "values": _plain(adjusted)}],
        "averages": averages,
        "volume": volume if any(volume) else None,
        "rebase": False,
        "unit": "" if index else "R$ ",
        "gap": 10,
        "ranges": _ranges(visit),
        "range": 12,
    }


def _ranges(visit: Visit) -> Sequence[tuple[str, int]]:
    """Lengths that a chart can be asked for, in months."""
    return (
        (visit.say("1 month"), 1),
        (visit.say("6 months"), 6),
        (visit.say("1 year"), 12),
        (visit.say("3 years"), 36),
    )


@page("GET", "/compare", section="assets")
async def compare_page(visit: Visit) -> web.StreamResponse:
    """Several assets beside each other: the address names them."""
    asked = visit.query("tickers", limit=200).upper().replace(",", " ").split()
    tickers = list(dict.fromkeys(ticker_of(one) for one in asked))[:MOST]
    if not tickers:
        return render(visit, "desk/compare.html", tickers=[], assets={}, analyses={}, rows=[], series=None)
    store, since = await visit.services.store(), (visit.services.settings.now() - timedelta(days=366 * YEARS)).date()
    assets, analyses, bars = await asyncio.gather(
        store.assets.get_many(tickers), store.analyses.latest_many(tickers), store.bars.read_many(tickers, since=since)
    )
    return render(
        visit,
        "desk/compare.html",
        tickers=tickers,
        assets=assets,
        analyses=analyses,
        rows=compared(visit, tickers, analyses),
        series=compared_series(visit, tickers, assets, bars),
    )


def compared(
    visit: Visit, tickers: Sequence[str], analyses: Mapping[str, Analysis]
) -> list[tuple[str, list[str], str]]:
    """(figure, its text per asset, whose is best) for the figures that most assets have."""
    rows = []
    values = {t: {f.key: f.value for f in a.facts} for t, a in analyses.items()}
    for name in COMPARED:
        key = FACT_KEYS.get(name)
        if key is None:
            continue
        own = {t: values.get(t, {}).get(name) for t in tickers}
        known = {t: v for t, v in own.items() if v is not None}
        if not known:
            continue
        best = ""
        if key.better and len(known) > 1:
            best = max(known, key=lambda t: known[t] * (key.better or 1))
        rows.append((key.label(visit.words.language), [figure_text(visit, name, own[t]) for t in tickers], best))
    return rows


def figure_text(visit: Visit, name: str, value: float | None) -> str:
    """A figure of an analysis in its unit."""
    key, locale = FACT_KEYS[name], visit.words.locale
    if key.unit == "fraction":
        return locale.percent(value, key.decimals)
    if key.unit == "BRL":
        return locale.short_money(value)
    return locale.number(value, key.decimals)


def compared_series(
    visit: Visit, tickers: Sequence[str], assets: Mapping[str, Asset], bars: Mapping[str, Bars]
) -> dict[str, Any] | None:
    """Total returns of all on the days that any of them traded."""
    shown = [t for t in tickers if t in bars and len(bars[t]) > 1]
    if not shown:
        return None
    days = sorted({str(day) for t in shown for day in bars[t].days})
    lines = []
    for ticker in shown:
        own = dict(zip(map(str, bars[ticker].days), _plain(bars[ticker].adjusted), strict=True))
        lines.append({"name": ticker, "values": [own.get(day) for day in days]})
    title = visit.say("Return with dividends")
    return {
        "title": title,
        "days": days,
        "lines": lines,
        "rebase": True,
        "unit": "",
        "gap": 10,
        "ranges": _ranges(visit),
        "range": 12,
    }


PAGES = (assets_page, collect, asset_page, compare_page)
