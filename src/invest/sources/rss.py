"""RSS of news outlets: title, link, outlet, summary and time of each item, never its full text."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from invest.domain.recognition import Recogniser
from invest.sources.errors import SourceError
from invest.sources.http import SourceClient
from invest.sources.model import Basket, Gathered, Want
from invest.sources.news_format import distinct, entries_of, item

OUTLETS: Mapping[str, str] = {
    "infomoney": "InfoMoney",
    "agenciabrasil": "Agência Brasil",
    "g1": "G1",
    "valor": "Valor Econômico",
    "moneytimes": "Money Times",
}
FRESH = 300.0  # seconds a feed is taken as it was; then asked with If-None-Match


class RssSource:
    """Feeds of the settings, each under a name of its own."""

    name = "rss"

    def __init__(self) -> None:
        self.known = Recogniser()

    async def gather(self, client: SourceClient, want: Want) -> Gathered:
        """What the feeds say about one asset."""
        self.known.add(want.ticker, want.asset.name if want.asset else None, want.kind)
        basket = await self._all(client, FRESH)
        basket.ticker = want.ticker
        basket.news = [one for one in basket.news if want.ticker in one.tickers]
        used = {one.payload for one in basket.news}
        basket.payloads = {sha: payload for sha, payload in basket.payloads.items() if sha in used}
        if not basket.news:
            basket.remark("no news of it in the feeds")
        return basket.close()

    async def news(self, client: SourceClient, limit: int) -> list[Gathered]:
        """The newest items across feeds, each once."""
        basket = await self._all(client, 0)
        basket.news = distinct(basket.news)[:limit]
        return [basket.close()]

    async def _all(self, client: SourceClient, fresh_for: float) -> Basket:
        conf = client.settings.source(self.name)
        basket = Basket(self.name, conf)
        results = await asyncio.gather(
            *(self._feed(client, basket, name, url, fresh_for) for name, url in conf.feeds.items()),
            return_exceptions=True,
        )
        problems = [error for error in results if isinstance(error, SourceError)]
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, SourceError):
                raise result
        for name, result in zip(conf.feeds, results, strict=True):
            if isinstance(result, SourceError):
                basket.remark(f"{name}: {result.reason}")
        if problems and len(problems) == len(results):
            raise problems[0]
        return basket

    async def _feed(self, client: SourceClient, basket: Basket, name: str, url: str, fresh_for: float) -> None:
        answer = await client.get(self.name, url, kind="rss", fresh_for=fresh_for)
        payload = answer.payload
        entries = await asyncio.to_thread(entries_of, self.name, answer.body)
        outlet = OUTLETS.get(name, name)
        items = (item(e, outlet=outlet, source=self.name, payload=payload, known=self.known) for e in entries)
        basket.payloads[payload.sha256] = payload
        basket.news += [one for one in items if one is not None]
