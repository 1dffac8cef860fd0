"""RSS of news outlets: title, link, outlet, summary and time of each item, never its full text."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from invest.domain.market import NewsItem
from invest.domain.news import Recogniser, hints, plain
from invest.domain.values import Harvest, RawPayload
from invest.sources.client import Response, SourceClient
from invest.sources.errors import SourceError
from invest.sources.feeds.format import SEARCHED, distinct, entries_of, item
from invest.sources.model import Answer, Reading, Want

OUTLETS: Mapping[str, str] = {
    "infomoney": "InfoMoney",
    "agenciabrasil": "Agência Brasil",
    "g1": "G1",
    "valor": "Valor Econômico",
    "moneytimes": "Money Times",
}
FRESH = 300.0  # seconds a feed is taken as it was; then asked with If-None-Match
KEPT = 32  # answers whose items are kept, so that each is read once


@dataclass(frozen=True, slots=True)
class Headline:
    """One item of a feed before anybody asked whom it is about. `plain`: what may name an asset, to look through."""

    item: NewsItem
    plain: str

    def recognised(self, known: Recogniser) -> NewsItem:
        """The item with the assets it names, by its title, else by the start of its summary."""
        tickers = known.tickers_in(self.item.title) or known.tickers_in(self.item.summary[:SEARCHED])
        return self.item.model_copy(update={"tickers": tickers}) if tickers else self.item


class RssSource:
    """Feeds of the settings, each under a name of its own."""

    name = "rss"

    def __init__(self, known: Recogniser | None = None) -> None:
        self.known = known if known is not None else Recogniser()
        self._read: OrderedDict[tuple[str, str], list[Headline]] = OrderedDict()

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """What the feeds say about one asset."""
        about = (want.ticker, want.asset.name if want.asset else None, want.kind)
        self.known.add(*about)
        reading, headlines = await self._all(client, FRESH)
        reading.ticker = want.ticker
        words = hints(*about)
        likely = [h.recognised(self.known) for h in headlines if any(word in h.plain for word in words)]
        reading.add(Harvest(news=[one for one in likely if want.ticker in one.tickers]))
        used = {one.payload for one in reading.harvest.news}
        reading.payloads = {sha: payload for sha, payload in reading.payloads.items() if sha in used}
        if not reading.harvest.news:
            reading.remark("no news of it in the feeds")
        return reading.close()

    async def news(self, client: SourceClient, limit: int) -> list[Answer]:
        """The newest items across feeds, each once."""
        reading, headlines = await self._all(client, 0)
        reading.add(Harvest(news=distinct([h.recognised(self.known) for h in headlines])[:limit]))
        return [reading.close()]

    async def _all(self, client: SourceClient, fresh_for: float) -> tuple[Reading, list[Headline]]:
        """Every feed at once; those that fail are remarked. Raises `SourceError` where all do."""
        conf = client.settings.source(self.name)
        reading, headlines = Reading(self.name, conf), list[Headline]()
        results = await asyncio.gather(
            *(self._feed(client, name, url, fresh_for) for name, url in conf.feeds.items()), return_exceptions=True
        )
        problems: list[SourceError] = []
        for name, result in zip(conf.feeds, results, strict=True):
            if isinstance(result, SourceError):
                problems.append(result)
                reading.remark(f"{name}: {result.reason}")
            elif isinstance(result, BaseException):
                raise result
            else:
                payload, found = result
                reading.keep(payload)
                headlines += found
        if problems and len(problems) == len(results):
            raise problems[0]
        return reading, headlines

    async def _feed(
        self, client: SourceClient, name: str, url: str, fresh_for: float
    ) -> tuple[RawPayload, list[Headline]]:
        """One feed, read once per answer: a batch asks for the same answers once per asset."""
        answer = await client.get(self.name, url, kind="rss", fresh_for=fresh_for)
        key = (answer.payload.sha256, name)
        found = self._read.get(key)
        if found is None:
            found = await client.flights.join(f"feed:{key}", lambda: asyncio.to_thread(read_feed, name, answer))
            self._read[key] = found
            while len(self._read) > KEPT:
                self._read.popitem(last=False)
        return answer.payload, found


def read_feed(name: str, answer: Response) -> list[Headline]:
    """The items of a feed, nobody recognised in them yet. Raises `Malformed`."""
    nobody, outlet = Recogniser(), OUTLETS.get(name, name)
    entries = entries_of(RssSource.name, answer.body)
    items = (item(e, outlet=outlet, source=RssSource.name, payload=answer.payload, known=nobody) for e in entries)
    return [Headline(one, plain(f"{one.title} {one.summary[:SEARCHED]}")) for one in items if one is not None]
