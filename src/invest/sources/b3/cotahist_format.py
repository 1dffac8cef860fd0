"""B3's COTAHIST: fixed-width lines of 245 bytes, latin-1, parsed in columns (B3, layout of its historical quotes).

Record 01 holds one paper of one session. Numbers are zero-padded digits; prices have two decimals and are quoted for
FATCOT papers. Prices come out in micro-BRL (BRL x 1,000,000), so that a FATCOT of 10,000 stays exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

WIDTH = 245
MICRO = 10_000  # a centavo in micro-BRL
CHUNK = 8192  # lines at once: 2 MB, what fits a core's cache

CASH = b"010"
# CODBDI of papers that somebody holds, rights, receipts and warrants (10, 22) and what B3 calls others (58: a share
# such as GOLL4 in 2024) included. The rest are options, forwards, auctions and exercises (18, 32-33, 38, 42, 46-56,
# 60-62, 66-78, 82-96), left out by rule.
ASSET_BDI = frozenset(b"02 05 06 07 08 09 10 11 12 13 14 22 34 35 36 37 58".split())

# First and last byte (0-based, end excluded) of each number.
_FIELDS: dict[str, tuple[int, int]] = {
    "date": (2, 10),
    "open": (56, 69),
    "high": (69, 82),
    "low": (82, 95),
    "average": (95, 108),
    "close": (108, 121),
    "trades": (147, 152),
    "volume": (152, 170),
    "turnover": (170, 188),
    "factor": (210, 217),
}
_NUMBERS = (56, 188)  # the bytes that must all be digits, with those of `date` and `factor`
_TEXTS: dict[str, tuple[int, int]] = {
    "ticker": (12, 24),
    "bdi": (10, 12),
    "market": (24, 27),
    "name": (27, 39),
    "spec": (39, 49),
    "isin": (230, 242),
}
ROW = np.dtype(
    [
        ("ticker", "S12"),
        ("date", "<i4"),
        ("bdi", "S2"),
        ("market", "S3"),
        ("name", "S12"),
        ("spec", "S10"),
        ("isin", "S12"),
        ("open", "<i8"),
        ("high", "<i8"),
        ("low", "<i8"),
        ("average", "<i8"),
        ("close", "<i8"),
        ("trades", "<i4"),
        ("volume", "<i8"),
        ("turnover", "<i8"),
    ]
)
"""One quote: `date` as yyyymmdd, prices in micro-BRL, volume in papers, turnover in centavos.
`name` and `spec` keep their trailing blanks."""

Rows = npt.NDArray[np.void]


class Readable(Protocol):
    """Anything with `read(size)`."""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty at the end."""


@dataclass(slots=True)
class Cotahist:
    """Quotes of one file, and what was odd about it. `lines` counts records 01 of all markets."""

    rows: Rows
    lines: int = 0
    malformed: int = 0
    announced: int | None = None
    remarks: list[str] = field(default_factory=list)


def parse_cotahist(data: bytes, *, every_market: bool = False) -> Cotahist:
    """Quotes of a whole file in memory. `every_market` keeps options, forwards and the rest as well."""
    return read_cotahist(_Buffer(data), every_market=every_market)


def read_cotahist(stream: Readable, *, every_market: bool = False) -> Cotahist:
    """Quotes of a stream, read some lines at a time; keeps the cash market's assets unless `every_market`.

    Raises `ValueError` where the first line is no COTAHIST line.
    """
    result, parts = Cotahist(np.empty(0, ROW)), []
    for block in _blocks(stream):
        kind = block[:, :2]
        quotes = (kind[:, 0] == ord("0")) & (kind[:, 1] == ord("1"))
        result.lines += int(quotes.sum())
        for line in block[(kind[:, 0] == ord("9")) & (kind[:, 1] == ord("9"))]:
            result.announced = _count(line)
        kept = block[quotes if every_market else quotes & _wanted(block)]
        if len(kept):
            parts.append(_columns(kept, result))
    if parts:
        result.rows = np.concatenate(parts)
    _remark(result)
    return result


def _wanted(block: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    cash = (block[:, 24] == CASH[0]) & (block[:, 25] == CASH[1]) & (block[:, 26] == CASH[2])
    bdi = block[:, 10].astype(np.uint16) * 256 + block[:, 11]
    return np.asarray(cash & np.isin(bdi, _BDI_NUMBERS))


_BDI_NUMBERS = np.array([code[0] * 256 + code[1] for code in ASSET_BDI], np.uint16)


def _columns(block: npt.NDArray[np.uint8], result: Cotahist) -> Rows:
    """Rows of lines that all are quotes; lines with anything but digits in their numbers are dropped and counted."""
    sane = _all_digits(block)
    if sane is not None:
        result.malformed += int((~sane).sum())
        block = block[sane]
    numbers = {name: _digits(block, start, end) for name, (start, end) in _FIELDS.items()}
    rows = np.empty(len(block), ROW)
    factor = np.maximum(numbers.pop("factor"), 1)
    lots = bool((factor != 1).any())
    for name in ("open", "high", "low", "average", "close"):
        micros = numbers.pop(name) * MICRO
        rows[name] = micros // factor if lots else micros
    for name, values in numbers.items():
        rows[name] = values
    for name, (start, end) in _TEXTS.items():
        text = np.ascontiguousarray(block[:, start:end])
        if name in ("ticker", "isin"):
            text[text == ord(" ")] = 0  # no blanks within, and numpy drops trailing NULs by itself
        rows[name] = text.view(f"S{end - start}").ravel()
    return rows


def _all_digits(block: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_] | None:
    """Which lines have digits only in their numbers; None for all of them, which is found out faster."""
    start, end = _NUMBERS
    parts = [block[:, start:end] - ord("0"), block[:, 2:10] - ord("0"), block[:, 210:217] - ord("0")]
    if not len(block) or max(part.max() for part in parts) <= 9:
        return None
    return np.asarray(np.logical_and.reduce([(part <= 9).all(axis=1) for part in parts]))


def _digits(block: npt.NDArray[np.uint8], start: int, end: int) -> npt.NDArray[np.int64]:
    """The whole numbers that ASCII digits spell in these columns, eight at a time from the right."""
    total, scale = np.zeros(len(block), np.int64), 1
    while end > start:
        word = np.ascontiguousarray(block[:, end - 8 : end]).view("<u8").ravel()
        have = min(8, end - start)
        if have < 8:
            word = word & np.uint64((2**64 - 1) >> (8 * (8 - have)) << (8 * (8 - have)))
        total += _eight(word).astype(np.int64) * scale
        end, scale = end - 8, scale * 100_000_000
    return total


def _eight(word: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The number that eight ASCII digits spell, first digit in the lowest byte: pairs, then fours, then all eight."""
    word = word & np.uint64(0x0F0F0F0F0F0F0F0F)
    word = (word * np.uint64(10) + (word >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    word = (word * np.uint64(100) + (word >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    return (word * np.uint64(10_000) + (word >> np.uint64(32))) & np.uint64(0x00000000FFFFFFFF)


def _blocks(stream: Readable) -> Iterator[npt.NDArray[np.uint8]]:
    """Whole lines as rows of bytes, without their ends."""
    head = stream.read(WIDTH + 2)
    if head[:2] not in (b"00", b"01", b"99"):
        raise ValueError(f"no COTAHIST: it starts with {head[:16]!r}")
    at = head.find(b"\n")
    step = at + 1 if at >= 0 else len(head)
    rest = head
    while data := stream.read(step * CHUNK):
        rest += data
        whole = len(rest) // step * step
        lines = np.frombuffer(rest[:whole], np.uint8).reshape(-1, step)
        if step < WIDTH or not (lines[:, step - 1] == ord("\n")).all():
            yield from _ragged(rest, stream)
            return
        yield lines[:, :WIDTH]
        rest = rest[whole:]
    if len(rest) >= WIDTH:
        yield from _padded(rest.split(b"\n"))


def _ragged(rest: bytes, stream: Readable) -> Iterator[npt.NDArray[np.uint8]]:
    """The slow way, for files whose lines differ in length (trailing blanks cut, line ends mixed)."""
    while data := stream.read(WIDTH * CHUNK):
        *lines, tail = (rest + data).split(b"\n")
        yield from _padded(lines)
        rest = tail
    yield from _padded(rest.split(b"\n"))


def _padded(lines: list[bytes]) -> Iterator[npt.NDArray[np.uint8]]:
    whole = [line.rstrip(b"\r")[:WIDTH].ljust(WIDTH) for line in lines if len(line.strip()) > 20]
    if whole:
        yield np.frombuffer(b"".join(whole), np.uint8).reshape(-1, WIDTH)


def _count(trailer: npt.NDArray[np.uint8]) -> int | None:
    text = trailer[31:42].tobytes()
    return int(text) if text.isdigit() else None


def _remark(result: Cotahist) -> None:
    if result.malformed:
        result.remarks.append(f"{result.malformed} lines without proper numbers left out")
    if result.announced is None:
        result.remarks.append("no trailer: the file may be cut")
    elif result.announced not in (result.lines, result.lines + 1, result.lines + 2):
        result.remarks.append(f"the trailer announces {result.announced} records, {result.lines} quotes were read")


class _Buffer:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = memoryview(data), 0

    def read(self, size: int, /) -> bytes:
        chunk = self._data[self._at : self._at + size]
        self._at += len(chunk)
        return bytes(chunk)
