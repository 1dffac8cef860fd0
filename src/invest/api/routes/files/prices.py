"""Daily prices: as JSON page by page, as CSV or as Parquet, as traded or adjusted."""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import io
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

import numpy as np
from aiohttp import web
from pydantic import BaseModel, Field, model_validator

from invest import extras
from invest.api.http import DAY_PLACE, Cursor, Listing, Problem, Reply, chosen_media, paged, read_day, route
from invest.api.request import Request
from invest.api.routes.models import Day, Strict
from invest.api.routes.research import TickerPath, known

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
FINEST = Decimal("1e-6")  # BRL, of an adjusted price
PRICES = ("open", "high", "low", "close")


class PriceBar(BaseModel):
    """One session, BRL; with the payload it came from. Volume and turnover are as traded, always."""

    day: date
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None = Field(description="null only for an adjusted one that compares with nothing later")
    volume: int | None
    turnover: Decimal | None
    trades: int | None
    source: str
    payload: str = Field(description="SHA-256 of the raw bytes")
    factor: Decimal | None = Field(default=None, description="adjusted by: adjusted = as traded x factor")


class PriceFilter(Strict):
    """Which sessions."""

    since: Day | None = Field(default=None, description="first day")
    until: date | None = Field(default=None, description="last day")
    adjusted: bool = Field(default=False, description="prices adjusted for splits and dividends up to today")
    limit: int = Field(default=250, ge=1, le=5000, description="entries of one page")
    cursor: Annotated[str | None, Cursor(DAY_PLACE)] = Field(default=None, description="of the page before")

    @model_validator(mode="after")
    def _ordered(self) -> PriceFilter:
        """Refuse days in the wrong order."""
        if self.since is not None and self.until is not None and self.since > self.until:
            raise ValueError("since must not be after until")
        return self

    @property
    def last(self) -> date | None:
        """The last day of this page. Raises 422 for a cursor of no day."""
        first = read_day(self.cursor)
        if first is None:
            return self.until
        before = first - timedelta(days=1)
        return before if self.until is None else min(before, self.until)


@route("GET", "/assets/{ticker}/prices", tag="assets", problems=(404, 406, 422, 503), also=(CSV, PARQUET))
async def get_prices(request: Request, path: TickerPath, query: PriceFilter) -> Reply[Listing[PriceBar]] | web.Response:
    """Daily bars, newest first, as traded or adjusted; as JSON, CSV or Parquet by the header `Accept`.

    An adjusted price is null where an event of unknown size lies between its day and today. A file holds one page as
    well: its `Link` header leads to the next one.
    """
    media = chosen_media(request.http, (JSON, CSV, PARQUET))
    if media == PARQUET and importlib.util.find_spec("pyarrow") is None:
        raise Problem(406, f"{extras.lacking('parquet', 'Parquet')} on the server; it gives {JSON} and {CSV}")
    await known(request, path.ticker)
    store = await request.services.store()
    rows = await store.bars.rows(path.ticker, since=query.since, until=query.last, limit=query.limit + 1)
    page = rows[: query.limit]
    place = page[-1].day.isoformat() if len(rows) > query.limit else None
    given = [{k: v for k, v in row._asdict().items() if k != "ticker"} for row in page]
    if query.adjusted and page:
        bars = await store.bars.read(path.ticker, since=page[-1].day)
        factors = dict(zip(bars.days.astype(object), bars.factor.tolist(), strict=True))
        given = [_adjusted(row, factors) for row in given]
    reply = paged(request, [PriceBar(**row) for row in given], place)
    reply.headers["Vary"] = "Accept"
    if media == JSON:
        return reply
    body = await asyncio.to_thread(as_csv if media == CSV else as_parquet, reply.value.items)
    kind = "text/csv; charset=utf-8" if media == CSV else PARQUET
    name = f"{path.ticker}.{'csv' if media == CSV else 'parquet'}"
    headers = {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, headers=reply.headers | headers)


def _adjusted(row: dict[str, Any], factors: Mapping[Any, float]) -> dict[str, Any]:
    """A bar with its prices adjusted; none where its day compares with nothing later."""
    found = factors.get(row["day"])
    if found is None or np.isnan(found):
        return row | dict.fromkeys(PRICES) | {"factor": None}
    factor = Decimal(repr(found))
    prices = {name: None if row[name] is None else (row[name] * factor).quantize(FINEST) for name in PRICES}
    return row | prices | {"factor": factor}


def as_csv(bars: Sequence[PriceBar]) -> bytes:
    """A header and a line a bar; missing is empty, decimals with a point."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(PriceBar.model_fields), lineterminator="\r\n")
    writer.writeheader()
    for bar in bars:
        values = bar.model_dump()
        writer.writerow({k: f"{v:f}" if isinstance(v, Decimal) else v for k, v in values.items()})
    return text.getvalue().encode()


def as_parquet(bars: Sequence[PriceBar]) -> bytes:
    """One table with the same columns: days are dates, money decimals of six places. Needs the extra `parquet`."""
    arrow: Any = extras.require("parquet", "pyarrow", "Parquet")
    parquet: Any = extras.require("parquet", "pyarrow.parquet", "Parquet")
    money, whole, text = arrow.decimal128(24, 6), arrow.int64(), arrow.string()
    kinds = {"day": arrow.date32(), "volume": whole, "trades": whole, "source": text, "payload": text}
    kinds |= {"turnover": money, "factor": arrow.float64(), **dict.fromkeys(PRICES, money)}
    columns: dict[str, list[Any]] = {name: [getattr(bar, name) for bar in bars] for name in PriceBar.model_fields}
    for name in (*PRICES, "turnover"):
        columns[name] = [None if v is None else v.quantize(FINEST) for v in columns[name]]
    columns["factor"] = [None if v is None else float(v) for v in columns["factor"]]
    schema = arrow.schema([(name, kinds[name]) for name in PriceBar.model_fields])
    sink = io.BytesIO()
    parquet.write_table(arrow.table(columns, schema=schema), sink, compression="zstd")
    return sink.getvalue()


ROUTES = (get_prices,)
