"""What is stored of the assets that are being collected, read for those together that are asked for meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from invest.domain.market import Asset, CorporateAction, MacroPoint
from invest.domain.values import Consensus, EventReading, Observation
from invest.store.market import (
    Actions,
    Assets,
    BarStore,
    EventReadings,
    Filed,
    Macro,
    Observations,
    Payloads,
    Statements,
)
from invest.store.reads.group_reads import GroupReads

TOGETHER = 64  # assets in one read


@dataclass(frozen=True, slots=True)
class StoredAsset:
    """What is stored of one asset: nothing of it is None or empty because of an error."""

    asset: Asset | None
    latest: Mapping[str, Consensus]  # the values in force, by field
    bars_until: date | None
    official_until: date | None
    actions: Sequence[CorporateAction]
    readings: Mapping[str, EventReading]  # of its events, by source
    filed: Filed | None  # of its company; None where its CNPJ is not known


class InForce(NamedTuple):
    """The values in force by field, and the newest day with a bar."""

    latest: dict[str, Consensus]
    bars_until: date | None


class Stored(Protocol):
    """The aggregates that are read."""

    assets: Assets
    observations: Observations
    bars: BarStore
    actions: Actions
    event_readings: EventReadings
    statements: Statements
    macro: Macro
    payloads: Payloads


class AssetReads:
    """`store.asset_reads`: each verb is about one asset and costs a share of a group's round trips."""

    def __init__(self, store: Stored) -> None:
        self._store = store
        self._stored = GroupReads(self._read_stored, TOGETHER)
        self._newest = GroupReads(store.observations.newest_many, TOGETHER)
        self._in_force = GroupReads(self._read_in_force, TOGETHER)
        self._last_days = GroupReads(store.bars.last_days, TOGETHER)
        self._last_points = GroupReads(self._read_last_points, TOGETHER)
        self._kept = GroupReads(self._read_kept, TOGETHER)

    async def stored(self, ticker: str) -> StoredAsset:
        """Everything that a collection builds on."""
        return (await self._stored.get([ticker]))[ticker]

    async def newest(self, ticker: str) -> list[Observation]:
        """`store.observations.newest`."""
        return (await self._newest.get([ticker])).get(ticker, [])

    async def in_force(self, ticker: str) -> InForce:
        """What readers of the asset find now."""
        return (await self._in_force.get([ticker]))[ticker]

    async def last_day(self, ticker: str) -> date | None:
        """The newest day with a bar."""
        return (await self._last_days.get([ticker])).get(ticker)

    async def last_point(self, series: str) -> MacroPoint | None:
        """The newest value of a series."""
        return (await self._last_points.get([series])).get(series)

    async def kept(self, hashes: Sequence[str]) -> set[str]:
        """`store.payloads.kept`."""
        return set(await self._kept.get(hashes))

    async def close(self) -> None:
        """End the reads under way."""
        reads = (self._stored, self._newest, self._in_force, self._last_days, self._last_points, self._kept)
        await asyncio.gather(*(read.close() for read in reads))

    async def _read_last_points(self, series: Sequence[str]) -> dict[str, MacroPoint]:
        found = await asyncio.gather(*map(self._store.macro.last, series))
        return {point.series: point for point in found if point is not None}

    async def _read_kept(self, hashes: Sequence[str]) -> dict[str, bool]:
        return dict.fromkeys(await self._store.payloads.kept(hashes), True)

    async def _read_in_force(self, tickers: Sequence[str]) -> dict[str, InForce]:
        latest, days = await asyncio.gather(
            self._store.observations.latest_many(tickers), self._store.bars.last_days(tickers)
        )
        return {t: InForce(latest.get(t, {}), days.get(t)) for t in tickers}

    async def _read_stored(self, tickers: Sequence[str]) -> dict[str, StoredAsset]:
        assets, latest, days, actions, readings = await asyncio.gather(
            self._store.assets.get_many(tickers),
            self._store.observations.latest_many(tickers),
            self._store.bars.reach(tickers),
            self._store.actions.of_many(tickers),
            self._store.event_readings.of_many(tickers),
        )
        filed = await self._store.statements.filed_many(sorted({a.cnpj for a in assets.values() if a.cnpj}))
        found = {}
        for ticker in tickers:
            asset, (until, official) = assets.get(ticker), days.get(ticker, (None, None))
            found[ticker] = StoredAsset(
                asset,
                latest.get(ticker, {}),
                until,
                official,
                actions.get(ticker, []),
                readings.get(ticker, {}),
                filed[asset.cnpj] if asset is not None and asset.cnpj else None,
            )
        return found
