"""Refreshing many assets at once: prices of the session, statements newly filed, news of every feed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from invest.domain.assets import Asset
from invest.domain.consensus import choose_all
from invest.domain.observations import Consensus, Observation
from invest.domain.recognition import Names
from invest.domain.tickers import AssetKind
from invest.jobs.collecting import describe, pack
from invest.settings import Settings
from invest.sources import Gathered, Sources
from invest.store import Store

Report = Callable[[float, float | None, str], Awaitable[None]]
PAGE = 500
TRADED = (
    AssetKind.STOCK,
    AssetKind.UNIT,
    AssetKind.FII,
    AssetKind.ETF,
    AssetKind.BDR,
    AssetKind.CRYPTO,
    AssetKind.INDEX,
)


async def active_assets(store: Store) -> list[Asset]:
    """Every active asset on record."""
    return await store.assets.list(kinds=TRADED, active=True, limit=100_000)


async def companies(store: Store) -> list[Asset]:
    """Every active asset whose issuer files statements."""
    return [a for a in await active_assets(store) if a.cnpj and a.kind in (AssetKind.STOCK, AssetKind.UNIT)]


async def update_prices(
    store: Store, sources: Sources, settings: Settings, tickers: Sequence[str], report: Report
) -> dict[str, str]:
    """Ask for prices in pages, choose and store; the errors by ticker, of those that got no price."""
    errors: dict[str, str] = {}
    for at in range(0, len(tickers), PAGE):
        page = tickers[at : at + PAGE]
        gathered = await sources.prices(page)
        await _store_prices(store, settings, page, gathered)
        priced = {o.ticker for g in gathered for o in g.observations}
        reasons = [describe(g.outcome) for g in gathered if g.outcome.status not in ("ok", "not_modified")]
        reason = "no source gave a price" + (f" ({'; '.join(reasons)})" if reasons else "")
        errors |= {t: reason for t in page if t not in priced}
        await report(at + len(page), len(tickers), "prices")
    return errors


async def _store_prices(store: Store, settings: Settings, tickers: Sequence[str], gathered: Sequence[Gathered]) -> None:
    now = settings.now()
    latest = await store.observations.latest_many(tickers)
    by_ticker: dict[str, list[Observation]] = defaultdict(list)
    for g in gathered:
        for o in g.observations:
            by_ticker[o.ticker].append(o)
    chosen: list[Consensus] = []
    for ticker, observations in sorted(by_ticker.items()):
        chosen += choose_all(observations, now, last_known=latest.get(ticker, {})).values()
    await store.save_gathered(pack(None, gathered, chosen))


async def update_statements(
    store: Store, sources: Sources, settings: Settings, tickers: Sequence[str], report: Report
) -> tuple[int, dict[str, str]]:
    """Fetch and store statements filed since the newest stored one of each company; (new lines, errors by ticker)."""
    errors: dict[str, str] = {}
    lines = 0
    for at in range(0, len(tickers), PAGE):
        page = tickers[at : at + PAGE]
        assets = await store.assets.get_many(page)
        filing = [a for t in page if (a := assets.get(t)) is not None and a.cnpj]
        errors |= {t: "no company on record: collect it first" for t in page if not (t in assets and assets[t].cnpj)}
        since = {a.cnpj: await store.statements.newest(cnpj=a.cnpj) for a in filing if a.cnpj}
        gathered = await sources.fundamentals(filing, since)
        lines += (await store.save_gathered(pack(None, gathered, ()))).statements
        if failed := [g for g in gathered if g.outcome.status in ("failed", "rejected")]:
            said = "; ".join(describe(g.outcome) for g in failed)
            errors |= {a.ticker: said for a in filing if all(not g.usable for g in gathered)}
        await report(at + len(page), len(tickers), "statements")
    return lines, errors


async def update_news(store: Store, sources: Sources, settings: Settings, limit: int) -> tuple[int, dict[str, str]]:
    """Fetch every feed, keep what is new (at most `limit`), tagged with the assets it names; (new items, by source)."""
    gathered = await sources.news(limit, names=Names.of(await active_assets(store)))
    saved = await store.save_gathered(pack(None, gathered, ()))
    outcomes = {g.source: describe(g.outcome) for g in gathered}
    if gathered and all(g.outcome.status == "failed" for g in gathered):
        raise ConnectionError("no feed could be read: " + "; ".join(outcomes.values()))
    return saved.news, outcomes


async def update_macro(store: Store, sources: Sources) -> int:
    """Fetch the series of the economy since their newest stored point; how many points were new."""
    gathered = await sources.macro(since=await store.macro.series())
    return (await store.save_gathered(pack(None, gathered, ()))).macro
