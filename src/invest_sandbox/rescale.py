"""Damage bytes on purpose: money in another unit, unreadable bodies."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

# Names of money, volume and shares in JSON of brapi, Yahoo, B3 and Olinda.
_MONEY = re.compile(
    rb'("(?:regularMarketPrice|regularMarketOpen|regularMarketDay(?:High|Low)|regularMarketPreviousClose|open|high|low|last|'
    rb'close|adjustedClose|rate|valueCash|priceEarnings|totalRevenue|netIncome|bidPrice|valor|Mediana)":\s*"?)(-?\d+(?:[.,]\d+)?)'
)
PT = str.maketrans(",.", ".,")
_KLINE = re.compile(rb'(")(\d+\.\d+)(?=")')  # Binance's rows have no names, and their numbers are text
_COLUMNS = re.compile(rb'("[ohlc]":)(\[[^\]]*\])')
_GRID = re.compile(rb'("rateValue\d+":")([\d.]*\d,\d+)')  # B3's index points
_HTML_PRICE = re.compile(  # Fundamentus' table and the page of one paper
    rb'(</a></span></td><td>|Cota\xe7\xe3o</span></td><td class="data"><span class="txt">)([\d.]*\d,\d+)'
)


def rescale(body: bytes, factor: float) -> bytes:
    """`body` with its money multiplied: JSON by field name, klines, pages by label, zips inside their members."""
    if body[:2] == b"PK":
        return _rescaled_zip(body, factor)
    if body.startswith(b'{"t":['):  # columns of candles: their figures have no names
        return _COLUMNS.sub(lambda m: m[1] + _KLINE.sub(lambda n: n[1] + b"%.8f" % (float(n[2]) * factor), m[2]), body)
    if body[:2] == b"[[":
        return _KLINE.sub(lambda m: m[1] + b"%.8f" % (float(m[2]) * factor), body)
    if b'"rateValue1"' in body[:2000]:
        return _GRID.sub(lambda m: m[1] + f"{float(_plain(m[2])) * factor:,.2f}".translate(PT).encode(), body)
    if b"FUNDAMENTUS" in body[:2000]:
        return _HTML_PRICE.sub(lambda m: m[1] + _brazilian(m[2], factor), body)

    def multiplied(match: re.Match[bytes]) -> bytes:
        comma = b"," in match[2]
        value = float(match[2].replace(b",", b".")) * factor
        text = f"{value:.8g}" if abs(value) < 1e15 else f"{value:.0f}"
        return match[1] + (text.replace(".", ",") if comma else text).encode()

    return _MONEY.sub(multiplied, body)


def _plain(text: bytes) -> bytes:
    """1.054,70 is 1054.70."""
    return text.replace(b".", b"").replace(b",", b".")


def _brazilian(text: bytes, factor: float) -> bytes:
    """54,70 times 1000 is 54700,00."""
    value = float(_plain(text)) * factor
    return (b"%.2f" % value).replace(b".", b",")


def _rescaled_zip(body: bytes, factor: float) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            change: Callable[[bytes], bytes] = _quote if name.upper().endswith(".TXT") else _account
            lines = source.read(name).split(b"\r\n")
            target.writestr(name, b"\r\n".join(_each(line, change, factor) for line in lines))
    return out.getvalue()


def _each(line: bytes, change: Callable[..., bytes], factor: float) -> bytes:
    return change(line, factor) if line else line


def _quote(line: bytes, factor: float = 1.0) -> bytes:
    """A COTAHIST quote with its five prices multiplied."""
    if line[:2] != b"01":
        return line
    for at in (56, 69, 82, 95, 108):
        line = line[:at] + b"%013d" % min(10**13 - 1, round(int(line[at : at + 13]) * factor)) + line[at + 13 :]
    return line


_VALUE = re.compile(rb";(-?\d+\.\d{10});([SN])$")


_WORTH = re.compile(rb"^(FUNDO DE INDICE;[^;]*;[^;]*;[^;]*;[^;]*;)(\d+\.\d+);(\d+\.\d+);")


def _account(line: bytes, factor: float = 1.0) -> bytes:
    """A CVM account, or an index fund's unit and net worth of a day, with its value multiplied."""
    if line.startswith(b"FUNDO DE INDICE;"):
        return _WORTH.sub(lambda m: m[1] + b"%.12f;%.2f;" % (float(m[2]) * factor, float(m[3]) * factor), line)
    return _VALUE.sub(lambda m: b";%.10f;%s" % (float(m[1]) * factor, m[2]), line)


def garble(body: bytes) -> bytes:
    """Neither JSON nor XML nor a zip any more: its second half comes first, without the last bytes."""
    half = len(body) // 2
    return body[half:-3] + b'\x00<html>"' + body[:half]
