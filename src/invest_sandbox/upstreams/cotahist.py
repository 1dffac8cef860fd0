"""B3 COTAHIST: zipped fixed-width files of a year, a month or a day (B3, "Séries históricas", layout of 245 bytes)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial

import numpy as np
import numpy.typing as npt
from aiohttp import web

from invest_sandbox.context import SHELF, today_of, world_of
from invest_sandbox.seeds import stream
from invest_sandbox.static import conditional
from invest_sandbox.world import Days, Listing, Series, World, after_close, is_session

WIDTH = 245
NAME = re.compile(r"COTAHIST_(?:A(?P<y>\d{4})|M(?P<mm>\d\d)(?P<my>\d{4})|D(?P<dd>\d\d)(?P<dm>\d\d)(?P<dy>\d{4}))\.ZIP")
PRICES = {"open": 56, "high": 69, "low": 82, "average": 95, "close": 108}  # 0-based, 13 digits each
MARKS = {
    "DIVIDENDO": "ED", "JRS CAP PROPRIO": "EJ", "RENDIMENTO": "ER", "DESDOBRAMENTO": "EX", "GRUPAMENTO": "EG",
    "BONIFICACAO": "EB",
}  # fmt: skip
MARK = (43, 4)  # of a quote's specification: where it stands and how long it is
MARKED = 8  # sessions from the first one without rights
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


async def serve(request: web.Request) -> web.StreamResponse:
    """One file; 404 as HTML where B3 has none (no session, not yet closed, before the world began)."""
    name = request.match_info["name"].upper()
    world, today = world_of(request), today_of(request)
    window = _window(name)
    if window is None or window[0] > today or window[1] < world.days[0].astype(date):
        return _missing()
    start, end = window
    if start == end and not is_session(start):
        return _missing()
    end = min(end, today)
    body = await request.app[SHELF].slow(("cotahist", name, end), partial(build, world, name, start, end))
    return conditional(request, body, "application/x-zip-compressed", after_close(end))


def _missing() -> web.Response:
    return web.Response(status=404, text="<html><body><h1>404 Not Found</h1></body></html>", content_type="text/html")


def _window(name: str) -> tuple[date, date] | None:
    match = NAME.fullmatch(name)
    if not match:
        return None
    g = match.groupdict()
    try:
        if g["y"]:
            return date(int(g["y"]), 1, 1), date(int(g["y"]), 12, 31)
        if g["my"]:
            first = date(int(g["my"]), int(g["mm"]), 1)
            return first, (first + timedelta(31)).replace(day=1) - timedelta(1)
        day = date(int(g["dy"]), int(g["dm"]), int(g["dd"]))
    except ValueError:
        return None
    return day, day


def build(world: World, name: str, start: date, end: date) -> bytes:
    """The ZIP with the one TXT: header 00, quotes 01 by day, trailer 99 whose count includes both."""
    out = io.BytesIO()
    stamp = f"{end:%Y%m%d}".encode()
    head = b"COTAHIST." + stamp[:4] + b"BOVESPA " + stamp
    rows = 2
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        info = zipfile.ZipInfo(name.replace(".ZIP", ".TXT"), (end.year, end.month, end.day, 22, 11, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w") as text:
            text.write((b"00" + head).ljust(WIDTH) + b"\r\n")
            for chunk, count in _chunks(world, start, end):
                text.write(chunk)
                rows += count
            text.write((b"99" + head + b"%011d" % rows).ljust(WIDTH) + b"\r\n")
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class _Quotes:
    """Rows of one code: its line with the numbers left zero, and columns in whole cents, shares and trades."""

    template: bytes
    days: Days
    prices: Ints  # five rows: open, high, low, average, close
    volume: Ints
    trades: Ints
    strike: Ints
    marks: npt.NDArray[np.bytes_] | None = None  # what each session trades without

    def between(self, start: date, end: date) -> _Quotes:
        """The rows of one stretch of days."""
        first, last = np.searchsorted(self.days, [np.datetime64(start), np.datetime64(end + timedelta(1))])
        cut = slice(int(first), int(last))
        return _Quotes(
            self.template,
            self.days[cut],
            self.prices[:, cut],
            self.volume[cut],
            self.trades[cut],
            self.strike[cut],
            None if self.marks is None else self.marks[cut],
        )


def _chunks(world: World, start: date, end: date) -> Iterator[tuple[bytes, int]]:
    """Month by month, so that a year of 1,000 papers is never in memory as text at once."""
    codes = [q for x in world.listings if x.bdi for q in _named(world, x, start, end)]
    while start <= end:
        stop = min(end, (start.replace(day=1) + timedelta(31)).replace(day=1) - timedelta(1))
        parts = [q for q in (c.between(start, stop) for c in codes) if len(q.days)]
        if parts:
            lines = _lines(parts)
            keys = np.ascontiguousarray(lines[:, 2:24]).view("S22").ravel()  # day, BDI, code
            yield lines[np.argsort(keys, kind="stable")].tobytes(), len(lines)
        start = stop + timedelta(1)


def _lines(parts: list[_Quotes]) -> Bytes:
    """The lines of many codes at once, a matrix of bytes."""
    counts = [len(q.days) for q in parts]
    block = np.repeat(np.array([np.frombuffer(q.template, np.uint8) for q in parts]), counts, axis=0)
    stamps = np.char.replace(np.concatenate([q.days for q in parts]).astype(str), "-", "").astype("S8")
    block[:, 2:10] = np.frombuffer(stamps.tobytes(), np.uint8).reshape(-1, 8)
    prices = np.concatenate([q.prices for q in parts], axis=1)
    volume = np.concatenate([q.volume for q in parts])
    for at, cents in zip(PRICES.values(), prices, strict=True):
        _put(block, at, 13, cents)
    close = prices[4]
    _put(block, 121, 13, close - (close > 1))  # best bid and offer around the close
    _put(block, 134, 13, close)
    _put(block, 147, 5, np.minimum(np.concatenate([q.trades for q in parts]), 99_999))
    _put(block, 152, 18, volume)
    _put(block, 170, 18, volume * prices[3])  # turnover: shares x mean price
    _put(block, 188, 13, np.concatenate([q.strike for q in parts]))
    starts = np.cumsum([0, *counts])
    for q, first in zip(parts, starts.tolist(), strict=False):
        if q.marks is not None:
            block[first : first + len(q.days), MARK[0] : sum(MARK)] = q.marks.view(np.uint8).reshape(-1, MARK[1])
    return block


def _put(block: Bytes, at: int, width: int, values: Ints) -> None:
    """Writes whole numbers, zero-padded, into columns `at`.. of every row."""
    rest = values
    for column in range(at + width - 1, at - 1, -1):
        rest, digit = np.divmod(rest, 10)
        block[:, column] = digit.astype(np.uint8) + 48


def _template(listing: Listing, code: str, bdi: str, market: str, term: str = "") -> bytes:
    """A quote with its numbers left zero: 245 bytes and CRLF."""
    text = (
        "01" + "0" * 8 + bdi + f"{code:<12}{market}{listing.trading[:12]:<12}{listing.especi[:10]:<10}{term:<3}R$  "
        + "0" * 13 * 7 + "0" * 5 + "0" * 18 + "0" * 18 + "0" * 13 + "0" + "99991231" + "0000001" + "0" * 13
        + f"{listing.isin:<12}" + "101"
    )  # fmt: skip
    return text.encode("latin-1", "replace") + b"\r\n"


def _named(world: World, listing: Listing, start: date, end: date) -> Iterator[_Quotes]:
    """What traded under the code of the day: a paper whose code changed has two."""
    former = world.former.get(listing.ticker)
    if former is None or former.until <= start:
        yield from _codes(world, listing, start, end)
        return
    last = former.until - timedelta(1)
    for quotes in _codes(world, listing, start, min(end, last)):
        line = quotes.template
        code = line[12:24].replace(listing.ticker.encode(), former.ticker.encode()).ljust(12)
        yield replace(quotes, template=line[:12] + code + line[24:])
    if former.until <= end:
        yield from _codes(world, listing, former.until, end)


def _codes(world: World, listing: Listing, start: date, end: date) -> Iterator[_Quotes]:
    """Every code under which `listing` trades: round lots, odd lots of shares, derivatives of the best known."""
    s = world.series(listing.ticker)
    span = s.span(start, end)
    days = s.days[span].copy()
    if not len(days):
        return
    prices = np.array([_cents(getattr(s, name)[span]) for name in PRICES])
    volume, trades = s.volume[span].copy(), s.trades[span].copy()
    none = np.zeros(len(days), np.int64)
    own = _template(listing, listing.ticker, listing.bdi, "010")
    yield _Quotes(own, days, prices, volume, trades, none, _marks(s)[span])
    if listing.bdi == "02":
        few = stream(world.seed, "odd", listing.ticker, start.toordinal()).integers(1, 4000, len(days))
        odd = np.array([*prices[:4], prices[3]])  # closes near the mean
        template = _template(listing, listing.ticker + "F", "96", "020")
        yield _Quotes(template, days, odd, few, few // 20 + 1, none)
    if listing.company and listing in world.listings[:12]:
        yield from _derivatives(listing, days, prices, volume)


def _marks(s: Series) -> npt.NDArray[np.bytes_]:
    """What a paper is marked with in each session: for some of them from the first one without rights."""
    marks = np.full(len(s.days), b"    ", "S4")
    for action in s.actions:
        first = int(np.searchsorted(s.days, np.datetime64(action.last_with), side="right"))
        marks[first : first + MARKED] = f"{MARKS[action.label]:<4}".encode()
    return marks


def _cents(values: npt.NDArray[np.float64]) -> Ints:
    return np.maximum(np.rint(values * 100).astype(np.int64), 1)


def _derivatives(listing: Listing, days: Days, prices: Ints, volume: Ints) -> Iterator[_Quotes]:
    """A call, a put and a forward a day on the best-known shares: other markets that a reader must leave out."""
    month = int(str(days[0])[5:7])
    level = int(prices[4][0]) // 100
    others = (
        (f"{listing.issuer}{chr(64 + month)}{level}", "78", "070", 0.05),
        (f"{listing.issuer}{chr(76 + month)}{level}", "82", "080", 0.04),
        (f"{listing.ticker}T", "62", "030", 1.012),
    )
    for code, bdi, market, share in others:
        scaled = np.maximum(np.rint(prices * share).astype(np.int64), 1)
        strike = np.zeros(len(days), np.int64) if bdi == "62" else np.full(len(days), level * 100, np.int64)
        template = _template(listing, code, bdi, market, "030" if bdi == "62" else "000")
        shares = np.maximum(100, volume // 50_000 * 100)
        yield _Quotes(template, days, scaled, shares, np.full(len(days), 7, np.int64), strike)


def routes() -> list[web.RouteDef]:
    """Paths beneath the upstream's base URL."""
    return [web.get("/InstDados/SerHist/{name}", serve)]
