"""B3 COTAHIST: zipped fixed-width files of a year, a month or a day (B3, "Séries históricas", layout of 245 bytes)."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial

import numpy as np
import numpy.typing as npt
from aiohttp import web

from invest.sandbox.context import SHELF, today_of, world_of
from invest.sandbox.seeds import stream
from invest.sandbox.static import conditional
from invest.sandbox.world.listings import Listing
from invest.sandbox.world.series import Series
from invest.sandbox.world.sessions import after_close, is_session
from invest.sandbox.world.world import World

WIDTH = 245
NAME = re.compile(r"COTAHIST_(?:A(?P<y>\d{4})|M(?P<mm>\d\d)(?P<my>\d{4})|D(?P<dd>\d\d)(?P<dm>\d\d)(?P<dy>\d{4}))\.ZIP")
PRICES = {"open": 56, "high": 69, "low": 82, "average": 95, "close": 108}  # 0-based, 13 digits each
Bytes = npt.NDArray[np.uint8]


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


def _chunks(world: World, start: date, end: date) -> Iterator[tuple[bytes, int]]:
    """Month by month, so that a year of 1,000 papers never lies in memory at once."""
    papers = [x for x in world.listings if x.bdi]
    while start <= end:
        stop = min(end, (start.replace(day=1) + timedelta(31)).replace(day=1) - timedelta(1))
        blocks = [_quotes(x, world.series(x.ticker), start, stop) for x in papers]
        blocks += [_odd_lots(world.seed, x, world.series(x.ticker), start, stop) for x in papers if x.bdi == "02"]
        blocks += [_derivatives(x, world.series(x.ticker), start, stop) for x in papers[:12] if x.company]
        lines = np.concatenate(blocks)
        if len(lines):
            keys = np.ascontiguousarray(lines[:, 2:24]).view("S22").ravel()  # day, BDI, code
            lines = lines[np.argsort(keys, kind="stable")]
            yield lines.tobytes(), len(lines)
        start = stop + timedelta(1)


def _put(block: Bytes, at: int, width: int, values: npt.NDArray[np.int64]) -> None:
    """Writes whole numbers, zero-padded, into columns `at`.. of every row."""
    rest = values.copy()
    for column in range(at + width - 1, at - 1, -1):
        rest, digit = np.divmod(rest, 10)
        block[:, column] = digit.astype(np.uint8) + 48


def _template(listing: Listing, code: str, bdi: str, market: str, term: str = "") -> bytes:
    """A quote with its numbers left zero: 245 bytes and CRLF."""
    text = (
        "01" + "0" * 8 + bdi + f"{code:<12}{market}{listing.trading[:12]:<12}{listing.especi:<10}{term:<3}R$  "
        + "0" * 13 * 7 + "0" * 5 + "0" * 18 + "0" * 18 + "0" * 13 + "0" + "99991231" + "0000001" + "0" * 13
        + f"{listing.isin:<12}" + "101"
    )  # fmt: skip
    return text.encode("latin-1", "replace") + b"\r\n"


def _rows(template: bytes, days: Sequence[np.datetime64] | npt.NDArray[np.datetime64]) -> Bytes:
    block = np.tile(np.frombuffer(template, np.uint8), (len(days), 1))
    stamps = np.array(days, "datetime64[D]").astype("datetime64[D]").astype(str)
    digits = np.char.replace(stamps, "-", "").astype("S8")
    if len(days):
        block[:, 2:10] = np.frombuffer(digits.tobytes(), np.uint8).reshape(-1, 8)
    return block


def _fill(block: Bytes, prices: dict[str, npt.NDArray[np.float64]], volume: npt.NDArray[np.int64]) -> None:
    """Prices, shares and turnover of a block; turnover is shares x mean price."""
    cents = {k: np.rint(v * 100).astype(np.int64) for k, v in prices.items()}
    for key, at in PRICES.items():
        _put(block, at, 13, cents[key])
    _put(block, 121, 13, cents["close"] - (cents["close"] > 1))  # best bid and offer around the close
    _put(block, 134, 13, cents["close"])
    _put(block, 152, 18, volume)
    _put(block, 170, 18, volume * cents["average"])


def _columns(s: Series, span: slice, price: float = 1.0) -> dict[str, npt.NDArray[np.float64]]:
    return {k: np.maximum(np.round(getattr(s, k)[span] * price, 2), 0.01) for k in PRICES}


def _quotes(listing: Listing, s: Series, start: date, end: date) -> Bytes:
    """The cash market's round lots."""
    span = s.span(start, end)
    block = _rows(_template(listing, listing.ticker, listing.bdi, "010"), s.days[span])
    _fill(block, _columns(s, span), s.volume[span])
    _put(block, 147, 5, np.minimum(s.trades[span], 99_999))
    return block


def _odd_lots(seed: int, listing: Listing, s: Series, start: date, end: date) -> Bytes:
    """The fractional market: its own code with F, a few shares at about the same price."""
    span = s.span(start, end)
    block = _rows(_template(listing, listing.ticker + "F", "96", "020"), s.days[span])
    prices = _columns(s, span)
    prices["close"] = prices["average"]
    volume = stream(seed, "odd", listing.ticker, start.toordinal()).integers(1, 4000, len(block))
    _fill(block, prices, volume)
    _put(block, 147, 5, np.minimum(volume // 20 + 1, 99_999))
    return block


def _derivatives(listing: Listing, s: Series, start: date, end: date) -> Bytes:
    """A call, a put and a forward a day on the best-known shares: other markets that a reader must leave out."""
    span = s.span(start, end)
    month = start.month
    others = (
        (f"{listing.issuer}{chr(64 + month)}{int(s.close[span][0]) if len(s.close[span]) else 1}", "78", "070", 0.05),
        (f"{listing.issuer}{chr(76 + month)}{int(s.close[span][0]) if len(s.close[span]) else 1}", "82", "080", 0.04),
        (f"{listing.ticker}T", "62", "030", 1.012),
    )
    blocks = []
    for code, bdi, market, price in others:
        block = _rows(_template(listing, code, bdi, market, "030" if bdi == "62" else ""), s.days[span])
        _fill(block, _columns(s, span, price), np.maximum(100, s.volume[span] // 50_000 * 100))
        _put(block, 147, 5, np.full(len(block), 7, np.int64))
        if bdi != "62":
            _put(block, 188, 13, np.rint(s.close[span] * 100).astype(np.int64))  # strike
        blocks.append(block)
    return np.concatenate(blocks)


def routes() -> list[web.RouteDef]:
    """Paths beneath the upstream's base URL."""
    return [web.get("/InstDados/SerHist/{name}", serve)]
