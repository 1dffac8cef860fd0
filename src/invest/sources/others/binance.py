"""Binance's public klines: daily bars of coins against the real or the dollar. Off by default."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from invest.domain.market import AssetKind, Bar
from invest.domain.values import Basis, Harvest
from invest.sources.client import Response, SourceClient
from invest.sources.errors import Malformed, SourceRefused
from invest.sources.model import YEARS, Answer, Identity, Reading, Want
from invest.sources.numerals import instant, number
from invest.sources.plausible import against_bars, believe

PAGE = 1000
DAY = timedelta(days=1)


class BinanceSource:
    """Second source of cryptos."""

    name = "binance"

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Closed daily bars since the last known one, and the last price."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if want.kind is not AssetKind.CRYPTO:
            reading.remark("trades coins only")
            return reading.close("skipped")
        coin, _, currency = want.ticker.partition("-")
        pair = coin + {"BRL": "BRL", "USD": "USDT"}.get(currency, currency)
        start = want.bars_until + DAY if want.bars_until and not want.force else want.now.date() - YEARS * 366 * DAY
        begin, rows = datetime.combine(start, time(), UTC), list[Bar]()
        while begin <= want.now:
            answer = await self._page(client, pair, begin)
            page = list(bars_of(answer, want.ticker))
            reading.keep(answer.payload)
            rows += page
            if len(page) < PAGE:
                break
            if page[-1].day < begin.date():
                raise Malformed(self.name, "a page of other days than those asked for")
            begin = datetime.combine(page[-1].day + DAY, time(), UTC)
        today = want.now.astimezone(UTC).date()
        closed = [bar for bar in rows if bar.day < today]
        reading.add(Harvest(bars=believe(reading, want, closed, today - DAY)))
        fits = rows and not against_bars(reading, want, rows[-1].close, rows[-1].day)
        if fits and (reading.harvest.bars or not closed):
            payload = reading.payloads[rows[-1].payload]
            moment = want.now if rows[-1].day == today else datetime.combine(rows[-1].day, time(23, 59, 59), UTC)
            reading.observe("close", rows[-1].close, moment, payload, basis=Basis.RAW)
            reading.identity = Identity(kind=AssetKind.CRYPTO, active=True)
        return reading.close()

    async def _page(self, client: SourceClient, pair: str, begin: datetime) -> Response:
        millis = int(begin.timestamp() * 1000)
        params = {"symbol": pair, "interval": "1d", "startTime": str(millis), "limit": str(PAGE)}
        try:
            return await client.get(self.name, "/api/v3/klines", params=params)
        except SourceRefused as error:
            if error.status == 400:  # an unknown pair is a 400 with code -1121
                raise SourceRefused(self.name, f"no such pair {pair}", 400) from None
            raise


def bars_of(answer: Response, ticker: str) -> Iterator[Bar]:
    """Bars of klines: open time in ms, open, high, low, close, coins, close time, money, trades. Raises `Malformed`."""
    data = answer.json()
    if not isinstance(data, list):
        raise Malformed("binance", "klines are no list")
    for row in data:
        if not isinstance(row, list) or len(row) < 9 or not isinstance(row[0], int):
            continue
        moment, prices = instant(row[0] / 1000), [number(value) for value in row[1:5]]
        close = prices[3]
        if moment is None or close is None:
            continue
        turnover, trades = number(row[7]), number(row[8])
        yield Bar(
            ticker,
            moment.date(),
            prices[0],
            prices[1],
            prices[2],
            close,
            None,
            turnover,
            int(trades) if trades else None,
            "binance",
            answer.payload.sha256,
        )
