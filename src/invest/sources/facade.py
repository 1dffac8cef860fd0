"""One facade over all enabled upstreams: asked concurrently and independently, each with its own outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import structlog

from invest.domain.market import Asset, BarTable, StatementLine, market_day
from invest.domain.values import SourceOutcome
from invest.errors import ServerAway
from invest.settings import Settings
from invest.sources.client import Pruned, SourceClient, prune
from invest.sources.errors import SourceError
from invest.sources.model import Answer, Delivery, PriceSource, Status, Want, failed
from invest.sources.registry import Upstreams, upstreams

log = structlog.get_logger(__name__)

WHOLE_HISTORIES = 16  # assets read whole at a time: each lies in memory, years of bars and accounts, until it is stored
PATIENCE = 900.0  # seconds one source may take for one call; shared downloads go on beyond it


class Sources:
    """The enabled upstreams of one process. Build it with `Sources.open`; share it between all jobs of the process."""

    def __init__(self, client: SourceClient, sources: Upstreams) -> None:
        self._client = client
        self._sources = sources
        self._remarked: set[str] = set()
        self.whole_histories = asyncio.Semaphore(WHOLE_HISTORIES)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, redis: Any = None) -> AsyncIterator[Sources]:
        """The sources that settings enable; limits and breakers are shared through `redis` where given."""
        async with SourceClient.open(settings, redis) as client:
            yield cls(client, upstreams(lambda name: settings.source(name).enabled))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the enabled sources."""
        return self._sources.names

    @property
    def client(self) -> SourceClient:
        """The client beneath, for tools and tests."""
        return self._client

    def know(self, assets: Iterable[Asset]) -> None:
        """Teach the news sources which assets to recognise in titles."""
        for asset in assets:
            self._sources.known.add(asset.ticker, asset.name, asset.kind)

    async def collect(self, want: Want, only: Collection[str] | None = None) -> list[Answer]:
        """Everything about one asset, from all enabled sources (or those named) at once.

        Raises `ServerAway`, never `SourceError`.
        """
        chosen = [source for source in self._sources.assets if only is None or source.name in only]
        ask = self._client
        return list(await asyncio.gather(*(self._one(s.name, want.ticker, s.collect(ask, want)) for s in chosen)))

    async def prices(self, wants: Sequence[Want]) -> list[Answer]:
        """Current prices of many assets, in as few requests as the plans allow; one answer per source and asset."""
        answers = await asyncio.gather(*(self._prices(source, wants) for source in self._sources.prices))
        return [answer for group in answers for answer in group]

    async def news(self, limit: int) -> list[Answer]:
        """The newest items of every news source, `limit` each at most."""
        chosen = self._sources.news
        answers = await asyncio.gather(*(self._several(s.name, s.news(self._client, limit)) for s in chosen))
        return [answer for group in answers for answer in group]

    async def macro(self, want: Want, since: Mapping[str, date] | None = None) -> list[Answer]:
        """Macro series since their newest known days (`since`, by series). `want` only tells the time."""
        ask, known = self._client, since or {}
        chosen = self._sources.macro
        return list(await asyncio.gather(*(self._one(s.name, None, s.macro(ask, want, known)) for s in chosen)))

    async def listed(self) -> list[Asset]:
        """Every paper of B3's newest session: shares, units, funds, receipts. Raises `SourceError`."""
        ask = self._client
        return [asset for s in self._sources.listings for asset in await s.listed(ask, ask.settings.now())]

    async def filings(self, since: date, want: Want) -> list[Delivery]:
        """Documents that companies delivered to CVM since that day: whose fundamentals are worth collecting again.

        Raises `SourceError` where CVM does not answer: the caller then knows nothing, which is not "nothing new".
        """
        today = market_day(want.now)
        return [each for s in self._sources.filings for each in await s.filings(self._client, since, today)]

    async def quotes_of(self, year: int, tickers: Collection[str], rows: int) -> AsyncIterator[BarTable]:
        """Bars of a past year from B3's file of it, about `rows` at a time. Raises `SourceError`."""
        for archive in self._sources.archives:
            async for table in archive.quotes_of(self._client, year, tickers, rows):
                yield table

    async def reports_of(self, year: int, companies: Collection[str], lines: int) -> AsyncIterator[list[StatementLine]]:
        """Lines of companies' yearly reports of a year, about `lines` at a time. Raises `SourceError`."""
        for index in self._sources.filings:
            async for part in index.reports_of(self._client, year, companies, lines):
                yield part

    async def share_files(self, hashes: Collection[str]) -> set[str]:
        """Bring large files that lie here to the object store; those of `hashes` it has. Raises `ServerAway`."""
        return await self._client.common.share(hashes)

    async def prune(self, spare: Collection[str] = ()) -> Pruned:
        """Prune this machine's fetched files as the settings say; `spare`: SHA-256 of files that must stay."""
        http = self._client.settings.http
        folder = self._client.memory.folder
        return await asyncio.to_thread(prune, folder, days=http.cache_days, max_bytes=http.cache_max_bytes, spare=spare)

    async def _prices(self, source: PriceSource, wants: Sequence[Want]) -> list[Answer]:
        results = await self._several(source.name, source.prices(self._client, wants))
        if len(results) == 1 and results[0].ticker is None and wants:
            outcome = results[0].outcome
            return [Answer(source.name, outcome, ticker=want.ticker) for want in wants]
        answered = {result.ticker for result in results}
        for want in wants:
            if want.ticker not in answered:
                missing = SourceOutcome(source=source.name, status="failed", reason="not in any answer")
                results.append(Answer(source.name, missing, ticker=want.ticker))
        return results

    async def _several(self, name: str, call: Awaitable[list[Answer]]) -> list[Answer]:
        """A call with several results, timed; one failed answer where it fails as a whole."""
        collected: list[Answer] = []

        async def work() -> Answer:
            collected.extend(await call)
            return Answer(name, SourceOutcome(source=name, status="ok"))

        whole = await self._one(name, None, work())
        if whole.outcome.status != "ok":
            return [whole]
        return [
            replace(one, outcome=one.outcome.model_copy(update={"seconds": whole.outcome.seconds})) for one in collected
        ]

    async def _one(self, name: str, ticker: str | None, work: Awaitable[Answer]) -> Answer:
        """Run one source's work under its time limit; what goes wrong becomes its outcome."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                found = await work
        except TimeoutError:
            found = _unasked(name, ticker, "failed", f"no result within {PATIENCE:.0f} s")
        except SourceError as error:
            found = failed(name, ticker, error)
        except ServerAway:
            raise  # no fault of the source: the job is handed back
        except Exception as error:  # a fault of ours in one source must not hide the others
            log.exception("a source failed unexpectedly", source=name, ticker=ticker)
            found = _unasked(name, ticker, "failed", f"unexpected {type(error).__name__}")
        if found.outcome.status == "skipped":
            self._remark_once(name, found.outcome.reason)
        seconds = round(time.perf_counter() - started, 3)
        return replace(found, outcome=found.outcome.model_copy(update={"seconds": seconds}))

    def _remark_once(self, name: str, reason: str | None) -> None:
        if reason and "needs" in reason and name not in self._remarked:
            self._remarked.add(name)
            log.warning("source skipped", source=name, reason=reason)


def _unasked(name: str, ticker: str | None, status: Status, reason: str) -> Answer:
    return Answer(name, SourceOutcome(source=name, status=status, reason=reason[:500]), ticker=ticker)
