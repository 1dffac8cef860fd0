"""B3's historical quotes: official closes of every paper, by year, month or day, one file for the whole market."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from invest.domain.market import (
    B3_CODE,
    Asset,
    AssetKind,
    Bar,
    BarTable,
    kind_of,
    last_closed_session,
    market_day,
    previous_session,
    session_hours,
    sessions_between,
)
from invest.domain.values import Basis, EventSigns, Harvest, RawPayload
from invest.sources.b3.cotahist_format import ROW, Rows, read_cotahist
from invest.sources.client import Capped, Shelf, Shelved, Shelves, SourceClient, open_zip
from invest.sources.errors import Malformed, NotAvailable, SourceError
from invest.sources.model import YEARS, Answer, Identity, Reading, Want
from invest.sources.plausible import believe
from invest.sources.plausible_tables import clearly_believed

# A session is some 370 kB packed, so a year passes the general limit for zips: 251 sessions of 2024 are 92 MB.
YEAR_BYTES = 256_000_000
FEW = 8  # sessions that are asked day by day; for more, the year's file is less to ask
PAST = 86_400.0  # seconds a file of closed sessions is taken as it was
CURRENT = 900.0  # seconds the running year's and today's file are
FIRST_YEAR, LAST_YEAR = 1986, 2200
LOOK_BACK = 5  # sessions among which the newest file is looked for
SILENT = 180  # days without a trade after which a code is taken for delisted
UNIT_ROOM = 0.07  # of a power of ten: how near to 10, 100 or 1000 times a close must be to be of another unit
JUMP = math.log(4)  # between closes: where it begins to be no move of a market
MARK = slice(4, 8)  # of a specification
PREFERENCE = ("02", "12", "14", "13", "34", "35", "36")


class CotahistSource:
    """Daily bars and the official close."""

    name = "cotahist"

    def __init__(self) -> None:
        self._shelves = Shelves("cotahist", cut)
        self._missing: dict[str, date] = {}

    async def collect(self, client: SourceClient, want: Want) -> Answer:
        """Bars since `want.official_until` (or of six years), and the last close as an observation.

        What could not be had is left for the next collection: of later sessions none before the missing ones, of whole
        years the newest ones without a gap.
        """
        reading = Reading(self.name, client.settings.source(self.name), want.ticker)
        if want.kind in (AssetKind.CRYPTO, AssetKind.INDEX):
            reading.remark("B3 quotes no such asset")
            return reading.close("skipped")
        last = last_closed_session(want.now)
        if want.official_until is not None and want.official_until >= last and not want.force:
            reading.remark(f"has the session of {last} already")
            return reading.close("not_modified")
        known = want.official_until if not want.force else None
        files, problems = await self._fetch(client, files_for(known, last, market_day(want.now)), want, known)
        if problems and not files:
            raise next(iter(problems.values()))
        for name, problem in problems.items():
            year = f", and the years before: invest data backfill --since {name[1:]}" if name.startswith("A") else ""
            reading.remark(f"COTAHIST_{name}: {problem.reason}{year}")
            reading.lacking = True
        await asyncio.to_thread(self._read, reading, want, files, known, last)
        if not reading.harvest.bar_count() and not reading.rejected:
            reading.remark("no quotes of this code in the files read")
        return reading.close()

    async def listed(self, client: SourceClient, now: datetime) -> list[Asset]:
        """Every paper that traded in the newest session there is a file of. Raises `SourceError`."""
        newest = await self._newest(client, now)
        return await asyncio.to_thread(papers, newest.shelf)

    async def event_signs(self, client: SourceClient, want: Want) -> EventSigns:
        """What the paper's quote of the newest session is marked with ("" where it did not trade)."""
        newest = await self._newest(client, want.now)
        rows = np.frombuffer(newest.shelf.get(want.ticker), ROW)
        return EventSigns(mark=mark_of(rows[-1]) if len(rows) else "")

    async def _newest(self, client: SourceClient, now: datetime) -> Shelved:
        """The file of the newest session that there is one of. Raises `SourceError`."""
        day, today = last_closed_session(now), market_day(now)
        for _ in range(LOOK_BACK):
            name = f"D{day:%d%m%Y}"
            if self._missing.get(name) != today:
                try:
                    return await self._one(client, name, today)
                except NotAvailable:  # today's file appears some time after the close
                    if day != today:
                        self._missing[name] = today
            day = previous_session(day)
        raise NotAvailable(self.name, f"no file of the last {LOOK_BACK} sessions")

    async def quotes_of(
        self, client: SourceClient, year: int, tickers: Collection[str], rows: int
    ) -> AsyncIterator[BarTable]:
        """The bars of `tickers` in one year, some papers at a time. Raises `SourceError`."""
        shelved = await self._one(client, f"A{year}", market_day(client.settings.now()))
        last, part, size = last_closed_session(client.settings.now()), list[tuple[str, Rows]](), 0
        for code in sorted(set(tickers) & set(shelved.shelf)):
            quotes = dated(np.frombuffer(await asyncio.to_thread(shelved.shelf.get, code), ROW))
            part.append((code, quotes))
            size += len(quotes)
            if size >= rows:
                yield table_of(part, shelved.payload.sha256, last)
                part, size = [], 0
        if part:
            yield table_of(part, shelved.payload.sha256, last)

    async def _fetch(
        self, client: SourceClient, names: Sequence[str], want: Want, known: date | None
    ) -> tuple[list[Shelved], dict[str, SourceError]]:
        """The files to read, oldest first, and what went wrong with the others by their names.

        They leave no gap: after the day `known` those before the first that failed, else those after the last.
        """
        today = market_day(want.now)
        asked = [name for name in names if self._missing.get(name) != today]
        results = await asyncio.gather(*(self._one(client, name, today) for name in asked), return_exceptions=True)
        found: list[Shelved] = []
        problems: dict[str, SourceError] = {}
        for name, result in zip(asked, results, strict=True):
            if isinstance(result, Shelved):
                if not (problems and known):
                    found.append(result)
            elif isinstance(result, NotAvailable):
                if not name.startswith("A") and _day_of(name) != today:
                    self._missing[name] = today
            elif isinstance(result, SourceError):
                problems[name] = result
                if known is None:
                    found.clear()
            elif isinstance(result, BaseException):
                raise result
        return found, problems

    async def _one(self, client: SourceClient, name: str, today: date) -> Shelved:
        running = name in (f"A{today.year}", f"D{today:%d%m%Y}")
        path = f"/InstDados/SerHist/COTAHIST_{name}.ZIP"
        fresh = CURRENT if running else PAST
        return await self._shelves.fetch(client, self.name, path, fresh_for=fresh, max_bytes=YEAR_BYTES)

    def _read(self, reading: Reading, want: Want, files: Sequence[Shelved], known: date | None, last: date) -> None:
        parts: list[tuple[Rows, RawPayload]] = []
        for shelved in files:
            rows = dated(np.frombuffer(shelved.shelf.get(want.ticker), ROW))
            if not len(rows):
                continue
            reading.keep(shelved.payload, shelved.path)
            for note in shelved.shelf.notes.get("remarks", []):  # type: ignore[attr-defined]  # JSON of our own
                reading.remark(str(note))
            parts.append((rows, shelved.payload))
        if not parts:
            return
        tables = [_columns(rows, want.ticker, payload.sha256) for rows, payload in parts]
        if known is None and clearly_believed(want, tables, last):
            reading.add(Harvest(tables=tables))
            days = [tables[-1].days[-1].astype(date)]
        else:
            bars = {b.day: b for rows, payload in parts for b in bars_of(rows, want.ticker, payload.sha256, known)}
            ordered = [bars[day] for day in sorted(bars)]
            reading.add(Harvest(bars=believe(reading, want, ordered, last)))
            if ordered and not reading.harvest.bars:
                return
            days = [bar.day for bar in reading.harvest.bars]
        newest, payload = max(reversed(parts), key=lambda part: part[0]["date"][-1])  # of files of one day the last
        self._observe(reading, want, newest[-1], payload, days[-1] if days else None)

    def _observe(self, reading: Reading, want: Want, row: np.void, payload: RawPayload, newest: date | None) -> None:
        """Who the paper is and what it closed at, by its newest quote; `newest`: the day of the newest bar kept."""
        bar = next(bars_of(np.array([row], ROW), want.ticker, payload.sha256, None))
        reading.identity = replace(identity_of(row), active=(market_day(want.now) - bar.day).days <= SILENT)
        hours = session_hours(bar.day)
        if hours is None or newest not in (None, bar.day):
            return
        reading.observe("close", bar.close, hours[1], payload, basis=Basis.RAW)
        if bar.volume:
            reading.observe("volume", Decimal(bar.volume), hours[1], payload, unit="count", basis=Basis.RAW)


def papers(shelf: Shelf) -> list[Asset]:
    """The assets of a file by their codes, as its newest quotes name them."""
    quotes = {code: np.frombuffer(shelf.get(code), ROW)[-1] for code in sorted(shelf)}
    found = {code: identity_of(row) for code, row in quotes.items()}
    return [
        Asset(ticker=code, kind=identity.kind or AssetKind.OTHER, name=identity.name, isin=identity.isin)
        for code, identity in found.items()
    ]


def files_for(known: date | None, last: date, today: date) -> list[str]:
    """Names of the files that hold the sessions after `known` (None: six years) up to `last`.

    A few sessions are asked one by one; more through the years' files.
    """
    if known is None:
        first = max(FIRST_YEAR, last.year - YEARS + 1)
        return [f"A{year}" for year in range(first, last.year + 1)]
    sessions = [day.astype(date) for day in sessions_between(known + timedelta(days=1), last)]
    if len(sessions) <= FEW:
        return [f"D{day:%d%m%Y}" for day in sessions]
    return [f"A{year}" for year in range(sessions[0].year, last.year + 1)]


def _day_of(name: str) -> date | None:
    return date(int(name[5:9]), int(name[3:5]), int(name[1:3])) if name.startswith("D") else None


def cut(source: Path, shelf: Path) -> None:
    """Parse the zip at `source` and write its quotes by ticker. Raises `Malformed`."""
    with open_zip("cotahist", source) as archive:
        entries = [e for e in archive.infolist() if not e.is_dir() and e.file_size]
        if not entries:
            raise Malformed("cotahist", "a zip without a file")
        entry = max(entries, key=lambda e: e.file_size)
        with archive.open(entry) as stream:
            try:
                parsed = read_cotahist(Capped("cotahist", stream, entry.file_size))
            except ValueError as error:
                raise Malformed("cotahist", str(error)) from None
    if unnamed := unnamed_codes(parsed.rows):
        parsed.remarks.append(f"{len(unnamed)} codes are of no known form and left out: {', '.join(unnamed[:5])}")
    Shelf.write(shelf, by_ticker(parsed.rows), {"remarks": parsed.remarks, "lines": parsed.lines})


def by_ticker(rows: Rows) -> Iterator[tuple[str, bytes]]:
    """Quotes grouped by code, days ascending; of two quotes of a day the round lot's (else the larger) is kept."""
    best = np.zeros(len(rows), np.int8)
    for rank, code in enumerate(PREFERENCE):
        best[rows["bdi"] == code.encode()] = len(PREFERENCE) - rank
    order = np.lexsort((rows["turnover"], best, rows["date"], rows["ticker"]))
    rows = rows[order]
    if not len(rows):
        return
    last_of_day = np.ones(len(rows), bool)
    last_of_day[:-1] = (rows["ticker"][1:] != rows["ticker"][:-1]) | (rows["date"][1:] != rows["date"][:-1])
    rows = rows[last_of_day]
    starts = np.flatnonzero(np.concatenate([[True], rows["ticker"][1:] != rows["ticker"][:-1]]))
    codes = named(code.decode("latin-1") for code in rows["ticker"][starts].tolist())
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        name = codes.get(rows["ticker"][start].decode("latin-1"))
        if name is not None:
            yield name, rows[start:end].tobytes()


def named(codes: Iterable[str]) -> dict[str, str]:
    """The code that each paper of a file is kept under; odd lots, and what is no code, are left out.

    A paper traded over the counter alone (EQMA3B) goes by its base code; where both exist, the base is the paper.
    """
    given = {code.strip() for code in codes}
    matches = {code: match for code in given if (match := B3_CODE.fullmatch(code)) and not code.endswith("F")}
    bases = {code: match[1] + match[2] for code, match in matches.items()}
    return {code: base for code, base in bases.items() if code == base or base not in matches}


def unnamed_codes(rows: Rows) -> list[str]:
    """The codes of a file that are none of B3's form, in order."""
    codes = (code.decode("latin-1").strip() for code in np.unique(rows["ticker"]).tolist())
    return [code for code in codes if not B3_CODE.fullmatch(code)]


def dated(rows: Rows) -> Rows:
    """The quotes of days that exist."""
    years, rest = np.divmod(rows["date"].astype(np.int64), 10_000)
    months, days = np.divmod(rest, 100)
    sane = (years >= FIRST_YEAR) & (years < LAST_YEAR) & (months >= 1) & (months <= 12) & (days >= 1)
    first = (np.where(sane, years, FIRST_YEAR) - 1970) * 12 + np.where(sane, months, 1) - 1
    after = (first + 1).astype("datetime64[M]").astype("datetime64[D]")
    lengths = (after - first.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)
    real: Rows = rows[sane & (days <= lengths)]
    return real


def bars_of(rows: Rows, ticker: str, payload: str, known: date | None) -> Iterator[Bar]:
    """Bars of `dated` quotes after the day `known`; a zero volume or turnover is none."""
    after = int(known.strftime("%Y%m%d")) if known else 0
    wanted = rows[rows["date"] > after]
    names = ("date", "open", "high", "low", "close", "volume", "turnover", "trades")
    # Whole columns become Python's numbers at once: field by field it takes as long as all the rest.
    for stamp, opening, high, low, close, volume, turnover, trades in zip(
        *(wanted[name].tolist() for name in names), strict=True
    ):
        yield Bar(
            ticker,
            _day_of_stamp(stamp),
            _price(opening),
            _price(high),
            _price(low),
            _price(close),
            volume,
            Decimal(turnover).scaleb(-2),
            trades,
            "cotahist",
            payload,
        )


@lru_cache(maxsize=16_384)  # every paper trades on the same days
def _day_of_stamp(stamp: int) -> date:
    return date(stamp // 10000, stamp // 100 % 100, stamp % 100)


def table_of(papers_: Sequence[tuple[str, Rows]], payload: str, last: date) -> BarTable:
    """Quotes of several papers as columns; those without prices that can be, and of sessions not over, are left out.

    So are closes in another unit than both those beside them and what their own turnover over volume gives.
    """
    rows = np.concatenate([quotes for _, quotes in papers_])
    names = np.repeat([code for code, _ in papers_], [len(quotes) for _, quotes in papers_])
    table = _columns(rows, names, payload)
    sane = (table.close > 0) & (table.low > 0) & (table.high >= table.low) & (table.days <= np.datetime64(last, "D"))
    return table.take(sane & ~_denied(rows, names))


def _columns(rows: Rows, names: str | npt.NDArray[np.str_], payload: str) -> BarTable:
    """`dated` quotes of a paper, or each of the paper that `names` says, as columns."""
    years, rest = np.divmod(rows["date"].astype(np.int64), 10_000)
    months = ((years - 1970) * 12 + rest // 100 - 1).astype("datetime64[M]")
    return BarTable(
        tickers=np.full(len(rows), names) if isinstance(names, str) else names.astype(str),
        days=months.astype("datetime64[D]") + (rest % 100 - 1).astype("timedelta64[D]"),
        open=rows["open"],
        high=rows["high"],
        low=rows["low"],
        close=rows["close"],
        volume=rows["volume"],
        turnover=rows["turnover"],
        trades=rows["trades"].astype(np.int64),
        source="cotahist",
        payload=payload,
    )


def _denied(rows: Rows, names: npt.NDArray[np.str_]) -> npt.NDArray[np.bool_]:
    """Which quotes, days ascending by paper, are off the closes beside them and are denied by their own turnover."""
    close = rows["close"] / 1e6
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = rows["turnover"] / 100 / rows["volume"]
        powers = np.log10(close / mean)
        units = np.abs(np.rint(powers))
        denied = np.isfinite(powers) & (units >= 1) & (units <= 3) & (np.abs(powers - np.rint(powers)) < UNIT_ROOM)
        jumps = (np.abs(np.log(close[1:] / close[:-1])) > JUMP) | (names[1:] != names[:-1])
    return np.asarray(denied & np.append(True, jumps) & np.append(jumps, True))


def _price(micros: int) -> Decimal:
    return Decimal(micros // 10_000).scaleb(-2) if micros % 10_000 == 0 else Decimal(micros).scaleb(-6)


def mark_of(row: np.void) -> str:
    """What a quote's specification says between class and listing segment: ED, EJ, ER, ES and others trade without a
    dividend, interest, income, a right to subscribe, for some sessions from the first one on."""
    return str(row["spec"].decode("latin-1")[MARK].strip())


def identity_of(row: np.void) -> Identity:
    """The paper that a quote names: trading name, kind, ISIN."""
    bdi, spec = row["bdi"].decode("latin-1"), row["spec"].decode("latin-1")
    code = row["ticker"].decode("latin-1")
    kind = kind_of(code, bdi=bdi, especi=spec)
    name = row["name"].decode("latin-1").strip()
    return Identity(name=name or None, kind=kind, isin=row["isin"].decode("latin-1") or None, active=True)
