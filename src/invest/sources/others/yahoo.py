"""Yahoo's chart endpoint: daily bars and events. For personal use only, and off by default."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from invest.domain.market import (
    ActionKind,
    AssetKind,
    Bar,
    CorporateAction,
    last_closed_session,
    market_day,
    previous_session,
)
from invest.domain.values import Basis, Harvest, RawPayload
from invest.sources.client import SourceClient
from invest.sources.errors import Malformed, NotAvailable
from invest.sources.model import YEARS, Answer, Identity, Reading, Want
from invest.sources.numerals import SAO_PAULO, instant, number, positive
from invest.sources.others.yahoo_receipts import read_parity
from invest.sources.plausible import against_bars, believe, off_by, payable

DAY = timedelta(days=1)
RATIO = re.compile(r"\s*([\d.]+)\s*[:/]\s*([\d.]+)\s*")
SAME_RATIO = Decimal("0.01")  # how far the numbers and the words of one split may differ
INDICES = frozenset({"^BVSP", "^GSPC"})


class YahooSource:
    """Third source of prices."""

    name = "yahoo"

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Bars since the last known one, dividends and splits, and the price."""
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if want.kind is AssetKind.INDEX and want.ticker not in INDICES:
            reading.remark("is asked for the Ibovespa and the S&P 500 only")
            return reading.close("skipped")
        start = want.bars_until - 5 * DAY if want.bars_until and not want.force else want.now.date() - YEARS * 366 * DAY
        params = {
            "period1": str(int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())),
            "period2": str(int((want.now + DAY).timestamp())),
            "interval": "1d",
            "events": "div|split",
        }
        answer = await client.get(self.name, f"/v8/finance/chart/{symbol(want)}", params=params)
        chart = chart_of(answer.json())
        reading.keep(answer.payload)
        wrong = read(reading, want, chart, answer.payload)
        if not wrong and want.kind is AssetKind.BDR:
            await read_parity(client, reading, want)
        return reading.discard(wrong) if wrong else reading.close()


def symbol(want: Want) -> str:
    """Yahoo's name of an asset: PETR4.SA, ^BVSP, BTC-USD."""
    return want.ticker if want.kind in (AssetKind.INDEX, AssetKind.CRYPTO) else f"{want.ticker}.SA"


def chart_of(data: object) -> Mapping[str, Any]:
    """The one result of a chart answer. Raises `NotAvailable` or `Malformed`."""
    chart = data.get("chart") if isinstance(data, Mapping) else None
    if not isinstance(chart, Mapping):
        raise Malformed("yahoo", "no chart in the answer")
    error = chart.get("error")
    if isinstance(error, Mapping):
        raise NotAvailable("yahoo", str(error.get("description") or error.get("code"))[:200])
    results = chart.get("result")
    if not isinstance(results, list) or not results or not isinstance(results[0], Mapping):
        raise Malformed("yahoo", "a chart without result")
    return results[0]


def read(reading: Reading, want: Want, chart: Mapping[str, Any], payload: RawPayload) -> str | None:
    """Everything of one chart into `reading`; the reason where none of it is to be believed."""
    meta = chart.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    zone = _zone(meta)
    splits = list(_splits(reading, chart, want.ticker, zone, payload.sha256))
    events = [*splits, *_dividends(reading, chart, zone, payload.sha256, splits)]
    reading.add(Harvest(actions=payable(reading, want, events)))
    days = [split.last_date_with for split in (*splits, *want.splits) if split.factor]
    rows = bars_of(chart, want.ticker, zone, payload.sha256)
    since = max(filter(None, (want.bars_until, *days)), default=None)
    rows = [bar for bar in rows if since is None or bar.day > since]
    last = last_closed_session(want.now) if zone == SAO_PAULO else want.now.date() - DAY
    reading.add(Harvest(bars=believe(reading, want, rows, last, only_sessions=zone == SAO_PAULO)))
    return _observe(reading, want, meta, payload)


def _observe(reading: Reading, want: Want, meta: Mapping[str, Any], payload: RawPayload) -> str | None:
    price, moment = float32(meta.get("regularMarketPrice")), instant(meta.get("regularMarketTime"))
    if price is None or price <= 0 or moment is None or meta.get("currency") not in ("BRL", None):
        return None
    wrong = off_by(price, market_day(want.now), want)
    if wrong:
        return wrong
    if against_bars(reading, want, price, market_day(want.now)):
        return None
    reading.observe("close", price, moment, payload, basis=Basis.RAW)
    if market_day(moment) < last_closed_session(want.now):
        reading.remark(f"its newest price is of {market_day(moment)}")
    name = meta.get("longName") or meta.get("shortName")
    reading.identity = Identity(name=str(name)[:200] if name else None)
    return None


def float32(value: object) -> Decimal | None:
    """A price without the noise of the 32 bits it was kept in: 25.700000762939453 is 25.7."""
    exact = number(value)
    return None if exact is None else Decimal(str(np.float32(float(exact))))


def bars_of(chart: Mapping[str, Any], ticker: str, zone: ZoneInfo, payload: str) -> list[Bar]:
    """Bars with a close, one per day, days ascending. Closes are adjusted for splits, not for dividends."""
    stamps = chart.get("timestamp")
    quote = _quote(chart)
    found: dict[date, Bar] = {}
    for i, stamp in enumerate(stamps if isinstance(stamps, list) else ()):
        moment = instant(stamp)
        opening, high, low, close = (float32(_at(quote, name, i)) for name in ("open", "high", "low", "close"))
        if moment is None or close is None:
            continue
        volume = number(_at(quote, "volume", i))
        day = moment.astimezone(zone).date()
        shares = int(volume) if volume is not None else None
        found[day] = Bar(ticker, day, opening, high, low, close, shares, None, None, "yahoo", payload)
    return [found[day] for day in sorted(found)]


def _quote(chart: Mapping[str, Any]) -> Mapping[str, Any]:
    indicators = chart.get("indicators")
    quotes = indicators.get("quote") if isinstance(indicators, Mapping) else None
    return quotes[0] if isinstance(quotes, list) and quotes and isinstance(quotes[0], Mapping) else {}


def _at(quote: Mapping[str, Any], name: str, i: int) -> object:
    column = quote.get(name)
    return column[i] if isinstance(column, Sequence) and i < len(column) else None


def _zone(meta: Mapping[str, Any]) -> ZoneInfo:
    """The exchange's zone by name: the offset beside it is wrong in Brazil since daylight saving ended."""
    try:
        return ZoneInfo(str(meta.get("exchangeTimezoneName") or SAO_PAULO.key))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a directory of zones, a name too long
        return SAO_PAULO


def _events(chart: Mapping[str, Any], kind: str) -> Iterator[Mapping[str, Any]]:
    events = chart.get("events")
    rows = events.get(kind) if isinstance(events, Mapping) else None
    yield from (row for row in rows.values() if isinstance(row, Mapping)) if isinstance(rows, Mapping) else ()


def _last_with(row: Mapping[str, Any], zone: ZoneInfo) -> date | None:
    """The last session with rights: Yahoo dates events on the first one without."""
    moment = instant(row.get("date"))
    return previous_session(moment.astimezone(zone).date()) if moment else None


def _splits(
    reading: Reading, chart: Mapping[str, Any], ticker: str, zone: ZoneInfo, payload: str
) -> Iterator[CorporateAction]:
    for row in _events(chart, "splits"):
        new, old = positive(row.get("numerator")), positive(row.get("denominator"))
        match = RATIO.fullmatch(str(row.get("splitRatio") or ""))
        words = (positive(match[1]), positive(match[2])) if match else (None, None)
        if not new or not old:
            new, old = words
        last = _last_with(row, zone)
        if not new or not old or last is None:
            reading.reject(f"a split of {row.get('splitRatio')!r} without a size or a day ({last})")
        elif words[0] and words[1] and abs(words[0] / words[1] * old / new - 1) > SAME_RATIO:
            reading.reject(f"a split of {new:f} for {old:f} told as {row.get('splitRatio')} ({last})")
        elif new != old:
            kind = ActionKind.SPLIT if new > old else ActionKind.REVERSE_SPLIT
            yield CorporateAction(
                ticker=ticker, kind=kind, last_date_with=last, factor=new / old, source="yahoo", payload=payload
            )


def _dividends(
    reading: Reading, chart: Mapping[str, Any], zone: ZoneInfo, payload: str, splits: Sequence[CorporateAction]
) -> Iterator[CorporateAction]:
    """Dividends as paid: Yahoo divides earlier ones by later splits, which is undone here."""
    for row in _events(chart, "dividends"):
        amount, last = number(row.get("amount")), _last_with(row, zone)
        if not amount or last is None or amount <= 0:
            reading.reject(f"a dividend of {row.get('amount')!r} ({last})")
            continue
        for split in splits:
            if split.factor and split.last_date_with > last:
                amount *= split.factor
        yield CorporateAction(
            ticker=reading.ticker or "",
            kind=ActionKind.DIVIDEND,
            last_date_with=last,
            amount=amount,
            source="yahoo",
            payload=payload,
        )
