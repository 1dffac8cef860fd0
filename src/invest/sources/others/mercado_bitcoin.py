"""Mercado Bitcoin's public API (v4): daily candles and prices of coins in reais. On by default, needs no key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from invest.domain.market import AssetKind, Bar
from invest.domain.values import Basis, Harvest, RawPayload
from invest.sources.client import Response, SourceClient
from invest.sources.errors import Malformed, NotAvailable, SourceError, SourceRefused
from invest.sources.model import YEARS, Answer, Identity, Reading, Want, failed
from invest.sources.numerals import instant, number, rounded
from invest.sources.plausible import against_bars, believe, off_by

DAY = timedelta(days=1)
CENT = Decimal("0.01")
BATCH = 40  # pairs in one request for prices


class MercadoBitcoinSource:
    """Second source of coins: bars by UTC day, the price of now."""

    name = "mercado_bitcoin"

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Closed daily bars since the last known one, and the last price."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if not _traded_here(want):
            reading.remark("trades coins against the real only")
            return reading.close("skipped")
        start = want.bars_until + DAY if want.bars_until and not want.force else want.now.date() - YEARS * 366 * DAY
        params = {
            "symbol": want.ticker,
            "resolution": "1d",
            "from": str(int(datetime.combine(start, time(), UTC).timestamp())),
            "to": str(int(want.now.timestamp())),
        }
        answer = await self._get(client, "/api/v4/candles", params, want.ticker)
        reading.keep(answer.payload)
        today = want.now.astimezone(UTC).date()
        rows = bars_of(answer.json(), want.ticker, answer.payload.sha256)
        reading.add(
            Harvest(bars=believe(reading, want, [bar for bar in rows if start <= bar.day < today], today - DAY))
        )
        prices = await self._get(client, "/api/v4/tickers", {"symbols": want.ticker}, want.ticker)
        if wrong := _observe(reading, want, tickers_of(prices.json()).get(want.ticker), prices.payload):
            return reading.discard(wrong)
        return reading.close()

    async def prices(self, client: SourceClient, wants: Sequence[Want]) -> list[Answer]:
        """The prices of now of many pairs, some per request."""
        answers, conf = [], client.settings.source(self.name)
        for want in wants:
            if not _traded_here(want):
                reading = Reading(self.name, conf, want.ticker)
                reading.remark("trades coins against the real only")
                answers.append(reading.close("skipped"))
        coins = [want for want in wants if _traded_here(want)]
        for at in range(0, len(coins), BATCH):
            answers += await self._batch(client, coins[at : at + BATCH])
        return answers

    async def _batch(self, client: SourceClient, wants: Sequence[Want]) -> list[Answer]:
        pairs = ",".join(want.ticker for want in wants)
        try:
            answer = await self._get(client, "/api/v4/tickers", {"symbols": pairs}, pairs)
            entries = tickers_of(answer.json())
        except SourceError as error:
            return [failed(self.name, want.ticker, error) for want in wants]
        answers = []
        for want in wants:
            reading = Reading(self.name, client.settings.source(self.name), want.ticker)
            if want.ticker not in entries:
                reading.remark("not in the answer")
                answers.append(reading.close("empty"))
                continue
            wrong = _observe(reading, want, entries[want.ticker], answer.payload)
            answers.append(reading.discard(wrong) if wrong else reading.close())
        return answers

    async def _get(self, client: SourceClient, path: str, params: Mapping[str, str], pair: str) -> Response:
        try:
            return await client.get(self.name, path, params=params)
        except SourceRefused as error:
            if error.status == 400 and "symbol" in error.body.lower():  # an unknown pair is a 400
                raise NotAvailable(self.name, f"no such pair {pair}") from None
            raise


def _traded_here(want: Want) -> bool:
    return want.kind is AssetKind.CRYPTO and want.ticker.endswith("-BRL")


def bars_of(data: object, ticker: str, payload: str) -> list[Bar]:
    """Bars of an answer of columns (t seconds, o, h, l, c in BRL, v in coins), by UTC day. Raises `Malformed`.

    The turnover is coins times the middle of high, low and close: the exchange gives no money.
    """
    columns = [data.get(name) for name in "tohlcv"] if isinstance(data, Mapping) else []
    if len(columns) != 6 or not all(isinstance(column, list) for column in columns):
        raise Malformed("mercado_bitcoin", "candles are no columns")
    found = {bar.day: bar for bar in _rows([list(column or ()) for column in columns], ticker, payload)}
    return [found[day] for day in sorted(found)]


def _rows(columns: Sequence[Sequence[Any]], ticker: str, payload: str) -> Iterator[Bar]:
    for stamp, *figures in zip(*columns, strict=False):
        moment = instant(stamp) if isinstance(stamp, int) and not isinstance(stamp, bool) else None
        opening, high, low, close, coins = map(number, figures)
        if moment is None or close is None:
            continue
        prices = [price for price in (high, low, close) if price is not None]
        money = rounded(coins * sum(prices) / len(prices), CENT) if coins and abs(coins) < 10**12 else None
        day: date = moment.astimezone(UTC).date()
        yield Bar(ticker, day, opening, high, low, close, None, money, None, "mercado_bitcoin", payload)


def tickers_of(data: object) -> dict[str, Mapping[str, Any]]:
    """Prices by pair. Raises `Malformed`."""
    if not isinstance(data, list):
        raise Malformed("mercado_bitcoin", "prices are no list")
    return {str(row.get("pair") or "").upper(): row for row in data if isinstance(row, Mapping)}


def _observe(reading: Reading, want: Want, entry: Mapping[str, Any] | None, payload: RawPayload) -> str | None:
    """Note the price of now; the reason where it is not to be believed."""
    price, moment = (number(entry.get("last")), instant(entry.get("date"))) if entry else (None, None)
    if entry is None or price is None or price <= 0 or moment is None:
        return "no price"
    if wrong := off_by(price, want.now.date(), want):
        return wrong
    if against_bars(reading, want, price, want.now.date()):
        return None
    reading.keep(payload)
    reading.observe("close", price, moment, payload, basis=Basis.RAW)
    coins = number(entry.get("vol"))
    turnover = rounded(coins * price, CENT) if coins else None
    reading.observe("turnover", turnover, moment, payload, basis=Basis.RAW)
    reading.identity = Identity(kind=AssetKind.CRYPTO, active=True)
    return None
