"""The paper at home behind a receipt, from Yahoo: a month of closes there, and the parity that they give."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from invest.domain.market import home_paper, parity
from invest.sources.client import Response, SourceClient
from invest.sources.errors import SourceError
from invest.sources.model import Reading, Want
from invest.sources.numerals import instant, number

DAY = 86_400.0
RATES = {"USD": "BRL=X"}  # Yahoo's names of a currency's price in reais
MONTH = {"range": "1mo", "interval": "1d"}


async def read_parity(client: SourceClient, reading: Reading, want: Want) -> None:
    """Observe how many receipts make one paper at home, as a month of closes of both has it; remark what lacks."""
    home = home_paper(want.ticker)
    if home is None or home.currency not in RATES:
        reading.remark("its paper at home is not known")
        return
    symbols = (f"{want.ticker}.SA", home.symbol, RATES[home.currency])
    try:
        answers = await asyncio.gather(*(_month(client, reading.source, symbol) for symbol in symbols))
    except SourceError as error:
        reading.remark(f"parity: {error.reason}")
        return
    receipts, homes, rates = (dict(_closes(answer.json())) for answer in answers)
    found = parity(sorted(receipts.items()), homes, rates)
    if found is None:
        reading.remark("its closes and those at home give no parity")
        return
    newest = max(receipts)
    for answer in answers:
        reading.keep(answer.payload)
    at = datetime.combine(newest, want.now.timetz()) if newest < want.now.date() else want.now
    reading.observe("parity", found, at, answers[1].payload, unit="x")


async def _month(client: SourceClient, source: str, symbol: str) -> Response:
    return await client.get(source, f"/v8/finance/chart/{symbol}", params=MONTH, fresh_for=DAY)


def _closes(data: object) -> list[tuple[date, float]]:
    """Closes by the calendar day of their stamp."""
    chart: Any = data.get("chart") if isinstance(data, Mapping) else None
    results = chart.get("result") if isinstance(chart, Mapping) else None
    result = results[0] if isinstance(results, list) and results and isinstance(results[0], Mapping) else {}
    stamps = result.get("timestamp")
    indicators = result.get("indicators")
    quotes = indicators.get("quote") if isinstance(indicators, Mapping) else None
    quote = quotes[0] if isinstance(quotes, list) and quotes and isinstance(quotes[0], Mapping) else {}
    closes = quote.get("close")
    if not isinstance(stamps, list) or not isinstance(closes, list):
        return []
    found = []
    for stamp, close in zip(stamps, closes, strict=False):
        moment, value = instant(stamp), number(close)
        if moment is not None and value is not None and value > 0:
            found.append((moment.date(), float(value)))
    return found
