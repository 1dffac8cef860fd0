"""brapi.dev: quotes, history, fundamentals modules, dividends. Needs BRAPI_TOKEN for all but four tickers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from invest.domain.market import AssetKind, last_closed_session, market_day
from invest.domain.values import Harvest, RawPayload
from invest.sources.brapi import crypto as brapi_crypto
from invest.sources.brapi import format as fmt
from invest.sources.client import Response, SourceClient
from invest.sources.errors import Implausible, Malformed, NotAvailable, SourceError, SourceRefused
from invest.sources.model import Answer, Reading, Want, failed
from invest.sources.numerals import number
from invest.sources.plausible import against_bars, believe, off_by, payable

INDICES = frozenset({"^BVSP"})
FREE = frozenset({"PETR4", "VALE3", "MGLU3", "ITUB4"})
RANGES = {"5d": 5, "1mo": 28, "3mo": 89, "6mo": 180, "1y": 364, "2y": 729, "5y": 1825, "10y": 3650}
MODULES = "summaryProfile,defaultKeyStatistics,financialData"
PLAN_SAYS_NO = frozenset({400, 402, 403, 417})


class BrapiSource:
    """Second source of prices and figures, first of cryptos."""

    name = "brapi"

    def __init__(self) -> None:
        self._plain = False  # the plan has no modules: learnt from the first refusal

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Quote, figures, history and dividends of one asset."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if reading.conf.token is None and want.ticker not in FREE:
            reading.remark("needs BRAPI_TOKEN")
            return reading.close("skipped")
        if want.kind is AssetKind.INDEX and want.ticker not in INDICES:
            reading.remark("is asked for the Ibovespa only")
            return reading.close("skipped")
        if want.kind is AssetKind.CRYPTO:
            return await brapi_crypto.collect(client, want, reading)
        answer = await self._quote(client, want)
        entry = fmt.by_symbol(fmt.results_of(self.name, answer.json())).get(want.ticker)
        if entry is None:
            raise Malformed(self.name, f"the answer is not about {want.ticker}")
        if why := fmt.failed(entry):
            raise NotAvailable(self.name, why)
        reading.keep(answer.payload)
        try:
            self._read(reading, want, entry, answer.payload)
        except Implausible as error:
            return reading.discard(error.reason)
        return reading.close()

    async def prices(self, client: SourceClient, wants: Sequence[Want]) -> list[Answer]:
        """Quotes of many assets, some tickers per request as the plan allows."""
        conf = client.settings.source(self.name)
        by_ticker = {want.ticker: want for want in wants}
        named = {t: want for t, want in by_ticker.items() if want.kind is not AssetKind.INDEX or t in INDICES}
        asked = [t for t in named if conf.token is not None or t in FREE]
        coins = [t for t in asked if by_ticker[t].kind is AssetKind.CRYPTO]
        papers = [t for t in asked if t not in coins]
        groups = [self._batch(client, [by_ticker[t] for t in run]) for run in fmt.batches(papers, conf.batch)]
        groups += [brapi_crypto.prices(client, [by_ticker[t] for t in run]) for run in fmt.batches(coins, conf.batch)]
        found = [one for group in await asyncio.gather(*groups) for one in group]
        for ticker in by_ticker.keys() - set(asked):
            reading = Reading(self.name, conf, ticker)
            reading.remark("needs BRAPI_TOKEN" if ticker in named else "is asked for the Ibovespa only")
            found.append(reading.close("skipped"))
        return found

    async def _batch(self, client: SourceClient, wants: Sequence[Want]) -> list[Answer]:
        """One request; a batch that is refused for one ticker's sake is halved until that one is alone."""
        path = "/quote/" + ",".join(want.ticker for want in wants)
        try:
            answer = await client.get(self.name, path)
            entries = fmt.by_symbol(fmt.results_of(self.name, answer.json()))
        except NotAvailable as error:
            if len(wants) == 1:
                return [failed(self.name, wants[0].ticker, error)]
            half = len(wants) // 2
            parts = await asyncio.gather(self._batch(client, wants[:half]), self._batch(client, wants[half:]))
            return [one for part in parts for one in part]
        except SourceError as error:
            return [failed(self.name, want.ticker, error) for want in wants]
        return [self._price(client, want, entries.get(want.ticker), answer.payload) for want in wants]

    def _price(self, client: SourceClient, want: Want, entry: Mapping[str, Any] | None, payload: RawPayload) -> Answer:
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if entry is None or fmt.failed(entry):
            reading.remark((entry and fmt.failed(entry)) or "not in the answer")
            return reading.close("empty")
        reading.keep(payload)
        try:
            self._observe(reading, want, entry, payload)
        except Implausible as error:
            return reading.discard(error.reason)
        return reading.close()

    async def _quote(self, client: SourceClient, want: Want) -> Response:
        """The quote with everything the plan gives; without the modules where it has none."""
        span = _range(want, client.settings.source(self.name).history_range)
        params = {"range": span, "interval": "1d", "dividends": "true"}
        rich = {**params, "fundamental": "true", "modules": MODULES}
        index = want.kind is AssetKind.INDEX
        try:
            return await client.get(self.name, f"/quote/{want.ticker}", params=params if index or self._plain else rich)
        except SourceRefused as error:
            if index or self._plain or error.status not in PLAN_SAYS_NO:
                raise
        answer = await client.get(self.name, f"/quote/{want.ticker}", params=params)
        self._plain = True
        return answer

    def _observe(self, reading: Reading, want: Want, entry: Mapping[str, Any], payload: RawPayload) -> datetime | None:
        price = number(entry.get("regularMarketPrice"))
        if price and (wrong := off_by(price, market_day(want.now), want)):
            raise Implausible(self.name, wrong)
        if price and against_bars(reading, want, price, market_day(want.now)):
            return None
        moment = fmt.observe_quote(reading, entry, payload)
        if moment is None:
            reading.remark("no price")
        else:
            fmt.observe_figures(reading, entry, moment, payload)
            if market_day(moment) < last_closed_session(want.now):
                reading.remark(f"its newest price is of {market_day(moment)}")
        return moment

    def _read(self, reading: Reading, want: Want, entry: Mapping[str, Any], payload: RawPayload) -> None:
        known_isin = want.asset.isin if want.asset else None
        found = fmt.actions(entry, want.ticker, known_isin, payload.sha256, self.name, remark=reading.reject)
        reading.add(Harvest(actions=payable(reading, want, found)))
        last = last_closed_session(want.now)
        rows = fmt.bars(entry, want.ticker, want.kind, payload.sha256, self.name)
        since = max(filter(None, (want.bars_until, last_split(reading, want))), default=None)
        rows = [bar for bar in rows if since is None or bar.day > since]
        reading.add(Harvest(bars=believe(reading, want, rows, last, only_sessions=True)))
        if self._observe(reading, want, entry, payload) is not None:
            reading.identity = fmt.identity(entry)


def last_split(reading: Reading, want: Want) -> date | None:
    """Day of the newest known change of the share count: brapi's earlier closes are adjusted for it, so not raw."""
    days = [
        a.last_date_with
        for a in (*reading.harvest.actions, *want.splits)
        if a.factor and a.last_date_with < want.now.date()
    ]
    return max(days, default=None)


def _range(want: Want, longest: str) -> str:
    """The shortest range that reaches back to what is known, at most the plan's longest."""
    limit = RANGES.get(longest, 10_000)
    if want.bars_until is None or want.force:
        return longest
    missing = (want.now.date() - want.bars_until + timedelta(days=1)).days
    fitting = [name for name, days in RANGES.items() if missing <= days <= limit]
    return fitting[0] if fitting else longest
