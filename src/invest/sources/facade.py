"""One facade over all enabled upstreams: asked concurrently and independently, each with its own outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Any, cast

import structlog

from invest.domain.market import Asset, market_day
from invest.domain.news import Recogniser
from invest.domain.values import SourceOutcome
from invest.settings import Settings
from invest.sources.b3 import CotahistSource
from invest.sources.client import Pruned, SourceClient, prune
from invest.sources.cvm import CvmSource, Filing
from invest.sources.errors import SourceError
from invest.sources.model import Gathered, Source, Status, Want, failed
from invest.sources.registry import SOURCES

log = structlog.get_logger(__name__)

PATIENCE = 900.0  # seconds one source may take for one call; shared downloads go on beyond it


class Sources:
    """The enabled upstreams of one process. Build it with `Sources.open`; share it between all jobs of the process."""

    def __init__(self, client: SourceClient, sources: Sequence[Source]) -> None:
        self._client = client
        self._sources = {source.name: source for source in sources}
        self._said: set[str] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings, redis: Any = None) -> AsyncIterator[Sources]:
        """The sources that settings enable; limits and breakers are shared through `redis` where given."""
        async with SourceClient.open(settings, redis) as client:
            built = [make() for make in SOURCES]
            yield cls(client, [source for source in built if settings.source(source.name).enabled])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the enabled sources."""
        return tuple(self._sources)

    @property
    def client(self) -> SourceClient:
        """The client beneath, for tools and tests."""
        return self._client

    def know(self, assets: Iterable[Asset]) -> None:
        """Teach the news sources which assets to recognise in titles."""
        recogniser = Recogniser.of(assets)
        for source in self._sources.values():
            if hasattr(source, "known"):
                source.known = recogniser

    async def gather(self, want: Want, only: Collection[str] | None = None) -> list[Gathered]:
        """Everything about one asset, from all enabled sources (or those named) at once. Never raises `SourceError`."""
        chosen = [source for name, source in self._sources.items() if only is None or name in only]
        ask = self._client
        return list(await asyncio.gather(*(self._one(s.name, want.ticker, _gather(s, ask, want)) for s in chosen)))

    async def prices(self, wants: Sequence[Want]) -> list[Gathered]:
        """Current prices of many assets, in as few requests as the plans allow; one `Gathered` per source and asset."""
        found = await asyncio.gather(
            *(self._prices(source, wants) for source in self._sources.values() if hasattr(source, "prices"))
        )
        return [one for group in found for one in group]

    async def news(self, limit: int) -> list[Gathered]:
        """The newest items of every news source, `limit` each at most."""
        chosen = [source for source in self._sources.values() if hasattr(source, "news")]
        found = await asyncio.gather(*(self._several(s.name, cast(Any, s).news, limit) for s in chosen))
        return [one for group in found for one in group]

    async def macro(self, want: Want, since: Mapping[str, date] | None = None) -> list[Gathered]:
        """Macro series since their newest known days (`since`, by series). `want` only tells the time."""
        chosen = [source for source in self._sources.values() if hasattr(source, "macro")]
        known = since or {}
        return list(
            await asyncio.gather(
                *(self._one(s.name, None, _macro(cast(Any, s), self._client, want, known)) for s in chosen)
            )
        )

    async def listed(self) -> list[Asset]:
        """Every paper of B3's newest session: shares, units, funds, receipts. Raises `SourceError`."""
        source = self._sources.get("cotahist")
        if not isinstance(source, CotahistSource):
            return []
        return await source.listed(self._client, self._client.settings.now())

    async def prune(self, spare: Collection[str] = ()) -> Pruned:
        """Prune this machine's fetched files as the settings say; `spare`: SHA-256 of files that must stay."""
        http = self._client.settings.http
        folder = self._client.memory.folder
        return await asyncio.to_thread(prune, folder, days=http.cache_days, max_bytes=http.cache_max_bytes, spare=spare)

    async def filings(self, since: date, want: Want) -> list[Filing]:
        """Documents that companies delivered to CVM since that day: whose fundamentals are worth collecting again.

        Raises `SourceError` where CVM does not answer: the caller then knows nothing, which is not "nothing new".
        """
        source = self._sources.get("cvm")
        if not isinstance(source, CvmSource):
            return []
        return await source.filings(self._client, since, market_day(want.now))

    async def _prices(self, source: Source, wants: Sequence[Want]) -> list[Gathered]:
        results = await self._several(source.name, cast(Any, source).prices, wants)
        if len(results) == 1 and results[0].ticker is None and wants:
            outcome = results[0].outcome
            return [Gathered(source.name, outcome, ticker=want.ticker) for want in wants]
        told = {result.ticker for result in results}
        for want in wants:
            if want.ticker not in told:
                missing = SourceOutcome(source=source.name, status="failed", reason="not in any answer")
                results.append(Gathered(source.name, missing, ticker=want.ticker))
        return results

    async def _several(
        self, name: str, call: Callable[[SourceClient, Any], Awaitable[list[Gathered]]], argument: Any
    ) -> list[Gathered]:
        """A call with several results, timed; one failed `Gathered` where it fails as a whole."""
        collected: list[Gathered] = []

        async def work() -> Gathered:
            collected.extend(await call(self._client, argument))
            return Gathered(name, SourceOutcome(source=name, status="ok"))

        whole = await self._one(name, None, work())
        if whole.outcome.status != "ok":
            return [whole]
        return [
            replace(one, outcome=one.outcome.model_copy(update={"seconds": whole.outcome.seconds})) for one in collected
        ]

    async def _one(self, name: str, ticker: str | None, work: Awaitable[Gathered]) -> Gathered:
        """Run one source's work under its time limit; what goes wrong becomes its outcome."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                found = await work
        except TimeoutError:
            found = _unasked(name, ticker, "failed", f"no result within {PATIENCE:.0f} s")
        except SourceError as error:
            found = failed(name, ticker, error)
        except Exception as error:  # a fault of ours in one source must not hide the others
            log.exception("a source failed unexpectedly", source=name, ticker=ticker)
            found = _unasked(name, ticker, "failed", f"unexpected {type(error).__name__}")
        if found.outcome.status == "skipped":
            self._say_once(name, found.outcome.reason)
        seconds = round(time.perf_counter() - started, 3)
        return replace(found, outcome=found.outcome.model_copy(update={"seconds": seconds}))

    def _say_once(self, name: str, reason: str | None) -> None:
        if reason and "needs" in reason and name not in self._said:
            self._said.add(name)
            log.warning("source skipped", source=name, reason=reason)


async def _gather(source: Source, client: SourceClient, want: Want) -> Gathered:
    return await source.gather(client, want)


async def _macro(source: Any, client: SourceClient, want: Want, since: Mapping[str, date]) -> Gathered:
    found: Gathered = await source.macro(client, want, since)
    return found


def _unasked(name: str, ticker: str | None, status: Status, reason: str) -> Gathered:
    return Gathered(name, SourceOutcome(source=name, status=status, reason=reason[:500]), ticker=ticker)
