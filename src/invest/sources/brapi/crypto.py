"""brapi's cryptos: ``/v2/crypto?coin=BTC&currency=BRL``. Coins trade round the clock; days are UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any

from invest.domain.market import AssetKind
from invest.domain.values import Basis, Harvest, RawPayload
from invest.sources.brapi import format as fmt
from invest.sources.client import Response, SourceClient
from invest.sources.errors import Malformed, NotAvailable, SourceError
from invest.sources.model import Answer, Identity, Reading, Want, failed
from invest.sources.numerals import instant, number
from invest.sources.plausible import against_bars, believe, off_by


async def collect(client: SourceClient, want: Want, reading: Reading) -> Answer:
    """Quote and daily history of one pair."""
    answer, entries = await _ask(client, [want], reading.conf.history_range)
    coin = want.ticker.partition("-")[0]
    entry = entries.get(coin)
    if entry is None:
        raise Malformed(reading.source, f"the answer is not about {coin}")
    if why := fmt.failed(entry):
        raise NotAvailable(reading.source, why)
    reading.keep(answer.payload)
    rows = fmt.bars(entry, want.ticker, AssetKind.CRYPTO, answer.payload.sha256, reading.source)
    rows = [bar for bar in rows if want.bars_until is None or bar.day > want.bars_until]
    yesterday = want.now.astimezone(UTC).date() - timedelta(days=1)
    reading.add(Harvest(bars=believe(reading, want, rows, yesterday)))
    wrong = _observe(reading, want, entry, answer.payload)
    return reading.discard(wrong) if wrong else reading.close()


async def prices(client: SourceClient, wants: Sequence[Want]) -> list[Answer]:
    """Quotes of pairs, those of one currency per request."""
    found = []
    for currency in sorted({want.ticker.partition("-")[2] for want in wants}):
        same = [want for want in wants if want.ticker.endswith(f"-{currency}")]
        try:
            answer, entries = await _ask(client, same, None)
        except SourceError as error:
            found += [failed("brapi", want.ticker, error) for want in same]
            continue
        for want in same:
            reading = Reading("brapi", client.settings.source("brapi"), want.ticker)
            entry = entries.get(want.ticker.partition("-")[0])
            if entry is None or fmt.failed(entry):
                reading.remark((entry and fmt.failed(entry)) or "not in the answer")
            else:
                reading.keep(answer.payload)
                if wrong := _observe(reading, want, entry, answer.payload):
                    found.append(reading.discard(wrong))
                    continue
            found.append(reading.close())
    return found


async def _ask(
    client: SourceClient, wants: Sequence[Want], span: str | None
) -> tuple[Response, dict[str, Mapping[str, Any]]]:
    currency = wants[0].ticker.partition("-")[2]
    params = {"coin": ",".join(want.ticker.partition("-")[0] for want in wants), "currency": currency}
    if span:
        params |= {"range": span, "interval": "1d"}
    answer = await client.get("brapi", "/v2/crypto", params=params)
    data = answer.json()
    coins = data.get("coins") if isinstance(data, Mapping) else None
    if not isinstance(coins, list):
        raise Malformed("brapi", "no coins in the answer")
    return answer, {str(coin.get("coin") or "").upper(): coin for coin in coins if isinstance(coin, Mapping)}


def _observe(reading: Reading, want: Want, entry: Mapping[str, Any], payload: RawPayload) -> str | None:
    """Take the figures of a coin; the reason where they are not plausible."""
    price = number(entry.get("regularMarketPrice"))
    moment = instant(entry.get("regularMarketTime"))
    wrong = off_by(price, want.now.date(), want) if price and price > 0 else "no price"
    if wrong or price is None or moment is None:
        return wrong or "no time of the price"
    if against_bars(reading, want, price, want.now.date()):
        return None
    reading.observe("close", price, moment, payload, basis=Basis.RAW)
    reading.observe("turnover", number(entry.get("regularMarketVolume")) or None, moment, payload, basis=Basis.RAW)
    reading.observe("market_cap", number(entry.get("marketCap")) or None, moment, payload)
    reading.identity = Identity(
        name=str(entry.get("coinName") or want.ticker)[:120], kind=AssetKind.CRYPTO, active=True
    )
    return None
